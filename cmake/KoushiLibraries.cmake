# The libraries that koushi's headers and archives need, as targets koushi::<library>. Included by koushi's own build (with KOUSHI_MPI=OFF those without which
# kernels and their benchmark cannot be built) and, installed, by the package: so an installation names no folder of the machine it was made on.
if(TARGET koushi::random123)
  return()  # found before, from this folder or one above
endif()
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt 9 REQUIRED)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

add_library(koushi::random123 INTERFACE IMPORTED)
set_target_properties(koushi::random123 PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${RANDOM123_INCLUDE_DIR})
add_library(koushi::fmt INTERFACE IMPORTED)
if(KOUSHI_MPI)
  find_package(MPI REQUIRED COMPONENTS C CXX)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(PETSC REQUIRED IMPORTED_TARGET PETSc>=3.18)
  pkg_check_modules(SLEPC REQUIRED IMPORTED_TARGET SLEPc>=3.18)
  set_target_properties(PkgConfig::PETSC PkgConfig::SLEPC PROPERTIES INTERFACE_COMPILE_OPTIONS "")  # those that their packagers compiled them with
  set(HDF5_PREFER_PARALLEL ON)
  find_package(HDF5 REQUIRED COMPONENTS C)
  pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3>=3.3)
  find_library(FFTW_MPI_LIBRARY fftw3_mpi HINTS ${FFTW_LIBRARY_DIRS} REQUIRED)

  set_target_properties(koushi::fmt PROPERTIES INTERFACE_LINK_LIBRARIES fmt::fmt)
  add_library(koushi::mpi INTERFACE IMPORTED)  # the rooms that see MPI know it by KOUSHI_MPI
  set_target_properties(koushi::mpi PROPERTIES INTERFACE_LINK_LIBRARIES "MPI::MPI_CXX;PkgConfig::PETSC" INTERFACE_COMPILE_DEFINITIONS KOUSHI_MPI)
  add_library(koushi::fftw INTERFACE IMPORTED)
  set_target_properties(koushi::fftw PROPERTIES INTERFACE_LINK_LIBRARIES "${FFTW_MPI_LIBRARY};PkgConfig::FFTW")
  add_library(koushi::hdf5 INTERFACE IMPORTED)
  set_target_properties(koushi::hdf5 PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${HDF5_C_INCLUDE_DIRS}" INTERFACE_LINK_LIBRARIES "${HDF5_C_LIBRARIES}"
    INTERFACE_COMPILE_DEFINITIONS "${HDF5_C_DEFINITIONS}")
else()
  set_target_properties(koushi::fmt PROPERTIES INTERFACE_LINK_LIBRARIES fmt::fmt-header-only)
endif()
