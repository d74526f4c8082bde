#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest, e.g. bash tests/run.sh -R lattice
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/setup.sh"
build -DKOUSHI_TESTS=ON
say "running the tests"
ctest --test-dir "$koushi_build" --output-on-failure --parallel "$(env -u OMP_NUM_THREADS nproc)" "$@"
