"""What goes wrong around a run: memory, disks, second jobs, ranks that die, terminals, locales and clocks."""
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

from test_cli import DECK, ENV, KOUSHI, MPIEXEC, PATIENCE, Cli, kill_session, koushi

FIELD = """title = "Ising ring"
seed = 1
[study]
kind = "lattice-field"
warm_up = 10
measurements = 1000
[lattice]
kind = "hypercubic"
extents = [4]
replicas = 1
[action]
kind = "ising"
beta = 0.3
[[updater]]
kind = "wolff"
[output]
file = "field.h5"
"""
RING = """title = "Heisenberg ring"
seed = 1
[study]
kind = "ground-state"
steps = 1000
measure = { samples = 1 }
[lattice]
kind = "chain"
extents = [4]
[hamiltonian]
kind = "heisenberg"
marshall = true
[[wavefunction.factor]]
kind = "rbm"
weights = "real"
density = 1
symmetry = "translations"
[sampler]
kind = "enumeration"
[solver]
kind = "stochastic-reconfiguration"
step = 0.01
[output]
file = "ring.h5"
"""
LONG = ["--set", "study.measurements=100000000"]
DEADLINE = 120 * PATIENCE

# Jumps the clocks that tell the time of the day where the file CLOCK_JUMP exists, and takes the user's locale as some libraries do.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t jump(void) {
  const char* file = getenv("CLOCK_JUMP");
  return file && access(file, F_OK) == 0 ? atol(getenv("CLOCK_SECONDS")) : 0;
}
int clock_gettime(clockid_t clock, struct timespec* t) {
  int (*real)(clockid_t, struct timespec*) = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, t);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) t->tv_sec += jump();
  return status;
}
int gettimeofday(struct timeval* t, void* zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t* t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}
__attribute__((constructor)) static void take_locale(void) {
  if (getenv("TAKE_LOCALE")) setlocale(LC_ALL, "");
}
"""


def until(condition, what):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


class Terminal:
    """A process on a terminal of so many columns; `text` is what it has written."""

    def __init__(self, words, columns, env=ENV, cwd=None):
        self.text = ""
        self.end, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(words, env=env, stdin=inside, stdout=inside, stderr=inside, cwd=cwd, start_new_session=True)
        os.close(inside)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while piece := os.read(self.end, 65536):
                self.text += piece.decode()
        except OSError:  # the last process has closed it
            pass

    def wait(self):
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        os.close(self.end)
        return code


class Edges(unittest.TestCase):
    path, history = Cli.path, Cli.history

    def setUp(self):
        Cli.setUp(self)
        for name, text in (("field.toml", FIELD), ("ring.toml", RING)):
            with open(self.path(name), "w") as deck:
                deck.write(text)

    def run_words(self, output, *more, ranks=0, deck="field.toml"):
        launcher = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
        return [*launcher, KOUSHI, "run", self.path(deck), "--output", output, *more]

    def start(self, output, *more, ranks=0, deck="field.toml", until_written=True, **how):
        """A run in a session of its own, at its first checkpoint."""
        process = subprocess.Popen(self.run_words(output, *more, ranks=ranks, deck=deck), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True, **how)
        self.addCleanup(lambda: process.poll() is None and kill_session(process.pid))
        if until_written:
            until(lambda: os.path.exists(os.path.join(self.folder, output)) or process.poll() is not None, "a checkpoint")
        return process

    def status(self, file):
        done = koushi("report", file, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def in_mounts(self, script, *words):
        """Runs a shell script where mounts are its own."""
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        unshare = ["unshare", *user, "--mount"]
        if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
            self.skipTest("no mounts of one's own here")
        return subprocess.run([*unshare, "sh", "-c", script, "sh", *words], env=ENV, capture_output=True, text=True, timeout=300 * PATIENCE)

    def test_memory_grows_as_the_history(self):
        """Between 1000 and 10000 steps at most by six times what the file grows by (the history, as vectors with room to grow, and at a checkpoint as an
        HDF5 file in memory and two copies of it) and 1 MB, with many checkpoints on the way."""
        for deck, key in (("field.toml", "study.measurements"), ("ring.toml", "study.steps")):
            with self.subTest(deck=deck):
                memory, size = [], []
                for steps in (1000, 10000):
                    file = self.path("%s_%d.h5" % (deck, steps))
                    process = subprocess.Popen(self.run_words(file, "--set", "%s=%d" % (key, steps), "--set", "output.checkpoint=0.2 s", deck=deck), env=ENV, stdout=subprocess.DEVNULL)
                    _, status, usage = os.wait4(process.pid, 0)
                    process.returncode = os.waitstatus_to_exitcode(status)
                    self.assertEqual(process.returncode, 0)
                    memory.append(1024 * usage.ru_maxrss)
                    size.append(os.path.getsize(file))
                print("memory %.1f -> %.1f MB, file %.2f -> %.2f MB" % (memory[0] / 1e6, memory[1] / 1e6, size[0] / 1e6, size[1] / 1e6))
                self.assertGreater(size[1] - size[0], 8 * 9000)
                self.assertLess(memory[1] - memory[0], 6 * (size[1] - size[0]) + 1e6)

    def test_folders_that_cannot_be_written(self):
        """Read-only, no folder, or something else than a file in the place of the result."""
        os.mkdir(self.path("ro"))
        os.mkfifo(self.path("fifo"))
        done = self.in_mounts('mount -t tmpfs -o ro none "$1" && shift && "$@"', self.path("ro"), *self.run_words(self.path("ro/a.h5")))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("ro/a.h5 cannot be created (Read-only file system)\n  expected: [output] file or --output in a folder that can be written", done.stderr)
        for name, said in (("field.toml/a.h5", "(Not a directory)"), ("nowhere/a.h5", "(No such file or directory)"), ("ro", "ro is a folder\n"), ("fifo", "fifo is no regular file\n")):
            with self.subTest(name=name):
                done = subprocess.run(self.run_words(self.path(name), "--overwrite"), env=ENV, capture_output=True, text=True)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(said, done.stderr)

    def test_folders_that_become_read_only(self):
        """In mid-run: it ends with 3, its last checkpoint stays, and from there it goes on to the bitwise same end. The folder is mounted on itself once more: chmod does
        not stop root, and a mount with an open file (the lock) stays writable."""
        sets = ["--set", "study.measurements=20000"]
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                folder = self.path("out%d" % ranks)
                os.mkdir(folder)
                words = self.run_words(folder + "/a.h5", *sets, "--set", "output.checkpoint=0.02 s", ranks=ranks)
                done = self.in_mounts('out=$1; shift; "$@" > /dev/null & run=$!; while [ ! -e "$out/a.h5" ] && kill -0 $run; do sleep 0.01; done; '
                                      'mount --bind "$out" "$out" && mount -o remount,bind,ro "$out"; wait $run', folder, *words)
                self.assertEqual(done.returncode, 3, done.stderr)
                # the mount may come between the file and its new name
                self.assertRegex(done.stderr, r"/a\.h5\.part: cannot be (created|renamed) \(Read-only file system\)\n")
                self.assertIn("use --resume", done.stderr)
                self.assertEqual({"a.h5", "a.h5.lock"}, set(os.listdir(folder)) - {"a.h5.previous", "a.h5.part"})
                self.assertEqual(self.status(folder + "/a.h5")["status"], "running")
        whole, file = self.path("whole.h5"), self.path("out0/a.h5")
        self.assertEqual(subprocess.run(self.run_words(whole, *sets), env=ENV, capture_output=True).returncode, 0)
        done = subprocess.run(self.run_words(file, *sets, "--resume"), env=ENV, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("resumed ", done.stdout)
        self.assertFalse(os.path.exists(file + ".lock"))
        for group in ("history", "series"):
            self.assertEqual(self.history(file, group), self.history(whole, group))

    def test_full_disks(self):
        """A tmpfs of 1 MB: the run ends with 3, its last checkpoint stays, and with more room it goes on to the bitwise same end."""
        sets = ["--set", "study.measurements=8000", "--set", "output.checkpoint=0.02 s"]
        os.mkdir(self.path("disk"))
        done = self.in_mounts('set -e; disk=$1 whole=$2; shift 2; mount -t tmpfs -o size=1m none "$disk"; code=0; "$@" > /dev/null || code=$?; echo "first $code"; ls "$disk"; '
                              '"%s" report "$disk/a.h5"; mount -o remount,size=64m none "$disk"; "$@" --resume; cp "$disk/a.h5" "$whole"' % KOUSHI,
                              self.path("disk"), self.path("pieces.h5"), *self.run_words(self.path("disk/a.h5"), *sets))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("first 3\na.h5\na.h5.previous\nIsing ring\nlattice-field, running", done.stdout)  # no .part, .link, .lock, .probe
        self.assertIn("disk/a.h5.part: cannot be written (No space left on device)\n", done.stderr)
        self.assertIn("use --resume", done.stderr)
        self.assertIn("resumed ", done.stdout)
        self.assertEqual(subprocess.run(self.run_words(self.path("whole.h5"), *sets), env=ENV, capture_output=True).returncode, 0)
        self.assertEqual(self.history(self.path("pieces.h5")), self.history(self.path("whole.h5")))
        self.assertEqual(self.history(self.path("pieces.h5"), "series"), self.history(self.path("whole.h5"), "series"))

    def test_files_that_may_not_grow(self):
        """The limit of ulimit -f, which is a signal to who knows nothing of it. It is set from outside, for Open MPI does not start below its own 8 MB."""
        run = self.start("f.h5", *LONG, "--set", "output.checkpoint=0.02 s", cwd=self.folder)
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (400000, 400000))
        _, said = run.communicate(timeout=DEADLINE)
        self.assertEqual(run.returncode, 3, said)
        self.assertIn("f.h5.part: cannot be written (File too large)\n", said)
        self.assertEqual(self.status(self.path("f.h5"))["status"], "running")

    def large_field(self, name, extents):
        """A deck of one Ising field of so many sites, each of 8 bytes in the file."""
        with open(self.path(name), "w") as deck:
            deck.write(FIELD.replace("warm_up = 10\nmeasurements = 1000", "warm_up = 0\nmeasurements = 6").replace("[4]", extents).replace('"wolff"', '"metropolis"')
                       .replace('file = "field.h5"', 'file = "field.h5"\ncheckpoint = "0.001 s"'))
        return name

    def test_fields_larger_than_the_memory_of_a_rank(self):
        """512 MiB of field, while no rank may have more than 450 MB of memory: written by 8 ranks, killed, resumed by 4."""
        disk = "/dev/shm" if shutil.disk_usage("/dev/shm").free > 2 << 30 else self.folder
        folder = tempfile.mkdtemp(dir=disk)
        self.addCleanup(shutil.rmtree, folder)
        file, deck, limit = os.path.join(folder, "a.h5"), self.large_field("large.toml", "[8192, 8192]"), 450 << 20
        self.assertGreater(8 * 8192 * 8192, limit)
        run = self.start(file, "--set", "study.measurements=1000", ranks=8, deck=deck, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        kill_session(run.pid)
        _, said = run.communicate(timeout=DEADLINE)
        self.assertTrue(os.path.exists(file), said)
        self.assertGreater(os.path.getsize(file), limit)
        self.assertEqual(self.status(file)["status"], "running")
        done = subprocess.run(self.run_words(file, "--set", "study.measurements=1000", "--resume", "--time-limit", "0.01 s", ranks=4, deck=deck), env=ENV, capture_output=True, text=True,
                              timeout=DEADLINE)
        self.assertIn("resumed ", done.stdout, done.stderr)
        self.assertEqual(self.status(file)["status"], "stopped", done.stderr)

    def test_ranks_killed_while_they_write_together(self):
        """The file stays whole, and the run goes on from it on other ranks to the bitwise same end."""
        deck, whole, file = self.large_field("large.toml", "[1024, 4096]"), self.path("whole.h5"), self.path("a.h5")
        self.assertEqual(subprocess.run(self.run_words(whole, deck=deck), env=ENV, capture_output=True).returncode, 0)
        for ranks, dies in ((3, 1), (2, 0)):
            with self.subTest(ranks=ranks):
                file = self.path("a%d.h5" % ranks)
                run = self.start(file, "--set", "study.measurements=100000", ranks=ranks, deck=deck)
                victim = self.rank_process(run.pid, dies)
                until(lambda: os.path.exists(file + ".part") and os.path.getsize(file + ".part") > 32 << 20, "a large array under way")
                os.kill(victim, signal.SIGKILL)
                _, err = run.communicate(timeout=DEADLINE)
                self.assertNotEqual(run.returncode, 0)
                self.assertTrue(os.path.exists(file + ".part"))
                self.assertEqual(self.status(file)["status"], "running")
        file = self.path("a.h5")
        run = self.start(file, ranks=3, deck=deck)
        kill_session(run.pid)
        run.communicate()
        done = subprocess.run(self.run_words(file, "--resume", ranks=2, deck=deck), env=ENV, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        code = "import h5py,sys\na,b=[h5py.File(f) for f in sys.argv[1:]]\nprint((a['state/field'][()]==b['state/field'][()]).all(), a['state/field'].attrs['checksum']==b['state/field'].attrs['checksum'])"
        self.assertEqual(Cli.python(self, code, file, whole), "True True\n")
        self.assertEqual(self.history(file, "series"), self.history(whole, "series"))

    def test_large_arrays_on_full_disks(self):
        """A tmpfs that takes one field and not two."""
        deck = self.large_field("large.toml", "[1024, 4096]")
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                os.mkdir(self.path("disk%d" % ranks))
                done = self.in_mounts('disk=$1; shift; mount -t tmpfs -o size=48m none "$disk"; "$@" > /dev/null; echo "code $?"; ls "$disk"; "%s" report "$disk/a.h5"' % KOUSHI,
                                      self.path("disk%d" % ranks), *self.run_words(self.path("disk%d/a.h5" % ranks), ranks=ranks, deck=deck))
                self.assertIn("code 3\na.h5\n", done.stdout, done.stderr)
                self.assertIn("lattice-field, running", done.stdout)
                self.assertNotIn(".part", done.stdout)
                self.assertEqual(done.stderr.count("/a.h5.part: cannot be written (No space left on device)\n"), 1, done.stderr)
                self.assertIn("use --resume", done.stderr)

    def test_saved_configurations_of_some_size_are_copied(self):
        """From checkpoint to checkpoint, over a stop and other ranks; a flipped bit in one of them is found by who reads it."""
        deck = self.large_field("large.toml", "[1024, 2048]")
        sets = ["--set", "study.save_every=2"]
        whole, file = self.path("whole.h5"), self.path("a.h5")
        self.assertEqual(subprocess.run(self.run_words(whole, *sets, "--set", "output.checkpoint=1 h", deck=deck), env=ENV, capture_output=True).returncode, 0)
        self.assertEqual(subprocess.run(self.run_words(file, *sets, "--set", "study.measurements=3", ranks=2, deck=deck), env=ENV, capture_output=True).returncode, 0)
        self.assertEqual(subprocess.run(self.run_words(file, *sets, "--resume", ranks=3, deck=deck), env=ENV, capture_output=True).returncode, 0)
        code = """import h5py,numpy,sys
