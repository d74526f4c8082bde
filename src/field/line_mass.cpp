#include "koushi/field/line_mass.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "koushi/base/error.hpp"

namespace koushi {

TridiagonalMass::TridiagonalMass(const Grid& grid, int components, double stiffness, double mass, bool mid_points)
    : lines_(grid, components),
      grid_(grid.view()),
      factor_("koushi::field::line_mass", static_cast<std::size_t>(lines_.length())) {
  const int n = lines_.length();
  const Boundary boundary = grid.options().boundary[0];
  const bool ring = boundary == Boundary::periodic || boundary == Boundary::antiperiodic;
  const double sign = boundary == Boundary::antiperiodic ? -1 : 1;
  const double m2 = mass * mass;
  const auto size = static_cast<std::size_t>(n);
  // rows of the matrix: diagonal, one below it, corner of a ring
  std::vector<double> diagonal(size, mid_points ? 0 : 2 * stiffness * m2);
  std::vector<double> below(size, 0);
  double corner = 0;
  const double own = 2 * stiffness * (1 + (mid_points ? 0.25 * m2 : 0));
  const double between = 2 * stiffness * (-1 + (mid_points ? 0.25 * m2 : 0));
  const auto add_step = [&](std::size_t t, std::size_t next, double weight) {
    diagonal[t] += own;
    diagonal[next] += own;
    if (t == next) {
      diagonal[t] += 2 * weight * between;
    } else if (next == t + 1) {
      below[next] += between;
    } else {
      corner += weight * between;
    }
  };
  for (std::size_t t = 0; t + 1 < size; ++t) add_step(t, t + 1, 1);
  if (ring && n != 2) add_step(size - 1, 0, sign);
  if (ring && n == 2) {  // both steps join the same two points
    diagonal[0] += own;
    diagonal[1] += own;
    below[1] += sign * between;
  }
  if (boundary == Boundary::fixed) {
    diagonal[0] += own;
    diagonal[size - 1] += own;
  }
  const auto factor = Kokkos::create_mirror_view(factor_);
  double last = diagonal[size - 1];
  for (std::size_t t = 0; t < size; ++t) {
    const double before = t > 0 ? factor(t - 1, 0) : 1;
    const double here = t > 0 && t + 1 < size ? below[t] / before : 0;
    double row = 0;  // of the last row, in column t
    if (t + 1 < size) {
      row = t == 0 ? corner : -factor(t - 1, 2) * here;
      if (t + 2 == size) row += below[size - 1];
    }
    const double square = t + 1 < size ? diagonal[t] - here * here : last;
    if (!(square > 1e-14 * diagonal[t]))
      throw UsageError(fmt::format(
          "masses of a Gaussian with mass {} that is not positive on these lines\n  expected: a larger one", mass));
    factor(t, 0) = std::sqrt(square);
    factor(t, 1) = here;
    factor(t, 2) = row / factor(t, 0);
    last -= factor(t, 2) * factor(t, 2);
  }
  Kokkos::deep_copy(factor_, factor);
}

namespace {

/// p = L z, rows from the last to the first, since each needs what stands before it.
struct TridiagonalRoot {
  Kokkos::View<double* [3], Kokkos::LayoutRight> factor;
  template <int full>
  KOKKOS_FUNCTION void run(const LineBlock&, const LineBlock& p, int lines) const {
    const int n = full > 0 ? full : lines;
    const int last = static_cast<int>(factor.extent(0)) - 1;
    double sum[PathLines::width];
    for (int l = 0; l < n; ++l) sum[l] = factor(last, 0) * p(last, l);
    for (int t = 0; t < last; ++t) {
      for (int l = 0; l < n; ++l) sum[l] += factor(t, 2) * p(t, l);
    }
    for (int l = 0; l < n; ++l) p(last, l) = sum[l];
    for (int t = last - 1; t >= 0; --t) {
      for (int l = 0; l < n; ++l) p(t, l) = factor(t, 0) * p(t, l) + (t > 0 ? factor(t, 1) * p(t - 1, l) : 0);
    }
  }
};

/// L^T v = y, L y = p.
struct TridiagonalInverse {
  Kokkos::View<double* [3], Kokkos::LayoutRight> factor;
  template <int full>
  KOKKOS_FUNCTION void run(const LineBlock& p, const LineBlock& v, int lines) const {
    const int n = full > 0 ? full : lines;
    const int last = static_cast<int>(factor.extent(0)) - 1;
    double before[PathLines::width] = {};
    double sum[PathLines::width];
    for (int l = 0; l < n; ++l) sum[l] = p(last, l);
    for (int t = 0; t < last; ++t) {
      const double inverse = 1 / factor(t, 0);
      for (int l = 0; l < n; ++l) {
        before[l] = (p(t, l) - factor(t, 1) * before[l]) * inverse;
        sum[l] -= factor(t, 2) * before[l];
        v(t, l) = before[l];
      }
    }
    double end[PathLines::width];
    for (int l = 0; l < n; ++l) v(last, l) = end[l] = sum[l] / (factor(last, 0) * factor(last, 0));
    for (int l = 0; l < n; ++l) before[l] = 0;
    for (int t = last - 1; t >= 0; --t) {
      const double inverse = 1 / factor(t, 0);
      const double next = t + 1 < last ? factor(t + 1, 1) : 0;
      for (int l = 0; l < n; ++l) v(t, l) = before[l] = (v(t, l) - next * before[l] - factor(t, 2) * end[l]) * inverse;
    }
  }
};

}  // namespace

void TridiagonalMass::apply_root(const FieldArray& p) const {
  const FieldPointer pointer = pointer_to(grid_, p);
  for_lines("koushi::field::line_mass_root", lines_, pointer, pointer, TridiagonalRoot{factor_});
}

void TridiagonalMass::apply_inverse(const FieldArray& p, const FieldArray& velocity) const {
  for_lines("koushi::field::line_mass_inverse", lines_, pointer_to(grid_, p), pointer_to(grid_, velocity),
            TridiagonalInverse{factor_});
}

RankOneMass::RankOneMass(const Grid& grid, int components, double scale, bool whole, double first)
    : lines_(grid, components), grid_(grid.view()), scale_(scale), first_(first), begin_(whole ? 0 : 1) {}

namespace {

/// out = scale (p + along 1 1^T p); the parameters before `begin` times `first`.
struct AddAlong {
  int length;
  int begin;
  double scale;
  double along;
  double first;
  template <int full>
  KOKKOS_FUNCTION void run(const LineBlock& p, const LineBlock& out, int lines) const {
    const int n = full > 0 ? full : lines;
    double sum[PathLines::width] = {};
    for (int t = begin; t < length; ++t) {
      for (int l = 0; l < n; ++l) sum[l] += p(t, l);
    }
    for (int t = 0; t < length; ++t) {
      for (int l = 0; l < n; ++l) out(t, l) = t < begin ? first * p(t, l) : scale * (p(t, l) + along * sum[l]);
    }
  }
};

}  // namespace

void RankOneMass::apply(const FieldArray& p, const FieldArray& out, double scale, double along, double first) const {
  for_lines("koushi::field::rank_one_mass", lines_, pointer_to(grid_, p), pointer_to(grid_, out),
            AddAlong{lines_.length(), begin_, scale, along, first});
}

/// (1 + c 1 1^T)^2 = 1 + 1 1^T: c = (sqrt(1 + n) - 1) / n.
void RankOneMass::apply_root(const FieldArray& p) const {
  const double n = lines_.length() - begin_;
  apply(p, p, std::sqrt(scale_), n > 0 ? (std::sqrt(1 + n) - 1) / n : 0, std::sqrt(first_));
}

/// (1 + 1 1^T)^{-1} = 1 - 1 1^T / (1 + n).
void RankOneMass::apply_inverse(const FieldArray& p, const FieldArray& velocity) const {
  const double n = lines_.length() - begin_;
  apply(p, velocity, 1 / scale_, -1 / (1 + n), 1 / first_);
}

}  // namespace koushi
