#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/base/text.hpp"

TEST_CASE("nearest_name finds one typing error and leaves strangers alone", "[base]") {
  CHECK(koushi::nearest_name("chain", {"chains", "samples"}) == "chains");
  CHECK(koushi::nearest_name("hiesenberg", {"xxz", "heisenberg"}) == "heisenberg");
  CHECK(koushi::nearest_name("wavelet", {"chains", "samples"}).empty());
}

TEST_CASE("with_error prints two digits of the error", "[base]") {
  CHECK(koushi::with_error(-0.7017802, 0.00012) == "-0.70178(12)");
  CHECK(koushi::with_error(-11.2, 0.0996) == "-11.20(10)");
  CHECK(koushi::with_error(1234.5, 17.0) == "1234(17)");
  CHECK(koushi::with_error(1.0, 0.0) == "1 (exact)");
  CHECK(koushi::with_error(0.25, std::nan("")) == "0.25 (no error)");
  CHECK(koushi::with_error(-std::nan(""), 0.1) == "-");
}

TEST_CASE("control characters are shown as escapes", "[base]") {
  CHECK(koushi::without_controls("jas\row \x1b[31m\x7f\n") == "jas\\u000dow \\u001b[31m\\u007f\\u000a");
  CHECK(koushi::without_controls("格子 ok") == "格子 ok");
  CHECK(koushi::quoted("a\"\\\t") == "\"a\\\"\\\\\\u0009\"");
}

TEST_CASE("durations are read in the words of a deck and of Slurm", "[base]") {
  CHECK(koushi::parse_duration("5 min") == 300);
  CHECK(koushi::parse_duration("1.5h") == 5400);
  CHECK(koushi::parse_duration("00:30:05") == 1805);
  CHECK(koushi::parse_duration("90m") == 5400);
  CHECK(koushi::parse_duration("5400s") == 5400);
  CHECK(koushi::parse_duration("1:30:00") == 5400);
  CHECK(koushi::parse_duration("2-01:00:30") == 2 * 86400 + 3630);
  CHECK(koushi::parse_duration("1-12") == 36 * 3600);
  CHECK(koushi::parse_duration("1-12:30") == 36.5 * 3600);
  for (const char* no : {"90", "1:30", "2-24:00:00", "2-24", "1:60:00", "1:30:00 ", "1-", "1-:00:00", "5 parsec"}) {
    CAPTURE(no);
    CHECK(koushi::parse_duration(no) < 0);
  }
  CHECK(koushi::parse_duration("-5 s") < 0);
  CHECK(koushi::parse_duration("nan s") < 0);
  CHECK(koushi::parse_duration("") < 0);
}
