#include "koushi/study/stop_request.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>

TEST_CASE("a run stops while another step, a checkpoint and a margin fit before its limit", "[study]") {
  koushi::TimeLimit limit{.seconds = 100, .longest_step = 4, .longest_checkpoint = 2};
  CHECK(limit.reserve() == 1.5 * (4 + 2) + 5);
  CHECK_FALSE(limit.is_near(85.5));
  CHECK(limit.is_near(86.5));
  limit.longest_step = 70;  // no room for a second one
  CHECK(limit.is_near(1));
  limit = {.seconds = 86400, .longest_step = 10, .longest_checkpoint = 0};
  CHECK(limit.reserve() == 15 + 30);
  limit = {.seconds = -3};
  CHECK(limit.is_near(0));
  limit = {};
  CHECK_FALSE(limit.given());
  limit.longest_step = 1e6;
  CHECK_FALSE(limit.is_near(1e9));
}

TEST_CASE("the end of a Slurm job is a Unix time, or is ignored with a warning", "[study]") {
  std::string warning;
  CHECK(koushi::slurm_time_left("1700000060", 1700000000, warning) == 60);
  CHECK(std::isinf(koushi::slurm_time_left(nullptr, 1700000000, warning)));
  CHECK(std::isinf(koushi::slurm_time_left("", 1700000000, warning)));
  CHECK(warning.empty());
  CHECK(koushi::slurm_time_left("1699999990", 1700000000, warning) == -10);
  CHECK(warning == "SLURM_JOB_END_TIME = 1699999990 is past: one step is made");
  for (const char* garbage : {"soon", "17e8", "1700000060 ", "-5", "0", "99999999999999999999", "NONE\n"}) {
    CAPTURE(garbage);
    warning.clear();
    CHECK(std::isinf(koushi::slurm_time_left(garbage, 1700000000, warning)));
    CHECK(warning.find("is ignored") != std::string::npos);
  }
}
