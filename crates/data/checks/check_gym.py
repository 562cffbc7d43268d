"""Checks gym examples with tools that share no code with it: Python RDKit 2026.9.1 and OPSIN 2.9.0 (py2opsin).

    cargo build --release -p chemr-data --example gym
    python crates/data/checks/check_gym.py target/release/examples/gym crates [COUNT] [LEVELS] [TASKS]

Formulas, polarity counts and labels, group counts by the registry's SMARTS and precedence, atoms, bonds, descriptors and scaffolds by
RDKit, and names by OPSIN; the sentences of captions are taken apart, and what they say the molecule is goes through OPSIN too. The
tasks about reactions are those of check_reactions.py. Prints one line for each task and level and ends with status 1 when anything differs.
"""

import re
import sys
import tempfile
import tomllib
import warnings

from py2opsin import py2opsin
from rdkit import Chem
from rdkit.Chem import QED, Crippen, rdMolDescriptors
from rdkit.Chem.Scaffolds import MurckoScaffold

# No folder of bytecode beside the checks.
sys.dont_write_bytecode = True
from shared import arguments, canonical, chosen, rows

# A name that OPSIN does not read is counted below.
warnings.filterwarnings("ignore", category=RuntimeWarning)

GIVEN = arguments()
with open(GIVEN.folder + "/chem/data/functional_groups.toml", "rb") as file:
    GROUPS = tomllib.load(file)["group"]
for group in GROUPS:
    group["pattern"] = Chem.MolFromSmarts(group["smarts"])


def aromatic_systems(molecule):
    """For each atom the lowest atom that aromatic bonds lead to."""
    systems = list(range(molecule.GetNumAtoms()))
    changed = True
    while changed:
        changed = False
        for bond in molecule.GetBonds():
            ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            lowest = min(systems[end] for end in ends)
            if bond.GetIsAromatic() and any(systems[end] != lowest for end in ends):
                systems[ends[0]] = systems[ends[1]] = lowest
                changed = True
    return systems


def group_counts(molecule):
    """Counts after precedence: a match is dropped when all its atoms lie in a match of a group that suppresses it, and names of
    fused rings count once in a system of aromatic bonds."""
    systems, seen = aromatic_systems(molecule), set()
    hits = [(group, set(match)) for group in GROUPS for match in molecule.GetSubstructMatches(group["pattern"])]
    counts = {}
    for group, atoms in hits:
        place = group["id"], systems[min(atoms)]
        repeated = group.get("once_per_ring_system") and place in seen
        if not repeated and not any(group["id"] in other["suppresses"] and atoms <= theirs for other, theirs in hits):
            seen.add(place)
            counts[group["id"]] = counts.get(group["id"], 0) + 1
    return counts


def formula(row):
    return rdMolDescriptors.CalcMolFormula(Chem.MolFromSmiles(row["input"]["smiles"])) == row["reference"]


def polarity(row):
    molecule = Chem.MolFromSmiles(row["input"]["smiles"])
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    hetero = symbols.count("N") + symbols.count("O")
    donors = rdMolDescriptors.CalcNumHBD(molecule)
    label = "Yes" if 2 * (donors + hetero) >= symbols.count("C") else "No"
    meta = row["meta"]
    return (label, str(donors), str(hetero)) == (row["reference"], meta["donors"], meta["hetero"])


def groups(row):
    molecule = Chem.MolFromSmiles(row["reference"])
    counts = group_counts(molecule)
    asked = dict(item.split(":") for item in row["meta"]["group_ids"].split(";"))
    right = all(counts.get(name, 0) == int(count) for name, count in asked.items())
    return right and canonical(row["meta"]["aligned_answer"]) == row["reference"]


def aligned(row):
    """What follows the text of the question is the reference."""
    return canonical(row["meta"].get("aligned_answer", row["reference"])) == row["reference"]


def isomer(row):
    molecule = Chem.MolFromSmiles(row["reference"])
    return rdMolDescriptors.CalcMolFormula(molecule) == row["input"]["formula"] and aligned(row)


def listed(text):
    return {name: int(count) for count, name in (item.split(" ", 1) for item in text.split(", "))}


ELEMENTS = "carbon oxygen nitrogen sulfur fluorine chlorine bromine iodine phosphorus boron silicon".split()
SYMBOLS = "C O N S F Cl Br I P B Si".split()


