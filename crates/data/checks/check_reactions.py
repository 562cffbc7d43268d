"""Checks the gym's reaction tasks with a tool that shares no code with it: Python RDKit 2026.9.1.

    cargo build --release -p chemr-data --example gym
    python crates/data/checks/check_reactions.py target/release/examples/gym crates [COUNT] [LEVELS] [TASKS]

Products by the registry's forward reaction SMARTS; what else the templates of the mixture would make has to be decided by a rule of the
question; distractors by their SMARTS on both sides; configuration by inverting the mapped centre; balance by formula arithmetic; the
choice of a reagent by the table; the yield rule by SMARTS of its own. Prints one line for each task and level and ends with status 1
when anything is wrong.
"""

import json
import subprocess
import sys
import tomllib
from collections import Counter

from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem

RDLogger.DisableLog("rdApp.*")
GYM, CRATES = sys.argv[1], sys.argv[2]
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
LEVELS = sys.argv[4].split(",") if len(sys.argv) > 4 else ["1", "2", "3", "4", "5"]


def read(path):
    with open(f"{CRATES}/{path}", "rb") as file:
        return tomllib.load(file)


def expand(text, macros):
    while "{" in text:
        for name, value in macros.items():
            text = text.replace("{" + name + "}", value)
    return text


def canonical(smiles):
    molecule = Chem.MolFromSmiles(smiles) if smiles else None
    return None if molecule is None else Chem.MolToSmiles(molecule)


def flat(smiles):
    molecule = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(molecule)
    return Chem.MolToSmiles(molecule)


def parts(smiles):
    return sorted(canonical(part) for part in smiles.split(".") if part)


REGISTRY = read("chem/data/named_reactions.toml")
NAMED = {row["id"]: row for row in REGISTRY["reaction"]}
FORWARD = {key: AllChem.ReactionFromSmarts(expand(row["forward"], REGISTRY["macros"])) for key, row in NAMED.items()}
REAGENTS = {key: parts(row.get("reagent_smiles", "")) for key, row in NAMED.items()}
SELECTIVITY = read("data/data/selectivity.toml")
GROUPS = {row["id"]: Chem.MolFromSmarts(row["smarts"]) for row in SELECTIVITY["group"]}
RULES = {row["id"]: row for row in SELECTIVITY["rule"]}
CONDITIONS = {reaction: row["id"] for row in SELECTIVITY["conditions"] for reaction in row["reactions"]}
EQUATIONS = {}
for row in read("data/data/balance.toml")["equation"]:
    EQUATIONS.setdefault(row["reaction"], []).append(row)
TABLE = read("data/data/reagents.toml")
SITES = {row["id"]: Chem.MolFromSmarts(row["smarts"]) for row in TABLE["site"]}
REAGENT = {row["smiles"]: row for row in TABLE["reagent"]}
CHANGES = {row["reaction"]: row for row in TABLE["change"]}


def runs(reaction, molecules):
    """Products of a forward template, over both orders, sanitised."""
    orders = [molecules] if len(molecules) == 1 else [molecules, molecules[::-1]]
    for order in orders:
        if len(order) == reaction.GetNumReactantTemplates():
            for result in reaction.RunReactants(tuple(order)):
                product = result[0]
                try:
                    Chem.SanitizeMol(product)
                    yield product
                except Exception:
                    pass


def made(reaction, molecules):
    # Reading the text back settles aromaticity, as RDKit's documentation advises.
    return {canonical(Chem.MolToSmiles(product)) for product in runs(reaction, molecules)} - {None}


def inverted(reaction, molecules):
    """Products with the configuration of one mapped centre changed."""
    found = set()
    for product in runs(reaction, molecules):
        for atom in product.GetAtoms():
            if atom.HasProp("old_mapno") and atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED:
                other = Chem.Mol(product)
                other.GetAtomWithIdx(atom.GetIdx()).InvertChirality()
                found.add(canonical(Chem.MolToSmiles(other)))
    return found


def atoms(smiles, times=1):
    counts = Counter()
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    for atom in molecule.GetAtoms():
        counts[atom.GetSymbol()] += times
    return counts


def side(text, name, molecules):
    """Atoms of one side of a balance such as `4 substrates + [BH4-].[Na+] + 4 O`."""
    total = Counter()
    for item in text.split(" + "):
        words = item.split(" ")
        times, what = (int(words[0]), words[1]) if len(words) == 2 else (1, words[0])
        for smiles in molecules if what.rstrip("s") == name else [what]:
            total += atoms(smiles, times)
    return total


