#include "koushi/lattice/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

int product(const std::vector<int>& factors) {
  int result = 1;
  for (const int f : factors) result *= f;
  return result;
}

/// Share of `part` among `parts` of n things: the first n % parts get one more.
void share(int n, int part, int parts, int& first, int& count) {
  count = n / parts + (part < n % parts ? 1 : 0);
  first = part * (n / parts) + std::min(part, n % parts);
}

}  // namespace

Grid::Grid(const Communicator& comm, const GridOptions& options)
    : world_(comm), options_(options), group_(comm.split(comm.rank() / std::max(1, product(options.ranks)))) {
  const int d = dimension();
  if (d < 1 || d > 4) throw UsageError(fmt::format("a lattice of {} directions, not of 1 to 4", d));
  const int per_group = product(options.ranks);
  if (options.ranks.size() != options.extents.size() || comm.size() % per_group != 0) {
    throw UsageError(fmt::format("[{}] ranks per direction for {} directions and {} ranks",
                                 fmt::join(options.ranks, ", "), d, comm.size()));
  }
  const int n_groups = comm.size() / per_group;
  if (n_groups > options.replicas) {
    throw UsageError(
        fmt::format("{} groups of ranks for {} replicas leave some without one", n_groups, options.replicas));
  }
  view_.first_direction = 4 - d;
  view_.range = options.range;
  const auto group = static_cast<std::int64_t>(comm.rank() / per_group);
  view_.n_replicas = static_cast<int>(options.replicas / n_groups + (group < options.replicas % n_groups ? 1 : 0));
  view_.first_replica = group * (options.replicas / n_groups) + std::min(group, options.replicas % n_groups);
  int rest = group_.rank();
  Boundary boundary[4] = {Boundary::periodic, Boundary::periodic, Boundary::periodic, Boundary::periodic};
  for (int mu = 3; mu >= view_.first_direction; --mu) {
    const auto k = static_cast<std::size_t>(mu - view_.first_direction);
    divisions_[mu] = options.ranks[k];
    position_[mu] = rest % divisions_[mu];
    rest /= divisions_[mu];
    view_.global_extent[mu] = options.extents[k];
    boundary[mu] = options.boundary[k];
    view_.fixed[mu] = boundary[mu] == Boundary::fixed;
    share(options.extents[k], position_[mu], divisions_[mu], view_.global_first[mu], view_.extent[mu]);
    halo_[mu] = divisions_[mu] > 1 || boundary[mu] == Boundary::fixed ? options.range : 0;
    if (divisions_[mu] > 1 && options.extents[k] / divisions_[mu] < options.range) {
      throw UsageError(fmt::format("{} sites divided among {} ranks make boxes thinner than the action's range of {}",
                                   options.extents[k], divisions_[mu], options.range));
    }
  }
  view_.margin = halo_[3];
  if (options.split_rows && view_.global_extent[3] % (2 * divisions_[3]) == 0 && view_.extent[3] > 2)
    view_.half = view_.extent[3] / 2;
  std::int64_t stored = 1;
  for (int mu = 3; mu >= 0; --mu) {
    view_.stride[mu] = static_cast<int>(stored);
    view_.origin += halo_[mu] * view_.stride[mu];
    stored *= view_.extent[mu] + 2 * halo_[mu];
  }
  if (view_.half > 0) view_.pad = 16;
  view_.origin += view_.pad;
  stored += 2 * view_.pad;
  view_.interleaved = options.split_rows;
  if (stored > 0x7fffffff) throw UsageError(fmt::format("{} sites on one rank, not fewer than 2^31", stored));
  view_.stored = static_cast<int>(stored);

  // What belongs to one slice of a tile along direction 0 shall fit into a megabyte of cache: three slices of a field
  // and what is written.
  const auto largest_divisor = [](int n, double most) {
    int best = 1;
    for (int k = 1; k <= n && k <= most; ++k) best = n % k == 0 ? k : best;
    return best;
  };
  const double rows_in_cache = 1048576.0 / ((3.0 * options.numbers + 2.0) * 8.0 * view_.extent[3]);
  int tile[2] = {view_.extent[1], view_.extent[2]};
  if (view_.extent[0] > 1 && tile[0] * tile[1] > rows_in_cache) {
    tile[0] = largest_divisor(view_.extent[1], std::max(1.0, std::sqrt(rows_in_cache)));
    tile[1] = largest_divisor(view_.extent[2], std::max(1.0, rows_in_cache / tile[0]));
  }
  view_.tiled = decltype(view_.tiled)("koushi::lattice::tiled", static_cast<std::size_t>(view_.n_rows()));
  for (int k = 0; k < view_.n_rows(); ++k) {
    const GridRow row = view_.row(k);
    int place = row.replica;
    for (const int mu : {1, 2}) place = place * (view_.extent[mu] / tile[mu - 1]) + row.coordinate[mu] / tile[mu - 1];
    place = place * view_.extent[0] + row.coordinate[0];
    for (const int mu : {1, 2}) place = place * tile[mu - 1] + row.coordinate[mu] % tile[mu - 1];
    view_.tiled(place) = row;
  }

  const int steps = 2 * options.range + 1;
  const auto longest = static_cast<std::size_t>(*std::max_element(view_.extent, view_.extent + 4) + 16);
  view_.hop = decltype(view_.hop)("koushi::lattice::hop", 4, static_cast<std::size_t>(steps), longest);
  view_.weight = decltype(view_.weight)("koushi::lattice::weight", 4, static_cast<std::size_t>(steps), longest);
  for (int mu = 0; mu < 4; ++mu) {
    for (int r = -options.range; r <= options.range; ++r) {
      for (int c = 0; c < view_.extent[mu]; ++c) {
        const int n = view_.extent[mu];
        const int at = mu == 3 ? view_.place(c) : c;
        int target = halo_[mu] > 0 ? c + r : ((c + r) % n + n) % n;
        if (mu == 3) target = view_.place(target);
        view_.hop(mu, r + options.range, at) = (target - at) * view_.stride[mu];
        const int global = view_.global_first[mu] + c + r;
        const int whole = view_.global_extent[mu];
        const int crossings = global >= 0 ? global / whole : -((whole - 1 - global) / whole);
        double& w = view_.weight(mu, r + options.range, at);
        w = 1;
        if (crossings != 0 && boundary[mu] == Boundary::open) w = 0;
        if (crossings % 2 != 0 && boundary[mu] == Boundary::antiperiodic) w = -1;
      }
    }
  }

  std::vector<int> interior;
  std::vector<int> ends;
  for (int k = 0; k < view_.n_rows(); ++k) {
    const GridRow row = view_.row(k);
    bool inside = !is_divided(3);
    for (int mu = 0; mu < 3; ++mu) {
      inside = inside && (!is_divided(mu) || (row.coordinate[mu] >= options.range &&
                                              row.coordinate[mu] < view_.extent[mu] - options.range));
    }
    (inside ? interior : ends).push_back(k);
  }
  const auto upload = [](const std::vector<int>& list) {
    Kokkos::View<int*> rows("koushi::lattice::rows", list.size());
    Kokkos::deep_copy(rows, Kokkos::View<const int*, Kokkos::HostSpace>(list.data(), list.size()));
    return rows;
  };
  interior_rows_ = upload(interior);
  boundary_rows_ = upload(ends);
}

