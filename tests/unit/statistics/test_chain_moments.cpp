#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/parallel/tree_sum.hpp"
#include "koushi/statistics/chain_moments.hpp"

using namespace koushi;

namespace {

constexpr std::int64_t chains = 12;
constexpr std::int64_t length = 50;

struct Numbers {
  std::vector<double> re, im, weights;
};

Numbers numbers(RowRange rows, bool equal_weights) {
  Numbers n;
  double sum = 0;
  for (std::int64_t s = 0; s < rows.total; ++s) sum += equal_weights ? 1 : 1 + 0.5 * std::sin(static_cast<double>(s));
  for (std::int64_t s = rows.first; s < rows.first + rows.count; ++s) {
    const auto x = static_cast<double>(s);
    n.re.push_back(-40 + std::sin(1.3 * x * x) + 0.1 * static_cast<double>(s / length));
    n.im.push_back(0.2 * std::cos(2.1 * x));
    n.weights.push_back((equal_weights ? 1 : 1 + 0.5 * std::sin(x)) / sum);
  }
  return n;
}

}  // namespace

TEST_CASE("moments of chains on many ranks are those of all samples in one place, to the last bit",
          "[statistics][mpi]") {
  const Communicator world = Communicator::world();
  const RowRange shared = share_of(chains, world.rank(), world.size());
  const RowRange rows{chains * length, shared.first * length, shared.count * length};
  const Numbers here = numbers(rows, true);
  const ChainMoments found = chain_moments(world, rows, chains, 64, here.re, here.im, here.weights);

  const Communicator self = Communicator::self();
  const RowRange all_rows{rows.total, 0, rows.total};
  const Numbers all = numbers(all_rows, true);
  const ChainMoments alone = chain_moments(self, all_rows, chains, 64, all.re, all.im, all.weights);
  CHECK(found.mean == alone.mean);
  CHECK(found.variance == alone.variance);
  CHECK(found.error == alone.error);
  CHECK(found.r_hat == alone.r_hat);

  CHECK(found.r_hat == split_r_hat(all.re, chains));
  double mean = 0;
  std::vector<double> means(chains);
  for (std::size_t s = 0; s < all.re.size(); ++s) {
    mean += all.re[s] / static_cast<double>(all.re.size());
    means[s / length] += all.re[s] / static_cast<double>(length);
  }
  double variance = 0;
  for (std::size_t s = 0; s < all.re.size(); ++s)
    variance += (std::pow(all.re[s] - mean, 2) + std::pow(all.im[s], 2)) / static_cast<double>(all.re.size());
  CHECK(found.mean == Catch::Approx(mean).epsilon(1e-13));
  CHECK(found.variance == Catch::Approx(variance).epsilon(1e-12));
  CHECK(found.error == estimate_from_chain_means(means).error);
}

TEST_CASE("exact estimates are of the weighted means, on any ranks", "[statistics][mpi]") {
  const Communicator world = Communicator::world();
  const std::int64_t block = 64;
  const std::int64_t total = 600;
  const RowRange blocks = share_of((total + block - 1) / block, world.rank(), world.size());
  const std::int64_t first = blocks.first * block;
  const RowRange rows{total, first, std::min(total, (blocks.first + blocks.count) * block) - first};
  const Numbers here = numbers(rows, false);
  const Numbers all = numbers({total, 0, total}, false);
  double mean = 0;
  double imaginary = 0;
  for (std::size_t s = 0; s < all.re.size(); ++s) {
    mean += all.weights[s] * all.re[s];
    imaginary += all.weights[s] * all.im[s] * all.im[s];
  }
  double variance = 0;
  for (std::size_t s = 0; s < all.re.size(); ++s) variance += all.weights[s] * std::pow(all.re[s] - mean, 2);

  const Observable identity{"x", "", {{"x"}}, nullptr};
  const Estimate plain = exact_estimate(world, rows, block, identity, {here.re}, here.im, here.weights);
  CHECK(plain.value == Catch::Approx(mean).epsilon(1e-13));
  CHECK(plain.variance == Catch::Approx(variance + imaginary).epsilon(1e-12));
  CHECK(plain.error == 0);
  CHECK(plain.samples == total);
  const Observable half{"x", "", {{"x"}}, [](const std::vector<double>& x) { return x[0] / 2; }};
  const Estimate scaled = exact_estimate(world, rows, block, half, {here.re}, {}, here.weights);
  CHECK(scaled.value == Catch::Approx(mean / 2).epsilon(1e-13));
  CHECK(scaled.variance == Catch::Approx(variance / 4).epsilon(1e-7));
  const Estimate complex = exact_estimate(world, rows, block, half, {here.re}, here.im, here.weights);
  CHECK(complex.variance == Catch::Approx((variance + imaginary) / 4).epsilon(1e-7));

  const ChainMoments moments = chain_moments(world, rows, 0, block, here.re, here.im, here.weights);
  CHECK(moments.mean == plain.value);
  CHECK(moments.variance == Catch::Approx(plain.variance).epsilon(1e-12));
  CHECK(moments.error == 0);
}
