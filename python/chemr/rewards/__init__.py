"""Rewards: verdicts of completions, and the faces that trainers call (``trl``, ``verl``, ``openrlhf``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .. import _chemr

__all__ = ["scorer", "text", "verdicts"]

#: Names of the column with the right answer, in the order in which they are looked for.
REFERENCE_COLUMNS = ("reference", "ground_truth", "solution", "answer", "label")


@lru_cache(maxsize=64)
def _scorer(shaping: str, deadline: float, threads: int | None) -> _chemr.Scorer:
    return _chemr.Scorer(shaping, deadline, threads)


def scorer(*, deadline: float = 5.0, threads: int | None = None, **shaping: Any) -> _chemr.Scorer:
    """The scorer of a shaping; the same one, with its cache, for the same arguments.

    ``shaping`` may hold ``mode`` (``"strict"`` or ``"loose"``), ``format``, ``accuracy``, ``claims``, ``tanimoto``, ``max_length`` and ``length_margin``.
    """
    return _scorer(json.dumps(shaping, sort_keys=True), deadline, threads)


def text(value: Any) -> str | None:
    """A value of a column as text: lists become lines, ``None`` stays."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    if isinstance(value, (list, tuple)):
        return "\n".join(text(item) or "" for item in value)
    return str(value)


def verdicts(
    task: str | Sequence[str | None],
    completions: Sequence[str],
    references: Sequence[Any],
    columns: Mapping[str, Sequence[Any]] | None = None,
    **options: Any,
) -> list[dict[str, Any] | None]:
    """A verdict for each completion: ``{"score", "credit", "correct", "format", "valid", "reason", "answer", "parts"}``.

    ``task`` is one task or one for each completion; ``None`` comes back for a task that is not known. ``columns`` holds the fields of the
    question by name, one value for each completion. ``options`` are those of :func:`scorer`.
    """
    rows = len(completions)
    tasks = [task] * rows if isinstance(task, str) else list(task)
    given = {name: [text(value) for value in column] for name, column in (columns or {}).items()}
    # Ranked candidates are one reference, separated by commas.
    wanted = [(text(reference) or "").replace("\n", ",") if isinstance(reference, (list, tuple)) else text(reference) for reference in references]
    return scorer(**options).score(tasks, list(completions), wanted, given)
