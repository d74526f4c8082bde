#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/random/normal.hpp"
#include "koushi/random/philox.hpp"

using namespace koushi;

TEST_CASE("philox agrees with the known-answer test of Random123", "[random]") {
  // Random123 kat_vectors: philox4x32 10 rounds, counter 0, key 0. Our purpose 0 is not in use, so the generator itself
  // is asked.
  const philox4x32_ctr_t counter = {{0, 0, 0, 0}};
  const philox4x32_key_t key = {{0, 0}};
  const philox4x32_ctr_t words = philox4x32(counter, key);
  CHECK(words.v[0] == 0x6627e8d5U);
  CHECK(words.v[1] == 0xe169c58dU);
  CHECK(words.v[2] == 0xbc57ac4cU);
  CHECK(words.v[3] == 0x9b00dbd8U);
}

TEST_CASE("every argument of philox moves the words", "[random]") {
  const auto base = koushi::philox(7, RandomPurpose::test, 1, 2, 3);
  CHECK(koushi::philox(7, RandomPurpose::test, 1, 2, 3).word[0] == base.word[0]);
  CHECK(koushi::philox(8, RandomPurpose::test, 1, 2, 3).word[0] != base.word[0]);
  CHECK(koushi::philox(7, RandomPurpose::markov_chain, 1, 2, 3).word[0] != base.word[0]);
  CHECK(koushi::philox(7, RandomPurpose::test, 2, 2, 3).word[0] != base.word[0]);
  CHECK(koushi::philox(7, RandomPurpose::test, 1, 3, 3).word[0] != base.word[0]);
  CHECK(koushi::philox(7, RandomPurpose::test, 1, 2, 4).word[0] != base.word[0]);
}

TEST_CASE("uniform has mean 1/2 and variance 1/12", "[random][statistical]") {
  const int n = 100000;
  double sum = 0;
  double square = 0;
  for (int i = 0; i < n; ++i) {
    const auto r = koushi::philox(1, RandomPurpose::test, 0, static_cast<std::uint64_t>(i), 0);
    const double u = koushi::uniform(r.word[0], r.word[1]);
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    square += u * u;
  }
  // z = 4.5: sigma of the mean is 1/sqrt(12 n), of the second moment sqrt(4/45/n).
  CHECK(std::abs(sum / n - 0.5) < 4.5 / std::sqrt(12.0 * n));
  CHECK(std::abs(square / n - 1.0 / 3) < 4.5 * std::sqrt(4.0 / 45 / n));
}

TEST_CASE("lanes of random words, uniform and normal numbers are those of their streams", "[random]") {
  using L = Lanes<SiteVector>;
  using Word = L::Word;
  const std::uint64_t seed = 0x123456789abcdefULL;
  const std::uint64_t step = (std::uint64_t{5} << 32) + 7;
  const auto lanes =
      philox_lanes<SiteVector>(seed, RandomPurpose::momenta, step, L::words(4000000000ULL, 2), Word(std::uint64_t{9}));
  const SiteVector u = uniform_lanes<SiteVector>(lanes.word[0], lanes.word[1]);
  SiteVector first;
  SiteVector second;
  box_muller(u, uniform_lanes<SiteVector>(lanes.word[2], lanes.word[3]), first, second);
  for (int l = 0; l < L::width; ++l) {
    const RandomBlock one =
        philox(seed, RandomPurpose::momenta, step, 4000000000ULL + 2 * static_cast<std::uint64_t>(l), 9);
    CHECK(L::get(u, l) == uniform(one.word[0], one.word[1]));
    CHECK(L::get(first, l) == normal_pair(one).first);
    CHECK(L::get(second, l) == normal_pair(one).second);
  }
}
