#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/parallel/tree_sum.hpp"

namespace {

/// Numbers whose sum depends on its order in the last bits.
double awkward(std::int64_t block, std::int64_t k) {
  return std::sin(1e3 * static_cast<double>(block * 7 + k)) * std::pow(10.0, block % 9);
}

std::vector<double> local_blocks(koushi::RowRange blocks, std::int64_t length) {
  std::vector<double> local;
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    for (std::int64_t k = 0; k < length; ++k) local.push_back(awkward(blocks.first + b, k));
  }
  return local;
}

}  // namespace

TEST_CASE("tree_sum over all ranks is bitwise the sum on one rank", "[parallel][mpi]") {
  const koushi::Communicator world = koushi::Communicator::world();
  const koushi::Communicator self = koushi::Communicator::self();
  for (const std::int64_t total : {1, 2, 3, 5, 8, 13, 64, 100}) {
    const std::int64_t length = 5;
    const koushi::RowRange mine = koushi::share_of(total, world.rank(), world.size());
    const koushi::RowRange all{total, 0, total};
    const auto together = koushi::tree_sum(world, mine, length, local_blocks(mine, length));
    const auto alone = koushi::tree_sum(self, all, length, local_blocks(all, length));
    CHECK(together == alone);
    koushi::TreeSum parts(mine, length);
    parts.add_parts({0, 2, 2, 5}, [&](std::int64_t b, std::int64_t part, double* values) {
      for (std::int64_t k = part == 0 ? 0 : 2; part != 1 && k < (part == 0 ? 2 : 5); ++k)
        *values++ = awkward(mine.first + b, k);
    });
    CHECK(parts.finish(world, total) == alone);  // in one piece or in several
    double expected = 0;
    for (std::int64_t b = 0; b < total; ++b) expected += awkward(b, 2);
    CHECK(std::abs(together[2] - expected) <= 1e-14 * 1e9 * static_cast<double>(total));
  }
}

TEST_CASE("share_of covers everything once, in rank order", "[parallel]") {
  std::int64_t next = 0;
  for (int rank = 0; rank < 7; ++rank) {
    const auto share = koushi::share_of(23, rank, 7);
    CHECK(share.first == next);
    next += share.count;
  }
  CHECK(next == 23);
}

TEST_CASE("communicator gathers unequal pieces in rank order", "[parallel][mpi]") {
  const koushi::Communicator world = koushi::Communicator::world();
  const std::vector<double> mine(static_cast<std::size_t>(world.rank()), world.rank());
  std::vector<double> expected;
  for (int r = 0; r < world.size(); ++r) expected.insert(expected.end(), static_cast<std::size_t>(r), r);
  CHECK(world.all_gather(mine) == expected);
  std::string letters;
  for (int r = 0; r < world.size(); ++r)
    letters += std::string(static_cast<std::size_t>(3 * r + 1), static_cast<char>('a' + r));
  for (const std::int64_t most : {1, 2, 5, 1000})
    CHECK(world.all_gather_bytes(
              std::string(static_cast<std::size_t>(3 * world.rank() + 1), static_cast<char>('a' + world.rank())),
              most) == letters);
  // Rank r has r + s values for rank s.
  std::vector<double> sent;
  std::vector<double> heard;
  std::vector<int> counts;
  for (int r = 0; r < world.size(); ++r) {
    counts.push_back(r + world.rank());
    sent.insert(sent.end(), static_cast<std::size_t>(counts.back()), 100 * world.rank() + r);
    heard.insert(heard.end(), static_cast<std::size_t>(counts.back()), 100 * r + world.rank());
  }
  CHECK(world.all_to_all(sent, counts, counts) == heard);
  std::string word = world.is_root() ? "koushi" : "";
  world.broadcast(word);
  CHECK(word == "koushi");
}
