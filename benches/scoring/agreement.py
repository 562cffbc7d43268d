"""Metrics of `chemr score` against the tools that define them: row by row, and over all rows.

    cargo build --release -p chemr
    pip install nltk==3.10.4 rouge-score==0.1.2 scikit-learn==1.9.1 rdkit==2026.9.1 Levenshtein==0.27.5 transformers==5.24.0
    python benches/scoring/agreement.py --captions captions.csv.gz --design design.csv --reactions uspto50k.csv.gz \
        --labels BBBP.csv --numbers Lipophilicity.csv --wordnet dict [--wordpiece vocab.txt]

Captions and designs are outputs of a model beside the right answers (columns `ground_truth`, `output`). For the other kinds of answer, predictions are
made from the right ones with a fixed seed: written in another way, taken from another row, damaged, left out. Without `--wordpiece` a vocabulary is
trained on the captions. The script fails when a row or a value differs by more than rounding.
"""

import argparse
import collections
import csv
import gzip
import importlib.metadata
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import warnings

import Levenshtein
from nltk.translate.bleu_score import corpus_bleu
from nltk.translate.meteor_score import single_meteor_score
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, Crippen, rdFingerprintGenerator, rdMolDescriptors
from rouge_score.rouge_scorer import RougeScorer
from sklearn import metrics as sklearn
from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/tasks/tests/fixtures"))
from metrics import NoSynonyms, pieces, synonym_reader  # noqa: E402

ROUNDING = 1e-9
# Rows that are made for the kinds of answer without outputs of a model.
MADE = 1500
TOOLS = [
    (r"bleu.\.wordpiece|meteor.*wordpiece.*", "transformers, nltk"),
    (r"bleu.*|meteor.*", "nltk"),
    (r"rouge.*", "rouge-score"),
    (r"levenshtein", "Levenshtein"),
    (r"exact\.string", "Python"),
    (r"accuracy|balanced_accuracy|f1|roc_auc|mae|rmse|r2", "scikit-learn"),
    (r".*", "rdkit"),
]


def table(path):
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    with opened as lines:
        return list(csv.DictReader(lines))


def mean(values):
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def bleu(references, predictions, order):
    """Of each row, and of all."""
    weights = (1 / order,) * order
    rows = [corpus_bleu([[reference]], [prediction], weights) for reference, prediction in zip(references, predictions)]
    return rows, corpus_bleu([[reference] for reference in references], predictions, weights)


def means(values):
    return {name: (rows, mean(rows)) for name, rows in values.items()}


def captions(pairs, tokenizer, wordnet):
    references, predictions = zip(*pairs)
    words = [text.split() for text in references], [text.split() for text in predictions]
    cut = [pieces(tokenizer, text) for text in references], [pieces(tokenizer, text) for text in predictions]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    rouge = [scorer.score(*pair) for pair in pairs]
    values = {name: [row[name].fmeasure for row in rouge] for name in ("rouge1", "rouge2", "rougeL")}
    for name, (right, given) in {"meteor": words, "meteor.wordpiece": cut}.items():
        for suffix, synonyms in {"": NoSynonyms(), ".wordnet": wordnet}.items():
            values[name + suffix] = [single_meteor_score(*row, wordnet=synonyms) for row in zip(right, given)]
    values["exact.string"] = [float(right.strip() == given.strip()) for right, given in pairs]
    tokens = {"whitespace": words, "wordpiece": cut}
    return means(values) | {f"bleu{order}.{name}": bleu(*lists, order) for name, lists in tokens.items() for order in (2, 4)}


class Molecule:
    """What RDKit says about a text; a blank or an empty text is no molecule here."""

    def __init__(self, text):
        self.mol = None if not text or re.search(r"\s", text) else Chem.MolFromSmiles(text)
        if self.mol is None:
            return
        fragments = Chem.GetMolFrags(self.mol, asMols=True)
        self.canonical = Chem.MolToSmiles(self.mol)
        self.inchi = Chem.MolToInchi(self.mol) or None
        self.fragments = sorted(map(Chem.MolToSmiles, fragments))
        self.largest = min((-mol.GetNumHeavyAtoms(), Chem.MolToSmiles(mol)) for mol in fragments)[1]
        self.map_free = Chem.CanonSmiles(re.sub(r":\d+\]", "]", text))
        self.formula = rdMolDescriptors.CalcMolFormula(self.mol)
        counts = rdFingerprintGenerator.GetMorganGenerator(radius=2)
        bits = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
        self.fingerprints = {
            "maccs": rdMolDescriptors.GetMACCSKeysFingerprint(self.mol),
            "rdk": Chem.RDKFingerprint(self.mol),
            "morgan_count": counts.GetSparseCountFingerprint(self.mol),
            "morgan_2048": bits.GetFingerprint(self.mol),
        }

    def similarity(self, other, name):
        return DataStructs.TanimotoSimilarity(self.fingerprints[name], other.fingerprints[name])