def atoms(row):
    found = [atom.GetSymbol() for atom in Chem.MolFromSmiles(row["reference"]).GetAtoms()]
    asked = listed(row["input"]["atoms"])
    return aligned(row) and all(found.count(symbol) == asked.get(name, 0) for name, symbol in zip(ELEMENTS, SYMBOLS))


def bonds(row):
    molecule = Chem.MolFromSmiles(row["reference"])
    kinds = [str(bond.GetBondType()).lower() for bond in molecule.GetBonds()]
    rotatable = rdMolDescriptors.CalcNumRotatableBonds(molecule)
    asked = listed(row["input"]["bonds"])
    return aligned(row) and all(
        (rotatable if kind == "rotatable" else kinds.count(kind)) == count for kind, count in asked.items()
    )


# The patterns of ChemCoTBench's checker of edits.
EDITS = {
    "benzene ring": "[cR1]1[cR1][cR1][cR1][cR1][cR1]1",
    "hydroxyl": "[OX2H]",
    "anhydride": "[CX3](=[OX1])[OX2][CX3](=[OX1])",
    "aldehyde": "[CX3H1](=O)[#6]",
    "ketone": "[#6][CX3](=O)[#6]",
    "carboxyl": "[CX3](=O)[OX2H1]",
    "ester": "[#6][CX3](=O)[OX2H0][#6]",
    "amide": "[NX3][CX3](=[OX1])[#6]",
    "amine": "[NX3;H2,H1;!$(NC=O)]",
    "nitro": "[$([NX3](=O)=O),$([NX3+](=O)[O-])][!#8]",
    "halo": "[F,Cl,Br,I]",
    "nitrile": "[NX1]#[CX2]",
    "thiol": "[#16X2H]",
    "sulfide": "[#16X2H0]",
    "disulfide": "[#16X2H0][#16X2H0]",
    "sulfoxide": "[$([#16X3]=[OX1]),$([#16X3+][OX1-])]",
    "sulfone": "[$([#16X4](=[OX1])=[OX1]),$([#16X4+2]([OX1-])[OX1-])]",
    "borane": "[BX3]",
}
EDITS = {name: Chem.MolFromSmarts(smarts) for name, smarts in EDITS.items()}


def edit_count(molecule, name):
    count = len(molecule.GetSubstructMatches(EDITS[name]))
    return count - len(molecule.GetSubstructMatches(EDITS["disulfide"])) if name == "sulfide" else count


def edit(row):
    before, after = Chem.MolFromSmiles(row["input"]["smiles"]), Chem.MolFromSmiles(row["reference"])
    changes = [(row["input"][key], change) for key, change in (("add", 1), ("remove", -1)) if key in row["input"]]
    right = all(edit_count(after, name) == edit_count(before, name) + change for name, change in changes)
    return right and bool(changes) and aligned(row)


def optimised(value):
    def check(row):
        before, after = Chem.MolFromSmiles(row["input"]["smiles"]), Chem.MolFromSmiles(row["reference"])
        change = value(after) - value(before)
        told = abs(value(before) - float(row["meta"]["before"])) < 1e-4
        rises = {"increase": True, "decrease": False}[row["input"]["direction"]]
        return told and aligned(row) and (change > 1e-3 if rises else change < -1e-3)

    return check


def group_count(row):
    counts = group_counts(Chem.MolFromSmiles(row["input"]["smiles"]))
    group = next(group for group in GROUPS if group["name"] == row["input"]["group"])
    return str(counts.get(group["id"], 0)) == row["reference"]


def ring_count(row):
    molecule, ring = Chem.MolFromSmiles(row["input"]["smiles"]), Chem.MolFromSmiles(row["input"]["ring"])
    return str(len(molecule.GetSubstructMatches(ring))) == row["reference"]


def ring_system(row):
    molecule, ring = Chem.MolFromSmiles(row["input"]["smiles"]), Chem.MolFromSmiles(row["input"]["ring_system"])
    return ("Yes" if molecule.HasSubstructMatch(ring) else "No") == row["reference"]


def scaffold(row):
    molecule = Chem.MolFromSmiles(row["input"]["smiles"])
    Chem.RemoveStereochemistry(molecule)
    found = MurckoScaffold.GetScaffoldForMol(molecule)
    return canonical(Chem.MolToSmiles(found)) == row["reference"]


def same(row):
    one, other = (canonical(row["input"][key]) for key in ("smiles", "other"))
    return None not in (one, other) and ("Yes" if one == other else "No") == row["reference"]


