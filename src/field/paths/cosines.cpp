#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/field/path_variables.hpp"

namespace koushi {

namespace {

/// Orthonormal waves along a line of n points, F[t][k], the eigenvectors of -d^2 with these ends:
///   fixed         sqrt(2/(n+1)) sin(pi (k+1)(t+1)/(n+1)), whose velocities are cosines
///   open          sqrt((2 - delta_k0)/n) cos(pi k (t + 1/2)/n)
///   periodic      sqrt(2/n) cos(2 pi m t/n), sqrt(2/n) sin(2 pi m t/n), and sqrt(1/n), sqrt(1/n) (-1)^t where they exist
///   antiperiodic  the same with m + 1/2
double wave(int t, int k, int n, Boundary boundary) {
  using std::numbers::pi;
  if (boundary == Boundary::fixed) return std::sqrt(2.0 / (n + 1)) * std::sin(pi * (k + 1) * (t + 1) / (n + 1.0));
  if (boundary == Boundary::open) return std::sqrt((k == 0 ? 1.0 : 2.0) / n) * std::cos(pi * k * (t + 0.5) / n);
  const bool shifted = boundary == Boundary::antiperiodic;
  // k = 0: m = 0 (periodic); then cos and sin of the same m in turn
  const int pair = shifted ? k / 2 : (k + 1) / 2;
  const bool sine = shifted ? k % 2 == 1 : k > 0 && k % 2 == 0;
  const double momentum = 2 * pi * (pair + (shifted ? 0.5 : 0)) / n;
  const bool alone = (!shifted && (k == 0 || 2 * pair == n)) || (shifted && 2 * pair + 1 == n);
  const double scale = std::sqrt((alone ? 1.0 : 2.0) / n);
  return scale * (sine ? std::sin(momentum * t) : std::cos(momentum * t));
}

/// x = straight line between fixed ends, or 0, + F theta, F orthogonal.
///
/// Flops       2 n per point, each way: F is kept, 8 n^2 bytes
struct Cosines {
  static constexpr bool rank_one = false;
  static constexpr int max_length = 4096;
  explicit Cosines(const PathSetting& setting)
      : n(setting.lines.length()),
        forward("koushi::field::waves", static_cast<std::size_t>(n), static_cast<std::size_t>(n)),
        backward("koushi::field::waves", static_cast<std::size_t>(n), static_cast<std::size_t>(n)) {
    const auto waves = Kokkos::create_mirror_view(forward);
    const auto transposed = Kokkos::create_mirror_view(backward);
    for (int t = 0; t < n; ++t) {
      for (int k = 0; k < n; ++k) waves(t, k) = transposed(k, t) = wave(t, k, n, setting.boundary);
    }
    Kokkos::deep_copy(forward, waves);
    Kokkos::deep_copy(backward, transposed);
    if (setting.boundary != Boundary::fixed) return;
    slope = (setting.ends[1] - setting.ends[0]) / (n + 1);
    begin = setting.ends[0] + slope;
  }
  using Matrix = Kokkos::View<double**, Kokkos::LayoutRight>;
  int n;
  Matrix forward;
  Matrix backward;
  double begin = 0;
  double slope = 0;

  /// out = out_0 + matrix (in - in_0), both lines begin + slope t.
  struct Product {
    Matrix matrix;
    double out_begin;
    double out_slope;
    double in_begin;
    double in_slope;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int count = full > 0 ? full : lines;
      const int n = static_cast<int>(matrix.extent(0));
      for (int i = 0; i < n; ++i) {
        double sum[PathLines::width];
        for (int l = 0; l < count; ++l) sum[l] = out_begin + out_slope * i;
        for (int k = 0; k < n; ++k) {
          const double shift = in_begin + in_slope * k;
          for (int l = 0; l < count; ++l) sum[l] += matrix(i, k) * (in(k, l) - shift);
        }
        for (int l = 0; l < count; ++l) out(i, l) = sum[l];
      }
    }
  };
  Product expand(bool with_offset) const { return {forward, with_offset ? begin : 0, with_offset ? slope : 0, 0, 0}; }
  Product collapse(bool with_offset) const {
    return {backward, 0, 0, with_offset ? begin : 0, with_offset ? slope : 0};
  }
  Product pull_back() const { return {backward, 0, 0, 0, 0}; }
  double log_jacobian() const { return 0; }
};

}  // namespace

PathVariableKinds::OneKind cosines_kind() {
  return {"cosines", "amplitudes of orthonormal waves along the path, at most 4096 points",
          [](const PathSetting& setting) -> std::unique_ptr<PathVariables> {
            if (setting.lines.length() > Cosines::max_length)
              throw UsageError(fmt::format("waves along {} points\n  expected: at most {}, or other path.variables",
                                           setting.lines.length(), Cosines::max_length));
            return std::make_unique<LineVariables<Cosines>>(setting);
          }};
}

}  // namespace koushi
