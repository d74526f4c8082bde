"""Thermal averages against dense matrices that are made here, and by random vectors against those of all levels."""
import json
import sys
import unittest

from test_cli import Cli, koushi

# Averages of levels (E, N, 2 S^z) at temperatures T, per site; all in numpy.
AVERAGES = """import json,numpy,sys
def averages(levels,T,sites,mu=0.0):
    e,n,m=[numpy.array(x,float) for x in zip(*levels)]
    k=e-mu*n
    low=k.min(); w=numpy.exp(-(k-low)/T); z=w.sum(); mean=lambda x:(w*x).sum()/z
    log_z=numpy.log(z)-low/T
    return {"energy_per_site":mean(e)/sites,"specific_heat":(mean(k*k)-mean(k)**2)/T**2/sites,"entropy":(log_z+mean(k)/T)/sites,"free_energy":-T*log_z/sites,
            "susceptibility":(mean(m*m)-mean(m)**2)/4/T/sites,"filling":mean(n)/sites,"compressibility":(mean(n*n)-mean(n)**2)/T/sites}
"""

SPINS = AVERAGES + """
n,J,field,Ts=json.loads(sys.argv[1])
Sx,Sy,Sz=numpy.array([[0,1],[1,0]])/2,numpy.array([[0,-1j],[1j,0]])/2,numpy.diag([0.5,-0.5])
def at(op,i): return numpy.kron(numpy.kron(numpy.eye(2**i),op),numpy.eye(2**(n-1-i)))
h=sum(J[d]*at(S,i)@at(S,(i+d+1)%n) for d in range(len(J)) for i in range(n) for S in (Sx,Sy,Sz))-field*sum(at(Sz,i) for i in range(n))
total=(2*sum(at(Sz,i) for i in range(n))).diagonal().round().astype(int)
levels=[]
for m in set(total):
    keep=numpy.where(total==m)[0]
    levels+=[(e,0,m) for e in numpy.linalg.eigvalsh(h[numpy.ix_(keep,keep)])]
print(json.dumps([averages(levels,T,n) for T in Ts]))"""

ELECTRONS = AVERAGES + """
n,U,mu,Ts=json.loads(sys.argv[1])
modes=2*n
a=numpy.array([[0,1],[0,0]]); z=numpy.diag([1,-1])
def c(k):
    op=numpy.eye(1)
    for j in range(modes): op=numpy.kron(op,z if j<k else a if j==k else numpy.eye(2))
    return op
C=[c(k) for k in range(modes)]
N=[x.T@x for x in C]
h=sum(-(C[s*n+i].T@C[s*n+(i+1)%n]+C[s*n+(i+1)%n].T@C[s*n+i]) for s in (0,1) for i in range(n))+U*sum(N[i]@N[n+i] for i in range(n))
up=sum(N[:n]).diagonal().round().astype(int); down=sum(N[n:]).diagonal().round().astype(int)
levels=[]
for u in range(n+1):
    for d in range(n+1):
        keep=numpy.where((up==u)&(down==d))[0]
        levels+=[(e,u+d,u-d) for e in numpy.linalg.eigvalsh(h[numpy.ix_(keep,keep)])]
print(json.dumps([[averages(levels,T,n,mu) for T in Ts],[averages([x for x in levels if x[1]==n],T,n) for T in Ts]]))"""

SPECTRUM = """import json,numpy,sys
n,J,eta,omega=json.loads(sys.argv[1])
Sx,Sy,Sz=numpy.array([[0,1],[1,0]])/2,numpy.array([[0,-1j],[1j,0]])/2,numpy.diag([0.5,-0.5])
def at(op,i): return numpy.kron(numpy.kron(numpy.eye(2**i),op),numpy.eye(2**(n-1-i)))
h=sum(J[d]*at(S,i)@at(S,(i+d+1)%n) for d in range(len(J)) for i in range(n) for S in (Sx,Sy,Sz)).real
z=[at(Sz,i).diagonal() for i in range(n)]
keep=numpy.where(abs(sum(z))<1e-9)[0]
e,v=numpy.linalg.eigh(h[numpy.ix_(keep,keep)])
result=[]
for k in range(n):
    a=sum(numpy.exp(2j*numpy.pi*k*j/n)*z[j][keep] for j in range(n))/n**0.5
    w=abs(v.T@(a*v[:,0]))**2
    result.append([w.sum(),[float((w*eta/numpy.pi/((x-(e-e[0]))**2+eta**2)).sum()) for x in omega]])
print(json.dumps(result))"""