a,b=[h5py.File(f)["configurations"] for f in sys.argv[1:]]
print(sorted(a), all((a[k][()]==b[k][()]).all() and a[k].attrs["checksum"]==b[k].attrs["checksum"] for k in b), a["2"].id.get_offset())"""
        said = Cli.python(self, code, file, whole)
        self.assertIn("['2', '4', '6'] True", said)
        with open(file, "r+b") as stream:
            stream.seek(int(said.split()[-1]) + 4321)
            byte = stream.read(1)[0]
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte ^ 8]))
        start = ["--set", 'study.initial="%s"' % file, "--set", "study.measurements=1"]
        for ranks in (0, 2):
            bad = subprocess.run(self.run_words(self.path("b.h5"), *start, "--set", "study.initial_sweep=2", ranks=ranks, deck=deck), env=ENV, capture_output=True, text=True)
            self.assertEqual(bad.returncode, 3, bad.stderr)
            self.assertIn("a.h5: is corrupted (the checksum of its dataset configurations/2 is wrong)", bad.stderr)
        good = subprocess.run(self.run_words(self.path("b.h5"), *start, "--set", "study.initial_sweep=4", deck=deck), env=ENV, capture_output=True, text=True)
        self.assertEqual(good.returncode, 0, good.stderr)

    def test_names_that_are_too_long(self):
        """With .previous, the longest that is made, a name may have 255 bytes; what cannot be made is said before the first step."""
        for length, code in ((246, 0), (247, 3), (250, 3)):
            with self.subTest(length=length):
                file = self.path("n" * (length - 3) + ".h5")
                done = subprocess.run(self.run_words(file, "--set", "study.measurements=20"), env=ENV, capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stderr)
                if code:
                    self.assertIn(".previous cannot be created (File name too long)\n  expected: [output] file or --output", done.stderr)
                    self.assertNotIn("sweep", done.stdout)
                    self.assertEqual([n for n in os.listdir(self.folder) if n.startswith(os.path.basename(file))], [])
        os.mkdir(self.path("a.h5.previous"))
        done = subprocess.run(self.run_words(self.path("a.h5"), "--overwrite"), env=ENV, capture_output=True, text=True)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("a.h5.previous is a folder\n", done.stderr)

    def test_folders_that_vanish(self):
        sets = ["--set", "study.measurements=20000", "--set", "output.checkpoint=0.01 s"]
        for how in ("renamed", "removed"):
            with self.subTest(how=how):
                os.mkdir(self.path("out"))
                run = self.start("out/a.h5", *sets, cwd=self.folder)
                if how == "renamed":
                    os.rename(self.path("out"), self.path("renamed"))
                else:
                    while os.path.exists(self.path("out")):  # a checkpoint may come between
                        shutil.rmtree(self.path("out"), ignore_errors=True)
                _, said = run.communicate(timeout=DEADLINE)
                self.assertEqual(run.returncode, 3, said)
                self.assertIn("out/a.h5.part: cannot be", said)
                if how == "renamed":
                    self.assertEqual(self.status(self.path("renamed/a.h5"))["status"], "running")
                    os.rename(self.path("renamed"), self.path("out"))
                else:
                    os.mkdir(self.path("out"))
                done = subprocess.run(self.run_words("out/a.h5", *sets, "--resume"), env=ENV, capture_output=True, text=True, cwd=self.folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual("resumed" in done.stdout, how == "renamed")
                self.assertEqual(self.status(self.path("out/a.h5"))["status"], "done")
                shutil.rmtree(self.path("out"))

    def test_second_jobs_are_told_of_the_first(self):
        file = self.path("a.h5")
        first = self.start(file, *LONG, "--set", "output.checkpoint=0.05 s")
        named = "a.h5 is being written by process %d on %s\n  expected: one run per result file; wait for it, or --output FILE" % (first.pid, socket.gethostname())
        for more, ranks in ((["--resume"], 0), (["--overwrite"], 0), (["--resume"], 2)):
            with self.subTest(more=more, ranks=ranks):
                second = subprocess.run(self.run_words(file, *more, ranks=ranks), env=ENV, capture_output=True, text=True, timeout=DEADLINE)  # short, should it run after all
                self.assertEqual(second.returncode, 3, second.stderr)
                self.assertEqual(second.stderr.count(named), 1, second.stderr)
        self.assertIsNone(first.poll())
        first.kill()
        first.communicate()
        self.assertTrue(os.path.exists(file + ".lock"))  # left behind, but held by nobody
        resumed = self.start(file, *LONG, "--resume", "--set", "output.checkpoint=0.05 s", until_written=False)
        self.assertIn("resumed", resumed.stdout.readline())
        self.assertIn("sweep", resumed.stdout.readline())  # from its first step on it stops on request
        resumed.send_signal(signal.SIGTERM)
        resumed.communicate(timeout=DEADLINE)
        self.assertEqual(resumed.returncode, 75)
        self.assertFalse(os.path.exists(file + ".lock"))

    def rank_process(self, leader, rank):
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getsid(int(entry)) == leader:
                    with open("/proc/%s/environ" % entry, "rb") as stream:
                        if b"OMPI_COMM_WORLD_RANK=%d\0" % rank in stream.read():
                            return int(entry)
            except (ProcessLookupError, PermissionError, FileNotFoundError):
                pass
        self.fail("there is no rank %d" % rank)

    def test_ranks_that_die(self):
        """By a signal or for want of memory: all stop, the rank is named, and the run goes on from its file to the bitwise same end."""
        sets = ["--set", "lattice.extents=[8,8]", "--set", "study.measurements=8000", "--set", "output.checkpoint=0.1 s"]
        whole = self.path("whole.h5")
        self.assertEqual(subprocess.run(self.run_words(whole, *sets), env=ENV, capture_output=True).returncode, 0)
        for ranks, dies, how, said in ((4, 2, signal.SIGKILL, "process rank 2 with PID"), (2, 0, signal.SIGKILL, "process rank 0 with PID"), (3, 1, signal.SIGSEGV, "process rank 1 with PID"),
                                       (2, 1, None, "rank 1: out of memory|libgomp: Out of memory"),
                                       (2, 0, None, "rank 0: |libgomp: Out of memory")):  # whoever asks for memory first
            with self.subTest(ranks=ranks, dies=dies, how=how):
                file = self.path("d%d_%d_%s.h5" % (ranks, dies, how))
                run = self.start(file, *sets, *([] if how else LONG), ranks=ranks)
                victim = self.rank_process(run.pid, dies)
                if how is None:  # its series grow until there is no room
                    with open("/proc/%d/statm" % victim) as statm:
                        now = int(statm.read().split()[0]) * resource.getpagesize()
                    resource.prlimit(victim, resource.RLIMIT_AS, (now, now))
                else:
                    os.kill(victim, how)
                _, err = run.communicate(timeout=DEADLINE)
                self.assertNotEqual(run.returncode, 0)
                self.assertRegex(err, said)
                self.assertEqual(self.status(file)["status"], "running")
                if how is not None:
                    done = subprocess.run(self.run_words(file, *sets, "--resume"), env=ENV, capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(self.history(file, "series"), self.history(whole, "series"))

    def test_an_error_of_one_rank_alone_ends_all(self):
        """One rank with another command line refuses it, while the others wait for it in the run."""
        words = self.run_words(self.path("a.h5"), *LONG, "--set", "lattice.replicas=3", ranks=2)
        run = subprocess.Popen([*words, ":", "-n", "1", *self.run_words(self.path("a.h5"), "--time-limit", "soon")], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
        self.addCleanup(lambda: run.poll() is None and kill_session(run.pid))
        _, err = run.communicate(timeout=DEADLINE)
        self.assertEqual(run.returncode, 2, err)
        self.assertIn("rank 2: --time-limit soon is not a duration", err)
        both = koushi("run", self.path("field.toml"), "--time-limit", "soon", ranks=2)  # of all: said once, without a rank
        self.assertEqual((both.returncode, both.stderr.count("--time-limit soon"), both.stderr.count("rank 0:")), (2, 1, 0), both.stderr)

    def test_closed_streams(self):
        """What is printed must not end in a file that has got the descriptor of a closed stream."""
        for closed in ("0<&-", "1>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
            for ranks in (0, 2):
                if ranks and "1>&-" in closed:
                    continue  # then mpirun is to blame
                with self.subTest(closed=closed, ranks=ranks):
                    file = self.path("c.h5")
                    done = subprocess.run(["sh", "-c", 'exec "$@" ' + closed, "sh", *self.run_words(file, "--overwrite", ranks=ranks)], env=ENV, capture_output=True, text=True, timeout=DEADLINE)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(self.status(file)["status"], "done")
                    self.assertFalse(os.path.exists(file + ".lock"))

    def test_nothing_can_be_written_anywhere(self):
        """Standard output and error on a full disk change no exit code."""
        for words, code in ((self.run_words(self.path("f.h5")), 0), (self.run_words(self.path("g.h5"), "--time-limit", "0.01 s", "--set", "study.measurements=100000"), 75),
                            ([KOUSHI, "report", self.path("f.h5")], 5), ([KOUSHI, "report", self.path("none.h5")], 3), ([KOUSHI, "run", self.path("none.toml")], 2)):
            with self.subTest(words=words), open("/dev/full", "w") as full:
                self.assertEqual(subprocess.run(words, env=ENV, stdout=full, stderr=full, timeout=DEADLINE).returncode, code)

    def test_more_threads_than_kokkos_can_have(self):
        done = subprocess.run(self.run_words(self.path("t.h5")), env={**ENV, "OMP_NUM_THREADS": "1000"}, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("OMP_NUM_THREADS=1000 is more than the 512 threads", done.stderr)

    def test_locks_that_cannot_be_made_are_said(self):
        os.mkdir(self.path("l.h5.lock"))
        done = subprocess.run(self.run_words(self.path("l.h5")), env=ENV, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "warning: .*l.h5.lock cannot be made ")

    def test_pipes_that_close(self):
        """koushi run | head -1"""
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                file = self.path("p%d.h5" % ranks)
                run = self.start(file, "--set", "study.measurements=5000", ranks=ranks, until_written=False)
                run.stdout.readline()
                run.stdout.close()
                self.assertEqual(run.wait(DEADLINE), 0, run.stderr.read())
                run.stderr.close()
                self.assertEqual(self.status(file)["status"], "done")

    def test_damaged_files(self):
        """Truncated anywhere, or one bit flipped anywhere: exit code 3 with a remedy of all that read; --resume takes the checkpoint before and ends the same."""
        sets = ["--set", "study.measurements=50000"]
        file, other, whole = self.path("a.h5"), self.path("b.h5"), self.path("whole.h5")
        self.assertEqual(subprocess.run(self.run_words(file, *sets, "--time-limit", "0.01 s"), env=ENV, capture_output=True).returncode, 75)
        self.assertEqual(subprocess.run(self.run_words(file, *sets, "--resume"), env=ENV, capture_output=True).returncode, 0)
        shutil.copy(file, whole)
        with open(file, "rb") as stream:
            sound = stream.read()
        self.assertTrue(os.path.exists(file + ".previous"))
        fit = self.path("fit.toml")
        with open(fit, "w") as deck:
            deck.write('title = "fit"\nseed = 1\n[study]\nkind = "reweighting"\nfiles = ["%s"]\nparameter = "action.beta"\ntargets = [0.31]\n[output]\nfile = "%s"\n' % (file, self.path("fit.h5")))
        readers = [["report", file], ["report", file, file, "--csv"], ["plot", file], ["export", file, self.path("a.nersc")], ["run", fit]]
        flipped = [sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1:] for at, bit in ((3, 0), (40, 6), (600, 1), (len(sound) // 2, 7), (len(sound) - 1, 4))]
        for damaged in [b"", sound[:100], sound[:-1], sound[:len(sound) // 3], sound + b"x", *flipped]:
            with open(file, "wb") as stream:
                stream.write(damaged)
            for words in readers if damaged is flipped[2] else readers[:1]:
                with self.subTest(words=words[0], size=len(damaged)):
                    done = koushi(*words)
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertRegex(done.stderr, "a.h5: is (truncated|not a koushi result file)")
                    self.assertIn("a.h5.previous is the checkpoint before, from which `koushi run DECK --resume` goes on", done.stderr)
        with open(file, "wb") as stream:  # in the header, of which the first words are left
            stream.write(sound[:20] + b"?????" + sound[25:])
        shutil.copy(file, other)
        self.assertEqual(subprocess.run(self.run_words(other, *sets, "--overwrite"), env=ENV, capture_output=True).returncode, 0)
        shutil.copy(file, other)
        shutil.copy(file, other + ".previous")
        self.assertNotIn("previous", koushi("report", other).stderr)
        os.remove(other + ".previous")
        self.assertIn("b.h5: is truncated or corrupted (its checksum is wrong); `koushi run DECK --overwrite` makes it anew\n", koushi("report", other).stderr)
        done = subprocess.run(self.run_words(file, *sets, "--resume"), env=ENV, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a.h5.previous, is used", done.stdout)
        self.assertEqual(self.history(file, "series"), self.history(whole, "series"))

    def test_want_of_memory(self):
        """A lattice that does not fit into the memory that the process may have."""
        with open(self.path("large.toml"), "w") as deck:
            deck.write(FIELD.replace('kind = "ising"\nbeta = 0.3', 'kind = "phi4"\nmass_squared = 1.0\nlambda = 1.0').replace('"wolff"', '"hmc"'))
        done = subprocess.run(self.run_words(self.path("m.h5"), "--set", "lattice.extents=[16000,16000]", deck="large.toml"), env=ENV, capture_output=True, text=True,  # 2 GB per field
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertRegex(done.stderr, "out of memory .*\n  expected: more ranks")

    def test_narrow_terminals(self):
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                terminal = Terminal(self.run_words(self.path("n%d.h5" % ranks), *LONG, ranks=ranks), 40)
                self.addCleanup(lambda process=terminal.process: process.poll() is None and kill_session(process.pid))
                until(lambda: terminal.text.count("\r\033[K") > 3 or terminal.process.poll() is not None, "progress")
                terminal.process.send_signal(signal.SIGTERM)
                terminal.wait()
                lines = re.findall("\r\033\\[K([^\r\n]*)", terminal.text)
                self.assertGreater(len(lines), 3, terminal.text)
                self.assertEqual(max(map(len, lines)), 39, lines)

    def test_decimal_commas(self):
        """In a locale that has them, even where a library has taken it, all is printed and read with points."""
        locales = self.path("locales")
        os.mkdir(locales)
        made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(locales, "de_DE.UTF-8")], capture_output=True, text=True) if shutil.which("localedef") else None
        if made is None or made.returncode != 0:
            self.skipTest("localedef cannot make de_DE here")
        german = dict(ENV, LC_ALL="de_DE.UTF-8", LOCPATH=locales, LD_PRELOAD=self.shim(), TAKE_LOCALE="1")
        point = subprocess.run([sys.executable, "-c", "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"], env=german, capture_output=True, text=True)
        self.assertEqual(point.stdout, ",\n", point.stderr)
        sets = ["--set", "study.measurements=200", "--set", "action.beta=0.25"]
        answers = []
        for env in (ENV, german):
            said = []
            for words in (["check", self.path("field.toml"), *sets], ["run", self.path("field.toml"), *sets, "--overwrite", "--output", "a.h5"],
                          ["run", self.path("field.toml"), "--set", "action.beta=0.5", "--overwrite", "--output", "b.h5"], ["report", "a.h5"],
                          ["report", "a.h5", "b.h5", "--x", "action.beta", "--csv"], ["run", self.path("ring.toml"), "--set", "study.steps=2", "--overwrite", "--output", "r.h5",
                                                                                      "--set", "solver.route=matrix-free", "--set", "solver.petsc_options=-sr_ksp_rtol 0.125 -sr_ksp_view"]):
                done = subprocess.run([KOUSHI, *words], env=env, capture_output=True, text=True, cwd=self.folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                said.append(done.stdout)
            self.assertIn("0.25", said[0])
            said[1] = said[2] = said[3] = ""  # with times
            said[5] = [line.strip() for line in said[5].splitlines() if "relative=" in line]
            self.assertIn("relative=0.125", said[5][0])
            answers.append((said, self.history(self.path("a.h5")), self.history(self.path("r.h5"))))
        self.assertEqual(answers[0], answers[1])

    def shim(self):
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            self.skipTest("no C compiler")
        source, library = self.path("shim.c"), self.path("shim.so")
        with open(source, "w") as stream:
            stream.write(SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return library

    def test_clocks_that_jump(self):
        """Two days forth or back: no checkpoint, no stop at --time-limit, no odd durations."""
        for seconds in (172800, -172800):
            with self.subTest(seconds=seconds):
                jump, file = self.path("jump%d" % seconds), self.path("j%d.h5" % seconds)
                env = dict(ENV, LD_PRELOAD=self.shim(), CLOCK_JUMP=jump, CLOCK_SECONDS=str(seconds))
                terminal = Terminal(self.run_words(file, *LONG, "--set", "output.checkpoint=1 h", "--time-limit", "12 h"), 200, env)
                self.addCleanup(lambda process=terminal.process: process.poll() is None and kill_session(process.pid))
                until(lambda: terminal.text.count("\033[K") > 3 or terminal.process.poll() is not None, "progress")
                written = os.stat(file).st_mtime_ns  # after the first step, to know how long it takes
                with open(jump, "w"):
                    pass
                clock = subprocess.run(["date", "+%s"], env=env, capture_output=True, text=True)
                self.assertGreater(abs(int(clock.stdout) - time.time()), 100000)
                seen = terminal.text.count("\033[K")
                until(lambda: terminal.text.count("\033[K") > seen + 5 or terminal.process.poll() is not None, "progress")
                self.assertIsNone(terminal.process.poll(), terminal.text)
                self.assertEqual(os.stat(file).st_mtime_ns, written)
                terminal.process.send_signal(signal.SIGTERM)
                self.assertEqual(terminal.wait(), 75, terminal.text)
                self.assertNotIn("(time limit", terminal.text)
                self.assertLess(self.status(file)["seconds"], 86400)
                self.assertGreater(self.status(file)["seconds"], 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
