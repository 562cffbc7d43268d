"""An export for lm-evaluation-harness on a model of a quickstart: its accuracy is that of `chemr eval` on the same questions.

    chemr quickstart --budget smoke --out runs/smoke
    CHEMR=target/release/chemr python export_lm_eval.py runs/smoke

Needs lm-eval (0.4.13 was used) with torch and transformers, and the wheel. Nothing is downloaded.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path

from exports import chemr, completion, export

import lm_eval
from lm_eval.tasks import TaskManager

TASKS = ("name.smiles_to_formula", "property.polarity_rule")
ROWS = 50
#: Tokens of an answer.
LONGEST = 160


def own(checkpoint: Path, out: Path) -> dict[str, tuple[str, list[str]]]:
    """What `chemr eval` finds: right and wrong answers in the order of the rows, and the completions."""
    settings = (
        f"data.tasks={json.dumps(TASKS)}", f"eval.examples_per_task={ROWS}", f"eval.max_new_tokens={LONGEST}",
        f"eval.samples_per_task={ROWS}",
    )
    chemr("eval", "--model", str(checkpoint), "--out", str(out), *(word for setting in settings for word in ("--set", setting)))
    scores = json.loads((out / "eval" / "model.json").read_text())["scores"]
    return {
        detail["task"]: (detail["outcomes"], [sample["completion"] for sample in scores["samples"] if sample["task"] == detail["task"]])
        for detail in scores["tasks"]
    }


def main(run: Path) -> None:
    checkpoint = sorted((run / "checkpoints" / "grpo").glob("step-*"))[-1]
    with tempfile.TemporaryDirectory() as temporary:
        wanted = own(checkpoint, Path(temporary) / "eval")
        folder = export("lm-eval", Path(temporary) / "out", *(f"gym:{task}:1:{ROWS}" for task in TASKS), "--seed", "1")
        found = lm_eval.simple_evaluate(
            model="hf", model_args={"pretrained": str(checkpoint), "dtype": "float32"}, tasks=["chemr"], device="cpu", batch_size=10,
            task_manager=TaskManager(include_path=str(folder)), apply_chat_template=True, gen_kwargs={"max_gen_toks": LONGEST}, log_samples=True,
            bootstrap_iters=0,
        )
        sys.path.insert(0, str(folder))
        process = importlib.import_module("utils").process_results
    for task in TASKS:
        name = f"chemr_{task.replace('.', '_')}"
        outcomes, completions = wanted[task]
        samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
        accuracy = found["results"][name]["acc,none"]
        same = sum(sample["resps"][0][0] == text for sample, text in zip(samples, completions, strict=True))
        print(f"{task}: lm-eval acc {accuracy}, chemr eval {outcomes.count('1') / ROWS}, {same} of {ROWS} completions are the same")
        assert found["versions"][name] == 1.0 and len(samples) == ROWS
        assert [sample["acc"] for sample in samples] == [float(outcome) for outcome in outcomes]
        rights = [process(sample["doc"], [completion(sample["doc"]["reference"])]) for sample in samples]
        assert all(right == {"acc": 1.0, "format": 1.0, "valid": 1.0} for right in rights), rights
    print("group:", found["results"]["chemr"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
