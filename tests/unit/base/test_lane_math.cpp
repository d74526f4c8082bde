// Elementary functions of lanes against the standard library, and the same in every lane.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <numbers>

#include "koushi/base/lane_math.hpp"

using namespace koushi;

TEST_CASE("log, exp, cos and sin of lanes are those of the library to rounding", "[base]") {
  double log_error = 0;
  double exp_error = 0;
  double circle_error = 0;
  for (int k = 0; k < 200000; ++k) {
    const double u = (k + 0.5) / 200000;
    double cosine = 0;
    double sine = 0;
    lane_circle(u, cosine, sine);
    const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(u);
    circle_error = std::max({circle_error, std::abs(cosine - static_cast<double>(std::cos(angle))),
                             std::abs(sine - static_cast<double>(std::sin(angle)))});
    log_error = std::max(log_error, std::abs(lane_log(u) / std::log(u) - 1));
    const double x = 1400 * (u - 0.5);
    exp_error = std::max(exp_error, std::abs(lane_exp(x) / std::exp(x) - 1));
  }
  CHECK(circle_error < 2.5e-16);
  CHECK(log_error < 5e-16);
  CHECK(exp_error < 5e-16);
  CHECK(lane_log(1.0) == 0);
  CHECK(lane_log(0x1.0p-53) == std::log(0x1.0p-53));
  CHECK(lane_exp(0.0) == 1);
}

TEST_CASE("a lane does not depend on its neighbours or their number", "[base]") {
  using L = Lanes<SiteVector>;
  double x[L::width];
  for (int l = 0; l < L::width; ++l) x[l] = 0.37 + 0.11 * l;
  const SiteVector v = L::load(x);
  SiteVector cosine;
  SiteVector sine;
  lane_circle(v, cosine, sine);
  const SiteVector log = lane_log(v);
  const SiteVector exp = lane_exp(SiteVector(-30.0) * v);
  const auto mask = L::first(2);
  CHECK(L::count(mask) == std::min(2, L::width));
  CHECK(L::any(mask));
  double kept[L::width + 1] = {};
  L::store(v, kept, 1);
  CHECK(kept[0] == x[0]);
  CHECK(kept[1] == 0);
  for (int l = 0; l < L::width; ++l) {
    double c = 0;
    double s = 0;
    lane_circle(x[l], c, s);
    CHECK(L::get(cosine, l) == c);
    CHECK(L::get(sine, l) == s);
    CHECK(L::get(log, l) == lane_log(x[l]));
    CHECK(L::get(exp, l) == lane_exp(-30.0 * x[l]));
    CHECK(L::get(L::select(L::only(l), v, SiteVector(0.0)), l) == x[l]);
  }
}
