"""What check_gym.py and check_reactions.py have in common."""

import json
import subprocess
import sys

from rdkit import Chem, RDLogger

RDLogger.DisableLog("rdApp.*")


def arguments(tasks):
    """The arguments both take: the example program, a folder, and as they are given COUNT, LEVELS and TASKS."""
    given = dict(enumerate(sys.argv))
    count, levels, asked = int(given.get(3, "2000")), given.get(4, "1,2,3,4,5"), given.get(5, ",".join(tasks))
    unknown = set(asked.split(",")) - set(tasks)
    if unknown:
        sys.exit(f"not checked here: {', '.join(sorted(unknown))}")
    return count, levels.split(","), asked.split(",")


def rows(task, level, count):
    """Examples of the training split."""
    command = [sys.argv[1], task, level, "train", str(count)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def canonical(smiles):
    molecule = Chem.MolFromSmiles(smiles) if smiles else None
    return None if molecule is None else Chem.MolToSmiles(molecule)
