#include "koushi/parallel/ending.hpp"

#include <mpi.h>

#include <chrono>
#include <thread>

namespace koushi {

WorldRank world_rank() {
  WorldRank world;
  MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world.size);
  return world;
}

bool all_arrive(double seconds) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  const auto began = std::chrono::steady_clock::now();
  for (int there = 0;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
    MPI_Test(&request, &there, MPI_STATUS_IGNORE);
    if (there != 0) return true;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() > seconds) return false;
  }
}

void abort_all_ranks(int exit_code) { MPI_Abort(MPI_COMM_WORLD, exit_code); }

}  // namespace koushi
