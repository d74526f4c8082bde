#!/usr/bin/env bash
# Fails if an object file holds fused multiply-adds that nobody wrote: its loops would then round differently at their ends.
set -e
for object in "$@"; do
  found=$(objdump -d "$object" | grep -cE '\bvfn?m(add|sub|addsub|subadd)[0-9]|\bfn?m(add|sub)\b' || true)
  if [ "$found" != 0 ]; then
    echo "$object has $found fused instructions"
    exit 1
  fi
done
echo "$# objects without fused instructions"
