#include <cmath>

#include "koushi/field/path_variables.hpp"

namespace koushi {

namespace {

/// A hidden layer of ReLU units with time-divided biases, x(t) = b + sum_n w_n ReLU(t - t_{n-1}): velocities
/// W_n = sum_{k <= n} w_k, x_n = x_{n-1} + a W_n. Between fixed ends b is given and all theta are weights; otherwise
/// theta_0 = b. The last weight follows from the end of the path.
///
/// Flops       3 per point, each way
struct Weights {
  static constexpr bool rank_one = false;
  explicit Weights(const PathSetting& setting)
      : length(setting.lines.length()),
        spacing(setting.spacing),
        fixed(setting.boundary == Boundary::fixed),
        begin(fixed ? setting.ends[0] : 0) {}
  int length;
  double spacing;
  bool fixed;
  double begin;

  struct Network {
    int length;
    double spacing;
    bool fixed;
    double begin;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double x[PathLines::width];
      double velocity[PathLines::width];
      for (int l = 0; l < n; ++l) {
        velocity[l] = fixed ? in(0, l) : 0;
        out(0, l) = x[l] = fixed ? begin + spacing * velocity[l] : in(0, l);
      }
      for (int t = 1; t < length; ++t) {
        for (int l = 0; l < n; ++l) {
          velocity[l] += in(t, l);
          out(t, l) = x[l] += spacing * velocity[l];
        }
      }
    }
  };
  struct SecondDifference {
    int length;
    double spacing;
    bool fixed;
    double begin;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double before[PathLines::width];
      double velocity[PathLines::width];
      for (int l = 0; l < n; ++l) {
        before[l] = in(0, l);
        velocity[l] = fixed ? (before[l] - begin) / spacing : 0;
        out(0, l) = fixed ? velocity[l] : before[l];
      }
      for (int t = 1; t < length; ++t) {
        for (int l = 0; l < n; ++l) {
          const double x = in(t, l);
          const double now = (x - before[l]) / spacing;
          out(t, l) = now - velocity[l];
          velocity[l] = now;
          before[l] = x;
        }
      }
    }
  };
  struct SecondSumBehind {
    int length;
    double spacing;
    bool fixed;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      double sum[PathLines::width] = {};
      double second[PathLines::width] = {};
      for (int t = length - 1; t >= 0; --t) {
        for (int l = 0; l < n; ++l) {
          sum[l] += in(t, l);
          second[l] += spacing * sum[l];
          out(t, l) = t > 0 || fixed ? second[l] : sum[l];
        }
      }
    }
  };
  Network expand(bool with_offset) const { return {length, spacing, fixed, with_offset ? begin : 0}; }
  SecondDifference collapse(bool with_offset) const { return {length, spacing, fixed, with_offset ? begin : 0}; }
  SecondSumBehind pull_back() const { return {length, spacing, fixed}; }
  double log_jacobian() const { return (fixed ? length : length - 1) * std::log(spacing); }
};

}  // namespace

PathVariableKinds::OneKind weights_kind() {
  return {"weights",
          "output weights of ReLU units whose biases divide the time: x(t) = b + sum_n w_n ReLU(t - t_(n-1))",
          [](const PathSetting& setting) { return std::make_unique<LineVariables<Weights>>(setting); }};
}

}  // namespace koushi
