"""States of spins, electrons and bosons from outside: exact energies, sectors, proposals that miss states, sublattices of several shells, and chains on any ranks."""
import json
import math
import os
import re
import shutil
import sys
import unittest

from test_cli import ENV, INPUTS, Cli, koushi

LADDER = """title = "x"
seed = 7
[study]
kind = "ground-state"
steps = 300
measure = { samples = 1 }
[lattice]
kind = "custom"
vectors = [[1,0],[0,2]]
offsets = [[0,0],[0,1]]
bonds = [[0,0,1,0,1],[1,1,1,0,1],[0,1,0,0,2]]
extents = [4,1]
boundary = ["periodic","open"]
[hamiltonian]
kind = "heisenberg"
J = [1.0, 0.5]
marshall = true
[[wavefunction.factor]]
kind = "rbm"
weights = "real"
density = 6
[sampler]
kind = "enumeration"
[solver]
kind = "stochastic-reconfiguration"
step = 0.1
shift = { absolute = 1e-10, relative = 1e-3, relative_end = 1e-7 }
"""

ELECTRONS = """title = "Hubbard ring of 6"
seed = 3
[study]
kind = "ground-state"
steps = 200
measure = { samples = 1, observables = ["double-occupancy", "spin-correlation"] }
[lattice]
kind = "chain"
extents = [6]
[hamiltonian]
kind = "hubbard"
U = 4.0
[[wavefunction.factor]]
kind = "slater"
[[wavefunction.factor]]
kind = "gutzwiller"
[[wavefunction.factor]]
kind = "jastrow"
[[wavefunction.factor]]
kind = "rbm"
weights = "complex"
density = 2
[sampler]
kind = "enumeration"
[solver]
kind = "stochastic-reconfiguration"
shift = { absolute = 1e-8, relative = 1e-3, relative_end = 1e-6 }
step = 0.1
"""


