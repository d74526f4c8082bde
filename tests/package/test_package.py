"""The installed program and package, moved after the installation, with build tree and sources out of sight: koushi runs, and a program outside of the
project adds a Hamiltonian and finds its exact ground state; another adds an action and an updater of a lattice field.

    test_package.py BUILD SOURCE CMAKE MPIEXEC

Hides the two folders under empty ones in mount namespaces of its own, for which it wants to be root; elsewhere it looks for their names in what is
installed, which it does anyway."""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE, CMAKE, MPIEXEC = sys.argv[1:]
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1", OMP_PROC_BIND="false", OPENBLAS_NUM_THREADS="1")


def call(words, folder, hidden=()):
    if hidden:
        words = ["unshare", "--mount", "sh", "-c", "".join("mount -t tmpfs none '%s' && " % path for path in hidden) + 'exec "$@"', "sh", *words]
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s\nended with %d\n%s%s" % (" ".join(words), done.returncode, done.stdout[-8000:], done.stderr[-8000:]))
    return done.stdout


def files_naming(prefix, names):
    """Archives and programs have names of Kokkos's sources in their assertions, which is harmless."""
    for folder, _, files in os.walk(prefix):
        for file in files:
            path = os.path.join(folder, file)
            with open(path, "rb") as stream:
                content = stream.read()
            if content.startswith((b"\x7fELF", b"!<arch>")):
                continue
            for name in names:
                if name.encode() in content:
                    yield "%s names %s" % (path, name)


