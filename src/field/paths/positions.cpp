#include "koushi/field/path_variables.hpp"

namespace koushi {

namespace {

/// x(t) = sum_n theta_n h(t / a - n), h the hat function 1 - |u|, |u| < 1: theta are the values at the points.
struct Positions {
  static constexpr bool rank_one = false;
  explicit Positions(const PathSetting& setting) : length(setting.lines.length()) {}
  int length;
  struct Map {
    int length;
    template <int full>
    KOKKOS_FUNCTION void run(const LineBlock& in, const LineBlock& out, int lines) const {
      const int n = full > 0 ? full : lines;
      for (int t = 0; t < length; ++t) {
        for (int l = 0; l < n; ++l) out(t, l) = in(t, l);
      }
    }
  };
  Map expand(bool) const { return {length}; }
  Map collapse(bool) const { return {length}; }
  Map pull_back() const { return {length}; }
  double log_jacobian() const { return 0; }
};

}  // namespace

PathVariableKinds::OneKind positions_kind() {
  return {"positions", "hat functions: their coefficients are the values of the path at its points",
          [](const PathSetting& setting) { return std::make_unique<LineVariables<Positions>>(setting); }};
}

}  // namespace koushi
