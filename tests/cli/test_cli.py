"""The program from outside: exit codes, messages, bitwise histories on other ranks, kill and resume."""
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

KOUSHI, INPUTS, MPIEXEC = sys.argv[1:4]
DECK = os.path.join(INPUTS, "heisenberg_square_4x4.toml")
PATIENCE = int(os.environ.get("KOUSHI_TEST_PATIENCE", "1"))  # of slow builds
ENV = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1", OMP_PROC_BIND="false")


def koushi(*words, ranks=0, threads=1, cwd=None):
    command = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return subprocess.run([*command, KOUSHI, *words], env=dict(ENV, OMP_NUM_THREADS=str(threads)), capture_output=True, text=True, timeout=300 * PATIENCE, cwd=cwd)


def kill_session(leader):
    """kill -9 of mpirun and of its ranks, which it puts into process groups of their own."""
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getsid(int(entry)) == leader:
                os.kill(int(entry), signal.SIGKILL)
        except ProcessLookupError:
            pass


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def small(self, output, *more, **how):
        return koushi("run", DECK, "--output", output, "--set", "study.steps=40", "--set", "study.measure.samples=4096", *more, **how)

    def history(self, file, group="history"):
        code = "import h5py,sys\ng=h5py.File(sys.argv[1])[sys.argv[2]]\ng.visititems(lambda k, d: print(k, d[()].tobytes().hex()) if isinstance(d, h5py.Dataset) else None)"
        return Cli.python(self, code, file, group)

    def python(self, code, *words):
        """Output of a Python that has h5py."""
        for python in ("python3", "/usr/bin/python3"):
            done = subprocess.run([python, "-c", code, *words], capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
        self.fail("no Python with h5py: " + done.stderr)

    def kill_until_done(self, deck, sets, file, least, seconds):
        """Starts the run with --resume on 1, 2 or 3 ranks and kills it (-9) at a random moment, at most 20 times, until it is done."""
        chance = random.Random(4)
        kills = 0
        for attempt in range(200):
            ranks = 1 + attempt % 3
            launcher = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
            process = subprocess.Popen([*launcher, KOUSHI, "run", deck, "--output", file, *sets, "--resume"], env=ENV, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, start_new_session=True)
            try:
                out, _ = process.communicate(timeout=chance.uniform(*seconds) if kills < 20 else 200)
            except subprocess.TimeoutExpired:
                kill_session(process.pid)
                kills += 1
                out, _ = process.communicate()
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL, out)
        print("%d kills" % kills)
        self.assertEqual(process.returncode, 0)
        self.assertGreaterEqual(kills, least)

    def test_bad_command_lines(self):
        for words, text in [(["run", "nowhere.toml"], "nowhere.toml: error: the deck cannot be opened"),
                            (["run", DECK, "--set", "sampler.chain=3"], 'did you mean "chains"?'),
                            (["run", DECK, "--set", "lattice.kind=sqare"], 'did you mean "square"?'),
                            (["run", DECK, "--set", "lattice.extents=[4]"], "expected: 2 numbers for this lattice"),
                            (["run", DECK, "--set", "lattice.kind=triangular"], "not bipartite"),
                            (["run", DECK, "--set", "sampler.samples=1000"], "not a multiple of 256 chains"),
                            (["run", DECK, "--set", "sampler.magnetization=1"], "parity"),
                            (["run", DECK, "--set", "lattice.extents=[1,4]"], "joins site 0 with itself"),
                            (["run", DECK, "--time-limit", "soon"], "is not a duration"),
                            (["run", DECK, "--resume", "--overwrite"], "--resume excludes --overwrite"),
                            (["describe", "heisenbrg"], 'did you mean "heisenberg"?'),
                            (["fly"], "expected: see koushi --help")]:
            with self.subTest(words=words):
                done = koushi(*words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(text, done.stderr)

    def test_report_and_refusals(self):
        file = self.path("a.h5")
        self.assertEqual(self.small(file).returncode, 0)
        report = json.loads(koushi("report", file, "--json").stdout)
        self.assertEqual((report["status"], report["study"], report["steps"]), ("done", "ground-state", 40))
        energy = report["observables"]["energy_per_site"]
        self.assertEqual(energy["samples"], 4096)
        self.assertLess(abs(energy["value"] + 0.7017802), 0.01)
        again = self.small(file)
        self.assertEqual(again.returncode, 2)
        self.assertIn("--resume", again.stderr)
        self.assertIn("nothing to resume", self.small(file, "--resume").stdout)
        with open(file, "r+b") as stream:
            stream.seek(3000)
            stream.write(b"?")
        broken = koushi("report", file)
        self.assertEqual(broken.returncode, 3)
        self.assertIn("checksum", broken.stderr)

    def test_histories_are_bitwise_equal_on_ranks_and_threads(self):
        expected = None
        for ranks, threads in [(1, 1), (2, 1), (3, 1), (1, 2)]:
            file = self.path("r%d_%d.h5" % (ranks, threads))
            self.assertEqual(self.small(file, ranks=ranks, threads=threads).returncode, 0)
            expected = expected or self.history(file)
            self.assertEqual(self.history(file), expected)

    def test_a_projected_state_goes_on_from_a_plain_one_on_any_ranks(self):
        plain = self.path("plain.h5")
        self.assertEqual(self.small(plain).returncode, 0)
        expected = None
        for ranks in (1, 2):
            file = self.path("projected_%d.h5" % ranks)
            done = self.small(file, "--set", "wavefunction.factor.0.projection=space-group", "--set", "study.initial_parameters=" + plain, ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            expected = expected or self.history(file)
            self.assertEqual(self.history(file), expected)
        alone = self.path("alone.h5")
        self.assertEqual(self.small(alone, "--set", "study.initial_parameters=" + plain).returncode, 0)
        self.assertNotEqual(self.history(alone), expected)

    def test_killed_and_resumed_is_uninterrupted(self):
        """20 kills -9 at random moments, the next start on 1, 2 or 3 ranks; the measurement is killed too."""
        sets = ["--set", "study.steps=300", "--set", "study.average=20", "--set", "study.measure.samples=131072", "--set", "solver.momentum=0.9", "--set", "output.checkpoint=0.001 s"]
        whole, pieces = self.path("whole.h5"), self.path("pieces.h5")
        self.assertEqual(koushi("run", DECK, "--output", whole, *sets).returncode, 0)
        self.kill_until_done(DECK, sets, pieces, least=5, seconds=(0.6, 1.2))
        self.assertEqual(self.history(pieces), self.history(whole))
        first, second = (json.loads(koushi("report", f, "--json").stdout)["observables"] for f in (whole, pieces))
        self.assertEqual(first, second)

    def test_fields_are_bitwise_equal_on_ranks_threads_and_after_kills(self):
        """phi^4 on a divided lattice, with a rejected trajectory now and then: 1 to 4 ranks, 2 threads, and a run killed and resumed on other ranks."""
        deck = os.path.join(INPUTS, "phi4_2d.toml")
        sets = ["--set", "lattice.replicas=1", "--set", "lattice.extents=[8,12]", "--set", "study.warm_up=50", "--set", "study.measurements=400"]
        expected = None
        for ranks, threads in [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2)]:
            file = self.path("f%d_%d.h5" % (ranks, threads))
            done = koushi("run", deck, "--output", file, *sets, ranks=ranks, threads=threads)
            self.assertEqual(done.returncode, 0, done.stderr)
            expected = expected or self.history(file, "series")
            self.assertEqual(self.history(file, "series"), expected)
        sets[-1] = "study.measurements=15000"
        sets += ["--set", "output.checkpoint=0.001 s"]
        whole = self.path("whole.h5")
        self.assertEqual(koushi("run", deck, "--output", whole, *sets).returncode, 0)
        self.kill_until_done(deck, sets, self.path("pieces.h5"), least=3, seconds=(0.5, 0.9))
        for group in ("series", "history"):
            self.assertEqual(self.history(self.path("pieces.h5"), group), self.history(whole, group))

    def test_tuned_updates_of_links_are_bitwise_equal_on_ranks(self):
        """Widths are tuned to acceptances, which must be counts: a mean over directions that every rank rounded made another chain on every number of ranks."""
        expected = None
        for ranks in (1, 2, 3):
            file = self.path("m%d.h5" % ranks)
            sets = ['updater=[{kind="metropolis",hits=2},{kind="heatbath"}]', "study.warm_up=60", "study.measurements=20", "lattice.replicas=6"]
            done = koushi("run", os.path.join(INPUTS, "su2_2d.toml"), "--output", file, *[word for key in sets for word in ("--set", key)], ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = [self.history(file, group) for group in ("series", "history", "state")]
            expected = expected or found
            self.assertEqual(found, expected)
        links = 2 * 6 * 2 * json.loads(self.python("import h5py,json,sys\nprint(json.dumps(int(h5py.File(sys.argv[1])['summary/n_sites'][0])))", file))
        accepted = json.loads(self.python("import h5py,json,sys\nprint(json.dumps(h5py.File(sys.argv[1])['history/acceptance_0'][()].tolist()))", file))
        self.assertTrue(any(round(links * rate) % 2 for rate in accepted), accepted)

    def test_field_updates_go_on_bitwise_on_other_ranks(self):
        """Clusters of signs, Fourier acceleration and a Hopfield memory: stopped after a third of the time that the whole run takes and resumed on 1 to 3 ranks that share the replicas."""
        for case, (name, sets, length) in enumerate([("phi4_2d.toml", ['updater.1={kind="swendsen-wang"}', "lattice.replicas=4"], 4000),
                                   ("phi4_2d.toml", ['updater.0={kind="fourier-hmc"}', "lattice.replicas=4"], 8000), ("hopfield.toml", [], 4000)]):
            words = [word for key in [*sets, "study.measurements=%d" % length] for word in ("--set", key)]
            deck, whole, pieces = os.path.join(INPUTS, name), self.path("whole%d.h5" % case), self.path("pieces%d.h5" % case)
            began = time.monotonic()
            done = koushi("run", deck, "--output", whole, *words)
            third = "%.2f s" % ((time.monotonic() - began) / 3)
            self.assertEqual(done.returncode, 0, done.stderr)
            stops = 0
            for attempt in range(200):
                done = koushi("run", deck, "--output", pieces, *words, "--resume", "--time-limit", third, ranks=1 + attempt % 3)
                if "stopped on request" not in done.stdout:
                    break
                stops += 1
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreaterEqual(stops, 1)
            for group in ("series", "history"):
                self.assertEqual(self.history(pieces, group), self.history(whole, group), sets)

    def test_a_finished_run_goes_on_with_more_measurements(self):
        """Its file is then that of a run which had so many from the start; warnings of the shorter one are gone."""
        deck = os.path.join(INPUTS, "su2_2d.toml")
        sets = ["--set", "study.warm_up=20", "--set", "study.every=2", "--set", "study.save_every=5"]
        whole, pieces = self.path("whole.h5"), self.path("pieces.h5")
        self.assertEqual(koushi("run", deck, "--output", whole, *sets, "--set", "study.measurements=45").returncode, 0)
        for measurements, ranks, said in ((10, 1, "short chains"), (30, 2, ""), (45, 1, "")):
            done = koushi("run", deck, "--output", pieces, *sets, "--set", "study.measurements=%d" % measurements, "--resume", ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(said, done.stdout)
            self.assertIn("%d measurements" % measurements, done.stdout)
        for group in ("series", "history", "configurations"):
            self.assertEqual(self.history(pieces, group), self.history(whole, group), group)
        one, other = (json.loads(koushi("report", file, "--json").stdout) for file in (whole, pieces))
        for part in ("observables", "curves", "warnings", "status", "steps"):
            self.assertEqual(one[part], other[part])
        done = koushi("run", deck, "--output", pieces, *sets, "--set", "study.measurements=40", "--resume")
        self.assertEqual((done.returncode, "was begun with 45" in done.stderr), (2, True), done.stderr)
        done = koushi("run", deck, "--output", pieces, *sets, "--set", "study.measurements=50", "--set", "seed=3", "--resume")
        self.assertEqual((done.returncode, "differs in seed\n" in done.stderr), (2, True), done.stderr)

    def test_large_lattices_are_checked_on_small_machines(self):
        done = koushi("check", os.path.join(INPUTS, "su3_4d.toml"), "--set", "lattice.extents=[224,224,224,224]", "--ranks", "16384")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "division +16384 ranks: .* of memory for fields\ntime +not known: the fields are too large")
        done = koushi("check", os.path.join(INPUTS, "su3_4d.toml"), "--set", "lattice.extents=[224,224,224,224]")
        self.assertEqual((done.returncode, "on each of 1 ranks" in done.stderr), (2, True), done.stderr)
        done = koushi("check", os.path.join(INPUTS, "phi4_2d.toml"), "--ranks", "17")
        self.assertEqual((done.returncode, "`run` will refuse" in done.stdout), (2, True), done.stdout)

    def test_configurations_are_saved_exported_and_started_from(self):
        deck = os.path.join(INPUTS, "su3_4d.toml")
        sets = ["--set", "lattice.extents=[2,4,2,6]", "--set", "study.warm_up=1", "--set", "study.measurements=4", "--set", "study.every=2"]
        first = self.path("first.h5")
        done = koushi("run", deck, "--output", first, *sets, "--set", "study.save_every=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        code = "import h5py,sys\nf=h5py.File(sys.argv[1])\nprint(sorted(f['configurations'],key=int), f['configurations/9'][()].tobytes()==f['state/field'][()].tobytes(), f['lattice/shape'][()].tolist(), f['series/plaquette'][-1,0,0])"
        listing = subprocess.run(["/usr/bin/python3", "-c", code, first], capture_output=True, text=True).stdout.strip()
        self.assertTrue(listing.startswith("['5', '9'] True [1, 72, 2, 4, 2, 6]"), listing)
        links = self.path("links.nersc")
        done = koushi("export", first, links)
        self.assertEqual(done.returncode, 0, done.stderr)
        data = pathlib.Path(links).read_bytes()
        header, body = data.split(b"END_HEADER\n", 1)
        fields = dict(line.split(" = ") for line in header.decode().splitlines() if " = " in line)
        self.assertEqual([fields["DIMENSION_%d" % k] for k in (1, 2, 3, 4)], ["6", "2", "4", "2"])
        self.assertEqual(len(body), 2 * 4 * 2 * 6 * 4 * 18 * 8)
        self.assertAlmostEqual(float(fields["PLAQUETTE"]), float(listing.split()[-1]), places=12)  # as koushi measured it
        words = struct.unpack("<%dI" % (len(body) // 4), b"".join(body[k:k + 8][::-1] for k in range(0, len(body), 8)))
        self.assertEqual(sum(words) % 2**32, int(fields["CHECKSUM"], 16))
        histories = []
        for number, (start, ranks) in enumerate([(first, 1), (first, 2), (links, 1), (links, 4)]):
            file = self.path("next%d.h5" % number)
            done = koushi("run", deck, "--output", file, *sets, "--set", "study.initial=%s" % start, ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            histories.append(self.history(file, "state"))
        self.assertEqual(len(set(histories)), 1)
        # two rows of every matrix in single precision, as older archives have them
        numbers = struct.unpack(">%dd" % (len(body) // 8), body)
        rows = struct.pack("<%df" % (len(numbers) * 2 // 3), *(x for k in range(0, len(numbers), 18) for x in numbers[k:k + 12]))
        total = sum(struct.unpack("<%dI" % (len(rows) // 4), rows)) % 2**32
        old = header.decode().replace("4D_SU3_GAUGE_3x3", "4D_SU3_GAUGE").replace("IEEE64BIG", "IEEE32LITTLE").replace("CHECKSUM = " + fields["CHECKSUM"], "CHECKSUM = %x" % total)
        pathlib.Path(self.path("rows.nersc")).write_bytes(old.encode() + b"END_HEADER\n" + rows)
        done = koushi("run", deck, "--output", self.path("rows.h5"), *sets, "--set", "study.initial=%s" % self.path("rows.nersc"))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = koushi("run", deck, "--output", self.path("old.h5"), *sets, "--set", "study.initial=%s" % first, "--set", "study.initial_sweep=5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.history(self.path("old.h5"), "state"), histories[0])
        spoilt = self.path("spoilt.nersc")
        for start, more, text in [(spoilt, [], "its checksum is"), (first, ["--set", "study.initial_sweep=6"], "one of the sweeps 5, 9"),
                                  (links, ["--set", "lattice.extents=[2,4,2,4]"], "holds SU(3) links on 2 x 4 x 2 x 6 sites"),
                                  (links, ["--set", "study.initial_sweep=5"], "holds one configuration"), (os.path.dirname(first), [], "is a folder"),
                                  (first, ["--set", "action.group=su2"], "this field is [1, 16, 2, 4, 2, 6]"), (deck, [], "expected: the result file of a lattice-field run")]:
            pathlib.Path(spoilt).write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
            done = koushi("run", deck, "--output", self.path("bad.h5"), *sets, "--set", "study.initial=%s" % start, *more)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(text, done.stderr)
        done = koushi("export", first, links, "--sweep", "7")
        self.assertEqual((done.returncode, "one of 5, 9" in done.stderr), (2, True), done.stderr)
        for target in (links, first):
            done = koushi("export", first, target)
            self.assertEqual((done.returncode, "exists already" in done.stderr), (2, True), done.stderr)
        done = koushi("run", deck, "--output", first, "--overwrite", *sets, "--set", "study.initial=%s" % first)
        self.assertEqual((done.returncode, "result file of this run" in done.stderr), (2, True), done.stderr)
        self.assertEqual(koushi("report", first).returncode, 0)
        scalar = self.path("scalar.h5")
        small = ["--set", "lattice.extents=[4,4]", "--set", "lattice.replicas=2", "--set", "study.warm_up=1", "--set", "study.measurements=4"]
        self.assertEqual(koushi("run", os.path.join(INPUTS, "phi4_2d.toml"), "--output", scalar, *small).returncode, 0)
        done = koushi("run", os.path.join(INPUTS, "ising_2d.toml"), "--output", self.path("bad.h5"), *small, "--set", "study.initial=%s" % scalar)
        self.assertEqual((done.returncode, 'holds a field of action.kind = "phi4"' in done.stderr), (2, True), done.stderr)
        done = koushi("export", first, self.path("no/such/folder"))
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_stops_on_request_with_75(self):
        file = self.path("t.h5")
        stopped = self.small(file, "--set", "study.steps=100000", "--time-limit", "1 s")
        self.assertEqual(stopped.returncode, 75, stopped.stderr)
        self.assertEqual(json.loads(koushi("report", file, "--json").stdout)["status"], "stopped")

    def test_limits_of_time(self):
        """SLURM_JOB_END_TIME counts like --time-limit; where there is no room every start makes one step, so runs that are started again and again end."""
        now = time.time()
        for end, words, code, said in [(str(int(now) + 1), [], 75, "(time limit; steps take up to"), ("1", [], 75, "SLURM_JOB_END_TIME = 1 is past: one step is made"),
                                       (str(int(now) + 10**6), ["--time-limit", "1s"], 75, "(time limit; steps"), ("1", ["--time-limit", "1d"], 75, "stopped on request after step 1 ("),
                                       ("tomorrow", ["--set", "study.steps=3"], 0, 'warning: SLURM_JOB_END_TIME = "tomorrow" is not a time in seconds and is ignored')]:
            with self.subTest(end=end, words=words):
                file = self.path("e.h5")
                done = subprocess.run([KOUSHI, "run", DECK, "--output", file, "--overwrite", "--set", "study.steps=100000", "--set", "study.measure.samples=2048", *words], env=dict(ENV, SLURM_JOB_END_TIME=end),
                                      capture_output=True, text=True, timeout=60 * PATIENCE)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(said, done.stdout)
        for deck, sets, whole in [(DECK, ["study.steps=3", "study.measure.samples=4096", "study.measure.warm_up=30"], 3 + 2), (os.path.join(INPUTS, "phi4_2d.toml"), ["study.warm_up=2", "study.measurements=5"], 7)]:
            pieces, one = self.path("p%d.h5" % whole), self.path("o%d.h5" % whole)
            sets = [word for key in sets for word in ("--set", key)]
            codes = []
            while not codes or codes[-1] == 75:  # a limit shorter than any step
                done = koushi("run", deck, "--output", pieces, *sets, "--resume", "--time-limit", "0.000001s")
                codes.append(done.returncode)
                self.assertIn("no room for a second step" if codes[-1] == 75 else "results in", done.stdout)
                self.assertLess(len(codes), 20)
            self.assertEqual(codes[-1], 0)
            self.assertGreaterEqual(len(codes), whole)
            self.assertEqual(koushi("run", deck, "--output", one, *sets, "--overwrite").returncode, 0)
            for group in ("history", "state"):
                self.assertEqual(self.history(pieces, group), self.history(one, group))

    def test_job_scripts(self):
        field = os.path.join(INPUTS, "phi4_2d.toml")
        script = self.path("a b.slurm")
        done = koushi("job", field, "--ranks", "4", "--time", "1-02:00:01", "--set", "title=\"it's\"", "--output", script)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("whole run    about", done.stdout)
        text = pathlib.Path(script).read_text()
        for line in ("#SBATCH --ntasks=4", "#SBATCH --time=1-02:01:00", "#SBATCH --job-name=phi4_2d", "##SBATCH --gpus-per-task=1", "#SBATCH --signal=USR1@60",
                     "set -- '%s' --set 'title=\"it'\\''s\"' \"$@\"" % field):
            self.assertIn("\n%s\n" % line, text)
        template = pathlib.Path(INPUTS, "..", "jobs", "run.slurm").read_text().splitlines()
        self.assertEqual([line for line in template if line not in text.splitlines() and not line.startswith("#")], [])
        # Words after the script go to koushi run; where squeue has no answer the end of the job stays unknown.
        for name, body in (("srun", 'shift; exec "$@"'), ("squeue", "echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1"), ("scontrol", "exit 9")):
            pathlib.Path(self.path(name)).write_text("#!/bin/sh\n%s\n" % body)
            os.chmod(self.path(name), 0o755)
        run = subprocess.run(["bash", script, "--set", "study.measurements=3", "--set", "study.warm_up=2"], cwd=self.folder, env=dict(ENV, PATH=self.folder + ":" + ENV["PATH"], SLURM_JOB_ID="1", KOUSHI=KOUSHI),
                             capture_output=True, text=True)
        self.assertEqual((run.returncode, "3 measurements" in run.stdout, "is past" in run.stderr), (0, True, False), run.stdout + run.stderr)
        done = koushi("job", field, "--ranks", "1", "--time", "60s", "--gpus", "--set", "study.measurements=100000000", "--array", 'lattice.extents=[6, 6],[8,8],[4,4]')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^warning: --time 60s is shorter than the estimate, about .*: the job will be requeued\n(warning: this koushi was built for CPUs and would leave the GPUs idle\n)?$")
        for warning in done.stderr.splitlines():
            self.assertIn("\n# %s\n" % warning, done.stdout)
        self.assertIn('of the slowest task, "lattice.extents = ', done.stdout)
        for line in ("#SBATCH --array=0-2", "#SBATCH --gpus-per-task=1", "set -- '%s' --set 'study.measurements=100000000' --set 'scan.lattice.extents=[[6, 6], [8,8], [4,4]]' \"$@\"" % field):
            self.assertIn("\n%s\n" % line, done.stdout)
        self.assertNotIn("--signal", done.stdout)
        done = koushi("job", DECK, "--ranks", "1", "--time", "0.001s")
        self.assertEqual((done.returncode, "shorter than one step" in done.stderr), (0, True), done.stderr)
        fit = koushi("job", os.path.join(INPUTS, "correlator_fit.toml"), "--ranks", "1", "--time", "10m", cwd=self.folder)  # before its runs are done
        self.assertEqual(fit.returncode, 0, fit.stderr)
        self.assertIn("# note         free_field_2d.h5 is not there yet", fit.stdout)

    def test_every_shipped_deck_runs(self):
        """In one folder, with the names of the decks; those that read result files come last, and the runs that they read are long enough."""
        decks = {file.name: file.read_text() for file in sorted(pathlib.Path(INPUTS).iterdir())}
        read = set(word for text in decks.values() if "\nfiles" in text for word in text.split("\nfiles")[1].split("]")[0].split('"')[1::2])
        for name in sorted(decks, key=lambda name: "\nfiles" in decks[name] or "\nparameters" in decks[name]):
            deck = os.path.join(INPUTS, name)
            checked = koushi("check", deck, cwd=self.folder)
            self.assertEqual(checked.returncode, 0, name + checked.stderr)
            kind = checked.stdout.split('study.kind = "')[1].split('"')[0]
            file = checked.stdout.split('output.file = "')[1].split('"')[0]
            sampled = ["study.measurements=%d" % (200 if file in read else 30), "study.warm_up=5"]
            small = {"lattice-field": sampled, "path-integral": sampled, "transfer-matrix": [], "propagator": ["study.draws=2000"], "wave-packet": ["study.draws=2000", "study.pilot=1000"], "thermal-correlator": ["study.draws=400", "study.pilot=300", "lattice.extents=[6]", "study.real_steps=2"], "network-ensemble": ["study.draws=2000"], "deformed-ensemble": ["study.chains=8", "study.measurements=30", "study.warm_up=5", "study.widths=[4,8]"], "correlator-fit": [], "extrapolation": [], "reweighting": ["study.points=3"], "exact": ["study.levels=1"], "spectral": ["lattice.extents=[8]"], "thermal": ["study.vectors=2", "study.steps=20", "study.complete=100"],
                     "time-evolution": ["study.time=0.02", "study.every=0.01", "study.measure.samples=512", "sampler.samples=512", "sampler.chains=64"],
                     "green-function": ["study.intervals=20", "study.warm_up=1", "study.correction=2", "sampler.samples=64", "sampler.chains=64"]}
            smaller = {"thermal_kagome_18.toml": ["lattice.extents=[2,1]"], "thermal_hubbard_chain_8.toml": ["lattice.extents=[4]", "sector.electrons=[2,2]"], "exact_chain_24.toml": ["lattice.extents=[12]"], "exact_hubbard_chain_12.toml": ["lattice.extents=[6]", "sector.electrons=[3,3]"],
                       **{name: ["lattice.extents=[4,4]", "sampler.samples=256", "sampler.chains=64"] for name in decks if re.search("_resnet|_gcnn|_vit|_backflow", name)}}
            sets = small.get(kind, ["study.steps=2", "study.measure.samples=256", "study.average=1"])
            sets = [*sets, *smaller.get(name, [])]
            if re.search(r"flow_time\b", decks[name]):
                sets = [*sets, "action.flow_time=0.12", "lattice.extents=[8,8,8,8]"]
            done = koushi("run", deck, *[word for key in sets for word in ("--set", key)], cwd=self.folder)
            self.assertEqual(done.returncode, 0, name + done.stderr)
            self.assertIn({"lattice-field": "measurements of", "path-integral": "measurements of", "transfer-matrix": "gap_1", "propagator": "x_f", "wave-packet": "waves on a grid", "thermal-correlator": "Re, by a grid", "network-ensemble": "kurtosis", "deformed-ensemble": "schwinger_dyson", "thermal": "specific_heat", "spectral": "lowest pole", "correlator-fit": "chi^2 / dof", "extrapolation": "chi^2 / dof", "reweighting": "n_eff"}.get(kind, "E/N"), done.stdout)
        self.assertIn("free_field_2d.h5", read)

    def test_quenches_and_networks_are_the_same_on_any_ranks_and_go_on_after_a_stop(self):
        quench = ["lattice.extents=[8]", 'sampler={kind="metropolis",moves={flip=1.0},chains=64,samples=512}', "solver.shift.absolute=1e-5", "study.time=0.3", "study.every=0.1", "study.measure.samples=512"]
        network = ["lattice.extents=[4,4]", "sampler.samples=512", "sampler.chains=64", "study.average=0", "study.steps=8", "study.measure.samples=1024", "wavefunction.factor.0.output=complex"]
        backflow = ["sampler.samples=256", "sampler.chains=64", "study.average=0", "study.steps=4", "study.measure.samples=512", "wavefunction.factor.0.channels=[6]"]
        for deck, sets, groups in (("tfim_quench_chain_20", quench, ("history", "curves")), ("heisenberg_square_6x6_resnet", network, ("history", "observables")),
                                   ("hubbard_square_4x4_backflow", backflow, ("history", "observables"))):
            words = ["run", os.path.join(INPUTS, deck + ".toml"), *[word for key in sets for word in ("--set", key)]]
            files = [self.path(deck + name) for name in ("1.h5", "2.h5", "cut.h5")]
            for file, ranks in zip(files, (0, 2)):
                done = koushi(*words, "--output", file, ranks=ranks)
                self.assertEqual(done.returncode, 0, done.stderr)
            for more in ([], ["--resume"]):  # without room every start makes one step
                ENV["SLURM_JOB_END_TIME"] = "1"
                stopped = koushi(*words, "--output", files[2], *more, threads=2)
                del ENV["SLURM_JOB_END_TIME"]
                self.assertEqual(stopped.returncode, 75, stopped.stdout + stopped.stderr)
            self.assertEqual(koushi(*words, "--output", files[2], "--resume").returncode, 0)
            for group in groups:
                self.assertEqual(len(set(self.history(file, group) for file in files)), 1, deck + group)

    def test_enumeration_reaches_the_exact_ring_of_ten(self):
        """-0.4515446354492 J per site: exact diagonalisation, repeated in tests/unit/manybody/test_spin_hamiltonian.cpp."""
        file = self.path("ring.h5")
        self.assertEqual(koushi("run", os.path.join(INPUTS, "heisenberg_chain_10.toml"), "--output", file).returncode, 0)
        energy = json.loads(koushi("report", file, "--json").stdout)["observables"]["energy_per_site"]
        self.assertEqual((energy["error"], energy["samples"]), (0, 252))
        self.assertLess(abs(energy["value"] / -0.4515446354492 - 1), 1e-8)

    def test_an_enumerated_state_keeps_what_it_has_reached(self):
        """3x3 triangular Ising antiferromagnet in a field, E = -12.68009187 (exact diagonalisation, numpy). With so small a shift converged parameters ran away in steps that each raised the
        energy by less than its standard deviation, and ended at -1; an exact energy must not rise at all."""
        file = self.path("t.h5")
        sets = ['lattice={kind="triangular",extents=[3,3]}', 'hamiltonian={kind="transverse-field-ising",J=[1.0],field=-0.8}', "wavefunction.factor.0.symmetry=none", "wavefunction.factor.0.density=3",
                "wavefunction.factor.0.visible_bias=false", "wavefunction.factor.0.width=0.05", "study.steps=200", "seed=3", "study.reference.energy_per_site=-1.40889910"]
        done = koushi("run", os.path.join(INPUTS, "heisenberg_chain_10.toml"), "--output", file, *[word for key in sets for word in ("--set", key)])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the last update is halved", done.stdout)
        self.assertLess(abs(json.loads(koushi("report", file, "--json").stdout)["observables"]["energy"]["value"] + 12.68009187), 1e-5)

    def test_parameters_of_another_ansatz_are_refused(self):
        file = self.path("a.h5")
        self.assertEqual(self.small(file).returncode, 0)
        for sets, said in [(["wavefunction.factor.0.weights=complex"], "another wavefunction.factor.0.weights"),
                           (["wavefunction.factor.0.symmetry=none"], "another wavefunction.factor.0.symmetry"),
                           (['lattice.boundary=["open"]'], "another lattice.boundary"),
                           (["lattice.extents=[8,2]"], "another lattice.extents"),
                           (["hamiltonian.staggered_field=1e-4"], "the Hamiltonian of that run has 16 symmetries for the parameters of a factor \"rbm\" to be tied by, and this one has 8")]:
            done = self.small(self.path("b.h5"), "--set", "study.initial_parameters=" + file, *[w for key in sets for w in ("--set", key)])
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(said, done.stderr)
        measure = self.path("m.toml")
        with open(DECK) as source, open(measure, "w") as deck:
            text = source.read()
            head, tail = text.split("[study]")[0], "[study.reference]" + text.split("[study.reference]")[1].split("[solver]")[0]
            deck.write(head + '[study]\nkind = "measure"\nparameters = "%s"\nmeasure = { samples = 4096 }\n' % file + tail + '[output]\nfile = "none.h5"\n')
        done = koushi("run", measure, "--output", self.path("m.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)
        words = [self.history(f, "series").split("energy ")[1].split()[0] for f in (file, self.path("m.h5"))]
        first, later = ([word[k:k + 32] for k in range(0, len(word), 32)] for word in words)
        self.assertEqual(len(first), len(later))
        self.assertLess(sum(a == b for a, b in zip(first, later)) / len(first), 0.5)  # with the same random numbers nearly all
        done = koushi("run", measure, "--output", self.path("n.h5"), "--set", "wavefunction.factor.0.density=8")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("another wavefunction.factor.0.density", done.stderr)

    def test_variance_of_complex_weights_counts_the_imaginary_part(self):
        """<|E_loc - E|^2> of samples beside that of the enumerated state; without the imaginary part it is a third too low."""
        file, deck = self.path("a.h5"), self.path("m.toml")
        complex_weights = ["--set", "wavefunction.factor.0.weights=complex", "--set", "wavefunction.factor.0.density=2"]
        self.assertEqual(self.small(file, *complex_weights, "--set", "study.average=0", "--set", "study.steps=60").returncode, 0)
        with open(DECK) as source, open(deck, "w") as target:
            text = source.read()
            target.write(text.split("[study]")[0] + '[study]\nkind = "measure"\nparameters = "%s"\nmeasure = { samples = 65536 }\n' % file + "[lattice]" + text.split("[lattice]")[1].split("[solver]")[0]
                         + '[output]\nfile = "none.h5"\n')
        variances = []
        for name, sets in (("sampled.h5", []), ("whole.h5", ["--set", 'sampler={kind="enumeration"}'])):
            done = koushi("run", deck, "--output", self.path(name), *complex_weights, *sets)
            self.assertEqual(done.returncode, 0, done.stderr)
            variances.append(float(re.search(r"Var/N +([0-9.e-]+) J", done.stdout).group(1)))
        self.assertLess(abs(variances[0] / variances[1] - 1), 0.1, variances)

    def test_stops_in_the_warm_up_and_goes_on_bitwise(self):
        sets = ["--set", "study.steps=3", "--set", "study.measure.warm_up=15000"]
        whole, pieces = self.path("w.h5"), self.path("p.h5")
        self.assertEqual(self.small(whole, *sets).returncode, 0)
        stopped = self.small(pieces, *sets, "--time-limit", "0.5 s")
        self.assertEqual(stopped.returncode, 75, stopped.stdout)
        self.assertIn("stopped on request after", stopped.stdout)
        self.assertEqual(self.small(pieces, *sets, "--resume", ranks=2).returncode, 0)
        first, second = (json.loads(koushi("report", f, "--json").stdout)["observables"] for f in (whole, pieces))
        self.assertEqual(first, second)

    def test_one_run_per_file_and_the_first_is_named(self):
        file = self.path("l.h5")
        first = subprocess.Popen([KOUSHI, "run", DECK, "--output", file, "--set", "study.steps=100000"], env=ENV, stdout=subprocess.DEVNULL)
        try:
            deadline = time.time() + 30
            while not os.path.exists(file + ".lock") and time.time() < deadline:
                time.sleep(0.05)
            time.sleep(0.2)
            second = self.small(file, "--overwrite")
            self.assertEqual(second.returncode, 3)
            self.assertIn("is being written by process %d on" % first.pid, second.stderr)
        finally:
            first.kill()
            first.wait()
        self.assertEqual(self.small(file, "--overwrite").returncode, 0)  # the lock went with its process
        self.assertFalse(os.path.exists(file + ".lock"))

    def test_readers_that_go_away_do_not_end_a_run(self):
        file = self.path("c.h5")
        words = [KOUSHI, "run", DECK, "--output", file, "--set", "study.steps=40", "--set", "study.measure.samples=4096"]
        run = subprocess.Popen(words, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        run.stdout.close()
        self.assertEqual(run.wait(), 0, run.stderr.read())
        run.stderr.close()
        self.assertEqual(json.loads(koushi("report", file, "--json").stdout)["status"], "done")
        with open("/dev/full", "w") as full:
            report = subprocess.run([KOUSHI, "report", file], env=ENV, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual((report.returncode, report.stderr), (5, "the standard output cannot be written\n"))
        for more, code in (([], 0), (["--set", "study.steps=1000000", "--time-limit", "1s"], 75)):  # of a run the result counts
            with open("/dev/full", "w") as full:
                run = subprocess.run([*words, "--overwrite", *more], env=ENV, stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((run.returncode, "warning: the standard output cannot be written" in run.stderr), (code, True), run.stderr)
            self.assertEqual(json.loads(koushi("report", file, "--json").stdout)["status"], "stopped" if code else "done")
        plot = koushi("plot", file, "--output", self.path("nowhere/a.png"))
        self.assertEqual(plot.returncode, 5)
        self.assertIn("the picture cannot be written", plot.stderr)
        self.assertNotIn("Traceback", plot.stderr)

    def test_only_results_are_overwritten(self):
        deck = self.path("d.toml")
        shutil.copy(DECK, deck)
        for name in ("d.toml", "notes.txt"):
            pathlib.Path(self.path("notes.txt")).write_text("precious")
            before = pathlib.Path(self.path(name)).read_bytes()
            done = koushi("run", deck, "--output", self.path(name), "--overwrite", "--set", "study.steps=1")
            self.assertEqual((done.returncode, "is not a koushi result file" in done.stderr), (3, True), done.stderr)
            self.assertEqual(pathlib.Path(self.path(name)).read_bytes(), before)
        pathlib.Path(self.path("damaged.h5")).write_text("koushi result file 1\nsize = 12")
        pathlib.Path(self.path("empty.h5")).write_text("")
        for name in ("damaged.h5", "empty.h5"):
            self.assertEqual(self.small(self.path(name), "--overwrite", "--set", "study.steps=1").returncode, 0)

    def test_a_link_to_the_result_stays_one(self):
        """The file behind it is written, and locked under its own name."""
        os.mkdir(self.path("scratch"))
        os.symlink("scratch/real.h5", self.path("a.h5"))
        os.symlink(self.path("a.h5"), self.path("b.h5"))
        first = subprocess.Popen([KOUSHI, "run", DECK, "--output", self.path("b.h5"), "--set", "study.steps=1000000", "--set", "output.checkpoint=0.2 s"], env=ENV, stdout=subprocess.DEVNULL)
        try:
            end = time.time() + 60 * PATIENCE
            while not os.path.exists(self.path("scratch/real.h5")) and time.time() < end:
                time.sleep(0.05)
            self.assertTrue(os.path.islink(self.path("a.h5")) and os.path.islink(self.path("b.h5")))
            self.assertFalse(os.path.islink(self.path("scratch/real.h5")))
            second = self.small(self.path("a.h5"), "--overwrite")
            self.assertEqual((second.returncode, "is being written by process %d on" % first.pid in second.stderr), (3, True), second.stderr)
        finally:
            first.send_signal(signal.SIGHUP)
        self.assertEqual(first.wait(), 75)

    def test_help_and_notes_of_check(self):
        for words in (["--help"], ["run", "--help"]):
            done = koushi(*words)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn("Kokkos", done.stdout + done.stderr)
        self.assertIn("--time-limit", done.stdout)
        done = koushi("check", DECK, "--ranks", "1000", "--set", "hamiltonian.marshall=false", "--set", 'lattice.boundary=["antiperiodic"]', "--set", "output.file=/nowhere/x.h5")
        for said in ("invariant under 1 translations", "can be shared by 32 ranks at most", "/nowhere/x.h5 cannot be created"):
            self.assertIn(said, done.stdout)
        self.assertNotIn("\ntime ", done.stdout)
        words = ["--set", "wavefunction.factor.0.symmetry=space-group", "--set", "wavefunction.factor.0.projection=translations"]
        for sets, said in (([], ("symmetry: the wavefunction is invariant under 128 elements of the space group", "projection: without effect")),
                           (["--set", "wavefunction.factor.0.density=12"], ("density: filters of 128 hidden units are rounded up to 2 of them, 256 hidden units",)),
                           (["--set", "hamiltonian.staggered_field=0.1"], ("under 64 elements",)),
                           (["--set", 'lattice.boundary=["open"]'], ("under 8 elements",)),
                           (["--set", "hamiltonian.marshall=false"], ("the ground state need not be invariant",)),
                           (["--set", "wavefunction.factor.0.symmetry=translations", "--set", "wavefunction.factor.0.projection=space-group"],
                            ("symmetry: the wavefunction is invariant under 16 translations", "projection: the wavefunction is invariant under 128 elements", " 8 images"))):
            done = koushi("check", DECK, *words, *sets)
            for part in said:
                self.assertIn(part, done.stdout)
        for deck, sets, fits in (("phi4_2d.toml", [], False), ("phi4_2d.toml", ["lattice.ranks=[1,1]"], False), ("anharmonic_oscillator.toml", ['updater=[{kind="fourier-hmc"}]'], False), ("phi4_2d.toml", ["lattice.replicas=1000"], True)):
            done = koushi("check", os.path.join(INPUTS, deck), "--ranks", "1000", *[word for key in sets for word in ("--set", key)])
            self.assertEqual(("`run` will refuse" in done.stdout, "\ntime " in done.stdout, "\nwhole run " in done.stdout), (not fits, fits, fits), done.stdout)
        done = koushi("check", os.path.join(INPUTS, "su2_2d.toml"), "--ranks", "1", "--set", "action.static_loops=3", "--set", 'updater=[{kind="overrelaxation"},{kind="hmc",length=2.0},{kind="heatbath"}]')
        for said in ("\ncurves       static_potential_1, static_potential_2\n", " per sweep and ", '\nupdater.0.kind = "overrelaxation"\n', "\nupdater.1.length = 2\n", '\nupdater.2.kind = "heatbath"\n'):
            self.assertIn(said, done.stdout)
        done = koushi("check", os.path.join(INPUTS, "su2_2d.toml"), "--set", 'updater=[{kind="heatbath"}]')
        self.assertEqual((done.returncode, "updater.1" in done.stdout), (0, False), done.stderr)

    def test_warns_where_the_energy_rises(self):
        """Updates of length 0.2 end in the ferromagnet (E/N = -1/4 exactly); parameters averaged over the descent lie above it. With so long a step no rise below 3 standard deviations is taken back."""
        ring = koushi("run", os.path.join(INPUTS, "heisenberg_chain_10.toml"), "--output", self.path("u.h5"), "--set", "solver.max_distance=0.2",
                      "--set", "study.steps=100", "--set", "solver.step=2")
        self.assertEqual(ring.returncode, 0, ring.stderr)
        self.assertIn("warning: rising energy: E/N = -0.25 (exact) at the end is above", ring.stdout)
        averaged = self.small(self.path("v.h5"), "--set", "study.steps=30", "--set", "study.measure.samples=32768")
        self.assertIn("warning: average: the averaged parameters lie above", averaged.stdout)
        self.small(self.path("w.h5"), "--set", "study.steps=30", "--set", "study.average=0", "--set", "study.measure.samples=32768")
        (mean, error), (last, last_error) = ((e["value"], e["error"]) for e in (json.loads(koushi("report", self.path(name), "--json").stdout)["observables"]["energy"] for name in ("v.h5", "w.h5")))
        self.assertLess(abs(mean - last), 5 * math.hypot(error, last_error))  # those of the last step were measured after all
        self.assertGreater(float(averaged.stdout.split("(E = ")[1].split("then ")[1].split(")")[0]), mean + 5 * error)

    def test_a_measurement_without_a_number_is_an_error(self):
        """The last update of an optimisation is followed by no step that could take it back."""
        sets = ["seed=7", "lattice.extents=[8]", 'hamiltonian={kind="xxz",anisotropy=0.5,field=0.2,J=[1.0,0.4]}', 'wavefunction={factor=[{kind="rbm",weights="complex",density=2,projection="translations",width=0.15}]}',
                "study.steps=2", "study.average=0", 'solver={kind="stochastic-reconfiguration",step=10.0,max_distance=1e9,shift={absolute=1e-10,relative=1e-2}}']
        done = koushi("run", os.path.join(INPUTS, "heisenberg_chain_10.toml"), "--output", self.path("f.h5"), *(word for key in sets for word in ("--set", key)))
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("the measured energy is not a number: the last update was too long", done.stderr)

    def test_tuning_ends_where_nothing_is_accepted(self):
        """Parameters that no step can follow: trajectories stay below 10000 steps and the run says what is wrong. It had doubled them without end."""
        done = koushi("run", os.path.join(INPUTS, "phi4_2d.toml"), "--output", self.path("f.h5"),
                      *(word for key in ("action.mass_squared=1e300", "lattice.extents=[4,4]", "lattice.replicas=1", "study.warm_up=150", "study.measurements=20") for word in ("--set", key)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("trajectories of length 1 in 10000 steps", done.stdout)
        self.assertIn("warning: acceptance of updater 0: 0.000 is outside [0.1, 0.99]; remedy: a shorter length, or parameters of the action", done.stdout)

    def test_a_known_value_is_of_the_model_of_its_deck(self):
        """--set of lattice, action or Hamiltonian leaves the deck's known value out, unless it gives another one; ranks and replicas change no model."""
        phi4 = ["run", os.path.join(INPUTS, "phi4_2d.toml"), "--set", "study.measurements=30", "--overwrite", "--output", self.path("f.h5")]
        spins = ["run", DECK, "--set", "study.steps=20", "--set", "study.measure.samples=4096", "--overwrite", "--output", self.path("s.h5")]
        for words, sets, compared in [(phi4, ["seed=3", "lattice.replicas=4"], True), (phi4, ["lattice.extents=[6,6]"], False), (phi4, ["lattice.extents=[6,6]", "study.reference.value=0.16"], True),
                                      (phi4, ["action={kind=phi4,mass_squared=1.0,lambda=1.0}".replace("phi4", '"phi4"')], False), (spins, ["sampler.chains=128"], True),
                                      (spins, ["hamiltonian.J=[1.0,0.2]"], False), (spins, ["lattice.extents=[4,2]", "study.reference={energy_per_site=-0.7}"], True)]:
            with self.subTest(deck=words[1], sets=sets):
                done = koushi(*words, *(word for key in sets for word in ("--set", key)))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(re.search("^ *known .*deviation", done.stdout, re.M) is not None, compared)
                self.assertEqual("the known value of the deck is left out, for %s changed" % sets[0].split("=")[0] in done.stdout, not compared)
                self.assertEqual(json.loads(koushi("report", words[-1], "--json").stdout)["reference"] is not None, compared)

    def test_warns_of_a_region_never_seen(self):
        """A complex RBM on a ring of 40 has as much weight in configurations of two domains as in those that its optimisation has shaped."""
        ring = ["--set", 'lattice={kind="chain",extents=[40]}', "--set", "study.steps=300", "--set", "study.average=40", "--set", "study.measure.samples=8192", "--set", "sampler.samples=1024",
                "--set", "study.reference.energy_per_site=-0.44366307"]
        done = koushi("run", os.path.join(INPUTS, "heisenberg_square_10x10.toml"), "--output", self.path("r.h5"), *ring, "--set", "wavefunction.factor.0.density=1")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = "another region: chains from random states have E/N = -0.3"
        self.assertIn("warning: " + said, done.stdout)
        self.assertIn("warning: " + said, koushi("report", self.path("r.h5")).stdout)  # whoever opens the file later has to know
        self.assertTrue([w for w in json.loads(koushi("report", self.path("r.h5"), "--json").stdout)["warnings"] if w.startswith(said)])
        self.assertNotIn("another region", self.small(self.path("s.h5")).stdout)
        self.assertNotIn("another region", koushi("report", self.path("s.h5")).stdout)

    def test_templates_and_reference(self):
        deck = self.path("t.toml")
        for study in ("ground-state", "measure", "lattice-field", "path-integral", "transfer-matrix", "propagator", "wave-packet", "thermal-correlator", "network-ensemble", "deformed-ensemble", "correlator-fit", "extrapolation", "reweighting"):
            with open(deck, "w") as stream:
                stream.write(koushi("template", study).stdout)
            done = koushi("check", deck)
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(INPUTS, "..", "docs", "deck_reference.md")) as stream:
            self.assertEqual(koushi("describe", "--reference").stdout, stream.read())

    def test_larger_density_starts_from_a_smaller_run(self):
        small, large = self.path("s.h5"), self.path("l.h5")
        self.assertEqual(self.small(small, "--set", "wavefunction.factor.0.density=2").returncode, 0)
        done = self.small(large, "--set", "study.initial_parameters=" + small, "--set", "study.steps=1", "--set", "solver.step=1e-9", "--set", "solver.step_end=1e-9")
        self.assertEqual(done.returncode, 0, done.stderr)
        energies = [json.loads(koushi("report", f, "--json").stdout)["observables"]["energy_per_site"]["value"] for f in (small, large)]
        self.assertLess(abs(energies[0] - energies[1]), 0.005)  # a fresh start is at -0.5 after one step

    def test_petsc_options_reach_the_solver(self):
        for how in (["-sr_ksp_type", "minres"], ["--set", "solver.petsc_options=-sr_ksp_type minres"]):
            done = self.small(self.path("p.h5"), "--overwrite", "--set", "study.steps=1", "--set", "solver.route=matrix-free", *how, "-sr_ksp_view")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("type: minres", done.stdout)

    def test_petsc_options_on_every_route(self):
        for route in ("dense", "sample-space", "matrix-free"):
            done = self.small(self.path("p.h5"), "--overwrite", "--set", "study.steps=1", "--set", "solver.route=" + route, "-sr_ksp_monitor", "-log_view", ranks=2)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("  0 KSP Residual norm"), 1, done.stdout)  # objects are replicated, words are not
            self.assertIn("KSPSolve", done.stdout)
        done = self.small(self.path("s.h5"), "--set", "study.steps=1", "--set", "solver.petsc_options=-sr_mat_type scalapack -sr_ksp_view", ranks=2)
        if "has no ScaLAPACK" not in done.stderr:
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("package used to perform factorization: scalapack", done.stdout)
        done = self.small(self.path("u.h5"), "--set", "study.steps=1", "-sr_ksp_tpye", "minres")
        self.assertEqual(done.returncode, 2)
        self.assertIn("PETSc does not use the options -sr_ksp_tpye\n  expected: ", done.stderr)

    def test_bench_on_two_ranks(self):
        """Rows of every kind, each in a run of its own: one rank that alone leaves out a call of all would keep the others waiting for ever."""
        for words, rows in (("fma", ["fma"]), ("rbm exchange real dense", ["fma", "rbm exchange real dense"]), ("local-energy complex dense", ["fma", "rbm local-energy complex dense"]),
                            ("sr step real", ["fma", "sr step real", "sr step real dense"]), ("4x4 spin", ["fma", "hubbard step 4x4 spin projection"]), ("ising", ["ising 2d metropolis"]), ("step fused", ["triad", "phi4 4d step fused"]),
                            ("su3 4d", ["fma", "su3 4d heatbath", "su3 4d overrelaxation", "su3 4d sweep", "su3 4d force"])):
            with self.subTest(words=words):
                done = koushi("bench", "--json", "--only", words, ranks=2)
                self.assertEqual(done.returncode, 0, done.stderr)
                found = json.loads(done.stdout)
                self.assertEqual([row["name"] for row in found if row["name"][0] != " "], rows)
                self.assertEqual(len(found) - len(rows), 7 * sum(row.startswith("sr step") or row.startswith("hubbard step") for row in rows))
                self.assertTrue(all(row["value"] > 0 for row in found), found)
        done = koushi("bench", "--only", "su(3)", ranks=2)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--only su(3): no row of the bench has that in its name\n  expected: part of fma, rbm exchange real, ", done.stderr)

    def test_plots(self):
        file = self.path("a.h5")
        self.small(file)
        for suffix in ("png", "svg", "pdf"):
            done = koushi("plot", file, "--output", self.path("p." + suffix))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(os.path.getsize(self.path("p." + suffix)), 5000)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
