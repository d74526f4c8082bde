"""Replica exchange from outside: exact answers on every rung, the same file on any ranks and after kills, reports, curves and reweighting of a ladder."""
import collections
import csv
import json
import math
import os
import subprocess
import sys
import unittest

from test_analysis import Analysis
from test_cli import INPUTS, Cli, koushi

EVERYTHING = """import h5py, sys
def say(name, item):
    if isinstance(item, h5py.Dataset) and name.split("/")[0] in ("state", "series", "history", "observables", "curves", "ladder"):
        value = item[()]
        print(name, value.tobytes().hex() if hasattr(value, "tobytes") else value)
h5py.File(sys.argv[1]).visititems(say)"""


def ising_levels():
    """Number of states of the 4 x 4 torus by energy and |magnetisation|."""
    bonds = [(s, (s & 12) | ((s + 1) & 3)) for s in range(16)] + [(s, (s + 4) & 15) for s in range(16)]
    levels = collections.Counter()
    for state in range(1 << 16):
        levels[-sum(1 - 2 * ((state >> a ^ state >> b) & 1) for a, b in bonds), abs(16 - 2 * bin(state).count("1"))] += 1
    return levels


def ising_exact(levels, beta):
    weight = {level: n * math.exp(-beta * (level[0] + 32)) for level, n in levels.items()}
    z = sum(weight.values())
    e, e2, m = (sum(w * f(*level) for level, w in weight.items()) / z for f in (lambda e, m: e, lambda e, m: e * e, lambda e, m: m))
    return {"energy_per_site": e / 16, "magnetization": m / 16, "specific_heat": beta ** 2 * (e2 - e * e) / 16}


def u1_exact(beta, plaquettes):
    """Plaquette and <Q^2> on a torus: Z(theta) = sum_n w(n + theta / 2 pi)^V, w(x) = <e^{beta cos a} cos x a> over the angle of a plaquette."""
    angles = [(k + 0.5) / 1000 * math.pi for k in range(1000)]
    z = z2 = p = 0
    for n in range(-40, 41):
        w, w1, w2, d = (sum(math.exp(beta * (math.cos(a) - 1)) * f(a) for a in angles) / 1000 for f in (
            lambda a: math.cos(n * a), lambda a: -a * math.sin(n * a), lambda a: -a * a * math.cos(n * a), lambda a: math.cos(a) * math.cos(n * a)))
        if w < 1e-12:
            continue
        z += w ** plaquettes
        p += w ** (plaquettes - 1) * d
        z2 += plaquettes * w ** (plaquettes - 1) * w2 + plaquettes * (plaquettes - 1) * w ** (plaquettes - 2) * w1 ** 2
    return {"plaquette": p / z, "topological_charge2": -z2 / z / (2 * math.pi) ** 2}


