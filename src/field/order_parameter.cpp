#include "order_parameter.hpp"

#include <cmath>
#include <numbers>

namespace koushi {

namespace {

int slices_of(const Grid& grid) { return grid.view().global_extent[grid.view().first_direction]; }

}  // namespace

void append_order_parameter(const double* slices, int components, const Grid& grid, Measured& out) {
  const int length = slices_of(grid);
  const auto volume = static_cast<double>(grid.n_sites());
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
    add_correlation(slice, grid, correlator);
    if (c == 0) out["field_mean"].push_back(m / volume);
  }
  out["magnetization"].push_back(std::sqrt(square) / volume);
  out["magnetization2"].push_back(square / volume / volume);
  out["magnetization4"].push_back(square * square / std::pow(volume, 4));
  out["structure_factor_k1"].push_back(at_k / volume);
  out["correlator"].insert(out["correlator"].end(), correlator.begin(), correlator.end());
}

void add_correlation(const double* slice, const Grid& grid, std::vector<double>& correlator) {
  const int length = slices_of(grid);
  const Boundary boundary = grid.options().boundary[0];
  const double across = boundary == Boundary::periodic ? 1 : boundary == Boundary::antiperiodic ? -1 : 0;
  for (int tau = 0; tau < static_cast<int>(correlator.size()); ++tau) {
    double sum = 0;
    for (int t = 0; t < length; ++t) sum += (t + tau < length ? 1 : across) * slice[t] * slice[(t + tau) % length];
    if (across == 0) sum *= static_cast<double>(length) / (length - tau);
    correlator[static_cast<std::size_t>(tau)] += sum / static_cast<double>(grid.n_sites());
  }
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
  std::vector<Curve> all;
  append_correlator_curves(grid, spacing, "correlator", "effective_mass", "<sum over a slice of phi(0) phi(t)>, connected: - slice <phi>^2 of the first component",
                           static_cast<double>(grid.n_sites()) / slices_of(grid), all);
  return all;
}

void append_correlator_curves(const Grid& grid, double spacing, const std::string& series, const std::string& energy, const std::string& help, double disconnected, std::vector<Curve>& all) {
  const auto points = static_cast<std::size_t>(slices_of(grid) / 2 + 1);
  Curve correlator{series, help, "t", {}, {}};
  Curve effective{energy, "arccosh of (G(t - 1) + G(t + 1)) / (2 G(t)), per time of one step, G = " + series, "t", {}, {}};
  const auto of = [&](std::size_t from, std::size_t to) {
    std::vector<SeriesColumn> columns;
    for (std::size_t t = from; t <= to; ++t) columns.push_back({series, t});
    if (disconnected != 0) columns.push_back({"field_mean"});
    return columns;
  };
  const auto constant = [disconnected](const std::vector<double>& x) { return disconnected == 0 ? 0.0 : disconnected * x.back() * x.back(); };
  for (std::size_t t = 0; t < points; ++t) {
    correlator.x.push_back(spacing * static_cast<double>(t));
    correlator.points.push_back({"", "", of(t, t), [constant](const std::vector<double>& x) { return x[0] - constant(x); }});
    if (t == 0 || t + 1 >= points) continue;
    effective.x.push_back(spacing * static_cast<double>(t));
    effective.points.push_back({"", "", of(t - 1, t + 1), [constant, spacing](const std::vector<double>& x) {
                                  return std::acosh(0.5 * (x[0] + x[2] - 2 * constant(x)) / (x[1] - constant(x))) / spacing;
                                }});
  }
  all.push_back(correlator);
  all.push_back(effective);
}

}  // namespace koushi
