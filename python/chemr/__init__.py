"""Rewards and metrics for language models that reason about chemistry.

``chemr.score`` scores predictions with the field's metrics, ``chemr.rewards`` holds rewards for TRL, verl and OpenRLHF,
``chemr.metrics`` single metrics, ``chemr.mol`` molecules. Everything is computed in compiled code on all cores; no torch is needed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _chemr, metrics, mol, rewards
from ._chemr import VERSION as __version__
from ._chemr import extract

__all__ = ["__version__", "extract", "metrics", "mol", "question", "rewards", "score", "suites", "tasks"]


def score(
    task: str,
    predictions: Sequence[str | None | Sequence[str]],
    references: Sequence[Any],
    columns: Mapping[str, Sequence[Any]] | None = None,
    paper: str | None = None,
    wordpiece: str | os.PathLike[str] | None = None,
    wordnet: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Scores predictions as ``chemr score`` does.

    A prediction is a text, ``None``, or a list of texts, best first; whole completions with an answer block are read. ``columns`` holds the
    question where the task's verifier needs it (``chemr.tasks()`` names the fields), and for labels perhaps ``probability``, which gives ``roc_auc``.
    ``paper`` chooses a paper's definitions. ``wordpiece`` is the ``vocab.txt`` of a BERT tokenizer, ``wordnet`` the folder ``dict`` of WordNet 3.0: without
    them the metrics that need them are not there.

    Returns ``{"task", "n", "metrics": {id: {"value", "low", "high", "n", "version"}}, "counts": {...}}``.
    """
    ranked = [_ranked(prediction) for prediction in predictions]
    texts = [rewards.text(reference) or "" for reference in references]
    given = {name: [rewards.text(value) for value in column] for name, column in (columns or {}).items()}
    return json.loads(_chemr.score(task, ranked, texts, given, paper, wordpiece, wordnet))


def _ranked(prediction: str | None | Sequence[str]) -> list[str]:
    if prediction is None:
        return []
    return [prediction] if isinstance(prediction, str) else list(prediction)


def question(task: str, *, prompts: str | os.PathLike[str] | None = None, **columns: Any) -> list[dict[str, str]]:
    """The messages that ask a task about a row: ``[{"role": "system", ...}, {"role": "user", ...}]``.

    ``prompts`` names a file of prompts (docs/prompts.md), by default those of the package; the other arguments are the columns of the row.
    """
    given = {name: rewards.text(value) or "" for name, value in columns.items()}
    file = None if prompts is None else os.fspath(prompts)
    return [{"role": role, "content": content} for role, content in _chemr.question(task, given, file)]


def tasks() -> list[dict[str, Any]]:
    """All tasks with their ids, titles, families, the fields of a row, and documentation."""
    names = ("id", "title", "family", "fields", "documentation")
    return [dict(zip(names, task, strict=True)) for task in _chemr.tasks()]


def suites() -> list[dict[str, Any]]:
    """All suites with what they are and their tasks."""
    return [dict(zip(("id", "about", "tasks"), suite, strict=True)) for suite in _chemr.suites()]
