#include "koushi/field/path_levels.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <set>

namespace koushi {

namespace {

/// V on a grid that covers all of V < E, and the distance of its points.
struct Well {
  std::vector<double> v;
  double step = 0;
};

Well well_below(const PathOptions& path, double energy) {
  const double reach = path.reach(energy);
  constexpr int n = 4000;
  Well well{{}, 2 * reach / n};
  for (int k = 0; k < n; ++k) well.v.push_back(path.value(-reach + (k + 0.5) * well.step));
  return well;
}

/// The least 2^k or 3 2^k that is not less.
int round_up(double steps) {
  for (int n = 1;; n *= 2) {
    if (n >= steps * (1 - 1e-9)) return n;
    if (n >= 2 && 1.5 * n >= steps * (1 - 1e-9)) return n + n / 2;
  }
}

}  // namespace

double PathLevels::semiclassical_level(const PathOptions& path, int n) {
  const auto states = [&path](double energy) {
    const Well well = well_below(path, energy);
    double sum = 0;
    for (const double v : well.v) sum += std::sqrt(2 * std::max(0.0, energy - v)) * well.step;
    return sum / std::acos(-1.0);
  };
  const Well around = well_below(path, 0);
  double low = *std::min_element(around.v.begin(), around.v.end());
  if (!std::isfinite(low)) return std::nan("");
  double width = 1;
  while (width < 1e290 && states(low + width) < n + 0.5) width *= 2;
  if (!(width < 1e290)) return std::nan("");
  double high = low + width;
  for (int k = 0; k < 40; ++k) {
    const double middle = 0.5 * (low + high);
    (states(middle) < n + 0.5 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double PathLevels::default_time(const PathOptions& path) {
  return 3.6 / (semiclassical_level(path, 6) - semiclassical_level(path, 2));
}

PathLevels::PathLevels(const PathOptions& options, int length, double time)
    : spacing_(options.spacing), length_(length), even_(options.is_even()) {
  // beyond a quarter of the path 2t comes nearer from the other side
  const int longest = std::max(1, length / 4);
  const double wanted = (time > 0 ? time : default_time(options)) / spacing_;
  const int chosen = !(wanted < longest) ? longest
                     : time > 0          ? std::max(1, static_cast<int>(std::lround(wanted)))
                                         : std::min(longest, round_up(wanted));
  const auto signal = [&](int n) {  // exponent of what the last of n operators adds to C(t)
    return chosen * spacing_ * (semiclassical_level(options, n - 1) - semiclassical_level(options, 0));
  };
  while (n_operators_ > 4 && signal(n_operators_) > 4.2) --n_operators_;
  for (int k = 1; k < n_operators_; ++k) {
    if (!even_ || k % 2 == 0) ++n_means_;
    for (int l = k; l < n_operators_; ++l) {
      if (!even_ || (k + l) % 2 == 0) pairs_.push_back({k, l});
    }
  }
  std::set<int> steps;
  for (const double part : {0.5, 2.0 / 3, 1.0, 4.0 / 3, 2.0}) {
    const auto t = std::max(1, static_cast<int>(std::lround(part * chosen)));
    if (t <= longest) steps.insert(t);
  }
  std::set<int> times;
  for (const int t : steps) {
    if (t == chosen) chosen_ = steps_.size();
    steps_.push_back(t);
    times.insert(t);
    times.insert(2 * t);
  }
  times_.assign(times.begin(), times.end());
}

void PathLevels::append(const double* x, double weight, std::vector<double>& out) const {
  const auto n = static_cast<std::size_t>(length_);
  const auto beyond = static_cast<std::size_t>(times_.back());
  std::vector<double> power[most_operators];  // of the path and what follows it around the ring
  for (std::vector<double>& p : power) p.resize(n + beyond);
  double sign = 1;
  for (std::size_t t = 0; t < n + beyond; ++t) {
    if (t > 0 && t % n == 0) sign *= weight;
    double p = 1;
    for (int k = 1; k < n_operators_; ++k) power[k][t] = p *= sign * x[t % n];
  }
  const double each = 1.0 / length_;
  for (int k = 1; k < n_operators_; ++k) {
    if (even_ && k % 2 != 0) continue;
    double sum = 0;
    for (std::size_t t = 0; t < n; ++t) sum += power[k][t];
    out.push_back(sum * each);
  }
  for (const int tau : times_) {
    for (const auto& [k, l] : pairs_) {
      const double* const a = power[k].data();
      const double* const b = power[l].data();
      double sum = 0;
      for (std::size_t t = 0, u = static_cast<std::size_t>(tau); t < n; ++t, ++u) sum += a[t] * b[u] + b[t] * a[u];
      out.push_back(0.5 * sum * each);
    }
  }
}

std::vector<SeriesColumn> PathLevels::columns(int steps) const {
  std::vector<SeriesColumn> all;
  for (std::size_t k = 0; k < n_means_; ++k) all.push_back({"path_correlators", k});
  for (const int tau : {steps, 2 * steps}) {
    const auto at = static_cast<std::size_t>(std::find(times_.begin(), times_.end(), tau) - times_.begin());
    for (std::size_t pair = 0; pair < pairs_.size(); ++pair) all.push_back({"path_correlators", column(at, pair)});
  }
  return all;
}

/// Of C(2t) v = lambda C(t) v, v^T C(t) v = 1.
struct PathLevels::Solution {
  double lambda;
  Eigen::VectorXd v;          ///< of the powers below, without that of 1
  std::vector<int> powers{};  ///< of x
  Eigen::VectorXd mean;       ///< <x^k>
};

/// The problem without the operator 1, whose lambda is 1: C_kl - <x^k><x^l>. The levels of an even V are even and odd in
/// turn, so that the second is solved for among odd powers alone and the third among even ones.
std::optional<PathLevels::Solution> PathLevels::solve(const std::vector<double>& means, int level) const {
  Solution solution;
  for (int k = 1; k < n_operators_; ++k) {
    if (!even_ || (k + level) % 2 == 0) solution.powers.push_back(k);
  }
  const auto n = static_cast<Eigen::Index>(solution.powers.size());
  const auto place = [&](int power) {
    const auto found = std::find(solution.powers.begin(), solution.powers.end(), power);
    return found == solution.powers.end() ? -1 : static_cast<Eigen::Index>(found - solution.powers.begin());
  };
  solution.mean.setZero(n);
  std::size_t mean = 0;
  for (int k = 1; k < n_operators_; ++k) {
    if (even_ && k % 2 != 0) continue;
    if (place(k) >= 0) solution.mean(place(k)) = means[mean];
    ++mean;
  }
  Eigen::MatrixXd c[2];
  for (std::size_t at = 0; at < 2; ++at) {
    c[at].setZero(n, n);
    for (std::size_t pair = 0; pair < pairs_.size(); ++pair) {
      const Eigen::Index k = place(pairs_[pair].k);
      const Eigen::Index l = place(pairs_[pair].l);
      if (k >= 0 && l >= 0) c[at](k, l) = c[at](l, k) = means[n_means_ + at * pairs_.size() + pair];
    }
    c[at] -= solution.mean * solution.mean.transpose();
  }
  const Eigen::LLT<Eigen::MatrixXd> root(c[0]);
  if (root.info() != Eigen::Success) return std::nullopt;  // noise of the highest powers
  const Eigen::MatrixXd half = root.matrixL().solve(c[1]);
  const Eigen::MatrixXd whole = root.matrixL().solve(half.transpose());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(whole);
  if (solver.info() != Eigen::Success) return std::nullopt;
  const Eigen::Index at = n - (even_ ? 1 : level);
  if (!(solver.eigenvalues()(n - 1) < 1) || !(solver.eigenvalues()(at) > 0)) return std::nullopt;  // noise, too
  solution.lambda = solver.eigenvalues()(at);
  solution.v = root.matrixU().solve(solver.eigenvectors().col(at));
  return solution;
}

double PathLevels::gap(const std::vector<double>& means, int level, double t) const {
  const auto found = solve(means, level);
  return found ? -std::log(found->lambda) / t : std::nan("");
}

std::vector<double> PathLevels::gradient(const std::vector<double>& means, int level, double t) const {
  const auto found = solve(means, level);
  if (!found) return std::vector<double>(means.size(), std::nan(""));
  const double scale = -1 / (found->lambda * t);
  double v[most_operators] = {};
  double along = 0;  // v . <x^k>
  for (std::size_t k = 0; k < found->powers.size(); ++k) {
    v[found->powers[k]] = found->v(static_cast<Eigen::Index>(k));
    along += found->v(static_cast<Eigen::Index>(k)) * found->mean(static_cast<Eigen::Index>(k));
  }
  std::vector<double> all;
  for (int k = 1; k < n_operators_; ++k) {
    if (!even_ || k % 2 == 0) all.push_back(scale * (found->lambda - 1) * 2 * v[k] * along);
  }
  for (const double part : {-found->lambda, 1.0}) {
    for (const auto& [k, l] : pairs_) all.push_back(scale * part * (k == l ? 1 : 2) * v[k] * v[l]);
  }
  return all;
}

Observable PathLevels::gap_observable(std::size_t at, int level) const {
  const double t = steps_[at] * spacing_;
  Observable result;
  result.series = columns(steps_[at]);
  result.value = [self = *this, level, t](const std::vector<double>& means) { return self.gap(means, level, t); };
  result.gradient = [self = *this, level, t](const std::vector<double>& means) {
    return self.gradient(means, level, t);
  };
  return result;
}

std::vector<Observable> PathLevels::observables() const {
  std::vector<Observable> all;
  for (int level = 1; level <= 2; ++level) {
    Observable gap = gap_observable(chosen_, level);
    gap.name = fmt::format("gap_{}", level);
    gap.help = fmt::format(
        "E_{} - E_0 by C(2t) v = e^(-t (E - E_0)) C(t) v of 1, x ... x^{}, t = {:.6g}; for a length of many 1/gap",
        level, n_operators_ - 1, steps_[chosen_] * spacing_);
    if (chosen_ + 1 < steps_.size()) {
      const Observable later = gap_observable(chosen_ + 1, level);
      gap.later = {later.series, later.value, later.gradient,
                   fmt::format("states beyond the first {} are in it, or what goes around a short path; remedy: a "
                               "larger action.gap_time, or lattice.extents",
                               n_operators_)};
    }
    all.push_back(std::move(gap));
  }
  return all;
}

std::vector<Curve> PathLevels::curves() const {
  std::vector<Curve> all;
  for (int level = 1; level <= 2; ++level) {
    Curve curve{fmt::format("effective_gap_{}", level),
                fmt::format("E_{} - E_0 by C(2t) v = e^(-t (E - E_0)) C(t) v: falls to its plateau", level),
                "t",
                {},
                {}};
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      curve.x.push_back(steps_[at] * spacing_);
      curve.points.push_back(gap_observable(at, level));
    }
    all.push_back(std::move(curve));
  }
  return all;
}

}  // namespace koushi
