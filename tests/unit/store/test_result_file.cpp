#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "koushi/base/error.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/store/result_file.hpp"

using namespace koushi;

namespace {

std::string scratch(const std::string& name) { return "/tmp/koushi_store_" + std::to_string(getuid()) + "_" + name; }

void write_sample(const Communicator& comm, const std::string& file, double value, std::size_t length = 3) {
  ResultWriter writer(comm, file);
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
  writer.commit();
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
  {
    ResultWriter writer(world, file);
    writer.write_box("state/field", {{2, 6, 3}, {0, mine.first, 0}, {2, mine.count, 3}}, brick(mine));
    writer.commit();
  }
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

namespace {

/// With which arrays of some hundred bytes are large, and are written in pieces.
constexpr ArrayLimits tiny{.large = 200, .together = 4096, .small = 64, .piece = 40};

double element(std::int64_t a, std::int64_t b, std::int64_t c) {
  return 100.0 * static_cast<double>(a) + 10.0 * static_cast<double>(b) + static_cast<double>(c) + 0.25;
}

std::vector<double> brick_of(const ArrayBox& box) {
  std::vector<double> values;
  for (std::int64_t a = 0; a < box.count[0]; ++a) {
    for (std::int64_t b = 0; b < box.count[1]; ++b) {
      for (std::int64_t c = 0; c < box.count[2]; ++c)
        values.push_back(element(box.first[0] + a, box.first[1] + b, box.first[2] + c));
    }
  }
  return values;
}

const std::vector<std::int64_t> field_shape{3, 5, 7};
ArrayBox whole_field() { return {field_shape, {0, 0, 0}, field_shape}; }

std::vector<double> long_series(std::int64_t length) {
  std::vector<double> values;
  for (std::int64_t t = 0; t < length; ++t) values.push_back(1.0 / static_cast<double>(t + 1));
  return values;
}

std::vector<std::int8_t> chain_rows(const RowRange& rows) {
  std::vector<std::int8_t> values;
  for (std::int64_t r = rows.first; r < rows.first + rows.count; ++r) {
    for (int c = 0; c < 9; ++c) values.push_back(static_cast<std::int8_t>((7 * r + c) % 5 - 2));
  }
  return values;
}

void write_large_sample(ResultWriter& writer, const Communicator& comm, double value) {
  writer.write("state/step", std::vector<std::int64_t>{42});
  const RowRange middle = share_of(5, comm.rank(), comm.size());
  const ArrayBox box{field_shape, {0, middle.first, 0}, {3, middle.count, 7}};
  writer.write_box("state/field", box, brick_of(box));
  writer.write("history/energy", long_series(100));
  writer.describe("history/energy", "J", "mean local energy");
  writer.write("history/short", std::vector<double>{value});
  writer.write_array("series/action", {11, 2, 3}, long_series(66));
  const RowRange rows = share_of(31, comm.rank(), comm.size());
  writer.write_rows("state/chains", rows, 9, chain_rows(rows));
  writer.write("deck/text", std::string("title = \"格子\"\n"));
}

void commit_large_sample(const Communicator& comm, const std::string& file, double value = 1.0) {
  ResultWriter writer(comm, file, "", tiny);
  write_large_sample(writer, comm, value);
  CHECK(writer.is_large("state/field"));
  CHECK(writer.is_large("history/energy"));
  CHECK(writer.is_large("state/chains"));
  CHECK(!writer.is_large("history/short"));
  writer.commit();
}

void check_large_sample(const Communicator& comm, const ResultReader& reader) {
  CHECK(reader.read_box("state/field", whole_field()) == brick_of(whole_field()));
  const ArrayBox inner{field_shape, {1, 1, 2}, {2, 3, 4}};
  CHECK(reader.read_box("state/field", inner) == brick_of(inner));
  const RowRange first = share_of(3, comm.rank(), comm.size());  // another division than that of the writer
  const ArrayBox mine{field_shape, {first.first, 0, 0}, {first.count, 5, 7}};
  CHECK(reader.read_box("state/field", mine) == brick_of(mine));
  CHECK(reader.read_reals("state/field") == brick_of(whole_field()));
  CHECK(reader.read_reals("history/energy") == long_series(100));
  CHECK(reader.read_reals("series/action") == long_series(66));
  CHECK(reader.unit("history/energy") == "J");
  CHECK(reader.help("history/energy") == "mean local energy");
  CHECK(reader.read_rows("state/chains", {31, 4, 20}, 9) == chain_rows({31, 4, 20}));
  const RowRange rows = share_of(31, comm.size() - 1 - comm.rank(), comm.size());
  CHECK(reader.read_rows("state/chains", rows, 9) == chain_rows(rows));
  CHECK(reader.read_integers("state/step") == std::vector<std::int64_t>{42});
  CHECK(reader.read_text("deck/text") == "title = \"格子\"\n");
  CHECK(reader.list("state") == std::vector<std::string>{"chains", "field", "step"});
  CHECK(reader.is_large("state/field"));
  CHECK(!reader.is_large("history/short"));
  CHECK_THROWS_AS(reader.read_box("state/field", {{3, 5, 8}, {0, 0, 0}, {3, 5, 7}}), StoreError);
  CHECK_THROWS_AS(reader.read_reals("state/chains"), StoreError);
  CHECK_THROWS_AS(reader.read_reals("state/nothing"), StoreError);
  CHECK_NOTHROW(reader.verify());
}

bool exists(const std::string& file) { return access(file.c_str(), F_OK) == 0; }

/// Of this process, for as long as the object lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit small = {bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_ = {};
  void (*handler_)(int);
};

/// As docs/file_format.md says it, apart from the code that is tested.
std::uint64_t documented_checksum(const std::vector<std::uint64_t>& words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint64_t z = words[i] ^ ((i + 1) * 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    sum += z ^ (z >> 31U);
  }
  return sum;
}

std::string bytes_of(std::uint64_t word) {
  std::string bytes;
  for (unsigned k = 0; k < 8; ++k) bytes.push_back(static_cast<char>(word >> (8 * k)));
  return bytes;
}

}  // namespace

TEST_CASE("large arrays are written by all ranks and read on any", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("large_" + std::to_string(world.size()));
  commit_large_sample(world, file);
  check_large_sample(world, ResultReader(world, file));
  CHECK(!exists(file + ".part"));
  if (!world.is_root()) return;
  const Communicator self = Communicator::self();
  check_large_sample(self, ResultReader(self, file));
  commit_large_sample(self, file + ".alone");
  CHECK(slurp(file).size() == slurp(file + ".alone").size());  // the ranks leave no trace
}

TEST_CASE("the checksum of a large array is the documented one", "[store]") {
  const std::string file = scratch("checksum");
  commit_large_sample(Communicator::self(), file);
  std::vector<std::uint64_t> words;
  for (const double value : brick_of(whole_field())) words.push_back(std::bit_cast<std::uint64_t>(value));
  CHECK(slurp(file).find(bytes_of(documented_checksum(words))) != std::string::npos);
  words.clear();
  for (const std::int8_t value : chain_rows({31, 0, 31})) words.push_back(static_cast<std::uint8_t>(value));
  CHECK(slurp(file).find(bytes_of(documented_checksum(words))) != std::string::npos);
}

TEST_CASE("every damaged byte of a file with large arrays is found", "[store]") {
  const Communicator self = Communicator::self();
  const std::string file = scratch("large_damage");
  commit_large_sample(self, file, 1.0);
  commit_large_sample(self, file, 2.0);
  const std::string good = slurp(file);
  std::mt19937 engine(1);
  int found_late = 0;
  for (int k = 0; k < 4000; ++k) {
    std::string bad = good;
    const std::size_t at = k < 150 ? static_cast<std::size_t>(k) : engine() % good.size();
    if (k % 5 == 0) {
      bad.resize(at);
    } else {
      bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1U << (engine() % 8)));
    }
    spill(file, bad);
    bool found = false;
    try {
      const ResultReader reader(self, file);
      ++found_late;
      reader.verify();
    } catch (const StoreError&) {
      found = true;
    }
    REQUIRE(found);
  }
  CHECK(found_late > 100);
  std::string message;
  const ResultReader reader = open_result_or_previous(self, file, message);
  CHECK(reader.file() == file + ".previous");
  CHECK(reader.read_reals("history/short")[0] == 1.0);
}