def wrong_hamiltonians(folder, program):
    """Terms in any order give the exact energy; wrong ones are refused at the Hamiltonian's place in the deck, before anything is run."""
    with open(os.path.join(folder, "ring.toml")) as stream:
        text = stream.read()
    text = text[:text.index("[study.reference]")] + text[text.index("[lattice]"):]
    text = text.replace("coupling = 1.0\n", "").replace("[10]", "[8]").replace("steps = 300", "steps = 150")
    for kind, file in (("mixed", "mixed.toml"), ("wrong", "wrong.toml"), ("wrong", "preset")):
        with open(os.path.join(folder, file), "w") as stream:
            stream.write(text.replace("haldane-shastry", kind))
    call([program, "run", "mixed.toml", "--output", "mixed.h5"], folder)
    energy = json.loads(call([program, "report", "mixed.h5", "--json"], folder))["observables"]["energy"]["value"]
    exact = float(call([program, "exact"], folder))
    assert -1e-10 < energy - exact < 1e-2, (energy, exact)  # the states of one magnetisation alone would lie below
    assert "256 samples per step, every state there is" in call([program, "check", "mixed.toml"], folder)
    place = "wrong.toml:%d:" % (1 + text[:text.index("[hamiltonian]")].count("\n") + 1)
    for how, code, said in (("sites", 2, "its terms are of 4 sites, and the lattice has 8"), ("move", 2, "is of a place that is none of 0 ... 7"),
                            ("negative", 2, "is of a place that is none of 0 ... 7"), ("twice", 2, "changes one place twice"), ("change", 2, "which holds -1 ... 1 in steps of 2"),
                            ("hop", 2, "changes a place by -1, which holds -1 ... 1 in steps of 2"), ("pair", 2, "100000 is none of 0 ... 7"), ("field", 2, "is of place 8, which is none of 0 ... 7"),
                            ("infinite", 2, "the element of move 16 is not finite"), ("function", 2, "has 3 values for 2 states"),
                            ("throws", 2, "could not be made: no coffee"), ("type", 70, "the key hamiltonian.how is asked for as another type")):
        done = subprocess.run([program, "check", "wrong.toml", "--set", "hamiltonian.how=" + how], cwd=folder, capture_output=True, text=True, env=ENVIRONMENT)
        assert done.returncode == code and said in done.stderr and (code != 2 or place in done.stderr), (how, done.returncode, done.stderr, place)
    done = subprocess.run([program, "check", "preset"], cwd=folder, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 70 and "text wants quotes in it" in done.stderr, done.stderr
    call([program, "check", "wrong.toml"], folder)


def python(folder, *words):
    """Output of a Python that has h5py."""
    for program in ("python3", "/usr/bin/python3"):
        done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
    sys.exit("no Python does %s: %s" % (words, done.stderr))


def double_wells(folder, program):
    """An action and an updater of one's own: the moments of the transfer matrix, a run that is resumed is the uninterrupted one, and a ladder in the new key."""
    parallel = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2", program]
    call([*parallel, "run", "double_well.toml"], folder)
    observables = json.loads(call([program, "report", "double_well.h5", "--json"], folder))["observables"]
    for name, exact in zip(("phi2", "phi4"), map(float, python(folder, "double_well.py", "exact").split())):
        value, error = (observables[name][part] for part in ("value", "error"))
        assert abs(value - exact) < 5 * error and error < 0.01 * exact, (name, value, error, exact)
    call([program, "run", "double_well.toml", "--set", "study.measurements=150", "--output", "parts.h5"], folder)
    call([*parallel, "run", "double_well.toml", "--set", "study.measurements=300", "--output", "parts.h5", "--resume"], folder)
    call([program, "run", "double_well.toml", "--set", "study.measurements=300", "--output", "whole.h5"], folder)
    python(folder, "double_well.py", "same", "parts.h5", "whole.h5")
    ladder = 'updater.2={kind="replica-exchange",parameter="action.%s",values=[1.0,1.5]}'
    assert "action.height from 1 to 1.5" in call([program, "check", "double_well.toml", "--set", ladder % "height"], folder)
    for sets, said in ((ladder % "mass_squared", "parameter = one of action.height, action.stiffness"), ('updater.1={kind="heatbath"}', "one of fourier-hmc, hmc, metropolis, sign"),
                       ("action.height=-1", "expected: real number > 0")):
        done = subprocess.run([program, "check", "double_well.toml", "--set", sets], cwd=folder, capture_output=True, text=True, env=ENVIRONMENT)
        assert done.returncode == 2 and said in done.stderr, (sets, done.stderr)


def chords(folder, program):
    """A factor and an estimator of one's own: the factor's exponent is optimised to the exact ground state, enters products and sums over images, and chains of it
    are the same on two ranks; the estimator is the structure factor at pi."""
    parallel = [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2", program]

    def found(*words, ranks=1):
        call([*(parallel if ranks == 2 else [program]), "run", "chord.toml", "--overwrite", *words], folder)
        return json.loads(call([program, "report", "chord.h5", "--json"], folder))

    exact = -math.pi**2 * (1 + 5 / 10**2) / 24
    report = found(ranks=2)
    energy = report["observables"]["energy_per_site"]["value"]
    assert abs(energy - exact) < 1e-9, (energy, exact)
    curve = report["curves"]["structure_factor"]
    at_pi = max(curve["values"]) if "values" in curve else max(curve["value"])
    assert abs(report["observables"]["staggered_squared"]["value"] - at_pi) < 1e-10, (report["observables"], curve)
    chains = ["--set", 'sampler={kind="metropolis",moves={exchange=1.0},chains=64,samples=512}', "--set", "study.steps=40", "--set", "study.measure.samples=4096"]
    product = ["--set", 'wavefunction={factor=[{kind="chord",exponent=1.8},{kind="rbm",density=1}]}']
    for words in (chains, chains + product, chains + product + ["--set", 'wavefunction.symmetry={group="translations"}']):
        energy = found(*words)["observables"]["energy_per_site"]
        assert -4 * (energy["error"] or 0) - 1e-9 < energy["value"] - exact < 5e-3, (words, energy, exact)
        assert energy["value"] == found(*words, ranks=2)["observables"]["energy_per_site"]["value"], words
    assert "chord" in call([program, "describe", "wavefunction.factor"], folder)


def main(scratch):
    call([CMAKE, "--install", BUILD, "--prefix", os.path.join(scratch, "first")], scratch)
    prefix = os.path.join(scratch, "moved")
    os.rename(os.path.join(scratch, "first"), prefix)
    for problem in files_naming(prefix, (BUILD, SOURCE, os.path.join(scratch, "first"))):
        sys.exit(problem)

    root = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    hidden = [path for path in (BUILD, SOURCE) if root]
    koushi = os.path.join(prefix, "bin", "koushi")
    deck = os.path.join(prefix, "share", "koushi", "inputs", "heisenberg_chain_10.toml")
    call([MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2", koushi, "run", deck, "--set", "study.steps=20", "--output", "chain.h5"], scratch, hidden)
    call([koushi, "plot", "chain.h5", "--output", "chain.png"], scratch, hidden)
    assert os.path.getsize(os.path.join(scratch, "chain.png")) > 10000

    outside = os.path.join(scratch, "outside")
    shutil.copytree(os.path.dirname(os.path.abspath(__file__)), outside)
    build = os.path.join(outside, "build")
    call([CMAKE, "-S", ".", "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_PREFIX_PATH=" + prefix], outside, hidden)
    call([CMAKE, "--build", build], outside, hidden)
    program = os.path.join(build, "haldane_shastry")
    exported = [line for line in call(["nm", "-D", "--defined-only", program], outside).splitlines() if "Kokkos" in line]
    assert not exported, exported[:3]
    assert "haldane-shastry" in call([program, "list"], outside, hidden)
    call([MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2", program, "run", "ring.toml"], outside, hidden)
    report = json.loads(call([program, "report", "ring.h5", "--json"], outside, hidden))
    energy = report["observables"]["energy_per_site"]["value"]
    exact = -math.pi**2 * (1 + 5 / 10**2) / 24
    assert -1e-12 < energy - exact < 1e-6, (energy, exact)
    refused = subprocess.run([koushi, "check", os.path.join(outside, "ring.toml")], capture_output=True, text=True, env=ENVIRONMENT)
    assert refused.returncode == 2 and "haldane-shastry" in refused.stderr, refused.stderr
    chords(outside, program)
    wrong_hamiltonians(outside, os.path.join(build, "edges"))
    double_wells(outside, os.path.join(build, "double_well"))
    print("E/N %.10f, exact %.10f%s" % (energy, exact, "" if hidden else "; build tree and sources were in sight"))


with tempfile.TemporaryDirectory() as folder:
    main(folder)
