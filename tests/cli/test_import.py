"""Input files of mVMC and HPhi as decks: energies of what is imported against exact ones, made here from the conventions of these programs, and refusals."""
import itertools
import json
import os
import re
import sys
import unittest

from test_cli import Cli, koushi

HEAD = "======================\n%s %d\n======================\n==== of the program ==\n======================\n"
EXACT = "method = CG\n2Sz = 0\n"
# The lowest eigenvalue of sum coefficient S^a_i S^b_j ... of n spins 1/2; argv: n, [[coefficient, [["x", 0], ["y", 1]]], ...]
LOWEST = """import json,numpy,sys
n,terms=int(sys.argv[1]),json.loads(sys.argv[2])
S={"x":numpy.array([[0,1],[1,0]])/2,"y":numpy.array([[0,-1j],[1j,0]])/2,"z":numpy.array([[1,0],[0,-1]])/2}
h=numpy.zeros((2**n,2**n),complex)
for c,factors in terms:
    one=numpy.eye(1)
    for i in range(n):
        here=numpy.eye(2)
        for a,site in factors:
            if site==i: here=here@S[a]
        one=numpy.kron(one,here)
    h+=c*one
assert abs(h-h.conj().T).max()<1e-12
print(repr(float(numpy.linalg.eigvalsh(h)[0])))"""


