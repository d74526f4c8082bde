#include "koushi/field/path_options.hpp"

#include <algorithm>
#include <cmath>

namespace koushi {

double PathOptions::value(double x) const {
  double v = 0;
  for (std::size_t k = potential.size(); k-- > 1;) v = (v + potential[k]) * x;
  for (const auto& [height, centre, width] : bumps) {
    const double u = (x - centre) / width;
    v += height * std::exp(-0.5 * u * u);
  }
  return v;
}

double PathOptions::slope(double x) const {
  double v = 0;
  for (std::size_t k = potential.size(); k-- > 1;) v = v * x + static_cast<double>(k) * potential[k];
  for (const auto& [height, centre, width] : bumps) {
    const double u = (x - centre) / width;
    v -= height * u / width * std::exp(-0.5 * u * u);
  }
  return v;
}

std::size_t PathOptions::degree() const {
  std::size_t degree = potential.empty() ? 0 : potential.size() - 1;
  while (degree > 0 && potential[degree] == 0) --degree;
  return degree;
}

bool PathOptions::is_even() const {
  for (std::size_t k = 1; k < potential.size(); k += 2) {
    if (potential[k] != 0) return false;
  }
  return std::all_of(bumps.begin(), bumps.end(), [this](const std::array<double, 3>& bump) {
    return std::find(bumps.begin(), bumps.end(), std::array<double, 3>{bump[0], -bump[1], bump[2]}) != bumps.end();
  });
}

bool PathOptions::is_bound() const {
  const std::size_t highest = degree();
  return highest > 0 && highest % 2 == 0 && potential[highest] > 0;
}

double PathOptions::reach(double energy) const {
  const std::size_t highest = degree();
  for (const auto& bump : bumps) energy += std::abs(bump[0]);
  double reach = 1;
  for (std::size_t k = 0; k < highest; ++k)
    reach = std::max(reach, 1 + std::abs((k == 0 ? energy : potential[k]) / potential[highest]));
  constexpr double shorter = 1 / 1.05;
  while (std::isfinite(reach) && reach > 1e-150 && value(reach * shorter) > energy && value(-reach * shorter) > energy)
    reach *= shorter;
  return reach;
}

}  // namespace koushi
