// One main for every test program: MPI, Kokkos and PETSc run, and the verdict of all ranks is the verdict of each.
#include <mpi.h>

#include <catch2/catch_session.hpp>

#include "koushi/parallel/session.hpp"

int main(int argc, char** argv) {
  koushi::Session session(argc, argv);
  int failed = Catch::Session().run(argc, argv);
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return failed == 0 ? 0 : 1;
}
