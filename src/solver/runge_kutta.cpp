#include "koushi/solver/runge_kutta.hpp"

#include <algorithm>
#include <cmath>

namespace koushi {

RungeKutta RungeKutta::euler() { return {{{}}, {1.0}, {}, 1}; }

RungeKutta RungeKutta::heun() { return {{{}, {1.0}}, {0.5, 0.5}, {1.0, 0.0}, 2}; }

RungeKutta RungeKutta::rk4() {
  return {{{}, {0.5}, {0.0, 0.5}, {0.0, 0.0, 1.0}}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, {}, 4};
}

RungeKutta RungeKutta::bogacki_shampine() {
  return {{{}, {0.5}, {0.0, 0.75}, {2.0 / 9, 1.0 / 3, 4.0 / 9}},
          {2.0 / 9, 1.0 / 3, 4.0 / 9, 0.0},
          {7.0 / 24, 0.25, 1.0 / 3, 0.125},
          3};
}

std::vector<double> RungeKutta::combination(const std::vector<double>& y, double h, const std::vector<double>& c,
                                            const std::vector<std::vector<double>>& k) {
  std::vector<double> sum = y;
  for (std::size_t s = 0; s < c.size(); ++s) {
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += h * c[s] * k[s][p];
  }
  return sum;
}

std::vector<double> RungeKutta::difference(double h, const std::vector<std::vector<double>>& k) const {
  std::vector<double> c(b.size());
  for (std::size_t s = 0; s < c.size(); ++s) c[s] = b[s] - b_lower[s];
  return combination(std::vector<double>(k.front().size()), h, c, k);
}

double RungeKutta::next_step(double h, double error, double tolerance) const {
  if (!(error > 0)) return 2 * h;
  return h * std::clamp(0.9 * std::pow(tolerance / error, 1.0 / order), 0.2, 2.0);
}

}  // namespace koushi
