"""Where the time of a training step goes: one table for each size of compare.py, from samples of `perf`.

    cargo build --release -p chemr-engine --example engine_bench
    python benches/engine/step_profile.py [--sizes a b c] [--threads 2] [--steps 6] [--operands fp32]

Needs perf (package linux-perf), torch and transformers (for the model folder). A sample counts for the innermost function that the
table names; the share is of both threads together, from the first step on, without loading.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from compare import LENGTH, ROOT, SIZES, setup

# Innermost first: the first pattern that a frame of the stack matches, from the innermost frame out, names the part.
PARTS = [
    ("attention, backward", r"kernels::attention_backward::"),
    ("attention, forward", r"kernels::attention::"),
    ("gradients of weights: packing", r"kernels::outer::(single|pairs|put_|in_tiles)"),
    ("AdamW and gradient norm", r"kernels::update::"),
    ("packing of weights", r"kernels::pack::|PackedMatrix>?::pack_|PackedModel>?::pack"),
    ("norms, SwiGLU, rotation, softmax", r"kernels::ops::"),
    ("waiting for the other thread", r"engine::pool::(work|fork_join|wait)"),
]
TILE = re.compile(r"Simd>::tile|amx::Tiles>?::multiply")
# What a register tile works for, from the frames around it.
TILE_PARTS = [
    ("attention, backward", r"kernels::attention_backward::"),
    ("attention, forward", r"kernels::attention::"),
    ("gradients of weights: products", r"kernels::outer::"),
    ("head: products", r"cpu::head::"),
    ("products on the way back", r"cpu::backward::|PackedLinear>?::backward"),
    ("products on the way forth", r"cpu::forward::|PackedLinear>?::forward|kernels::gemm::"),
]
STEP = re.compile(r"engine::graph::|engine::device::|engine::pool::work|kernels::")


def part(frames):
    """Name of the part that a stack (innermost first) belongs to, or None outside the step."""
    if not any(STEP.search(frame) for frame in frames):
        return None
    if TILE.search(frames[0]):
        for name, pattern in TILE_PARTS:
            if any(re.search(pattern, frame) for frame in frames):
                return name
        return "products, elsewhere"
    for frame in frames:
        for name, pattern in PARTS:
            if re.search(pattern, frame):
                return name
        if re.search(r"cpu::(forward|backward|head)::", frame):
            return "copies between layouts"
    return "the rest"


def profile(binary, folder, size, options):
    data = folder / f"{size}.perf"
    command = [binary, "train", folder / size, folder / f"{size}.rows", str(LENGTH), str(options.steps), options.operands]
    environment = dict(os.environ, CHEMR_THREADS=str(options.threads))
    record = ["perf", "record", "-q", "-F", "200", "--call-graph", "dwarf,16384", "-o", data, "--", *command]
    if subprocess.run(record, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit("perf record failed: is perf installed, and kernel.perf_event_paranoid below 3?")
    script = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym"], capture_output=True, text=True).stdout
    counts = collections.Counter()
    for sample in script.split("\n\n"):
        frames = [line.split(None, 1)[1] for line in sample.strip().splitlines()[1:] if len(line.split(None, 1)) == 2]
        name = part(frames) if frames else None
        if name:
            counts[name] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["a", "b"], choices=sorted(SIZES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--operands", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--binary", default=ROOT / "target/release/examples/engine_bench")
    options = parser.parse_args()
    tables = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for size in options.sizes:
            setup(folder, size)
            tables[size] = profile(options.binary, folder, size, options)
    print("| part | " + " | ".join(options.sizes) + " |\n|---|" + "---|" * len(options.sizes))
    names = sorted({name for table in tables.values() for name in table}, key=lambda name: -max(table[name] for table in tables.values()))
    for name in names:
        shares = [f"{table[name] / max(1, table.total()):.1%}" for table in tables.values()]
        print(f"| {name} | " + " | ".join(shares) + " |")
    print("| samples | " + " | ".join(str(table.total()) for table in tables.values()) + " |")


if __name__ == "__main__":
    main()
