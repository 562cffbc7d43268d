"""Molecules: ``Mol("OCC").smiles == "CCO"``. A text that is no molecule raises ``ValueError`` with the reason and its place."""

from __future__ import annotations

from ._chemr import Mol, from_selfies, svg

__all__ = ["Mol", "canonical", "from_selfies", "is_valid", "svg"]


def canonical(smiles: str) -> str | None:
    """Canonical isomeric SMILES, or ``None`` when the text is no molecule."""
    try:
        return Mol(smiles).smiles
    except ValueError:
        return None


def is_valid(smiles: str) -> bool:
    """Whether the text is a molecule."""
    return canonical(smiles) is not None
