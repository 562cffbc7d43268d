"""What the scripts beside this one share: exports made by the program `chemr` (or `$CHEMR`)."""

import os
import subprocess
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

#: Two tasks whose verifiers read the fields of the question, and four that do not.
TASKS = (
    "name.smiles_to_formula", "name.iupac_to_smiles", "property.polarity_rule", "reaction_prediction", "retrosynthesis",
    "tomg.functional_group",
)


def chemr(*arguments: str) -> str:
    """Runs the program and returns what it printed."""
    return subprocess.run([os.environ.get("CHEMR", "chemr"), *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def export(target: str, out: Path, *arguments: str, rows: int = 4) -> Path:
    """Exports generated rows of all tasks of the gym, unless the arguments name inputs."""
    given = [] if any(argument.startswith("gym:") for argument in arguments) else [f"gym:{task}:1:{rows}" for task in TASKS]
    chemr("data", "export", *given, "--to", target, "--out", str(out), *arguments)
    return out


def completion(answer: str) -> str:
    """A completion in the strict form."""
    return f"<think>So.</think>\n<answer>{answer}</answer>"
