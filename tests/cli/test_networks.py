"""Networks as paths and fields from outside: the same numbers on any ranks and after any interruption, exact values, refusals."""
import json
import math
import os
import sys
import unittest

from test_cli import INPUTS, Cli, koushi

ENSEMBLE = ["--set", "study.draws=20000", "--set", "study.widths=[4,12]", "--set", "study.bins=20"]
PATH = ["--set", "study.measurements=60", "--set", "study.warm_up=20", "--set", "lattice.replicas=6"]


class Networks(unittest.TestCase):
    setUp, path = Cli.setUp, Cli.path

    def run_deck(self, name, file, *words, code=0, ranks=1):
        done = koushi("run", os.path.join(INPUTS, name), "--output", file, *words, cwd=self.folder, ranks=ranks)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def report(self, file):
        return json.loads(koushi("report", file, "--json").stdout)

    def test_networks_are_the_same_on_any_ranks(self):
        for name, words in (("cosine_network.toml", ENSEMBLE), ("deep_kernel.toml", [*ENSEMBLE, "--set", "study.draws=2000"]), ("path_network.toml", PATH), ("phi4_2d_network.toml", PATH)):
            with self.subTest(name):
                files = [self.path("%d.h5" % ranks) for ranks in (1, 2, 3)]
                for ranks, file in zip((1, 2, 3), files):
                    self.run_deck(name, file, *words, "--overwrite", ranks=ranks)
                both = [self.report(file) for file in files]
                for one in both[1:]:
                    self.assertEqual(one["observables"], both[0]["observables"])
                    self.assertEqual(one["curves"], both[0]["curves"])

    def test_networks_go_on_after_a_limit(self):
        """Pieces of one step each, on other ranks every time, and the whole at once."""
        for name, words, first in (("cosine_network.toml", [*ENSEMBLE, "--set", "study.bins=24"], 3), ("path_network.toml", ["--set", "study.measurements=12", "--set", "study.warm_up=4", "--set", "lattice.replicas=6"], 3)):
            with self.subTest(name):
                whole, pieces = self.path("whole.h5"), self.path("pieces.h5")
                self.run_deck(name, whole, *words, "--overwrite")
                self.run_deck(name, pieces, *words, "--time-limit", "0.000001s", "--overwrite", code=75)
                for attempt in range(first):
                    self.run_deck(name, pieces, *words, "--resume", "--time-limit", "0.000001s", code=75, ranks=1 + attempt % 2)
                self.run_deck(name, pieces, *words, "--resume", ranks=2)
                self.assertEqual(self.report(pieces)["observables"], self.report(whole)["observables"])
                self.assertEqual(self.report(pieces)["curves"], self.report(whole)["curves"])

    def test_transfer_matrix_has_the_numbers_of_a_path(self):
        """Levels of V = x^2/2 at a = 0.5: E_n = (n + 1/2) omega, cosh(a omega) = 1 + a^2/2, but for a constant of the measure."""
        file = self.path("t.h5")
        self.run_deck("transfer_matrix.toml", file, "--set", "action.potential=[0.0,0.5]")
        found = self.report(file)["observables"]
        omega = math.acosh(1 + 0.125) / 0.5
        for n in (1, 2, 5):
            self.assertLess(abs(found["gap_%d" % n]["value"] - n * omega), 1e-9)
        self.assertLess(abs(found["x2"]["value"] - 1 / (2 * math.sqrt(1 + 0.0625)) / math.tanh(10 * omega / 2)), 1e-10)

    def test_known_values_of_ensembles(self):
        file = self.path("c.h5")
        done = self.run_deck("cosine_network.toml", file, "--set", "study.draws=200000")
        self.assertNotIn("warning", done.stdout)
        found = self.report(file)
        kurtosis = found["observables"]["kurtosis"]
        self.assertLess(abs(kurtosis["value"] + 0.375), 4.5 * kurtosis["error"])
        for name in ("propagator", "connected_four_point"):
            exact = found["curves"][name + "_exact"]["value"]
            for value, error, right in zip(found["curves"][name]["value"], found["curves"][name]["error"], exact):
                self.assertLess(abs(value - right), 4.5 * error)
        self.assertLess(abs(found["observables"]["kurtosis_slope"]["value"] + 1), 4.5 * found["observables"]["kurtosis_slope"]["error"])

    def test_variables_of_a_path_are_its_own(self):
        """A run starts from the path of another, not from its numbers; masses that variables have not are refused."""
        first = self.path("first.h5")
        self.run_deck("path_network.toml", first, *PATH, "--set", "study.save_every=20")
        still = ["--set", "study.initial=" + first, "--set", "study.warm_up=0", "--set", "study.measurements=1", "--set", "updater.0.length=1e-9"]
        found = {}
        for name, words in {"weights": [], "velocities": ["--set", 'path.variables="velocities"'], "cosines": ["--set", 'path.variables="cosines"']}.items():
            file = self.path(name + ".h5")
            self.run_deck("path_network.toml", file, *PATH, *still, *words)
            found[name] = self.report(file)["observables"]["x4"]["value"]
        file = self.path("direct.h5")
        self.run_deck("anharmonic_oscillator.toml", file, *PATH, *still)
        found["field"] = self.report(file)["observables"]["x4"]["value"]
        for name, value in found.items():
            self.assertLess(abs(value - found["weights"]), 1e-6, name)
        self.run_deck("path_network.toml", self.path("back.h5"), *PATH, *still, "--set", "study.initial=" + file)
        self.assertLess(abs(self.report(self.path("back.h5"))["observables"]["x4"]["value"] - found["weights"]), 1e-6)
        sweep = self.run_deck("path_network.toml", self.path("e.h5"), *PATH, *still, "--set", "study.initial_sweep=40", "--set", 'path.variables="velocities"', code=2)
        self.assertIn("keeps the last field alone", sweep.stderr)
        refused = self.run_deck("path_network.toml", self.path("d.h5"), *PATH, "--set", 'path.mass="rank-one"', code=2)
        self.assertIn("velocities", refused.stderr)

    def test_kernels_in_real_time(self):
        """V = x^2/2 + e^(-x^2/2), K(0, 0; 1) at N = 32 by independent transfer matrices; the same on other ranks and in pieces."""
        files = [self.path(name) for name in ("one.h5", "two.h5", "pieces.h5")]
        small = ["--set", "study.draws=40000", "--set", "study.bins=40"]
        done = self.run_deck("propagator_bump.toml", files[0], *small)
        self.assertIn("the class is that of the real axis", done.stdout)
        self.run_deck("propagator_bump.toml", files[1], *small, ranks=3)
        self.run_deck("propagator_bump.toml", files[2], *small, "--time-limit", "0.000001s", code=75)
        self.run_deck("propagator_bump.toml", files[2], *small, "--resume", ranks=2)
        found = [self.report(file) for file in files]
        for one in found[1:]:
            self.assertEqual((one["observables"], one["curves"]), (found[0]["observables"], found[0]["curves"]))
        for name, exact in (("propagator_re", -0.08032), ("propagator_im", -0.39154)):
            self.assertLess(abs(found[0]["observables"][name]["value"] - exact), 4.5 * found[0]["observables"][name]["error"] + 1e-5)
        self.assertLess(abs(found[0]["observables"]["average_phase"]["value"] - 0.9997), 1e-3)
        free = self.path("free.h5")
        self.run_deck("propagator_oscillator.toml", free, "--set", "action.potential=[0.0]")
        curves = self.report(free)["curves"]
        for part in ("re", "im"):
            for value, exact in zip(curves["propagator_" + part]["value"], curves["propagator_continuum_" + part]["value"]):
                self.assertLess(abs(value - exact), 1e-12)

    def test_contours_of_the_flow(self):
        """<psi_0| e^(-iHt) |psi_0> of V = x^2/2 + x^4 by waves on a grid, 0.8411918 - 0.3826623i at t = 1/2 in 6 steps, and <x(t) x(0)> on a
        closed contour by matrices; the same on other ranks and in pieces."""
        packet = ["action.spacing=0.083333333333333333", "study.draws=8000", "study.bins=20", "study.pilot=500", "study.flow_times=[1.0,0.6]", "study.reference.value=0.8411918"]
        closed = ["lattice.extents=[8]", "study.real_steps=3", "study.draws=2000", "study.bins=20", "study.pilot=400"]
        for deck, sets in (("wave_packet_quartic.toml", packet), ("thermal_correlator.toml", closed)):
            words = [word for one in sets for word in ("--set", one)]
            files = [self.path(name + deck + ".h5") for name in ("one", "two", "pieces")]
            done = self.run_deck(deck, files[0], *words)
            self.assertIn("the class is that of the real plane", done.stdout)
            self.assertNotIn("warning: ", done.stdout)
            self.run_deck(deck, files[1], *words, ranks=3)
            self.run_deck(deck, files[2], *words, "--time-limit", "0.000001s", code=75)
            self.run_deck(deck, files[2], *words, "--resume", ranks=2)
            found = [self.report(file) for file in files]
            for one in found[1:]:
                self.assertEqual((one["observables"], one["curves"]), (found[0]["observables"], found[0]["curves"]))
            if deck.startswith("wave"):
                for name, exact in (("amplitude_re", 0.8411918), ("amplitude_im", -0.3826623)):
                    value = found[0]["observables"][name]
                    self.assertLess(abs(value["value"] - exact), 4 * value["error"])
                    self.assertLess(value["error"], 0.01)
                self.assertGreater(found[0]["observables"]["average_phase"]["value"], 0.85)
                self.assertEqual(found[0]["curves"]["average_phase_of_flow"]["x"], [1.0, 0.6])
            else:
                for part in ("re", "im"):
                    curves = [found[0]["curves"]["correlator_" + name + part] for name in ("", "grid_")]
                    for value, error, exact in zip(curves[0]["value"], curves[0]["error"], curves[1]["value"]):
                        self.assertLess(abs(value - exact), 4.5 * error)
        # a long flow has other saddles that its draws do not find: the grid tells
        done = self.run_deck("wave_packet_quartic.toml", self.path("long.h5"), "--set", "study.flow_times=[1.3]", "--set", "study.draws=20000", "--set", "study.pilot=500")
        self.assertIn("the draws miss a part of the contour", done.stdout)
        # and what is not resolved is not quoted
        done = self.run_deck("wave_packet_quartic.toml", self.path("short.h5"), "--set", "study.flow_times=[0.1]", "--set", "study.draws=2000", "--set", "study.pilot=500")
        self.assertIn("no value is quoted", done.stdout)
        self.assertIsNone(self.report(self.path("short.h5"))["observables"]["amplitude_re"]["value"])

    def test_deformed_ensembles(self):
        """<x^2> / a = 1.011750 and <x^4> / a^2 = 2.756840 of V = x^2/2 + x^4 at a = 1/4 by the transfer matrix; the same on other ranks and in pieces."""
        sets = ["study.widths=[8,16,32]", "study.measurements=120", "study.warm_up=30"]
        words = [word for one in sets for word in ("--set", one)]
        files = [self.path(name) for name in ("one.h5", "two.h5", "pieces.h5")]
        self.run_deck("deformed_network_1d.toml", files[0], *words)
        self.run_deck("deformed_network_1d.toml", files[1], *words, ranks=3)
        self.run_deck("deformed_network_1d.toml", files[2], *words, "--time-limit", "0.000001s", code=75)
        self.run_deck("deformed_network_1d.toml", files[2], *words, "--resume", ranks=2)
        found = [self.report(file) for file in files]
        for one in found[1:]:
            self.assertEqual((one["observables"], one["curves"]), (found[0]["observables"], found[0]["curves"]))
        for name, exact in (("phi2", 1.011750), ("phi4", 2.756840), ("virial_energy", 0.0625 * 1.011750 + 0.046875 * 2.756840)):
            value = found[0]["observables"][name]
            self.assertLess(abs(value["value"] - exact), 4 * value["error"])
            self.assertLess(value["error"], 0.02 * exact)
        for name in ("phi2_of_width", "phi4_of_width"):
            self.assertEqual(found[0]["curves"][name]["x"], [1 / 32, 1 / 16, 1 / 8])
        # other samplers of the same law
        for sampling in ("trajectory", "independent"):
            file = self.path(sampling + ".h5")
            self.run_deck("deformed_network_1d.toml", file, "--set", "study.widths=[16]", "--set", "study.measurements=200", "--set", "study.warm_up=50", "--set", 'study.sampling="%s"' % sampling)
            other = self.report(file)["observables"]["phi2"]
            curve = found[0]["curves"]["phi2_of_width"]
            self.assertLess(abs(other["value"] - curve["value"][1]), 4 * (other["error"] ** 2 + curve["error"][1] ** 2) ** 0.5)
        # where weights say nothing, none is quoted
        file = self.path("weights.h5")
        done = self.run_deck("deformed_network_2d.toml", file, "--set", "study.measurements=40", "--set", "study.chains=8", "--set", 'study.sampling="independent"', "--set", "study.lambda=2.0")
        self.assertIn("less than 1 % count", done.stdout)
        self.assertIsNone(self.report(file)["observables"]["phi2"]["value"])

    def test_pictures_of_networks(self):
        for name, words in (("cosine_network.toml", ENSEMBLE), ("transfer_matrix.toml", []), ("path_network.toml", PATH)):
            file = self.path(name.replace("toml", "h5"))
            self.run_deck(name, file, *words)
            done = koushi("plot", file, "--output", self.path("p.png"))
            if "needs a Python" in done.stderr:
                self.skipTest("no matplotlib")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(os.path.getsize(self.path("p.png")), 20000)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
