#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace koushi {

/// An explicit Runge-Kutta method for y' = f(y):  k_s = f(y + h sum_(r < s) a_sr k_r),  y(t + h) = y + h sum_s b_s k_s.
struct RungeKutta {
  std::vector<std::vector<double>> a;  ///< [stage][earlier stage]
  std::vector<double> b;
  std::vector<double> b_lower;  ///< of the embedded method of one order less; empty: there is none
  int order = 1;

  std::size_t stages() const { return b.size(); }
  bool estimates_error() const { return !b_lower.empty(); }

  static RungeKutta euler();
  /// Two stages, of second order, with Euler's step embedded.
  static RungeKutta heun();
  /// The classical four stages.
  static RungeKutta rk4();
  /// Four stages, of third order, with one of second order embedded (P. Bogacki, L. F. Shampine, Appl. Math. Lett. 2,
  /// 321 (1989)).
  static RungeKutta bogacki_shampine();

  /// y + h sum_(r < count) c_r k_r
  static std::vector<double> combination(const std::vector<double>& y, double h, const std::vector<double>& c,
                                         const std::vector<std::vector<double>>& k);
  /// h sum_s (b_s - b_lower_s) k_s, how far the two results are apart.
  std::vector<double> difference(double h, const std::vector<std::vector<double>>& k) const;
  /// The step after one of length h whose error was `error`, to be below `tolerance`: h (tolerance / error)^(1 / order)
  /// times 0.9, between a fifth and twice h.
  double next_step(double h, double error, double tolerance) const;
};

}  // namespace koushi
