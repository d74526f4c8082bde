#!/usr/bin/env python3
"""Measures the dynamical critical exponents z of Metropolis and Wolff updates of the 2D Ising model at K_c: tau_int of the susceptibility ~ L^z.

    jobs/ising_dynamics.py build/release/bin/koushi [--sizes 16,32,64,128] [--ranks N] [--length 500] [--picture docs/ising_dynamics.png]

Unit of time: one sweep, as many proposals as sites; a Wolff update counts the flipped fraction, which is <|C|>/V = chi/V (U. Wolff, Phys. Rev. Lett. 62,
361 (1989)). Every chain is about `length` tau_int long, in 8 replicas. The error of tau_int is that of N. Madras, A. D. Sokal, J. Stat. Phys. 50, 109
(1988), tau sqrt(2 (2 W + 1) / n) with a window of W = 5 tau. Expected: z about 2.17 (Metropolis), below 0.5 (Wolff).
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

DECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "inputs", "ising_2d.toml")
REPLICAS = 8


def guess(kind, size):
    """tau_int in updates, from short runs on L <= 32: for the length of the chains, and so that ten measurements are made in one of it."""
    return 0.07 * size**2.17 if kind == "metropolis" else 1.2 * size**0.3


def tau_int_of(observable):
    """tau_int of an observable of a report, in measurements, and its error."""
    tau = observable["tau_int"]
    return tau, tau * math.sqrt(2 * (10 * tau + 1) / observable["samples"])


def measure(koushi, ranks, kind, size, length, folder):
    """tau_int of the susceptibility in sweeps, and its error."""
    tau = guess(kind, size)
    every = max(1, int(tau / 10)) if kind == "metropolis" else 1
    measurements = max(200, int(length * tau / every))
    file = os.path.join(folder, "%s%d.h5" % (kind, size))
    words = ["lattice.extents=[%d,%d]" % (size, size), "lattice.replicas=%d" % REPLICAS, 'updater.0={kind="%s"}' % kind, "study.every=%d" % every,
             "study.measurements=%d" % measurements, "study.warm_up=%d" % max(100, int(10 * tau)),
             # single clusters of a random start are small, those of an aligned one large
             "study.start=%s" % ("1.0" if kind == "metropolis" else "0.0"), 'study.reference.observable="energy_per_site"']
    subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks, koushi, "run", DECK, "--output", file, *(word for key in words for word in ("--set", key))],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = json.loads(subprocess.run([koushi, "report", file, "--json"], check=True, capture_output=True, text=True).stdout)
    chi = report["observables"]["susceptibility"]
    unit = every if kind == "metropolis" else chi["value"] / size**2  # sweeps per measurement
    tau, error = tau_int_of(chi)
    return tau * unit, error * unit


def fit(sizes, taus):
    """z and its error: weighted straight line through (ln L, ln tau)."""
    w = [(t / e) ** 2 for t, e in taus]
    x = [math.log(s) for s in sizes]
    y = [math.log(t) for t, _ in taus]
    total = sum(w)
    mx = sum(a * b for a, b in zip(w, x)) / total
    my = sum(a * b for a, b in zip(w, y)) / total
    spread = sum(a * (b - mx) ** 2 for a, b in zip(w, x))
    return sum(a * (b - mx) * (c - my) for a, b, c in zip(w, x, y)) / spread, 1 / math.sqrt(spread), math.exp(my), math.exp(mx)


def draw(picture, sizes, results, fits):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4))
    for kind, marker in (("metropolis", "o"), ("wolff", "s")):
        taus = results[kind]
        drawn = axes.errorbar(sizes, [t for t, _ in taus], yerr=[e for _, e in taus], fmt=marker, capsize=2, label="%s, z = %.2f(%d)" % (kind, fits[kind][0], round(100 * fits[kind][1])))
        z, _, height, middle = fits[kind]
        axes.plot(sizes, [height * (s / middle) ** z for s in sizes], color=drawn[0].get_color())
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("L")
    axes.set_ylabel("tau_int of the susceptibility (sweeps)")
    axes.legend(facecolor="white")
    figure.tight_layout()
    figure.savefig(picture, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("koushi")
    parser.add_argument("--sizes", default="16,32,64,128")
    parser.add_argument("--ranks", default="1")
    parser.add_argument("--length", type=float, default=500)
    parser.add_argument("--picture")
    args = parser.parse_args()
    koushi = os.path.abspath(args.koushi)
    sizes = [int(s) for s in args.sizes.split(",")]
    results = {"metropolis": [], "wolff": []}
    print("| L | updates | τ_int of χ (sweeps) |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, taus in results.items():
            for size in sizes:
                taus.append(measure(koushi, args.ranks, kind, size, args.length, folder))
                print("| %d | %s | %.4g ± %.2g |" % (size, kind, *taus[-1]), flush=True)
    if len(sizes) < 2:
        return
    fits = {kind: fit(sizes, taus) for kind, taus in results.items()}
    for kind, (z, error, _, _) in fits.items():
        print("\n%s: z = %.3f ± %.3f" % (kind, z, error))
    if args.picture:
        draw(args.picture, sizes, results, fits)


if __name__ == "__main__":
    sys.exit(main())
