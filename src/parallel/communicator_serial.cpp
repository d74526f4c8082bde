// The one rank of a build without MPI.
#include "koushi/base/error.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

namespace {

[[noreturn]] void refuse_other_ranks() { throw InternalError("a message to another rank, in a build without MPI"); }

}  // namespace

Communicator Communicator::world() { return {}; }
Communicator Communicator::self() { return {}; }
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator::~Communicator() = default;
Communicator Communicator::split(int) const { return {}; }

void Communicator::barrier() const {}
void Communicator::broadcast(std::string&) const {}
void Communicator::broadcast(std::vector<double>&) const {}
void Communicator::broadcast(double*, std::int64_t, int) const {}
int Communicator::broadcast(int value) const { return value; }
int Communicator::max(int value) const { return value; }
double Communicator::max(double value) const { return value; }
void Communicator::sum(std::vector<std::int64_t>&) const {}
std::vector<double> Communicator::all_gather(const std::vector<double>& local) const { return local; }
std::vector<std::int64_t> Communicator::all_gather(const std::vector<std::int64_t>& local) const { return local; }
std::vector<double> Communicator::all_to_all(const std::vector<double>& values, const std::vector<int>&,
                                             const std::vector<int>&) const {
  return values;
}
std::string Communicator::all_gather_bytes(const std::string& local, std::int64_t) const { return local; }
void Communicator::send_to_root(const std::vector<double>&) const { refuse_other_ranks(); }
std::vector<double> Communicator::receive_at_root(int) const { refuse_other_ranks(); }

Messages::~Messages() = default;
void Messages::send(const double*, int, int, int) { refuse_other_ranks(); }
void Messages::receive(double*, int, int, int) { refuse_other_ranks(); }
void Messages::broadcast(double*, int, int) {}
void Messages::wait() {}

}  // namespace koushi
