"""Checks the gym's reaction tasks with a tool that shares no code with it: Python RDKit 2026.9.1.

    cargo build --release -p chemr-data --example gym
    python crates/data/checks/check_reactions.py target/release/examples/gym crates [COUNT] [LEVELS] [TASKS]

Products by the registry's forward reaction SMARTS; what else the templates of the mixture would make has to be decided by a rule of the
question; the preferred disconnection by the registry's retro SMARTS in the order of its ranks; distractors by their SMARTS on both sides;
configuration by inverting the mapped centre; balance by formula arithmetic; the choice of a reagent by the table; the yield rule by SMARTS
of its own. Prints one line for each task and level and ends with status 1 when anything is wrong.
"""

import sys
import tomllib
from collections import Counter
from itertools import groupby

from rdkit import Chem
from rdkit.Chem import AllChem

# No folder of bytecode beside the checks.
sys.dont_write_bytecode = True
from shared import arguments, canonical, chosen, rows

GIVEN = arguments()


def read(path):
    with open(f"{GIVEN.folder}/{path}", "rb") as file:
        return tomllib.load(file)


def expand(text, macros):
    while "{" in text:
        for name, value in macros.items():
            text = text.replace("{" + name + "}", value)
    return text


def flat(smiles):
    molecule = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(molecule)
    return Chem.MolToSmiles(molecule)


def parts(smiles):
    return sorted(canonical(part) for part in smiles.split(".") if part)


REGISTRY = read("chem/data/named_reactions.toml")
NAMED = {row["id"]: row for row in REGISTRY["reaction"]}
FORWARD, RETRO = (
    {key: AllChem.ReactionFromSmarts(expand(row[way], REGISTRY["macros"])) for key, row in NAMED.items()}
    for way in ("forward", "retro")
)
REAGENTS = {key: parts(row.get("reagent_smiles", "")) for key, row in NAMED.items()}
SELECTIVITY = read("data/data/selectivity.toml")
GROUPS = {row["id"]: Chem.MolFromSmarts(row["smarts"]) for row in SELECTIVITY["group"]}
RULES = {row["id"]: row for row in SELECTIVITY["rule"]}
CONDITIONS = {reaction: row for row in SELECTIVITY["conditions"] for reaction in row["reactions"]}
EQUATIONS = {}
for row in read("data/data/balance.toml")["equation"]:
    EQUATIONS.setdefault(row["reaction"], []).append(row)
TABLE = read("data/data/reagents.toml")
SITES = {row["id"]: Chem.MolFromSmarts(row["smarts"]) for row in TABLE["site"]}
REAGENT = {row["smiles"]: row for row in TABLE["reagent"]}
CHANGES = {row["reaction"]: row for row in TABLE["change"]}


def runs(reaction, molecules):
    """Product sets of a template on molecules in this order, sanitised."""
    if len(molecules) == reaction.GetNumReactantTemplates():
        for products in reaction.RunReactants(tuple(molecules)):
            try:
                for product in products:
                    Chem.SanitizeMol(product)
                yield products
            except Exception:
                pass


def either_order(molecules):
    return [molecules] if len(molecules) == 1 else [molecules, molecules[::-1]]


def reread(product):
    # Reading the text back settles aromaticity, as RDKit's documentation advises.
    return canonical(Chem.MolToSmiles(product))


def made(reaction, molecules):
    """Products of a forward template over both orders."""
    return {reread(products[0]) for order in either_order(molecules) for products in runs(reaction, order)} - {None}


def inverted(reaction, molecules):
    """Products with the configuration of one mapped centre changed."""
    found = set()
    for order in either_order(molecules):
        for product, *_ in runs(reaction, order):
            for atom in product.GetAtoms():
                if atom.HasProp("old_mapno") and atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED:
                    other = Chem.Mol(product)
                    other.GetAtomWithIdx(atom.GetIdx()).InvertChirality()
                    found.add(canonical(Chem.MolToSmiles(other)))
    return found