DENSITY = """import json,numpy,sys
n,U,u,d,eta,omega=json.loads(sys.argv[1])
import itertools
def states(k): return [sum(1<<i for i in c) for c in itertools.combinations(range(n),k)]
A,B=states(u),states(d)
def hops(S):
    t=numpy.zeros((len(S),len(S)))
    for x,s in enumerate(S):
        for i in range(n):
            for j in ((i+1)%n,(i-1)%n):
                if s>>i&1 and not s>>j&1:
                    s1=s^(1<<i)
                    sign=(-1)**(bin(s&((1<<i)-1)).count("1")+bin(s1&((1<<j)-1)).count("1"))
                    t[S.index(s1|1<<j),x]-=sign
    return t
h=numpy.kron(hops(A),numpy.eye(len(B)))+numpy.kron(numpy.eye(len(A)),hops(B))+numpy.diag([U*bin(a&b).count("1") for a in A for b in B])
e,v=numpy.linalg.eigh(h)
result=[]
for k in range(n):
    a=numpy.array([sum(numpy.exp(2j*numpy.pi*k*j/n)*((x>>j&1)+(y>>j&1)) for j in range(n)) for x in A for y in B])/n**0.5
    w=abs(v.T@(a*v[:,0]))**2
    if k==0: w[:]=0
    result.append([w.sum(),[float((w*eta/numpy.pi/((x-(e-e[0]))**2+eta**2)).sum()) for x in omega]])
print(json.dumps(result))"""

DECK = """title = "t"
[study]
kind = "thermal"
temperature = { lowest = 0.1, highest = 5.0, points = 9 }
%s
[lattice]
kind = "%s"
extents = %s
[hamiltonian]
%s
"""


