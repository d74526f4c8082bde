#include "koushi/statistics/reweighting.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "koushi/statistics/jackknife.hpp"

namespace koushi {

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t bins_per_run = 100;
constexpr Eigen::Index block = 2048;  // configurations that are worked on at a time
/// The second derivative of the objective is what configurations of two runs have in common, in independent ones: below
/// this f is anything.
constexpr double least_curvature = 1e-3;

class MultiHistogram {
 public:
  MultiHistogram(const std::vector<ReweightingRun>& runs, std::size_t width) : width_(width) {
    double centre = 0;
    std::int64_t count = 0;
    for (const auto& run : runs) {
      for (const auto& chain : run.chains) {
        for (std::size_t at = 0; at < chain.size(); at += width) {
          centre += chain[at];
          ++count;
        }
      }
    }
    centre_ = centre / static_cast<double>(count);
    for (std::size_t k = 0; k < runs.size(); ++k) {
      parameters_.push_back(runs[k].parameter);
      weights_.push_back(1 / (2 * runs[k].tau_int));
      double longest = runs[k].tau_int;
      std::size_t first = k;  // of its ladder
      for (std::size_t j = 0; j < runs.size() && runs[k].ladder >= 0; ++j) {
        if (runs[j].ladder != runs[k].ladder) continue;
        longest = std::max(longest, runs[j].tau_int);
        first = std::min(first, j);
      }
      first_bins_.push_back(first == k ? n_bins_ : first_bins_[first]);
      std::size_t next = first_bins_.back();
      std::int64_t measurements = 0;
      for (const auto& chain : runs[k].chains) measurements += static_cast<std::int64_t>(chain.size() / width);
      const std::int64_t bin_length =
          std::max({std::int64_t{1}, static_cast<std::int64_t>(std::ceil(2 * longest)), measurements / bins_per_run});
      for (const auto& chain : runs[k].chains) {
        const auto length = static_cast<std::int64_t>(chain.size() / width);
        const std::int64_t bins = std::max<std::int64_t>(1, length / bin_length);
        for (std::int64_t t = 0; t < length; ++t) {
          const double* const values = &chain[static_cast<std::size_t>(t) * width];
          samples_.push_back(
              {values, values[0] - centre_, k, next + static_cast<std::size_t>(((t + 1) * bins - 1) / length)});
        }
        if (length > 0) next += static_cast<std::size_t>(bins);
      }
      n_bins_ = std::max(n_bins_, next);
    }
  }

  std::size_t n_bins() const { return n_bins_; }

  /// Where to begin: df/dp = <E>, by the trapezoidal rule from run to run.
  std::vector<double> guess() const {
    const std::size_t n = parameters_.size();
    std::vector<double> mean(n);
    std::vector<double> count(n);
    for (const Sample& s : samples_) {
      mean[s.run] += s.energy;
      ++count[s.run];
    }
    for (std::size_t k = 0; k < n; ++k) mean[k] /= std::max(1.0, count[k]);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [this](std::size_t a, std::size_t b) { return parameters_[a] < parameters_[b]; });
    std::vector<double> f(n);
    for (std::size_t k = 1; k < n; ++k) {
      const std::size_t a = order[k - 1];
      const std::size_t b = order[k];
      f[b] = f[a] + 0.5 * (parameters_[b] - parameters_[a]) * (mean[a] + mean[b]);
    }
    const double first = f[0];
    for (double& x : f) x -= first;
    return f;
  }

  /// Solves for f, f_0 = 0, from a start, and keeps what the jackknife needs. False if it does not converge.
  bool solve(std::vector<double>& f) {
    const auto n = static_cast<Eigen::Index>(f.size());
    counts_ = Eigen::VectorXd::Zero(n);
    for (const Sample& s : samples_) counts_(static_cast<Eigen::Index>(s.run)) += weights_[s.run];
    const double total = counts_.sum();
    Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXd>(f.data(), n);
    Eigen::VectorXd step = Eigen::VectorXd::Zero(n);
    shares_.resize(n, static_cast<Eigen::Index>(samples_.size()));
    denominators_.resize(samples_.size());
    double last = std::numeric_limits<double>::infinity();
    for (int iteration = 0; iteration < 200; ++iteration) {
      double objective = -counts_.dot(x);
      for (std::size_t m = 0; m < samples_.size(); ++m) {
        denominators_[m] = log_denominator(samples_[m].energy, x, shares_.col(static_cast<Eigen::Index>(m)));
        objective += weights_[samples_[m].run] * denominators_[m];
      }
      if (!std::isfinite(objective)) return false;
      if (objective > last + 1e-12 * std::max(total, std::abs(last))) {  // uphill: go half the way back
        step *= 0.5;
        x -= step;
        continue;
      }
      last = objective;
      const Derivatives d = derivatives(none, counts_, Eigen::VectorXd::Ones(n));
      if (d.gradient.cwiseAbs().maxCoeff() < 1e-9 * total) {
        std::copy(x.begin(), x.end(), f.begin());
        return n == 1 || Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(d.hessian.bottomRightCorner(n - 1, n - 1),
                                                                        Eigen::EigenvaluesOnly)
                                 .eigenvalues()(0) > least_curvature;
      }
      step = newton_step(d);
      if (!step.allFinite()) return false;
      x += step;
    }
    return false;
  }