def balances(reaction, reactants, product, balance=None, byproduct=None):
    if balance is None:
        # The lower levels carry no equation; one of the reaction has to hold.
        rows = EQUATIONS.get(reaction, [{"adds": [], "leaves": [NAMED[reaction]["byproduct"]]}])
        for row in rows:
            times = row.get("substrates", 1)
            left = sum((atoms(smiles, times) for smiles in reactants), Counter())
            left = sum((atoms(smiles) for smiles in row["adds"]), left)
            right = sum((atoms(smiles) for smiles in row["leaves"] if smiles), atoms(product, times))
            if left == right:
                return True
        return False
    if balance == "exact":
        left = sum((atoms(smiles) for smiles in reactants), Counter())
        return left == atoms(product) + (atoms(byproduct) if byproduct else Counter())
    left, right = balance.split(" = ")
    leaves = [item.split(" ")[-1] for item in right.split(" + ")[1:]]
    named = set(parts(byproduct)) == set(part for item in leaves for part in parts(item))
    return named and side(left, "substrate", reactants) == side(right, "product", [product])


def count(molecules, pattern):
    return sum(len(molecule.GetSubstructMatches(pattern)) for molecule in molecules)


def decided(meta, reactants, product):
    """Whether templates, rules and configuration leave this product and no other."""
    reaction, molecules = meta["reaction"], [Chem.MolFromSmiles(smiles) for smiles in reactants]
    rules = [RULES[key] for key in meta.get("rules", "").split(";") if key]
    distractors = [key for key in meta.get("distractors", "").split(";") if key]
    over = {other for rule in rules for other in rule["over"]}
    for key, rule in zip(distractors, rules, strict=True):
        fits = key in rule["survives"] and CONDITIONS[reaction] in rule["conditions"]
        fits = fits and reaction in rule.get("reactions", [reaction])
        before, after = count(molecules, GROUPS[key]), count([Chem.MolFromSmiles(product)], GROUPS[key])
        if not fits or not 1 <= before <= after:
            return f"{key} does not survive by {rule['id']}"
    stereo = "@" in product
    results = made(FORWARD[reaction], molecules)
    if meta.get("stereo") == "inversion":
        if product in results or product not in inverted(FORWARD[reaction], molecules):
            return "not inverted"
    elif product not in results:
        return "the template makes something else"
    for key, template in FORWARD.items():
        if REAGENTS[key] != REAGENTS[reaction] or (key in over and key != reaction):
            continue
        others = results if key == reaction else made(template, molecules)
        if stereo:
            others, wanted = {flat(smiles) for smiles in others}, flat(product)
        else:
            wanted = product
        if others - {wanted} and key not in over:
            return f"{key} makes {others}"
    return ""


def forward(row):
    meta = row["meta"]
    reactants = meta["aligned_reactants"].split(".")
    product = canonical(row["reference"])
    around = [meta["reagent_smiles"], *meta.get("spectators", "").split(" ")]
    asked = parts(row["input"]["reactants"])
    if asked != sorted(part for text in [meta["aligned_reactants"], *around] for part in parts(text)):
        return "the question shows other molecules"
    if not product == canonical(meta["aligned_answer"]) == canonical(meta["key"]):
        return "another product"
    return decided(meta, reactants, product) or balance(meta, reactants, product)


def balance(meta, reactants, product):
    right = balances(meta["reaction"], reactants, product, meta.get("balance"), meta["byproduct"])
    return "" if right else "the atoms do not balance"


def retro(row):
    meta = row["meta"]
    reactants = meta["aligned_answer"].split(".")
    product = canonical(row["input"]["product"])
    if parts(row["reference"]) != parts(meta["aligned_answer"]) or product != canonical(meta["key"]):
        return "another reference"
    return decided(meta, reactants, product) or balance(meta, reactants, product)


def site(key):
    return SITES.get(key) or GROUPS[key]


def choice(row):
    meta, change = row["meta"], CHANGES[row["meta"]["reaction"]]
    reactant, product = row["input"]["reaction"].split(">>")
    product = canonical(product)
    candidates = [REAGENT[text] for text in row["input"]["candidates"].split(",")]
    if not 4 <= len({row["id"] for row in candidates}) == len(candidates) <= 6:
        return "candidates"
    right = [one for one in candidates if one["smiles"] == row["reference"]]
    if [one["id"] for one in right] != [change["reagent"]] or change["site"] not in right[0]["attacks"]:
        return "the reference is not the reagent of the change"
    molecules = [Chem.MolFromSmiles(reactant)]
    if not count(molecules, site(change["site"])):
        return "nothing to react"
    if parts(right[0]["smiles"]) != REAGENTS[meta["reaction"]]:
        return "another reagent"
    distractors = [key for key in meta.get("distractors", "").split(";") if key]
    others = {key for key, _ in change["others"]}
    for one in candidates:
        if one is right[0]:
            continue
        attacked = any(key in one["attacks"] for key in distractors)
        if not (attacked or one["id"] in others or change["site"] in one["leaves"]):
            return f"{one['id']} is not certainly wrong"
    return decided(meta, [reactant], product)


