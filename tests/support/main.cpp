// One main for every test program: MPI, Kokkos and PETSc run, and the verdict of all ranks is the verdict of each.
#include <catch2/catch_session.hpp>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/session.hpp"

int main(int argc, char** argv) {
  koushi::Session session(argc, argv);
  const int failed = Catch::Session().run(argc, argv);
  return koushi::Communicator::world().max(failed) == 0 ? 0 : 1;
}
