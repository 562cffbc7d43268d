"""Engine against transformers (SDPA): training step (fp32, and bf16 against bf16 autocast) and generation on identical weights,
batch and prompts.

    cargo build --release -p chemr-engine --example engine_bench
    python benches/engine/compare.py [--sizes a b c] [--rounds 5] [--threads 2] [--steps 6] [--json FILE]

Both sides run in processes of their own, one after the other, `rounds` times in turn; medians are compared. The script
stops with an error when the losses or the greedy tokens of the two sides differ. Needs torch and transformers.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = {
    "a": dict(hidden_size=256, num_hidden_layers=6, intermediate_size=688, vocab_size=1024, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=False),
    "b": dict(hidden_size=512, num_hidden_layers=10, intermediate_size=1408, vocab_size=4096, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=False),
    "c": dict(hidden_size=576, num_hidden_layers=30, intermediate_size=1536, vocab_size=49152, num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True),
}
BATCH, LENGTH = 16, 256
NEW, REPEATS = 128, 3
TRAINING = {"train": "fp32", "train bf16": "bf16"}
# Relative difference of losses that counts as equal: in bf16 the two sides round at different places.
LOSS_TOLERANCE = {"train": 1e-4, "train bf16": 1e-2}
# Prompts, their length, and how often each is continued.
GENERATION = {"generate 32": (32, 64, 1), "generate 1": (1, 64, 1), "group 8": (1, 256, 8)}
RATE, DECAY = 1e-3, 0.01


def median(values):
    return sorted(values)[len(values) // 2]


def setup(folder, size):
    """Writes the model as a Hugging Face folder, the training rows and the prompts."""
    import numpy
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = SIZES[size]
    config = LlamaConfig(
        max_position_embeddings=1024, rms_norm_eps=1e-5, **shape
    )
    model = LlamaForCausalLM(config).float()
    model.save_pretrained(folder / size)
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(0, shape["vocab_size"], (BATCH, LENGTH + 1), generator=generator)
    rows.numpy().astype(numpy.uint32).tofile(folder / f"{size}.rows")
    for task, (count, length, copies) in GENERATION.items():
        prompts = torch.randint(0, shape["vocab_size"], (count, length), generator=generator).repeat(copies, 1)
        prompts.numpy().astype(numpy.uint32).tofile(folder / f"{size}.{task}")


def torch_train(model, rows, steps, autocast):
    import torch

    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=RATE)
    seconds, losses = [], []
    for _ in range(steps):
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            logits = model(input_ids=rows[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - begin)
        losses.append(loss.item())
    return {"seconds": median(seconds[1:]), "best": min(seconds[1:]), "tokens": rows[:, 1:].numel(), "losses": losses}


def torch_generate(model, prompts):
    import torch

    model.eval()
    seconds = []
    with torch.no_grad():
        for _ in range(REPEATS):
            begin = time.perf_counter()
            out = model.generate(
                input_ids=prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False,
                pad_token_id=0, eos_token_id=None,
            )
            seconds.append(time.perf_counter() - begin)
    new = out[:, prompts.shape[1]:]
    assert new.shape[1] == NEW, new.shape
    checksum = int((new * torch.arange(1, NEW + 1)).sum())
    return {"seconds": median(seconds), "best": min(seconds), "tokens": new.numel(), "checksum": checksum}


def worker(folder, size, task, steps, threads):
    """The transformers side, in its own process."""
    import numpy
    import torch
    from transformers import LlamaForCausalLM

    torch.set_num_threads(threads)
    model = LlamaForCausalLM.from_pretrained(folder / size, attn_implementation="sdpa", dtype=torch.float32)
    read = lambda name, width: torch.from_numpy(numpy.fromfile(folder / f"{size}.{name}", dtype=numpy.uint32).astype("int64")).reshape(-1, width)
    if task in TRAINING:
        result = torch_train(model, read("rows", LENGTH + 1), steps, TRAINING[task] == "bf16")
    else:
        result = torch_generate(model, read(task, GENERATION[task][1]))
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result["threads"] = threads
    print(json.dumps(result))


def run(command, threads):
    environment = dict(os.environ, CHEMR_THREADS=str(threads), OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def engine_command(binary, folder, size, task, steps):
    model = folder / size
    if task in TRAINING:
        return [binary, "train", model, folder / f"{size}.rows", str(LENGTH), str(steps), TRAINING[task]]
    return [binary, "generate", model, folder / f"{size}.{task}", str(GENERATION[task][1]), str(NEW), str(REPEATS)]


def work(size, task):
    """Floating-point operations of one token: what the definition needs, causal attention counted half. Generation: forward only,
    each different prompt once, with the head for its last position, shared out among the new tokens."""
    shape = SIZES[size]
    hidden, layers, wide = shape["hidden_size"], shape["num_hidden_layers"], shape["intermediate_size"]
    keys = hidden * shape["num_key_value_heads"] // shape["num_attention_heads"]
    matrices = layers * hidden * (2 * hidden + 2 * keys + 3 * wide) + shape["vocab_size"] * hidden
    if task in TRAINING:
        return 6 * matrices + 6 * layers * hidden * LENGTH
    prompts, length, copies = GENERATION[task]
    head = shape["vocab_size"] * hidden
    prompt = length * (2 * (matrices - head) + 2 * layers * hidden * length) + 2 * head
    return 2 * matrices + 4 * layers * hidden * (length + NEW // 2) + prompt / (copies * NEW)


def check(task, engine, torch_side):
    """Both sides must have done the same work."""
    if task in TRAINING:
        for step, (ours, theirs) in enumerate(zip(engine["losses"], torch_side["losses"])):
            if abs(ours - theirs) > LOSS_TOLERANCE[task] * abs(theirs):
                sys.exit(f"step {step}: loss {ours} here, {theirs} in transformers")
    elif engine["checksum"] != torch_side["checksum"]:
        sys.exit(f"{task}: the greedy tokens differ ({engine['checksum']} here, {torch_side['checksum']} in transformers)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["a", "b"], choices=sorted(SIZES))
    parser.add_argument("--tasks", nargs="+", default=[*TRAINING, *GENERATION], choices=[*TRAINING, *GENERATION])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6, help="training steps of one run; the first is not timed")
    parser.add_argument("--binary", default=ROOT / "target/release/examples/engine_bench")
    parser.add_argument("--json", type=pathlib.Path, help="also write all results here")
    parser.add_argument("--worker", nargs=3, metavar=("FOLDER", "SIZE", "TASK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        folder, size, task = options.worker
        worker(pathlib.Path(folder), size, task, options.steps, options.threads)
        return
    if not pathlib.Path(options.binary).exists():
        sys.exit(f"{options.binary} is missing: cargo build --release -p chemr-engine --example engine_bench")
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for size in options.sizes:
            setup(folder, size)
            for task in options.tasks:
                sides, peaks = {"engine": [], "transformers": []}, []
                for _ in range(options.rounds):
                    # On a shared host the peak moves as the rates do: one measurement beside each round.
                    peaks.append(run([options.binary, "peak"], options.threads))
                    ours = run(engine_command(options.binary, folder, size, task, options.steps), options.threads)
                    again = [sys.executable, __file__, "--threads", str(options.threads), "--steps", str(options.steps)]
                    theirs = run(again + ["--worker", str(folder), size, task], options.threads)
                    check(task, ours, theirs)
                    sides["engine"].append(ours)
                    sides["transformers"].append(theirs)
                results.append(summary(size, task, sides, peaks))
                print(line(results[-1]), flush=True)
    print(f"\n{platform.processor() or platform.machine()}, {options.threads} threads, load {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def summary(size, task, sides, peaks):
    row = {"size": size, "task": task}
    for side, runs in sides.items():
        tokens = runs[0]["tokens"]
        row[side] = {
            "tokens_per_s": tokens / median([run["seconds"] for run in runs]),
            "best_tokens_per_s": tokens / min(run["best"] for run in runs),
            "peak_rss_mb": max(run["peak_rss_mb"] for run in runs),
        }
    ours, theirs = row["engine"], row["transformers"]
    row["ratio"] = ours["tokens_per_s"] / theirs["tokens_per_s"]
    row["best_ratio"] = ours["best_tokens_per_s"] / theirs["best_tokens_per_s"]
    row["peak"] = {name: median([peak[name] for peak in peaks]) for name in ["gflops", "bf16_gflops", "gb_per_s"]}
    gflops = "bf16_gflops" if TRAINING.get(task) == "bf16" else "gflops"
    row["share_of_peak"] = ours["tokens_per_s"] * work(size, task) / 1e9 / row["peak"][gflops]
    row["peak_gflops"] = row["peak"][gflops]
    row["memory_ratio"] = ours["peak_rss_mb"] / theirs["peak_rss_mb"]
    return row


def line(row):
    ours, theirs = row["engine"], row["transformers"]
    return (
        f"{row['size']} {row['task']:<12} engine {ours['tokens_per_s']:8.0f} tokens/s (best {ours['best_tokens_per_s']:.0f}, {ours['peak_rss_mb']} MB)   "
        f"transformers {theirs['tokens_per_s']:8.0f} (best {theirs['best_tokens_per_s']:.0f}, {theirs['peak_rss_mb']} MB)   "
        f"ratio {row['ratio']:.2f} (best {row['best_ratio']:.2f}), memory {row['memory_ratio']:.2f}, "
        f"{row['share_of_peak']:.0%} of the peak ({row['peak_gflops']:.0f} GFLOP/s, {row['peak']['gb_per_s']:.1f} GB/s)"
    )


if __name__ == "__main__":
    main()