def cuts(key, product):
    """The reactants from which a reaction would make the product: what its retro template gives and its forward template takes back."""
    for products in runs(RETRO[key], [Chem.MolFromSmiles(product)]):
        texts = [reread(one) for one in products]
        if None not in texts:
            molecules = [Chem.MolFromSmiles(text) for text in texts]
            if any(reread(back[0]) == product for back in runs(FORWARD[key], molecules)):
                yield sorted(texts)


def rank(key):
    return NAMED[key].get("rank", REGISTRY["ranks"][NAMED[key]["class"]])


def preferred(reaction, reactants, product):
    """Whether the reactions of the lowest rank that cut the product are this one, from these reactants."""
    wanted = parts(".".join(reactants))
    # The templates know nothing of inversion.
    written = flat if "@" in "".join(wanted) else canonical
    wanted = sorted(map(written, wanted))
    for _, keys in groupby(sorted(NAMED, key=rank), key=rank):
        found = [(key, cut) for key in keys for cut in cuts(key, product)]
        others = [(key, cut) for key, cut in found if key != reaction or sorted(map(written, cut)) != wanted]
        if others:
            return f"another disconnection is preferred: {others[0]}"
        if found:
            return ""
    return "no reaction makes the product"


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
    after = Chem.MolFromSmiles(product)
    for key, rule in zip(distractors, rules, strict=True):
        fits = key in rule["survives"] and CONDITIONS[reaction]["id"] in rule["conditions"]
        fits = fits and reaction in rule.get("reactions", [reaction])
        if not fits or not 1 <= count(molecules, GROUPS[key]) <= count([after], GROUPS[key]):
            return f"{key} does not survive by {rule['id']}"
        beside = [one for one in molecules if one.HasSubstructMatch(GROUPS[key])]
        if "unless" in rule and count(beside, Chem.MolFromSmarts(rule["unless"])):
            return f"{rule['id']} does not hold in this molecule"
    if distractors and "may_cleave" in CONDITIONS[reaction]:
        if count([after], Chem.MolFromSmarts(CONDITIONS[reaction]["may_cleave"])):
            return "the conditions may cleave the product"
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
    reagents = REAGENTS[meta["reaction"]]
    spectators = parts(meta.get("spectators", "").replace(" ", "."))
    asked = parts(row["input"]["reactants"])
    if parts(meta["reagent_smiles"]) != reagents or asked != sorted(parts(meta["aligned_reactants"]) + reagents + spectators):
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
    wrong = preferred(meta["reaction"], reactants, product)
    return wrong or decided(meta, reactants, product) or balance(meta, reactants, product)


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
        # What the right reagent attacks as well speaks against none.
        attacked = any(key in one["attacks"] and key not in right[0]["attacks"] for key in distractors)
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


CHECKS = {
    "reaction_prediction": forward,
    "retrosynthesis": retro,
    "reagent.selection_rule": choice,
    "yield.rule": yield_rule,
}
failed = False
for level in GIVEN.levels:
    for task in chosen(GIVEN.tasks, CHECKS, "check_gym.py"):
        all_rows = rows(GIVEN.program, task, level, GIVEN.count)
        wrong = [(reason, row) for row in all_rows if (reason := CHECKS[task](row))]
        types = len({row["meta"].get("reaction", "") for row in all_rows})
        yes = sum(row["reference"] == "Yes" for row in all_rows)
        note = f", {yes} answered Yes" if task == "yield.rule" else f", {types} reaction types"
        print(f"level {level} {task}: {len(all_rows)} checked, {len(wrong)} wrong{note}", flush=True)
        for reason, row in wrong[:5]:
            print("   ", reason, row["input"], row["reference"], row["meta"].get("reaction", ""))
        failed |= bool(wrong) or len(all_rows) < GIVEN.count
sys.exit(failed)
