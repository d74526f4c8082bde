"""Arrays of runs of one deck, and extrapolations of what they give, from outside."""
import csv
import glob
import json
import math
import os
import re
import signal
import subprocess
import time
import unittest

from test_analysis import Analysis
from test_cli import ENV, INPUTS, KOUSHI, MPIEXEC, Cli, koushi

ISING = os.path.join(INPUTS, "scan_ising.toml")
SMALL = ["--set", "study.measurements=60", "--set", "study.warm_up=10", "--set", "scan.action.beta=[0.42, 0.44]"]
NAMES = ["scan_ising_beta%g_extents%dx%d.h5" % (beta, n, n) for beta in (0.42, 0.44) for n in (8, 16)]


class Scan(unittest.TestCase):
    setUp, path, history, near, analyse = Cli.setUp, Cli.path, Cli.history, Analysis.near, Analysis.analyse

    def run_in(self, *words, code=0, **how):
        done = koushi(*words, cwd=self.folder, **how)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_a_point_is_the_run_with_its_values_set(self):
        """In sequence, by --point, on two ranks, and by --set on a deck without [scan], seed included: the same series and state bit by bit, the same resolved deck."""
        check = self.run_in("check", ISING, *SMALL, "--ranks", "1").stdout
        for k, name in enumerate(NAMES):
            self.assertRegex(check, r"(?m)^ +%d  action.beta = 0.4[24], lattice.extents = \[.*\] +%s, about " % (k, re.escape(name)))
        self.assertIn("scan         4 points, the deck above is point 0\n", check)
        self.assertRegex(check, r"\nwhole scan   about .*\n$")
        out = self.run_in("run", ISING, *SMALL).stdout
        self.assertEqual(re.findall(r"point (\d) of 4: .*, (\S+)\n", out), [(str(k), name) for k, name in enumerate(NAMES)])
        plain = self.path("plain.toml")
        with open(ISING) as source, open(plain, "w") as deck:
            deck.write(re.sub(r"(?s)\[scan\].*?(?=\[study\])", "", source.read()))
        seeds = set()
        for k, name in enumerate(NAMES):
            alone = self.run_in("check", ISING, *SMALL, "--point", str(k)).stdout
            seeds.add(int(re.search(r"(?m)^seed = (\d+)$", alone).group(1)))
            beta, size = re.search(r"beta([0-9.]+)_extents(\d+)x", name).groups()
            values = ["--set", "lattice.extents=[%s,%s]" % (size, size), "--set", "action.beta=" + beta, "--set", re.search(r"(?m)^seed = \d+$", alone).group(0).replace(" ", "")]
            self.run_in("run", plain, *SMALL[:4], *values, "--output", "set.h5", "--overwrite")
            self.run_in("run", ISING, *SMALL, "--point", str(k), "--output", "point.h5", "--overwrite", ranks=2 if k == 0 else 0)
            for group in ("series", "history", "state"):
                whole = self.history(self.path(name), group)
                self.assertEqual(self.history(self.path("set.h5"), group), whole)
                self.assertEqual(self.history(self.path("point.h5"), group), whole)
            self.assertIn("is done: nothing to resume", self.run_in("run", plain, *SMALL[:4], *values, "--output", name, "--resume").stdout)
        self.assertEqual(len(seeds), 4)
        same = [re.search(r"(?m)^seed = (\d+)$", self.run_in("check", ISING, "--set", "scan.seeds=same", "--point", str(k)).stdout).group(1) for k in range(3)]
        self.assertEqual(same, ["20260101"] * 3)
        more = self.run_in("run", ISING, *SMALL[:4], "--set", "scan.action.beta=[0.41, 0.42, 0.44]", "--resume").stdout  # only the new points
        self.assertEqual(more.count("nothing to resume"), 4)
        rows = list(csv.DictReader(self.run_in("report", *sorted(glob.glob(self.path("scan_ising_*.h5"))), "--x", "action.beta", "--y", "binder", "--csv").stdout.splitlines()))
        self.assertEqual([(float(row["action.beta"]), row["lattice.extents"]) for row in rows], [(beta, "[%d, %d]" % (n, n)) for beta in (0.41, 0.42, 0.44) for n in (8, 16)])
        done = koushi("run", ISING, *SMALL, cwd=self.folder)
        self.assertEqual((done.returncode, "results of this scan already: " + ", ".join(NAMES) in done.stderr), (2, True), done.stderr)

    def test_lists_tables_and_ranges(self):
        for sets, settings in [(["scan.zip=true", "scan.lattice.extents=[[4,4],[6,6]]", "scan.action.beta={first=0.1,last=0.3,count=2}"], ["action.beta = 0.1, lattice.extents = [ 4, 4 ]  ", "action.beta = 0.3, lattice.extents = [ 6, 6 ]  "]),
                               (["scan={study.measurements={first=10,last=30,count=3}}", "lattice.extents=[4,4]", "action.beta=0.2"], ["study.measurements = %d  " % n for n in (10, 20, 30)]),
                               (["scan={action.beta={first=0.4,last=0.7,count=4}}", "lattice.extents=[4,4]"], ["action.beta = %g  " % beta for beta in (0.4, 0.5, 0.6, 0.7)]),
                               (['scan={updater.0=[{kind="wolff"},{kind="metropolis",hits=2}]}', "lattice.extents=[4,4]", "action.beta=0.2"], ["updater.0 = { kind = 'wolff' }", "metropolis"])]:
            out = self.run_in("check", ISING, *[word for key in sets for word in ("--set", key)]).stdout
            listed = [line for line in out.split("\nscan  ")[1].splitlines() if re.match(r" +\d+  ", line)]
            self.assertEqual(len(listed), len(settings), out)
            for line, setting in zip(listed, settings):
                self.assertIn(setting, line)
        for name in ("wolff", "metropolis"):
            self.assertIn("scan_ising_updater0%s.h5" % name, out)
        names = []  # names that are alike get a mark that stays when a value comes before
        for hits in ((2, 3), (1, 2, 3)):
            out = self.run_in("check", ISING, "--set", 'scan={updater.0=[%s]}' % ",".join('{kind="metropolis",hits=%d}' % n for n in hits), "--set", "lattice.extents=[4,4]", "--set", "action.beta=0.2").stdout
            names.append(re.findall(r"scan_ising_updater0metropolis_[0-9a-f]{8}\.h5", out))
        self.assertEqual((names[0], len(set(names[1]))), (names[1][1:], 3))
        self.assertNotIn("scan", self.run_in("check", ISING, "--set", "scan={}", "--set", "lattice.extents=[4,4]", "--set", "action.beta=0.2").stdout.split("output.file")[0])

    def test_killed_stopped_and_resumed(self):
        """Three points of a ground state: stopped by limits of time (75), killed once in the second point, resumed on other ranks; bitwise the points alone."""
        deck = os.path.join(INPUTS, "heisenberg_square_4x4.toml")
        sets = [word for key in ("scan={solver.step=[0.1,0.08,0.05]}", "study.steps=120", "study.measure.samples=4096", "output.checkpoint=0.001 s") for word in ("--set", key)]
        names = ["heisenberg_square_4x4_step%g.h5" % step for step in (0.1, 0.08, 0.05)]
        for k in range(3):
            self.run_in("run", deck, *sets, "--point", str(k), "--output", "alone%d.h5" % k)
        stops = 0
        killed = False
        for attempt in range(100):
            ranks = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2"] if attempt % 3 == 1 and os.path.exists(self.path(names[1])) else []
            if os.path.exists(self.path(names[1])) and not killed:  # without a limit, and killed as soon as it has written
                before = os.stat(self.path(names[1])).st_mtime_ns
                process = subprocess.Popen([KOUSHI, "run", deck, *sets, "--resume"], env=ENV, cwd=self.folder, stdout=subprocess.DEVNULL)
                while process.poll() is None and os.stat(self.path(names[1])).st_mtime_ns == before:
                    time.sleep(0.005)
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed = process.returncode == -signal.SIGKILL
                continue
            done = subprocess.run([*ranks, KOUSHI, "run", deck, *sets, "--resume", "--time-limit", "1.2 s"], env=ENV, cwd=self.folder, capture_output=True, text=True)
            if "stopped on request" not in done.stdout:
                break
            self.assertEqual(75, done.returncode, done.stderr)
            stops += 1
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(killed)
        self.assertGreaterEqual(stops, 1)
        self.assertIn("all 3 points are done", done.stdout)
        for k, name in enumerate(names):
            for group in ("history", "state"):
                self.assertEqual(self.history(self.path(name), group), self.history(self.path("alone%d.h5" % k), group))

    def test_points_begin_where_the_one_before_ended(self):
        """Parameters of a Hubbard ring for larger and larger U, and the field of a magnet that cools; the same as with the file by hand."""
        deck = os.path.join(INPUTS, "hubbard_square_4x4.toml")
        small = [word for one in ("lattice={kind='chain',extents=[6]}", "sampler={kind='enumeration',electrons=[3,3]}", "study={kind='ground-state',steps=20}", "wavefunction={factor=[{kind='slater'},{kind='gutzwiller'},{kind='jastrow'}]}") for word in ("--set", one)]
        scanned = [*small, "--set", "scan={hamiltonian.U=[2.0,4.0,8.0],continue=true}"]
        check = self.run_in("check", deck, *scanned).stdout
        self.assertIn("3 points", check)
        self.run_in("run", deck, *scanned, "--output", "u.h5")
        first = lambda name: json.loads(Cli.python(self, "import h5py,sys,json\nprint(json.dumps(list(h5py.File(sys.argv[1])['history/energy'][()])))", self.path(name)))
        for before, now in ((2.0, 4.0), (4.0, 8.0)):
            values = ["--set", "hamiltonian.U=%g" % now, "--set", "seed=%s" % re.search(r"(?m)^seed = (\d+)$", self.run_in("check", deck, *scanned, "--point", str((2.0, 4.0, 8.0).index(now))).stdout).group(1)]
            self.run_in("run", deck, *small, *values, "--set", "study.initial_parameters=u_U%g.h5" % before, "--output", "hand.h5", "--overwrite")
            self.assertEqual(first("hand.h5"), first("u_U%g.h5" % now))
            self.run_in("run", deck, *small, *values, "--output", "fresh.h5", "--overwrite")
            self.assertLess(first("hand.h5")[0], first("fresh.h5")[0] - 0.1)
        self.assertEqual(self.run_in("run", deck, *scanned, "--output", "u.h5", "--resume").stdout.count("nothing to resume"), 3)
        cooled = [*SMALL[:4], "--set", "scan={action.beta=[0.3,0.4],continue=true}", "--set", "lattice.extents=[8,8]"]
        self.run_in("run", ISING, *cooled)
        self.assertIn('initial = "scan_ising_beta0.3.h5"', self.run_in("check", ISING, *cooled, "--point", "1").stdout)
        self.assertIn("a point waits for the one before it", self.run_in("job", ISING, *cooled, "--array", "scan", "--ranks", "1", "--time", "1h", code=2).stderr)
        refused = self.run_in("check", os.path.join(INPUTS, "exact_kagome_12.toml"), "--set", "scan={hamiltonian.J=[[1.0],[2.0]],continue=true}", code=2)
        self.assertIn("such a run cannot begin where another one ended", refused.stderr)

    def test_job_of_a_scan(self):
        script = self.run_in("job", ISING, *SMALL, "--ranks", "1", "--time", "1h", "--array", "scan").stdout
        self.assertIn("#SBATCH --array=0-3\n", script)
        self.assertIn("\nset -- '%s' --set 'study.measurements=60' --set 'study.warm_up=10' --set 'scan.action.beta=[0.42, 0.44]' \"$@\"\n" % ISING, script)
        self.assertRegex(script, r'of the slowest task, "action.beta = ')
        # The script with a srun that leaves --mpi away and a scontrol that must not be called.
        for name, text in (("srun", 'shift; exec "$@"'), ("scontrol", "exit 9")):
            with open(self.path(name), "w") as stream:
                stream.write("#!/bin/sh\n%s\n" % text)
            os.chmod(self.path(name), 0o755)
        env = dict(ENV, PATH=self.folder + ":" + ENV["PATH"], SLURM_ARRAY_TASK_ID="2", SLURM_JOB_ID="1", SLURM_JOB_END_TIME="4000000000", KOUSHI=KOUSHI)
        done = subprocess.run(["bash", "-c", script], env=env, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(os.path.exists(self.path(NAMES[2])))
        self.assertIn("whole scan   about", self.run_in("job", ISING, *SMALL, "--ranks", "1", "--time", "1h").stdout)

    def test_rings_extrapolate_to_the_exact_chain(self):
        """Enumerated rings: the limit of N^-2, N^-4 is that of a fit by hand, and nearer to 1/4 - ln 2 than its N = 12."""
        sets = ["--set", "study.steps=500", "--set", "scan.lattice.extents=[[6],[8],[10]]"]
        self.run_in("run", os.path.join(INPUTS, "scan_chain.toml"), *sets)
        rows = list(csv.DictReader(self.run_in("report", *glob.glob(self.path("scan_chain_*.h5")), "--x", "lattice.extents.0", "--y", "energy_per_site", "--csv").stdout.splitlines()))
        energies = [float(row["energy_per_site"]) for row in rows]
        for found, exact in zip(energies, (-0.4671292729553, -0.4563866826, -0.4515446354492)):  # exact diagonalisation
            self.assertLess(abs(found - exact), 2e-7)
        files = "study.files=" + json.dumps(["scan_chain_extents%d.h5" % n for n in (6, 8, 10)])
        self.analyse("extrapolation_chain.toml", "limit.h5", files)
        # Lagrange: three points fix three parameters, limit = sum_i E_i prod_{j != i} u_j / (u_j - u_i), u = N^-2.
        u = [n ** -2 for n in (6, 8, 10)]
        limit = sum(e * math.prod(v / (v - w) for v in u if v != w) for e, w in zip(energies, u))
        report = json.loads(koushi("report", self.path("limit.h5"), "--json").stdout)
        self.assertAlmostEqual(report["observables"]["limit"]["value"], limit, places=11)
        self.assertLess(abs(limit - 0.25 + math.log(2)), 4e-4)
        self.assertIsNone(report["observables"]["limit"]["error"])
        for ending in (["study.powers=[-2]"], ["study.x=lattice.extents.0"]):
            self.analyse("extrapolation_chain.toml", "other.h5", files, *ending)
            done = koushi("plot", self.path("other.h5"))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertGreater(os.path.getsize(self.path("other.png")), 20000)
            os.remove(self.path("other.h5"))
        for sets, code, said in [(["study.observable=enery"], 2, 'has no observable "enery"\n  expected: one of energy, energy_per_site     (did you mean "energy"?)'),
                                 (["study.x=lattice.extnts.0"], 2, 'did you mean "lattice.extents.0"?'), (["study.x=hamiltonian.field"], 2, "hamiltonian.field = 0 in"),
                                 (["study.weighted=true"], 2, "energy_per_site of scan_chain_extents6.h5 has an error of 0"),
                                 (["study.powers=[-2,-4,-6]"], 4, "3 runs do not determine the 4 parameters"), ]:
            with self.subTest(sets=sets):
                self.assertIn(said, self.analyse("extrapolation_chain.toml", "bad.h5", files, *sets, code=code))
        twice = "study.files=" + json.dumps(["scan_chain_extents%d.h5" % n for n in (6, 6, 8, 10)])
        self.assertIn("scan_chain_extents6.h5 and one before it hold the same result", self.analyse("extrapolation_chain.toml", "bad.h5", twice, code=2))

    def test_points_that_cannot_run_are_said_before_the_first(self):
        for key, said in (('scan.updater.0=[{kind="wolff"},{kind="hmc"}]', "hmc"), ('scan.lattice.boundary=[["periodic"],["fixed"]]', "fixed"),
                          ('scan.study.reference.observable=["binder","bindr"]', 'did you mean "binder"')):
            for ranks in (0, 2):
                done = self.run_in("run", ISING, *SMALL[:4], "--set", key, code=2, ranks=ranks)
                self.assertIn(said, done.stderr)
                self.assertEqual(glob.glob(self.path("scan_ising*")), [])

    def test_runs_that_have_not_measured_and_sizes(self):
        """A run that was stopped has a row without numbers, and an extrapolation says so; n_sites is an axis; a shared seed is warned of."""
        deck = os.path.join(INPUTS, "heisenberg_square_4x4.toml")
        small = [word for key in ("study.steps=20", "study.average=0", "study.measure.samples=65536", "study.reference={energy_per_site=-0.7}") for word in ("--set", key)]
        for k, extents in enumerate(("[4,2]", "[4,4]", "[6,2]")):
            self.run_in("run", deck, *small, "--set", "lattice.extents=" + extents, "--output", "r%d.h5" % k)
        self.run_in("run", deck, "--set", "lattice.extents=[6,4]", "--set", "study.steps=1000000", "--time-limit", "0.5 s", "--output", "r3.h5", code=75)
        files = ["r%d.h5" % k for k in range(4)]
        table = self.run_in("report", *files, "--x", "n_sites", "--y", "energy_per_site").stdout
        self.assertIn("note: r3.h5 is stopped and has not measured yet\n", table)
        rows = list(csv.DictReader(self.run_in("report", *files, "--x", "n_sites", "--y", "energy_per_site", "--csv").stdout.splitlines()))
        self.assertEqual([(row["n_sites"], row["status"], row["energy_per_site"] == "") for row in rows], [("8", "done", False), ("12", "done", False), ("16", "done", False), ("24", "stopped", True)])
        self.assertEqual(self.run_in("plot", *files, "--x", "n_sites", "--y", "energy_per_site", "--output", "a.png").stderr, "")
        self.assertIn("r3.h5 holds no observables", self.run_in("report", "r3.h5", "r3.h5", code=2).stderr)
        extrapolate = ("extrapolation_chain.toml", "limit.h5")
        self.assertIn("r3.h5 has not measured yet", self.analyse(*extrapolate, "study.files=" + json.dumps(files), code=2))
        self.assertIn("equal seeds: runs with the same seed", self.analyse(*extrapolate, "study.files=" + json.dumps(files[:3]), "study.x=n_sites", "study.powers=[-1]", "study.weighted=true"))

    def test_the_continuum_limit_of_the_oscillator(self):
        """<x^2> of the harmonic oscillator at T = 10, m = omega = 1, from spacings of 1/4 to 1: exact on every lattice, and 1/2 coth(5) at a = 0; the weighted fit in a^2, a^4 agrees."""
        deck = os.path.join(INPUTS, "anharmonic_oscillator.toml")
        sets = [word for key in ("scan={zip=true,action.spacing=[1.0,0.5,0.25,0.125],lattice.extents=[[10],[20],[40],[80]]}", "action.potential=[0,0.5]", "study.measurements=2000") for word in ("--set", key)]
        self.run_in("run", deck, *sets, "--output", "ho.h5")
        files = sorted(glob.glob(self.path("ho_*.h5")))
        self.assertEqual(len(files), 4)
        for file in files:
            out = json.loads(koushi("report", file, "--json").stdout)["observables"]["x2"]
            a = float(re.search(r"spacing([0-9.]+)_", file).group(1))
            r = 1 + a * a / 2 - a * math.sqrt(1 + a * a / 4)
            n = round(10 / a)
            self.near((out["value"], out["error"]), ((1 + r ** n) / (1 - r ** n) / (2 * math.sqrt(1 + a * a / 4)), 0))
        text = self.analyse("extrapolation_chain.toml", "a.h5", "study.files=" + json.dumps(files), "study.observable=x2", "study.x=action.spacing", "study.powers=[2,4]", "study.weighted=true",
                            "study.reference.value=%r" % (0.5 / math.tanh(5)), "study.reference.source=exact")
        self.assertIn("the runs differ in lattice.extents too", text)
        limit = json.loads(koushi("report", self.path("a.h5"), "--json").stdout)["observables"]["limit"]
        self.near((limit["value"], limit["error"]), (0.5 / math.tanh(5), 0))
        self.assertLess(limit["error"], 0.02)
        self.assertRegex(text, r"chi\^2 / dof +[0-9.]+ / 1 +Q = 0\.[0-9]+")


if __name__ == "__main__":
    import sys

    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
