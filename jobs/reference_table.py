#!/usr/bin/env python3
"""Runs every shipped deck of a lattice field that states a reference, and prints a table of Markdown for the user guide.

    jobs/reference_table.py build/release/bin/koushi [RANKS]

Results go to a temporary folder. The deviation is in standard deviations of result and reference together.
"""
import json
import math
import os
import subprocess
import sys
import tempfile
import time

INPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "inputs")


def with_error(value, error):
    """0.14360, 0.00008 -> 0.143600(80): two digits of the error."""
    digits = max(0, 1 - math.floor(math.log10(error)))
    return "%.*f(%d)" % (digits, value, round(error * 10**digits))


def main():
    koushi = os.path.abspath(sys.argv[1])
    ranks = sys.argv[2] if len(sys.argv) > 2 else "2"
    print("| deck | observable | value | reference | deviation | time |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(os.listdir(INPUTS)):
            deck = os.path.join(INPUTS, name)
            with open(deck) as stream:
                text = stream.read()
            if '"lattice-field"' not in text or "[study.reference]" not in text:
                continue
            file = os.path.join(folder, name + ".h5")
            start = time.time()
            subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks, koushi, "run", deck, "--output", file], check=True, stdout=subprocess.DEVNULL)
            seconds = time.time() - start
            report = json.loads(subprocess.run([koushi, "report", file, "--json"], check=True, capture_output=True, text=True).stdout)
            reference = report["reference"]
            found = report["observables"][reference["quantity"]]
            sigma = math.hypot(found["error"], reference["error"])
            known = with_error(reference["value"], reference["error"]) if reference["error"] > 0 else "%.10g (exact)" % reference["value"]
            print("| `%s` | %s | %s | %s | %+.1fσ | %.0f s |" % (name.removesuffix(".toml"), reference["quantity"], with_error(found["value"], found["error"]), known,
                                                          (found["value"] - reference["value"]) / sigma, seconds), flush=True)


if __name__ == "__main__":
    main()
