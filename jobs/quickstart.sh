#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job: the 4x4 Heisenberg antiferromagnet on 2 ranks, with a picture at the end.
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
build -DKOUSHI_TESTS=OFF
export OMP_NUM_THREADS=1 OMP_PROC_BIND=false
say "running inputs/heisenberg_square_4x4.toml on 2 ranks"
mpirun --oversubscribe --bind-to none -n 2 "$koushi_build/bin/koushi" run "$koushi_root/inputs/heisenberg_square_4x4.toml" --overwrite \
  --output "$koushi_build/heisenberg_square_4x4.h5"
"$koushi_build/bin/koushi" plot "$koushi_build/heisenberg_square_4x4.h5"
