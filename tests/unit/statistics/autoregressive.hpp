#pragma once

#include <cmath>
#include <random>
#include <vector>

namespace koushi {

/// x' = a x + sqrt(1 - a^2) noise: variance 1, tau_int = (1 + a) / (2 (1 - a)). [chain * length + t]
inline std::vector<double> autoregressive(double a, int chains, int length, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> series;
  for (int c = 0; c < chains; ++c) {
    double x = normal(engine);
    for (int t = 0; t < length; ++t) {
      series.push_back(x);
      x = a * x + std::sqrt(1 - a * a) * normal(engine);
    }
  }
  return series;
}

}  // namespace koushi
