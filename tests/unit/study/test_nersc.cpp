// Links in NERSC's format: those in single precision become elements of SU(3).
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "koushi/field/gauge_group.hpp"
#include "koushi/study/nersc.hpp"

using namespace koushi;

namespace {

/// [mu][18][site]: exponentials of eight numbers that differ from link to link.
LinkConfiguration some_links() {
  LinkConfiguration c{{2, 2, 3, 2}, std::vector<double>(4 * 18 * 24)};
  for (std::size_t mu = 0; mu < 4; ++mu) {
    for (std::size_t x = 0; x < 24; ++x) {
      double p[8];
      for (std::size_t a = 0; a < 8; ++a) p[a] = std::sin(1.0 + static_cast<double>(a + 8 * (x + 24 * mu)) * 1.7);
      const auto u = GroupSU3<>::exponential(p, 1.0);
      for (std::size_t k = 0; k < 18; ++k) c.links[(mu * 18 + k) * 24 + x] = u.v[k];
    }
  }
  return c;
}

/// Largest element of U U^dagger - 1, and of det U - 1.
double distance_from_group(const LinkConfiguration& c) {
  double worst = 0;
  for (std::size_t mu = 0; mu < 4; ++mu) {
    for (std::size_t x = 0; x < 24; ++x) {
      std::complex<double> u[3][3];
      for (std::size_t k = 0; k < 9; ++k)
        u[k / 3][k % 3] = {c.links[(mu * 18 + k) * 24 + x], c.links[(mu * 18 + 9 + k) * 24 + x]};
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          std::complex<double> dot = i == j ? -1.0 : 0.0;
          for (int k = 0; k < 3; ++k) dot += u[i][k] * std::conj(u[j][k]);
          worst = std::max(worst, std::abs(dot));
        }
      }
      std::complex<double> determinant = -1;
      for (int k = 0; k < 3; ++k)
        determinant += u[0][k] * (u[1][(k + 1) % 3] * u[2][(k + 2) % 3] - u[1][(k + 2) % 3] * u[2][(k + 1) % 3]);
      worst = std::max(worst, std::abs(determinant));
    }
  }
  return worst;
}

/// A file of `rows` rows per matrix in single precision.
void write_single(const std::string& file, const LinkConfiguration& c, int rows) {
  std::vector<float> numbers;
  for (std::size_t x = 0; x < 24; ++x) {
    for (std::size_t mu = 4; mu-- > 0;) {
      for (std::size_t k = 0; k < static_cast<std::size_t>(3 * rows); ++k) {
        numbers.push_back(static_cast<float>(c.links[(mu * 18 + k) * 24 + x]));
        numbers.push_back(static_cast<float>(c.links[(mu * 18 + 9 + k) * 24 + x]));
      }
    }
  }
  std::uint32_t checksum = 0;
  for (const float number : numbers) {
    std::uint32_t word = 0;
    std::memcpy(&word, &number, 4);
    checksum += word;
  }
  std::ofstream out(file, std::ios::binary);
  out << "BEGIN_HEADER\nDATATYPE = 4D_SU3_GAUGE" << (rows == 3 ? "_3x3" : "")
      << "\nDIMENSION_1 = 2\nDIMENSION_2 = 3\nDIMENSION_3 = 2\nDIMENSION_4 = 2\nFLOATING_POINT = IEEE32LITTLE\n"
      << "PLAQUETTE = " << mean_plaquette(c) << "\nLINK_TRACE = " << mean_link_trace(c) << "\nCHECKSUM = " << std::hex
      << checksum << "\nEND_HEADER\n";
  out.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(4 * numbers.size()));
}

/// Puts another word in the place of one in a file.
void replace_word(const std::string& file, const std::string& old, const std::string& other) {
  std::ifstream in(file, std::ios::binary);
  std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  in.close();
  const std::size_t at = all.find(old);
  REQUIRE(at != std::string::npos);
  std::ofstream(file, std::ios::binary) << all.replace(at, old.size(), other);
}

}  // namespace

TEST_CASE("links whose header names the other order of bytes are read in the order of their checksum", "[study]") {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("koushi_order_" + std::to_string(getpid()))).string();
  const LinkConfiguration c = some_links();
  write_nersc(file, c, "test");
  replace_word(file, "IEEE64BIG", "IEEE64LITTLE");
  CHECK(read_nersc(file).links == c.links);
  for (const int rows : {2, 3}) {
    write_single(file, c, rows);
    const std::vector<double> right = read_nersc(file).links;
    for (const char* word : {"IEEE32BIG\n", "IEEE32\n"}) {
      write_single(file, c, rows);
      replace_word(file, "IEEE32LITTLE\n", word);
      CHECK(read_nersc(file).links == right);
    }
  }
  replace_word(file, "CHECKSUM = ", "CHECKSUM = 1 ");
  CHECK_THROWS_WITH(read_nersc(file), Catch::Matchers::ContainsSubstring("its checksum is"));
  std::filesystem::remove(file);
}

TEST_CASE("links in single precision become elements of SU(3), those in double precision stay as they are", "[study]") {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("koushi_links_" + std::to_string(getpid()))).string();
  const LinkConfiguration c = some_links();
  REQUIRE(distance_from_group(c) < 1e-13);
  for (const int rows : {2, 3}) {
    write_single(file, c, rows);
    const LinkConfiguration read = read_nersc(file);
    CHECK(distance_from_group(read) < 1e-14);
    double moved = 0;
    for (std::size_t k = 0; k < c.links.size(); ++k) moved = std::max(moved, std::abs(read.links[k] - c.links[k]));
    CHECK(moved < 1e-6);
    CHECK(moved > 1e-9);  // it was in single precision
  }
  write_nersc(file, c, "test");
  CHECK(read_nersc(file).links == c.links);
  std::ofstream(file, std::ios::binary | std::ios::app) << 'x';
  CHECK_THROWS_WITH(read_nersc(file),
                    Catch::Matchers::ContainsSubstring("goes on after the 13824 bytes of links that its header says"));
  LinkConfiguration antiperiodic = c;
  for (std::size_t x = 0; x < 24; x += 2) {
    for (std::size_t k = 0; k < 18; ++k) antiperiodic.links[(3 * 18 + k) * 24 + x] *= -1;
  }
  write_nersc(file, antiperiodic, "test");
  CHECK_THROWS_WITH(read_nersc(file), Catch::Matchers::ContainsSubstring("a determinant is 2 from 1"));
  std::filesystem::remove(file);
}
