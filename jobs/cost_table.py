#!/usr/bin/env python3
"""What one independent measurement of the susceptibility of phi^4 costs with different updaters: a table of Markdown for the user guide.

    jobs/cost_table.py build/release/bin/koushi [--ranks N] [--scale X] [--only 2d|free|4d]

Two measurements are independent after 2 tau_int sweeps, so the cost is 2 tau_int times the time that the updaters of a sweep take, per replica.
Points: inputs/phi4_2d.toml at L = 64, lambda = 4.4, close to its critical point, the same without interaction at mass 0.05, and inputs/phi4_4d.toml (16^4). --scale multiplies the numbers of sweeps. A tau_int from chains
shorter than 50 of it is marked ~; its error is that of N. Madras, A. D. Sokal, J. Stat. Phys. 50, 109 (1988), with a window of 5 tau_int. Times are those of this machine, now: compare lines of one table only.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from ising_dynamics import tau_int_of

INPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "inputs")

CASES = {"2d": ("phi4_2d", ["lattice.extents=[64,64]", "lattice.replicas=4", "action.lambda=4.4"],
                [('{kind="hmc",length=1.0}', 40000), ('{kind="hmc",length=4.0,steps=40}', 10000), ('{kind="fourier-hmc",length=3.0,acceleration_mass=0.1,steps=30}', 10000),
                 ('{kind="metropolis",hits=2}', 60000), ('{kind="hmc",length=1.0} {kind="wolff",repetitions=4}', 8000),
                 ('{kind="hmc",length=1.0} {kind="swendsen-wang"}', 8000), ('{kind="metropolis",hits=2} {kind="wolff",repetitions=4}', 8000)]),
         "free": ("phi4_2d", ["lattice.extents=[64,64]", "lattice.replicas=4", "action.mass_squared=0.0025", "action.lambda=0"],
                  [('{kind="hmc",length=1.5}', 10000), ('{kind="hmc",length=6.0,steps=40}', 4000), ('{kind="fourier-hmc",acceleration_mass=0.05}', 2000),
                   ('{kind="metropolis",hits=2} {kind="wolff",repetitions=4}', 6000)]),
         "4d": ("phi4_4d", [],
                [('{kind="hmc",integrator="omelyan4",length=1.5,steps=4}', 3000), ('{kind="fourier-hmc",integrator="omelyan4",acceleration_mass=1.0,steps=4}', 3000),
                 ('{kind="metropolis",hits=2}', 4000), ('{kind="hmc",integrator="omelyan4",length=1.5,steps=4} {kind="swendsen-wang"}', 1500),
                 ('{kind="metropolis",hits=2} {kind="wolff",repetitions=4}', 4000)])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("koushi")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", choices=sorted(CASES))
    args = parser.parse_args()
    koushi = os.path.abspath(args.koushi)
    print("| point | updaters of a sweep | sweeps | χ | τ_int of χ (sweeps) | ms per sweep | ms per independent χ |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (deck, sets, mixtures) in sorted(CASES.items()):
            for k, (mixture, sweeps) in enumerate(mixtures if args.only in (None, name) else []):
                updaters = mixture.split()
                sweeps = max(100, int(args.scale * sweeps))
                words = [*sets, *("updater.%d=%s" % pair for pair in enumerate(updaters)), "study.measurements=%d" % sweeps, "study.warm_up=%d" % max(100, sweeps // 20), "study.every=1",
                         "study.start=0.5"]
                file = os.path.join(folder, "%s%d.h5" % (name, k))
                subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(args.ranks), koushi, "run", os.path.join(INPUTS, deck + ".toml"), "--output", file,
                                *(word for key in words for word in ("--set", key))], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                report = json.loads(subprocess.run([koushi, "report", file, "--json"], check=True, capture_output=True, text=True).stdout)
                chi = report["observables"]["susceptibility"]
                replicas = chi["samples"] // sweeps
                seconds = sum(time for phase, time in report["phases"].items() if phase not in ("measurements", "checkpoints")) / report["steps"] / replicas
                tau, error = tau_int_of(chi)
                mark = "" if sweeps >= 50 * tau else "~"
                what = " + ".join("`%s`" % u.replace('"', "").replace("kind=", "").strip("{}").replace(",", " ") for u in updaters)
                print("| %s | %s | %d × %d | %.4g%s | %s%.3g ± %.2g | %.3g | %s%.3g ± %.2g |"
                      % (name, what, replicas, sweeps, chi["value"], " ± %.2g" % chi["error"] if chi["error"] else "", mark, tau, error, 1e3 * seconds, mark, 2e3 * tau * seconds, 2e3 * error * seconds), flush=True)


if __name__ == "__main__":
    sys.exit(main())
