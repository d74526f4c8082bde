#include "koushi/field/order_parameter.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace koushi {

namespace {

int slices_of(const Grid& grid) { return grid.view().global_extent[grid.view().first_direction]; }

/// The two smallest momenta k of modes along the first direction, e^{ikt}, or across an open end cos(k (t + 1/2)).
struct SmallestMomenta {
  double first;
  double second;
};

SmallestMomenta smallest_momenta(const Grid& grid) {
  const double unit = std::numbers::pi / slices_of(grid);
  const Boundary boundary = grid.options().boundary[0];
  return boundary == Boundary::antiperiodic ? SmallestMomenta{unit, 3 * unit}
                                            : SmallestMomenta{0, boundary == Boundary::open ? unit : 2 * unit};
}

/// Whether there are two momenta along the first direction, and momentum 0 along the others.
bool has_correlation_length(const Grid& grid) {
  const auto& boundary = grid.options().boundary;
  const int fewest = boundary[0] == Boundary::antiperiodic ? 3 : 2;
  return slices_of(grid) >= fewest && std::count(boundary.begin() + 1, boundary.end(), Boundary::antiperiodic) == 0;
}

/// |M(k)|^2 of a mode along the first direction, of one component; across an open end twice the square, for k > 0.
double power(const double* slice, const Grid& grid, double k) {
  const bool open = grid.options().boundary[0] == Boundary::open;
  double re = 0;
  double im = 0;
  for (int t = 0; t < slices_of(grid); ++t) {
    re += slice[t] * std::cos(k * (open ? t + 0.5 : t));
    im += slice[t] * std::sin(k * t);
  }
  return open ? 2 * re * re : re * re + im * im;
}

/// 1/V sum_t a(t) a(t + tau) of add_correlation.
double correlation(const double* slice, const Grid& grid, int tau) {
  const int length = slices_of(grid);
  const Boundary boundary = grid.options().boundary[0];
  const double across = boundary == Boundary::periodic ? 1 : boundary == Boundary::antiperiodic ? -1 : 0;
  double sum = 0;
  for (int t = 0; t < length; ++t) sum += (t + tau < length ? 1 : across) * slice[t] * slice[(t + tau) % length];
  if (across == 0) sum *= static_cast<double>(length) / (length - tau);
  return sum / static_cast<double>(grid.n_sites());
}

/// Whether all slices have the same <phi>.
bool is_uniform(const Grid& grid) { return grid.options().boundary[0] == Boundary::periodic; }

}  // namespace

void append_order_parameter(const double* slices, int components, const Grid& grid, Measured& out) {
  const int length = slices_of(grid);
  const auto volume = static_cast<double>(grid.n_sites());
  const SmallestMomenta momenta = smallest_momenta(grid);
  double square = 0;
  double at_first = 0;
  double at_second = 0;
  std::vector<double> correlator(static_cast<std::size_t>(length / 2 + 1));
  for (int c = 0; c < components; ++c) {
    const double* const slice = slices + c * length;
    double m = 0;
    for (int t = 0; t < length; ++t) m += slice[t];
    square += m * m;
    if (momenta.first > 0) at_first += power(slice, grid, momenta.first);
    at_second += power(slice, grid, momenta.second);
    add_correlation(slice, grid, correlator);
    if (c > 0) continue;
    out["field_mean"].push_back(m / volume);
    if (!is_uniform(grid)) out["slice_sums"].insert(out["slice_sums"].end(), slice, slice + length);
  }
  out["magnetization"].push_back(std::sqrt(square) / volume);
  out["magnetization2"].push_back(square / volume / volume);
  out["magnetization4"].push_back(square * square / std::pow(volume, 4));
  if (momenta.first > 0) out["structure_factor_k0"].push_back(at_first / volume);
  out["structure_factor_k1"].push_back(at_second / volume);
  out["correlator"].insert(out["correlator"].end(), correlator.begin(), correlator.end());
}

void add_correlation(const double* slice, const Grid& grid, std::vector<double>& correlator) {
  for (int tau = 0; tau < static_cast<int>(correlator.size()); ++tau)
    correlator[static_cast<std::size_t>(tau)] += correlation(slice, grid, tau);
}