def named_formula(row):
    return rdMolDescriptors.CalcMolFormula(Chem.MolFromSmiles(row["meta"]["smiles"])) == row["reference"]


NUMBERS = {"a": 1, "an": 1, "two": 2, "three": 3}
MULTIPLES = {1: "", 2: "di", 3: "tri", 4: "tetra", 5: "penta", 6: "hexa"}
BRACKETED = {1: "", 2: "bis", 3: "tris", 4: "tetrakis"}


def described_name(text):
    """The systematic name that the first sentence of a caption spells out, for OPSIN."""
    for pattern, form in (
        (r"the amino acid (.*)", "{}"),
        (r"the (.*) ester of (.*)", "{0} {1}ATE"),
        (r"the N-(.*) derivative of (.*)", "N-{0}-{1}"),
        (r"the primary amide of (.*)", "{0}AMIDE"),
        (r"the (sodium|potassium|lithium) salt of (.*)", "{0} {1}SALT"),
        (r"the (hydrochloride|hydrobromide) of (.*)", "{1} {0}"),
        (r"an? (?:di|tri)peptide of the residues (.*), named from the amino end", "{0}PEPTIDE"),
    ):
        found = re.fullmatch(pattern, text)
        if found:
            return form.format(*found.groups())
    text = re.sub(r"^an? [a-z ]+: ", "", text)
    parent, _, rest = text.partition(" substituted by ")
    prefixes = ""
    for number, name, place in re.findall(r"(\w+) (\S+) groups? (on the nitrogen|at positions? \d+(?:, \d+)*(?: and \d+)?)", rest):
        count = NUMBERS.get(number) or int(number)
        locants = ["N"] * count if "nitrogen" in place else re.findall(r"\d+", place)
        if len(locants) != count:
            return None
        simple = re.fullmatch(r"[a-z]+|tert-butyl", name) and not re.match(r"(di|tri)(fluoro|ethyl|methyl)", name)
        simple = simple and name not in ("methylamino", "methylsulfanyl", "hydroxymethyl", "cyclopropylmethyl")
        word = MULTIPLES[count] + name if simple else f"{BRACKETED[count]}[{name}]"
        prefixes += ",".join(locants) + "-" + word + "-"
    head, _, tail = parent.rpartition(" ") if not parent.endswith(" acid") else ("", "", parent)
    # A parent that begins with a locant is set off.
    prefixes = prefixes if re.match(r"\d", tail) else prefixes[:-1]
    return (head + " " if head else "") + prefixes + tail


def acid_name(text):
    """The forms that need the name of an anion, an amide or an acyl group."""
    if text.endswith("PEPTIDE"):
        residues = text[: -len("PEPTIDE")].split(", ")
        acyl = {"tryptophan": "tryptophyl", "cysteine": "cysteinyl", "asparagine": "asparaginyl", "glutamine": "glutaminyl"}
        words = []
        for place, residue in enumerate(residues):
            bare = residue[2:] if residue[:2] in ("L-", "D-") else residue
            last = place + 1 == len(residues)
            words.append(residue if last else residue[: len(residue) - len(bare)] + (acyl.get(bare) or bare[:-3] + "yl"))
        name = words[0]
        for word in words[1:]:
            name += ("-" if word[:2] in ("L-", "D-") else "") + word
        return name
    for mark, ending in (("ATE", "ate"), ("AMIDE", "amide")):
        if text.endswith(mark):
            stem = text[: -len(mark)]
            return (stem if stem.endswith("tryptophan") else stem[:-1]) + ending
    if text.endswith("SALT"):
        stem = text[: -len("SALT")]
        return stem.removesuffix("ic acid") + "ate" if stem.endswith("ic acid") else None
    return text


CAPTION = re.compile(
    r"The molecule is (?P<identity>.*?)\.(?: Its configuration is (?P<stereo>[\dRSEZ,]+)\.)?"
    r"(?: Its molecular formula is (?P<formula>\S+)\.)?"
    r"(?: Its functional groups are (?P<groups>[^.]*)\.)?"
    r"(?: It has (?P<rings>[^.]*)\.)?"
    r"(?: Hydrogen-bond donors: (?P<donors>\d+); acceptors: (?P<acceptors>\d+); rotatable bonds: (?P<rotatable>\d+)\.)?"
)


