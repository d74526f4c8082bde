#include "koushi/parallel/communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <source_location>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

void check(int status, const char* call, std::source_location at = std::source_location::current()) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw LibraryError(fmt::format("{} failed with code {} ({}) at {}:{}", call, status,
                                 std::string(text, static_cast<std::size_t>(length)), at.file_name(), at.line()));
}

}  // namespace

Communicator Communicator::world() { return Communicator(MPI_COMM_WORLD); }
Communicator Communicator::self() { return Communicator(MPI_COMM_SELF); }

Communicator::Communicator(MPI_Comm adopted) {
  check(MPI_Comm_dup(adopted, &comm_), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator::~Communicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (comm_ != MPI_COMM_NULL && finalized == 0) MPI_Comm_free(&comm_);
}

Communicator Communicator::split(int colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split(comm_, colour, rank_, &part), "MPI_Comm_split");
  Communicator result(part);
  MPI_Comm_free(&part);
  return result;
}

void Communicator::barrier() const { check(MPI_Barrier(comm_), "MPI_Barrier"); }

void Communicator::broadcast(std::string& bytes) const {
  long long size = static_cast<long long>(bytes.size());
  check(MPI_Bcast(&size, 1, MPI_LONG_LONG, 0, comm_), "MPI_Bcast");
  bytes.resize(static_cast<std::size_t>(size));
  constexpr long long piece = 1LL << 30;  // counts of MPI are ints
  for (long long at = 0; at < size; at += piece) {
    check(MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(piece, size - at)), MPI_BYTE, 0, comm_), "MPI_Bcast");
  }
}

void Communicator::broadcast(std::vector<double>& values) const {
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  broadcast(bytes);
  values.resize(bytes.size() / sizeof(double));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
}

void Communicator::broadcast(double* values, std::int64_t count, int root) const {
  constexpr std::int64_t piece = 1LL << 30;
  for (std::int64_t at = 0; at < count && size_ > 1; at += piece) {
    check(MPI_Bcast(values + at, static_cast<int>(std::min(piece, count - at)), MPI_DOUBLE, root, comm_), "MPI_Bcast");
  }
}

int Communicator::broadcast(int value) const {
  check(MPI_Bcast(&value, 1, MPI_INT, 0, comm_), "MPI_Bcast");
  return value;
}

int Communicator::max(int value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_MAX, comm_), "MPI_Allreduce");
  return value;
}

double Communicator::max(double value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, comm_), "MPI_Allreduce");
  return value;
}

void Communicator::sum(std::vector<std::int64_t>& values) const {
  check(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_INT64_T, MPI_SUM, comm_),
        "MPI_Allreduce");
}

std::string Communicator::all_gather_bytes(const std::string& local, std::int64_t most) const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size_));
  const auto mine = static_cast<std::int64_t>(local.size());
  check(MPI_Allgather(&mine, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, comm_), "MPI_Allgather");
  const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  std::string all(static_cast<std::size_t>(total), '\0');
  if (total <= most) {
    const std::vector<int> sizes(counts.begin(), counts.end());
    std::vector<int> offsets(sizes.size());
    std::exclusive_scan(sizes.begin(), sizes.end(), offsets.begin(), 0);
    check(MPI_Allgatherv(local.data(), sizes[static_cast<std::size_t>(rank_)], MPI_BYTE, all.data(), sizes.data(),
                         offsets.data(), MPI_BYTE, comm_),
          "MPI_Allgatherv");
    return all;
  }
  char* to = all.data();
  for (int r = 0; r < size_; ++r) {
    const std::int64_t count = counts[static_cast<std::size_t>(r)];
    if (r == rank_) std::copy(local.begin(), local.end(), to);
    for (std::int64_t at = 0; at < count; at += most)
      check(MPI_Bcast(to + at, static_cast<int>(std::min(most, count - at)), MPI_BYTE, r, comm_), "MPI_Bcast");
    to += count;
  }
  return all;
}

namespace {

template <typename T>
std::vector<T> gather_values(const Communicator& comm, const std::vector<T>& local) {
  const std::string bytes =
      comm.all_gather_bytes(std::string(reinterpret_cast<const char*>(local.data()), local.size() * sizeof(T)));
  std::vector<T> all(bytes.size() / sizeof(T));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(all.data()));
  return all;
}

constexpr std::size_t message_values = std::size_t{1} << 27;  // counts of MPI are ints

}  // namespace

std::vector<double> Communicator::all_gather(const std::vector<double>& local) const {
  return gather_values(*this, local);
}
std::vector<std::int64_t> Communicator::all_gather(const std::vector<std::int64_t>& local) const {
  return gather_values(*this, local);
}

std::vector<double> Communicator::all_to_all(const std::vector<double>& values, const std::vector<int>& send_counts,
                                             const std::vector<int>& receive_counts) const {
  const auto offsets_of = [](const std::vector<int>& counts) {
    std::vector<int> offsets(counts.size());
    std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
    return offsets;
  };
  const std::vector<int> send_offsets = offsets_of(send_counts);
  const std::vector<int> receive_offsets = offsets_of(receive_counts);
  std::vector<double> received(static_cast<std::size_t>(receive_offsets.back() + receive_counts.back()));
  check(MPI_Alltoallv(values.data(), send_counts.data(), send_offsets.data(), MPI_DOUBLE, received.data(),
                      receive_counts.data(), receive_offsets.data(), MPI_DOUBLE, comm_),
        "MPI_Alltoallv");
  return received;
}

void Communicator::send_to_root(const std::vector<double>& values) const {
  const auto size = static_cast<std::int64_t>(values.size());
  check(MPI_Send(&size, 1, MPI_INT64_T, 0, 0, comm_), "MPI_Send");
  for (std::size_t at = 0; at < values.size(); at += message_values) {
    check(MPI_Send(values.data() + at, static_cast<int>(std::min(message_values, values.size() - at)), MPI_DOUBLE, 0, 0,
                   comm_),
          "MPI_Send");
  }
}

std::vector<double> Communicator::receive_at_root(int rank) const {
  std::int64_t size = 0;
  check(MPI_Recv(&size, 1, MPI_INT64_T, rank, 0, comm_, MPI_STATUS_IGNORE), "MPI_Recv");
  std::vector<double> values(static_cast<std::size_t>(size));
  for (std::size_t at = 0; at < values.size(); at += message_values) {
    check(MPI_Recv(values.data() + at, static_cast<int>(std::min(message_values, values.size() - at)), MPI_DOUBLE, rank,
                   0, comm_, MPI_STATUS_IGNORE),
          "MPI_Recv");
  }
  return values;
}

Messages::~Messages() {
  if (!pending_.empty()) MPI_Waitall(static_cast<int>(pending_.size()), pending_.data(), MPI_STATUSES_IGNORE);
}

void Messages::send(const double* values, int count, int to, int tag) {
  pending_.emplace_back();
  check(MPI_Isend(values, count, MPI_DOUBLE, to, tag, comm_.get(), &pending_.back()), "MPI_Isend");
}

void Messages::receive(double* values, int count, int from, int tag) {
  pending_.emplace_back();
  check(MPI_Irecv(values, count, MPI_DOUBLE, from, tag, comm_.get(), &pending_.back()), "MPI_Irecv");
}

void Messages::broadcast(double* values, int count, int root) {
  pending_.emplace_back();
  check(MPI_Ibcast(values, count, MPI_DOUBLE, root, comm_.get(), &pending_.back()), "MPI_Ibcast");
}

void Messages::wait() {
  check(MPI_Waitall(static_cast<int>(pending_.size()), pending_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  pending_.clear();
}

}  // namespace koushi
