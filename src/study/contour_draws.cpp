#include "contour_draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/parallel/exact_sum.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

namespace {

constexpr std::int64_t block = 64;        ///< draws that a rank takes at once
constexpr std::size_t first_product = 5;  ///< in a row of means: Re w, Im w, |w|, |w|^2, largest |w|, then the products

}  // namespace

ContourDraws::ContourDraws(const HolomorphicFlow& flow, std::uint64_t seed, int number, int components, int products)
    : flow_(flow),
      seed_(seed),
      set_(static_cast<std::uint32_t>(number * (rounds + 1))),
      products_(products),
      name_(fmt::format("weights_{}", number)),
      proposal_(flow.first_proposal(components)),
      series_(1) {}

HolomorphicFlow::Draws ContourDraws::sample(std::uint32_t set, double flow_time, std::int64_t first,
                                            std::int64_t count) const {
  const HolomorphicFlow::Draws draws("koushi::study::contour_draws", static_cast<std::size_t>(count),
                                     static_cast<std::size_t>(flow_.numbers()));
  flow_.sample(seed_, set, static_cast<std::uint64_t>(first), proposal_, flow_time, draws);
  return draws;
}

void ContourDraws::shape_proposal(const Communicator& comm, std::int64_t draws) {
  const auto n = static_cast<std::size_t>(flow_.action().size());
  const std::int64_t begin = draws * comm.rank() / comm.size();
  const std::int64_t end = draws * (comm.rank() + 1) / comm.size();
  for (int round = 0; round < rounds; ++round) {
    // the last two at the whole time
    const double flow_time = flow_.time() * std::min(1.0, (round + 2.0) / rounds);
    std::vector<double> local;  // log |w| and x of each draw
    if (end > begin) {
      const auto host = Kokkos::create_mirror_view_and_copy(
          Kokkos::HostSpace{}, sample(set_ + static_cast<std::uint32_t>(round), flow_time, begin, end - begin));
      for (std::size_t d = 0; d < host.extent(0); ++d) {
        local.push_back(host(d, 0));
        for (std::size_t k = 0; k < n; ++k) local.push_back(host(d, 2 + 2 * n + k));
      }
    }
    const std::vector<double> all = comm.all_gather(local);
    std::vector<double> sorted;  // log |w|
    for (std::size_t d = 0; d < static_cast<std::size_t>(draws); ++d) sorted.push_back(all[d * (n + 1)]);
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const double most =
        sorted[std::max<std::size_t>(std::min<std::size_t>(10, sorted.size() - 1), sorted.size() / 2000)];
    if (!std::isfinite(most))
      throw NumericalError(
          fmt::format("fewer than {} of {} draws on the contour have a weight; remedy: a shorter flow, more pilot "
                      "draws, a shorter time",
                      std::max<std::size_t>(10, sorted.size() / 200), draws));
    Eigen::VectorXd weights(static_cast<Eigen::Index>(draws));
    Eigen::MatrixXd x(static_cast<Eigen::Index>(draws), static_cast<Eigen::Index>(n));
    double mean = 0;
    for (Eigen::Index d = 0; d < draws; ++d) {
      const std::size_t row = static_cast<std::size_t>(d) * (n + 1);
      weights(d) = std::exp(std::min(all[row], most) - most);
      mean += weights(d) / static_cast<double>(draws);
      for (std::size_t k = 0; k < n; ++k) x(d, static_cast<Eigen::Index>(k)) = all[row + 1 + k];
    }
    scale_ = most + std::log(mean);
    const double effective = weights.sum() * weights.sum() / weights.squaredNorm();
    if (effective < 4.0 * static_cast<double>(n)) {  // too few to say where the weight is: look further
      for (HolomorphicFlow::Component& one : proposal_) one.factor *= 1.2;
    } else {
      proposal_ = HolomorphicFlow::improve(proposal_, x, weights, round + 2 < rounds ? 4 : 0);
    }
  }
}

void ContourDraws::add_bin(const Communicator& comm, std::int64_t first, std::int64_t count) {
  const std::int64_t blocks = (count + block - 1) / block;
  const std::int64_t begin = blocks * comm.rank() / comm.size() * block;
  const std::int64_t end = std::min(count, blocks * (comm.rank() + 1) / comm.size() * block);
  std::vector<ExactSum> sums(first_product - 1 + 2 * static_cast<std::size_t>(products_));
  double largest = 0;
  for (std::int64_t at = begin; at < end; at += 16 * block) {
    const auto host = Kokkos::create_mirror_view_and_copy(
        Kokkos::HostSpace{}, sample(set_ + rounds, flow_.time(), first + at, std::min(16 * block, end - at)));
    for (std::size_t d = 0; d < host.extent(0); ++d) {
      const double size = std::exp(host(d, 0) - scale_);
      const Complex w = std::polar(size, host(d, 1));
      largest = std::max(largest, size);
      sums[0].add(w.real());
      sums[1].add(w.imag());
      sums[2].add(size);
      sums[3].add(size * size);
      const Complex z0(host(d, 2), host(d, 3));
      for (std::size_t k = 0; k < static_cast<std::size_t>(products_); ++k) {
        const Complex p = w * z0 * Complex(host(d, 2 + 2 * k), host(d, 3 + 2 * k));
        sums[first_product - 1 + 2 * k].add(p.real());
        sums[first_product + 2 * k].add(p.imag());
      }
    }
  }
  std::vector<double> means = exact_totals(comm, sums);
  for (double& mean : means) {
    mean /= static_cast<double>(count);
    if (!std::isfinite(mean))
      throw NumericalError(
          "weights on the contour are not finite, or 10^12 times their mean; remedy: more pilot draws, a shorter flow");
  }
  means.insert(means.begin() + 4, comm.max(largest));
  draws_of_bin_.push_back(static_cast<double>(count));
  series_.add(name_, means);
}

