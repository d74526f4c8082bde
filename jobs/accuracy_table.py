#!/usr/bin/env python3
"""Energies of spin systems against the density alpha of a translation-symmetrised RBM, as G. Carleo and M. Troyer show them in Fig. 2 of Science 355, 602
(2017): the 10x10 Heisenberg antiferromagnet, Heisenberg rings of 40 and (over the space group) 80 sites, transverse-field Ising rings of 80 sites; the first
also with filters over the space group, and projected on it by a sum over rotations and reflections. Prints a table in Markdown and draws it. The
smallest network starts at random, every other one from the one before it; times are sums over these runs.

    jobs/accuracy_table.py build/release/bin/koushi [--ranks N] [--only WORD] [--folder DIR] [--picture docs/accuracy.png]

--only: systems whose name contains WORD. Results stay in the folder; a run that is there is taken as it is, one that was stopped goes on. All take an hour
or two on two cores. The picture needs matplotlib.
"""
import argparse
import json
import math
import os
import subprocess
import sys

from reference_table import with_error

DECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "inputs", "heisenberg_square_10x10.toml")


def heisenberg_ring(n):
    """E_0 / N from the Bethe equations n theta(l_j) = pi I_j + sum_k theta((l_j - l_k) / 2), theta(x) = arctan(2 x). Source: H. Bethe, Z. Phys. 71, 205 (1931)."""
    m = n // 2
    numbers = [j - (m - 1) / 2 for j in range(m)]
    roots = [math.tan(math.pi * i / n) / 2 for i in numbers]
    change = 1.0
    while change > 1e-14:
        new = [math.tan((math.pi * i + sum(math.atan(root - other) for other in roots)) / n) / 2 for i, root in zip(numbers, roots)]
        change = max(abs(a - b) for a, b in zip(new, roots))
        roots = new
    return 0.25 - sum(0.5 / (root**2 + 0.25) for root in roots) / n


def ising_ring(n, field):
    """E_0 / N of - sum sz sz - field sum sx by free fermions. Source: P. Pfeuty, Ann. Phys. 57, 79 (1970)."""
    return -sum(math.sqrt(1 + field**2 - 2 * field * math.cos((2 * k + 1) * math.pi / n)) for k in range(n)) / n


def ring(n):
    """With real weights: complex ones gain as much weight in configurations of two domains, which the run then warns of."""
    return ['lattice={kind="chain",extents=[%d]}' % n, 'wavefunction.factor.0.weights="real"', "wavefunction.factor.0.visible_bias=false"]


def ising(field):
    return ring(80) + ['hamiltonian={kind="transverse-field-ising",J=[-1.0],field=%g}' % -field, "sampler.moves={flip=1.0}", "solver.step=0.05", "solver.step_end=0.01"]


# Beside those of the deck. New hidden units of the deck's own width would blur the state that they join, and small ones want a large shift at first.
GROWN = ["wavefunction.factor.0.width=0.005", "solver.shift.relative=1e-3", "solver.shift.relative_end=1e-6", "solver.step=0.1",
         "study.average=40"]
LARGE = ["sampler.samples=8192", "solver.shift.relative=2e-4", "solver.shift.relative_end=2e-5"]  # noise of 4096 samples there outweighs what a smaller shift gains
AGAIN = ["solver.shift.relative_end=1e-4", "solver.step=0.1", "study.average=40"]
SPACE_GROUP = ['wavefunction.factor.0.symmetry="space-group"']
PROJECTED = ['wavefunction.factor.0.projection="space-group"']
SLOW = ["solver.shift.relative_end=3e-6", "solver.step_end=0.03"]
FINE = ["sampler.samples=8192", "solver.shift.relative=1e-5", "solver.shift.relative_end=1e-7", "solver.step=0.1", "solver.step_end=0.03", "study.average=40"]
LONGER = ["solver.shift.relative=1e-4", "solver.shift.relative_end=3e-6", "solver.step=0.05", "solver.step_end=0.01", "study.average=40"]
SMALL_STEPS = LONGER + ["sampler.samples=8192", "solver.shift.relative_end=1e-5"]
STEADY = GROWN + LARGE + ["solver.step=0.05", "solver.step_end=0.01", "study.average=20"]  # of a state that is good already
ONWARD = LARGE + ["solver.step=0.1", "solver.step_end=0.01", "study.average=15"]
SHORT = ["solver.shift.relative_end=1e-6", "study.average=40"]

