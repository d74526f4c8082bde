#pragma once

#include <functional>
#include <vector>

#include "koushi/field/spin_kernel.hpp"
#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

/// The bonds of one cluster update on the host: active(replica, b, lower site, upper site, weight, global number of the lower site) says whether bond b
/// holds the two together; it must give the same answer wherever it is asked.
using BondIsActive = std::function<bool(int, int, int, int, double, std::int64_t)>;

/// Sites of every replica here as clusters of active bonds.
///
/// label[replica * volume + site] is the least global number of a site of the cluster, sites of the box lexicographic: the same on any
/// division of the lattice. Halos of the spins must be filled.
/// Collective  over the group of ranks that hold the replicas
/// Cost        a union-find over the bonds, then one exchange of halos per rank that a cluster runs through
std::vector<std::int64_t> label_clusters(const Grid& grid, const SpinBonds& bonds, const BondIsActive& active);

/// The cluster that holds a site, as sites of the box; for lattices that are not divided.
std::vector<int> grow_cluster(const Grid& grid, const SpinBonds& bonds, const BondIsActive& active, int replica, int seed_site);

}  // namespace koushi
