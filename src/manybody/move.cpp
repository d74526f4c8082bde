#include "koushi/manybody/move.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

Move Move::step(int p, int c) { return {1, 0, {p}, {c}}; }
Move Move::transfer(int p, int q, int c) { return {2, 0, {p, q}, {-c, c}}; }
Move Move::hop(int p, int q) { return {2, 1, {p, q}, {-1, 1}}; }
Move Move::two_hops(int p, int q, int r, int s) { return {4, 2, {p, q, r, s}, {-1, 1, -1, 1}}; }

int UniqueMoves::number(const Move& move) {
  const auto [place, is_new] = numbers_.try_emplace(move, static_cast<int>(moves.size()));
  if (is_new) moves.push_back(move);
  return place->second;
}

namespace {

/// Places of fermions that must be empty where no site may hold two, for one direction of a move.
void set_guards(const Space& space, const Move& move, int sigma, std::int16_t (&guard)[2], bool& possible) {
  guard[0] = guard[1] = -1;
  int next = 0;
  possible = true;
  for (int k = 0; k < move.n; ++k) {
    const auto i = static_cast<std::size_t>(k);
    if (!space.is_fermionic(move.place[i]) || sigma * move.change[i] < 0) continue;
    for (int f = 0; f < space.n_flavours(); ++f) {
      const int other = space.place(f, space.site_of(move.place[i]));
      if (other == move.place[i] || !space.is_fermionic(other)) continue;
      int change = 0;
      for (std::size_t l = 0; l < static_cast<std::size_t>(move.n); ++l) {
        if (move.place[l] == other) change = sigma * move.change[l];
      }
      if (change > 0) possible = false;  // two come to one site
      if (change != 0) continue;
      if (next == 2) throw InternalError("a move brings more than two fermions to other sites");
      guard[next++] = static_cast<std::int16_t>(other);
    }
  }
}

}  // namespace

MoveSites move_sites(const Space& space, const Move& move) {
  MoveSites sites{};
  const auto refuse = [&](const std::string& fault) {
    std::string text;
    for (int k = 0; k < move.n && k < MoveSites::max_places; ++k) {
      text += fmt::format("{}place {} {:+}", k > 0 ? ", " : "", move.place[static_cast<std::size_t>(k)],
                          move.change[static_cast<std::size_t>(k)]);
    }
    throw UsageError(fmt::format("a move ({}) {}", text, fault));
  };
  if (move.n < 1 || move.n > MoveSites::max_places || 2 * move.hops > move.n)
    refuse("changes no place, or more than four");
  sites.n = static_cast<std::int8_t>(move.n);
  sites.hops = static_cast<std::int8_t>(move.hops);
  sites.either = 1;
  std::array<std::array<int, MoveSites::max_places>, 2> range{};
  bool at_ends = true;  // of their ranges are all places, before and after
  for (int k = 0; k < move.n; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const int p = move.place[i];
    if (p < 0 || p >= space.n_places())
      refuse(fmt::format("is of a place that is none of 0 ... {}", space.n_places() - 1));
    for (std::size_t l = 0; l < i; ++l) {
      if (move.place[l] == p) refuse("changes one place twice");
    }
    const LocalSpace& local = space.local(p);
    const int change = move.change[i];
    if (change == 0 || change % local.step != 0 || std::abs(change) > local.max - local.min) {
      refuse(fmt::format("changes a place by {}, which holds {} ... {} in steps of {}", change, local.min, local.max,
                         local.step));
    }
    const bool hops = k < 2 * move.hops;
    if (space.is_fermionic(p) != hops)
      refuse(hops ? "lets a particle hop where there is no fermion" : "changes a fermion mode without a hop");
    sites.place[k] = static_cast<std::int16_t>(p);
    sites.change[k] = static_cast<std::int8_t>(change);
    range[0][i] = local.min;
    range[1][i] = local.max;
    if (2 * std::abs(change) > local.max - local.min) sites.either = 0;
    at_ends = at_ends && std::abs(change) == local.max - local.min;
  }
  for (int h = 0; h < move.hops; ++h) {
    if (move.change[static_cast<std::size_t>(2 * h)] != -1 || move.change[static_cast<std::size_t>(2 * h + 1)] != 1)
      refuse("is no hop from the first place to the second");
  }
  sites.test = at_ends ? MoveSites::two_valued : MoveSites::in_range;
  for (auto& of_direction : sites.guard) of_direction[0] = of_direction[1] = -1;
  if (space.exclusive()) {
    for (const int sigma : {1, -1}) {
      bool possible = true;
      auto& guard = sites.guard[sigma > 0 ? 0 : 1];
      set_guards(space, move, sigma, guard, possible);
      if (!possible) refuse("brings two fermions to one site, which may hold one");
      if (guard[0] >= 0) sites.test = MoveSites::guarded;
    }
  }
  for (std::size_t k = 0; k < static_cast<std::size_t>(move.n); ++k) {
    if (sites.test == MoveSites::two_valued && move.change[k] < 0) std::swap(range[0][k], range[1][k]);
    for (std::size_t b = 0; b < 2; ++b)
      sites.bound[b] |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(range[b][k])) << (8U * k);
  }
  return sites;
}

MoveList make_move_list(const Space& space, const std::vector<Move>& moves) {
  MoveList list("koushi::manybody::moves", moves.size());
  const auto host = Kokkos::create_mirror_view(list);
  for (std::size_t k = 0; k < moves.size(); ++k) host(k) = move_sites(space, moves[k]);
  Kokkos::deep_copy(list, host);
  return list;
}

}  // namespace koushi
