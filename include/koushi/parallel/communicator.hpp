#pragma once

#ifdef KOUSHI_MPI
#include <mpi.h>
#endif

#include <cstdint>
#include <string>
#include <vector>

namespace koushi {

/// An MPI communicator of our own: duplicated on adoption, returning errors instead of aborting, freed with the object.
/// All members that move data are collective. Errors: LibraryError.
/// In a build without MPI (KOUSHI_MPI=OFF) there is one rank, and collective calls change nothing.
class Communicator {
 public:
  static Communicator world();  ///< all ranks
  static Communicator self();   ///< this rank alone
#ifdef KOUSHI_MPI
  explicit Communicator(MPI_Comm adopted);
  MPI_Comm get() const { return comm_; }
#endif
  ~Communicator();
  Communicator(Communicator&& other) noexcept;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// The ranks that give the same `colour`, in their present order. Collective.
  Communicator split(int colour) const;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  void barrier() const;
  /// The root's value, everywhere.
  void broadcast(std::string& bytes) const;
  void broadcast(std::vector<double>& values) const;
  void broadcast(double* values, std::int64_t count, int root) const;
  int broadcast(int value) const;
  int max(int value) const;
  double max(double value) const;
  /// Adds up integers over the ranks: exact, so in any order.
  void sum(std::vector<std::int64_t>& values) const;
  /// All ranks' values, one after the other in rank order (lengths may differ).
  std::vector<double> all_gather(const std::vector<double>& local) const;
  std::vector<std::int64_t> all_gather(const std::vector<std::int64_t>& local) const;
  /// What every rank has for every other one: send_counts[r] of the values, in rank order, go to rank r,
  /// receive_counts[r] come from it.
  std::vector<double> all_to_all(const std::vector<double>& values, const std::vector<int>& send_counts,
                                 const std::vector<int>& receive_counts) const;
  /// Sends one rank's values to the root, which calls receive_at_root(rank) for each of the others in turn.
  void send_to_root(const std::vector<double>& values) const;
  std::vector<double> receive_at_root(int rank) const;
  /// All ranks' bytes, one after the other: in one call up to `most`, since counts of MPI are ints; more go rank by
  /// rank.
  std::string all_gather_bytes(const std::string& local, std::int64_t most = 0x7fffffff) const;

 private:
#ifdef KOUSHI_MPI
  MPI_Comm comm_ = MPI_COMM_NULL;
#else
  Communicator() = default;
#endif
  int rank_ = 0;
  int size_ = 1;
};

/// Messages of doubles, under way from send(), receive() and broadcast() to wait(). Errors: LibraryError.
class Messages {
 public:
  explicit Messages(const Communicator& comm) : comm_(comm) {}
  ~Messages();
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  void send(const double* values, int count, int to, int tag);
  void receive(double* values, int count, int from, int tag);
  /// The root's values, everywhere. Collective.
  void broadcast(double* values, int count, int root);
  void wait();

 private:
  const Communicator& comm_;
#ifdef KOUSHI_MPI
  std::vector<MPI_Request> pending_;
#endif
};

}  // namespace koushi
