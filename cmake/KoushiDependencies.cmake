# Every library koushi stands on; with KOUSHI_MPI=OFF those that kernels and their benchmark need, of which no shared library is left to be found at run
# time. System packages are found; Kokkos and Catch2 are taken from, in this order:
#   1. an installation that find_package sees (modules, Spack),
#   2. a source archive in the folder named by the environment variable or cache entry KOUSHI_DEPENDENCY_CACHE
#      (compute centres without internet),
#   3. the distribution's source archive, through apt,
#   4. the project's GitHub release.
include(KoushiSources)

include(KoushiLibraries)
if(KOUSHI_MPI)
  find_package(CLI11 2.1 REQUIRED)
endif()
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
add_library(koushi::tomlplusplus INTERFACE IMPORTED)
set_target_properties(koushi::tomlplusplus PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${TOMLPLUSPLUS_INCLUDE_DIR})

if(KOUSHI_NVCC)
  # Neither is used on a device; {fmt} 9 mistrusts nvcc, and its checks of formats at compile time are too much for nvcc 13.
  add_compile_definitions(EIGEN_NO_CUDA FMT_USE_CONSTEXPR=1 FMT_CONSTEVAL=)
endif()

find_package(Kokkos 5.0 CONFIG QUIET)
if(Kokkos_FOUND)
  message(STATUS "Kokkos ${Kokkos_VERSION} from ${Kokkos_DIR}")
else()
  koushi_declare_kokkos()
  message(STATUS "Kokkos 5.0.2 is built from ${kokkos_source}")
  set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "")
  if(NOT KOUSHI_SANITIZE)
    set(Kokkos_ENABLE_OPENMP ON CACHE BOOL "")
  endif()
  if(KOUSHI_SANITIZE)
    set(Kokkos_ENABLE_DEBUG_BOUNDS_CHECK ON CACHE BOOL "")
  endif()
  set(Kokkos_ENABLE_COMPILE_AS_CMAKE_LANGUAGE OFF CACHE BOOL "")
  add_compile_options(-march=${KOUSHI_ARCH})
  if(NOT KOUSHI_NVCC)
    # Kokkos chooses its SIMD type by these variables, which its own architecture options set along with flags of their own; left
    # alone, simd<double> is a scalar. What -march means is asked of the compiler, as Kokkos_ARCH_NATIVE does.
    include(CheckCXXSymbolExists)
    set(CMAKE_REQUIRED_FLAGS -march=${KOUSHI_ARCH})
    foreach(_symbol_and_kind __AVX512F__:AVX512XEON __AVX2__:AVX2 __ARM_NEON:ARM_NEON)
      string(REPLACE ":" ";" _pair ${_symbol_and_kind})
      list(GET _pair 0 _symbol)
      list(GET _pair 1 _kind)
      check_cxx_symbol_exists(${_symbol} "" KOUSHI_SIMD_${KOUSHI_ARCH_KEY}_${_kind})
      if(KOUSHI_SIMD_${KOUSHI_ARCH_KEY}_${_kind})
        set(KOKKOS_ARCH_${_kind} ON)
        message(STATUS "SIMD: ${_kind}")
        break()
      endif()
    endforeach()
    unset(CMAKE_REQUIRED_FLAGS)
  endif()
  koushi_make_available(Kokkos)
  set_target_properties(kokkoscore PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)  # a fifth of the time
endif()

function(koushi_fetch_catch2)
  find_package(Catch2 3.5 CONFIG QUIET)
  if(Catch2_FOUND)
    message(STATUS "Catch2 ${Catch2_VERSION} from ${Catch2_DIR}")
  else()
    koushi_source_archive(catch2_source FILE catch2_3.7.1.orig.tar.gz POOL pool/main/c/catch2
      SHA256 c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c
      URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.7.1.tar.gz)
    message(STATUS "Catch2 3.7.1 is built from ${catch2_source}")
    FetchContent_Declare(Catch2 URL ${catch2_source} DOWNLOAD_EXTRACT_TIMESTAMP ON)
    koushi_make_available(Catch2)
    set_target_properties(Catch2 PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 60)
  endif()
endfunction()
