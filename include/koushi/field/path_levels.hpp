#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "koushi/field/path_options.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// The gaps E_1 - E_0 and E_2 - E_0 of a closed path: C(2t) v = e^{-t (E_n - E_0)} C(t) v with
/// C_kl(t) = <x^k(0) x^l(t)>, k, l = 0 ... N - 1. The operator 1 takes up the ground state, so nothing is subtracted.
///
/// N operators span N levels but for an admixture of later ones, which raises the gaps by a part of order
/// e^{-t (E_N - E_n)}. So t is a time, not a number of steps: it stays where it is as a -> 0. At a step between
/// neighbours, e^{-a (E_N - E_n)} -> 1, nothing is suppressed. What the N-th operator adds to C(t) is of order
/// e^{-t (E_{N-1} - E_0)}, which noise must not outweigh: N = 6, less (down to 4) where t is long for them.
/// Series      "path_correlators" of append(); the odd C_kl of an even V, which are 0, are not measured
/// Source      M. Luescher, U. Wolff, Nucl. Phys. B 339, 222 (1990); B. Blossier et al., JHEP 04 (2009) 094, for
///             times up to twice the one of the right side
class PathLevels {
 public:
  /// time: t of the gaps; not > 0: from V, by default_time(). V must have bound states.
  PathLevels(const PathOptions& options, int length, double time);

  /// The time 3.6 / (E_6 - E_2) of the semiclassical levels: states beyond the sixth are down by e^{-3.6} at t, and by
  /// as much again at 2t.
  static double default_time(const PathOptions& path);
  /// The semiclassical E_n: 1/pi Int dx sqrt(2 (E_n - V)) = n + 1/2 over all of V < E_n; NaN where numbers
  /// leave the range of doubles.
  static double semiclassical_level(const PathOptions& path, int n);

  /// Appends the means of a path: <x^k>, then the C_kl of every time; x(t + length) = weight x(t).
  void append(const double* x, double weight, std::vector<double>& out) const;
  /// gap_1 and gap_2, each with its value at the next later time.
  std::vector<Observable> observables() const;
  /// effective_gap_1 and effective_gap_2 over t, from half of the time of the gaps to twice it.
  std::vector<Curve> curves() const;

 private:
  static constexpr int most_operators = 6;
  struct Pair {
    int k;
    int l;
  };
  std::size_t column(std::size_t time, std::size_t pair) const { return n_means_ + time * pairs_.size() + pair; }
  /// Gap `level` from C(t) and C(2t) among the means, which begin with those of the operators.
  double gap(const std::vector<double>& means, int level, double t) const;
  /// Its derivatives: of e^{-t gap} = lambda, v^T (dC(2t) - lambda dC(t)) v with v^T C(t) v = 1. The powers of x are
  /// nearly parallel, so that C(t) is no longer positive where one element moves by its error and the others do not.
  std::vector<double> gradient(const std::vector<double>& means, int level, double t) const;
  struct Solution;
  std::optional<Solution> solve(const std::vector<double>& means, int level) const;
  Observable gap_observable(std::size_t at, int level) const;
  /// Columns that gap() takes, of t in steps.
  std::vector<SeriesColumn> columns(int steps) const;

  double spacing_;
  int length_;
  int n_operators_ = most_operators;
  bool even_;                ///< V(x) = V(-x)
  std::size_t n_means_ = 0;  ///< of x^k that are not 0
  std::vector<Pair> pairs_;  ///< 1 <= k <= l
  std::vector<int> steps_;   ///< t of the curve
  std::size_t chosen_ = 0;   ///< which of them is the time of the gaps
  std::vector<int> times_;   ///< of C, t and 2t
};

}  // namespace koushi
