#include "koushi/field/path_levels.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <cmath>

namespace koushi {

namespace {

constexpr int n_operators = 4;

constexpr std::size_t entry(int tau, int k, int l) {
  return static_cast<std::size_t>(n_operators + ((tau - 1) * n_operators + k) * n_operators + l);
}

double gap(const std::vector<double>& means, int level, double spacing) {
  Eigen::Matrix4d c[2];
  for (int tau = 1; tau <= 2; ++tau) {
    for (int k = 0; k < n_operators; ++k) {
      for (int l = 0; l < n_operators; ++l)
        c[tau - 1](k, l) = 0.5 * (means[entry(tau, k, l)] + means[entry(tau, l, k)]);
    }
  }
  const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::Matrix4d> solver(c[1], c[0], Eigen::EigenvaluesOnly);
  if (solver.info() != Eigen::Success) return std::nan("");
  return -std::log(solver.eigenvalues()(n_operators - 1 - level)) / spacing;
}

}  // namespace

void append_path_sums(const double* x, int length, double weight, std::vector<double>& out) {
  std::vector<double> sums(entry(2, n_operators - 1, n_operators - 1) + 1);
  for (int t = 0; t < length; ++t) {
    const double here[n_operators] = {1, x[t], x[t] * x[t], x[t] * x[t] * x[t]};
    for (int k = 0; k < n_operators; ++k) sums[static_cast<std::size_t>(k)] += here[k] / length;
    for (int tau = 1; tau <= 2; ++tau) {
      const double y = t + tau < length ? x[t + tau] : weight * x[(t + tau) % length];
      const double there[n_operators] = {1, y, y * y, y * y * y};
      for (int k = 0; k < n_operators; ++k) {
        for (int l = 0; l < n_operators; ++l) sums[entry(tau, k, l)] += here[k] * there[l] / length;
      }
    }
  }
  out.insert(out.end(), sums.begin(), sums.end());
}

std::vector<Observable> path_gaps(double spacing) {
  std::vector<SeriesColumn> columns;
  for (std::size_t k = 0; k <= entry(2, n_operators - 1, n_operators - 1); ++k) columns.push_back({"path_levels", k});
  std::vector<Observable> all;
  for (int level = 1; level <= 2; ++level) {
    all.push_back({fmt::format("gap_{}", level),
                   fmt::format("E_{} - E_0, generalised eigenvalue problem of 1, x, x^2, x^3 between distances 1 and "
                               "2; for a length of many 1/gap",
                               level),
                   columns, [level, spacing](const std::vector<double>& means) { return gap(means, level, spacing); }});
  }
  return all;
}

}  // namespace koushi