LEAVING = "[Cl,Br,I,$([OX2]S(=O)(=O)[#6])]"
CARBON = [
    ("methyl", 3, f"[CH3]{LEAVING}"),
    ("activated", 3, f"[CH2;X4;$(Cc),$(CC=C)]{LEAVING}"),
    ("primary", 2, f"[CH2;X4]{LEAVING}"),
    ("secondary", 1, f"[CH1;X4]{LEAVING}"),
    ("tertiary", 0, f"[CH0;X4]{LEAVING}"),
]
GOES = [("iodide", 2, "CI"), ("sulfonate", 2, "COS(=O)(=O)[#6]"), ("bromide", 1, "CBr"), ("chloride", 0, "CCl")]
BASES = [
    ("strong", 2, ["[H-]", "[OH1-]", "[O-;$([O-]C);!$([O-]C=O)]", "[N-]"]),
    ("medium", 1, ["[O-]C(=O)[O-]", "[O-]P(=O)([O-])[O-]"]),
]
WITHDRAWING = ["c[N+](=O)[O-]", "cC#N", "cC(F)(F)F", "cC(=O)", "cS(=O)(=O)"]
JOIN = AllChem.ReactionFromSmarts(f"[CX4:1]-{LEAVING}.[O,S,N,n;!H0:2]>>[*:1]-[*+0:2]")


def first(rows, molecule):
    for name, points, smarts in rows:
        for one in [smarts] if isinstance(smarts, str) else smarts:
            if molecule.HasSubstructMatch(Chem.MolFromSmarts(one)):
                return name, points
    return None


def yield_rule(row):
    meta = row["meta"]
    reactants, agents, product = row["input"]["reaction"].split(">")
    molecules = [Chem.MolFromSmiles(text) for text in reactants.split(".")]
    electrophiles = [molecule for molecule in molecules if first(CARBON, molecule)]
    nucleophiles = [molecule for molecule in molecules if not first(CARBON, molecule)]
    if len(electrophiles) != 1 or len(nucleophiles) != 1:
        return "not one electrophile and one nucleophile"
    carbon, leaving = first(CARBON, electrophiles[0]), first(GOES, electrophiles[0])
    found = [first(BASES, Chem.MolFromSmiles(text)) for text in agents.split(".")]
    base = max((one for one in found if one), key=lambda one: one[1], default=("weak", 0))
    minus = sum(count(nucleophiles, Chem.MolFromSmarts(smarts)) for smarts in WITHDRAWING)
    points = carbon[1] + leaving[1] + base[1] - minus
    names = (carbon[0], leaving[0], base[0], str(minus), str(points))
    if names != (meta["carbon"], meta["leaving"], meta["base"], meta["withdrawing"], meta["points"]):
        return f"counts {names}"
    if ("Yes" if points >= 4 else "No") != row["reference"]:
        return "label"
    if canonical(product) not in made(JOIN, [electrophiles[0], nucleophiles[0]]):
        return "another product"
    return ""


def rows(task, level):
    out = subprocess.run([GYM, task, level, "train", str(COUNT)], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


CHECKS = {
    "reaction_prediction": forward,
    "retrosynthesis": retro,
    "reagent.selection_rule": choice,
    "yield.rule": yield_rule,
}
TASKS = sys.argv[5].split(",") if len(sys.argv) > 5 else list(CHECKS)
failed = False
for level in LEVELS:
    for task in TASKS:
        all_rows = rows(task, level)
        wrong = [(reason, row) for row in all_rows if (reason := CHECKS[task](row))]
        types = len({row["meta"].get("reaction", "") for row in all_rows})
        yes = sum(row["reference"] == "Yes" for row in all_rows)
        note = f", {yes} answered Yes" if task == "yield.rule" else f", {types} reaction types"
        print(f"level {level} {task}: {len(all_rows)} checked, {len(wrong)} wrong{note}", flush=True)
        for reason, row in wrong[:5]:
            print("   ", reason, row["input"], row["reference"], row["meta"].get("reaction", ""))
        failed |= bool(wrong) or len(all_rows) < COUNT
sys.exit(failed)
