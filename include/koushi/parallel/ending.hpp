#pragma once

namespace koushi {

/// Where this process stands among all that were started together; 0 of 1 without MPI.
struct WorldRank {
  int rank = 0;
  int size = 1;
};
WorldRank world_rank();

/// Waits until every rank has come here, the given seconds at most; false if some have not.
bool all_arrive(double seconds);

/// Ends all ranks at once with an exit code, wherever they are.
void abort_all_ranks(int exit_code);

}  // namespace koushi