# name: known energy per site, overrides, images of a projected state, runs one after another: density, steps, overrides
SYSTEMS = {
    "Heisenberg, square 10x10": (-0.671549, [], 1, [(1, 1000, []), (2, 400, GROWN), (4, 500, GROWN), (8, 450, GROWN), (16, 250, GROWN + LARGE), (32, 250, GROWN + LARGE + ["solver.step_end=0.01"]), (32, 120, SMALL_STEPS)]),
    "Heisenberg, square 10x10, space group": (-0.671549, SPACE_GROUP, 1, [(8, 500, ["study.average=40"]), (16, 400, GROWN), (32, 400, GROWN), (32, 250, FINE), (64, 250, GROWN + SLOW)]),
    "Heisenberg, square 10x10, projected": (-0.671549, PROJECTED, 8, [(4, 250, SHORT), (8, 200, GROWN + SLOW), (8, 150, LONGER), (16, 45, STEADY), (16, 50, ONWARD), (32, 40, GROWN + ONWARD)]),
    "Heisenberg, ring of 40": (heisenberg_ring(40), ring(40), 1, [(1, 800, []), (2, 400, GROWN), (4, 400, GROWN)]),
    # The first run at density 4 warns of another region, where the second one, whose chains start at random states, lowers the weight.
    "Heisenberg, ring of 80, space group": (heisenberg_ring(80), ring(80) + SPACE_GROUP, 1, [(2, 800, []), (4, 400, GROWN), (4, 400, AGAIN)]),
    "Ising, ring of 80, field 0.5": (ising_ring(80, 0.5), ising(0.5), 1, [(1, 400, []), (2, 300, GROWN), (4, 300, GROWN)]),
    "Ising, ring of 80, field 1": (ising_ring(80, 1.0), ising(1.0), 1, [(1, 400, []), (2, 300, GROWN), (4, 300, GROWN)]),
    "Ising, ring of 80, field 2": (ising_ring(80, 2.0), ising(2.0), 1, [(1, 400, []), (2, 300, GROWN), (4, 300, GROWN)]),
}
CARLEO_TROYER = 1e-3  # of the 10x10 lattice at their largest density, 32


def run(koushi, ranks, file, overrides):
    """The report of a finished run, which is made or ended first."""
    words = [word for key in overrides for word in ("--set", key)]
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    report = [koushi, "report", file, "--json"]
    if not os.path.exists(file) or json.loads(subprocess.run(report, check=True, capture_output=True, text=True).stdout)["status"] != "done":
        subprocess.run([*command, koushi, "run", DECK, "--output", file, "--resume", *words] if os.path.exists(file) else [*command, koushi, "run", DECK, "--output", file, *words],
                       check=True, stdout=subprocess.DEVNULL)
    return json.loads(subprocess.run(report, check=True, capture_output=True, text=True).stdout)


def draw(rows, picture):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(figsize=(7, 4.6))
    for name in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == name]
        axes.errorbar([row["density"] for row in mine], [abs(row["deviation"]) for row in mine], [row["error"] for row in mine], marker="o", capsize=3, label=name)
    axes.axhline(CARLEO_TROYER, color="grey", linestyle="--", linewidth=1)
    axes.annotate("Carleo, Troyer (2017): about 1e-3 for 10x10 at density 32", (0.98, CARLEO_TROYER), xycoords=("axes fraction", "data"), xytext=(0, 24), textcoords="offset points", ha="right",
                  color="grey", fontsize=8)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda x, _: "%g" % x)
    axes.set_xlabel(r"density $\alpha$: hidden units per site, of all images")
    axes.set_ylabel(r"$(E - E_0)\,/\,|E_0|$")
    axes.set_title("Energies of symmetric RBMs")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("koushi")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", default="accuracy")
    parser.add_argument("--picture", default="")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    rows = []
    print("| system | density | real parameters | steps | time, with the smaller ones | E/N (J) | known | (E - E_0)/abs(E_0) |\n|---|---|---|---|---|---|---|---|")
    for name, (known, overrides, images, runs) in SYSTEMS.items():
        if options.only not in name:
            continue
        smaller, seconds = "", 0.0
        for k, (density, steps, own) in enumerate(runs):
            file = os.path.join(options.folder, "%s_%d_%d.h5" % ("".join(c if c.isalnum() else "_" for c in name), density, k))
            here = ["wavefunction.factor.0.density=%d" % density, "study.steps=%d" % steps, "study.reference.energy_per_site=%.12g" % known]
            if smaller:
                here.append('study.initial_parameters="%s"' % smaller)
            report = run(options.koushi, options.ranks, file, here + own + overrides)
            smaller = file
            seconds += report["seconds"]
            if k + 1 < len(runs) and runs[k + 1][0] == density:
                continue
            energy = report["observables"]["energy_per_site"]
            deviation = (energy["value"] - known) / abs(known)
            error = energy["error"] / abs(known)
            doubt = " (another region)" if any(warning.startswith("another region") for warning in report["warnings"]) else ""
            rows.append({"name": name, "density": density * images, "deviation": deviation, "error": error})
            print("| %s%s | %s | %d | %d | %.0f s | %s | %.7f | %.1e ± %.0e |" % (name, doubt, "%d x %d" % (images, density) if images > 1 else density, report["parameters"], steps, seconds,
                  with_error(energy["value"], energy["error"]), known, deviation, error), flush=True)
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    sys.exit(main())