class Tempering(unittest.TestCase):
    setUp, path, field, analyse, table, near, kill_until_done = Cli.setUp, Cli.path, Analysis.field, Analysis.analyse, Analysis.table, Analysis.near, Cli.kill_until_done

    def everything(self, file):
        for python in ("python3", "/usr/bin/python3"):
            done = subprocess.run([python, "-c", EVERYTHING, file], capture_output=True, text=True)
            if done.returncode == 0:
                self.assertIn("ladder/journeys", done.stdout)
                return done.stdout
        self.fail("no Python with h5py: " + done.stderr)

    def near_rung(self, found, exact, precision):
        for name, value in exact.items():
            with self.subTest(name=name, exact=value):
                self.near((found[name]["value"], found[name]["error"]), (value, 0))
                self.assertLess(found[name]["error"], precision * abs(value))

    def test_every_rung_of_an_ising_ladder_is_the_enumerated_one(self):
        """4 x 4 torus at five beta, 15 numbers within 4.5 sigma; what the rungs share goes through the reports, the curves and the multiple histograms."""
        levels = ising_levels()
        betas = [0.2, 0.3, 0.4, 0.5, 0.6]
        ladder = 'updater.1={kind="replica-exchange", values=%s}' % betas
        self.field("ising_2d.toml", "l.h5", "lattice.extents=[4,4]", "action.beta=0.4", "study.measurements=6000", "study.warm_up=100", "study.every=1", 'updater.0={kind="metropolis"}', ladder)
        report = json.loads(koushi("report", self.path("l.h5"), "--json").stdout)
        rungs = report["ladder"]["rungs"]
        self.assertEqual((report["ladder"]["parameter"], [r["value"] for r in rungs]), ("action.beta", betas))
        self.assertEqual(report["observables"], rungs[2]["observables"])
        for rung in rungs:
            self.near_rung(rung["observables"], ising_exact(levels, rung["value"]), 0.05)
        self.assertEqual(len(report["ladder"]["acceptance"]), 4)
        self.assertTrue(all(0.3 < a < 0.95 for a in report["ladder"]["acceptance"]))
        self.assertAlmostEqual(report["ladder"]["round_trips"] * report["ladder"]["round_trip_sweeps"], 6000 * 8 * 5, delta=1e-6 * 6000 * 40)
        self.assertGreater(report["ladder"]["round_trips"], 500)
        rows = list(csv.DictReader(koushi("report", self.path("l.h5"), "--y", "energy_per_site", "--csv").stdout.splitlines()))
        self.assertEqual([(float(r["action.beta"]), float(r["energy_per_site"])) for r in rows], [(r["value"], r["observables"]["energy_per_site"]["value"]) for r in rungs])
        said = koushi("report", self.path("l.h5")).stdout
        self.assertIn("round trips of a copy", said)
        self.assertEqual([line.split()[0] for line in said.split("exchanged with the next")[1].splitlines()[1:6]], [str(b) for b in betas])
        for words in ([], ["--x", "action.beta", "--y", "specific_heat"]):
            done = koushi("plot", self.path("l.h5"), *words, "--output", self.path("l.png"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(os.path.getsize(self.path("l.png")), 20000)
        text = self.analyse("reweighting_ising.toml", "r.h5", 'study.files=["l.h5"]', "study.targets=[0.25, 0.55]", "study.points=4", "study.observables=[]")
        self.assertNotIn("warning: equal seeds", text)
        for beta, row in self.table(text, ("energy_per_site", "specific_heat", "magnetization")).items():
            self.assertEqual(len(row), 3)
            for name, value in ising_exact(levels, beta).items():
                with self.subTest(beta=beta, name=name):
                    self.near(row[name], (value, 0))
                    self.assertLess(row[name][1], 0.03 * abs(value))

    def test_the_charge_moves_on_a_ladder(self):
        """U(1) on the 8 x 8 torus: plaquette and <Q^2> of all rungs are exact; alone, the chain at beta = 7 keeps its charge longer than the run."""
        sets = ["study.measurements=3000"]
        self.field("tempering_u1_2d.toml", "l.h5", *sets)
        report = json.loads(koushi("report", self.path("l.h5"), "--json").stdout)
        for rung in report["ladder"]["rungs"]:
            self.near_rung(rung["observables"], u1_exact(rung["value"], 64), 0.2)
        self.field("tempering_u1_2d.toml", "alone.h5", *sets, 'updater.2={kind="metropolis"}')
        alone = json.loads(koushi("report", self.path("alone.h5"), "--json").stdout)["observables"]["topological_charge2"]
        self.assertGreater(alone["tau_int"], 3 * report["observables"]["topological_charge2"]["tau_int"])

    def test_a_ladder_is_the_same_file_on_any_ranks_and_after_kills(self):
        """Every number of the file but clocks (and Polyakov loops, whose products round as ranks cut them): divided and shared replicas, links, spins, a field with tuned trajectories in the mass, and a Hopfield memory."""
        exchange = 'updater.%d={kind="replica-exchange", %s, repetitions=2}'
        for name, sets, length in [("tempering_u1_2d.toml", ["lattice.replicas=2"], 60),
                                   ("potts_2d.toml", ["lattice.extents=[8,8]", "lattice.replicas=1", exchange % (1, "values=[0.8, 0.9, 1.0050525631]")], 200),
                                   ("phi4_2d.toml", ["lattice.replicas=1", "action.mass_squared=-4.0", exchange % (1, 'parameter="action.mass_squared", values=[-4.0, -3.9, -3.8]')], 200),
                                   ("hopfield.toml", ["lattice.extents=[60]", "lattice.replicas=4", "action.patterns=6", exchange % (1, "values=[2.0, 4.0]")], 200)]:
            words = [word for key in ["study.warm_up=20", *sets, "study.measurements=%d" % length] for word in ("--set", key)]
            expected = None
            for ranks in (1, 2, 4):
                file = self.path("%s%d.h5" % (name, ranks))
                done = koushi("run", os.path.join(INPUTS, name), "--output", file, *words, ranks=ranks)
                self.assertEqual(done.returncode, 0, done.stderr)
                expected = expected or self.everything(file)
                self.assertEqual(self.everything(file), expected, (name, ranks))
        sets = [word for key in ("study.measurements=20000", "lattice.replicas=2", "lattice.extents=[8,8]", "output.checkpoint=0.1 s",
                                 'updater.0={kind="metropolis"}', exchange % (1, "values=[0.9, 1.0050525631]")) for word in ("--set", key)]
        deck, whole, pieces = os.path.join(INPUTS, "potts_2d.toml"), self.path("whole.h5"), self.path("pieces.h5")
        self.assertEqual(koushi("run", deck, "--output", whole, *sets).returncode, 0)
        self.kill_until_done(deck, sets, pieces, least=3, seconds=(0.6, 1.2))
        self.assertEqual(self.everything(pieces), self.everything(whole))

    def test_a_ladder_with_a_gap_is_warned_of(self):
        done = koushi("run", os.path.join(INPUTS, "ising_2d.toml"), "--output", self.path("g.h5"), *[w for s in (
            "study.measurements=50", "study.warm_up=20", "lattice.extents=[16,16]", "action.beta=0.5", 'updater.1={kind="replica-exchange", values=[0.2, 0.45, 0.5]}') for w in ("--set", s)])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: exchange: an acceptance below 0.1 cuts the ladder: 0.000 between 0.2 and 0.45; remedy: values of action.beta that stand closer there", done.stdout)
        done = koushi("check", os.path.join(INPUTS, "tempering_u1_2d.toml"), "--ranks", "2")
        self.assertIn("ladder       7 rungs, action.beta from 1.5 to 7", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
