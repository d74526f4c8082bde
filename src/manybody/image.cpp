#include "koushi/manybody/image.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/manybody/sector_basis.hpp"

namespace koushi {

Image Image::of_sites(const Space& space, const std::vector<int>& g, std::complex<double> weight) {
  Image image;
  image.weight = weight;
  for (int p = 0; p < space.n_places(); ++p)
    image.place.push_back(space.place(space.flavour_of(p), g[static_cast<std::size_t>(space.site_of(p))]));
  return image;
}

Image Image::with_spins_turned(const Space& space) const {
  const std::optional<SpinInversion> inversion = spin_inversion(space);
  if (!inversion) throw UsageError("the states of this sector have no spin inversion");
  Image image;
  image.weight = weight;
  for (std::size_t p = 0; p < place.size(); ++p) {
    image.place.push_back(inversion->place[static_cast<std::size_t>(place[p])]);
    if (space.local(static_cast<int>(p)).kind == LocalSpace::Kind::spin) {
      image.sign.resize(place.size(), 1);
      image.sign[p] = -1;
    }
  }
  // electrons of one spin are numbered before those of the other one
  for (const Charge& charge : space.charges()) {
    if (charge.name == "up" && charge.value) image.shift = *charge.value;
  }
  if (image.shift % 2 != 0) image.weight = -image.weight;
  return image;
}

void Image::write(const HostState& x, const StateView& to, std::size_t particles) const {
  const auto number = [&](int a) { return (a + shift) % static_cast<int>(particles); };
  for (std::size_t p = 0; p < place.size(); ++p) {
    to.local[place[p]] = sign.empty() ? x.local[p] : static_cast<std::int8_t>(sign[p] * x.local[p]);
    if (particles == 0) continue;
    const int a = x.occupant[p];
    to.occupant[place[p]] = static_cast<std::int16_t>(a < 0 ? a : number(a));
  }
  for (std::size_t a = 0; a < particles; ++a)
    to.particle[number(static_cast<int>(a))] = static_cast<std::int16_t>(place[x.particle[a]]);
}

namespace {

/// The same move with its places in a fixed order and in one of its two directions, and that direction.
std::pair<Move, int> in_order(const Move& move) {
  const auto hops = static_cast<std::size_t>(move.hops);
  const auto n = static_cast<std::size_t>(move.n);
  // From and to of a hop, or a place twice: what stays together.
  std::vector<std::tuple<int, int, int>> parts;  // places, change of the last
  for (std::size_t h = 0; h < hops; ++h) {
    const int from = move.place[2 * h];
    const int to = move.place[2 * h + 1];
    parts.emplace_back(std::min(from, to), std::max(from, to), from < to ? 1 : -1);
  }
  for (std::size_t k = 2 * hops; k < n; ++k) parts.emplace_back(move.place[k], move.place[k], move.change[k]);
  std::sort(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(hops));
  std::sort(parts.begin() + static_cast<std::ptrdiff_t>(hops), parts.end());
  const int sign = std::get<2>(parts.front()) > 0 ? 1 : -1;
  Move result;
  result.hops = move.hops;
  for (const auto& [low, high, change] : parts) {
    const auto at = static_cast<std::size_t>(result.n);
    if (result.n < 2 * move.hops) {
      const bool upwards = change * sign > 0;
      result.place[at] = upwards ? low : high;
      result.place[at + 1] = upwards ? high : low;
      result.change[at] = -1;
      result.change[at + 1] = 1;
      result.n += 2;
    } else {
      result.place[at] = low;
      result.change[at] = change * sign;
      ++result.n;
    }
  }
  return {result, sign};
}

}  // namespace

MovesOfImages::MovesOfImages(const std::vector<Move>& moves, const std::vector<Image>& images)
    : list_(moves), n_images_(images.size()) {
  std::map<Move, MovedMove> known;
  for (std::size_t k = 0; k < moves.size(); ++k) {
    const auto [move, sign] = in_order(moves[k]);
    known.try_emplace(move, MovedMove{static_cast<int>(k), sign});
  }
  moved_.reserve(moves.size() * images.size());
  for (const Move& move : moves) {
    for (const Image& image : images) {
      Move on_image = move;
      for (std::size_t p = 0; p < static_cast<std::size_t>(move.n); ++p) {
        const auto at = static_cast<std::size_t>(move.place[p]);
        on_image.place[p] = image.place[at];
        if (image.turns_values()) on_image.change[p] = image.sign[at] * move.change[p];
      }
      const auto [ordered, sign] = in_order(on_image);
      const auto [found, is_new] = known.try_emplace(ordered, MovedMove{static_cast<int>(list_.size()), 1});
      if (is_new) list_.push_back(ordered);
      moved_.push_back({found->second.number, found->second.sign * sign});
    }
  }
}

}  // namespace koushi
