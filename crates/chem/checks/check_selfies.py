"""Compares the SELFIES of this crate with the Python package `selfies` 2.2.0, string for string.

    cargo build --release -p chemr-chem --example selfies
    python crates/chem/checks/check_selfies.py target/release/examples/selfies DATA

DATA is the folder of the real data. Both directions on real molecules, on the SELFIES of Mol-Instructions, on random and
broken rows of symbols, with every table of constraints and with old symbols; the round trip judged by RDKit 2026.9.1; the time
of both on one core. Prints one line for each comparison and ends with status 1 when anything differs.
"""

import csv
import gzip
import json
import random
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import selfies
from rdkit import Chem, RDLogger

RDLogger.DisableLog("rdApp.*")
warnings.filterwarnings("ignore")
EXAMPLE, DATA = sys.argv[1], Path(sys.argv[2])
RANDOM = random.Random(1)
failed = False


def ours(command, lines, *options):
    """Our results, `None` where refused, and the seconds of the work alone."""
    text = "".join(line + "\n" for line in lines)
    run = subprocess.run([EXAMPLE, command, *options], input=text, capture_output=True, text=True, check=True)
    answers = [line.split("\t", 1) for line in run.stdout.splitlines()]
    seconds = float(run.stderr.split()[-2])
    return [text if verdict == "ok" else None for verdict, text in answers], seconds


def theirs(call, lines):
    """The package's results, `None` where it raises anything, and the seconds."""
    results = []
    start = time.perf_counter()
    for line in lines:
        try:
            results.append(call(line))
        except Exception:
            results.append(None)
    return results, time.perf_counter() - start


def compare(name, lines, command, call, *options, known=lambda line, theirs: None):
    """Counts differences; `known` names the reason of those that are intended."""
    global failed
    mine, _ = ours(command, lines, *options)
    reference, _ = theirs(call, lines)
    reasons, wrong = {}, []
    for line, own, other in zip(lines, mine, reference, strict=True):
        if own != other:
            reason = known(line, other)
            reasons[reason] = reasons.get(reason, 0) + 1
            if reason is None:
                wrong.append((line, own, other))
    refused = sum(result is None for result in reference)
    expected = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if reason)
    print(
        f"{name}: {len(lines)} lines, {refused} refused by the package, {len(wrong)} differ"
        f"{f' ({expected})' if expected else ''}",
        flush=True,
    )
    for row in wrong[:5]:
        print("   ", *row, sep="\n      ")
    failed |= bool(wrong)
    return mine


def rows(path):
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as file:
        yield from csv.DictReader(file)


def molecules():
    columns = {
        "uspto-50k/train.csv.gz": ["product", "reactants"],
        "chebi20/valid.csv.gz": ["smiles"],
        "chebi20/test_public.csv": ["smiles"],
        "pubchem-iupac/train.csv.gz": ["smiles"],
        "pubchem-iupac/valid.csv": ["smiles"],
        "pubchem-iupac/test_public.csv": ["smiles"],
        "pubchem-iupac/simple_names_train.csv": ["smiles"],
        "rdkit-reference/molecules_public.csv.gz": ["input_smiles"],
        "smiles-suites/smiles_suites_public.csv": ["smiles"],
        "smiles-suites/cip_validation_public.csv": ["smiles"],
        "smiles-suites/kekule_vs_aromatic_public.csv.gz": ["kekule", "rdkit_2017_03", "cdk_2_0", "oechem_2017"],
    }
    found = {}
    for name, wanted in columns.items():
        # Every third reaction of USPTO-50k keeps the whole check under some minutes.
        for number, row in enumerate(rows(DATA / name)):
            if "uspto" not in name or number % 3 == 0:
                found.update((row[column], None) for column in wanted if row[column])
    return list(found)


def mol_instructions():
    found = {}
    for path in sorted((DATA / "mol-instructions-sample").glob("*.jsonl")):
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                for field in ("question", "answer"):
                    found.update((text, None) for text in re.findall(r"(?:\[[^\]\s]+\]\.?)+", row[field]))
    return [text.rstrip(".") for text in found]