def molecules(pairs):
    values = collections.defaultdict(list)
    for right_text, given_text in pairs:
        right, given = Molecule(right_text), Molecule(given_text)
        valid = given.mol is not None
        values["validity"].append(float(valid))
        values["exact.string"].append(float(right_text == given_text))
        values["levenshtein"].append(float(Levenshtein.distance(right_text, given_text)))
        for name, attribute in {"canonical": "canonical", "inchi": "inchi", "fragments": "fragments", "largest_fragment": "largest", "map_free": "map_free"}.items():
            values[f"exact.{name}"].append(float(valid and getattr(right, attribute) is not None and getattr(right, attribute) == getattr(given, attribute)))
        missing = collections.Counter(right.fragments) - collections.Counter(given.fragments if valid else [])
        values["exact.component"].append(float(not missing))
        for name in right.fingerprints:
            similarity = right.similarity(given, name) if valid else None
            values[f"fts.{name}"].append(similarity)
            values[f"fts.{name}.all"].append(similarity or 0.0)
    letters = [list(right) for right, _ in pairs], [list(given) for _, given in pairs]
    return means(values) | {"bleu.char": bleu(*letters, 4)}


def another_way(text, generator, is_mapped=False):
    """The same molecules with atoms and fragments in another order."""
    mol = Chem.MolFromSmiles(text)
    if is_mapped:
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(atom.GetIdx() + 1)
    order = list(range(mol.GetNumAtoms()))
    generator.shuffle(order)
    return Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)


def damaged(text, generator):
    place = generator.randrange(len(text))
    return text[:place] + generator.choice(["", "(", "1", "=", "C", "[", "x"]) + text[place + 1 :]


def other_answer(texts, index, generator):
    """A prediction: the right one in some way of writing, damaged, another row's, or none."""
    text = texts[index]
    ways = [
        lambda: text,
        lambda: another_way(text, generator),
        lambda: another_way(text, generator, is_mapped=True),
        lambda: f"{text}.O",
        lambda: damaged(text, generator),
        lambda: generator.choice(texts),
        lambda: "",
    ]
    return generator.choice(ways)()


def reactions(texts, generator):
    rows, values = [], {f"topk.{k}": [] for k in (1, 3, 5, 10)}
    for index, text in enumerate(texts):
        ranked = [other_answer(texts, index, generator) for _ in range(generator.randrange(1, 12))]
        rows.append({"reference": text, "prediction": ranked})
        right = Molecule(text).fragments
        places = [place for place, given in enumerate(map(Molecule, ranked)) if given.mol is not None and given.fragments == right]
        for k in (1, 3, 5, 10):
            values[f"topk.{k}"].append(float(any(place < k for place in places)))
    return rows, means(values) | molecules([(row["reference"], row["prediction"][0]) for row in rows])


def labels(truth, generator):
    spelt = {True: ["Yes", "yes.", "True", "1", "Yes, it is."], False: ["No", "no", "False", "0", "No, it is not."]}
    rows, given, probabilities = [], [], []
    for label in truth:
        answer = generator.choice([label, label, not label, None])
        probability = round(min(max(generator.gauss(0.6 if label else 0.4, 0.25), 0), 1), 2)
        probability = generator.choice([probability] * 9 + [None])
        text = "I cannot tell." if answer is None else generator.choice(spelt[answer])
        rows.append({"reference": str(int(label)), "prediction": text, "probability": probability})
        given.append(not label if answer is None else answer)
        probabilities.append(probability)
    known = [(label, probability) for label, probability in zip(truth, probabilities) if probability is not None]
    return rows, {
        "accuracy": ([float(label == answer) for label, answer in zip(truth, given)], sklearn.accuracy_score(truth, given)),
        "balanced_accuracy": (None, sklearn.balanced_accuracy_score(truth, given)),
        "f1": (None, sklearn.f1_score(truth, given)),
        "roc_auc": (None, sklearn.roc_auc_score(*zip(*known))),
    }


def numbers(texts, generator):
    rows = [{"reference": text, "prediction": generator.choice([f"{float(text) + generator.gauss(0, 1):.3f}"] * 9 + ["unknown"])} for text in texts]
    known = [(float(row["reference"]), float(row["prediction"])) for row in rows if row["prediction"] != "unknown"]
    truth, given = zip(*known)
    distances = [None if row["prediction"] == "unknown" else abs(float(row["prediction"]) - float(row["reference"])) for row in rows]
    return rows, {
        "mae": (distances, sklearn.mean_absolute_error(truth, given)),
        "rmse": (distances, sklearn.root_mean_squared_error(truth, given)),
        "r2": (None, sklearn.r2_score(truth, given)),
    }


def formulas(texts, generator):
    rows, same = [], []
    for text in texts:
        right, other = Molecule(text).formula, Molecule(generator.choice(texts)).formula
        elements = re.findall(r"[A-Z][a-z]?\d*", right.split("+")[0].split("-")[0])
        charge = right[len("".join(elements)) :]
        generator.shuffle(elements)
        prediction = generator.choice([right, "".join(elements) + charge, other, "no formula"])
        rows.append({"reference": right, "prediction": prediction})
        same.append(float(prediction != "no formula" and sorted(re.findall(r"[A-Z][a-z]?\d*", prediction)) == sorted(elements) and prediction.endswith(charge)))
    return rows, means({"exact.formula": same, "exact.string": [float(row["reference"] == row["prediction"]) for row in rows]})


