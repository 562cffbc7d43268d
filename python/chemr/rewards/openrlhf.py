"""The reward for OpenRLHF: ``--reward.remote_url .../chemr/rewards/openrlhf.py`` loads ``reward_func``.

A label is a JSON object with ``task``, ``reference`` and the fields of the question. OpenRLHF wants tensors, so torch, which it brings, is imported when the function is
called.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chemr.rewards import verdicts

__all__ = ["reward_func", "score_rows"]


def score_rows(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
    """A verdict for each row. A query is the prompt with the response behind it."""
    rows = [label if isinstance(label, dict) else json.loads(label) for label in labels]
    texts = [query[len(prompt) :] if query.startswith(prompt) else query for query, prompt in zip(queries, prompts, strict=True)]
    names = sorted({name for row in rows for name in row} - {"task", "reference"})
    columns = {name: [row.get(name) for row in rows] for name in names}
    found = verdicts([row.get("task") for row in rows], texts, [row.get("reference") for row in rows], columns, **options)
    for row, verdict in zip(rows, found, strict=True):
        if verdict is None:
            raise ValueError(f"{row.get('task')!r} is no task: labels are JSON objects with task, reference and the fields of the question")
    return found


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_others: Any) -> dict[str, Any]:
    """``{"rewards", "scores", "extra_logs"}`` as tensors; ``scores`` is 1 for right answers."""
    import torch

    found = score_rows(queries, prompts, labels)
    column = lambda name: torch.tensor([float(verdict[name]) for verdict in found])  # noqa: E731
    return {
        "rewards": column("score"),
        "scores": column("correct"),
        "extra_logs": {"format": column("format"), "valid": column("valid")},
    }
