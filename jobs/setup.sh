#!/usr/bin/env bash
# Installs what is missing and builds koushi in build/release. Sourced by quickstart.sh and tests/run.sh; safe to run again.
#   KOUSHI_BUILD             build folder (default build/release)
#   KOUSHI_DEPENDENCY_CACHE  folder with kokkos_5.0.2.orig.tar.gz and catch2_3.7.1.orig.tar.gz, for machines without internet
set -euo pipefail
koushi_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
koushi_build=${KOUSHI_BUILD:-$koushi_root/build/release}

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

apt_install() {
  say "installing $*"
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

install_packages() {
  local wanted=(g++ cmake ninja-build ccache pkg-config binutils openmpi-bin libopenmpi-dev libpetsc-real-dev libslepc-real-dev libhdf5-openmpi-dev libfftw3-dev libfftw3-mpi-dev
    libeigen3-dev libtomlplusplus-dev libcli11-dev libfmt-dev librandom123-dev libopenblas-dev python3 python3-h5py python3-matplotlib)
  command -v dpkg-query >/dev/null || { say "not a Debian system: dependencies are taken from modules or Spack"; return; }
  local missing
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ ${#missing[@]} -gt 0 ] || { say "all packages are installed"; return; }
  if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; ask an administrator for: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt_install "${missing[@]}"
}

build() {
  say "configuring in $koushi_build"
  cmake -S "$koushi_root" -B "$koushi_build" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" >"$koushi_build.log" 2>&1 ||
    { tail -n 30 "$koushi_build.log"; exit 1; }
  say "building (the first time takes some minutes)"
  cmake --build "$koushi_build" --parallel "$(env -u OMP_NUM_THREADS nproc)"
}

# Processes of this script may share cores and run as root in a container.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$(dirname "$koushi_build")"
install_packages