def caption_facts(text, molecule):
    """The name that a caption spells out, or None when one of its other sentences is wrong."""
    found = CAPTION.fullmatch(text)
    if not found:
        return None
    said = found.groupdict()
    counts = group_counts(molecule)
    size = molecule.GetNumHeavyAtoms()
    rings = rdMolDescriptors.CalcNumRings(molecule)
    aromatic = rdMolDescriptors.CalcNumAromaticRings(molecule)
    sentence = {0: "no ring", 1: f"one ring, which is {'' if aromatic else 'not '}aromatic"}.get(
        rings, f"{rings} rings, {aromatic} of them aromatic"
    )
    names = {group["name"]: counts[group["id"]] for group in GROUPS if group["id"] in counts}
    right = (
        said["formula"] == (rdMolDescriptors.CalcMolFormula(molecule) if size >= 7 else None)
        and (listed(said["groups"]) if said["groups"] else None) == (names or None if size >= 10 else None)
        and said["rings"] == (sentence if size >= 14 else None)
        and (
            size < 18
            or (
                int(said["donors"]) == rdMolDescriptors.CalcNumHBD(molecule)
                and int(said["acceptors"]) == rdMolDescriptors.CalcNumHBA(molecule)
                and int(said["rotatable"]) == rdMolDescriptors.CalcNumRotatableBonds(molecule)
            )
        )
    )
    name = described_name(said["identity"])
    name = name and acid_name(name)
    if not right or not name:
        return None
    if said["stereo"]:
        head, _, tail = name.rpartition(" ") if not name.endswith(" acid") else ("", "", name)
        name = (head + " " if head else "") + f"({said['stereo']})-" + tail
    return name


def by_opsin(pairs):
    """Whether OPSIN reads each name as the molecule beside it."""
    # By default the names go through a file of one name in the working folder, which two checks would share.
    with tempfile.TemporaryDirectory() as folder:
        read = py2opsin([name or "nothing" for name, _ in pairs], tmp_fpath=folder + "/names.txt")
    return [bool(name) and canonical(smiles) == wanted for (name, wanted), smiles in zip(pairs, read)]


def names_of(task, found):
    """For tasks about names: the name and the molecule of each row."""
    if task == "name.iupac_to_smiles":
        return [(row["input"]["iupac"], row["reference"] if aligned(row) else "") for row in found]
    if task == "name.smiles_to_iupac":
        return [(row["reference"], canonical(row["input"]["smiles"])) for row in found]
    if task == "name.iupac_to_formula":
        return [(row["input"]["iupac"], row["meta"]["smiles"] if named_formula(row) else "") for row in found]
    if task == "molecule_design":
        return [
            (caption_facts(row["input"]["description"], Chem.MolFromSmiles(row["reference"])), row["reference"])
            for row in found
        ]
    if task == "molecule_captioning":
        return [
            (caption_facts(row["reference"], Chem.MolFromSmiles(row["input"]["smiles"])), canonical(row["input"]["smiles"]))
            for row in found
        ]
    return None


CHECKS = {
    "name.smiles_to_formula": formula,
    "name.iupac_to_smiles": None,
    "name.smiles_to_iupac": None,
    "name.iupac_to_formula": None,
    "name.formula_to_smiles": isomer,
    "property.polarity_rule": polarity,
    "molecule_design": None,
    "molecule_captioning": None,
    "tomg.atom_num": atoms,
    "tomg.bond_num": bonds,
    "tomg.functional_group": groups,
    "tomg.add": edit,
    "tomg.del": edit,
    "tomg.sub": edit,
    "tomg.logp": optimised(Crippen.MolLogP),
    "tomg.mr": optimised(Crippen.MolMR),
    "tomg.qed": optimised(QED.qed),
    "cot.group_count": group_count,
    "cot.ring_count": ring_count,
    "cot.murcko_scaffold": scaffold,
    "cot.same_molecule": same,
    "cot.has_ring_system": ring_system,
}
failed = False
for level in GIVEN.levels:
    for task in chosen(GIVEN.tasks, CHECKS, "check_reactions.py"):
        found = rows(GIVEN.program, task, level, GIVEN.count)
        pairs = names_of(task, found)
        if pairs is None:
            wrong = [(row, "") for row in found if not CHECKS[task](row)]
        else:
            wrong = [(row, pair[0]) for row, pair, right in zip(found, pairs, by_opsin(pairs)) if not right]
        print(f"level {level} {task}: {len(found) - len(wrong)} of {len(found)} agree", flush=True)
        for row, name in wrong[:8]:
            print("   ", row["input"], row["reference"], row["meta"].get("iupac", ""), name)
        failed |= bool(wrong)
sys.exit(failed)
