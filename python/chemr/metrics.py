"""Single metrics, by id: ``compute("fts.maccs", references, predictions)``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import _chemr

__all__ = ["available", "compute"]


def compute(
    id: str,
    references: Sequence[str],
    predictions: Sequence[str | Sequence[str]],
    wordpiece: str | os.PathLike[str] | None = None,
    wordnet: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """One metric over pairs: ``{"value", "low", "high", "n"}``, with the ends of the 95 % bootstrap interval.

    A prediction is a text, or a list of texts, best first. ``value`` is ``None`` when no row counts. ``wordpiece`` is the ``vocab.txt`` of a BERT
    tokenizer, ``wordnet`` the folder ``dict`` of WordNet 3.0, for the metrics that need them.
    """
    ranked = [[one] if isinstance(one, str) else list(one) for one in predictions]
    return dict(zip(("value", "low", "high", "n"), _chemr.metric(id, list(references), ranked, wordpiece, wordnet), strict=True))


def available() -> list[dict[str, Any]]:
    """All metrics with ids, versions, titles and documentation."""
    return [dict(zip(("id", "version", "title", "documentation"), one, strict=True)) for one in _chemr.metrics()]
