#pragma once

#include <Eigen/Dense>
#include <string>
#include <vector>

#include "koushi/field/path_options.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

/// What a path integral of one coordinate gives exactly.
struct TransferResult {
  double log_z = 0;            ///< log of int prod dx e^{-S} / (2 pi a)^{n/2}, n the number of steps
  double x2 = 0;               ///< <x^2>, mean over the points
  double x4 = 0;               ///< <x^4>
  double mean = 0;             ///< <x>
  double action_density = 0;   ///< <S> / V
  std::vector<double> levels;  ///< E_n = -log(lambda_n) / a, n = 0, 1 ...; NaN where lambda_n is below 1e-12 lambda_0
  std::vector<double> correlator;      ///< <x(0) x(t)> - <x>^2, t = 0 ... length / 2, as the sampled one; may be empty
  std::vector<double> x;               ///< places of the densities
  std::vector<double> density;         ///< of one point at x, mean over the points; integral 1
  std::vector<double> ground_density;  ///< |psi_0(x)|^2
};

/// The transfer matrix of a path on a uniform grid of x,
///
///   T(x, y) = (2 pi a)^{-1/2} exp(-(x - y)^2 / 2a - a (V(x) + V(y)) / 2)       end-point and symmetrised rule
///   T(x, y) = (2 pi a)^{-1/2} exp(-(x - y)^2 / 2a - a V((x + y) / 2))          mid-point rule
///
/// and the path integral of `length` points as products of it: a trace (periodic), a trace with x -> -x (antiperiodic),
/// or an element between the ends. Sums over the grid converge faster than any power of its step where the step is
/// below sqrt(a).
/// Cost        points^3 flops for all eigenvectors, points^2 length for ends that are not periodic
/// Source      M. Creutz, B. Freedman, Ann. Phys. 132, 427 (1981), sec. 2
class TransferMatrix {
 public:
  /// x from -reach to reach. Errors: NumericalError where the eigenvalues are not found.
  TransferMatrix(const PathOptions& path, double reach, int points);
  /// The path integral with these ends. antiperiodic: V must be even.
  TransferResult solve(int length, Boundary boundary, int n_levels) const;

  /// A grid that holds all of what matters: V and the free spread of the path decide. Only as a start of refinement.
  struct Extent {
    double reach = 0;
    int points = 0;
  };
  static Extent extent(const PathOptions& path, int length, Boundary boundary);
  static constexpr int max_points = 3000;

 private:
  void trace(TransferResult& result, int length, bool antiperiodic) const;
  void between_ends(TransferResult& result, int length, Boundary boundary) const;
  Eigen::MatrixXd element(const Eigen::VectorXd& diagonal) const {  ///< <m| f(x) |n>
    return vectors_.transpose() * diagonal.asDiagonal() * vectors_;
  }
  /// The kernel between a point y of no grid and the grid, with V where the rule of steps has it; without V at y where
  /// the rule has it at points.
  Eigen::VectorXd from_end(double y) const;

  PathOptions path_;
  double step_;
  Eigen::VectorXd x_;
  Eigen::VectorXd half_weight_;  ///< e^{-a V(x) / 2} of rules at points; 1 for steps
  Eigen::VectorXd values_;       ///< descending
  Eigen::MatrixXd vectors_;      ///< [x][n], orthonormal
};

}  // namespace koushi
