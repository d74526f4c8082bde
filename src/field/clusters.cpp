#include "clusters.hpp"

#include <algorithm>
#include <numeric>

namespace koushi {

namespace {

struct Place {
  GridRow row;
  int x;
};

Place place_of(const GridView& grid, int replica, int site) {
  const int rows = grid.n_rows() / grid.n_replicas;
  return {grid.row(site / grid.extent[3] + replica * rows), site % grid.extent[3]};
}

/// The site of the box that a step leads to, or -1 where it leads into the halo; and the global number of that site.
struct Target {
  int site = 0;
  std::int64_t global = 0;
};

Target target_of(const Grid& grid, const Place& from, const int (&step)[4], int sign) {
  const GridView& view = grid.view();
  Target target;
  for (int mu = 0; mu < 4; ++mu) {
    const int c = (mu < 3 ? from.row.coordinate[mu] : from.x) + sign * step[mu];
    const int whole = view.global_extent[mu];
    target.global = target.global * whole + ((view.global_first[mu] + c) % whole + whole) % whole;
    int local = c;
    if (grid.is_divided(mu)) {
      if (c < 0 || c >= view.extent[mu]) target.site = -1;
    } else {
      local = (c % view.extent[mu] + view.extent[mu]) % view.extent[mu];
    }
    if (target.site >= 0) target.site = target.site * view.extent[mu] + local;
  }
  return target;
}

int find_root(std::vector<int>& parent, int site) {
  while (parent[static_cast<std::size_t>(site)] != site) {
    parent[static_cast<std::size_t>(site)] = parent[static_cast<std::size_t>(parent[static_cast<std::size_t>(site)])];
    site = parent[static_cast<std::size_t>(site)];
  }
  return site;
}

/// A bond into the halo: a site of the box and where its partner is stored.
struct Crossing {
  int replica;
  int site;
  int stored;
};

}  // namespace

std::vector<std::int64_t> label_clusters(const Grid& grid, const SpinBonds& bonds, const BondIsActive& active) {
  const GridView& view = grid.view();
  const int volume = view.volume();
  std::vector<int> parent(static_cast<std::size_t>(volume * view.n_replicas));
  std::iota(parent.begin(), parent.end(), 0);
  std::vector<Crossing> crossings;
  for (int r = 0; r < view.n_replicas; ++r) {
    for (int site = 0; site < volume; ++site) {
      const Place place = place_of(view, r, site);
      const std::int64_t here = view.global_site(place.row, place.x);
      for (int b = 0; b < bonds.count; ++b) {
        const SpinNeighbour up = spin_neighbour(view, place.row, place.x, bonds.step[b], 1);
        const Target above = target_of(grid, place, bonds.step[b], 1);
        if (up.weight != 0 && active(r, b, place.row.site + place.x, up.site, up.weight, here)) {
          if (above.site < 0) {
            crossings.push_back({r, site, up.site});
          } else {
            const int one = find_root(parent, r * volume + site);
            const int other = find_root(parent, r * volume + above.site);
            parent[static_cast<std::size_t>(std::max(one, other))] = std::min(one, other);
          }
        }
        const Target below = target_of(grid, place, bonds.step[b], -1);
        if (below.site >= 0) continue;
        const SpinNeighbour down = spin_neighbour(view, place.row, place.x, bonds.step[b], -1);
        if (down.weight != 0 && active(r, b, down.site, place.row.site + place.x, down.weight, below.global)) crossings.push_back({r, site, down.site});
      }
    }
  }
  std::vector<std::int64_t> least(parent.size(), std::int64_t{1} << 62U);  // of a root's cluster here
  for (std::size_t k = 0; k < parent.size(); ++k) {
    const auto root = static_cast<std::size_t>(find_root(parent, static_cast<int>(k)));
    const Place place = place_of(view, static_cast<int>(k) / volume, static_cast<int>(k) % volume);
    least[root] = std::min(least[root], view.global_site(place.row, place.x));
  }
  const auto label_of = [&](std::size_t k) -> std::int64_t& { return least[static_cast<std::size_t>(find_root(parent, static_cast<int>(k)))]; };
  if (grid.decomposed()) {
    const FieldArray labels = make_field(grid, 1);
    const auto host = Kokkos::create_mirror_view(labels);
    HaloExchange halo(grid, 1, true);
    for (int changed = 1; changed != 0;) {
      for (std::size_t k = 0; k < parent.size(); ++k) {
        const Place place = place_of(view, static_cast<int>(k) / volume, static_cast<int>(k) % volume);
        host(static_cast<std::size_t>(place.row.replica), 0, static_cast<std::size_t>(place.row.site + place.x)) = static_cast<double>(label_of(k));
      }
      Kokkos::deep_copy(labels, host);
      halo.exchange(labels);
      Kokkos::deep_copy(host, labels);
      changed = 0;
      for (const Crossing& c : crossings) {
        std::int64_t& mine = label_of(static_cast<std::size_t>(c.replica * volume + c.site));
        const auto theirs = static_cast<std::int64_t>(host(static_cast<std::size_t>(c.replica), 0, static_cast<std::size_t>(c.stored)));
        if (theirs < mine) {
          mine = theirs;
          changed = 1;
        }
      }
      changed = grid.group().max(changed);
    }
  }
  std::vector<std::int64_t> labels(parent.size());
  for (std::size_t k = 0; k < labels.size(); ++k) labels[k] = label_of(k);
  return labels;
}

std::vector<int> grow_cluster(const Grid& grid, const SpinBonds& bonds, const BondIsActive& active, int replica, int seed_site) {
  const GridView& view = grid.view();
  std::vector<char> taken(static_cast<std::size_t>(view.volume()));
  std::vector<int> cluster{seed_site};
  taken[static_cast<std::size_t>(seed_site)] = 1;
  for (std::size_t at = 0; at < cluster.size(); ++at) {
    const Place place = place_of(view, replica, cluster[at]);
    const int stored = place.row.site + place.x;
    for (int b = 0; b < bonds.count; ++b) {
      for (const int sign : {-1, 1}) {
        const SpinNeighbour other = spin_neighbour(view, place.row, place.x, bonds.step[b], sign);
        const Target target = target_of(grid, place, bonds.step[b], sign);
        if (other.weight == 0 || taken[static_cast<std::size_t>(target.site)] != 0) continue;
        const std::int64_t lower = sign > 0 ? view.global_site(place.row, place.x) : target.global;
        if (!active(replica, b, sign > 0 ? stored : other.site, sign > 0 ? other.site : stored, other.weight, lower)) continue;
        taken[static_cast<std::size_t>(target.site)] = 1;
        cluster.push_back(target.site);
      }
    }
  }
  return cluster;
}

}  // namespace koushi