def random_rows(alphabet, count, longest):
    return ["".join(RANDOM.choices(alphabet, k=RANDOM.randint(1, longest))) for _ in range(count)]


def bodies():
    """Every one- and two-letter symbol, and the forms that an atom may take in either grammar."""
    capitals, small = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    symbols = [first + second for first in capitals + small for second in ["", *small]]
    forms = ["{}H", "{}H0", "{}H2", "{}H9", "{}+", "{}-", "{}++", "{}+2", "{}+0", "{}-10", "{}@", "{}@@H1", "13{}", "0{}"]
    forms += ["{}@@@", "007{}H1-1", "{}:3", "{}H10", "{}+H1", "{}expl", "{}--1", "{} ", "{}H1+1", "{}H+", "={}", "/{}H1", "-{}"]
    named = ["C", "N", "O", "Si", "Cl", "H", "c", "n", "se", "si", "al", "cl", "fe", "Fe", "B", "p", "te", "*", "X", ""]
    return symbols + [form.format(symbol) for form in forms for symbol in named]


def cubic_graph(size):
    """A random graph of aromatic carbon atoms with three bonds each: greedy matchings have to be repaired here."""
    while True:
        ends = [atom for atom in range(size) for _ in range(3)]
        RANDOM.shuffle(ends)
        bonds = {tuple(sorted(pair)) for pair in zip(ends[::2], ends[1::2])}
        if len(bonds) == 3 * size // 2 and all(one != other for one, other in bonds):
            break
    graph = Chem.RWMol()
    for _ in range(size):
        graph.AddAtom(Chem.Atom(6))
    for one, other in bonds:
        graph.AddBond(one, other, Chem.BondType.AROMATIC)
    for atom in graph.GetAtoms():
        atom.SetIsAromatic(True)
    return Chem.MolToSmiles(graph, canonical=False)


def rings_beyond_99(line, result):
    return "with ring numbers beyond 99" if result and re.search(r"%\d{3}", result) else None


def decoder(constraints="default", compatible=False):
    selfies.set_semantic_constraints(constraints)
    return lambda line: selfies.decoder(line, compatible=compatible)


def encoder(constraints="default", strict=True):
    selfies.set_semantic_constraints(constraints)
    return lambda line: selfies.encoder(line, strict=strict)


def too_long(line, result):
    return "with a number of four digits" if result and re.search(r"(Branch|Ring)[4-9]\]", result) else None


def round_trip(smiles, written):
    """How many molecules come back as they were, and why the others do not."""
    kept = [(text, code) for text, code in zip(smiles, written) if code is not None]
    back, _ = ours("decode", [code for _, code in kept])
    counts, examples = {}, {}
    for (text, _), result in zip(kept, back):
        before = Chem.MolFromSmiles(text)
        if before is None:
            continue
        reason = difference(before, Chem.MolFromSmiles(result) if result is not None else None)
        counts[reason] = counts.get(reason, 0) + 1
        examples.setdefault(reason, []).append((text, result))
    same = counts.pop("same", 0)
    print(f"round trip: {same} of {same + sum(counts.values())} molecules that RDKit reads come back as they were", flush=True)
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"   {count} {reason}, e.g. {examples[reason][0][0]} -> {examples[reason][0][1]}")


def speed(name, lines, command, call):
    """Best of three rounds, taken in turn; other work on the machine slows either."""
    rounds = [(theirs(call, lines)[1], ours(command, lines)[1]) for _ in range(3)]
    slow, quick = (min(times) for times in zip(*rounds))
    print(f"{name}: {slow / len(lines) * 1e6:.0f} and {quick / len(lines) * 1e6:.1f} microseconds each, ratio {slow / quick:.0f}")


