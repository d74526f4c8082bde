"""The job scripts under a Slurm of their own (slurm_host.py): every template with both kinds of study, stops, kills and requeues, an array, a chain.

    test_slurm.py KOUSHI ROOT FOLDER [unittest words]        exit code 77: skipped, the reason is printed
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

import slurm_host

KOUSHI, ROOT, FOLDER = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
GROUND, FIELD = ROOT / "inputs" / "heisenberg_square_4x4.toml", ROOT / "inputs" / "phi4_2d.toml"
SMALL = {GROUND: ["study.steps=10", "study.measure.samples=2048"], FIELD: ["study.warm_up=10", "study.measurements=100"]}
# key of the length, and what makes its steps some milliseconds of work between few messages of ranks
LONG = {GROUND: ("study.steps", 50, ["study.measure.samples=16384", "sampler.samples=8192", "wavefunction.factor.0.density=6", "output.checkpoint=0.2 s"]),
        FIELD: ("study.measurements", 1500, ["lattice.extents=[16,16]", "study.warm_up=100", "output.checkpoint=0.2 s"])}
RANKS = {GROUND: 2, FIELD: 1}

COMPARE = """import h5py, sys
def numbers(file):
    found = {}
    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and name.split("/")[0] not in ("timing", "provenance"):
            found[name] = (str(item.dtype), item.shape, item[()].tobytes())
    h5py.File(file).visititems(visit)
    return found
