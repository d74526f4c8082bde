#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "koushi/parallel/exact_sum.hpp"
#include "koushi/parallel/tree_sum.hpp"

using namespace koushi;

namespace {

std::vector<double> numbers(int n) {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal;
  std::vector<double> x;
  for (int k = 0; k < n; ++k) x.push_back(normal(engine) * std::pow(10.0, static_cast<double>(engine() % 13) - 8));
  return x;
}

ExactSum sum_of(const std::vector<double>& x) {
  ExactSum sum;
  for (const double v : x) sum.add(v);
  return sum;
}

}  // namespace

TEST_CASE("an exact sum is the sum, in any order", "[parallel]") {
  std::vector<double> x = numbers(20000);
  long double expected = 0;
  for (const double v : x) expected += static_cast<long double>(v);
  const double value = sum_of(x).value();
  CHECK(std::abs(value - static_cast<double>(expected)) < 1e-14 * 20000);
  double plain = 0;
  for (const double v : x) plain += v;
  std::mt19937_64 engine(4);
  double shuffled_plain = plain;
  for (int trial = 0; trial < 5; ++trial) {
    std::shuffle(x.begin(), x.end(), engine);
    CHECK(sum_of(x).value() == value);
    shuffled_plain = 0;
    for (const double v : x) shuffled_plain += v;
  }
  CHECK(shuffled_plain != plain);  // the numbers are such that plain sums do move
}

TEST_CASE("exact sums keep what cancels, and refuse what has no place", "[parallel]") {
  CHECK(sum_of({1e9, 1.0, -1e9, 1e-12}).value() == 1.0 + 1e-12);
  CHECK(sum_of({-0.75, 0.5}).value() == -0.25);
  CHECK(sum_of({0x1.0p-60, 0x1.0p-60}).value() == 0x1.0p-59);
  CHECK(std::isnan(sum_of({1.0, 1e300}).value()));
  CHECK(std::isnan(sum_of({1.0, std::nan("")}).value()));
  CHECK(std::isnan(sum_of({std::numeric_limits<double>::infinity()}).value()));
}

TEST_CASE("exact totals do not depend on the ranks or threads", "[parallel][mpi]") {
  const Communicator world = Communicator::world();
  const std::vector<double> x = numbers(5000);
  const RowRange mine = share_of(5000, world.rank(), world.size());
  const std::vector<double> local(x.begin() + mine.first, x.begin() + mine.first + mine.count);
  Kokkos::View<const double*, Kokkos::HostSpace> view(local.data(), local.size());
  ExactSum kernel_sum;
  Kokkos::parallel_reduce(
      "koushi::test::sum", Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(mine.count)),
      KOKKOS_LAMBDA(int k, ExactSum& sum) { sum.add(view(k)); }, Kokkos::Sum<ExactSum>(kernel_sum));
  CHECK(exact_totals(world, {kernel_sum})[0] == sum_of(x).value());
}