def difference(before, after):
    if after is None:
        return "not read back"
    if Chem.MolToSmiles(before) == Chem.MolToSmiles(after):
        return "same"
    for atom in before.GetAtoms():
        atom.SetAtomMapNum(0)
    plain = Chem.MolFromSmiles(Chem.MolToSmiles(before))
    if Chem.MolToSmiles(plain) == Chem.MolToSmiles(after):
        return "without their atom map numbers"
    flat = [Chem.MolToSmiles(molecule, isomericSmiles=False) for molecule in (plain, after)]
    return "with other stereochemistry" if flat[0] == flat[1] else "with other atoms or bonds"


def main():
    global failed
    smiles = molecules()
    written = compare("encode real molecules", smiles, "encode", encoder(), known=too_long)
    loose = compare("encode, unchecked", smiles, "encode", encoder(strict=False), "unchecked", known=too_long)
    for table in ("octet_rule", "hypervalent"):
        compare(f"encode, {table}", smiles[::5], "encode", encoder(table), table, known=too_long)
    bracketed = [f"[{body}]" for body in bodies()]
    compare("encode single atoms", bracketed + bodies(), "encode", encoder(strict=False), "unchecked")
    broken = ["".join(RANDOM.choices(list("CNOcn()[]=#/\\12%.@H+-:B*$ "), k=RANDOM.randint(1, 14))) for _ in range(40_000)]
    compare("encode random characters", broken, "encode", encoder(), known=too_long)
    cubic = [cubic_graph(RANDOM.choice([20, 40, 60, 100])) for _ in range(1_000)]
    compare("encode random cubic graphs", cubic, "encode", encoder(strict=False), "unchecked")
    cut = [mutated(text) for text in RANDOM.choices(smiles, k=20_000)]
    compare("encode damaged SMILES", cut, "encode", encoder(), known=too_long)

    codes = [code for code in dict.fromkeys(loose) if code is not None]
    compare("decode real molecules", codes, "decode", decoder())
    compare("decode Mol-Instructions", mol_instructions(), "decode", decoder())
    for table in ("default", "octet_rule", "hypervalent"):
        call = decoder(table)
        alphabet = sorted(selfies.get_semantic_robust_alphabet())
        run = subprocess.run([EXAMPLE, "alphabet", table], capture_output=True, text=True, check=True)
        if run.stdout.split() != alphabet:
            print(f"robust alphabet of {table} differs")
            failed = True
        compare(f"decode random rows, {table}", random_rows(alphabet, 20_000, 100), "decode", call, table, known=rings_beyond_99)
    symbols = sorted({symbol for code in codes for symbol in selfies.split_selfies(code)} | set(alphabet))
    symbols += ["[epsilon]", "[nop]", ".", "[/Ring1]", "[-/Ring1]", "[\\/Ring2]", "[--Ring1]", "[Branch4]", "[CH9]"]
    compare("decode rows of all symbols", random_rows(symbols, 20_000, 60), "decode", decoder(), known=rings_beyond_99)
    old = ["[Branch1_1]", "[Branch2_3]", "[Expl=Ring1]", "[Expl/Ring1]", "[Expl\\Ring2]", "[C@@Hexpl]", "[=N+expl]", "[nHexpl]"]
    rows = random_rows(alphabet + old * 3 + ["[epsilon]"], 5_000, 40)
    compare("decode old symbols", rows, "decode", decoder(compatible=True), "compatible", known=rings_beyond_99)
    compare("decode old symbols as today's", rows, "decode", decoder())
    lines = [f"[C]{symbol}[O]" for symbol in bracketed if symbol.isascii()]
    compare("decode single symbols", lines, "decode", decoder())
    compare("decode single old symbols", lines, "decode", decoder(compatible=True), "compatible")
    round_trip(smiles, written)
    speed("time of encoding", smiles[:: len(smiles) // 5_000], "encode", encoder())
    speed("time of decoding", codes[:: len(codes) // 5_000], "decode", decoder())
    sys.exit(failed)


def mutated(text):
    place = RANDOM.randrange(len(text))
    choice = RANDOM.randrange(3)
    if choice == 0:
        return text[:place] + text[place + 1 :]
    other = RANDOM.choice("CNOcnos()[]=#/\\123@H+-.:")
    return text[:place] + other + text[place + (choice == 1) :]


if __name__ == "__main__":
    main()
