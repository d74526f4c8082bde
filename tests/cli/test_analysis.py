"""Studies that read result files, and reports and pictures of many files, from outside."""
import collections
import csv
import json
import math
import os
import re
import shutil
import unittest

from test_cli import INPUTS, Cli, koushi


def number(text):
    """0.4963(23) -> (0.4963, 0.0023)."""
    value, digits = re.fullmatch(r"(-?[0-9.]+)\(([0-9]+)\)", text).groups()
    decimals = len(value.split(".")[1]) if "." in value else 0
    return float(value), float(digits) / 10 ** decimals


class Analysis(unittest.TestCase):
    setUp, path = Cli.setUp, Cli.path

    def field(self, deck, output, *sets):
        done = koushi("run", os.path.join(INPUTS, deck), "--output", self.path(output), *[w for key in sets for w in ("--set", key)])
        self.assertEqual(done.returncode, 0, done.stderr)

    def analyse(self, deck, output, *sets, code=0, **how):
        done = koushi("run", os.path.join(INPUTS, deck), "--output", self.path(output), *[w for key in sets for w in ("--set", key)], cwd=self.folder, **how)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def table(self, text, names):
        """{parameter: {name: (value, error)}} of the blocks that a reweighting prints."""
        rows = collections.defaultdict(dict)
        columns = None
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["beta"] or words[:1] == ["mass_squared"] or words[:1] == ["lambda"]:
                columns = words[1:]
            elif columns and len(words) == len(columns) + 1 and re.fullmatch(r"[-+.0-9e]+", words[0]):
                for name, word in zip(columns, words[1:]):
                    if name in names:
                        rows[float(words[0])][name] = number(word)
            else:
                columns = None
        return rows

    def near(self, found, expected, sigmas=4.5):
        sigma = math.hypot(found[1], expected[1])
        self.assertLess(abs(found[0] - expected[0]), sigmas * sigma, (found, expected))

    def test_the_mass_of_the_free_field_is_its_pole(self):
        """cosh m = 1 + m0^2 / 2 in both normalisations, and the amplitude 1 / (2 sinh m sinh(m T/2)) (half of it in the lattice form); two files and one."""
        mass = math.acosh(1.125)
        for form, factor in (("textbook", 1), ("lattice", 0.5)):
            for k, seed in enumerate((1, 2)):
                self.field("free_field_2d.toml", "%s%d.h5" % (form, k), "study.measurements=1000", "action.normalization=" + form, "seed=%d" % seed)
            files = ["%s%d.h5" % (form, k) for k in (0, 1)]
            for chosen in (files[:1], files):
                self.analyse("correlator_fit.toml", "fit.h5", "study.files=" + json.dumps(chosen), "study.t_min=0")
                found = json.loads(koushi("report", self.path("fit.h5"), "--json").stdout)["observables"]
                os.remove(self.path("fit.h5"))
                self.assertLess(found["mass"]["error"], 0.01)
                self.near((found["mass"]["value"], found["mass"]["error"]), (mass, 0))
                self.near((found["amplitude"]["value"], found["amplitude"]["error"]), (factor / (2 * math.sinh(mass) * math.sinh(16 * mass)), 0))
                self.assertEqual(found["mass"]["samples"], 16000 * len(chosen))
        text = self.analyse("correlator_fit.toml", "two.h5", 'study.files=["textbook0.h5", "textbook1.h5"]', "study.correlated=false", "study.t_max=6")
        self.near(number(re.search(r"mass +([0-9.()]+)", text).group(1)), (mass, 0))
        self.analyse("correlator_fit.toml", "log.h5", 'study.files=["textbook0.h5"]', "study.form=exponential", "study.t_max=6", "study.subtract=none", ranks=2)
        self.assertIn("A e^(-m t)", koushi("report", self.path("log.h5")).stdout)
        for file in ("two.h5", "log.h5"):
            self.assertEqual(koushi("plot", self.path(file)).returncode, 0)
            self.assertGreater(os.path.getsize(self.path(file[:-3] + ".png")), 20000)

        self.field("free_field_2d.toml", "longer.h5", "study.measurements=1000", "action.normalization=textbook", "seed=1", "study.warm_up=201")
        self.assertIn("warning: equal seeds", self.analyse("correlator_fit.toml", "copies.h5", 'study.files=["textbook0.h5", "longer.h5"]'))
        text = self.analyse("correlator_fit.toml", "known.h5", 'study.files=["textbook0.h5"]')
        self.assertIn("the known value of the deck is left out, for study.files changed", text)
        self.assertNotIn("sigma", text)
        for sets, code, said in [(['study.files=["none.h5"]'], 2, "none.h5: cannot be opened"),
                                 (['study.files=["textbook0.h5", "lattice0.h5"]'], 2, 'differ in action.normalization ("textbook" and "lattice")'),
                                 (['study.files=["textbook0.h5", "textbook0.h5"]'], 2, "hold the same chains"),
                                 (['study.files=["two.h5"]'], 2, 'is of study.kind = "correlator-fit"'),
                                 (["study.t_max=17"], 2, "17 is beyond half the period of 32"),
                                 (["study.t_max=1"], 2, "1 points for 2 parameters"),
                                 (["study.t_min=15", "study.states=2", "study.t_max=16"], 2, "2 points for 4 parameters"),
                                 (["study.bin=1001"], 2, "1001 is longer than the 1000 measurements of a chain"),
                                 (["study.t_max=16", "study.t_min=4", "study.states=2", "study.correlated=false"], 0, "no second state"),
                                 (["study.bin=1000"], 0, "16 bins for the covariance of 12 points"),
                                 (["study.bin=1000", "study.t_min=0", "study.t_max=16"], 4, "from 16 bins cannot be inverted; remedy: more measurements")]:
            if not sets[0].startswith("study.files"):
                sets = sets + ['study.files=["textbook0.h5"]']
            with self.subTest(sets=sets):
                said_here = self.analyse("correlator_fit.toml", "bad%d.h5" % abs(hash(str(sets))), *sets, code=code)
                self.assertIn(said, said_here)

    def test_energies_at_momenta_are_those_of_the_free_field(self):
        """cosh E = 1 + m0^2 / 2 + sum_i (1 - cos p_i): the observables of a run and fits at its momenta, the runs with lists of their own; the same series on 1, 2 and 4 ranks."""
        sets = ["study.measurements=500", "lattice.extents=[16,8,8]", "lattice.boundary=[\"periodic\",\"periodic\",\"antiperiodic\"]", 'updater.0={kind="hmc",length=2.0,jitter=0.5}']
        self.field("dispersion_2d.toml", "a.h5", *sets, "study.momenta=[[1,0],[0,-1],[2,1]]", "study.reference.value=1")
        self.field("dispersion_2d.toml", "b.h5", *sets, "study.momenta=[[2,1],[1,0]]", "study.average_momenta=true", "seed=2", "study.reference.value=1")

        def energy(n, half):
            return math.acosh(1.125 + 2 - math.cos(2 * math.pi * n / 8) - math.cos(2 * math.pi * (half + 0.5) / 8))

        found = json.loads(koushi("report", self.path("a.h5"), "--json").stdout)["observables"]
        for k, n in enumerate([(1, 0), (0, -1), (2, 1)]):
            self.near((found["energy_p%d" % (k + 1)]["value"], found["energy_p%d" % (k + 1)]["error"]), (energy(*n), 0))
            self.assertLess(found["energy_p%d" % (k + 1)]["error"], 0.03)
        # (-2, -2) is -p of (2, 1), for p = (n, n + 1/2)
        for files, n in ((["a.h5"], (0, -1)), (["a.h5", "b.h5"], (2, 1)), (["b.h5", "a.h5"], (1, 0)), (["a.h5"], (-2, -2))):
            self.analyse("correlator_fit.toml", "fit.h5", "study.files=" + json.dumps(files), "study.momentum=%s" % list(n), "study.t_min=0", "study.t_max=5", "study.reference.mass=%g" % energy(*n))
            fit = json.loads(koushi("report", self.path("fit.h5"), "--json").stdout)
            self.assertEqual(fit["reference"]["quantity"], "energy")
            self.near((fit["observables"]["energy"]["value"], fit["observables"]["energy"]["error"]), (energy(*n), 0))
            self.assertLess(fit["observables"]["energy"]["error"], 0.03)
            self.assertIn("at momentum [%d, %d]" % n, koushi("report", self.path("fit.h5")).stdout)
            for file in ("fit.h5", files[0]):
                done = koushi("plot", self.path(file), "--output", self.path("p.png"))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            os.remove(self.path("fit.h5"))
        for asked, said in (("[3,0]", "a.h5 has no correlator at [3, 0]\n  expected: one of its study.momenta, [1, 0], [0, -1], [2, 1]"), ("[1]", "a.h5 has no correlator at [1]")):
            self.assertIn(said, self.analyse("correlator_fit.toml", "bad.h5", 'study.files=["a.h5"]', "study.momentum=" + asked, "study.t_max=5", code=2))
        self.field("free_field_2d.toml", "c.h5", "study.measurements=30")
        self.assertIn("expected: runs with study.momenta, or no momentum", self.analyse("correlator_fit.toml", "bad.h5", 'study.files=["c.h5"]', "study.momentum=[1]", code=2))

        expected = None
        for ranks in (1, 2, 4):
            words = [w for key in [*sets, "lattice.replicas=1", "study.momenta=[[1,0],[2,-1]]", "study.average_momenta=true", "study.measurements=40", "study.warm_up=5"] for w in ("--set", key)]
            done = koushi("run", os.path.join(INPUTS, "dispersion_2d.toml"), "--output", self.path("r%d.h5" % ranks), *words, ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            series = Cli.history(self, self.path("r%d.h5" % ranks), "series")
            self.assertIn("correlator_p2", series)
            expected = expected or series
            self.assertEqual(series, expected)

    def test_reweighted_ising_is_the_enumerated_one(self):
        """4 x 4 torus: energy and specific heat at eight beta from one run, from another and from three together, against all 65536 states."""
        levels = collections.Counter()
        bonds = [(s, (s & 12) | ((s + 1) & 3)) for s in range(16)] + [(s, (s + 4) & 15) for s in range(16)]
        for state in range(1 << 15):  # one spin fixed: half of the states
            levels[-sum(1 - 2 * ((state >> a ^ state >> b) & 1) for a, b in bonds)] += 2

        def exact(beta):
            weight = {e: n * math.exp(-beta * (e + 32)) for e, n in levels.items()}
            z = sum(weight.values())
            mean, square = (sum(w * e ** k for e, w in weight.items()) / z for k in (1, 2))
            return {"energy_per_site": mean / 16, "specific_heat": beta ** 2 * (square - mean ** 2) / 16}

        for name, beta in (("a", 0.3), ("b", 0.4), ("c", 0.5)):
            self.field("ising_2d.toml", name + ".h5", "lattice.extents=[4,4]", "action.beta=%g" % beta, "study.measurements=4000", "study.warm_up=100", "seed=%d" % ord(name))
        names = ("energy_per_site", "specific_heat", "binder")
        results = {}
        for files, low, high in ((["a.h5"], 0.24, 0.38), (["b.h5"], 0.3, 0.5), (["a.h5", "b.h5", "c.h5"], 0.24, 0.59)):
            text = self.analyse("reweighting_ising.toml", "r%d%s" % (len(files), files[0]), "study.files=" + json.dumps(files), "study.targets=[%g,%g]" % (low, high), "study.points=8")
            rows = self.table(text, names)
            self.assertEqual(len(rows), 8)
            for beta, row in rows.items():
                for name, value in exact(beta).items():
                    with self.subTest(files=files, beta=beta, name=name):
                        self.near(row[name], (value, 0))
                        self.assertLess(row[name][1], 0.06 * abs(value))
            results[files[0], len(files)] = text
            report = json.loads(koushi("report", self.path("r%d%s" % (len(files), files[0])), "--json").stdout)
            for name in names:
                curve = report["curves"][name]
                for beta, value, error in zip(curve["x"], curve["value"], curve["error"]):
                    self.assertLess(abs(value - rows[float("%.8g" % beta)][name][0]), 0.51 * rows[float("%.8g" % beta)][name][1])
                    self.assertLess(abs(error - rows[float("%.8g" % beta)][name][1]), 0.06 * error)
            single = json.loads(koushi("report", self.path(files[0]), "--json").stdout)["observables"]["binder"]
            self.assertEqual((report["measured"]["binder"]["value"][0], report["measured"]["binder"]["error"][0]), (single["value"], single["error"]))
        self.field("ising_2d.toml", "d.h5", "lattice.extents=[8,8]", "action.beta=0.2", "study.measurements=100", "study.warm_up=10")
        text = self.analyse("reweighting_ising.toml", "far.h5", 'study.files=["d.h5"]', "study.targets=[1.5]", "study.points=0")
        self.assertIn("warning: overlap: fewer than 100 effective samples at action.beta = 1.5", text)
        self.assertIn("(no error)", text)
        self.assertEqual(json.loads(koushi("report", self.path("far.h5"), "--json").stdout)["curves"]["binder"]["error"], [None])
        self.assertIn("warning: overlap", koushi("report", self.path("far.h5")).stdout)
        self.assertEqual(koushi("plot", self.path("r3a.h5")).returncode, 0)
        self.assertGreater(os.path.getsize(self.path("r3a.png")), 20000)
        for sets, said in [(['study.files=["a.h5", "d.h5"]'], "a.h5 and d.h5 differ in lattice.extents ([4, 4] and [8, 8])"),
                           (['study.files=["a.h5"]', 'study.observables=["bindr"]'], 'did you mean "binder"?'),
                           (['study.files=["a.h5"]', "study.parameter=action.lambda"], "the ising action of a.h5 has no action.lambda"),
                           (['study.files=["a.h5"]', "study.targets=[-1, 1]"], "action.beta = -1 is not accepted"),
                           (['study.files=["a.h5"]', "study.targets=[0.3]"], "21 points between 1 targets")]:
            with self.subTest(sets=sets):
                self.assertIn(said, self.analyse("reweighting_ising.toml", "bad.h5", *sets, code=2))

    def test_reweighted_phi4_is_the_run_at_the_target(self):
        """In mass_squared and lambda, both forms; <phi dS/dphi> = 1 also at the target, which a wrong derivative of S would break."""
        small = ["study.measurements=4000", "study.warm_up=200", "lattice.extents=[4,4]"]
        for form, base, moves in (("lattice", {"mass_squared": -4.0, "lambda": 8.0}, {"mass_squared": -3.7, "lambda": 8.6}),
                                  ("textbook", {"mass_squared": -1.0, "lambda": 12.0}, {"mass_squared": -0.8, "lambda": 13.0})):
            settings = ["action.normalization=" + form] + ["action.%s=%g" % item for item in base.items()]
            self.field("phi4_2d.toml", form + ".h5", *small, *settings)
            for key, target in moves.items():
                there = "%s_%s.h5" % (form, key)
                self.field("phi4_2d.toml", there, *small, *settings, "action.%s=%g" % (key, target), "seed=5")
                direct = json.loads(koushi("report", self.path(there), "--json").stdout)["observables"]
                text = self.analyse("reweighting_ising.toml", "r_" + there, 'study.files=["%s.h5"]' % form, "study.parameter=action." + key, "study.targets=[%g]" % target, "study.points=0", "study.observables=[]")
                row = self.table(text, ("action_density", "phi2", "phi4", "schwinger_dyson", "binder"))[target]
                self.assertEqual(len(row), 5)
                self.near(row["schwinger_dyson"], (1, 0))
                self.assertLess(row["schwinger_dyson"][1], 0.01)
                for name, found in row.items():
                    with self.subTest(form=form, key=key, name=name):
                        self.near(found, (direct[name]["value"], direct[name]["error"]))

    def test_tables_and_curves_of_many_files(self):
        files = []
        for size in (8, 16):
            for beta in (0.42, 0.46, 0.44):
                files.append("i%d_%g.h5" % (size, beta))
                self.field("ising_2d.toml", files[-1], "lattice.extents=[%d,%d]" % (size, size), "action.beta=%g" % beta, "study.measurements=200", "study.warm_up=50", "seed=%d" % len(files))
        files = [self.path(f) for f in files]
        rows = list(csv.DictReader(koushi("report", *files, "--x", "action.beta", "--y", "binder,susceptibility", "--csv").stdout.splitlines()))
        self.assertEqual([(float(r["action.beta"]), r["lattice.extents"]) for r in rows], [(b, "[%d, %d]" % (n, n)) for b in (0.42, 0.44, 0.46) for n in (8, 16)])
        self.assertEqual(list(rows[0]), ["file", "action.beta", "lattice.extents", "binder", "binder_error", "susceptibility", "susceptibility_error", "status"])
        single = json.loads(koushi("report", rows[0]["file"], "--json").stdout)["observables"]["binder"]
        self.assertEqual((float(rows[0]["binder"]), float(rows[0]["binder_error"])), (single["value"], single["error"]))
        table = koushi("report", *files[:3]).stdout.splitlines()  # the one key that differs is the x axis
        self.assertEqual(table[0].split()[:2], ["action.beta", "binder"])
        self.assertEqual([line.split()[0] for line in table[1:]], ["0.42", "0.44", "0.46"])
        picture = self.path("binder.png")
        done = koushi("plot", *files, "--x", "action.beta", "--y", "binder", "--output", picture)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(os.path.getsize(picture), 20000)
        self.assertEqual(koushi("plot", *files, "--x", "lattice.extents.0", "--y", "susceptibility,binder", "--output", self.path("l.svg")).returncode, 0)
        said = self.words_of(self.path("l.svg"))
        for word in (koushi("report", files[0]).stdout.splitlines()[0], "over lattice.extents.0, action.beta", "$L_1$", r"$\chi$", "$U_4$", "action.beta = 0.42"):
            self.assertIn(word, said)
        for words, said in [(["report", *files, "--x", "action.betta"], 'did you mean "action.beta"?'),
                            (["report", *files, "--x", "action.kind"], 'action.kind = "ising" in %s is no number' % files[0]),
                            (["report", *files, "--y", "bindr"], 'did you mean "binder"?'),
                            (["report", *files, "--json"], "--json is the report of one file"),
                            (["plot", *files, "--y", "binder"], "the files differ in action.beta, lattice.extents"),
                            (["plot", *files, "--x", "action.beta"], "expected: --y with some of binder, bond")]:
            with self.subTest(said=said):
                done = koushi(*words)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(said, done.stderr)

    def test_reports_show_curves_and_what_has_no_number_or_error(self):
        """Tables of the potential, the flow and correlators with the numbers of --json; t0 beyond the end of the flow is no standing chain, nor is what is exact."""
        sets = ["lattice.extents=[4,4,4,4]", "action.static_loops=3", "action.smearing_steps=2", "action.flow_time=0.6", "action.flow_step=0.04", "study.warm_up=5", "study.measurements=60", "study.every=1"]
        words = [word for key in sets for word in ("--set", key)]
        ran = koushi("run", os.path.join(INPUTS, "su2_potential.toml"), "--output", self.path("su2.h5"), *words)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("warning: no number: t0, w0: the flow ends before 0.3 is reached; remedy: a longer [action] flow_time\n", ran.stdout)
        self.assertNotIn("warning: constant", ran.stdout)
        self.field("free_field_2d.toml", "free.h5", "lattice.extents=[32,4]", "study.measurements=200", "study.momenta=[[1]]")
        for file, header, names, points in (("su2.h5", "R", ["static_potential_1", "static_potential_2"], 3), ("su2.h5", "flow time t", ["flow"], 12),
                                            ("free.h5", "t", ["correlator", "correlator_p1"], 12), ("free.h5", "t", ["effective_energy_p1", "effective_mass"], 12)):
            curves = json.loads(koushi("report", self.path(file), "--json").stdout)["curves"]
            lines = koushi("report", self.path(file)).stdout.splitlines()
            at = [k for k, line in enumerate(lines) if line.split() == [*header.split(), *names]]
            self.assertEqual(len(at), 1, lines)
            table = [re.split(r"  +", line.strip()) for line in lines[at[0] + 1:at[0] + 1 + points]]
            for column, name in enumerate(names):
                curve = curves[name]
                shown = [curve["x"].index(float(row[0])) for row in table]
                self.assertEqual((shown[0], len(set(shown))), (0, points))
                for k, row in zip(shown, table):
                    value, error = curve["value"][k], curve["error"][k]
                    if value is None or error is None:
                        self.assertIn("-" if value is None else "(no error)", row[column + 1])
                    else:
                        self.assertLess(abs(number(row[column + 1])[0] - value), 0.51 * error)
            if len(curve["x"]) > points:
                self.assertIn("%d of %d points, all with --json" % (points, len(curve["x"])), lines[at[0] + 1 + points])
            if header == "flow time t":
                self.assertEqual(float(table[-1][0]), 0.6)
        text = koushi("report", self.path("su2.h5")).stdout
        self.assertIn("with lattice.extents = [4,4,4,4], action.static_loops = 3", text)
        self.assertEqual(len(re.findall(r"(?m)^t0 +-$", text)), 1)
        self.assertNotIn("nan", text)
        ran = koushi("run", os.path.join(INPUTS, "ising_2d.toml"), "--output", self.path("hot.h5"), "--set", "action.beta=0.0", "--set", "lattice.extents=[4,4]", "--set", "study.measurements=200")
        self.assertRegex(ran.stdout, r"specific_heat +0 \(exact\)")
        self.assertNotIn("warning: constant", ran.stdout)
        self.assertEqual(json.loads(koushi("report", self.path("hot.h5"), "--json").stdout)["observables"]["specific_heat"]["error"], 0)

    def test_correlators_are_connected_between_all_ends(self):
        """An Ising chain in a field: <s_t s_t'> - <s_t><s_t'> by enumeration, with the sign of the pair across an antiperiodic end, over the pairs within open ones."""
        n, beta, field = 8, 0.5, 0.3
        for boundary, across in (("periodic", 1), ("antiperiodic", -1), ("open", 0)):
            weight, one, two = 0, [0] * n, [[0] * n for _ in range(n)]
            for word in range(2**n):
                s = [1 - 2 * (word >> k & 1) for k in range(n)]
                w = math.exp(beta * (sum(s[k] * s[k + 1] for k in range(n - 1)) + across * s[-1] * s[0] + field * sum(s)))
                weight += w
                for i in range(n):
                    one[i] += w * s[i]
                    for j in range(n):
                        two[i][j] += w * s[i] * s[j]
            exact = []
            for t in range(n // 2 + 1):
                pairs = [((1 if i + t < n else across), i, (i + t) % n) for i in range(n)]
                total = sum(sign * (two[i][j] / weight - one[i] * one[j] / weight**2) for sign, i, j in pairs)
                exact.append(total / sum(abs(sign) for sign, _, _ in pairs))
            self.field("ising_2d.toml", "%s.h5" % boundary, "lattice.extents=[%d]" % n, 'lattice.boundary=["%s"]' % boundary, "action.beta=%g" % beta, "action.field=%g" % field,
                       'updater=[{kind="metropolis"}]', "lattice.replicas=64", "study.measurements=4000", "study.warm_up=50")
            curves = json.loads(koushi("report", self.path("%s.h5" % boundary), "--json").stdout)["curves"]
            found = curves["correlator"]
            for t in range(n // 2 + 1):
                self.assertLess(found["error"][t], 0.003)
                self.near((found["value"][t], found["error"][t]), (exact[t], 0))
            effective = math.acosh((exact[0] + exact[2]) / (2 * exact[1])) if (exact[0] + exact[2]) / (2 * exact[1]) > 1 else float("nan")
            self.near((curves["effective_mass"]["value"][0], curves["effective_mass"]["error"][0]), (effective, 0))

    def test_known_values_are_of_what_is_measured(self):
        ran = koushi("run", os.path.join(INPUTS, "phi4_2d.toml"), "--output", self.path("k.h5"), "--set", "study.measurements=30", "--set", 'study.reference.observable="binder"')
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("left out, for study.reference.observable changed", ran.stdout)
        report = koushi("report", self.path("k.h5")).stdout
        self.assertNotIn("known", report)
        self.field("phi4_2d.toml", "l.h5", "study.measurements=30")
        self.assertRegex(koushi("report", self.path("l.h5")).stdout, r"phi2, known +0\.1434[0-9]+\([0-9]+\) +independent Monte Carlo\ndeviation")
        done = koushi("plot", self.path("l.h5"), "--output", self.path("l.h5"))
        self.assertEqual(done.returncode, 2)
        for name in ("l", "l.png"):
            shutil.copy(self.path("l.h5"), self.path(name))
        done = koushi("plot", self.path("l"))
        self.assertEqual((done.returncode, "l.png is a koushi result file" in done.stderr), (2, True), done.stderr)

    def test_levels_of_short_paths_are_warned_of(self):
        for extent, warned in ((4, True), (40, False)):
            ran = koushi("run", os.path.join(INPUTS, "anharmonic_oscillator.toml"), "--output", self.path("p%d.h5" % extent), "--set", "lattice.extents=[%d]" % extent, "--set", "study.measurements=2000")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual("warning: short path: " in ran.stdout, warned, ran.stdout)

    def test_remedies_for_an_acceptance_are_others_than_what_is_done(self):
        for updater, said in (('{kind="hmc",length=20.0,steps=1}', "remedy: a longer warm_up, in which the step is tuned, a shorter length, or a larger acceptance to aim at"),
                              ('{kind="hmc",length=20.0,steps=1,tune=false}', "remedy: tune = true, or more steps"),
                              ('{kind="hmc",length=0.01,steps=1}', "remedy: a longer length: one step makes a whole trajectory"),
                              ('{kind="metropolis",width=100.0,tune=false}', "remedy: tune = true, or a smaller width")):
            ran = koushi("run", os.path.join(INPUTS, "phi4_2d.toml"), "--output", self.path("a.h5"), "--overwrite", "--set", "updater=[%s]" % updater, "--set", "study.warm_up=1", "--set", "study.measurements=30")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertRegex(ran.stdout, r"warning: acceptance of updater 0: [0-9.]+ is outside \[0.1, 0.99\]; " + re.escape(said) + "\n")

    def words_of(self, picture):
        """matplotlib leaves the words of an SVG in comments."""
        with open(picture) as stream:
            return re.findall("<!-- (.*) -->", stream.read())

    def test_pictures_say_what_they_show(self):
        self.field("dispersion_2d.toml", "d.h5", "study.measurements=30", "study.momenta=[[1],[3]]", "study.reference.observable=phi2")
        self.field("u1_2d.toml", "u.h5", "study.measurements=30")
        self.field("hopfield.toml", "h.h5", "study.measurements=30", "lattice.extents=[100]", "action.patterns=5")
        for file, words in (("d.h5", ["n = (1)", "n = (3)", "with study.measurements = 30, study.momenta = [[1],[3]], study.reference.observable = phi2", "$G(t)$"]),
                            ("u.h5", ["$ Q$", "$|P|$"]), ("h.h5", [r"pattern $\mu$"])):
            done = koushi("plot", self.path(file), "--output", self.path("p.svg"))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            said = self.words_of(self.path("p.svg"))
            for word in words:
                self.assertIn(word, said)

    def test_pictures_of_every_kind_of_field(self):
        for deck in ("phi4_2d", "phi4_4d", "ising_2d", "xy_2d", "o3_2d", "potts_2d", "su2_2d", "anharmonic_oscillator"):
            self.field(deck + ".toml", deck + ".h5", "study.measurements=30", "study.warm_up=5")
            done = koushi("plot", self.path(deck + ".h5"))
            self.assertEqual((done.returncode, done.stderr), (0, ""), deck)
            self.assertGreater(os.path.getsize(self.path(deck + ".png")), 30000)


if __name__ == "__main__":
    import sys

    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
