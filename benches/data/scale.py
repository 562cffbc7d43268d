"""Import, audit and preparation of N reactions, one after the other: wall clock, processor time, peak memory of each.

    chemr data import data/uspto-full-pool --out pool
    chemr data import data/uspto-mit/test_public.csv.gz --out mit
    python benches/data/scale.py pool/examples.jsonl mit/examples.jsonl 10000 100000 1000000 [--binary target/release/chemr]

The reactions are those of `vary.py`; the audit compares both directions of each with the held-out rows of the second file and writes the
clean rows; these are prepared with a random split. Prints a Markdown table. Linux only: other systems count memory in other units.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def measured(command):
    """Seconds, seconds of processor time, and MiB at most of a command that must end well."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=pathlib.Path)
    parser.add_argument("held_out", type=pathlib.Path)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parents[1] / "target/release/chemr")
    options = parser.parse_args()
    print("| reactions | step | wall clock | processor time | of one core | peak memory |\n|---|---|---|---|---|---|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            table = folder / "uspto-full_train.csv"
            subprocess.run([sys.executable, HERE / "vary.py", options.pool, str(size), table], check=True)
            data = [options.binary, "data"]
            steps = {
                "import": [*data, "import", table, "--out", folder / "imported"],
                "audit": [*data, "audit", folder / "imported", "--test", options.held_out, "--fix", "--out", folder / "audited"],
                "prepare": [*data, "prepare", folder / "audited/clean", "--split", "random", "--out", folder / "prepared"],
            }
            for step, command in steps.items():
                seconds, processor, memory = measured(command)
                share = 100 * processor / seconds
                print(f"| {size:,} | {step} | {seconds:.1f} s | {processor:.1f} s | {share:.0f} % | {memory:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
