#pragma once

#include <Kokkos_Core.hpp>
#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "koushi/field/path_options.hpp"

namespace koushi {

/// <x_f| e^{-iHt} |x_i> as the integral over the points of a path in real time, x_0 = x_i, x_N = x_f, mass 1,
///
///   K = (2 pi i a)^{-N/2} Int prod_{n<N} dx_n e^{iS},  S = sum_n (x_n - x_{n-1})^2 / 2a - a V
///
/// with V at x_1 ... x_N (end-point), at the middles of steps (mid-point), or half at each end (symmetrised). Over the
/// weights of networks instead of points it is the same integral: prod dx = a^{N-1} prod dw.
///
/// V is a quadratic function and bumps. Of the quadratic part alone the integral is a Gaussian: with the matrix A of S,
/// n_- of whose eigenvalues are negative, and the classical path of the lattice,
///
///   K_0 = (2 pi a)^{-1/2} |det aA|^{-1/2} e^{-i pi/4 - i pi n_-/2} e^{iS_cl}                       (Maslov's sign in n_-)
///
/// The rest is a mean. On the contour x = x_cl + e^{it} y, 0 < t <= pi/4, the Gaussian is e^{-(sin 2t - i cos 2t) yAy/2},
/// A positive where no caustic has been passed. y is drawn with the modulus, so that
///
///   K = K_0 (1 - i cot 2t)^{(N-1)/2} <w>,  w = e^{(i cos 2t) yAy/2 - ia sum V_bumps(x)}
///
/// A bump has there the modulus e^{-((d + y cos t)^2 - (y sin t)^2) / 2w^2}, d = x_cl - c, which is bounded by
/// e^{d^2 sin^2 t / (2 w^2 cos 2t)} for all y and all angles up to t < pi/4: the contour is in the class of the real axis
/// and w is bounded. At pi/4, where nothing is lost to the phase of the Gaussian, this needs d = 0.
/// Source      L. S. Schulman, Techniques and Applications of Path Integration (1981), ch. 6, 17
class Propagator {
 public:
  using Complex = std::complex<double>;
  /// ends: those of the path. Errors: UsageError for a V beyond a quadratic function and bumps, and at a caustic
  Propagator(const PathOptions& path, int steps);

  /// K_0.
  Complex gaussian(double begin, double end) const;
  /// K_0 in the continuum; its orders in a are 1, 2 and 2 (of the mid-point rule: after dividing by
  /// (1 + c_2 a^2 / 2)^{-N/2}).
  Complex continuum(double begin, double end) const;
  int n_negative() const { return n_negative_; }
  bool has_bumps() const { return !path_.bumps.empty(); }
  /// The classical path of the lattice between two ends, with them.
  std::vector<double> classical(double begin, double end) const;
  /// The largest angle t at which bumps are bounded on the contours between two ends: pi/4 where the classical path
  /// stands still at the centres of all bumps, else one at which the phase of the Gaussian leaves a half.
  double default_angle(double begin, double end) const;
  /// log of the bound of |e^{-(x - c)^2 / 2w^2}| on the contour; infinite where there is none.
  double log_bound(double begin, double end, double angle) const;
  /// (1 - i cot 2t)^{(N-1)/2}.
  Complex normalisation(double angle) const;
  /// K / K_0 by sums over a grid of y on the contour of an angle, point after point; exact to about ten digits. The y of
  /// the grid are `step` sqrt(a) apart and reach over `widths` standard deviations. Errors: UsageError behind a caustic.
  Complex mean_by_grid(double begin, double end, double angle, double step = 0.25, double widths = 9) const;

  /// What contours may be rotated by pi/4 without leaving the class of the real axis, in words; empty: this one may.
  static std::string objection(const PathOptions& path);

  /// Adds to sums[draw block][end][4] the sums over draws first ... of w: Re, Im, |w|, |w|^2. Draw blocks have `block` draws each. The same normal numbers serve all ends, each with an angle of its own.
  using Sums = Kokkos::View<double***, Kokkos::LayoutRight>;
  void sample(std::uint64_t seed, std::uint64_t first, std::int64_t count, int block, double begin,
              const std::vector<double>& ends, const std::vector<double>& angles, const Sums& sums) const;

 private:
  double action(const std::vector<double>& x) const;  ///< of the quadratic part
  double weight_of_end() const;  ///< of V at x_N; that at x_0 is the same where symmetrised, else 0

  PathOptions path_;
  int steps_;
  double c1_ = 0;
  double c2_ = 0;
  int n_negative_ = 0;
  double log_determinant_ = 0;  ///< of |aA|
  std::vector<double> pivot_;   ///< of A = U^T D U, U_{n,n+1} = off / pivot_n
  double off_ = 0;
};

}  // namespace koushi
