#!/usr/bin/env bash
# Submits job scripts (those of `koushi job`), each to start when the one before is done; if one fails, those after it are cancelled:
#
#   jobs/chain.sh run.slurm fit.slurm
#   jobs/chain.sh --any run.slurm run.slurm run.slurm    # however the one before ends: three parts of one run, where a site does not allow requeueing
condition=afterok
if [ "${1:-}" = --any ]; then condition=afterany; shift; fi
[ $# -gt 0 ] || { echo "usage: chain.sh [--any] SCRIPT ..." >&2; exit 2; }
after=()
for script in "$@"; do
  job=$(sbatch --parsable --kill-on-invalid-dep=yes "${after[@]}" "$script") || exit
  job=${job%%;*}  # without the name of the cluster
  echo "$job $script ${after[*]}"
  after=(--dependency="$condition:$job")
done
