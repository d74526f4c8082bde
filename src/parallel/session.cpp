#include "koushi/parallel/session.hpp"

#include <fmt/format.h>
#ifdef KOUSHI_MPI
#include <mpi.h>
#include <petscsys.h>
#endif

#include <Eigen/Core>
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string>
#include <vector>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// Kokkos' pool of OpenMP threads has that many places, and writes beyond them.
void refuse_too_many_threads() {
  constexpr long most = 512;
  for (const char* name : {"OMP_NUM_THREADS", "KOKKOS_NUM_THREADS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && std::strtol(value, nullptr, 10) > most)
      throw LibraryError(
          fmt::format("{}={} is more than the {} threads that Kokkos can have\n  expected: the cores of this rank",
                      name, value, most));
  }
}

}  // namespace

Session::Session(int& argc, char**& argv, [[maybe_unused]] const char* petsc_options) {
  refuse_too_many_threads();
  // Small products are called from our own threads; a BLAS that starts threads of its own only gets in the way,
  // and its sums would depend on their number.
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
#ifdef KOUSHI_MPI
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) throw LibraryError("MPI_Init_thread gives no MPI_THREAD_FUNNELED");
#endif
  // Kokkos warns wherever OMP_PROC_BIND is not set: on a laptop, under mpirun, in every test. The user guide says how
  // to bind.
  setenv("KOKKOS_DISABLE_WARNINGS", "true", 0);
  std::vector<char*> for_kokkos{argv[0]};  // it would answer --help with pages of its own
  std::vector<char*> others;
  for (int k = 0; k < argc; ++k)
    (std::string(argv[k]).rfind("--kokkos-", 0) == 0 ? for_kokkos : others).push_back(argv[k]);
  std::copy(others.begin(), others.end(), argv);
  argc = static_cast<int>(others.size());
  int n_for_kokkos = static_cast<int>(for_kokkos.size());
  for_kokkos.push_back(nullptr);
  Kokkos::initialize(n_for_kokkos, for_kokkos.data());
#ifdef KOUSHI_MPI
  PetscOptionsSetValue(nullptr, "-no_signal_handler", "true");
  if (const PetscErrorCode code = PetscInitialize(nullptr, nullptr, nullptr, nullptr); code != 0) {
    throw LibraryError(fmt::format("PetscInitialize failed with code {}", code));
  }
  if (const PetscErrorCode code = PetscOptionsInsertString(nullptr, petsc_options); code != 0) {
    throw LibraryError(fmt::format("PETSc cannot read the options \"{}\" (code {})", petsc_options, code));
  }
  // a library may have taken the user's, and then PETSc's options would want decimal commas
  std::setlocale(LC_NUMERIC, "C");
#endif
}

Session::~Session() {
#ifdef KOUSHI_MPI
  PetscFinalize();
  Kokkos::finalize();
  MPI_Finalize();
#else
  Kokkos::finalize();
#endif
}

std::string library_versions() {
  std::string versions =
      fmt::format("Kokkos {}.{}.{}, ", KOKKOS_VERSION / 10000, KOKKOS_VERSION / 100 % 100, KOKKOS_VERSION % 100);
#ifdef KOUSHI_MPI
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string library(mpi, static_cast<std::size_t>(length));
  versions +=
      fmt::format("PETSc {}.{}.{}, MPI {}.{} ({}), ", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR,
                  MPI_VERSION, MPI_SUBVERSION, library.substr(0, library.find_first_of(",\n")));
#endif
  return versions + fmt::format("Eigen {}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
}

}  // namespace koushi
