#include "koushi/field/clusters.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

struct Place {
  GridRow row;
  int x;           ///< place in the row
  int coordinate;  ///< along it
};

Place place_of(const GridView& grid, int replica, int site) {
  const int rows = grid.n_rows() / grid.n_replicas;
  const int c = site % grid.extent[3];
  return {grid.row(site / grid.extent[3] + replica * rows), grid.place(c), c};
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
    const int c = (mu < 3 ? from.row.coordinate[mu] : from.coordinate) + sign * step[mu];
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

/// Whether bond b holds the two together: (replica, b, lower site, upper site, weight, global number of the lower
/// site).
using BondIsActive = std::function<bool(int, int, int, int, double, std::int64_t)>;

RandomBlock cluster_block(std::uint64_t seed, std::uint64_t step, std::uint64_t stream, std::int64_t replica,
                          std::uint32_t draw) {
  return philox(seed, RandomPurpose::cluster, step, stream, static_cast<std::uint32_t>(replica) * 4U + draw);
}

/// A bond into the halo: a site of the box and where its partner is stored.
struct Crossing {
  int replica;
  int site;
  int stored;
};

/// label[replica * volume + site], sites of the box lexicographic: the least global number of a site of the cluster.
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
        if (down.weight != 0 && active(r, b, down.site, place.row.site + place.x, down.weight, below.global))
          crossings.push_back({r, site, down.site});
      }
    }
  }
  std::vector<std::int64_t> least(parent.size(), std::int64_t{1} << 62U);  // of a root's cluster here
  for (std::size_t k = 0; k < parent.size(); ++k) {
    const auto root = static_cast<std::size_t>(find_root(parent, static_cast<int>(k)));
    const Place place = place_of(view, static_cast<int>(k) / volume, static_cast<int>(k) % volume);
    least[root] = std::min(least[root], view.global_site(place.row, place.x));
  }
  const auto label_of = [&](std::size_t k) -> std::int64_t& {
    return least[static_cast<std::size_t>(find_root(parent, static_cast<int>(k)))];
  };
  if (grid.decomposed()) {
    const FieldArray labels = make_field(grid, 1);
    const auto host = Kokkos::create_mirror_view(labels);
    HaloExchange halo(grid, 1, true);
    for (int changed = 1; changed != 0;) {
      for (std::size_t k = 0; k < parent.size(); ++k) {
        const Place place = place_of(view, static_cast<int>(k) / volume, static_cast<int>(k) % volume);
        host(static_cast<std::size_t>(place.row.replica), 0, static_cast<std::size_t>(place.row.site + place.x)) =
            static_cast<double>(label_of(k));
      }
      Kokkos::deep_copy(labels, host);
      halo.exchange(labels);
      Kokkos::deep_copy(host, labels);
      changed = 0;
      for (const Crossing& c : crossings) {
        std::int64_t& mine = label_of(static_cast<std::size_t>(c.replica * volume + c.site));
        const auto theirs =
            static_cast<std::int64_t>(host(static_cast<std::size_t>(c.replica), 0, static_cast<std::size_t>(c.stored)));
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

/// The cluster that holds a site, as sites of the box; for lattices that are not divided.
std::vector<int> grow_cluster(const Grid& grid, const SpinBonds& bonds, const BondIsActive& active, int replica,
                              int seed_site) {
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
        if (!active(replica, b, sign > 0 ? stored : other.site, sign > 0 ? other.site : stored, other.weight, lower))
          continue;
        taken[static_cast<std::size_t>(target.site)] = 1;
        cluster.push_back(target.site);
      }
    }
  }
  return cluster;
}

}  // namespace

void visit_clusters(const Grid& grid, const SpinBonds& bonds, bool single, std::uint64_t seed, std::uint64_t step,
                    const BondExponent& exponent, const ClusterVisit& visit) {
  const GridView& view = grid.view();
  const int volume = view.volume();
  const BondIsActive active = [&](int replica, int b, int lower, int upper, double weight, std::int64_t number) {
    const double e = exponent(replica, b, lower, upper, weight);
    if (!(e > 0)) return false;
    const RandomBlock word = philox(seed, RandomPurpose::cluster_bond, step, static_cast<std::uint64_t>(number),
                                    static_cast<std::uint32_t>((view.first_replica + replica) * bonds.count + b));
    return uniform(word.word[0], word.word[1]) < 1 - std::exp(-e);
  };
  const auto stored = [&](int replica, int site) {
    const Place place = place_of(view, replica, site);
    return place.row.site + place.x;
  };
  const auto seed_site = [&](int replica) {
    const RandomBlock word = cluster_block(seed, step, 0xfffffffeU, view.first_replica + replica, 2);
    return static_cast<std::int64_t>(uniform(word.word[0], word.word[1]) * static_cast<double>(grid.n_sites()));
  };
  const auto single_words = [&](int replica) {
    return cluster_block(seed, step, 0xfffffffdU, view.first_replica + replica, 3);
  };
  if (single && !grid.decomposed()) {
    std::vector<std::vector<int>> clusters;  // all grown before the first is changed
    for (int r = 0; r < view.n_replicas; ++r)
      clusters.push_back(grow_cluster(grid, bonds, active, r, static_cast<int>(seed_site(r))));
    for (int r = 0; r < view.n_replicas; ++r) {
      for (const int site : clusters[static_cast<std::size_t>(r)]) visit(r, stored(r, site), single_words(r));
    }
    return;
  }
  const std::vector<std::int64_t> labels = label_clusters(grid, bonds, active);
  for (int r = 0; r < view.n_replicas; ++r) {
    double chosen = -1;
    if (single) {
      const std::int64_t wanted = seed_site(r);
      for (int site = 0; site < volume; ++site) {
        const Place place = place_of(view, r, site);
        if (view.global_site(place.row, place.x) == wanted)
          chosen = static_cast<double>(labels[static_cast<std::size_t>(r * volume + site)]);
      }
      chosen = grid.group().max(chosen);
    }
    for (int site = 0; site < volume; ++site) {
      const std::int64_t label = labels[static_cast<std::size_t>(r * volume + site)];
      if (single && static_cast<double>(label) != chosen) continue;
      visit(r, stored(r, site),
            single ? single_words(r)
                   : cluster_block(seed, step, static_cast<std::uint64_t>(label), view.first_replica + r, 3));
    }
  }
}

RandomBlock axis_block(std::uint64_t seed, std::uint64_t step, std::int64_t replica, std::uint32_t number) {
  return cluster_block(seed, step, 0xffffffffU, replica, number);
}

std::array<double, 4> random_axis(int n, std::uint64_t seed, std::uint64_t step, std::int64_t replica) {
  std::array<double, 4> r{1, 0, 0, 0};
  if (n == 1) return r;
  const NormalPair a = normal_pair(axis_block(seed, step, replica, 0));
  const NormalPair b = normal_pair(axis_block(seed, step, replica, 1));
  const double normals[4] = {a.first, a.second, b.first, b.second};
  double norm = 0;
  for (int c = 0; c < n; ++c) norm += normals[c] * normals[c];
  for (std::size_t c = 0; c < static_cast<std::size_t>(n); ++c) r[c] = normals[c] / std::sqrt(norm);
  return r;
}

}  // namespace koushi
