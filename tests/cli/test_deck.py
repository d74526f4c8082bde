"""Decks from outside: templates of every kind, and what a deck may leave out."""
import concurrent.futures
import json
import os
import re
import unittest

from test_cli import DECK, INPUTS, Cli, koushi


class Deck(unittest.TestCase):
    setUp, path, python = Cli.setUp, Cli.path, Cli.python

    def template(self, study, *sets):
        done = koushi("template", study, *[word for s in sets for word in ("--set", s)])
        self.assertEqual(done.returncode, 0, done.stderr)
        deck = self.path("t.toml")
        with open(deck, "w") as stream:
            stream.write(done.stdout)
        return deck, done.stdout

    def test_every_kind_has_a_template(self):
        """Of every study with every kind of each of its sections: it can be checked, and shows that kind."""
        listed = [line.split()[:2] for line in koushi("list").stdout.splitlines()]
        studies = [kind for section, kind in listed if section == "study"]

        def fault(number, study, setting, kind):
            """What is shown and refused by `check`, or nothing."""
            done = koushi("template", study, "--set", setting)
            if done.returncode:  # [lattice] of another study, or a required key whose example does not fit
                self.assertEqual(done.returncode, 2)
                self.assertIn("expected: ", done.stderr)
                return []
            self.assertIn('kind = "%s"' % kind, done.stdout)
            deck = self.path("t%d.toml" % number)
            with open(deck, "w") as stream:
                stream.write(done.stdout)
            checked = koushi("check", deck)
            if not checked.returncode:
                return []
            self.assertEqual(checked.returncode, 2, (setting, checked.stderr))  # kinds that do not stand beside those that a template shows are refused with the reason
            self.assertIn("expected: ", checked.stderr)
            return ["%s %s" % (study, setting)]

        cases = []
        for study in studies:
            text = self.template(study)[1]
            names = re.findall(r"^\[+([a-z.]+)\]", text, re.M)
            # actions and updaters once, with the study that takes them all; others say which of them they take
            once = () if study == "lattice-field" else ("action", "updater")
            for section, kind in sorted(set((s, k) for s, k in listed if s in names and s != "study" and s not in once)):
                cases.append((len(cases), study, "%s%s.kind=%s" % (section, ".0" if "[[%s]]" % section in text else "", kind), kind))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            said = [one for found in pool.map(lambda case: fault(*case), cases) for one in found]
        self.assertLess(len(said), 67, said)  # factors of electrons beside spins, and real states in real time among them

    def test_templates_show_what_is_set(self):
        deck, text = self.template("ground-state", "lattice.kind=chain", "lattice.extents=[10]", "hamiltonian.kind=transverse-field-ising",
                                   "wavefunction.factor.0.density=2", "title=mine", "output.file=x.h5", "sampler.kind=enumeration")
        self.assertIn('title = "mine"', text)
        self.assertIn("density = 2", text)
        self.assertIn('\nfile = "x.h5"', text)
        self.assertIn("\nkind = \"enumeration\"", text)
        self.assertEqual(koushi("check", deck).returncode, 0)

    def test_decks_without_seed_and_file(self):
        """They run, are resumed and scanned, and their files hold what was taken."""
        with open(DECK) as stream:
            lines = [line for line in stream if not re.match(r"(seed|file) *=", line)]
        os.mkdir(self.path("decks"))
        deck = os.path.join(self.folder, "decks", "my.deck.toml")
        with open(deck, "w") as stream:
            stream.writelines(lines)
        small = ["--set", "study.steps=6", "--set", "study.measure.samples=0"]
        self.assertEqual(koushi("run", deck, *small, cwd=self.folder).returncode, 0)
        self.assertTrue(os.path.exists(self.path("my.deck.h5")))
        resolved = self.python("import h5py,sys\nprint(h5py.File(sys.argv[1])['deck/resolved'][()].decode())", self.path("my.deck.h5"))
        self.assertIn("\nseed = 1\n", resolved)
        self.assertIn('\noutput.file = "my.deck.h5"\n', resolved)
        done = koushi("run", deck, *small, "--resume", cwd=self.folder)
        self.assertIn("my.deck.h5 is done: nothing to resume", done.stdout)
        # With that seed and file in the deck it is the same run.
        self.assertIn("is done", koushi("run", deck, *small, "--set", "seed=1", "--set", "output.file=my.deck.h5", "--resume", cwd=self.folder).stdout)
        other = koushi("run", deck, *small, "--set", "seed=2", "--resume", cwd=self.folder)
        self.assertEqual(other.returncode, 2)
        self.assertIn("differs in seed", other.stderr)
        scan = koushi("run", deck, *small, "--set", "scan.wavefunction.factor.0.density=[1, 2]", cwd=self.folder)
        self.assertEqual(scan.returncode, 0, scan.stderr)
        for density in (1, 2):
            self.assertTrue(os.path.exists(self.path("my.deck_density%d.h5" % density)), os.listdir(self.folder))


if __name__ == "__main__":
    import sys

    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[4:])
