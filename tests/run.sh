#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest, e.g. bash tests/run.sh -R lattice, or -L quick for a label
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/setup.sh"
# The test of the job scripts starts a Slurm of its own, and is skipped where there is none. KOUSHI_TEST_SLURM=off: neither.
install_slurm() {
  [ "${KOUSHI_TEST_SLURM:-}" != off ] && [ "$(id -u)" = 0 ] && command -v dpkg-query >/dev/null || return 0
  [ ! -e /etc/slurm/slurm.conf ] || return 0  # a machine of a cluster
  local missing
  mapfile -t missing < <(missing_packages slurmctld slurmd slurm-client munge)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" || say "there is no Slurm to be had: its test will be skipped"
}
# The test of the format is skipped where there is no clang-format.
install_clang_format() {
  [ "$(id -u)" = 0 ] && command -v dpkg-query >/dev/null || return 0
  [ -z "$(missing_packages clang-format)" ] || apt_install clang-format || say "there is no clang-format to be had: its test will be skipped"
}
install_slurm
install_clang_format
build -DKOUSHI_TESTS=ON
# Tests with the label long stand outside of CI, unless the arguments name it: bash tests/run.sh -L long
without_long=(--label-exclude '^long$')
case " $* " in *long*) without_long=() ;; esac
say "running the tests"
# Tests wait a quarter of their time, for processes that start, clocks and disks: one more at once than there are processors.
ctest --test-dir "$koushi_build" --output-on-failure --parallel "$(($(env -u OMP_NUM_THREADS nproc) + 1))" "${without_long[@]}" "$@"
