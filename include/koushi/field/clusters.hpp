#pragma once

#include <array>
#include <functional>
#include <vector>

#include "koushi/field/spin_kernel.hpp"
#include "koushi/lattice/halo_exchange.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

/// Exponent e of a bond in one cluster update on the host, of (replica, b, lower site, upper site, weight), sites as
/// they are stored: the bond is active with probability 1 - e^{-e} where e > 0. It must give the same answer wherever
/// it is asked.
using BondExponent = std::function<double(int, int, int, int, double)>;
/// What happens to a site of a chosen cluster: (replica, stored site, the random words of its cluster).
using ClusterVisit = std::function<void(int, int, const RandomBlock&)>;

/// Visits the sites of every replica's clusters of active bonds. single: of one cluster, which holds a random site
/// (Wolff); otherwise of all (Swendsen and Wang), and `visit` decides by its words what becomes of each.
///
/// A cluster is named by the least global number of its sites and the random number of a bond by its lower site, so the
/// same is done on any division of the lattice. Halos of what `exponent` reads must be filled. A single cluster of an
/// undivided lattice is grown from its site; otherwise all are labelled.
/// Collective  over the group of ranks that hold the replicas
/// Cost        a union-find over the bonds, then one exchange of halos per rank that a cluster runs through
void visit_clusters(const Grid& grid, const SpinBonds& bonds, bool single, std::uint64_t seed, std::uint64_t step,
                    const BondExponent& exponent, const ClusterVisit& visit);

/// The words from which a replica draws the axis of its reflections; number 0 or 1.
RandomBlock axis_block(std::uint64_t seed, std::uint64_t step, std::int64_t replica, std::uint32_t number);
/// A unit vector of n <= 4 components, uniform on the sphere; n = 1: 1.
std::array<double, 4> random_axis(int n, std::uint64_t seed, std::uint64_t step, std::int64_t replica);

}  // namespace koushi