std::vector<Observable> order_observables(const Grid& grid) {
  const auto volume = static_cast<double>(grid.n_sites());
  std::vector<Observable> all{
      {"magnetization", "<|M|> / V", {{"magnetization"}}, [](const std::vector<double>& x) { return x[0]; }},
      {"susceptibility",
       "<M^2> / V",
       {{"magnetization2"}},
       [volume](const std::vector<double>& x) { return volume * x[0]; }},
      {"susceptibility_connected",
       "(<M^2> - <|M|>^2) / V",
       {{"magnetization2"}, {"magnetization"}},
       [volume](const std::vector<double>& x) { return volume * (x[0] - x[1] * x[1]); }},
      {"binder", "1 - <M^4> / (3 <M^2>^2)", {{"magnetization4"}, {"magnetization2"}}, [](const std::vector<double>& x) {
         return 1 - x[0] / (3 * x[1] * x[1]);
       }}};
  if (!has_correlation_length(grid)) return all;
  const SmallestMomenta momenta = smallest_momenta(grid);
  const bool zero = momenta.first == 0;
  const double first = std::pow(2 * std::sin(momenta.first / 2), 2);
  const double second = std::pow(2 * std::sin(momenta.second / 2), 2);
  all.push_back({"correlation_length",
                 "second moment along the first direction, sqrt((r - 1)/(k_1^2 - r k_0^2)), r = F(k_0)/F(k_1) at its "
                 "two smallest momenta",
                 {{zero ? "magnetization2" : "structure_factor_k0"}, {"structure_factor_k1"}},
                 [first, second, scale = zero ? volume : 1.0](const std::vector<double>& x) {
                   const double ratio = scale * x[0] / x[1];
                   return std::sqrt((ratio - 1) / (second - ratio * first));
                 },
                 "its square is negative, as of an antiferromagnet, or by noise"});
  return all;
}

std::vector<Curve> order_curves(const Grid& grid, double spacing, double means) {
  std::vector<Curve> all;
  append_correlator_curves(grid, spacing, "correlator", "effective_mass",
                           "<sum over a slice of phi(0) phi(t)>, connected", means, all);
  return all;
}

void append_correlator_curves(const Grid& grid, double spacing, const std::string& series, const std::string& energy,
                              const std::string& help, double means, std::vector<Curve>& all) {
  const auto points = static_cast<std::size_t>(slices_of(grid) / 2 + 1);
  const auto slices = static_cast<std::size_t>(slices_of(grid));
  Curve correlator{series, help, "t", {}, {}};
  Curve effective{
      energy, "arccosh of (G(t - 1) + G(t + 1)) / (2 G(t)), per time of one step, G = " + series, "t", {}, {}};
  const auto of = [&](std::size_t from, std::size_t to) {
    std::vector<SeriesColumn> columns;
    for (std::size_t t = from; t <= to; ++t) columns.push_back({series, t});
    if (means != 0 && is_uniform(grid)) columns.push_back({"field_mean"});
    for (std::size_t t = 0; means != 0 && !is_uniform(grid) && t < slices; ++t) columns.push_back({"slice_sums", t});
    return columns;
  };
  const double slice_volume = static_cast<double>(grid.n_sites()) / slices_of(grid);
  const auto constant = [&grid, means, slices, slice_volume](const std::vector<double>& x, std::size_t t) {
    if (means == 0) return 0.0;
    return means * (is_uniform(grid) ? slice_volume * x.back() * x.back()
                                     : correlation(&x[x.size() - slices], grid, static_cast<int>(t)));
  };
  for (std::size_t t = 0; t < points; ++t) {
    correlator.x.push_back(spacing * static_cast<double>(t));
    correlator.points.push_back(
        {"", "", of(t, t), [constant, t](const std::vector<double>& x) { return x[0] - constant(x, t); }});
    if (t == 0 || t + 1 >= points) continue;
    effective.x.push_back(spacing * static_cast<double>(t));
    effective.points.push_back({"", "", of(t - 1, t + 1), [constant, spacing, t](const std::vector<double>& x) {
                                  return std::acosh(0.5 * (x[0] - constant(x, t - 1) + x[2] - constant(x, t + 1)) /
                                                    (x[1] - constant(x, t))) /
                                         spacing;
                                }});
  }
  all.push_back(correlator);
  all.push_back(effective);
}

}  // namespace koushi
