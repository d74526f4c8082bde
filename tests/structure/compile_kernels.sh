#!/usr/bin/env bash
# compile_kernels.sh SOURCE BUILD OBJECTS [options of cmake]: compiles the sources that contain kernels, without MPI, in a folder of their own. Which these are
# the objects in the folder OBJECTS of a host's build say: kernels leave the name of a Kokkos::Impl::Parallel... there; and the sources, which mark their own
# lambdas and functors by KOKKOS_... or include a header of kernels, where they have more than loops of the host. A compiler of devices takes ten seconds for a
# source without one. Left to the test with the label long, which compiles and links all, are products of functors that take it half a minute each and whose
# functors other sources compile one by one, and sources that differ from another one that is here by a functor of some lines.
set -e
source=$1
build=$2
objects=$3
shift 3
cmake -S "$source" -B "$build" -G Ninja -DKOUSHI_MPI=OFF "$@"
mapfile -t with_kernels < <(cd "$objects" && find src -name '*.cpp.o' | sort | while read -r object; do
  file=$(sed 's#CMakeFiles/[a-z_]*\.dir/##; s#\.o$##' <<<"$object")
  grep -qE 'KOKKOS_|_kernel\.hpp"|/scalar_field\.hpp"' "$source/$file" &&
    nm -C "$object" 2>/dev/null | grep -qE 'Kokkos::Impl::Parallel(For|Reduce|Scan)<' && echo "$object"
done)
known=$(ninja -C "$build" -t targets all | sed 's/: .*//')
mapfile -t wanted < <(printf '%s\n' "${with_kernels[@]}" | grep -Fxf <(echo "$known") |
  grep -vE 'fused_moves_(images_slater_(real|complex)|pair_product_(real|complex)|slater_complex|spin_projection)' |
  grep -vE 'actions/(path|sine_gordon)|estimators/(energy_parts|double_occupancy|variance)|paths/(positions|velocities)')
echo "${#with_kernels[@]} sources with kernels, ${#wanted[@]} of them in a build without MPI"
[ ${#wanted[@]} -ge 25 ]
# By nvcc as far as code for the device and a source for the host's compiler, whose part takes half of the time and is done by the host's build.
NVCC_APPEND_FLAGS=-cuda cmake --build "$build" --parallel 2 --target "${wanted[@]}"
