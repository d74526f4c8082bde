#!/usr/bin/env bash
# Runs its arguments where nvcc is, if it is wanted.
if [ "${KOUSHI_TEST_CUDA:-}" = off ]; then
  echo "skipped: KOUSHI_TEST_CUDA=off"
  exit 77
fi
if [ -z "$(command -v nvcc)" ] && [ ! -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
  echo "skipped: there is no nvcc in PATH, CUDA_HOME or /usr/local/cuda"
  exit 77
fi
exec "$@"
