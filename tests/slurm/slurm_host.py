"""A Slurm of one host for tests: munged, slurmctld and slurmd in namespaces of their own, which end with the process that made them.

Nothing is written outside the folder for logs: state and sockets lie on a tmpfs that only these namespaces see (names of sockets must be short), the
host is called localhost in them, ports are whichever are free. Needs root and the programs of the packages slurmctld, slurmd, slurm-client, munge.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel", "unshare", "mount")
STATE = "/run/koushi"
UNSHARE = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]


def why_not():
    """Why there can be no Slurm here, or ""."""
    if os.environ.get("KOUSHI_TEST_SLURM") == "off":
        return "KOUSHI_TEST_SLURM is off"
    missing = [p for p in PROGRAMS if shutil.which(p) is None]
    if missing:
        return "there is no %s (as root: apt-get install slurmctld slurmd slurm-client munge)" % ", ".join(missing)
    if os.getuid() != 0:
        return "daemons of Slurm want root"
    probe = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True)
    return "" if probe.returncode == 0 else "no namespaces: " + probe.stderr.strip()


def enter():
    """Starts this program again inside the namespaces; all that runs there is killed by the kernel when it ends, however it does."""
    if os.environ.get("KOUSHI_SLURM_INSIDE") != "1":
        os.execvpe(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv], dict(os.environ, KOUSHI_SLURM_INSIDE="1"))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class SlurmHost:
    """Running daemons; `env` is what programs that talk to them need."""

    def __init__(self, logs):
        self.logs = pathlib.Path(logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.daemons = []
        socket.sethostname("localhost")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
        state = pathlib.Path(STATE)
        for folder in ("munge", "controller", "node"):
            (state / folder).mkdir(parents=True)
        key = state / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        controller, node = free_ports(2)
        text = (pathlib.Path(__file__).parent / "slurm.conf.in").read_text()
        for name, value in (("STATE", STATE), ("CONTROLLER_PORT", controller), ("NODE_PORT", node)):
            text = text.replace("@%s@" % name, str(value))
        (state / "slurm.conf").write_text(text)
        # two files that every machine has stand for GPUs
        (state / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        self.env = dict(os.environ, SLURM_CONF=str(state / "slurm.conf"))
        self.start("munged", "--foreground", "--force", "--key-file=%s" % key, "--socket=%s/munge/socket" % STATE, "--pid-file=%s/munge/pid" % STATE,
                   "--log-file=%s/munge/log" % STATE, "--seed-file=%s/munge/seed" % STATE)
        self.wait(lambda: (state / "munge" / "socket").exists())
        self.start("slurmctld", "-D")
        self.start("slurmd", "-D", "-N", "localhost")
        self.wait(lambda: self.ask("sinfo", "-h", "-o", "%T").strip() == "idle")

    def start(self, program, *words):
        with open(self.logs / (program + ".log"), "w") as log:
            self.daemons.append(subprocess.Popen([program, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True))

    def wait(self, condition, seconds=60):
        end = time.time() + seconds
        while not condition():
            for daemon in self.daemons:
                if daemon.poll() is not None:
                    raise RuntimeError("%s ended with %d: see %s" % (daemon.args[0], daemon.returncode, self.logs))
            if time.time() > end:
                raise RuntimeError("waited %d s in vain: see %s" % (seconds, self.logs))
            time.sleep(0.2)

    def ask(self, *words):
        return subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