std::int64_t Grid::n_sites() const {
  std::int64_t n = 1;
  for (const int extent : options_.extents) n *= extent;
  return n;
}

ArrayBox Grid::box(std::int64_t components) const {
  ArrayBox box{{options_.replicas, components}, {view_.first_replica, 0}, {view_.n_replicas, components}};
  for (int mu = view_.first_direction; mu < 4; ++mu) {
    box.shape.push_back(view_.global_extent[mu]);
    box.first.push_back(view_.global_first[mu]);
    box.count.push_back(view_.extent[mu]);
  }
  return box;
}

int Grid::neighbour(int mu, int step) const {
  int rank = 0;
  for (int nu = 0; nu < 4; ++nu) {
    const int position = nu == mu ? (position_[nu] + step + divisions_[nu]) % divisions_[nu] : position_[nu];
    rank = rank * divisions_[nu] + position;
  }
  return rank;
}

bool Grid::ends_fixed(int mu, int step) const {
  if (mu < view_.first_direction ||
      options_.boundary[static_cast<std::size_t>(mu - view_.first_direction)] != Boundary::fixed)
    return false;
  return position_[mu] == (step < 0 ? 0 : divisions_[mu] - 1);
}

std::vector<int> choose_divisions(const std::vector<int>& extents, int n_ranks, std::int64_t replicas, int range) {
  // Whole replicas for every rank if they go round; otherwise as few ranks per replica as will do.
  for (int per_group = 1; per_group <= n_ranks; ++per_group) {
    if (n_ranks % per_group != 0 || n_ranks / per_group > replicas) continue;
    std::vector<int> divisions(extents.size(), 1);
    int rest = per_group;
    for (int factor = 2; rest > 1;) {
      if (rest % factor != 0) {
        ++factor;
        continue;
      }
      // The direction whose boxes are longest; the contiguous one only where no other can be cut.
      std::size_t best = extents.size();
      for (std::size_t k = 0; k < extents.size(); ++k) {
        const bool can = extents[k] / (divisions[k] * factor) >= std::max(range, 2);
        const bool last = k + 1 == extents.size();
        if (!can || (last && best < extents.size())) continue;
        if (best == extents.size() || extents[k] * divisions[best] > extents[best] * divisions[k]) best = k;
      }
      if (best == extents.size()) break;
      divisions[best] *= factor;
      rest /= factor;
    }
    if (rest == 1) return divisions;
  }
  return {};
}

std::vector<int> choose_divisions(const GridOptions& options, int n_ranks) {
  if (options.divisible) return choose_divisions(options.extents, n_ranks, options.replicas, options.range);
  return n_ranks > options.replicas ? std::vector<int>{} : std::vector<int>(options.extents.size(), 1);
}

}  // namespace koushi