TEST_CASE("one changed bit of a large array is found when it is read", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("large_flip_" + std::to_string(world.size()));
  commit_large_sample(world, file);
  commit_large_sample(world, file);
  if (world.is_root()) {
    std::string bytes = slurp(file);
    double sought = element(1, 3, 2);
    const std::string word = bytes_of(std::bit_cast<std::uint64_t>(sought));
    const std::size_t at = bytes.find(word);
    REQUIRE(at != std::string::npos);
    bytes[at + 1] = static_cast<char>(bytes[at + 1] ^ 4);
    spill(file, bytes);
  }
  world.barrier();
  const ResultReader reader(world, file);
  CHECK(reader.read_reals("history/energy") == long_series(100));  // sound, and read
  const RowRange middle = share_of(5, world.rank(), world.size());
  CHECK_THROWS_AS(reader.read_box("state/field", {field_shape, {0, middle.first, 0}, {3, middle.count, 7}}),
                  DamagedFile);
  CHECK_THROWS_AS(reader.read_box("state/field", {field_shape, {0, 0, 0}, {1, 1, 1}}), DamagedFile);
  CHECK_THROWS_AS(reader.read_reals("state/field"), DamagedFile);
  std::string said;
  try {
    reader.verify();
  } catch (const DamagedFile& error) {
    said = error.what();
  }
  CHECK(said.find("the checksum of its dataset state/field is wrong") != std::string::npos);
  CHECK(said.find(".previous is the checkpoint before") != std::string::npos);
  std::string message;
  CHECK(open_result_or_previous(world, file, message).file() == file + ".previous");
  CHECK(message.find("state/field") != std::string::npos);
}

