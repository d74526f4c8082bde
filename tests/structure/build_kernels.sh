#!/usr/bin/env bash
# build_kernels.sh SOURCE BUILD [options of cmake]: kernels and koushi_bench without MPI, PETSc, HDF5 and FFTW, in a folder of their own. The program must not
# want these libraries, nor {fmt}, where it runs.
set -e
source=$1
build=$2
shift 2
cmake -S "$source" -B "$build" -G Ninja -DKOUSHI_MPI=OFF "$@"
cmake --build "$build" --parallel 2
! readelf -d "$build/bin/koushi_bench" | grep -E 'NEEDED.*lib(open-?mpi|mpi|petsc|slepc|hdf5|fftw|fmt|openblas)'
