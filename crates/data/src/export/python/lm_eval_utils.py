"""Rows and figures of the tasks in this folder, by the verifiers of chem-r. Needs the wheel `chemr`."""

from pathlib import Path

import datasets
from chemr.rewards import verdicts

#: Columns that are no field of the question.
OTHER = ("prompt", "reference", "task", "id", "source", "split", "level")


def load_rows(file, **_metadata):
    """The rows of a task, from the file beside this one, wherever the command is run."""
    return datasets.load_dataset("json", data_files={"test": str(Path(__file__).parent / file)})


def process_results(doc, results):
    """`acc` is 1 for a right answer with loose extraction, as `chemr eval` counts it."""
    columns = {name: [value] for name, value in doc.items() if name not in OTHER}
    [verdict] = verdicts(doc["task"], [results[0]], [doc["reference"]], columns, mode="loose")
    if verdict is None:
        raise ValueError(f"the installed chemr has no task {doc['task']!r}")
    return {"acc": float(verdict["correct"]), "format": float(verdict["format"]), "valid": float(verdict["valid"])}
