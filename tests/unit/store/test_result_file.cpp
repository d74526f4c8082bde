#include <unistd.h>

#include <sys/resource.h>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

#include "koushi/base/error.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/store/result_file.hpp"

using namespace koushi;

namespace {

std::string scratch(const std::string& name) { return "/tmp/koushi_store_" + std::to_string(getuid()) + "_" + name; }

void write_sample(const Communicator& comm, const std::string& file, double value, std::size_t length = 3) {
  ResultWriter writer(comm);
  writer.write("history/energy", std::vector<double>(length, value));
  writer.describe("history/energy", "J", "mean local energy");
  writer.write("state/step", std::vector<std::int64_t>{42});
  writer.write("deck/text", std::string("title = \"格子\"\n"));
  const RowRange rows = share_of(7, comm.rank(), comm.size());
  std::vector<std::int8_t> local;
  for (std::int64_t r = rows.first; r < rows.first + rows.count; ++r) {
    for (int c = 0; c < 4; ++c) local.push_back(static_cast<std::int8_t>(4 * r + c));
  }
  writer.write_rows("state/chains", rows, 4, local);
  writer.commit(file);
}

std::string slurp(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void spill(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

}  // namespace

TEST_CASE("what is written is read, on any ranks", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("round_trip_" + std::to_string(world.size()));
  write_sample(world, file, 1.5);
  const ResultReader reader(world, file);
  CHECK(reader.read_reals("history/energy") == std::vector<double>{1.5, 1.5, 1.5});
  CHECK(reader.unit("history/energy") == "J");
  CHECK(reader.read_integers("state/step") == std::vector<std::int64_t>{42});
  CHECK(reader.read_text("deck/text") == "title = \"格子\"\n");
  CHECK(reader.list("state") == std::vector<std::string>{"chains", "step"});
  CHECK(reader.read_rows("state/chains", {7, 2, 2}, 4) == std::vector<std::int8_t>{8, 9, 10, 11, 12, 13, 14, 15});
  CHECK(!reader.contains("history/variance"));
  CHECK_THROWS_AS(reader.read_reals("history/variance"), StoreError);
  CHECK_THROWS_AS(reader.read_reals("deck/text"), StoreError);
  CHECK_THROWS_AS(reader.read_rows("state/chains", {8, 0, 8}, 4), StoreError);
}

TEST_CASE("bricks of an array are written and read on any ranks", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("bricks_" + std::to_string(world.size()));
  const RowRange mine = share_of(6, world.rank(), world.size());  // of the middle index of a 2 x 6 x 3 array
  const auto brick = [](const RowRange& rows) {
    std::vector<double> values;
    for (int a = 0; a < 2; ++a) {
      for (std::int64_t b = rows.first; b < rows.first + rows.count; ++b) {
        for (int c = 0; c < 3; ++c) values.push_back(100 * a + 10 * static_cast<double>(b) + c);
      }
    }
    return values;
  };
  ResultWriter writer(world);
  writer.write_box("state/field", {{2, 6, 3}, {0, mine.first, 0}, {2, mine.count, 3}}, brick(mine));
  writer.commit(file);
  const ResultReader reader(world, file);
  CHECK(reader.read_box("state/field", {{2, 6, 3}, {0, 1, 0}, {2, 4, 3}}) == brick({6, 1, 4}));
  CHECK(reader.read_reals("state/field") == brick({6, 0, 6}));
  CHECK_THROWS_AS(reader.read_box("state/field", {{2, 5, 3}, {0, 1, 0}, {2, 4, 3}}), StoreError);
}

TEST_CASE("every damaged byte is found and the previous file is used", "[store]") {
  const Communicator self = Communicator::self();
  const std::string file = scratch("damage");
  write_sample(self, file, 1.0);
  write_sample(self, file, 2.0);
  const std::string good = slurp(file);
  std::mt19937 engine(1);
  for (int k = 0; k < 4000; ++k) {
    std::string bad = good;
    const std::size_t at = k < 80 ? static_cast<std::size_t>(k) : engine() % good.size();
    if (k % 3 == 0) {
      bad.resize(at);
    } else {
      bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1U << (engine() % 8)));
    }
    spill(file, bad);
    REQUIRE_THROWS_AS(ResultReader(self, file), StoreError);
  }
  std::string message;
  const ResultReader reader = open_result_or_previous(self, file, message);
  CHECK(reader.read_reals("history/energy")[0] == 1.0);
  CHECK(message.find("corrupted") != std::string::npos);
}

TEST_CASE("a file that cannot grow leaves the old one whole", "[store]") {
  const Communicator self = Communicator::self();
  const std::string file = scratch("full");
  write_sample(self, file, 1.0);
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {16384, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  bool refused = false;
  try {
    write_sample(self, file, 2.0, 100000);
  } catch (const StoreError& error) {
    refused = error.exit_code() == 3;
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(refused);
  CHECK(ResultReader(self, file).read_reals("history/energy")[0] == 1.0);
  CHECK_THROWS_AS(write_sample(self, "/nonexistent/folder/file.h5", 1.0), StoreError);
}

TEST_CASE("two files that are open together are two files", "[store]") {
  const Communicator self = Communicator::self();
  write_sample(self, scratch("first"), 1.0);
  write_sample(self, scratch("second"), 2.0);
  const ResultReader first(self, scratch("first"));
  const ResultReader second(self, scratch("second"));
  CHECK(first.read_reals("history/energy").at(0) == 1.0);
  CHECK(second.read_reals("history/energy").at(0) == 2.0);
}