def demands(texts, generator, value):
    rows, values = [], collections.defaultdict(list)
    for index, text in enumerate(texts):
        rises, prediction = generator.random() < 0.5, other_answer(texts, index, generator)
        rows.append({"smiles": text, "direction": "increase" if rises else "decrease", "reference": "", "prediction": prediction})
        before, after = Molecule(text), Molecule(prediction)
        valid = after.mol is not None
        change = value(after.mol) - value(before.mol) if valid else 0.0
        values["success"].append(float(change > ROUNDING if rises else change < -ROUNDING))
        values["validity"].append(float(valid))
        values["similarity.source"].append(before.similarity(after, "morgan_2048") if valid else None)
    found = means(values)
    weighted = found["success"][1] * found["similarity.source"][1]
    return rows, found | {"success.weighted": (None, weighted)}


def score(chemr, task, rows, options):
    with tempfile.TemporaryDirectory() as folder:
        given, scored = pathlib.Path(folder) / "given.jsonl", pathlib.Path(folder) / "rows.jsonl"
        given.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [chemr, "score", "--task", task, "--predictions", given, "--rows", scored, "--json", *options]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines = sorted(map(json.loads, scored.read_text().splitlines()), key=lambda line: line["row"])
        return json.loads(output)["metrics"], [line["metrics"] for line in lines]


def difference(found, expected):
    if found is None or expected is None:
        return 0.0 if found is expected else float("inf")
    return abs(found - expected)


def tool(metric):
    names = next(names for pattern, names in TOOLS if re.fullmatch(pattern, metric))
    return ", ".join(name if name == "Python" else f"{name} {importlib.metadata.version(name)}" for name in names.split(", "))


def compare(task, found, found_rows, expected):
    """Prints a line for each metric; whether all agree."""
    agree = True
    for metric in found:
        rows, total = expected[metric]
        by_row = max((difference(line[metric], value) for line, value in zip(found_rows, rows, strict=True)), default=0.0) if rows else None
        of_all = difference(found[metric]["value"], total)
        agree &= of_all <= ROUNDING and (by_row or 0.0) <= ROUNDING
        shown = "-" if by_row is None else f"{by_row:.1e}"
        print(f"| `{metric}` | `{task}` | {tool(metric)} | {len(found_rows)} | {shown} | {of_all:.1e} |")
    return agree


def vocabulary(folder, texts):
    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator(texts, vocab_size=4000, show_progress=False)
    trained.save_model(str(folder))
    return folder / "vocab.txt"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chemr", default=ROOT / "target/release/chemr")
    for name in ("captions", "design", "reactions", "labels", "numbers", "wordnet"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--wordpiece", type=pathlib.Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    generator = random.Random(20261129)
    sides = lambda rows: [(row["ground_truth"], row["output"]) for row in rows]  # noqa: E731
    described, designed = sides(table(arguments.captions)), sides(table(arguments.design))
    reactants = [row["reactants"] for row in table(arguments.reactions)][:MADE]
    drugs = [row for row in table(arguments.numbers) if Chem.MolFromSmiles(row["smiles"])][:MADE]
    smiles = [row["smiles"] for row in drugs]
    truth = [row["p_np"] == "1" for row in table(arguments.labels)][:MADE]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        wordpiece = arguments.wordpiece or vocabulary(folder, [right for right, _ in described])
        wordnet = synonym_reader(folder, {path.name: path.read_text() for path in arguments.wordnet.iterdir() if path.is_file()})
        options = ["--wordpiece", wordpiece, "--wordnet", arguments.wordnet]
        pairs = lambda rows: [{"reference": right, "prediction": given} for right, given in rows]  # noqa: E731
        groups = [
            ("molecule_captioning", pairs(described), captions(described, BertTokenizerFast(str(wordpiece)), wordnet)),
            ("molecule_design", pairs(designed), molecules(designed)),
            ("retrosynthesis", *reactions(reactants, generator)),
            ("property.bbbp", *labels(truth, generator)),
            ("property.lipophilicity", *numbers([row["exp"] for row in drugs], generator)),
            ("name.smiles_to_formula", *formulas(smiles, generator)),
            ("tomg.logp", *demands(smiles, generator, Crippen.MolLogP)),
            ("tomg.mr", *demands(smiles, generator, Crippen.MolMR)),
            ("tomg.qed", *demands(smiles, generator, QED.qed)),
        ]
        print("| metric | task | tool | rows | largest difference of a row | of the value |\n|---|---|---|---|---|---|")
        agreed = [compare(task, *score(arguments.chemr, task, rows, options), expected) for task, rows, expected in groups]
    sys.exit(0 if all(agreed) else 1)


if __name__ == "__main__":
    main()
