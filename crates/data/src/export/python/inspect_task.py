"""The rows in `samples.json` as an Inspect task, scored by the verifiers of chem-r. Needs the wheel `chemr`."""

from pathlib import Path

from chemr.rewards import verdicts
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Target, accuracy, grouped, scorer, stderr
from inspect_ai.solver import TaskState, generate

SAMPLES = Path(__file__).parent / "samples.json"

#: Members of the metadata that are no field of the question.
OTHER = ("task", "id", "source", "split", "level")


@task
def chemr(only: str | None = None) -> Task:
    """All samples, or with `-T only=TASK` those of one task."""
    samples = json_dataset(str(SAMPLES), name="chemr")
    if only is not None:
        samples = samples.filter(lambda sample: (sample.metadata or {})["task"] == only)
    return Task(dataset=samples, solver=generate(), scorer=verifier())


@scorer(metrics=[grouped(accuracy(), "task"), stderr()])
def verifier():
    """Right with loose extraction, as `chemr eval` counts it."""

    async def score(state: TaskState, target: Target) -> Score:
        completion, name = state.output.completion, state.metadata["task"]
        columns = {key: [value] for key, value in state.metadata.items() if key not in OTHER}
        [verdict] = verdicts(name, [completion], [target.text], columns, mode="loose")
        if verdict is None:
            raise ValueError(f"the installed chemr has no task {name!r}")
        facts = {key: verdict[key] for key in ("credit", "format", "valid", "reason")}
        value = CORRECT if verdict["correct"] else INCORRECT
        return Score(value=value, answer=verdict["answer"], explanation=verdict["reason"], metadata=facts)

    return score
