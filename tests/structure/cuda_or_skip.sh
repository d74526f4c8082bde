#!/usr/bin/env bash
# Runs its arguments where nvcc is, if it is wanted.
if [ -z "${KOUSHI_TEST_CUDA:-}" ]; then
  echo "skipped: set KOUSHI_TEST_CUDA=1 to build the kernels by nvcc, which takes long"
  exit 77
fi
if [ -z "$(command -v nvcc)" ] && [ ! -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
  echo "skipped: there is no nvcc in PATH, CUDA_HOME or /usr/local/cuda"
  exit 77
fi
exec "$@"
