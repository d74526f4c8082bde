# Kokkos compiles for NVIDIA's GPUs through a wrapper of nvcc, which lies in its sources and has to be there before a language is enabled. Included where
# Kokkos_ENABLE_CUDA is on and no compiler is named; an installed Kokkos wants its own: -DCMAKE_CXX_COMPILER=<prefix>/bin/nvcc_wrapper.
include(KoushiSources)
find_program(KOUSHI_NVCC_PATH nvcc HINTS ENV CUDA_ROOT ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT KOUSHI_NVCC_PATH)
  message(FATAL_ERROR "Kokkos_ENABLE_CUDA is on, and there is no nvcc in PATH or CUDA_HOME")
endif()
koushi_declare_kokkos()
FetchContent_GetProperties(Kokkos)
if(NOT kokkos_POPULATED)
  FetchContent_Populate(Kokkos)
endif()
# Its nvcc is the one in PATH, or that of CUDA_ROOT, when configuring as when building.
get_filename_component(_koushi_cuda_root ${KOUSHI_NVCC_PATH} DIRECTORY)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/nvcc_wrapper CONTENT "#!/bin/sh\nPATH=@_koushi_cuda_root@:$PATH exec @kokkos_SOURCE_DIR@/bin/nvcc_wrapper \"$@\"\n" @ONLY)
file(CHMOD ${CMAKE_BINARY_DIR}/nvcc_wrapper PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CMAKE_CXX_COMPILER ${CMAKE_BINARY_DIR}/nvcc_wrapper CACHE FILEPATH "nvcc_wrapper of Kokkos")
