"""Checks gym examples with tools that share no code with it: Python RDKit 2026.9.1 and OPSIN 2.9.0 (py2opsin).

    cargo build --release -p chemr-data --example gym
    python crates/data/checks/check_gym.py target/release/examples/gym crates/chem/data [COUNT] [LEVELS]

Formulas, polarity counts and labels, products by the registry's forward reaction SMARTS, group counts by the registry's SMARTS
and precedence, and names by OPSIN. Prints one line for each task and level and ends with status 1 when anything differs.
"""

import json
import subprocess
import sys
import tomllib

from py2opsin import py2opsin
from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem, rdMolDescriptors

RDLogger.DisableLog("rdApp.*")
GYM, CHEM = sys.argv[1], sys.argv[2]
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
LEVELS = sys.argv[4].split(",") if len(sys.argv) > 4 else ["1", "2", "3"]


def canonical(smiles):
    molecule = Chem.MolFromSmiles(smiles) if smiles else None
    return None if molecule is None else Chem.MolToSmiles(molecule)


def parts(smiles):
    return sorted(canonical(part) for part in smiles.split("."))


def expand(text, macros):
    while "{" in text:
        for name, value in macros.items():
            text = text.replace("{" + name + "}", value)
    return text


with open(CHEM + "/named_reactions.toml", "rb") as file:
    registry = tomllib.load(file)
REACTIONS = {
    row["id"]: AllChem.ReactionFromSmarts(expand(row["forward"], registry["macros"])) for row in registry["reaction"]
}
with open(CHEM + "/functional_groups.toml", "rb") as file:
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


def products(reaction, reactants):
    found = set()
    orders = [reactants] if len(reactants) == 1 else [reactants, reactants[::-1]]
    for order in orders:
        for result in reaction.RunReactants(tuple(Chem.MolFromSmiles(smiles) for smiles in order)):
            try:
                # Reading the text back settles aromaticity, as RDKit's documentation advises.
                found.add(canonical(Chem.MolToSmiles(result[0])))
            except Exception:
                pass
    return found - {None}


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


def forward(row):
    meta = row["meta"]
    reagents = meta["reagent_smiles"]
    asked = parts(row["input"]["reactants"])
    expected = parts(meta["aligned_reactants"] + ("." + reagents if reagents else ""))
    made = products(REACTIONS[meta["reaction"]], meta["aligned_reactants"].split("."))
    return asked == expected and made == {row["reference"]} == {canonical(meta["aligned_answer"])}


def retro(row):
    made = products(REACTIONS[row["meta"]["reaction"]], row["reference"].split("."))
    same = parts(row["reference"]) == parts(row["meta"]["aligned_answer"])
    return same and made == {canonical(row["input"]["product"])} == {row["meta"]["key"]}


def groups(row):
    molecule = Chem.MolFromSmiles(row["reference"])
    counts = group_counts(molecule)
    asked = dict(item.split(":") for item in row["meta"]["group_ids"].split(";"))
    right = all(counts.get(name, 0) == int(count) for name, count in asked.items())
    return right and canonical(row["meta"]["aligned_answer"]) == row["reference"]


def rows(task, level):
    out = subprocess.run([GYM, task, level, "train", str(COUNT)], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


CHECKS = {
    "name.smiles_to_formula": formula,
    "property.polarity_rule": polarity,
    "reaction_prediction": forward,
    "retrosynthesis": retro,
    "tomg.functional_group": groups,
}
failed = False
for level in LEVELS:
    for task, check in CHECKS.items():
        wrong = [row for row in rows(task, level) if not check(row)]
        print(f"level {level} {task}: {COUNT - len(wrong)} of {COUNT} agree", flush=True)
        for row in wrong[:3]:
            print("   ", row["input"], row["reference"], row["meta"].get("reaction", ""))
        failed |= bool(wrong)
    named = rows("name.iupac_to_smiles", level)
    read = py2opsin([row["input"]["iupac"] for row in named])
    wrong = [
        (row["input"]["iupac"], row["reference"], smiles)
        for row, smiles in zip(named, read)
        if not canonical(smiles) == row["reference"] == canonical(row["meta"]["aligned_answer"])
    ]
    print(f"level {level} name.iupac_to_smiles: {COUNT - len(wrong)} of {COUNT} agree with OPSIN", flush=True)
    for row in wrong[:8]:
        print("   ", *row)
    failed |= bool(wrong)
sys.exit(failed)