Observable ContourDraws::integral(const std::string& name, const std::string& help, bool imaginary) const {
  const double unit = std::exp(scale_);
  return {name, help, {column(imaginary ? 1 : 0)}, [unit](const std::vector<double>& m) { return unit * m[0]; }};
}

Observable ContourDraws::modulus(const std::string& name, const std::string& help) const {
  const double unit = std::exp(scale_);
  return {name, help, {column(0), column(1)}, [unit](const std::vector<double>& m) {
            return unit * std::hypot(m[0], m[1]);
          }};
}

Observable ContourDraws::product(const std::string& name, const std::string& help, int k, bool imaginary) const {
  const std::size_t at = first_product + 2 * static_cast<std::size_t>(k);
  return {name, help, {column(0), column(1), column(at), column(at + 1)}, [imaginary](const std::vector<double>& m) {
            const Complex ratio = Complex(m[2], m[3]) / Complex(m[0], m[1]);
            return imaginary ? ratio.imag() : ratio.real();
          }};
}

double ContourDraws::share_of_largest() const {
  const std::vector<double> sizes = series_.column(column(2));
  const std::vector<double> largest = series_.column(column(4));
  double sum = 0;
  for (std::size_t b = 0; b < sizes.size(); ++b) sum += sizes[b] * draws_of_bin_[b];
  return *std::max_element(largest.begin(), largest.end()) / sum;
}

bool ContourDraws::is_resolved() const { return why_unresolved().empty(); }

std::string ContourDraws::why_unresolved() const {
  const Estimate effective = estimate(effective_samples());
  const Estimate phase = estimate(average_phase());
  if (!(effective.value > fewest_effective)) return fmt::format("of the draws only {:.2g} count", effective.value);
  if (!(phase.value > 3 * phase.error))
    return fmt::format("the average phase {} is not resolved", with_error(phase.value, phase.error));
  if (!(share_of_largest() < largest_share))
    return fmt::format("one draw has {:.2g} of the sum of all weights", share_of_largest());
  return "";
}

void ContourDraws::write(ResultWriter& writer) const {
  const std::string path = "state/" + name_ + "/";
  std::vector<double> numbers;  // of each component: share, mean, factor
  for (const HolomorphicFlow::Component& one : proposal_) {
    numbers.push_back(one.share);
    numbers.insert(numbers.end(), one.mean.begin(), one.mean.end());
    numbers.insert(numbers.end(), one.factor.data(), one.factor.data() + one.factor.size());
  }
  writer.write(path + "proposal", numbers);
  writer.write(path + "log_scale", std::vector<double>{scale_});
  writer.write(path + "draws_of_bin", draws_of_bin_);
  write_series(writer, "", series_, "", "[bin][1][Re w, Im w, |w|, |w|^2, largest |w|, then Re and Im of w z_k z_0]");
}

void ContourDraws::read(const ResultReader& reader, int bins) {
  const std::string path = "state/" + name_ + "/";
  const std::vector<double> numbers = reader.read_reals(path + "proposal");
  const Eigen::Index n = flow_.action().size();
  const auto each = static_cast<std::size_t>(1 + n + n * n);
  if (numbers.size() != proposal_.size() * each) throw StoreError(path + "proposal has not the size of this contour");
  for (std::size_t m = 0; m < proposal_.size(); ++m) {
    const double* const one = numbers.data() + m * each;
    proposal_[m].share = one[0];
    proposal_[m].mean = Eigen::Map<const Eigen::VectorXd>(one + 1, n);
    proposal_[m].factor = Eigen::Map<const Eigen::MatrixXd>(one + 1 + n, n, n);
  }
  scale_ = reader.read_reals(path + "log_scale").at(0);
  draws_of_bin_ = reader.read_reals(path + "draws_of_bin");
  draws_of_bin_.resize(static_cast<std::size_t>(bins));
  MeasuredSeries all(1);
  read_series(reader, "", bins, all);
  series_.set(name_, static_cast<std::int64_t>(first_product) + 2 * products_, all.all().at(name_).values);
}

}  // namespace koushi
