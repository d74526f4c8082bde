#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

#include "koushi/network/momentum_law.hpp"

namespace koushi {

/// Networks of cosine units whose law is deformed by a local term of the field that they make,
///
///   P(theta) ~ prod_j p(k_j) p(a_j) e^{-g sum_x phi(x)^4}
///   phi(x) = N^{-1/2} sum_j a_j w (k_j^2 + m^2)^{alpha/2} cos(k_j x + b_j)
///
/// over the points x of a hypercubic lattice of `extents` and `spacing`. At N -> infinity it is the field theory with the
/// propagator of the law and the action g sum phi^4.
/// Source      arXiv:2307.03223, sec. 5 (phi^4 by dependent parameters); arXiv:2604.27050
struct DeformedWavesOptions {
  int width = 1;
  bool normal = false;  ///< amplitudes a_j are normal, else 1
  std::vector<int> extents;
  double spacing = 1;
  double coupling = 0;  ///< g
  int first_chain = 0;  ///< of this rank
  int chains = 1;       ///< of this rank
  std::uint64_t seed = 1;
  double trajectory = 1;  ///< length of a trajectory of molecular dynamics
  int steps = 10;         ///< of it
};

struct DeformedWavesKernel;  // of the device: what one chain does

/// Markov chains of such networks, each with its parameters and its field at the points. A chain has random numbers of its
/// own, so that neither ranks nor threads move a bit.
/// Cost        a redraw of a unit: one wave at all points, d multiplications and additions each; a trajectory: N waves
///             at all points twice for each step
class DeformedWaves {
 public:
  DeformedWaves(const MomentumLaw& law, const DeformedWavesOptions& options);

  /// Parameters from the law without g. `draw`: which of its draws.
  void draw(std::uint64_t draw);
  /// Every unit once: new k, a and b from the law, accepted by the change of g sum phi^4 alone, since the law
  /// without g proposes (W. K. Hastings, Biometrika 57, 97 (1970)).
  void redraw(std::uint64_t sweep);
  /// A trajectory of the phases, and of the momenta where they are continuous (S. Duane et al., Phys. Lett. B 195, 216
  /// (1987)); on a lattice every unit then hops to a neighbouring momentum in a direction.
  void trajectory(std::uint64_t sweep);

  /// Numbers of a chain.
  static constexpr int sums = 6;
  enum Sum {
    phi2,             ///< mean of phi^2
    phi4,             ///< mean of phi^4
    mean2,            ///< V (mean of phi)^2
    deformation,      ///< g sum phi^4
    schwinger_dyson,  ///< 1/V sum_j { d O_j / d b_j - O_j d(g sum phi^4) / d b_j }, O_j = sum_x phi d phi / d b_j: 0
    accepted          ///< part of the proposals since the last measurement
  };
  int numbers() const { return sums + static_cast<int>(options_.extents[0] / 2) + 1; }
  /// [chain][Sum, then the mean of phi(x) phi(x + r e_0), r = 0 ... extents[0] / 2]. On points that are no ring pairs
  /// beyond the rim are left out.
  std::vector<double> measure();

  /// Parameters, [chain][unit][d + 2]: k, amplitude, b.
  std::vector<double> state() const;
  void set_state(const std::vector<double>& state);

 private:
  void refresh();
  DeformedWavesKernel kernel() const;

  MomentumLaw law_;
  DeformedWavesOptions options_;
  int points_ = 1;
  Kokkos::View<double***, Kokkos::LayoutRight> parameters_;  ///< [chain][unit][d + 2]
  Kokkos::View<double**, Kokkos::LayoutRight> field_;        ///< [chain][point]
  Kokkos::View<double**, Kokkos::LayoutRight> work_;         ///< [chain][..]
  Kokkos::View<double* [2], Kokkos::LayoutRight> counts_;    ///< [chain]: accepted, tried
};

}  // namespace koushi
