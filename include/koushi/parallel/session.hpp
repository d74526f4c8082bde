#pragma once

#include <string>

namespace koushi {

/// Starts MPI (FUNNELED), then Kokkos, then PETSc, and stops them in reverse. One per process, in main.
///
/// Arguments that belong to MPI or Kokkos are removed from argc/argv. PETSc is given `petsc_options`, one string of
/// options ("-sr_ksp_monitor"), since a typing error on our command line must not vanish into its database.
/// A build without MPI starts Kokkos only.
/// Errors      LibraryError
class Session {
 public:
  Session(int& argc, char**& argv, const char* petsc_options = "");
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// Kokkos, PETSc, MPI (where they are there) and Eigen with their versions, as "Kokkos 5.0.2, PETSc 3.18.5, ..."
std::string library_versions();

}  // namespace koushi
