#!/usr/bin/env bash
# Fails if an executable exports a symbol of Kokkos: a second Kokkos in the process would bind to it.
set -u
count=$(nm -D --defined-only "$1" | grep -c Kokkos)
[ "$count" = 0 ] || { echo "$1 exports $count symbols of Kokkos"; exit 1; }