  /// What leaving out a bin does: the weight of configuration n at run k changes from N_k e^{f_k} by the factor
  /// `ratio`_k, r_k = N'_k / N_k e^{f'_k - f_k}. `shift`: f' - f. False if it does not converge.
  bool leave_out(std::size_t bin, Eigen::VectorXd& shift, Eigen::VectorXd& ratio) const {
    const auto n = counts_.size();
    Eigen::VectorXd counts = counts_;
    for (const Sample& s : samples_) {
      if (s.bin == bin) counts(static_cast<Eigen::Index>(s.run)) -= weights_[s.run];
    }
    shift = Eigen::VectorXd::Zero(n);
    for (int iteration = 0; iteration < 50; ++iteration) {
      ratio = counts.cwiseQuotient(counts_).cwiseProduct(shift.array().exp().matrix());
      if (n == 1) return true;
      const Derivatives d = derivatives(bin, counts, ratio);
      if (d.gradient.cwiseAbs().maxCoeff() < 1e-9 * counts.sum()) return true;
      shift += newton_step(d);
      if (!shift.allFinite()) return false;
    }
    return false;
  }

  /// Means of all quantities at the targets, of all configurations and without each of the bins, whose ratios are the
  /// columns of a matrix.
  void average(const std::vector<double>& targets, const Eigen::MatrixXd& ratios, Reweighted& result) const {
    const auto n_targets = targets.size();
    std::vector<double> largest(n_targets, -std::numeric_limits<double>::infinity());
    for (std::size_t m = 0; m < samples_.size(); ++m) {
      for (std::size_t i = 0; i < n_targets; ++i)
        largest[i] = std::max(largest[i], -targets[i] * samples_[m].energy - denominators_[m]);
    }
    const auto width = static_cast<Eigen::Index>(width_);
    const auto bins = ratios.cols();
    // Row 0: all configurations; row 1 + b: without bin b. Column 0: sum of the weights.
    std::vector<Eigen::MatrixXd> sums(n_targets, Eigen::MatrixXd::Zero(bins + 1, width + 1));
    std::vector<double> squares(n_targets);
    for (Eigen::Index first = 0; first < shares_.cols(); first += block) {
      const auto size = std::min(block, shares_.cols() - first);
      Eigen::MatrixXd factor(bins + 1, size);
      factor.row(0).setOnes();
      factor.bottomRows(bins) = (ratios.transpose() * shares_.middleCols(first, size)).cwiseInverse();
      Eigen::MatrixXd values(size, width + 1);
      for (Eigen::Index m = 0; m < size; ++m) {
        const Sample& s = samples_[static_cast<std::size_t>(first + m)];
        factor(static_cast<Eigen::Index>(s.bin) + 1, m) = 0;
        values(m, 0) = 1;
        values.row(m).tail(width) = Eigen::Map<const Eigen::RowVectorXd>(s.values, width);
      }
      Eigen::VectorXd w(size);
      for (std::size_t i = 0; i < n_targets; ++i) {
        for (Eigen::Index m = 0; m < size; ++m) {
          const auto at = static_cast<std::size_t>(first + m);
          const double v = std::exp(-targets[i] * samples_[at].energy - denominators_[at] - largest[i]);
          w(m) = weights_[samples_[at].run] * v;
          squares[i] += w(m) * v;
        }
        sums[i].noalias() += factor * (w.asDiagonal() * values);
      }
    }
    for (std::size_t i = 0; i < n_targets; ++i) {
      const auto mean = [&](Eigen::Index row) {
        const Eigen::VectorXd m = sums[i].row(row).tail(width).transpose() / sums[i](row, 0);
        return std::vector<double>(m.begin(), m.end());
      };
      result.effective_samples.push_back(sums[i](0, 0) * sums[i](0, 0) / squares[i]);
      result.means.push_back(mean(0));
      result.means_without.emplace_back();
      for (Eigen::Index b = 0; b < bins; ++b) result.means_without.back().push_back(mean(1 + b));
    }
  }

