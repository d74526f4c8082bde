#include "koushi/statistics/chain_moments.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

namespace {

/// Sums over rows, leaf by leaf along one fixed tree; a leaf is a chain or a block of rows.
class LeafSums {
 public:
  LeafSums(const Communicator& comm, RowRange rows, std::int64_t n_chains, std::int64_t block)
      : comm_(comm),
        rows_(rows),
        length_(n_chains > 0 ? rows.total / n_chains : block),
        leaves_(n_chains > 0 ? RowRange{n_chains, rows.first / length_, rows.count / length_}
                             : blocks_of(rows, block)) {}

  RowRange leaves() const { return leaves_; }
  std::int64_t length() const { return length_; }
  /// add(row, sums) adds what a row gives to the `n` sums of its leaf.
  std::vector<double> operator()(std::int64_t n, const std::function<void(std::size_t, double*)>& add) const {
    std::vector<double> parts(static_cast<std::size_t>(leaves_.count * n));
    for (std::int64_t row = 0; row < rows_.count; ++row)
      add(static_cast<std::size_t>(row), parts.data() + row / length_ * n);
    return tree_sum(comm_, leaves_, n, parts);
  }

 private:
  const Communicator& comm_;
  RowRange rows_;
  std::int64_t length_;
  RowRange leaves_;
};

}  // namespace

ChainMoments chain_moments(const Communicator& comm, RowRange rows, std::int64_t n_chains, std::int64_t block,
                           const std::vector<double>& re, const std::vector<double>& im,
                           const std::vector<double>& weights) {
  const LeafSums sums(comm, rows, n_chains, block);
  ChainMoments moments;
  moments.mean = sums(1, [&](std::size_t s, double* sum) { sum[0] += weights[s] * re[s]; })[0];
  moments.variance = sums(1, [&](std::size_t s, double* sum) {
    const double deviation = re[s] - moments.mean;
    sum[0] += weights[s] * (deviation * deviation + im[s] * im[s]);
  })[0];
  if (n_chains == 0) return moments;
  // The mean of every chain, then mean and squared deviations of its halves, of all chains on every rank.
  const auto length = static_cast<std::size_t>(sums.length());
  std::vector<double> local;
  for (std::size_t c = 0; c < static_cast<std::size_t>(sums.leaves().count); ++c) {
    const double* chain = re.data() + c * length;
    double mean = 0;
    for (std::size_t t = 0; t < length; ++t) mean += chain[t] / static_cast<double>(length);
    local.push_back(mean);
    for (const HalfChain& half : halves(chain, sums.length())) {
      local.push_back(half.mean);
      local.push_back(half.square);
    }
  }
  const std::vector<double> all = comm.all_gather(local);
  std::vector<double> means;
  std::vector<HalfChain> parts;
  for (std::size_t c = 0; c < static_cast<std::size_t>(n_chains); ++c) {
    const double* chain = all.data() + 5 * c;
    means.push_back(chain[0]);
    parts.push_back({chain[1], chain[2]});
    parts.push_back({chain[3], chain[4]});
  }
  moments.error = estimate_from_chain_means(means).error;
  moments.r_hat = split_r_hat(parts, sums.length() / 2);
  return moments;
}

Estimate exact_estimate(const Communicator& comm, RowRange rows, std::int64_t block, const Observable& observable,
                        const std::vector<std::vector<double>>& columns, const std::vector<double>& imaginary,
                        const std::vector<double>& weights) {
  const LeafSums sums(comm, rows, 0, block);
  const auto n = static_cast<std::int64_t>(columns.size());
  const std::vector<double> means = sums(n, [&](std::size_t s, double* sum) {
    for (std::size_t k = 0; k < columns.size(); ++k) sum[k] += weights[s] * columns[k][s];
  });
  const std::vector<double> squares = sums(n + 1, [&](std::size_t s, double* sum) {
    for (std::size_t k = 0; k < columns.size(); ++k)
      sum[k] += weights[s] * (columns[k][s] - means[k]) * (columns[k][s] - means[k]);
    if (!imaginary.empty()) sum[columns.size()] += weights[s] * imaginary[s] * imaginary[s];
  });
  Estimate estimate;
  estimate.samples = rows.total;
  if (!observable.value) {
    estimate.value = means[0];
    estimate.variance = squares[0] + squares[columns.size()];
    return estimate;
  }
  estimate.value = observable.value(means);
  std::vector<double> slopes(columns.size());
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const double step = std::sqrt(squares[k]);
    if (!(step > 0)) continue;  // a constant adds nothing to the variance
    std::vector<double> at = means;
    at[k] = means[k] + step;
    const double above = observable.value(at);
    at[k] = means[k] - step;
    slopes[k] = (above - observable.value(at)) / (2 * step);
  }
  estimate.variance = sums(1,
                           [&](std::size_t s, double* sum) {
                             double projected = 0;
                             for (std::size_t k = 0; k < columns.size(); ++k)
                               projected += slopes[k] * (columns[k][s] - means[k]);
                             sum[0] += weights[s] * projected * projected;
                           })[0] +
                      slopes[0] * slopes[0] * squares[columns.size()];  // the imaginary part scales as the real one
  return estimate;
}

}  // namespace koushi
