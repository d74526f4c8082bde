"""Runs every command of bad_input.txt and compares exit code and message, word for word.

A block is a command (`$ ...`, DECK, FIELD, PATH, FIT, REWEIGHT, TEMPERING, SCAN, EXTRA, NETPATH, NETFIELD, TRANSFER, BUMP, KERNEL, PACKET, CLOSED, DEFORMED, DEFORMED2, COSINES, GAUSSNET, LAYERS, EXACT, EXACTHUBBARD, RANDOM, RINGS, WALKERS, QUENCH, BACKFLOW and OUT stand for files) or an edit of the deck (`~ old => new`, then checked), its exit code, and what
stderr must say. `--write` prints the file anew: read every line of it before you keep it.
"""
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile

KOUSHI, DECK, TABLE = sys.argv[1:4]
SHIPPED = {name: os.path.join(os.path.dirname(DECK), file) for name, file in (("FIELD", "phi4_2d.toml"), ("PATH", "anharmonic_oscillator.toml"),
                                                                              ("FIT", "correlator_fit.toml"), ("REWEIGHT", "reweighting_ising.toml"), ("TEMPERING", "tempering_u1_2d.toml"),
                                                                              ("SCAN", "scan_ising.toml"), ("NETPATH", "path_network.toml"), ("NETFIELD", "phi4_2d_network.toml"), ("TRANSFER", "transfer_matrix.toml"), ("BUMP", "propagator_bump.toml"), ("KERNEL", "propagator_oscillator.toml"), ("PACKET", "wave_packet_quartic.toml"), ("CLOSED", "thermal_correlator.toml"), ("DEFORMED", "deformed_network_1d.toml"), ("DEFORMED2", "deformed_network_2d.toml"),
                                                                              ("COSINES", "cosine_network.toml"), ("GAUSSNET", "gauss_network.toml"), ("LAYERS", "deep_kernel.toml"), ("EXTRA", "extrapolation_chain.toml"), ("EXACTHUBBARD", "exact_hubbard_tilted_10.toml"), ("EXACT", "exact_square_4x4.toml"), ("WALKERS", "hubbard_square_4x4_green_function.toml"), ("RANDOM", "random_field_chain_12.toml"), ("RINGS", "ring_exchange_square_4x4.toml"), ("QUENCH", "tfim_quench_chain_20.toml"), ("BACKFLOW", "hubbard_square_4x4_backflow.toml"))}
ENV = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1", OMP_PROC_BIND="false")


def run(command, folder):
    deck = DECK
    out = os.path.join(folder, "%d.h5" % abs(hash(command)))
    if command.startswith("~ "):
        old, new = command[2:].split(" => ")
        text = open(DECK).read()
        assert old in text, old
        deck = os.path.join(folder, "%d.toml" % abs(hash(command)))
        with open(deck, "w") as stream:
            stream.write(text.replace(old, new.replace("\\n", "\n"), 1))
        words = ["check", deck]
    else:
        lexer = shlex.shlex(command[2:], posix=False, punctuation_chars=False)
        lexer.whitespace_split = True
        words = list(lexer)
        words = [SHIPPED.get(w, w).replace("DECK", deck).replace("OUT", out) for w in words]
    done = subprocess.run([KOUSHI, *words], env=ENV, capture_output=True, text=True, timeout=120 * int(os.environ.get("KOUSHI_TEST_PATIENCE", "1")), cwd=folder)
    said = done.stderr
    for name, file in [("DECK", deck), *SHIPPED.items(), ("INPUTS", os.path.dirname(DECK)), ("OUT", out), ("FOLDER", folder)]:
        said = said.replace(file, name)
    said = re.sub(r"the [0-9.]+ [KMGT]iB of this machine", "the MEMORY of this machine", said)
    return "exit %d\n%s" % (done.returncode, said.rstrip("\n"))


def main():
    blocks = [b.split("\n", 1) for b in open(TABLE).read().strip("\n").split("\n\n")]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda b: run(b[0], folder), blocks))
    if "--write" in sys.argv:
        print("\n\n".join(b[0] + "\n" + r for b, r in zip(blocks, results)))
        return 0
    wrong = [(b, r) for b, r in zip(blocks, results) if b[-1] != r]
    for block, result in wrong:
        print("%s\n-- expected\n%s\n-- got\n%s\n" % (block[0], block[-1], result))
    print("%d of %d rows are as they must be" % (len(blocks) - len(wrong), len(blocks)))
    return 1 if wrong or len(blocks) < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