class Import(unittest.TestCase):
    setUp, path = Cli.setUp, Cli.path

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def imported(self, file, *words):
        done = koushi("import", file, *words, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_deck(self, deck, *words):
        file = self.write("deck.toml", deck)
        done = koushi("run", file, "--output", self.path("out.h5"), "--overwrite", *words, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(koushi("report", self.path("out.h5"), "--json").stdout)

    def lowest(self, n, terms):
        return float(Cli.python(self, LOWEST, str(n), json.dumps(terms)))

    def level(self, deck):
        """E of the lowest level: of a deck of variational Monte Carlo its [study] is replaced by that of exact levels."""
        sector = re.search(r"^(electrons|particles|magnetization) = .*(\nmagnetization = .*)?$", deck, re.M)
        if "kind = \"exact\"" not in deck:
            physics = deck[deck.index("[lattice]"):]
            physics = physics[:min(at for at in (physics.find("\n[wavefunction]"), physics.find("\n[[")) if at >= 0)]
            deck = "title = \"x\"\n[study]\nkind = \"exact\"\n%s\n[sector]\n%s\n[output]\nfile = \"x.h5\"\n" % (physics, sector.group(0))
        return self.run_deck(deck)["observables"]["energy"]["value"]

    def test_imported_lattices_and_couplings(self):
        """Of every lattice the deck with a Hamiltonian of koushi, and the one term by term; known energies, and matrices made here."""
        cases = [
            ("model = Spin\nlattice = chain\nL = 6\nJ = 1.0\n", -2.80277563707, 1e-9),
            ("model = Spin\nlattice = chain\nL = 12\nJ = 1.0\nJ' = 0.5\n", -4.5, 1e-8),  # of dimers
            ("model = Spin\nlattice = square\nW = 4\nL = 4\nJ = 1.0\n", -11.228483208, 1e-7),
            ("model = Spin\nlattice = square\na0W = 3\na0L = 1\na1W = -1\na1L = 3\nJ = 1.0\n", None, 1e-8),
            ("model = Spin\nlattice = triangular\nW = 4\nL = 4\nJ = 1.0\nJ' = 0.3\n", None, 1e-8),
            ("model = Spin\nlattice = honeycomb\nW = 3\nL = 3\nJ = 1.0\nJ' = 0.2\nJ'' = 0.3\n", None, 1e-8),
            ("model = Spin\nlattice = kagome\nW = 2\nL = 2\nJ = 1.0\n", None, 1e-8),
            ("model = Spin\nlattice = ladder\nW = 2\nL = 6\nJ0 = 1.0\nJ1 = 0.7\n", None, 1e-8),
            ("model = Spin\nlattice = ladder\nW = 3\nL = 4\nJ0 = 1.0\nJ1 = 0.7\nJ2 = 0.2\nJ2' = 0.3\n", None, 1e-8),
            ("model = Spin\nlattice = square\nW = 4\nL = 3\nJ0 = 1.0\nJ1 = 0.5\nJ0' = 0.25\nJ1' = 0.125\n", None, 1e-8),
            ("model = Spin\nlattice = chain\nL = 8\nJx = 1\nJy = 1\nJz = 0.5\n", None, 1e-8),
            ("model = Spin\nlattice = chain\nL = 6\n2S = 2\nJ = 1\nD = 0.3\n", None, 1e-8),
            ("model = Spin\nlattice = chain\nL = 6\n2S = 2\nJ = 1\n", -8.617423181, 1e-7),
            ("model = Hubbard\nlattice = chain\nL = 6\nt = 1\nU = 4\nnelec = 6\n", -3.66870618, 1e-7),
            ("model = Hubbard\nlattice = chain\nL = 6\nt = 1\nU = 4\nnelec = 6\nphase0 = 180\n", None, 1e-8),
            ("model = Hubbard\nlattice = chain\nL = 5\nt = 1\nt' = 0.3\nV = 0.5\nU = 4\nnelec = 4\nphase0 = 60\n", None, 1e-8),
            ("model = Spin\nlattice = square\na0W = 3\na0L = 1\na1W = -1\na1L = 3\nJ0 = 1.0\nJ1x = 0.5\nJ1y = 0.25\nJ1z = 0.125\n", None, 1e-8),
            ("model = Hubbard\nlattice = kagome\nW = 1\nL = 2\nt = 1\nU = 3\nnelec = 4\n", None, 1e-8),
            ("model = Kondo\nlattice = chain\nL = 4\nt = 1\nJ = 4\nnelec = 4\n", None, 1e-8),
        ]
        for text, known, error in cases:
            with self.subTest(text):
                file = self.write("stan.in", text + EXACT)
                short, long = self.imported(file), self.imported(file, "--terms")
                self.assertNotIn("kind = \"terms\"", short)  # on a lattice of its own or written out
                self.assertIn("kind = \"terms\"", long)
                energy = self.level(long)
                self.assertLess(abs(self.level(short) - energy), error)
                if known is not None:
                    self.assertLess(abs(energy - known), error)

    def test_imported_couplings_of_directions_and_fields(self):
        """Kitaev's model on a honeycomb of 2 x 2 cells, and all nine J_ab of a chain in a field, against matrices made here."""
        n = 8
        terms = []
        site = lambda w, l, o: ((l % 2) * 2 + w % 2) * 2 + o
        for w, l in itertools.product(range(2), range(2)):
            for axis, i, j in (("x", site(w, l, 0), site(w, l, 1)), ("y", site(w, l, 1), site(w + 1, l, 0)), ("z", site(w, l, 1), site(w, l + 1, 0))):
                terms.append((-1, ((axis, i), (axis, j))))
        for i in range(n):
            terms += [(-0.1, (("z", i),)), (-0.2, (("x", i),)), (-0.05, (("y", i),))]
        file = self.write("stan.in", "model = \"SpinGC\"\nmethod = \"Lanczos\"\nlattice = \"Honeycomb\"\nW = 2\nL = 2\nJ0x = -1.0\nJ1y = -1.0\nJ2z = -1.0\nh = 0.1\nGamma = 0.2\nGamma_y = 0.05\n")
        self.assertLess(abs(self.level(self.imported(file)) - self.lowest(n, terms)), 1e-8)

        n = 6
        couplings = {"x": 0.5, "y": 0.7, "z": 1.1, "xy": 0.2, "yx": -0.1, "xz": 0.3, "zx": 0.15, "yz": 0.05, "zy": -0.25}
        terms = [(value, ((name[0], i), (name[-1], (i + 1) % n))) for i in range(n) for name, value in couplings.items()]
        text = "model = SpinGC\nmethod = CG\nlattice = chain\nL = 6\n" + "".join("J%s = %s\n" % pair for pair in couplings.items())
        self.assertLess(abs(self.level(self.imported(self.write("stan.in", text))) - self.lowest(n, terms)), 1e-8)

    def test_bonds_that_meet_are_added(self):
        """Two cells in a direction: StdFace joins the same sites twice. A ladder with rungs of twice the coupling."""
        file = self.write("stan.in", "model = Spin\nlattice = square\nW = 4\nL = 2\nJ = 1.0\n" + EXACT)
        ladder = self.write("ladder.in", "model = Spin\nlattice = ladder\nW = 2\nL = 4\nJ0 = 2.0\nJ1 = 1.0\n" + EXACT)
        self.assertIn("more than one bond", self.imported(file))
        self.assertLess(abs(self.level(self.imported(file)) - self.level(self.imported(file, "--terms"))), 1e-8)
        self.assertLess(abs(self.level(self.imported(file)) - self.level(self.imported(ladder))), 1e-8)

    def lists(self, program, parameters, **files):
        """namelist.def and its lists; rows as text."""
        names = "ModPara modpara.def\n" + ("CalcMod calcmod.def\n" if program == "hphi" else "Orbital orbitalidx.def\n")
        self.write("modpara.def", "--\nModel_Parameters 0\n--\nVMC_Cal_Parameters\n--\nCDataFileHead zvo\nCParaFileHead zqp\n--\n" + parameters)
        for name, rows in files.items():
            names += "%s %s.def\n" % (name, name.lower())
            self.write(name.lower() + ".def", HEAD % ("N" + name, len(rows)) + "".join(row + "\n" for row in rows))
        return self.write("namelist.def", names)

    def test_expert_lists(self):
        """The chain of 6 spins as both programs write it, by exchanges and by products of four; Hubbard's chain; Kondo's."""
        bonds = [(i, (i + 1) % 6) for i in range(6)]
        spins = ["%d 1" % i for i in range(6)]
        pairs = lambda value: ["%d %d %s" % (i, j, value) for i, j in bonds]
        ising = dict(CoulombInter=pairs(-0.25), Hund=pairs(-0.5))
        of = "Nsite 6\nNcond 6\n2Sz 0\n"
        mvmc = self.lists("mvmc", of, LocSpin=spins, Exchange=pairs(-0.5), **ising)
        self.assertLess(abs(self.level(self.imported(mvmc)) + 2.80277563707), 1e-9)
        for model, value in ((1, 0.5), (4, 0.5)):
            self.write("calcmod.def", "CalcType 3\nCalcModel %d\n" % model)
            hphi = self.lists("hphi", of, LocSpin=spins, Exchange=pairs(value), **ising)
            self.assertLess(abs(self.level(self.imported(hphi)) + 2.80277563707), 1e-9)
        # S_i.S_j by c^dagger_i c_i c^dagger_j c_j, and its S^+ S^- by c^dagger_i c_j c^dagger_j c_i
        for ordered in (True, False):
            rows = []
            for i, j in bonds:
                for s, t in itertools.product((0, 1), (0, 1)):
                    rows.append("%d %d %d %d %d %d %d %d %s 0.0" % (i, s, i, s, j, t, j, t, 0.25 if s == t else -0.25))
                for s, t in ((0, 1), (1, 0)):
                    rows.append(("%d %d %d %d %d %d %d %d 0.5 0.0" % (i, s, i, t, j, t, j, s)) if ordered else ("%d %d %d %d %d %d %d %d -0.5 0.0" % (i, s, j, s, j, t, i, t)))
            file = self.lists("mvmc", of, LocSpin=spins, InterAll=rows)
            self.assertLess(abs(self.level(self.imported(file)) + 2.80277563707), 1e-9)
        hops = ["%d %d %d %d 1.0 0.0" % (i, s, j, s) for a, b in bonds for i, j in ((a, b), (b, a)) for s in (0, 1)]
        file = self.lists("mvmc", of, LocSpin=["%d 0" % i for i in range(6)], Trans=hops, CoulombIntra=["%d 4.0" % i for i in range(6)], Gutzwiller=[], Jastrow=[])
        self.assertLess(abs(self.level(self.imported(file)) + 3.66870618), 1e-7)
        # local spins 0 to 3, electrons on 4 to 7
        stan = self.write("stan.in", "model = Kondo\nlattice = chain\nL = 4\nt = 1\nJ = 4\nnelec = 4\n" + EXACT)
        kondo = self.level(self.imported(stan))
        hops = ["%d %d %d %d 1.0 0.0" % (4 + i, s, 4 + j, s) for a in range(4) for i, j in ((a, (a + 1) % 4), ((a + 1) % 4, a)) for s in (0, 1)]
        pairs = lambda value: ["%d %d %s" % (i, i + 4, value) for i in range(4)]
        file = self.lists("mvmc", "Nsite 8\nNcond 4\n2Sz 0\n", LocSpin=["%d %d" % (i, i < 4) for i in range(8)], Trans=hops, Exchange=pairs(-2.0), Hund=pairs(-2.0), CoulombInter=pairs(-1.0))
        self.assertLess(abs(self.level(self.imported(file)) - kondo), 1e-8)

    def test_local_spins_are_counted_as_these_programs_count_them(self):
        """The head of LocSpin has the number of local spins, not that of its rows; couplings of directions in inputs of mVMC make a deck that runs."""
        rows = ["%d 0" % i for i in range(4)]
        hops = ["%d %d %d %d 1.0 0.0" % (i, s, j, s) for a in range(4) for i, j in ((a, (a + 1) % 4), ((a + 1) % 4, a)) for s in (0, 1)]
        file = self.lists("mvmc", "Nsite 4\nNcond 4\n2Sz 0\n", LocSpin=rows, Trans=hops, CoulombIntra=["%d 4.0" % i for i in range(4)])
        self.write("locspin.def", HEAD % ("NlocalSpin", 0) + "".join(row + "\n" for row in rows))
        self.assertIn("n_sites = 4", self.imported(file))
        self.write("locspin.def", HEAD % ("NlocalSpin", 0) + "".join(row + "\n" for row in rows[:3]))
        done = koushi("import", file, cwd=self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("3 rows for 4 sites", done.stderr)
        file = self.write("stan.in", "model = Spin\nlattice = square\nW = 4\nL = 2\nJ0 = 1\nJ1 = 0.5\n2Sz = 0\n")
        done = koushi("check", self.write("deck.toml", self.imported(file)), cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        # an unpaired electron, for which this deck has no pairing
        self.write("stan.in", "model = Hubbard\nlattice = chain\nL = 6\nt = 1\nU = 4\nncond = 4\n2Sz = 2\n")
        done = koushi("import", file, cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_imported_decks_are_optimised(self):
        """A Hubbard chain and a Heisenberg chain as mVMC's tests have them, by pair products."""
        for text, exact, error in (("model = Hubbard\nlattice = chain\nL = 6\nt = 1\nU = 4\nnelec = 6\n2Sz = 0\nNSROptItrStep = 100\nNVMCSample = 512\n", -3.66870618, 0.01),
                                   ("model = Spin\nlattice = chain\nL = 6\nJ = 1\n2Sz = 0\nNSROptItrStep = 400\nNVMCSample = 512\n", -2.80277563707, 1e-3)):
            with self.subTest(text):
                energy = self.run_deck(self.imported(self.write("stan.in", text)))["observables"]["energy"]["value"]
                self.assertLess(abs(energy - exact), error * abs(exact))

    def test_bad_foreign_files(self):
        """What is refused, with file, line and what was wanted; nothing is printed on the standard output."""
        good = "model = Spin\nlattice = chain\nL = 6\nJ = 1\n"
        hub = "model = Hubbard\nlattice = square\nW = 2\nL = 2\nt = 1\nU = 4\n"
        cases = [
            ("", "there is no model"), ("model = Spin\n", "there is no lattice"), (good + "J = 2\n", "stan.in:5: error: \"J\" stands in line 4 already"),
            (good + "J0 = 2\n", "beside j"), (good + "U = 4\n", "stan.in:5: error: \"U\" has no meaning"), (good + "Jprime = 4\n", "\"Jprime\" has no meaning"),
            (good + "2sz = 1\n", "2Sz = 1"), (good + "2sz = 8\n", "2Sz = 8"), (good + "2Sz = 0.5\n", "an integer"), (good.replace("J = 1", "J = one"), "stan.in:4: error: J = one"),
            (good.replace("J = 1", "J 1"), "stan.in:4: error: the line is: J 1"), (good.replace("J = 1", "J = "), "the line is"), (good.replace("J = 1", "J = 1,2"), "J is complex"),
            (good.replace("chain", "chian"), "did you mean \"chain\""), (good.replace("Spin", "Spim"), "did you mean \"spin\""), (good.replace("L = 6", "W = 6"), "6 cells"),
            (good.replace("L = 6\n", ""), "there is no L"), (good.replace("L = 6", "L = 0"), "0 cells"), (good.replace("L = 6", "L = 100000"), "100000 cells"),
            (good.replace("chain", "pyrochlore"), "expert files"), (good + "method = TPQ\n", "thermal states"), (good + "2S = 2\n", "spins are 1/2"),
            (good.replace("chain", "ladder") , "number of legs"), (good.replace("chain", "ladder\nW = 2"), "\"J\" has no meaning"), (good.replace("J = 1", "J = 0"), "the Hamiltonian is empty"),
            (hub, "there is no number of electrons"), (hub + "nelec = 9\n", "9 electrons on 4 sites"), (hub + "nelec = 4\nncond = 4\n", "ncond beside nelec"),
            (hub.replace("Hubbard", "HubbardGC") + "method = CG\n", "all numbers of electrons together"), (hub.replace("W = 2", "a0W = 2"), "W and L beside"),
            (hub.replace("W = 2\nL = 2", "a0W = 1\na0L = 1\na1W = 2\na1L = 2") + "nelec = 2\n", "span no volume"), (hub + "nelec = 4\nJ = 1\n", "\"J\" has no meaning"),
            ("ModPara missing.def\n", "missing.def cannot be opened"), ("ModPara\n", "a keyword and the name of its file"), ("ModPara modpara.def\nModPara modpara.def\n", "stands in line 1 already"),
            ("ModPara modpara.def\nTranz trans.def\n", "did you mean \"trans\""), ("LocSpin locspin.def\n", "there is no ModPara"),
        ]
        self.lists("mvmc", "Nsite 2\nNcond 2\n2Sz 0\n", LocSpin=["0 0", "1 0"])
        names = "ModPara modpara.def\nLocSpin locspin.def\nTrans trans.def\n"
        for rows, count, wanted in ((["0 0 1 0 1.0 0.0"], 2, "trans.def:2: error: 2 rows are announced and 1 are there"), (["0 0 5 0 1.0 0.0"], 1, "trans.def:6: error: site 5"), (["0 2 1 0 1.0 0.0"], 1, "spin 2"),
                                    (["0 0 1"], 1, "trans.def:6: error: the line is"), (["0 0 1 0 one 0.0"], 1, "\"one\" is no number"), (["0 0.5 1 0 1.0 0.0"], 1, "\"0.5\" is no integer")):
            cases.append((names, wanted, HEAD % ("N", count) + "".join(row + "\n" for row in rows)))
        cases.append((names, "the file ends", "=====\n"))
        for case in cases:
            with self.subTest(case):
                if len(case) > 2:
                    self.write("trans.def", case[2])
                done = koushi("import", self.write("stan.in", case[0]), cwd=self.folder)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(case[1], done.stderr)
                self.assertIn("expected:", done.stderr)
        self.assertEqual(koushi("import", self.path("none.in"), cwd=self.folder).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
