#!/usr/bin/env python3
"""Runs the shipped decks of lattice fields that state a reference, then the further points below, and prints a table of Markdown for the user guide.

    jobs/reference_table.py build/release/bin/koushi [RANKS] [--points WORD]

Results go to a temporary folder. The deviation is in standard deviations of result and reference together. --points: only further points whose
line contains WORD.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
INPUTS = os.path.join(HERE, "..", "inputs")

ISING = (("energy_per_site", {8: -1.49158910744, 16: -1.45306485281, 32: -1.43366846615}),
         ("specific_heat", {8: 1.1455592399, 16: 1.4987049594, 32: 1.8467675900}))  # tests/unit/field/ising_exact.py
PHI4 = ((6, 6.975, (0.161408, 4.9e-5), (1.0650, 0.0019), (3.970, 0.004)), (8, 8.0, (0.143443, 3.1e-5), (0.7441, 0.0013), (6.332, 0.010)),
        (8, 6.008, (0.183932, 5.0e-5), (1.8999, 0.0037), (3.962, 0.005)), (12, 5.276, (0.210477, 6.9e-5), (4.112, 0.013), (4.006, 0.008)))  # independent Monte Carlo
PATHS = ((0.25, 40, 0.5, 1.0, 0.2529374593, 0.1723023733), (0.1, 100, 0.5, 1.0, 0.2564549069, 0.1804310048),
         (0.5, 40, -1.0, 0.5, 0.6203450747, 0.8376337666))  # transfer matrix


def points():
    """(deck, overrides, [(observable, known, error of it or 0)]); "curve:x" is a point of a curve, with a factor: "effective_mass:3*8"."""
    for length, coupling, phi2, chi, mass in PHI4:
        yield ("phi4_2d", ["lattice.extents=[%d,%d]" % (length, length), "action.lambda=%g" % coupling],
               [("phi2", *phi2), ("susceptibility", *chi), ("effective_mass:%d*%d" % (length // 2 - 1, length), *mass)])
    yield ("phi4_2d", ["lattice.extents=[64,4]"], [("phi2", 0.1452829268, 0), ("effective_mass:3*1", 0.8043583011, 0)])  # transfer matrix of the infinite strip
    for d, mass_squared, phi2 in ((2, 1.25, 0.233967001547), (4, 1, 0.127118371796)):
        yield ("free_field_3d", ["lattice.extents=[%s]" % ",".join(["8"] * d), "action.mass_squared=%g" % mass_squared], [("phi2", phi2, 0)])
    for spacing, n, quadratic, quartic, x2, x4 in PATHS:
        yield ("anharmonic_oscillator", ["lattice.extents=[%d]" % n, "action.spacing=%g" % spacing, "action.potential=[0,%g,0,%g]" % (quadratic, quartic)],
               [("x2", x2, 0), ("x4", x4, 0)])
    for length in (8, 16, 32):
        yield ("ising_2d", ["lattice.extents=[%d,%d]" % (length, length)], [(name, known[length], 0) for name, known in ISING])
    yield ("xy_2d", ["lattice.extents=[16]"], [("bond", 0.44639391203, 0)])
    yield ("o3_2d", ["lattice.extents=[16]", "action.beta=1.0"], [("bond", 0.313035307981, 0)])
    yield ("xy_2d", [], [("susceptibility", 106.50, 0.17)])


def with_error(value, error):
    """0.14360, 0.00008 -> 0.143600(80): two digits of the error."""
    digits = max(0, 1 - math.floor(math.log10(error)))
    return "%.*f(%d)" % (digits, value, round(error * 10**digits))


def run(koushi, ranks, deck, sets, file):
    start = time.time()
    words = [word for key in sets for word in ("--set", key)]
    subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks, koushi, "run", deck, "--output", file, *words], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    seconds = time.time() - start
    return json.loads(subprocess.run([koushi, "report", file, "--json"], check=True, capture_output=True, text=True).stdout), seconds


def value_of(report, name):
    """Value and error of an observable, or of a point of a curve."""
    if ":" not in name:
        found = report["observables"][name]
        return found["value"], found["error"]
    curve, place = name.split(":")
    at, factor = (int(word) for word in place.split("*"))
    points = report["curves"][curve]
    k = points["x"].index(at)
    return factor * points["value"][k], factor * points["error"][k]


def line(deck, sets, name, found, known, error, seconds):
    sigma = math.hypot(found[1], error)
    text = with_error(known, error) if error > 0 else "%.10g (exact)" % known
    if ":" in name:
        curve, place = name.split(":")
        at, factor = place.split("*")
        name = "%s(%s)%s" % (curve, at, "" if factor == "1" else " L")
    where = " ".join(["`%s`" % deck, *("`%s`" % s for s in sets)])
    print("| %s | %s | %s | %s | %+.1fσ | %.0f s |" % (where, name, with_error(*found), text, (found[0] - known) / sigma, seconds), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("koushi")
    parser.add_argument("ranks", nargs="?", default="2")
    parser.add_argument("--points")
    args = parser.parse_args()
    koushi = os.path.abspath(args.koushi)
    print("| deck | observable | value | reference | deviation | time |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(os.listdir(INPUTS)) if args.points is None else []:
            deck = os.path.join(INPUTS, name)
            with open(deck) as stream:
                text = stream.read()
            if '"lattice-field"' not in text or "[study.reference]" not in text:
                continue
            report, seconds = run(koushi, args.ranks, deck, [], os.path.join(folder, name + ".h5"))
            reference = report["reference"]
            found = report["observables"][reference["quantity"]]
            line(name.removesuffix(".toml"), [], reference["quantity"], (found["value"], found["error"]), reference["value"], reference["error"], seconds)
        for k, (name, sets, wanted) in enumerate(points()):
            if args.points is not None and args.points not in " ".join([name, *sets]):
                continue
            file = os.path.join(folder, "point%d.h5" % k)
            report, seconds = run(koushi, args.ranks, os.path.join(INPUTS, name + ".toml"), sets, file)
            for observable, known, error in wanted:
                line(name, sets, observable, value_of(report, observable), known, error, seconds)


if __name__ == "__main__":
    main()