TEST_CASE("large arrays of the last file are copied into the next", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("copied_" + std::to_string(world.size()));
  commit_large_sample(world, file);
  for (int generation = 0; generation < 3; ++generation) {
    ResultWriter writer(world, file, file, tiny);
    writer.copy("state/field");
    writer.write("history/short", std::vector<double>{3.0});
    writer.copy("history/energy");
    writer.copy("series/action");
    writer.copy("state/chains");
    writer.write("state/step", std::vector<std::int64_t>{42});
    writer.write("deck/text", std::string("title = \"格子\"\n"));
    CHECK_THROWS_AS(writer.copy("state/nothing"), StoreError);
    writer.commit();
    const ResultReader reader(world, file);
    check_large_sample(world, reader);
    CHECK(reader.read_reals("history/short")[0] == 3.0);
  }
}

TEST_CASE("many arrays that are not large alone go to the file as large ones", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("many_" + std::to_string(world.size()));
  {
    ResultWriter writer(world, file, "", tiny);
    for (int k = 0; k < 60; ++k) writer.write("many/" + std::to_string(k), long_series(16 + k % 3));
    CHECK(!writer.is_large("many/20"));
    CHECK(writer.is_large("many/50"));
    writer.write("many/short", long_series(2));
    CHECK(!writer.is_large("many/short"));
    writer.commit();
  }
  const ResultReader reader(world, file);
  for (int k = 0; k < 60; ++k) CHECK(reader.read_reals("many/" + std::to_string(k)) == long_series(16 + k % 3));
}

TEST_CASE("large arrays that find no room leave the old file whole", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = scratch("large_full_" + std::to_string(world.size()));
  commit_large_sample(world, file);
  std::string said;
  {
    std::unique_ptr<FileSizeLimit> limit;  // of the root, which is the first to meet it
    if (world.is_root()) limit = std::make_unique<FileSizeLimit>(rlim_t{1} << 20U);
    try {
      ResultWriter writer(world, file, "", tiny);
      write_large_sample(writer, world, 2.0);
      writer.write("history/longer", long_series(200000));
      writer.commit();
    } catch (const StoreError& error) {
      said = error.what();
      CHECK(error.exit_code() == 3);
      CHECK(error.scope() == ErrorScope::uniform);
    }
  }
  CHECK(said.find(file + ".part: cannot be written (File too large)\n") == 0);
  world.barrier();
  CHECK(!exists(file + ".part"));
  check_large_sample(world, ResultReader(world, file));
  CHECK_THROWS_AS(commit_large_sample(world, "/nonexistent/folder/file.h5"), StoreError);
}

TEST_CASE("a damaged file does not become the one before", "[store]") {
  const Communicator self = Communicator::self();
  const std::string file = scratch("damaged_before");
  write_sample(self, file, 1.0);
  write_sample(self, file, 2.0);
  spill(file, slurp(file).substr(0, 1000));
  std::string message;
  const std::string source = open_result_or_previous(self, file, message).file();
  ResultWriter writer(self, file, source);
  writer.write("history/energy", std::vector<double>{3.0});
  writer.commit();
  CHECK(ResultReader(self, file).read_reals("history/energy")[0] == 3.0);
  CHECK(ResultReader(self, file + ".previous").read_reals("history/energy")[0] == 1.0);
}

