#include <cmath>

#include "koushi/field/path_variables.hpp"

namespace koushi {

namespace {

/// A piecewise constant velocity W, x_t = x_{t-1} + a W_t. Between fixed ends x_{-1} is given and all theta are
/// velocities; otherwise theta_0 = x_0. The velocity of the last step follows from the end of the path.
///
/// Flops       2 per point, each way
struct Velocities {
  static constexpr bool rank_one = true;  // S_free = a/2 { sum W^2 + (sum W - const)^2 }
  explicit Velocities(const PathSetting& setting)
      : length(setting.lines.length()),
        spacing(setting.spacing),
        first(setting.boundary == Boundary::fixed ? setting.spacing : 1),
        begin(setting.boundary == Boundary::fixed ? setting.ends[0] : 0) {}
  int length;
  double spacing;
  double first;  ///< of theta_0 in x_0
  double begin;

  struct Sum {
    int length;
    double spacing;
    double first;
    double begin;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double x[PathLines::width];
      for (int l = 0; l < n; ++l) out(0, l) = x[l] = begin + first * in(0, l);
      for (int t = 1; t < length; ++t) {
        for (int l = 0; l < n; ++l) out(t, l) = x[l] += spacing * in(t, l);
      }
    }
  };
  struct Difference {
    int length;
    double spacing;
    double first;
    double begin;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double before[PathLines::width];
      for (int l = 0; l < n; ++l) {
        before[l] = in(0, l);
        out(0, l) = (before[l] - begin) / first;
      }
      for (int t = 1; t < length; ++t) {
        for (int l = 0; l < n; ++l) {
          const double x = in(t, l);
          out(t, l) = (x - before[l]) / spacing;
          before[l] = x;
        }
      }
    }
  };
  struct SumBehind {
    int length;
    double spacing;
    double first;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double sum[PathLines::width] = {};
      for (int t = length - 1; t >= 0; --t) {
        const double factor = t > 0 ? spacing : first;
        for (int l = 0; l < n; ++l) {
          sum[l] += in(t, l);
          out(t, l) = factor * sum[l];
        }
      }
    }
  };
  Sum expand(bool with_offset) const { return {length, spacing, first, with_offset ? begin : 0}; }
  Difference collapse(bool with_offset) const { return {length, spacing, first, with_offset ? begin : 0}; }
  SumBehind pull_back() const { return {length, spacing, first}; }
  double log_jacobian() const { return (length - 1) * std::log(spacing) + std::log(first); }
};

}  // namespace

PathVariableKinds::OneKind velocities_kind() {
  return {"velocities", "piecewise constant velocity W: x_n = x_(n-1) + a W_n",
          [](const PathSetting& setting) { return std::make_unique<LineVariables<Velocities>>(setting); }};
}

}  // namespace koushi
