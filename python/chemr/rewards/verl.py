"""The reward for verl: ``reward.custom_reward_function.path=.../chemr/rewards/verl.py``, ``reward.custom_reward_function.name=compute_score``.

The task of a row is ``extra_info["task"]``, otherwise its ``data_source``; the fields of the question stand in ``extra_info``. Options of ``chemr.rewards.scorer``, and ``prefix``,
are given as ``reward.custom_reward_function.reward_kwargs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chemr.rewards import verdicts

__all__ = ["compute_score"]


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    prefix: str = "",
    deadline: float = 5.0,
    mode: str = "strict",
    format: float = 0.1,
    accuracy: float = 0.9,
    claims: float = 0.0,
    tanimoto: float = 0.0,
    max_length: int = 0,
    length_margin: int = 0,
    **_others: Any,
) -> dict[str, Any]:
    """``{"score", "acc", "format", "valid", "credit", "reason"}`` of one completion; the same keys for every row, as verl's columns want.

    ``acc`` is 1.0 for a right answer, which is what ``algorithm.filter_groups.metric=acc`` filters on.

    Raises ``ValueError`` when neither ``extra_info["task"]`` nor ``data_source`` is a task.
    """
    extra = dict(extra_info or {})
    task = extra.get("task") or data_source
    columns = {name: [value] for name, value in extra.items()}
    shaping = dict(
        mode=mode, format=format, accuracy=accuracy, claims=claims, tanimoto=tanimoto, max_length=max_length, length_margin=length_margin
    )
    # verl calls from many workers with one row each: one thread is enough.
    found = verdicts(task, [prefix + solution_str], [ground_truth], columns, deadline=deadline, threads=1, **shaping)[0]
    if found is None:
        raise ValueError(f"{task!r} is no task: put one of chemr.tasks() into extra_info['task'] or data_source")
    return {
        "score": found["score"],
        "acc": float(found["correct"]),
        "format": float(found["format"]),
        "valid": float(found["valid"]),
        "credit": found["credit"],
        "reason": found["reason"],
    }
