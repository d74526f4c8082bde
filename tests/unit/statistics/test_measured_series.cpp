#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "autoregressive.hpp"
#include "koushi/base/error.hpp"
#include "koushi/statistics/measured_series.hpp"

using namespace koushi;

namespace {

constexpr std::int64_t chains = 4;
constexpr std::int64_t length = 300;

/// Two numbers of every configuration, [chain][t][2]: x and 100 c + t.
std::vector<double> numbers() {
  std::vector<double> x;
  for (std::int64_t c = 0; c < chains; ++c) {
    for (std::int64_t t = 0; t < length; ++t) {
      x.push_back(std::sin(1.7 * static_cast<double>(t * t + 3 * c)));
      x.push_back(static_cast<double>(1000 * c + t));
    }
  }
  return x;
}

Observable mean_of(const std::string& series) { return {"mean", "", {{series}}, nullptr}; }

}  // namespace

TEST_CASE("columns of measured series come chain after chain, whichever way they were added", "[statistics]") {
  const std::vector<double> all = numbers();
  MeasuredSeries by_measurement(chains);
  for (std::int64_t t = 0; t < length; ++t) {
    std::vector<double> one;
    for (std::int64_t c = 0; c < chains; ++c) {
      for (std::int64_t w = 0; w < 2; ++w) one.push_back(all[static_cast<std::size_t>((c * length + t) * 2 + w)]);
    }
    by_measurement.add("x", one);
  }
  MeasuredSeries by_chain(chains);  // in three draws of 100 samples each
  for (std::int64_t round = 0; round < 3; ++round) {
    std::vector<double> draw;
    for (std::int64_t c = 0; c < chains; ++c) {
      const auto begin = all.begin() + (c * length + 100 * round) * 2;
      draw.insert(draw.end(), begin, begin + 200);
    }
    by_chain.add_chain_by_chain("x", 2, draw);
  }
  CHECK(by_measurement.measured("x") == length);
  CHECK(by_measurement.all().at("x").values == by_chain.all().at("x").values);
  const std::vector<double> column = by_chain.column({"x", 1});
  for (std::int64_t c = 0; c < chains; ++c) {
    for (std::int64_t t = 0; t < length; ++t)
      REQUIRE(column[static_cast<std::size_t>(c * length + t)] == static_cast<double>(1000 * c + t));
  }
}

TEST_CASE("an observable without a function is the mean of its series, to the last bit", "[statistics]") {
  MeasuredSeries series(chains);
  series.add_chain_by_chain("x", 2, numbers());
  const Estimate expected = gamma_method(series.column({"x", 0}), chains);
  const Estimate found = series.estimate(mean_of("x"));
  CHECK(found.value == expected.value);
  CHECK(found.error == expected.error);
  Observable complex = mean_of("x");
  complex.imaginary = SeriesColumn{"x", 0};
  double square = 0;
  for (const double x : series.column({"x", 0})) square += x * x / static_cast<double>(chains * length);
  CHECK(series.estimate(complex).variance == Catch::Approx(expected.variance + square));
  CHECK(series.estimate(complex).error == expected.error);
  complex.value = [](const std::vector<double>& x) { return x[0] / 3; };
  CHECK(series.estimate(complex).variance == Catch::Approx((expected.variance + square) / 9));
}

TEST_CASE("errors are quoted of chains that are long enough and move", "[statistics]") {
  const auto error_of = [](std::int64_t n, double correlation, bool constant) {
    std::vector<double> x = autoregressive(correlation, static_cast<int>(chains), static_cast<int>(n), 7);
    if (constant) x.assign(x.size(), 3.0);
    MeasuredSeries series(chains);
    series.add_chain_by_chain("x", 1, x);
    return series.quoted_error(mean_of("x"), series.estimate(mean_of("x")));
  };
  CHECK(error_of(400, 0.0, false) > 0);
  CHECK(std::isnan(error_of(19, 0.0, false)));    // fewer than any error wants
  CHECK(std::isnan(error_of(400, 0.95, false)));  // tau_int 20: 50 of them are 1000 measurements
  CHECK(error_of(4000, 0.95, false) > 0);
  CHECK(std::isnan(error_of(400, 0.0, true)));
}

TEST_CASE("series of different lengths make no observable", "[statistics]") {
  MeasuredSeries series(chains);
  series.add_chain_by_chain("x", 1, std::vector<double>(400, 1.0));
  series.add_chain_by_chain("y", 1, std::vector<double>(200, 1.0));
  const Observable both{"both", "", {{"x"}, {"y"}}, [](const std::vector<double>& v) { return v[0] - v[1]; }};
  CHECK_THROWS_AS(series.estimate(both), StoreError);
}