TEST_CASE("files of the first layout are read in memory and on disk", "[store][mpi]") {
  const Communicator world = Communicator::world();
  const std::string file = KOUSHI_FIXTURES "/layout_1.h5";
  for (const std::int64_t in_memory : {std::int64_t{1} << 30U, std::int64_t{0}}) {
    const ResultReader reader(world, file, in_memory);
    CHECK(reader.read_text("summary/study") == "lattice-field");
    CHECK(reader.read_text("summary/status") == "done");
    const std::vector<std::int64_t> shape = reader.read_integers("lattice/shape");
    CHECK(shape == std::vector<std::int64_t>{2, 1, 4, 6});
    CHECK(!reader.is_large("state/field"));
    const std::vector<double> all = reader.read_reals("state/field");
    CHECK(all.size() == 48);
    const std::vector<double> last = reader.read_box("state/field", {shape, {1, 0, 3, 0}, {1, 1, 1, 6}});
    CHECK(last == std::vector<double>(all.end() - 6, all.end()));
    CHECK(reader.list("configurations").size() == 2);
    CHECK(reader.read_reals("series/action_density").size() == 8);
    CHECK_NOTHROW(reader.verify());
  }
}

TEST_CASE("bandwidth of a file of large arrays against plain writing", "[.bandwidth]") {
  const Communicator world = Communicator::world();
  const char* const folder = std::getenv("KOUSHI_BANDWIDTH_FOLDER");
  const char* const megabytes = std::getenv("KOUSHI_BANDWIDTH_MB");
  const std::string file = folder == nullptr ? scratch("bandwidth") : std::string(folder) + "/bandwidth.h5";
  const std::int64_t rows = (megabytes == nullptr ? 512 : std::stoll(megabytes)) * 8;
  const std::int64_t columns = std::int64_t{1} << 14U;
  const RowRange mine = share_of(rows, world.rank(), world.size());
  const RowRange half = share_of(columns, world.rank(), world.size());
  const auto timed = [&](const auto& work) {
    world.barrier();
    const auto begin = std::chrono::steady_clock::now();
    work();
    world.barrier();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(rows * columns * 8) / passed.count() / 1e9;
  };
  const auto say = [&](const char* what, double rate) {
    if (world.is_root()) std::printf("%-44s %6.2f GB/s\n", what, rate);
  };
  for (int k = 0; k < 2; ++k) {
    const std::vector<double> slabs(static_cast<std::size_t>(mine.count * columns), 1.5);
    say("plain write and fsync, all ranks", timed([&] {
          const int part = open((file + ".plain").c_str(), O_WRONLY | O_CREAT | (k == 0 ? O_TRUNC : 0), 0644);
          const char* const from = reinterpret_cast<const char*>(slabs.data());
          const std::int64_t bytes = mine.count * columns * 8;
          for (std::int64_t done = 0; done < bytes;) {
            const ssize_t n =
                pwrite(part, from + done, static_cast<std::size_t>(std::min<std::int64_t>(bytes - done, 1 << 30)),
                       mine.first * columns * 8 + done);
            REQUIRE(n > 0);
            done += n;
          }
          REQUIRE(fsync(part) == 0);
          close(part);
        }));
    if (world.is_root()) unlink((file + ".plain").c_str());
    say("result file, slabs", timed([&] {
          ResultWriter writer(world, file);
          writer.write_box("state/field", {{rows, columns}, {mine.first, 0}, {mine.count, columns}}, slabs);
          writer.commit();
        }));
    say("result file, the same array copied", timed([&] {
          ResultWriter writer(world, file, file);
          writer.copy("state/field");
          writer.commit();
        }));
    const std::vector<double> columns_of_mine(static_cast<std::size_t>(rows * half.count), 1.5);
    say("result file, columns", timed([&] {
          ResultWriter writer(world, file);
          writer.write_box("state/field", {{rows, columns}, {0, half.first}, {rows, half.count}}, columns_of_mine);
          writer.commit();
        }));
    const ResultReader reader(world, file);
    say("read and verified, slabs", timed([&] {
          reader.read_box("state/field", {{rows, columns}, {mine.first, 0}, {mine.count, columns}});
        }));
  }
  world.barrier();
  if (world.is_root()) {
    for (const char* suffix : {"", ".previous"}) unlink((file + suffix).c_str());
  }
}
