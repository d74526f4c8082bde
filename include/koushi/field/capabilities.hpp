#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "koushi/field/field_theory.hpp"
#include "koushi/lattice/colouring.hpp"

namespace koushi {

/// What a theory can do besides being measured, each a base of its class. An updater asks once, when it is built, for
/// those that it needs (updater.hpp: needed()). `capability_name` names it in messages.

/// The replicas that this rank holds a part of, and the ranks that share all of them.
struct Replicas {
  std::size_t here = 1;
  std::int64_t first = 0;  ///< global number of the first one here
  std::int64_t total = 1;
  const Communicator* world = nullptr;
  bool speaks = true;  ///< this rank, of those that hold the same replicas

  /// The numbers of all replicas, in their order, from those of the replicas here. Collective  over `world`
  std::vector<double> gather(const std::vector<double>& local) const {
    return world->all_gather(speaks ? local : std::vector<double>{});
  }
};

/// The replicas of a grid.
inline Replicas replicas_of(const Grid& grid) {
  return {static_cast<std::size_t>(grid.view().n_replicas), grid.view().first_replica, grid.n_replicas(), &grid.world(),
          grid.group().is_root()};
}

/// Steps that one term of S takes from a site, as displacements: sites that no such step joins can be updated at once.
using Interactions = std::vector<std::array<int, 4>>;

/// Metropolis proposals site by site.
class LocalUpdates {
 public:
  static constexpr const char* capability_name = "local updates";
  virtual ~LocalUpdates() = default;
  virtual Interactions interactions() const = 0;
  /// One sweep, colour by colour: `hits` proposals phi + width (uniform in [-1, 1]^n) per site. Returns the accepted
  /// proposals of this rank's sites, at most proposals_per_site() of each site and hit.
  virtual std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                                  double width) = 0;
  /// Proposals of one hit: one per site, or one per link of a site.
  virtual int proposals_per_site() const { return 1; }
  /// The largest width of proposals: infinite where phi is unbounded, 0 where proposals have no width, as for discrete
  /// spins.
  virtual double largest_width() const { return std::numeric_limits<double>::infinity(); }
};

/// Variables drawn anew from their conditional weight.
class Heatbath {
 public:
  static constexpr const char* capability_name = "heatbath";
  virtual ~Heatbath() = default;
  virtual Interactions interactions() const = 0;
  /// One sweep, colour by colour. Returns what was drawn on this rank's sites, at most draws_per_site() each.
  virtual std::int64_t heatbath(const Colouring& colouring, std::uint64_t seed, std::uint64_t step) = 0;
  virtual int draws_per_site() const { return 1; }
};

/// Reflections of single variables that leave S as it is.
class Overrelaxation {
 public:
  static constexpr const char* capability_name = "overrelaxation";
  virtual ~Overrelaxation() = default;
  virtual Interactions interactions() const = 0;
  /// One sweep, colour by colour.
  virtual void overrelax(const Colouring& colouring) = 0;
};

/// Clusters of sites that are flipped together.
class ClusterUpdates {
 public:
  static constexpr const char* capability_name = "clusters";
  virtual ~ClusterUpdates() = default;
  /// Flips clusters of every replica: one that holds a random site (Wolff), or each with probability 1/2 (Swendsen and
  /// Wang). Returns the flipped sites of this rank.
  virtual std::int64_t flip_clusters(bool single, std::uint64_t seed, std::uint64_t step) = 0;
};

/// Momenta p of all variables phi, H = sum p^2 / 2 + S. The variables need be no field on a grid: only the replicas
/// count.
class MolecularDynamics {
 public:
  static constexpr const char* capability_name = "molecular dynamics";
  virtual ~MolecularDynamics() = default;
  virtual Replicas replicas() const = 0;
  virtual void draw_momenta(std::uint64_t seed, std::uint64_t step) = 0;
  virtual void reverse_momenta() = 0;
  /// H of every replica here.
  virtual std::vector<double> hamiltonian() = 0;
  virtual void kick(double time) = 0;   ///< p <- p - time dS/dphi
  virtual void drift(double time) = 0;  ///< phi <- phi + time p
  /// Both, in one pass over memory where that is possible.
  virtual void kick_then_drift(double kick_time, double drift_time) {
    kick(kick_time);
    drift(drift_time);
  }
  virtual void keep() = 0;  ///< remembers the variables
  /// Goes back to the kept variables in the replicas (here) that are not accepted.
  virtual void restore(const std::vector<bool>& accepted) = 0;
};

/// Molecular dynamics whose kicks can take the force at variables that are shifted along it.
class ForceGradient {
 public:
  static constexpr const char* capability_name = "force gradient";
  virtual ~ForceGradient() = default;
  /// p <- p - time dS/dphi at phi - shift dS/dphi; with masses M of the momenta at phi - shift M^{-1} dS/dphi.
  virtual void shifted_kick(double time, double shift) = 0;
};

/// Momenta whose Fourier modes have masses M(k) = 2 stiffness (k_hat^2 + mass^2): H = p M^{-1} p / 2 + S, and a drift
/// is phi <- phi + time M^{-1} p.
class FourierAcceleration {
 public:
  static constexpr const char* capability_name = "Fourier acceleration";
  virtual ~FourierAcceleration() = default;
  /// Gives momenta these masses from now on; mass = 0: unit masses.
  virtual void accelerate(double mass) = 0;
  /// The mass in the spectrum, where the theory knows it.
  virtual std::optional<double> mass_of_spectrum() const { return std::nullopt; }
};

/// An order parameter whose averages over slices are correlated.
class SliceCorrelators {
 public:
  static constexpr const char* capability_name = "correlators of slices";
  virtual ~SliceCorrelators() = default;
  /// Has correlators measured at these momenta, too, from now on (momentum_correlators.hpp).
  virtual void correlate_at(const SpatialMomenta& momenta) = 0;
};

/// The words of what a theory can do, in the order in which they stand above.
std::vector<std::string> capabilities(const FieldTheory& theory);

}  // namespace koushi