class Thermal(unittest.TestCase):
    setUp, path = Cli.setUp, Cli.path

    def curves(self, name, text, *sets, ranks=0):
        deck = self.path(name + ".toml")
        with open(deck, "w") as stream:
            stream.write(text)
        done = koushi("run", deck, "--output", self.path(name + ".h5"), "--overwrite", *[word for one in sets for word in ("--set", one)], ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(koushi("report", self.path(name + ".h5"), "--json").stdout)
        self.states = report["observables"].get("states", {}).get("value")
        return report["curves"]

    def temperatures(self):
        return [0.1 * 50 ** (k / 8) for k in range(9)]

    def compare(self, curves, expected, names, tolerance=1e-9):
        for name in names:
            for k, one in enumerate(expected):
                value, error = curves[name]["value"][k], curves[name]["error"][k]
                self.assertLess(abs(value - one[name]), tolerance * (1 + abs(one[name])) + 4.5 * error, (name, k, error))

    def test_thermal_averages_are_those_of_all_levels(self):
        common = ["energy_per_site", "specific_heat", "entropy", "free_energy", "susceptibility"]
        for n, J, field in ((8, [1.0, 0.3], 0.0), (7, [1.0], 0.4), (8, [1.0, 0.3], 0.5)):
            expected = json.loads(Cli.python(self, SPINS, json.dumps([n, J, field, self.temperatures()])))
            spins = DECK % ("", "chain", [n], 'kind = "heisenberg"\nJ = %s\nfield = %s' % (J, field))
            curves = self.curves("spins%d" % n, spins)
            self.compare(curves, expected, common)
            self.assertEqual(self.states, 2 ** n)
            self.assertEqual(max(curves["entropy"]["error"]), 0)
        grand, canonical = json.loads(Cli.python(self, ELECTRONS, json.dumps([4, 3.0, 0.7, self.temperatures()])))
        hubbard = 'kind = "hubbard"\nU = 3.0'
        self.compare(self.curves("grand", DECK % ('ensemble = "grand-canonical"\nchemical_potential = 0.7', "chain", [4], hubbard)), grand, common + ["filling", "compressibility"])
        self.assertEqual(self.states, 256)
        self.compare(self.curves("canonical", DECK % ("", "chain", [4], hubbard)), canonical, common)
        self.assertEqual(self.states, 70)

    def test_random_vectors_stand_for_all_levels_on_any_ranks(self):
        expected = json.loads(Cli.python(self, SPINS, json.dumps([9, [1.0, 0.3], 0.0, self.temperatures()])))
        deck = DECK % ("complete = 1\nvectors = 30", "chain", [9], 'kind = "heisenberg"\nJ = [1.0, 0.3]')
        names = ["energy_per_site", "specific_heat", "entropy", "free_energy", "susceptibility"]
        one = self.curves("one", deck)
        self.compare(one, expected, names)
        self.assertGreater(min(one["entropy"]["error"]), 0)
        self.assertLess(max(one["energy_per_site"]["error"]), 0.02)
        two = self.curves("two", deck, ranks=2)
        for name in names:
            for a, b in zip(one[name]["value"], two[name]["value"]):
                self.assertAlmostEqual(a, b, places=8)

    def test_every_space_has_all_of_its_states(self):
        grand = 'ensemble = "grand-canonical"'
        for lattice, extents, ensemble, hamiltonian, states in (
                ("square", [3, 3], "", 'kind = "transverse-field-ising"\nfield = 0.5', 2 ** 9),
                ("kagome", [2, 1], "", 'kind = "heisenberg"\nspin = 1.0', 3 ** 6),
                ("chain", [4], grand, 'kind = "bose-hubbard"\nn_max = 2', 3 ** 4),
                ("triangular", [3, 2], grand, 'kind = "t-v"\nV = [1.0]', 2 ** 6),
                ("chain", [5], grand, 'kind = "t-j"\nJ = [0.4]', 3 ** 5),
                ("chain", [3], grand, 'kind = "kondo"', 8 ** 3),
                ("chain", [4], "", 'kind = "kondo"', 70 * 2 ** 4),
                ("honeycomb", [2, 2], "", 'kind = "exchange-matrix"\ncouplings = [["xx",1,0,-1.0],["yy",1,1,-1.0],["zz",1,2,-1.0],["Gz",1,0,0.3]]\nfield = [0.1,0.1,0.2]', 2 ** 8)):
            with self.subTest(hamiltonian):
                curves = self.curves("space", DECK % (ensemble, lattice, extents, hamiltonian), "study.temperature.highest=1e5", "study.temperature.points=3")
                self.assertEqual(self.states, states)
        sector = self.curves("sector", DECK % ('ensemble = "sector"', "chain", [6], 'kind = "heisenberg"'))
        self.assertEqual(self.states, 20)
        self.assertNotIn("susceptibility", sector)

    def test_what_has_no_average_or_spectrum_is_refused(self):
        thermal, spectral = (DECK.replace("temperature = { lowest = 0.1, highest = 5.0, points = 9 }\n", "").replace("thermal", kind) % ("", "chain", [6], 'kind = "heisenberg"') for kind in ("thermal", "spectral"))
        hubbard = thermal.replace('kind = "heisenberg"', 'kind = "hubbard"')
        for name, text in (("thermal", thermal), ("spectral", spectral), ("hubbard", hubbard)):
            with open(self.path(name + ".toml"), "w") as stream:
                stream.write(text)
        for name, sets, said in (
                ("thermal", ["sector.magnetization=2"], "the ensemble has states of every magnetization"),
                ("thermal", ['study.ensemble="grand-canonical"'], "spins have no number of particles"),
                ("thermal", ["study.chemical_potential=1"], "the numbers of particles are fixed"),
                ("thermal", ["study.temperature={lowest=2,highest=1}"], "it is below study.temperature.lowest"),
                ("thermal", ["study.temperature.lowest=0"], "is not accepted"),
                ("thermal", ["hamiltonian.marshall=true"], "rotated states"),
                ("thermal", ["lattice.extents=[70]"], "at most 63 can be numbered"),
                ("thermal", ['study.ensemble="sector"', "sector.magnetization=1"], "cannot be the sum"),
                ("hubbard", ["sector.electrons=[9,0]"], "no state of 6 sites"),
                ("hubbard", ['study.ensemble="grand-canonical"', "sector.electrons=[3,3]"], "the ensemble has states of every number"),
                ("spectral", ['study.quantity="density"'], "these states have no particles"),
                ("spectral", ["study.momenta=[[0.5]]"], "0.5 is no integer"),
                ("spectral", ["study.momenta=[[1,0]]"], "2 numbers for 1 directions"),
                ("spectral", ["study.momenta=[]"], "momenta"),
                ("spectral", ["study.momenta=[[1]]", 'lattice.boundary=["open"]'], "direction 0 is open"),
                ("spectral", ['lattice={kind="sites",n=4}'], ""),
                ("spectral", ["lattice.extents=[7]"], "cannot be the sum"),
                ("spectral", ["hamiltonian.marshall=true"], "states that are not rotated")):
            done = koushi("check", self.path(name + ".toml"), *[word for one in sets for word in ("--set", one)])
            self.assertEqual(done.returncode, 2, sets)
            self.assertIn(said, done.stderr)

    def spectra(self, name, deck, n):
        curves = self.curves(name, deck)
        return [[curves["structure_factor"]["value"][k], curves["spectrum_%d" % k]["value"]] for k in range(n)], curves["spectrum_1"]["x"]

    def test_spectra_are_those_of_all_levels(self):
        spectral = 'title = "t"\n[study]\nkind = "spectral"\nfrequency = { highest = 8.0, points = 41 }\nbroadening = 0.2\n%s\n[lattice]\nkind = "chain"\nextents = [%d]\n[hamiltonian]\n%s\n'
        for name, n, quantity, hamiltonian, code, words in (
                ("spins", 8, "", 'kind = "heisenberg"\nJ = [1.0, 0.3]', SPECTRUM, lambda x: [8, [1.0, 0.3], 0.2, x]),
                ("electrons", 6, 'quantity = "density"', 'kind = "hubbard"\nU = 3.0\n[sector]\nelectrons = [3, 3]', DENSITY, lambda x: [6, 3.0, 3, 3, 0.2, x]),
                ("doped", 5, 'quantity = "density"', 'kind = "hubbard"\nU = 3.0\n[sector]\nelectrons = [1, 1]', DENSITY, lambda x: [5, 3.0, 1, 1, 0.2, x])):
            with self.subTest(name):
                found, omega = self.spectra(name, spectral % (quantity, n, hamiltonian), n)
                expected = json.loads(Cli.python(self, code, json.dumps(words(list(omega)))))
                for (a, one), (b, other) in zip(found, expected):
                    self.assertAlmostEqual(a, b, places=9)
                    self.assertLess(max(abs(x - y) for x, y in zip(one, other)), 1e-8)

    def test_sums_of_spectra_are_the_structure_factor_of_the_lowest_state(self):
        """On lattices of several sites per cell, whose A_q is complex where the sector is real."""
        for lattice, extents in (("honeycomb", [3, 2]), ("kagome", [2, 2]), ("square", [4, 2])):
            model = '[lattice]\nkind = "%s"\nextents = %s\n[hamiltonian]\nkind = "heisenberg"\nJ = [1.0, 0.4]\n' % (lattice, extents)
            spectral = self.curves("spectral", 'title = "t"\n[study]\nkind = "spectral"\n' + model)["structure_factor"]
            exact = self.curves("exact", 'title = "t"\n[study]\nkind = "exact"\nmeasure = { observables = ["spin-correlation"] }\n' + model)["structure_factor"]
            self.assertEqual(len(spectral["value"]), len(exact["value"]))
            for a, b in zip(spectral["value"], exact["value"]):
                self.assertAlmostEqual(a, b, places=8, msg=lattice)

    def test_thermal_runs_go_on_after_kills(self):
        deck = self.path("long.toml")
        with open(deck, "w") as stream:
            stream.write(DECK % ("complete = 50\nvectors = 10", "chain", [12], 'kind = "heisenberg"'))
        whole = koushi("run", deck, "--output", self.path("whole.h5"))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        Cli.kill_until_done(self, deck, ["--set", "output.checkpoint=0.01 s"], self.path("parts.h5"), 0, (0.05, 0.3))
        curves = [json.loads(koushi("report", self.path(name), "--json").stdout)["curves"] for name in ("whole.h5", "parts.h5")]
        for name in curves[0]:
            for a, b in zip(curves[0][name]["value"], curves[1][name]["value"]):
                self.assertAlmostEqual(a, b, places=9)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
