#include "order_parameter.hpp"

#include <cmath>
#include <numbers>

namespace koushi {

namespace {

int slices_of(const Grid& grid) { return grid.view().global_extent[grid.view().first_direction]; }

}  // namespace

void append_order_parameter(const double* slices, int components, int length, double volume, Measured& out) {
  const double k = 2 * std::numbers::pi / length;
  double square = 0;
  double at_k = 0;
  std::vector<double> correlator(static_cast<std::size_t>(length / 2 + 1));
  for (int c = 0; c < components; ++c) {
    const double* const slice = slices + c * length;
    double m = 0;
    double re = 0;
    double im = 0;
    for (int t = 0; t < length; ++t) {
      m += slice[t];
      re += slice[t] * std::cos(k * t);
      im += slice[t] * std::sin(k * t);
    }
    square += m * m;
    at_k += re * re + im * im;
    for (std::size_t tau = 0; tau < correlator.size(); ++tau) {
      for (int t = 0; t < length; ++t) correlator[tau] += slice[t] * slice[(t + static_cast<int>(tau)) % length] / volume;
    }
    if (c == 0) out["field_mean"].push_back(m / volume);
  }
  out["magnetization"].push_back(std::sqrt(square) / volume);
  out["magnetization2"].push_back(square / volume / volume);
  out["magnetization4"].push_back(square * square / std::pow(volume, 4));
  out["structure_factor_k1"].push_back(at_k / volume);
  out["correlator"].insert(out["correlator"].end(), correlator.begin(), correlator.end());
}

std::vector<Observable> order_observables(const Grid& grid) {
  const auto volume = static_cast<double>(grid.n_sites());
  const double half_k = std::numbers::pi / slices_of(grid);
  return {{"magnetization", "<|M|> / V", {{"magnetization"}}, [](const std::vector<double>& x) { return x[0]; }},
          {"susceptibility", "<M^2> / V", {{"magnetization2"}}, [volume](const std::vector<double>& x) { return volume * x[0]; }},
          {"susceptibility_connected", "(<M^2> - <|M|>^2) / V", {{"magnetization2"}, {"magnetization"}},
           [volume](const std::vector<double>& x) { return volume * (x[0] - x[1] * x[1]); }},
          {"binder", "1 - <M^4> / (3 <M^2>^2)", {{"magnetization4"}, {"magnetization2"}}, [](const std::vector<double>& x) { return 1 - x[0] / (3 * x[1] * x[1]); }},
          {"correlation_length", "second moment along the first direction, sqrt(<M^2>/(V F) - 1) / (2 sin(pi / L)), F at the smallest momentum",
           {{"magnetization2"}, {"structure_factor_k1"}},
           [volume, half_k](const std::vector<double>& x) { return std::sqrt(volume * x[0] / x[1] - 1) / (2 * std::sin(half_k)); }}};
}

std::vector<Curve> order_curves(const Grid& grid, double spacing) {
  const int length = slices_of(grid);
  const double slice = static_cast<double>(grid.n_sites()) / length;
  const auto points = static_cast<std::size_t>(length / 2 + 1);
  Curve correlator{"correlator", "<sum over a slice of phi(0) phi(t)>, connected: - slice <phi>^2 of the first component", "t", {}, {}};
  Curve mass{"effective_mass", "arccosh of (G(t - 1) + G(t + 1)) / (2 G(t)), per time of one step", "t", {}, {}};
  for (std::size_t t = 0; t < points; ++t) {
    correlator.x.push_back(spacing * static_cast<double>(t));
    correlator.points.push_back({"", "", {{"correlator", t}, {"field_mean"}}, [slice](const std::vector<double>& x) { return x[0] - slice * x[1] * x[1]; }});
    if (t == 0 || t + 1 >= points) continue;
    mass.x.push_back(spacing * static_cast<double>(t));
    mass.points.push_back({"", "", {{"correlator", t - 1}, {"correlator", t}, {"correlator", t + 1}, {"field_mean"}}, [slice, spacing](const std::vector<double>& x) {
                             const double constant = slice * x[3] * x[3];
                             return std::acosh(0.5 * (x[0] + x[2] - 2 * constant) / (x[1] - constant)) / spacing;
                           }});
  }
  return {correlator, mass};
}

}  // namespace koushi
