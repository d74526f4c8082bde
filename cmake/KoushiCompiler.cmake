# Language, processor, warnings and compiler cache. Included once, from the top.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# A distribution's PETSc may bring Trilinos and its own, older Kokkos into the process. Ours stays private:
# static, hidden, and not re-exported by any executable (src/base; tests/structure proves it with nm).
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(BUILD_SHARED_LIBS OFF)

set(KOUSHI_ARCH native CACHE STRING "Processor to compile for, as in -march=; the compute node's, not the login node's")
set(KOUSHI_COMPILE_OPTIONS -march=${KOUSHI_ARCH} -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers)  # designated initialisers leave the rest to their defaults, on purpose
# nvcc_wrapper of Kokkos: nvcc, with this name's options passed on to g++. What cudafe++ makes of the sources is not pedantic.
if(CMAKE_CXX_COMPILER MATCHES "nvcc_wrapper$")
  set(KOUSHI_NVCC ON)
  list(REMOVE_ITEM KOUSHI_COMPILE_OPTIONS -Wpedantic)
  list(APPEND KOUSHI_COMPILE_OPTIONS --expt-relaxed-constexpr)  # numbers of std::integral_constant in kernels
endif()
option(KOUSHI_WARNINGS_AS_ERRORS "Treat warnings as errors" ON)
if(KOUSHI_WARNINGS_AS_ERRORS)
  list(APPEND KOUSHI_COMPILE_OPTIONS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # AVX-512 headers of g++ 12 start from undefined registers on purpose and are then warned about.
  list(APPEND KOUSHI_COMPILE_OPTIONS -Wno-maybe-uninitialized -Wno-uninitialized)
  # Of std::string, which g++ 12 inlines, it warns where nothing is wrong: "text" + name, and push_back("text") with precompiled headers.
  list(APPEND KOUSHI_COMPILE_OPTIONS -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  # The ABI of vector arguments changed in g++ 4.6; nothing here links to code older than that.
  list(APPEND KOUSHI_COMPILE_OPTIONS -Wno-psabi)
endif()

option(KOUSHI_SANITIZE "Address and undefined-behaviour sanitizers, Kokkos bounds checks" OFF)
if(KOUSHI_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# What -march means on this machine: part of the key of every compiler cache, because "native" is a
# different processor on the next machine.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=${KOUSHI_ARCH} -E -v -x c++ /dev/null
  OUTPUT_QUIET ERROR_VARIABLE _koushi_verbose)
string(REGEX MATCH "[^\n]*cc1plus[^\n]*" _koushi_cc1 "${_koushi_verbose}")
string(MD5 KOUSHI_ARCH_KEY "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${_koushi_cc1}")
# The instruction sets that come with it, by the names of __builtin_cpu_supports: src/app/processor.cpp refuses a processor without them.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=${KOUSHI_ARCH} -dM -E -x c++ /dev/null OUTPUT_VARIABLE _koushi_macros ERROR_QUIET)
set(KOUSHI_INSTRUCTIONS "")
if(_koushi_macros MATCHES "__x86_64__")
  foreach(set sse3 ssse3 sse4.1 sse4.2 popcnt avx avx2 fma bmi bmi2 avx512f avx512cd avx512bw avx512dq avx512vl)
    string(TOUPPER "__${set}__" _koushi_macro)
    string(REPLACE "." "_" _koushi_macro "${_koushi_macro}")
    if(_koushi_macros MATCHES "#define ${_koushi_macro} ")
      string(APPEND KOUSHI_INSTRUCTIONS "${set} ")
    endif()
  endforeach()
endif()
find_program(KOUSHI_CCACHE ccache)
if(KOUSHI_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND NOT KOUSHI_NVCC)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NAMESPACE=koushi-${KOUSHI_ARCH_KEY}
    CCACHE_SLOPPINESS=pch_defines,time_macros ${KOUSHI_CCACHE})
endif()