class States(unittest.TestCase):
    setUp, path = Cli.setUp, Cli.path

    def run_deck(self, text, name, *sets, code=0, words=(), command="run"):
        deck = self.path(name + ".toml")
        with open(deck, "w") as stream:
            stream.write(text)
        output = ("--output", self.path(name + ".h5")) if command == "run" else ()
        done = koushi(command, deck, *output, *(word for key in sets for word in ("--set", key)), *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def report(self, name):
        return json.loads(koushi("report", self.path(name + ".h5"), "--json").stdout)

    def test_sublattices_are_those_of_all_shells_with_a_coupling(self):
        """Two legs of shell 1, joined by rungs of shell 2: E_0 = -4.20138 by exact diagonalisation; with sublattices of the legs alone the state is not positive and ends at -4.06."""
        self.run_deck(LADDER, "ladder")
        self.assertLess(abs(self.report("ladder")["observables"]["energy"]["value"] + 4.20138029), 1e-6)

    def test_proposals_that_miss_states_are_refused(self):
        """Exchanges along the legs keep the magnetisation of each leg, which H does not."""
        chains = 'sampler={kind="metropolis",moves={exchange=1.0},chains=64,samples=256}'
        said = self.run_deck(LADDER, "missed", chains, code=2, command="check").stderr
        self.assertIn("which no sequence of the proposed moves can do", said)
        self.run_deck(LADDER, "reached", chains.replace("chains=64", "range=2,chains=64"), command="check")
        self.run_deck(LADDER, "own", 'sampler={kind="metropolis",chains=64,samples=256}', command="check")

    def test_supercells_of_large_numbers(self):
        """Any two vectors with a small determinant are a small torus."""
        large = 'lattice={kind="square",supercell=[[33332,1],[33324,1]]}'
        small = 'lattice={kind="square",supercell=[[9996,1],[9988,1]]}'
        energies = []
        for name, lattice in (("large", large), ("small", small)):
            self.run_deck(LADDER, name, lattice, "hamiltonian.J=[1.0]", "hamiltonian.marshall=false", "hamiltonian.field=0.0", 'wavefunction={factor=[{kind="rbm",density=6}]}')
            energies.append(self.report(name)["observables"]["energy"]["value"])
        self.assertLess(abs(energies[0] + 6.81391), 1e-3)
        self.assertLess(abs(energies[1] - energies[0]), 2e-3)

    def test_electrons_reach_the_exact_energy(self):
        """E_0 = -3.668706179 of the Hubbard ring of 6 at half filling, U = 4: determinants alone cannot, the product can to 1e-4. <n_up n_down> = dE/dU / N."""
        self.run_deck(ELECTRONS, "ring")
        found = self.report("ring")["observables"]
        self.assertLess(found["energy"]["value"], -3.668706179 * (1 - 1e-4))
        self.assertGreater(found["energy"]["value"], -3.668706180)
        self.assertGreater(found["double_occupancy"]["value"], 0.10)
        self.assertLess(found["double_occupancy"]["value"], 0.12)

    def test_momenta_reach_the_lowest_energies_of_their_sectors(self):
        """Hubbard ring of 6, U = 4, half filling, and Heisenberg ring of 8: lowest energies of H on the eigenvectors of the translation, diagonalised in the basis of
        ordered fermions."""
        spins = ['hamiltonian={kind="heisenberg"}', "lattice.extents=[8]", 'wavefunction.factor=[{kind="rbm",density=4,width=0.1}]', 'study.measure.observables=["energy"]']
        electrons = ['wavefunction.factor=[{kind="slater",width=0.3,weights="complex"},{kind="gutzwiller"},{kind="jastrow"},{kind="rbm",density=2}]']
        for name, sets, momentum, exact, words in (("rest", electrons, 0, -3.668706179, "of 6 images"), ("pi", electrons, 3, -2.898381474, "of 6 images"),
                                                   ("moving", electrons, 1, -2.422911264, "of 6 images"), ("spins", spins, 4, -3.128419064, "of 8 images")):
            self.run_deck(ELECTRONS, name, *sets, 'wavefunction.symmetry={group="translations",momentum=[%d]}' % momentum)
            found = self.report(name)["observables"]["energy"]["value"]
            self.assertLess(abs(found - exact), 2e-3 * abs(exact), name)
            self.assertGreater(found, exact - 1e-8, name)
            said = koushi("check", self.path(name + ".toml"), *(word for key in sets for word in ("--set", key)), "--set", 'wavefunction.symmetry={group="translations"}').stdout
            self.assertIn(words, said)
        # Where one image is at a node and the sum is not, nothing is wrong in silence: without tables the energy is the same, with them the run is refused.
        nodes = ['hamiltonian.U=4.0', 'lattice={kind="square",extents=[4,4]}', 'wavefunction={symmetry={group="translations"},factor=[{kind="pair-product",width=0.0,pairing="hartree-fock"}]}',
                 'sampler={kind="metropolis",chains=64,samples=512}', "study.steps=3", 'study.measure.samples=512']
        said = self.run_deck(ELECTRONS, "nodes", *nodes, code=4).stderr
        self.assertIn("a positive width", said)
        self.run_deck(ELECTRONS, "apart", *nodes[:2], nodes[2].replace("width=0.0", "width=0.1"), *nodes[3:])
        # States that are their own image have no amplitude at momentum pi, which is no number to divide by; a closed shell of another momentum has none at all.
        self.run_deck(LADDER, "zeros", 'hamiltonian={kind="transverse-field-ising",field=-0.7}', 'lattice={kind="chain",extents=[6]}', 'wavefunction={symmetry={group="translations",momentum=[3]},factor=[{kind="rbm",density=4,weights="complex",width=0.3}]}')
        self.assertLess(abs(self.report("zeros")["observables"]["energy"]["value"] + 6.737369), 1e-3)
        self.assertIn("psi is 0", self.run_deck(ELECTRONS, "nothing", 'wavefunction={symmetry={group="translations",momentum=[1]},factor=[{kind="slater"}]}', code=4).stderr)
        self.run_deck(ELECTRONS, "kondo", 'lattice={kind="chain",extents=[3]}', 'hamiltonian={kind="kondo"}', "sampler.particles=2", 'wavefunction={factor=[{kind="slater"}]}', 'study.measure.observables=["energy"]', "study.steps=30")
        self.assertIn("no factor has parameters", self.run_deck(ELECTRONS, "fixed", 'wavefunction={factor=[{kind="slater",optimised=false}]}', code=2, command="check").stderr)
        # A projected state goes on from one that is not.
        self.run_deck(ELECTRONS, "bare", "study.steps=5")
        self.run_deck(ELECTRONS, "staged", "study.steps=5", 'wavefunction.symmetry={group="space-group"}', 'study.initial_parameters="%s"' % self.path("bare.h5"))
        study = '[study]\nkind = "measure"\nparameters = "%s"\nmeasure = { samples = 64 }\n[lattice]' % self.path("staged.h5")
        said = self.run_deck(re.sub(r"(?s)\[study\].*\[lattice\]", study, ELECTRONS.split("[solver]")[0]), "measured", code=2).stderr
        self.assertIn("another wavefunction.symmetry", said)

    def test_sectors_of_representations_and_spin_inversion_reach_their_levels(self):
        """Chain of 8, J2 = 0.4: the lowest levels of three sectors (exact diagonalisation); of momenta 1 and 7, which are one star, with their own momentum."""
        chain = ['lattice={kind="chain",extents=[8]}', "hamiltonian.J=[1,0.4]", "hamiltonian.marshall=false", "study.steps=70"]
        for momentum, representation, inversion, energy in ((4, "A2", "even", -2.9201183852), (7, "A", "odd", -2.42458274517)):
            symmetry = 'symmetry={group="space-group",momentum=[%d],representation="%s",spin_inversion="%s"}' % (momentum, representation, inversion)
            sets = [*chain, 'wavefunction={%s,factor=[{kind="rbm",weights="complex",density=2,width=0.2}]}' % symmetry]
            done = koushi("run", os.path.join(INPUTS, "heisenberg_chain_10.toml"), "--output", self.path("s.h5"), "--overwrite", *[w for s in sets for w in ("--set", s)])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertAlmostEqual(self.report("s")["observables"]["energy"]["value"], energy, places=6)

    def test_chains_of_electrons_are_the_same_on_any_ranks_and_go_on(self):
        """Shipped decks, shortened: histories bitwise on 1 and 2 ranks, and where a run was stopped and resumed."""
        for name in ("hubbard_square_4x4", "hubbard_square_4x4_half"):
            with self.subTest(name):
                self.check_ranks(INPUTS + "/" + name + ".toml", name)

    def check_ranks(self, deck, name):
        short = [word for key in ("study.steps=6", "study.average=2", "sampler.samples=512", "sampler.chains=64", "study.measure.samples=512") for word in ("--set", key)]
        files = {}
        for ranks in (1, 2):
            files[ranks] = self.path(name + "%d.h5" % ranks)
            self.assertEqual(koushi("run", deck, "--output", files[ranks], *short, ranks=ranks).returncode, 0)
        stopped = self.path(name + "stopped.h5")
        self.assertIn(koushi("run", deck, "--output", stopped, *short, "--time-limit", "1s").returncode, (0, 75))
        self.assertEqual(koushi("run", deck, "--output", stopped, *short, "--resume", ranks=2).returncode, 0)
        compare = "import h5py,sys\na,b=[h5py.File(f) for f in sys.argv[1:3]]\nprint(all((a['history'][k][()]==b['history'][k][()]).all() for k in a['history']))"
        self.assertEqual(Cli.python(self, compare, files[1], files[2]).strip(), "True")
        self.assertEqual(Cli.python(self, compare, files[1], stopped).strip(), "True")
        # Without tables beside the samples: the same to rounding, and bitwise on any ranks.
        bare = {ranks: self.path(name + "bare%d.h5" % ranks) for ranks in (1, 2)}
        for ranks in (1, 2):
            self.assertEqual(koushi("run", deck, "--output", bare[ranks], *short, "--set", "sampler.table_memory=0.0", ranks=ranks).returncode, 0)
        self.assertEqual(Cli.python(self, compare, bare[1], bare[2]).strip(), "True")
        near = compare.replace("(a['history'][k][()]==b['history'][k][()]).all() for k in a['history']", "abs(a['history'][k][0]/b['history'][k][0]-1)<1e-9 for k in ('energy','variance')")
        self.assertEqual(Cli.python(self, near, bare[1], files[1]).strip(), "True")

    def test_clipped_energies_enter_the_step_alone(self):
        """A bound that nothing reaches changes no bit; a narrow one changes the second step, and nothing that is printed of the first. States that are enumerated are not clipped."""
        chains = 'sampler={kind="metropolis",chains=64,samples=512}'
        read = "import h5py,sys\nprint(*h5py.File(sys.argv[1])['history/energy'][()])"
        found = {}
        for name, sets in (("none", ["solver.clip=0.0", chains]), ("far", ["solver.clip=1e9", chains]), ("near", ["solver.clip=0.3", chains]), ("all", ["solver.clip=0.3"]), ("exact", ["solver.clip=0.0"])):
            self.run_deck(ELECTRONS, name, *sets, "study.steps=3", "study.measure.samples=512", "study.average=0", 'study.measure.observables=["energy"]')
            found[name] = Cli.python(self, read, self.path(name + ".h5")).split()
        self.assertEqual(found["none"], found["far"])
        self.assertEqual(found["none"][0], found["near"][0])
        self.assertNotEqual(found["none"][1], found["near"][1])
        self.assertEqual(found["all"], found["exact"])

    def test_total_spin_and_products_of_spins(self):
        """S^2 of a projected pair product is S (S + 1) in every state; E = sum J S_i.S_j, so that the nearest pairs of a Heisenberg ring have E / (N J), with and without a Marshall rotation, and of
        the t-J model without holes; the total spin of what is not projected is no integer's."""
        values = lambda name: self.report(name)
        pairs = 'wavefunction.factor=[{kind="pair-product",pairing="random"%s},{kind="gutzwiller"}]'
        for spin in (0, 1, 2):
            self.run_deck(ELECTRONS, "spin%d" % spin, pairs % (",spin=%d,points=4" % spin), "study.steps=3", 'study.measure.observables=["vector-spin-correlation"]')
            self.assertLess(abs(values("spin%d" % spin)["observables"]["total_spin_squared"]["value"] - spin * (spin + 1)), 1e-9)
        self.run_deck(ELECTRONS, "mixed", pairs % "", "study.steps=3", 'study.measure.observables=["vector-spin-correlation"]')
        self.assertGreater(values("mixed")["observables"]["total_spin_squared"]["value"], 0.05)
        ring = ["lattice.extents=[8]", "study.steps=3", 'study.measure.observables=["vector-spin-correlation"]']
        plain = 'wavefunction.factor=[{kind="rbm",density=2,width=0.2,weights="complex"}]'
        filled = 'wavefunction.factor=[{kind="pair-product",pairing="random",spin=0,points=4}]'
        for name, model, factors, constant in (("bare", 'hamiltonian={kind="heisenberg"}', plain, 0.0), ("marshall", 'hamiltonian={kind="heisenberg",marshall=true}', plain, 0.0),
                                               ("electrons", 'hamiltonian={kind="t-j",J=[1.0],density_term=0.0}', filled, 0.0)):
            self.run_deck(ELECTRONS, name, *ring, model, factors, *(["sampler.electrons=[4,4]"] if name == "electrons" else []))
            found = values(name)
            curve = found["curves"]["vector_spin_correlation"]
            nearest = [value for x, value in zip(curve["x"], curve["value"]) if abs(x - 1) < 1e-9]
            self.assertLess(abs(8 * nearest[0] - found["observables"]["energy"]["value"]), 1e-9, name)
        # A factor that turns with the spins takes the total spin away, which is said.
        for factor, says in (('{kind="rbm",density=1}', True), ('{kind="jastrow",of="spin"}', True), ('{kind="jastrow",of="density"}', False), ('{kind="doublon-holon"}', False)):
            said = self.run_deck(ELECTRONS, "said", 'wavefunction.factor=[{kind="pair-product",spin=0,points=4},%s]' % factor, command="check").stdout
            self.assertEqual("has no total spin" in " ".join(said.split()), says, factor)
        self.assertIn("spins alone and for electrons alone", self.run_deck(ELECTRONS, "none", 'hamiltonian={kind="kondo"}', "sampler.particles=2", 'lattice.extents=[3]', 'wavefunction.factor=[{kind="slater"}]', 'study.measure.observables=["vector-spin-correlation"]', code=2, command="check").stderr)

    def quench(self, name, *sets, code=0, ranks=0, command="run"):
        """A ring of 8 from nearly all spins along x."""
        done = koushi(command, os.path.join(INPUTS, "tfim_quench_chain_20.toml"), *(["--output", self.path(name + ".h5"), "--overwrite"] if command == "run" else []),
                      *[w for s in ("lattice.extents=[8]", 'sampler={kind="enumeration"}', "solver.shift.absolute=1e-10", "study.measure.samples=1", *sets) for w in ("--set", s)], ranks=ranks)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def test_a_quench_follows_the_exact_state(self):
        """sum sigma^x of a ring of 8 against the Taylor series of exp(-i H t) of its 256 amplitudes; the same curve in imaginary time against powers of 1 - H dt."""
        n, gamma = 8, 0.5

        def h(v):
            return [sum((-1 if (x >> i ^ x >> (i + 1) % n) & 1 == 0 else 1) for i in range(n)) * v[x] - gamma * sum(v[x ^ 1 << i] for i in range(n)) for x in range(2 ** n)]

        def evolved(time, factor):
            v, steps = [1.0 + 0j] * 2 ** n, 20
            for _ in range(steps):
                term = list(v)
                for k in range(1, 9):
                    term = [factor * time / steps / k * y for y in h(term)]
                    v = [a + b for a, b in zip(v, term)]
            norm = sum(abs(a) ** 2 for a in v)
            return -gamma * sum((v[x].conjugate() * v[x ^ 1 << i]).real for x in range(2 ** n) for i in range(n)) / norm

        for name, factor, sets in (("real", -1j, ()), ("imaginary", -1, ("study.imaginary=true", "wavefunction.factor.0.weights=real"))):
            said = self.quench(name, "study.time=1.0", "study.every=0.5", *sets).stdout
            curve = self.report(name)["curves"]["energy_field"]
            for t, value in zip(curve["x"][1:], curve["value"][1:]):
                self.assertLess(abs(value - evolved(t, factor)), 1e-2, (name, t))
            self.assertIn("lost", said)
        energies = self.report("real")["curves"]["energy"]["value"]
        self.assertLess(max(energies) - min(energies), 5e-3)
        self.assertEqual(koushi("plot", self.path("real.h5"), "--output", self.path("q.png")).returncode, 0)

    def test_what_cannot_follow_the_time_is_refused(self):
        for sets, said in ((("wavefunction.factor.0.weights=real",), "real time turns its phases"), (("solver.step=0.1",), "steps that look for a ground state"),
                           (("study.method=rk4",), "does not estimate its error"), (("study.every=1e-9",), "more than a million"),
                           (('wavefunction.factor=[{kind="cnn"}]',), "real time turns its phases")):
            self.assertIn(said, self.quench("refused", *sets, code=2, command="check").stderr)
        said = self.quench("singular", "study.time=0.05", "solver.shift.absolute=0.0").stdout
        self.assertIn("singular to rounding", " ".join(said.split()))

    def test_networks_reach_the_exact_energy(self):
        """4x4 Heisenberg, -0.7017802 per site."""
        deck = os.path.join(INPUTS, "heisenberg_square_6x6_resnet.toml")
        sets = ["lattice.extents=[4,4]", "sampler.samples=512", "sampler.chains=64", "study.average=0", "study.steps=80", "study.measure.samples=8192", "wavefunction.factor.0.channels=4", "wavefunction.factor.0.blocks=1",
                "solver.shift.relative_end=1e-3"]
        done = koushi("run", deck, "--output", self.path("one.h5"), *[w for s in sets for w in ("--set", s)])
        self.assertEqual(done.returncode, 0, done.stderr)
        energy = self.report("one")["observables"]["energy_per_site"]
        self.assertLess(abs(energy["value"] + 0.7017802), 1e-3)
        # The same parameters on a larger lattice, where a group convolution has others, and other layers of as many parameters are refused.
        start = 'study.initial_parameters="%s"' % self.path("one.h5")
        ring = ['lattice={kind="chain",extents=[10]}', 'sampler={kind="enumeration"}', "wavefunction.factor.0.channels=4", "wavefunction.factor.0.blocks=1", "study.average=0", "study.steps=100", "solver.step_end=0.05", "solver.max_distance=0.2"]
        larger = [*ring, "lattice.extents=[14]", "study.steps=1", "solver.max_distance=0.001", start]
        for name, own in (("one", ring), ("l", larger)):
            done = koushi("run", deck, "--output", self.path(name + ".h5"), "--overwrite", *[w for s in own for w in ("--set", s)])
            self.assertEqual(done.returncode, 0, done.stderr)
        # -0.4473964 per site (exact diagonalisation)
        self.assertLess(abs(self.report("l")["observables"]["energy_per_site"]["value"] + 0.4473964), 4e-3)
        for change, said in (('wavefunction.factor=[{kind="gcnn"}]', "another lattice.extents"), ("wavefunction.factor.0.activation=silu", "another wavefunction.factor.0.activation")):
            self.assertIn(said, " ".join(koushi("check", deck, *[w for s in [*larger, change] for w in ("--set", s)]).stdout.split()), change)
        # Majumdar and Ghosh: -3/8 per site at J2 = J1 / 2; of every output that can have signs, and of the network of each kind that can
        for kind in ('kind="feed-forward",channels=[8]', 'kind="cnn",channels=[6,6]', 'kind="resnet",channels=4,blocks=1', 'kind="gcnn",channels=[4,4]', 'kind="vit",channels=8',
                     'kind="network",layer=[{kind="convolution"},{kind="activation"},{kind="dense"}]'):
            for output in ("complex", "modulus-and-phase"):
                frustrated = ['lattice={kind="chain",extents=[8]}', 'sampler={kind="enumeration"}', "hamiltonian.J=[1.0,0.5]", "study.steps=150", "study.average=0", "solver.step=0.1", "solver.step_end=0.1", "solver.max_distance=0.3",
                              'wavefunction.factor=[{%s,output="%s"}]' % (kind, output), "solver.shift.relative_end=1e-3"]
                self.assertEqual(koushi("run", deck, "--output", self.path("f.h5"), "--overwrite", *[w for s in frustrated for w in ("--set", s)]).returncode, 0, kind)
                self.assertLess(abs(self.report("f")["observables"]["energy_per_site"]["value"] + 0.375), 8e-3, kind + output)

    def ring_of_eight(self, name, *sets, ranks=0, code=0, more=()):
        """A complex RBM on the Heisenberg ring of 8."""
        own = ['lattice={kind="chain",extents=[8]}', 'wavefunction.factor=[{kind="rbm",weights="complex",density=2}]', 'sampler={kind="enumeration"}', "study.steps=200", "study.average=0", "solver.step=0.1", "solver.step_end=0.1",
               "solver.shift={absolute=1e-4,relative=0.0}"]
        done = koushi("run", os.path.join(INPUTS, "heisenberg_square_4x4.toml"), "--output", self.path(name + ".h5"), *more, *[w for s in [*own, *sets] for w in ("--set", s)], ranks=ranks)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_excited_states_by_penalties(self):
        """The lowest three levels of the ring of 8 with magnetization 0: -3.651093409, -3.128419064, -2.699628148 (exact diagonalisation, and numpy)."""
        files = []
        for k, (level, steps) in enumerate(((-3.651093409, 200), (-3.128419064, 400), (-2.699628148, 600))):
            lower = "study.orthogonal_to=%s" % json.dumps(files)
            self.ring_of_eight("level%d" % k, lower, *(["study.penalty=3.0"] if files else []), "study.steps=%d" % steps)
            found = self.report("level%d" % k)["observables"]
            self.assertLess(abs(found["energy"]["value"] - level), 1e-4, k)
            self.assertEqual(sorted(o for o in found if o.startswith("overlap")), ["overlap_%d" % i for i in range(k)])
            for i in range(k):
                self.assertLess(abs(found["overlap_%d" % i]["value"]), 1e-4)
            files.append(self.path("level%d.h5" % k))
        # By chains, on any ranks, after stops
        sampled = ['sampler={kind="metropolis",moves={exchange=1.0},samples=1024,chains=64}', 'study.orthogonal_to=["%s"]' % files[0], "study.penalty=3.0", "study.steps=150", "study.measure.samples=8192", 'study.initial_parameters="%s"' % files[0]]
        for name, ranks in (("one", 0), ("two", 2)):
            said = self.ring_of_eight(name, *sampled, ranks=ranks).stdout
            self.assertIn("overlap", said)
        found = self.report("one")["observables"]
        self.assertLess(abs(found["energy"]["value"] + 3.128419064), 0.02)
        self.assertLess(abs(found["overlap_0"]["value"]), 0.02 + 5 * found["overlap_0"]["error"])
        short = [*sampled, "study.steps=6"]
        self.ring_of_eight("short", *short)
        for more in ([], ["--resume"]):  # without room every start makes one step
            ENV["SLURM_JOB_END_TIME"] = "1"
            self.ring_of_eight("cut", *short, code=75, more=more)
            del ENV["SLURM_JOB_END_TIME"]
        self.ring_of_eight("cut", *short, more=["--resume"])
        for one, other in (("one", "two"), ("short", "cut")):
            for group in ("history", "observables"):
                self.assertEqual(Cli.history(self, self.path(one + ".h5"), group), Cli.history(self, self.path(other + ".h5"), group), one + group)

    def test_a_network_becomes_the_state_of_another_run(self):
        """The ground state of the ring of 8, then as a network of other layers, which ends at its energy without knowing H (J is another one)."""
        self.ring_of_eight("ground")
        energy = self.report("ground")["observables"]["energy"]["value"]
        target = ['study.target="%s"' % self.path("ground.h5"), 'wavefunction.factor=[{kind="feed-forward",channels=[12],output="complex"}]', "study.steps=100", "solver.step=0.5", "solver.step_end=0.5", "solver.max_distance=0.5"]
        self.ring_of_eight("copy", *target)
        found = self.report("copy")["observables"]
        self.assertLess(abs(found["overlap_0"]["value"] - 1), 1e-4)
        self.assertLess(abs(found["energy"]["value"] - energy), 1e-2)
        self.ring_of_eight("scaled", *target, "hamiltonian.J=[2.0]")
        self.assertAlmostEqual(self.report("scaled")["observables"]["energy"]["value"], 2 * found["energy"]["value"], places=9)
        sampled = [*target, 'sampler={kind="metropolis",moves={exchange=1.0},samples=2048,chains=64}', "study.measure.samples=4096", "solver.shift.absolute=1e-3", "solver.step=0.2", "solver.step_end=0.2", "solver.max_distance=0.1"]
        self.ring_of_eight("sampled", *sampled)
        overlap = self.report("sampled")["observables"]["overlap_0"]
        self.assertLess(abs(overlap["value"] - 1), 0.02)
        for sets, said in (((target[0], "hamiltonian.marshall=false"), "another hamiltonian.marshall"), ((target[0], "study.orthogonal_to=%s" % json.dumps([self.path("ground.h5")])), "one of the two")):
            self.assertIn(said, " ".join(self.ring_of_eight("refused", *sets, code=2).stderr.split()))

    def test_finished_states_are_what_they_were(self):
        """The other state stays that of the beginning where its file changes; one that psi cannot become is warned of; states that cannot be drawn have chains beside one that can."""
        for name in ("a", "b"):
            self.ring_of_eight(name, "seed=%d" % (3 + ord(name)), "study.steps=%d" % (5 if name == "b" else 200))
        lower = ['study.orthogonal_to=["%s"]' % self.path("low.h5"), "study.penalty=3.0", "study.steps=4", "study.measure.samples=1"]
        shutil.copy(self.path("a.h5"), self.path("low.h5"))
        self.ring_of_eight("whole", *lower)
        ENV["SLURM_JOB_END_TIME"] = "1"
        self.ring_of_eight("cut", *lower, code=75)
        del ENV["SLURM_JOB_END_TIME"]
        shutil.copy(self.path("b.h5"), self.path("low.h5"))
        self.ring_of_eight("cut", *lower, more=["--resume"])
        self.assertEqual(Cli.history(self, self.path("whole.h5")), Cli.history(self, self.path("cut.h5")))
        target = 'study.target="%s"' % self.path("a.h5")
        # the ground state has momentum 0 with Marshall's signs
        self.assertIn("psi did not become that state", " ".join(self.ring_of_eight("other", target, "study.steps=20", 'wavefunction.symmetry={group="translations",momentum=[4]}').stdout.split()))
        said = self.ring_of_eight("drawn", target, 'wavefunction.factor=[{kind="autoregressive-dense"}]', 'sampler={kind="direct",samples=1024,chains=64}', "study.steps=60", "solver.step=0.2", "study.measure.samples=4096").stdout
        self.assertNotIn("did not become", said)
        ENV["SLURM_JOB_END_TIME"] = "1"
        self.ring_of_eight("stopped", code=75)
        del ENV["SLURM_JOB_END_TIME"]
        self.assertEqual(koushi("run", os.path.join(INPUTS, "exact_square_4x4.toml"), "--set", 'lattice={kind="chain",extents=[8]}', "--output", self.path("exact.h5")).returncode, 0)
        for name, reason in (("stopped", "that run is not finished (stopped)"), ("exact", "no parameters of a wavefunction")):
            self.assertIn(reason, " ".join(self.ring_of_eight("refused", 'study.orthogonal_to=["%s"]' % self.path(name + ".h5"), code=2).stderr.split()))

    def test_runs_that_no_state_can_be_orthogonal_to_are_refused(self):
        self.ring_of_eight("ground")
        ground = 'study.orthogonal_to=["%s"]' % self.path("ground.h5")
        positive = 'wavefunction.factor=[{kind="rbm",weights="real"}]'
        self.ring_of_eight("positive", positive)
        for sets, said in (((ground, 'lattice={kind="chain",extents=[10]}'), "another lattice.extents"), ((ground, "hamiltonian.marshall=false"), "another hamiltonian.marshall"),
                           ((ground, "sampler.magnetization=2"), "another sampler.magnetization"), (('study.orthogonal_to=["none.h5"]',), "none.h5"),
                           (('study.orthogonal_to=["%s"]' % self.path("positive.h5"), positive), "neither its state nor psi changes its sign")):
            self.assertIn(said, " ".join(self.ring_of_eight("refused", *sets, code=2).stderr.split()))
        # an overlap that stays is warned of
        said = self.ring_of_eight("weak", ground, "study.penalty=0.01", "study.steps=50").stdout
        self.assertIn("a larger study.penalty", " ".join(said.split()))

    def test_autoregressive_states_are_drawn_without_chains(self):
        """4x4 Heisenberg, -0.7017802 per site."""
        deck = os.path.join(INPUTS, "heisenberg_square_4x4.toml")
        sets = ['sampler={kind="direct",chains=64,samples=512}', "study.average=0", "solver.step=0.1", "solver.step_end=0.03", "study.measure.samples=4096"]
        for kind in ('kind="autoregressive-dense",channels=[4]', 'kind="autoregressive-conv",channels=[6,6],kernel=[3,3]'):
            own = [*sets, "wavefunction.factor=[{%s}]" % kind]
            for name, ranks, steps in (("one", 0, 5), ("two", 2, 5), ("long", 0, 100)):
                done = koushi("run", deck, "--output", self.path(name + ".h5"), "--overwrite", *[w for s in [*own, "study.steps=%d" % steps] for w in ("--set", s)], ranks=ranks)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn("acceptance", done.stdout)
            for group in ("history", "observables"):
                self.assertEqual(Cli.history(self, self.path("one.h5"), group), Cli.history(self, self.path("two.h5"), group))
            energy = self.report("long")["observables"]["energy_per_site"]
            self.assertLess(abs(energy["value"] + 0.7017802), 2e-2, kind)
            self.assertLess(energy["tau_int"], 0.75)

    def exact(self, deck, output, *sets, ranks=0):
        done = koushi("run", os.path.join(INPUTS, deck + ".toml"), "--output", self.path(output + ".h5"), "--overwrite", *[w for s in sets for w in ("--set", s)], ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.report(output)

    def test_exact_levels_of_any_ranks_and_runs_against_them(self):
        """Energies and quantum numbers of two ranks are those of one; S(pi, pi) of the singlet is N m_s^2; a variational run is compared with them, one of another model is refused."""
        results = [self.exact("exact_square_4x4", "e%d" % ranks, ranks=ranks) for ranks in (1, 2)]
        observables = results[1]["observables"]
        self.assertAlmostEqual(observables["energy_per_site"]["value"], -0.7017802005, places=9)
        self.assertAlmostEqual(observables["total_spin_squared"]["value"], 0, places=9)
        self.assertAlmostEqual(16 * observables["staggered_magnetization2"]["value"], max(results[1]["curves"]["vector_structure_factor"]["value"]), places=9)
        for one, two in zip(*[r["levels"] for r in results]):
            self.assertAlmostEqual(one.pop("energy"), two.pop("energy"), places=10)
            self.assertLess(max(one.pop("residual"), two.pop("residual")), 1e-8)
            self.assertEqual(one, two)
        self.assertEqual(results[0]["levels"][:2], [{"degeneracy": 1, "momentum": [0, 0], "representation": "A1", "spin": 0, "spin_inversion": 1},
                                                    {"degeneracy": 1, "momentum": [2, 2], "representation": "A1", "spin": 1, "spin_inversion": -1}])
        for name, sets in (("curves", ()), ("alone", ('study.measure.observables=["energy"]', "study.symmetry.group=none"))):
            self.exact("exact_square_4x4", name, *sets)
            self.assertEqual(koushi("plot", self.path(name + ".h5"), "--output", self.path(name + ".png")).returncode, 0)
        run = self.path("v.h5")
        self.assertEqual(koushi("run", os.path.join(INPUTS, "heisenberg_square_4x4.toml"), "--output", run, "--set", "study.steps=60", "--set", "study.average=0", "--set", "study.measure.samples=4096").returncode, 0)
        self.assertIn("relative", koushi("report", run, "--against", self.path("e1.h5")).stdout)
        against = json.loads(koushi("report", run, "--against", self.path("e1.h5"), "--json").stdout)["observables"]["energy"]
        self.assertAlmostEqual(against["value"] - against["deviation"], -11.2284832084, places=8)
        self.exact("exact_square_4x4", "other", "hamiltonian.J=[1,0.5]", 'study.measure.observables=["energy"]')
        refused = koushi("report", run, "--against", self.path("other.h5"))
        self.assertEqual(refused.returncode, 2)
        self.assertIn("hamiltonian.J is [1] here and [1, 0.5] there", refused.stderr)
        # of another sector, of a variational run, of one momentum; S^x S^x is S^z S^z of a singlet
        self.exact("exact_square_4x4", "turned", "sector.magnetization=2", 'study.measure.observables=["energy"]')
        self.assertIn("magnetization is 0 here and 2 there", koushi("report", run, "--against", self.path("turned.h5")).stderr)
        self.assertIn("not of an exact diagonalisation", koushi("report", self.path("e1.h5"), "--against", run).stderr)
        moving = self.exact("exact_square_4x4", "moving", "study.symmetry.momentum=[2,2]", 'study.measure={observables=["operators"],operators={terms=[[1.0,"Sx",0,"Sx",1],[1.0,"Sy",0,"Sy",5],[1.0,"Sz",0,"Sz",1]]}}')
        self.assertIn("lowest state with momentum = [2, 2]", koushi("report", run, "--against", self.path("moving.h5")).stdout)
        self.assertEqual(moving["levels"][0]["momentum"], [2, 2])
        untied = self.exact("exact_square_4x4", "untied", "study.symmetry.group=none", "study.levels=1", 'study.measure={observables=["operators"],operators={terms=[[1.0,"Sx",0,"Sx",1],[1.0,"Sz",0,"Sz",1]]}}')
        self.assertEqual(untied["levels"][0]["momentum"], [])
        values = untied["curves"]["operators"]["value"]
        self.assertAlmostEqual(values[0], values[1], places=8)

    def test_exact_levels_of_decks_are_those_of_the_tables(self):
        """E/N, and of the lowest level degeneracy, momentum and spin, each from a source of its own."""
        alone = 'study.measure.observables=["energy"]'
        for deck, sets, energy, level in (
                ("exact_square_4x4", ["hamiltonian.J=[1,0.5]", alone], -0.5286202, (1, [0, 0], 0)),
                ("exact_kagome_12", [], -0.45373960, (1, [0, 0], 0)),
                ("exact_triangular_12", [], -0.61033014, (1, [0, 0], 0)),
                ("exact_triangular_12", ['lattice={kind="triangular",extents=[4,3]}'], -0.57756770, (1, [2, 0], 0)),
                ("exact_honeycomb_18", [], -0.56095366, (1, [0, 0], 0)),
                ("exact_kitaev_honeycomb_18", ["study.levels=1"], -0.198493092, None),  # a Lanczos run of its own, numpy
                ("exact_tj_square_4x4", ["study.levels=2"], -10.683919735 / 16, None),
                ("exact_hubbard_chain_12", [alone, "study.symmetry.momentum=[6]", "study.levels=1"], -6.9203535624 / 12, (1, [6], 0))):
            with self.subTest(deck=deck, sets=sets):
                result = self.exact(deck, "t", *sets)
                self.assertAlmostEqual(result["observables"]["energy_per_site"]["value"], energy, delta=1e-8)
                if level:
                    found = result["levels"][0]
                    self.assertEqual((found["degeneracy"], found["momentum"], found["spin"]), level)

    def test_variances_with_errors_and_extrapolations_to_zero(self):
        """Var H and the V-score of chains against those of the enumerated state; energies of three states on the way to the ground state, E = -3.6510934, against their variances."""
        ring = """title = "ring of 8"
[study]
%s
[lattice]
kind = "chain"
extents = [8]
[hamiltonian]
kind = "heisenberg"
marshall = true
[[wavefunction.factor]]
kind = "rbm"
weights = "real"
density = 2
symmetry = "translations"
[sampler]
%s
"""
        solver = '[solver]\nkind = "stochastic-reconfiguration"\nstep = 0.05\n'
        measured = 'measure = { samples = 65536, observables = ["variance"] }'
        points = []
        for steps in (25, 40, 60):
            self.run_deck(ring % ('kind = "ground-state"\nsteps = %d\n%s' % (steps, measured), 'kind = "enumeration"') + solver, "v%d" % steps)
            found = self.report("v%d" % steps)["observables"]
            self.assertAlmostEqual(found["v_score"]["value"], 8 * found["variance"]["value"] / found["energy"]["value"] ** 2, places=12)
            points.append(found)
        exact = points[0]
        self.run_deck(ring % ('kind = "measure"\nparameters = "%s"\n%s' % (self.path("v25.h5"), measured), 'kind = "metropolis"\nmoves = { exchange = 1.0 }'), "chains")
        found = self.report("chains")["observables"]
        for name in ("variance", "v_score"):
            self.assertLess(abs(found[name]["value"] - exact[name]["value"]), 4.5 * found[name]["error"])
            self.assertLess(found[name]["error"], 0.1 * found[name]["value"])
        row = json.loads(koushi("report", self.path("chains.h5"), "--row").stdout)
        self.assertEqual((row["n_sites"], row["e_inf"], row["hamiltonian"]["kind"], row["lattice"]["extents"], row["sector"]), (8, 0, "heisenberg", [8], {"magnetization": 0}))
        self.assertEqual((row["energy"], row["variance"], row["variance_error"]), (found["energy"]["value"], found["variance"]["value"], found["variance"]["error"]))
        self.assertAlmostEqual(row["v_score"], found["v_score"]["value"], places=12)
        self.assertEqual(len(koushi("report", self.path("v25.h5"), self.path("chains.h5"), "--row").stdout.splitlines()), 2)
        refused = koushi("report", self.path("chains.h5"), "--row", "--json")
        self.assertEqual((refused.returncode, refused.stdout), (2, ""))
        deck = self.path("zero.toml")
        with open(deck, "w") as stream:
            stream.write('title = "x"\n[study]\nkind = "extrapolation"\nfiles = %s\nobservable = "energy"\nx = "variance"\npowers = [1]\nweighted = false\n[output]\nfile = "zero.h5"\n' %
                         json.dumps([self.path("v%d.h5" % steps) for steps in (25, 40, 60)]))
        done = koushi("run", deck, "--output", self.path("zero.h5"), "--overwrite")
        self.assertEqual(done.returncode, 0, done.stderr)
        limit = json.loads(koushi("report", self.path("zero.h5"), "--json").stdout)["observables"]["limit"]
        best = min(abs(point["energy"]["value"] + 3.6510934092) for point in points)
        self.assertLess(abs(limit["value"] + 3.6510934092), 0.75 * best)

    def test_lanczos_steps_of_chains_are_those_of_the_enumerated_state(self):
        """Two steps on a ring of 6 with U = 4, E = -3.6687061788; the numbers of samples are the same on any ranks."""
        ring = """title = "ring of 6"
[study]
%s
measure = { samples = 8192, observables = ["lanczos", "variance"], lanczos.steps = 2 }
[lattice]
kind = "chain"
extents = [6]
[hamiltonian]
kind = "hubbard"
[[wavefunction.factor]]
kind = "slater"
[[wavefunction.factor]]
kind = "gutzwiller"
[sampler]
electrons = [3, 3]
%s
"""
        solver = '[solver]\nkind = "stochastic-reconfiguration"\nstep = 0.1\n'
        self.run_deck(ring % ('kind = "ground-state"\nsteps = 40', 'kind = "enumeration"') + solver, "enumerated")
        exact = {name: one["value"] for name, one in self.report("enumerated")["observables"].items()}
        ground = -3.6687061788
        self.assertLess(exact["lanczos_energy"] - ground, 0.05 * (exact["energy"] - ground))
        self.assertGreater(exact["lanczos_energy"], ground)
        self.assertLess(abs(exact["lanczos_extrapolated_energy"] - ground), exact["lanczos_energy"] - ground)
        deck = self.path("chains.toml")
        with open(deck, "w") as stream:
            stream.write(ring % ('kind = "measure"\nparameters = "%s"' % self.path("enumerated.h5"), 'kind = "metropolis"\nchains = 64\nsamples = 512'))
        for ranks in (1, 2):
            self.assertEqual(koushi("run", deck, "--output", self.path("chains%d.h5" % ranks), ranks=ranks).returncode, 0)
        found = self.report("chains1")["observables"]
        self.assertEqual(found, self.report("chains2")["observables"])
        for name in ("lanczos_energy", "lanczos_variance", "lanczos_v_score", "lanczos_extrapolated_energy"):
            self.assertLess(abs(found[name]["value"] - exact[name]), 4.5 * found[name]["error"], name)
        self.assertLess(found["lanczos_energy"]["error"], 0.01)

    def test_steps_that_are_enough_and_measurements_to_a_precision(self):
        """Both end where they would have ended without a stop, and on other ranks."""
        deck = os.path.join(INPUTS, "heisenberg_square_4x4.toml")
        sets = [word for one in ("study.stop.v_score=0.02", "study.average=5", "study.steps=200", "sampler.samples=512", "study.measure.samples=200000", "study.measure.precision=5e-5") for word in ("--set", one)]
        for ranks in (1, 2):
            self.assertEqual(koushi("run", deck, *sets, "--output", self.path("p%d.h5" % ranks), ranks=ranks).returncode, 0)
        self.assertIn(koushi("run", deck, *sets, "--output", self.path("stopped.h5"), "--time-limit", "0.3s").returncode, (0, 75))
        self.assertEqual(koushi("run", deck, *sets, "--output", self.path("stopped.h5"), "--resume").returncode, 0)
        found = self.report("p1")
        self.assertEqual(found["observables"], self.report("p2")["observables"])
        self.assertEqual(found["observables"], self.report("stopped")["observables"])
        energy = found["observables"]["energy_per_site"]
        self.assertLess(energy["error"], 5e-5)
        self.assertGreater(energy["error"], 3.5e-5)
        compare = "import h5py,sys\na=h5py.File(sys.argv[1])['history/v_score'][()]\nprint(len(a), a[-15:-5].mean() <= 0.02, min(a[k-10:k].mean() for k in range(10,len(a)-5)) > 0.02)"
        steps, enough, before = Cli.python(self, compare, self.path("p1.h5")).split()
        self.assertLess(int(steps), 150)
        self.assertEqual((enough, before), ("True", "True"))
        missed = koushi("run", deck, *sets, "--set", "study.measure.samples=2048", "--set", "study.measure.precision=1e-6", "--output", self.path("missed.h5"))
        self.assertIn("above study.measure.precision = 1e-06", missed.stdout)
        unchanged = koushi("run", deck, *sets, "--set", "study.stop={unchanged=20}", "--set", "study.measure.samples=0", "--set", "study.measure={samples=0}", "--output", self.path("unchanged.h5"))
        self.assertIn("of 200: study.stop asks for no more", unchanged.stdout)

    def test_dimer_correlations_are_those_of_the_dense_ground_state(self):
        """Of a ring of 8 with J2 = 0.3, exactly and by an enumerated RBM with rotated spins; of a kagome cluster, whose six sets of bonds are alike."""
        dense = """import json,numpy
n=8
S=[numpy.array([[0,1],[1,0]])/2,numpy.array([[0,-1j],[1j,0]])/2,numpy.diag([0.5,-0.5])]
def at(op,i): return numpy.kron(numpy.kron(numpy.eye(2**i),op),numpy.eye(2**(n-1-i)))
D=lambda i,j: sum(at(s,i)@at(s,j) for s in S).real
result=[]
for J2 in (0.3,0.0):
    h=sum(D(i,(i+1)%n)+J2*D(i,(i+2)%n) for i in range(n))
    e,v=numpy.linalg.eigh(h); v=v[:,0]
    d=[D(i,(i+1)%n)@v for i in range(n)]
    mean=numpy.mean([v@x for x in d])
    c=[numpy.mean([d[i]@d[(i+r)%n] for i in range(n)])-mean**2 for r in range(n)]
    result.append([c[:5],[sum(c[r]*numpy.cos(2*numpy.pi*k*r/n) for r in range(n)) for k in range(n)]])
print(json.dumps(result))"""
        expected = json.loads(Cli.python(self, dense))
        ring = 'title = "t"\n[study]\nkind = "exact"\nmeasure = { observables = ["dimer-correlation"] }\n[lattice]\nkind = "chain"\nextents = [8]\n[hamiltonian]\nkind = "heisenberg"\nJ = [1.0, 0.3]\n'
        self.run_deck(ring, "ring")
        for name, numbers in zip(("dimer_correlation_0", "dimer_structure_factor_0"), expected[0]):
            curve = self.report("ring")["curves"][name]
            self.assertEqual(len(curve["value"]), len(numbers))
            for a, b in zip(curve["value"], numbers):
                self.assertAlmostEqual(a, b, places=9)
        self.run_deck(ring.replace('"exact"', '"ground-state"\nsteps = 150').replace("measure = {", "measure = { samples = 1,").replace("J = [1.0, 0.3]", "marshall = true") +
                      '[[wavefunction.factor]]\nkind = "rbm"\nweights = "real"\ndensity = 2\nsymmetry = "translations"\n[sampler]\nkind = "enumeration"\n[solver]\nkind = "stochastic-reconfiguration"\nstep = 0.1\n', "rotated")
        for a, b in zip(self.report("rotated")["curves"]["dimer_structure_factor_0"]["value"], expected[1][1]):
            self.assertAlmostEqual(a, b, delta=3e-3)
        kagome = ring.replace('"chain"\nextents = [8]', '"kagome"\nextents = [2, 2]').replace("[1.0, 0.3]", "[1.0]")
        self.run_deck(kagome, "kagome")
        curves = self.report("kagome")["curves"]
        for s in range(1, 6):
            for a, b in zip(sorted(curves["dimer_structure_factor_0"]["value"]), sorted(curves["dimer_structure_factor_%d" % s]["value"])):
                self.assertAlmostEqual(a, b, places=8)
        self.assertNotIn("dimer_structure_factor_6", curves)
        self.assertIn("dimer-correlation: it is built for spins alone", self.run_deck(ring.replace('"heisenberg"\nJ = [1.0, 0.3]', '"hubbard"'), "electrons", code=2).stderr)

    def test_chiralities_are_those_of_the_dense_ground_state(self):
        """Of a triangular cluster of 9 spins with fields on two sites and a chiral term on one triangle: means and structure factors of triangles that point up and down."""
        dense = """import json,numpy
n=9
S=[numpy.array([[0,1],[1,0]])/2,numpy.array([[0,-1j],[1j,0]])/2,numpy.diag([0.5,-0.5])]
def at(op,i): return numpy.kron(numpy.kron(numpy.eye(2**i),op),numpy.eye(2**(n-1-i)))
s=[[at(op,i) for op in S] for i in range(n)]
site=lambda x,y: 3*(x%3)+y%3
def chi(i,j,k): return sum(sign*s[i][a]@s[j][b]@s[k][c] for a,b,c,sign in ((0,1,2,1),(1,2,0,1),(2,0,1,1),(0,2,1,-1),(2,1,0,-1),(1,0,2,-1)))
h=0.3*s[0][2]-0.2*s[4][2]+0.4*chi(0,3,1)
for x in range(3):
    for y in range(3):
        for dx,dy in ((0,1),(1,-1),(1,0)): h=h+sum(s[site(x,y)][a]@s[site(x+dx,y+dy)][a] for a in range(3))
kept=numpy.where(abs(numpy.diag(sum(one[2] for one in s)).real-0.5)<1e-9)[0]
e,v=numpy.linalg.eigh(h[numpy.ix_(kept,kept)]); psi=numpy.zeros(2**n,complex); psi[kept]=v[:,0]
result=[]
for corners in (((0,0),(1,0),(0,1)),((0,0),(1,-1),(1,0))):
    c={(x,y): chi(*[site(x+a,y+b) for a,b in corners])@psi for x in range(3) for y in range(3)}
    mean=numpy.mean([numpy.vdot(psi,one).real for one in c.values()])
    factor=[sum(numpy.vdot(c[p],c[q]).real*numpy.cos(2*numpy.pi*(k*(p[0]-q[0])+l*(p[1]-q[1]))/3) for p in c for q in c)/9 for k in range(3) for l in range(3)]
    result.append([mean,factor])
print(json.dumps([e[0],result]))"""
        energy, expected = json.loads(Cli.python(self, dense))
        chiral = ", ".join('[0.0, %g, "Sz", %d, "S+", %d, "S-", %d], [0.0, %g, "Sz", %d, "S-", %d, "S+", %d]' % (0.2, i, j, k, -0.2, i, j, k) for i, j, k in ((0, 3, 1), (3, 1, 0), (1, 0, 3)))
        deck = ('title = "t"\n[study]\nkind = "exact"\nlevels = 1\nmeasure = { observables = ["scalar-chirality"] }\n[lattice]\nkind = "triangular"\nextents = [3, 3]\n[hamiltonian]\nkind = "heisenberg"\n'
                'extra_terms = [[0.3, "Sz", 0], [-0.2, "Sz", 4], %s]\n[sector]\nmagnetization = 1\n' % chiral)
        self.run_deck(deck, "chiral")
        report = self.report("chiral")
        self.assertAlmostEqual(report["observables"]["energy"]["value"], energy, places=9)
        found = [(report["observables"]["scalar_chirality_%d" % k]["value"], report["curves"]["chirality_structure_factor_%d" % k]["value"]) for k in (0, 1)]
        for (mean, factor), (own_mean, own_factor) in zip(sorted(expected), sorted(found)):
            self.assertAlmostEqual(mean, own_mean, places=8)
            for a, b in zip(factor, own_factor):
                self.assertAlmostEqual(a, b, places=8)
        self.assertGreater(abs(expected[0][0]), 1e-3)
        self.assertIn("no triangles of nearest neighbours", self.run_deck(deck.replace("triangular", "square"), "square", code=2).stderr)
        self.assertEqual(koushi("plot", self.path("chiral.h5"), "--output", self.path("chiral.png")).returncode, 0)

    def test_exact_runs_go_on_after_kills(self):
        """A run that is killed at random moments on changing ranks has the levels of one that was not."""
        sets = ["--set", "study.levels=6", "--set", "output.checkpoint=0.01 s"]
        deck = os.path.join(INPUTS, "exact_hubbard_tilted_10.toml")
        Cli.kill_until_done(self, deck, sets, self.path("parts.h5"), 0, (0.1, 1.0))
        whole = self.exact("exact_hubbard_tilted_10", "whole", "study.levels=6")
        for one, two in zip(whole["levels"], self.report("parts")["levels"]):
            self.assertAlmostEqual(one["energy"], two["energy"], places=9)
            self.assertEqual([one[k] for k in ("degeneracy", "momentum", "representation", "spin")], [two[k] for k in ("degeneracy", "momentum", "representation", "spin")])

    def test_momenta_pairs_and_listed_operators_of_exact_states(self):
        """Free electrons: n(k) is 1 below the Fermi level, products of one-body Green functions are all of a pair correlation and of every listed operator. With U, at a momentum that makes psi complex: the sum of n(k)
        and the kinetic energy. Attraction pairs on sites."""
        observables = 'study.measure={observables=["pair-correlation","momentum-distribution","double-occupancy","operators"],pair-correlation={waves=["s","extended-s"]},operators={terms=%s}}'
        terms = '[[1.0,"cdag_up",0,"c_up",1],[1.0,"cdag_up",1,"c_up",0,"cdag_down",0,"c_down",1],[0.0,1.0,"cdag_up",0,"c_up",1],[2.0,"S+",0,"S-",0]]'
        ring = ["hamiltonian.U=%s", 'lattice={kind="chain",extents=[6]}', "study.levels=1", observables % terms]
        free = self.exact("exact_hubbard_chain_12", "free", *[w % 0.0 if "%s" in w else w for w in ring], "sector.electrons=[3,3]")
        curves = free["curves"]
        self.assertLess(max(abs(a - b) for a, b in zip(curves["momentum_distribution"]["value"], [1, 1, 0, 0, 0, 1])), 1e-9)
        for wave in ("s", "extended_s"):
            self.assertLess(max(abs(v) for v in curves[wave + "_pair_correlation_vertex"]["value"]), 1e-9)
            self.assertGreater(max(abs(v) for v in curves[wave + "_pair_correlation"]["value"]), 0.1)
        g = 1 / 3
        self.assertLess(max(abs(a - b) for a, b in zip(curves["operators"]["value"] + curves["operators_im"]["value"], [g, g * g, 0, 2 * 0.25, 0, 0, g, 0])), 1e-9)
        moving = self.exact("exact_hubbard_chain_12", "moving", *[w % 4.0 if "%s" in w else w for w in ring], "sector.electrons=[3,2]", "study.symmetry.momentum=[1]")
        nk = moving["curves"]["momentum_distribution"]
        self.assertAlmostEqual(sum(nk["value"]), 2.5, places=8)
        self.assertGreater(abs(nk["value"][1] - nk["value"][5]), 1e-3)
        kinetic = sum(-2 * math.cos(k) * 2 * n for k, n in zip(nk["x"], nk["value"]))
        found = moving["observables"]
        self.assertAlmostEqual(found["energy"]["value"], kinetic + 4.0 * 6 * found["double_occupancy"]["value"], places=7)
        pairs = self.exact("exact_hubbard_chain_12", "pairs", *[w % -4.0 if "%s" in w else w for w in ring], "sector.electrons=[3,3]")["observables"]
        self.assertGreater(pairs["s_pair_order_vertex"]["value"], 0.05)
        # The same estimators of samples agree with those of all states.
        sampled = ['wavefunction.factor=[{kind="slater"},{kind="gutzwiller"}]', "study.steps=1", "study.measure.observables=[\"pair-correlation\",\"momentum-distribution\"]"]
        self.run_deck(ELECTRONS, "all", *sampled)
        self.run_deck(ELECTRONS, "some", *sampled, "study.measure.samples=20000", 'sampler={kind="metropolis",chains=64,samples=2048,sweeps=3.0,electrons=[3,3]}')
        for name, curve in self.report("some")["curves"].items():
            exact = self.report("all")["curves"][name]["value"]
            for value, error, known in zip(curve["value"], curve["error"], exact):
                self.assertLess(abs(value - known), 5 * (error or 0) + 0.02, name)

    def test_walkers_are_the_same_on_any_ranks_and_go_on_after_kills(self):
        """Green-function Monte Carlo from a finished run: histories bitwise on 1 and 2 ranks and after kills; the energy lies between those of the ground state and of psi."""
        self.run_deck(ELECTRONS, "psi", "study.steps=20", 'wavefunction.factor=[{kind="slater"},{kind="gutzwiller"}]')
        walks = ELECTRONS.replace('kind = "ground-state"\nsteps = 200\nmeasure = { samples = 1, observables = ["double-occupancy", "spin-correlation"] }',
                                  'kind = "green-function"\nparameters = "%s"\nintervals = 400\nwarm_up = 40\ninterval = 0.1' % self.path("psi.h5"))
        walks = walks[:walks.index("[[wavefunction.factor]]")] + '[[wavefunction.factor]]\nkind = "slater"\n[[wavefunction.factor]]\nkind = "gutzwiller"\n[sampler]\nkind = "metropolis"\nchains = 64\nsamples = 512\n'
        self.run_deck(walks, "one")
        deck = self.path("one.toml")
        self.assertEqual(koushi("run", deck, "--output", self.path("two.h5"), ranks=2).returncode, 0)
        Cli.kill_until_done(self, deck, ["--set", "output.checkpoint=0.1 s"], self.path("killed.h5"), 0, (0.2, 0.6))
        compare = "import h5py,sys\na,b=[h5py.File(f) for f in sys.argv[1:3]]\nprint(all((a['history'][k][()]==b['history'][k][()]).all() for k in a['history']))"
        for other in ("two", "killed"):
            self.assertEqual(Cli.python(self, compare, self.path("one.h5"), self.path(other + ".h5")).strip(), "True", other)
        psi, found = self.report("psi")["observables"]["energy"], self.report("one")["observables"]["energy"]
        self.assertLess(found["value"], psi["value"])
        self.assertGreater(found["value"], -3.668706180 - 4 * found["error"])
        self.assertLess(found["error"], 0.02)
        self.assertEqual(koushi("plot", self.path("one.h5"), "--output", self.path("one.png")).returncode, 0)
        # Every move of an antiferromagnet would cross a node of a positive psi.
        positive = walks[:walks.index("[lattice]")].replace('parameters = "%s"\n' % self.path("psi.h5"), "").replace("intervals = 400", "intervals = 30")
        still = self.run_deck(positive + '[lattice]\nkind = "chain"\nextents = [6]\n[hamiltonian]\nkind = "heisenberg"\n[[wavefunction.factor]]\nkind = "rbm"\nweights = "real"\n[sampler]\nkind = "metropolis"\nmoves = { exchange = 1.0 }\nchains = 64\nsamples = 64\n', "still")
        self.assertIn("walkers hop less than once", still.stdout)

    def test_sectors_that_do_not_exist_are_refused(self):
        for sets, words in ((["sampler.electrons=[7,1]"], "from 0 to 6"), (["sampler.electrons=[3]"], "two, [up, down]"), (["sampler.particles=3"], "no such number"),
                            (["sampler.magnetization=2"], "no such number"), (['hamiltonian={kind="t-j"}', "sampler.electrons=[4,3]", 'wavefunction={factor=[{kind="slater"}]}'], "no state of 6 sites"),
                            (['hamiltonian={kind="heisenberg",spin=1.0}', 'wavefunction={factor=[{kind="rbm"}]}', "sampler.magnetization=1"], "cannot be the sum of 6 spins"),
                            (['hamiltonian={kind="heisenberg",spin=0.75}', 'wavefunction={factor=[{kind="rbm"}]}'], "is no spin"),
                            (['hamiltonian={kind="bose-hubbard",n_max=2}', 'wavefunction={factor=[{kind="rbm"}]}', "sampler.particles=13"], "from 0 to 12"),
                            (['hamiltonian={kind="heisenberg"}', 'wavefunction={factor=[{kind="slater"}]}'], "there are no fermions"),
                            (['hamiltonian={kind="heisenberg"}', 'wavefunction={factor=[{kind="gutzwiller"}]}'], "is constant here"),
                            (['wavefunction={factor=[{kind="slater"},{kind="slater"}]}'], "change their sign"),
                            (["hamiltonian.site_energies=[1.0,2.0]"], "6 numbers, one per site")):
            said = self.run_deck(ELECTRONS, "sector", "study.measure.observables=[]", *sets, code=2, command="check").stderr
            self.assertIn(words, said, sets)

    def test_bonds_around_a_short_direction_count_twice(self):
        """J1 = 1, J2 = 0.5 on 4 x 2: diagonals of one orientation join the same sites twice; E_0 = -6 by exact diagonalisation. Parts of the energy add up to it."""
        self.run_deck(LADDER, "short", 'lattice={kind="square",extents=[4,2]}', "hamiltonian.marshall=false", 'wavefunction={factor=[{kind="rbm",density=4}]}',
                      'study.measure.observables=["energy-parts"]')
        found = self.report("short")["observables"]
        self.assertLess(abs(found["energy"]["value"] + 6), 1e-6)
        self.assertLess(abs(found["energy_J_1"]["value"] + found["energy_J_2"]["value"] - found["energy"]["value"]), 1e-9)

    def test_terms_in_a_file_on_sites_without_a_geometry(self):
        """The Hubbard ring written term by term has the energy of the ring, step by step; a missing adjoint is named with the line of the file."""
        rows = ["%s cdag_%s %d c_%s %d" % (-1.0, spin, (i + step) % 6, spin, i) for i in range(6) for step in (1, 5) for spin in ("up", "down")]
        rows += ["4.0 n_up %d n_down %d" % (i, i) for i in range(6)]
        with open(self.path("ring.terms"), "w") as stream:
            stream.write("\n".join(rows) + "\n")
        terms = ('hamiltonian={kind="terms",states="electrons",terms="ring.terms"}', 'lattice={kind="sites",n_sites=6}')
        plain = ("study.steps=8", "study.measure.observables=[]", 'wavefunction={factor=[{kind="slater"},{kind="rbm"}]}')
        self.run_deck(ELECTRONS, "ring", *plain)
        self.run_deck(ELECTRONS, "terms", *plain, *terms)
        energies = [self.report(name)["observables"]["energy"]["value"] for name in ("ring", "terms")]
        self.assertLess(abs(energies[0] - energies[1]), 1e-6)
        for sets, words in (('hamiltonian={kind="hubbard"}', "these sites have no bonds to couple"), ('study.measure.observables=["spin-correlation"]', "these sites have no distances")):
            self.assertIn(words, self.run_deck(ELECTRONS, "terms", *plain, *terms, sets, code=2, command="check").stderr)
        with open(self.path("ring.terms"), "w") as stream:
            stream.write("\n".join(rows[:7] + rows[8:]) + "\n")
        said = self.run_deck(ELECTRONS, "terms", *plain, *terms, code=2, command="check").stderr
        self.assertIn("H is not hermitian", said)
        self.assertRegex(said, r"ring\.terms:\d+:")

    def test_notes_where_the_ground_state_is_out_of_reach(self):
        """Real weights where H needs signs, a field at fixed magnetisation, ferromagnetic couplings in the default sector, fermions without a determinant."""
        ring = ('lattice={kind="chain",extents=[8]}', 'hamiltonian={kind="heisenberg"}')
        xxz = (ring[0], 'hamiltonian={kind="xxz",anisotropy=-1.5}')
        complex_weights = 'wavefunction={factor=[{kind="rbm",density=2}]}'
        signs, field, ferro = "H has positive off-diagonal elements", "where a uniform field adds -10 to the energy", "the couplings of S^z are ferromagnetic"
        for sets, said, unsaid in ((ring, (signs,), (field, ferro)), ((*ring, complex_weights), (), (signs,)), ((*ring, "hamiltonian.marshall=true"), (), (signs,)),
                                   ((*ring, "hamiltonian.field=10", "sampler.magnetization=2"), (field,), ()), ((*xxz, complex_weights), (ferro, "0, the default"), ()),
                                   ((*xxz, "sampler.magnetization=8"), (), (ferro,)),
                                   ((ring[0], 'hamiltonian={kind="hubbard"}'), ("no signs but that of the order of its fermions",), ()),
                                   ((ring[0], 'hamiltonian={kind="hubbard"}', 'wavefunction={factor=[{kind="slater"}]}'), (), ("no signs",))):
            text = self.run_deck(LADDER, "notes", *sets, *(() if "marshall" in sets[-1] else ()), command="check").stdout
            for words in said:
                self.assertIn(words, text, sets)
            for words in unsaid:
                self.assertNotIn(words, text, sets)

    def test_memory_is_that_of_the_ranks_asked_for(self):
        """4 million samples fit into 128 ranks and not into one; all states of 23 spins and their matrix into 64."""
        deck = INPUTS + "/heisenberg_square_10x10.toml"
        large = ("--set", "sampler.samples=134217728")
        text = koushi("check", deck, "--ranks", "256", *large)
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertIn("time         not known", text.stdout)
        self.assertIn("more ranks", koushi("check", deck, *large).stderr)
        self.assertEqual(koushi("job", deck, "--ranks", "256", "--time", "1 h", *large).returncode, 0)

    def test_parameters_go_factor_by_factor(self):
        """Determinant and Gutzwiller factor of one run, in another order and with a network that is 1 at first, have its energy; what that run has more, or another kind of numbers, is refused."""
        first = ("study.steps=12", "study.measure.observables=[]", 'wavefunction={factor=[{kind="slater",orbitals="hartree-fock"},{kind="gutzwiller"}]}')
        self.run_deck(ELECTRONS, "first", *first)
        energy = self.report("first")["observables"]["energy"]["value"]
        start = "study.initial_parameters=\"%s\"" % self.path("first.h5")
        more = ("study.steps=1", "study.measure.observables=[]", start, 'wavefunction={factor=[{kind="gutzwiller"},{kind="rbm",weights="real",width=1e-9},{kind="slater"}]}')
        said = self.run_deck(ELECTRONS, "more", *more).stdout
        self.assertIn("has no parameters of rbm: these begin anew", said)
        begun = float(Cli.python(self, "import h5py,sys\nprint(repr(float(h5py.File(sys.argv[1])['history/energy'][0])))", self.path("more.h5")))
        self.assertLess(abs(begun - energy), 1e-8)
        for factors, words in (('[{kind="slater"}]', 'a factor \\"gutzwiller\\" more'), ('[{kind="slater",weights="complex"},{kind="gutzwiller"}]', "another wavefunction.factor.0.weights"),
                               ('[{kind="slater"},{kind="gutzwiller",symmetry="none"}]', "another wavefunction.factor.1.symmetry")):
            said = self.run_deck(ELECTRONS, "refused", *more[:3], "wavefunction={factor=%s}" % factors, code=2).stderr
            self.assertIn(words.replace("\\", ""), said)

    def test_templates_show_factors_that_suit_the_states(self):
        for kind, shown, hidden in (("hubbard", ("slater", "jastrow", "gutzwiller"), ("rbm",)), ("bose-hubbard", ("jastrow",), ("slater",)), ("heisenberg", ("rbm",), ("slater", "jastrow"))):
            text = koushi("template", "ground-state", "--set", 'hamiltonian.kind="%s"' % kind).stdout
            for factor in shown:
                self.assertIn('kind = "%s"' % factor, text)
            for factor in hidden:
                self.assertNotIn('kind = "%s"' % factor, text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
