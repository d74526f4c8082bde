#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest, e.g. bash tests/run.sh -R lattice
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/setup.sh"
# The test of the job scripts starts a Slurm of its own, and is skipped where there is none. KOUSHI_TEST_SLURM=off: neither.
install_slurm() {
  [ "${KOUSHI_TEST_SLURM:-}" != off ] && [ "$(id -u)" = 0 ] && command -v dpkg-query >/dev/null || return 0
  [ ! -e /etc/slurm/slurm.conf ] || return 0  # a machine of a cluster
  local missing
  mapfile -t missing < <(missing_packages slurmctld slurmd slurm-client munge)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" || say "there is no Slurm to be had: its test will be skipped"
}
install_slurm
build -DKOUSHI_TESTS=ON
say "running the tests"
ctest --test-dir "$koushi_build" --output-on-failure --parallel "$(env -u OMP_NUM_THREADS nproc)" "$@"