  /// f of the energies as they were given.
  double uncentred(double f, std::size_t k) const { return f + (parameters_[k] - parameters_[0]) * centre_; }

 private:
  struct Sample {
    const double* values;
    double energy;  ///< less the mean of all
    std::size_t run;
    std::size_t bin;
  };
  struct Derivatives {
    Eigen::VectorXd gradient;
    Eigen::MatrixXd hessian;
  };

  /// ln sum_k N_k e^{f_k - p_k E}, and the share of each k in the sum.
  double log_denominator(double energy, const Eigen::VectorXd& f, Eigen::Ref<Eigen::VectorXd> share) const {
    share = f - energy * Eigen::Map<const Eigen::VectorXd>(parameters_.data(), f.size());
    const double largest = share.maxCoeff();
    share = counts_.cwiseProduct((share.array() - largest).exp().matrix());
    const double sum = share.sum();
    share /= sum;
    return largest + std::log(sum);
  }

  /// Of the objective, with the shares times `ratio`.
  Derivatives derivatives(std::size_t without, const Eigen::VectorXd& counts, const Eigen::VectorXd& ratio) const {
    const auto n = counts.size();
    Derivatives d{-counts, Eigen::MatrixXd::Zero(n, n)};
    for (Eigen::Index first = 0; first < shares_.cols(); first += block) {
      const auto size = std::min(block, shares_.cols() - first);
      Eigen::VectorXd c(size);
      for (Eigen::Index m = 0; m < size; ++m) {
        const Sample& s = samples_[static_cast<std::size_t>(first + m)];
        c(m) = s.bin == without ? 0 : weights_[s.run];
      }
      Eigen::MatrixXd p = ratio.asDiagonal() * shares_.middleCols(first, size);
      const Eigen::RowVectorXd sums = p.colwise().sum();
      p.array().rowwise() /= sums.array();
      const Eigen::VectorXd share = p * c;
      d.gradient += share;
      d.hessian.diagonal() += share;
      d.hessian.noalias() -= p * c.asDiagonal() * p.transpose();
    }
    return d;
  }

  static Eigen::VectorXd newton_step(const Derivatives& d) {
    const auto n = d.gradient.size();
    Eigen::VectorXd step = Eigen::VectorXd::Zero(n);
    step.tail(n - 1) = -d.hessian.bottomRightCorner(n - 1, n - 1).ldlt().solve(d.gradient.tail(n - 1));
    return step;
  }

  std::size_t width_;
  double centre_ = 0;
  std::vector<double> parameters_;
  std::vector<double> weights_;  ///< 1 / (2 tau_int) of a run
  std::vector<Sample> samples_;
  std::vector<std::size_t> first_bins_;  ///< of the runs
  std::size_t n_bins_ = 0;
  Eigen::VectorXd counts_;            ///< N_k
  Eigen::MatrixXd shares_;            ///< [run][configuration], N_k e^{f_k - p_k E_n} over its sum over k
  std::vector<double> denominators_;  ///< logarithm of that sum
};

}  // namespace

Reweighted reweight(const std::vector<ReweightingRun>& runs, std::size_t width, const std::vector<double>& targets) {
  MultiHistogram histograms(runs, width);
  Reweighted result;
  std::vector<double> f = histograms.guess();
  result.converged = histograms.solve(f);
  if (!result.converged) return result;
  const auto n_bins = static_cast<Eigen::Index>(histograms.n_bins());
  Eigen::MatrixXd ratios(static_cast<Eigen::Index>(runs.size()), n_bins);
  std::vector<std::vector<double>> free_energies;
  for (Eigen::Index b = 0; b < n_bins; ++b) {
    Eigen::VectorXd shift;
    Eigen::VectorXd ratio;
    if (!histograms.leave_out(static_cast<std::size_t>(b), shift, ratio)) {
      shift.setConstant(std::numeric_limits<double>::quiet_NaN());
      ratio = shift;
    }
    ratios.col(b) = ratio;
    free_energies.push_back(f);
    for (std::size_t k = 0; k < runs.size(); ++k)
      free_energies.back()[k] = histograms.uncentred(f[k] + shift(static_cast<Eigen::Index>(k)), k);
  }
  histograms.average(targets, ratios, result);
  for (std::size_t k = 0; k < runs.size(); ++k) f[k] = histograms.uncentred(f[k], k);
  const JackknifeEstimate estimate = jackknife_of_samples(f, free_energies);
  result.free_energy = estimate.value;
  result.free_energy_error = estimate.error;
  return result;
}

}  // namespace koushi