a, b = numbers(sys.argv[1]), numbers(sys.argv[2])
print(len(a), sorted(k for k in set(a) | set(b) if a.get(k) != b.get(k)))
"""


def words_of(sets):
    return [word for key in sets for word in ("--set", key)]


class Slurm(unittest.TestCase):
    def setUp(self):
        self.folder = FOLDER / self._testMethodName
        self.folder.mkdir()

    def submit(self, *words):
        done = subprocess.run(["sbatch", "--parsable", *map(str, words)], env=ENV, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def job(self, deck, *words, name="job.slurm"):
        """A script of `koushi job`."""
        done = subprocess.run([KOUSHI, "job", str(deck), "--output", name, *map(str, words)], env=ENV, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sbatch " + name, done.stdout)
        return name

    def shown(self, job, key):
        found = re.search(r"\b%s=(\S+)" % key, HOST.ask("scontrol", "show", "job", "-o", str(job)))
        return found.group(1) if found else ""

    def log(self, job):
        file = self.folder / ("slurm-%s.out" % job)
        return file.read_text() if file.exists() else ""

    def wait_for(self, job, *states):
        end = time.time() + 120 * PATIENCE
        while self.shown(job, "JobState") not in states:
            if time.time() > end:
                self.fail("job %s is %s, not %s:\n%s" % (job, self.shown(job, "JobState"), states, self.log(job)))
            time.sleep(0.2)

    def wait_for_log(self, job, pattern, times=1):
        end = time.time() + 120 * PATIENCE
        while len(re.findall(pattern, self.log(job))) < times:
            if time.time() > end or self.shown(job, "JobState") in ("COMPLETED", "FAILED"):
                self.fail("no %s in the log of job %s:\n%s" % (pattern, job, self.log(job)))
            time.sleep(0.05)

    def wait_for_checkpoints(self, job, file, count):
        seen, end = set(), time.time() + 120 * PATIENCE
        while len(seen) <= count:
            if time.time() > end or self.shown(job, "JobState") in ("COMPLETED", "FAILED"):
                self.fail("no %d checkpoints of job %s:\n%s" % (count, job, self.log(job)))
            seen.add(file.stat().st_mtime_ns if file.exists() else 0)
            time.sleep(0.02)

    def assert_same_numbers(self, file, other):
        count, different = self.python(COMPARE, file, other).split(" ", 1)
        self.assertGreater(int(count), 10)
        self.assertEqual(different.strip(), "[]")

    def python(self, code, *words):
        """Output of a Python that has h5py."""
        for python in ("python3", "/usr/bin/python3"):
            done = subprocess.run([python, "-c", code, *map(str, words)], capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
        self.fail(done.stderr)

    def title_and_status(self, file):
        lines = subprocess.run([KOUSHI, "report", str(self.folder / file)], env=ENV, capture_output=True, text=True, check=True).stdout.splitlines()
        return lines[0], lines[1].split(", ")[1]

    def uninterrupted(self, deck):
        """File and overrides of a run without Slurm and on one rank, long enough to be interrupted."""
        file = self.folder / "whole.h5"
        key, length, more = LONG[deck]
        seconds = 0
        while seconds < 4:
            sets = ["%s=%d" % (key, length), *more]
            began = time.time()
            subprocess.run([KOUSHI, "run", str(deck), "--output", str(file), "--overwrite", *words_of(sets)], env=ENV, check=True, stdout=subprocess.DEVNULL)
            seconds = time.time() - began
            length *= 2
        return file, sets

    def wrapper(self, name, lines):
        """A program that stands in for koushi, does something first and becomes it."""
        file = self.folder / name
        file.write_text("#!/usr/bin/env bash\n%s\nexec %s \"$@\"\n" % (lines, KOUSHI))
        file.chmod(0o755)
        return "--export=ALL,KOUSHI=%s" % file

    def test_single_runs_and_gpus(self):
        """run.slurm as it is and as `koushi job` fills it in, with one GPU per rank."""
        jobs = {}
        for deck in (GROUND, FIELD):
            jobs[deck.stem] = self.submit("--ntasks=2", "--time=5", ROOT / "jobs" / "run.slurm", deck, "--output", deck.stem + ".h5", *words_of(SMALL[deck]))
        script = self.job(FIELD, "--ranks", 2, "--time", "20m", "--gpus", *words_of([*SMALL[FIELD], 'title="it\'s $HOME; `ls`"', "output.file=gpus.h5"]))
        jobs["gpus"] = self.submit(self.wrapper("which_gpu", 'echo "rank $SLURM_PROCID has GPU $CUDA_VISIBLE_DEVICES"'), script)
        for what, job in jobs.items():
            self.wait_for(job, "COMPLETED", "FAILED")
            print("---- %s\n%s" % (what, self.log(job)))
            self.assertEqual(self.shown(job, "ExitCode"), "0:0")
            self.assertIn("results in %s.h5" % what, self.log(job))
        self.assertEqual(sorted(re.findall("rank . has GPU .", self.log(jobs["gpus"]))), ["rank 0 has GPU 0", "rank 1 has GPU 1"])
        self.assertEqual(self.title_and_status("gpus.h5"), ("it's $HOME; `ls`", "done"))

    def test_requeued_ground_state_is_the_uninterrupted_one(self):
        self.interrupt_thrice(GROUND)

    def test_requeued_field_is_the_uninterrupted_one(self):
        self.interrupt_thrice(FIELD)

    def interrupt_thrice(self, deck):
        """USR1, then the end of the job as koushi sees it, then kill -9 of the ranks: bitwise the numbers of a run that nobody disturbed."""
        (whole, sets), file = self.uninterrupted(deck), self.folder / "pieces.h5"
        hurry = self.wrapper("hurry", '[ "$SLURM_JOB_END_TIME" -gt $(($(date +%s) + 1500)) ] && echo "the end is known"\n'
                             '[ "${SLURM_RESTART_COUNT:-0}" = 1 ] && export SLURM_JOB_END_TIME=$(($(date +%s) + 1))  # the second start believes that it ends soon')
        job = self.submit(hurry, self.job(deck, "--ranks", RANKS[deck], "--time", "30m", *words_of([*sets, "output.file=pieces.h5"])))
        self.wait_for_checkpoints(job, file, 3)
        subprocess.run(["scancel", "--signal=USR1", job], env=ENV, check=True)
        self.wait_for_log(job, "stopped on request after (step|sweep) \\d+;")
        self.wait_for_log(job, r"stopped on request after [^(]*\(time limit")
        self.wait_for_log(job, "resumed", times=2)
        self.wait_for_checkpoints(job, file, 3)
        self.kill_ranks(job, RANKS[deck])
        self.wait_for(job, "FAILED")
        subprocess.run(["scontrol", "requeue", job], env=ENV, check=True)
        self.wait_for(job, "COMPLETED", "FAILED")
        log = self.log(job)
        print("---- %s\n%s" % (deck.stem, log))
        self.assertEqual(self.shown(job, "ExitCode"), "0:0")
        self.assertEqual((len(re.findall("resumed", log)), len(re.findall("stopped on request", log)), len(re.findall("the end is known", log))), (3, 2, 4 * RANKS[deck]))
        self.assert_same_numbers(file, whole)

    def kill_ranks(self, job, count):
        """kill -9 of the processes of koushi that belong to the job."""
        killed = 0
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.path.realpath("/proc/%s/exe" % entry) == KOUSHI and b"SLURM_JOB_ID=%s\0" % job.encode() in pathlib.Path("/proc", entry, "environ").read_bytes():
                    os.kill(int(entry), signal.SIGKILL)
                    killed += 1
            except (FileNotFoundError, ProcessLookupError):
                pass
        self.assertEqual(killed, count)

    def test_arrays(self):
        """Every task has its value, its file and its log; values with commas, quotes and blanks come through. By hand and from `koushi job`."""
        titles = ["a 'quoted' $HOME", "[b, c]; `d`"]
        jobs = {}
        jobs[GROUND] = self.submit(self.job(GROUND, "--ranks", 1, "--time", "5m", "--array", 'title="%s","%s"' % tuple(titles), *words_of(SMALL[GROUND])))
        jobs[FIELD] = self.submit("--array=0-2", ROOT / "jobs" / "array.slurm", FIELD, *words_of([*SMALL[FIELD], "scan.lattice.extents=[[4,4],[6,4],[6,6]]"]))
        files = {}
        for deck, count in ((GROUND, 2), (FIELD, 3)):
            for task in range(count):
                self.wait_for("%s_%d" % (jobs[deck], task), "COMPLETED", "FAILED")
                log = self.log("%s_%d" % (jobs[deck], task))
                if task == 0:
                    print("---- %s\n%s" % (deck.stem, log))
                files[deck, task] = re.search(r"results in (\S+)", log).group(1)
        self.assertEqual([self.title_and_status(files[GROUND, task])[0] for task in range(2)], titles)
        self.assertEqual([files[FIELD, task] for task in range(3)], ["phi4_2d_extents%s.h5" % size for size in ("4x4", "6x4", "6x6")])
        numbers = [self.python("import h5py,sys\nf=h5py.File(sys.argv[1])\nprint(f['summary/n_sites'][0], [l for l in f['deck/resolved'][()].decode().splitlines() if l.startswith('seed')])",
                               self.folder / files[FIELD, task]).strip().split(" ", 1) for task in range(3)]
        self.assertEqual([sites for sites, _ in numbers], ["16", "24", "36"])
        self.assertEqual(len(set(seed for _, seed in numbers)), 3)

    def test_signals_to_the_shell_of_a_job_go_on_to_the_run(self):
        """Of the job and of a task: USR1 to the shell alone, and to the shell and the ranks; either way a checkpoint, and the job waits to go on."""
        words = words_of(["study.measurements=10000000"])
        jobs = [(self.submit(ROOT / "jobs" / "run.slurm", FIELD, "--output", "shell.h5", *words), "--batch"),
                (self.submit("--array=0-0", ROOT / "jobs" / "array.slurm", FIELD, "--set", "scan.action.lambda=[4.0]", *words) + "_0", "--full")]
        for job, how in jobs:
            self.wait_for_log(job, r"(?m)^sweep \d+/")
            subprocess.run(["scancel", how, "--signal=USR1", job], env=ENV, check=True)
            self.wait_for_log(job, "stopped on request after")
            self.wait_for(job, "PENDING", "FAILED", "COMPLETED")
            print("---- %s\n%s" % (how, self.log(job)))
            self.assertEqual(self.shown(job, "JobState"), "PENDING")
            subprocess.run(["scancel", job], env=ENV, check=True)
            self.wait_for(job, "CANCELLED")

    def test_chains(self):
        """A fit that waits for its run, also while that is requeued; what follows a failure is cancelled."""
        self.job(ROOT / "inputs" / "free_field_2d.toml", "--ranks", 1, "--time", "5m", *words_of(["study.measurements=8000"]), name="run.slurm")
        self.job(ROOT / "inputs" / "correlator_fit.toml", "--ranks", 1, "--time", "5m", name="fit.slurm")
        (self.folder / "bad.slurm").write_text("#!/usr/bin/env bash\nexit 1\n")
        jobs = {}
        for chain in (("run.slurm", "fit.slurm"), ("bad.slurm", "fit.slurm")):
            done = subprocess.run(["bash", str(ROOT / "jobs" / "chain.sh"), *chain], env=ENV, cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            print(done.stdout, end="")
            jobs[chain[0]] = [line.split()[0] for line in done.stdout.splitlines()]
        first, second = jobs["run.slurm"]
        self.wait_for_log(first, r"(?m)^sweep \d+/")
        subprocess.run(["scancel", "--signal=USR1", first], env=ENV, check=True)
        self.wait_for_log(first, "stopped on request after")
        self.wait_for(first, "PENDING")
        self.assertEqual((self.shown(second, "JobState"), self.log(second)), ("PENDING", ""))
        self.wait_for(second, "COMPLETED", "FAILED")
        print("---- chain\n%s\n%s" % (self.log(first), self.log(second)))
        self.assertEqual(self.shown(first, "JobState"), "COMPLETED")
        self.assertIn("resumed", self.log(first))
        self.assertIn("chi^2 / dof", self.log(second))
        self.wait_for(jobs["bad.slurm"][1], "CANCELLED")
        self.assertEqual(self.log(jobs["bad.slurm"][1]), "")

    def test_no_requeue_ends_with_75(self):
        job = self.submit("--no-requeue", ROOT / "jobs" / "run.slurm", FIELD, "--output", "a.h5", "--time-limit", "1s", *words_of(["study.measurements=1000000"]))
        self.wait_for(job, "COMPLETED", "FAILED")
        self.assertEqual(self.shown(job, "ExitCode"), "75:0", self.log(job))
        self.assertEqual(self.title_and_status("a.h5")[1], "stopped")


if __name__ == "__main__":
    reason = slurm_host.why_not()
    if reason:
        print("skipped: " + reason)
        sys.exit(77)
    slurm_host.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the first process of a namespace ignores it otherwise
    PATIENCE = int(os.environ.get("KOUSHI_TEST_PATIENCE", "1"))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    HOST = slurm_host.SlurmHost(FOLDER / "daemons")
    ENV = dict(HOST.env, KOUSHI=KOUSHI, OMPI_MCA_mpi_yield_when_idle="1", OMPI_MCA_rmaps_base_oversubscribe="1")
    try:
        unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
    finally:
        HOST.stop()
