"""Verdicts and metrics per second against the same ones computed with Python RDKit, in a plain loop and in a process pool.

    python benches/scoring/throughput.py --reactions uspto-50k/valid.csv.gz --design chebi20_design.csv [--rounds 5] [--json FILE]

Works: ``exact`` gives every completion for a reaction its verdict (format, answer, same fragments); ``group`` does so for groups of eight
completions of one prompt, in which answers repeat; ``design`` scores predicted molecules with the metrics of molecule design. Every side
runs in a process of its own, bound to one core or to two, in turn; medians are compared. Imports, reading the rows and starting the pool are
not timed. The script stops when the two sides' results differ. Needs the wheel of ``python/``, rdkit, nltk and Levenshtein.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib
import platform
import random
import re
import subprocess
import sys
import time

STRICT = re.compile(r"\s*<think>(?:(?!</?(?:think|answer)>).)*</think>\s*<answer>((?:(?!</?(?:think|answer)>).)*)</answer>\s*", re.DOTALL)
GROUP = 8
TRACE = "The product holds an amide. I cut the bond between its carbonyl carbon and its nitrogen, which gives an acid and an amine. " * 4


def median(values):
    return sorted(values)[len(values) // 2]


def table(path):
    opened = gzip.open(path, "rt", newline="") if str(path).endswith(".gz") else open(path, newline="")
    with opened as file:
        return list(csv.DictReader(file))


def completions(path, is_grouped, count):
    """Pairs of completion and reference: rewritten right answers, other rows' answers, broken SMILES and bad formats."""
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    references = [row["reactants"] for row in table(path)]
    chance = random.Random(7)
    chance.shuffle(references)

    def answer(reference):
        kind = chance.randrange(8)
        if kind < 4:
            molecule = Chem.MolFromSmiles(reference)
            order = list(range(molecule.GetNumAtoms()))
            chance.shuffle(order)
            return Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
        return chance.choice(references) if kind < 7 else reference[: len(reference) * 2 // 3]

    def completion(text):
        return f"<think>{TRACE}</think><answer>{text}</answer>" if chance.random() < 0.9 else f"The reactants are {text}"

    if not is_grouped:
        return [(completion(answer(reference)), reference) for reference in references[:count]]
    pairs = []
    for reference in references[: count // GROUP]:
        answers = [answer(reference) for _ in range(4)]
        pairs += [(completion(chance.choice(answers)), reference) for _ in range(GROUP)]
    return pairs


# The side of Python RDKit.


def loop_verdict(pair):
    completion, reference = pair
    from rdkit import Chem

    found = STRICT.fullmatch(completion)
    if not found:
        return 0.0
    molecule = Chem.MolFromSmiles(found[1].strip())
    wanted = Chem.MolFromSmiles(reference)
    is_same = molecule is not None and molecule.GetNumAtoms() > 0 and Chem.MolToSmiles(molecule) == Chem.MolToSmiles(wanted)
    return 0.1 + 0.9 * is_same


def loop_design(pair):
    """What can be said of one pair: as the evaluation scripts of MolT5 and ChemLLMBench do, with all four fingerprints."""
    from Levenshtein import distance
    from rdkit import Chem, DataStructs
    from rdkit.Chem import MACCSkeys, rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    reference, prediction = pair
    row = {"exact.string": reference == prediction, "levenshtein": distance(reference, prediction)}
    wanted, found = Chem.MolFromSmiles(reference), Chem.MolFromSmiles(prediction)
    row["validity"] = found is not None
    row["exact.canonical"] = row["exact.inchi"] = False
    if found is not None and wanted is not None:
        row["exact.canonical"] = Chem.MolToSmiles(found) == Chem.MolToSmiles(wanted)
        row["exact.inchi"] = Chem.MolToInchi(found) == Chem.MolToInchi(wanted)
        similar = DataStructs.TanimotoSimilarity
        row["fts.maccs"] = similar(MACCSkeys.GenMACCSKeys(found), MACCSkeys.GenMACCSKeys(wanted))
        row["fts.rdk"] = similar(Chem.RDKFingerprint(found), Chem.RDKFingerprint(wanted))
        row["fts.morgan_2048"] = similar(generator.GetFingerprint(found), generator.GetFingerprint(wanted))
        row["fts.morgan_count"] = similar(generator.GetSparseCountFingerprint(found), generator.GetSparseCountFingerprint(wanted))
    return row


def design_means(pairs, rows):
    from nltk.translate.bleu_score import corpus_bleu

    def mean(name):
        values = [row[name] for row in rows if name in row]
        return sum(values) / len(values)

    names = ["validity", "levenshtein", *(f"exact.{which}" for which in ("string", "canonical", "inchi"))]
    names += [f"fts.{which}" for which in ("maccs", "rdk", "morgan_2048", "morgan_count")]
    return {name: mean(name) for name in names} | {"bleu.char": corpus_bleu([[list(wanted)] for wanted, _ in pairs], [list(found) for _, found in pairs])}


def python_side(work, pairs, cores):
    from rdkit import RDLogger

    RDLogger.DisableLog("rdApp.*")
    each = loop_design if work == "design" else loop_verdict
    each(pairs[0])
    if cores > 1:
        import multiprocessing

        with multiprocessing.Pool(cores) as pool:
            pool.map(each, pairs[: 4 * cores], 1)
            start = time.perf_counter()
            rows = pool.map(each, pairs, 32)
            result = design_means(pairs, rows) if work == "design" else rows
            return time.perf_counter() - start, result
    start = time.perf_counter()
    rows = [each(pair) for pair in pairs]
    result = design_means(pairs, rows) if work == "design" else rows
    return time.perf_counter() - start, result


def chemr_side(work, pairs, cores):
    import chemr
    from chemr import _chemr

    # Tables are read by the first call, as RDKit's are.
    warm = [("CCO", "CC(=O)OCC")] * 4
    if work == "design":
        chemr.score("molecule_design", [found for _, found in warm], [wanted for wanted, _ in warm])
        start = time.perf_counter()
        found = chemr.score("molecule_design", [found for _, found in pairs], [wanted for wanted, _ in pairs])
        taken = time.perf_counter() - start
        return taken, {name: one["value"] for name, one in found["metrics"].items()}
    _chemr.Scorer().score(["retrosynthesis"] * 4, ["<think>a</think><answer>CCO</answer>"] * 4, ["CCO"] * 4, {})
    scorer = _chemr.Scorer(threads=cores)
    start = time.perf_counter()
    texts, references = [text for text, _ in pairs], [reference for _, reference in pairs]
    found = scorer.score(["retrosynthesis"] * len(pairs), texts, references, {})
    return time.perf_counter() - start, [one["score"] for one in found]


def worker(options):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with open(options.rows) as file:
        pairs = [tuple(pair) for pair in json.load(file)]
    side = chemr_side if options.side == "chemr" else python_side
    seconds, result = side(options.worker, pairs, options.cores)
    print(json.dumps({"seconds": seconds, "result": result}))


def measure(side, work, cores, rows):
    command = [sys.executable, __file__, "--worker", work, "--side", side, "--cores", str(cores), "--rows", str(rows)]
    environment = os.environ | {"RAYON_NUM_THREADS": str(cores)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def compare(work, count, rounds, rows):
    lines = []
    for cores in (1, 2):
        seconds = {"chemr": [], "python": []}
        results = {}
        for _ in range(rounds):
            for side in seconds:
                found = measure(side, work, cores, rows)
                seconds[side].append(found["seconds"])
                results[side] = found["result"]
        check(work, results)
        rates = {side: count / median(taken) for side, taken in seconds.items()}
        ratios = [python / chemr for chemr, python in zip(seconds["chemr"], seconds["python"])]
        line = {"work": work, "cores": cores, "rows": count} | rates | {"ratio": rates["chemr"] / rates["python"], "ratios": ratios}
        lines.append(line)
        print(
            f"{work:<7} {cores} core{'s' * (cores > 1)} {count} rows: chemr {rates['chemr']:.0f}/s, Python {rates['python']:.0f}/s, "
            f"ratio {line['ratio']:.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )
    return lines


def check(work, results):
    """Both sides have to say the same."""
    theirs, ours = results["python"], results["chemr"]
    if work == "design":
        apart = {name: (ours[name], value) for name, value in theirs.items() if abs(ours[name] - value) > 1e-9}
    else:
        apart = {place: pair for place, pair in enumerate(zip(ours, theirs)) if abs(pair[0] - pair[1]) > 1e-9}
    if apart:
        sys.exit(f"{work}: the sides differ (chemr, Python): {dict(list(apart.items())[:10])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reactions", type=pathlib.Path, help="CSV with a column `reactants`, plain or gzipped")
    parser.add_argument("--design", type=pathlib.Path, help="CSV with the columns `ground_truth` and `output`")
    parser.add_argument("--count", type=int, default=4000, help="completions of `exact` and `group`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--cores", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options)
    if not options.reactions and not options.design:
        parser.error("give --reactions, --design or both")
    import tempfile

    import rdkit

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, rdkit {rdkit.__version__}")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows.json"
        works = [("exact", False), ("group", True)] if options.reactions else []
        for work, is_grouped in works:
            pairs = completions(options.reactions, is_grouped, options.count)
            rows.write_text(json.dumps(pairs))
            lines += compare(work, len(pairs), options.rounds, rows)
        if options.design:
            pairs = [(row["ground_truth"], row["output"]) for row in table(options.design)]
            rows.write_text(json.dumps(pairs))
            lines += compare("design", len(pairs), options.rounds, rows)
    if options.json:
        options.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
