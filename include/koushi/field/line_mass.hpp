#pragma once

#include "koushi/field/path_lines.hpp"

namespace koushi {

/// Masses M of the momenta along a line: momenta are M^{1/2} times normal numbers, velocities M^{-1} p.
/// Cost  a few flops per point
class LineMass {
 public:
  virtual ~LineMass() = default;
  /// p = root z with root root^T = M, in place.
  virtual void apply_root(const FieldArray& p) const = 0;
  virtual void apply_inverse(const FieldArray& p, const FieldArray& velocity) const = 0;
};

/// The matrix of 2 stiffness sum_t { (x_{t+1} - x_t)^2 + mass^2 x^2 } / 2 on lines with these ends; with mid_points the
/// mass term is of (x_t + x_{t+1}) / 2. Its Cholesky factor is bidiagonal but for the last row.
class TridiagonalMass : public LineMass {
 public:
  /// Errors  UsageError where the matrix is not positive
  TridiagonalMass(const Grid& grid, int components, double stiffness, double mass, bool mid_points);
  void apply_root(const FieldArray& p) const override;
  void apply_inverse(const FieldArray& p, const FieldArray& velocity) const override;

 private:
  PathLines lines_;
  GridView grid_;
  Kokkos::View<double* [3], Kokkos::LayoutRight>
      factor_;  ///< [t]: diagonal, below it in its row, last row in its column
};

/// scale (1 + 1 1^T) on all parameters of a line; not `whole`: on all but the first, whose mass is `first`.
class RankOneMass : public LineMass {
 public:
  RankOneMass(const Grid& grid, int components, double scale, bool whole, double first);
  void apply_root(const FieldArray& p) const override;
  void apply_inverse(const FieldArray& p, const FieldArray& velocity) const override;

 private:
  void apply(const FieldArray& p, const FieldArray& out, double scale, double along, double first) const;
  PathLines lines_;
  GridView grid_;
  double scale_;
  double first_;
  int begin_;  ///< 0, or 1 where the first parameter stands apart
};

}  // namespace koushi
