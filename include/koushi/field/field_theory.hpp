#pragma once

#include <array>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/base/error.hpp"
#include "koushi/lattice/colouring.hpp"
#include "koushi/lattice/grid.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// What one configuration gives: for every replica here `width` numbers under a name, [replica][width].
using Measured = std::map<std::string, std::vector<double>>;

/// Spatial momenta of correlators: integers per direction but the first, p = 2 pi n / L, or 2 pi (n + 1/2) / L along
/// antiperiodic directions.
struct SpatialMomenta {
  std::vector<std::vector<int>> n;
  bool average = false;  ///< over the momenta that reflections and exchanges of equal spatial directions make of each
};

/// Independent copies of a lattice field with weight e^{-S}.
///
/// Virtual calls happen once per kernel. Everything that decides a configuration is a function of (seed, step, global
/// replica, global site), and all sums are exact, so that neither ranks nor threads move a bit of it. Collective  all
/// calls, over the group of ranks that hold the replicas
class FieldTheory {
 public:
  virtual ~FieldTheory() = default;
  virtual const Grid& grid() const = 0;
  /// S of every replica here.
  virtual std::vector<double> action() = 0;
  /// A configuration to begin with: `spread` times normal numbers, or all zero.
  virtual void start(std::uint64_t seed, double spread) = 0;
  virtual Measured measure() = 0;
  /// From now on the correlators of the order parameter are measured at these momenta too (momentum_correlators.hpp).
  virtual void correlate_at(const SpatialMomenta&) { throw InternalError("this theory has no correlator"); }
  virtual std::vector<Observable> observables() const = 0;
  virtual std::vector<Curve> curves() const = 0;
  virtual void write(Archive& archive, const std::string& path) const = 0;
  virtual void read(const Archive& archive, const std::string& path) = 0;
  /// Changes configurations with another theory of the same fields and grid, in the replicas (here) that are marked.
  virtual void exchange(FieldTheory& other, const std::vector<bool>& replicas) = 0;

  /// Steps that one term of S takes from a site, as displacements: sites that no such step joins can be updated at
  /// once.
  virtual std::vector<std::array<int, 4>> interactions() const = 0;
  /// One sweep of Metropolis updates, colour by colour: `hits` proposals phi + width (uniform in [-1, 1]^n) per site.
  /// Returns the accepted proposals of this rank's sites, of updates_per_site().metropolis each and hit.
  virtual std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                                  double width) = 0;
  /// What updates count of a site: itself; its links; the subgroups of its links.
  struct UpdatesPerSite {
    int metropolis = 1;
    int heatbath = 1;
  };
  virtual UpdatesPerSite updates_per_site() const { return {}; }
  /// Width beyond which proposals are no wider: infinite where phi is unbounded, 0 where proposals have no width, as of
  /// discrete spins.
  virtual double largest_width() const { return std::numeric_limits<double>::infinity(); }
  /// Updates that this theory has besides, of "hmc", "fourier-hmc", "heatbath", "overrelaxation", "wolff",
  /// "swendsen-wang".
  virtual std::vector<std::string> further_updates() const { return {}; }
  /// One sweep of reflections that leave S as it is, colour by colour.
  virtual void overrelax(const Colouring&) { throw InternalError("this theory has no overrelaxation"); }
  /// One sweep of links drawn anew from their conditional weight, direction by direction and colour by colour.
  /// Returns what was drawn on this rank's sites, at most updates_per_site().heatbath each.
  virtual std::int64_t heatbath(const Colouring&, std::uint64_t /*seed*/, std::uint64_t /*step*/) {
    throw InternalError("this theory has no heatbath");
  }
  /// Flips clusters of every replica: one that holds a random site (Wolff), or each with probability 1/2 (Swendsen and
  /// Wang). Returns the flipped sites of this rank.
  virtual std::int64_t flip_clusters(bool /*single*/, std::uint64_t /*seed*/, std::uint64_t /*step*/) {
    throw InternalError("this theory has no clusters");
  }
};

/// A theory of real fields with momenta p, H = sum p^2 / 2 + S, or H = p M^{-1} p / 2 + S where they are accelerated.
class MolecularDynamics : public FieldTheory {
 public:
  std::vector<std::string> further_updates() const override { return {"hmc"}; }
  /// From now on momenta have the masses M(k) = 2 stiffness (k_hat^2 + mass^2) of their Fourier modes; mass = 0: unit
  /// mass.
  virtual void accelerate(double mass) {
    if (mass != 0) throw InternalError("this theory has no Fourier acceleration");
  }
  virtual void draw_momenta(std::uint64_t seed, std::uint64_t step) = 0;
  virtual void reverse_momenta() = 0;
  /// H of every replica here.
  virtual std::vector<double> hamiltonian() = 0;
  virtual void kick(double time) = 0;                                     ///< p <- p - time dS/dphi
  virtual void drift(double time) = 0;                                    ///< phi <- phi + time M^{-1} p
  virtual void kick_then_drift(double kick_time, double drift_time) = 0;  ///< both in one pass over memory
  /// p <- p - time dS/dphi at phi - shift M^{-1} dS/dphi: what a force-gradient integrator needs.
  virtual void shifted_kick(double time, double shift) = 0;
  virtual void keep() = 0;  ///< remembers the field
  /// Goes back to the kept field in the replicas (here) that are not accepted.
  virtual void restore(const std::vector<bool>& accepted) = 0;
};

}  // namespace koushi
