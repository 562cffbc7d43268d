"""What check_gym.py and check_reactions.py have in common."""

import argparse
import json
import subprocess
import sys

from rdkit import Chem, RDLogger

RDLogger.DisableLog("rdApp.*")


def listed(text):
    return text.split(",")


def arguments():
    """The arguments both take: program, folder, count, levels and tasks (None: all that a script knows)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the example program, target/release/examples/gym")
    parser.add_argument("folder", help="the folder crates, for the data files")
    parser.add_argument("count", nargs="?", type=int, default=2000, help="examples of each task and level")
    parser.add_argument("levels", nargs="?", type=listed, default="1,2,3,4,5")
    parser.add_argument("tasks", nargs="?", type=listed)
    return parser.parse_args()


def chosen(asked, known, sibling):
    """The tasks asked for, all that are known where none is."""
    unknown = sorted(set(asked or []) - set(known))
    if unknown:
        sys.exit(f"not checked here: {', '.join(unknown)}; give some of {', '.join(known)}, or try {sibling}")
    return asked or list(known)


def rows(program, task, level, count):
    """Examples of the training split."""
    command = [program, task, level, "train", str(count)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def canonical(smiles):
    molecule = Chem.MolFromSmiles(smiles) if smiles else None
    return None if molecule is None else Chem.MolToSmiles(molecule)
