"""Corpora, their splits, and batches of their clips."""

from __future__ import annotations

from pathlib import Path

from rsc_core.data import icbhi, sprsound
from rsc_core.data.corpus import Corpus

CORPORA = {"icbhi": icbhi, "sprsound": sprsound}


def load(name: str, root: str | Path) -> Corpus:
    """Return a corpus from a folder laid out as it is published.

    Raises:
        CorpusError: the folder is not as published.
    """
    return CORPORA[name].load(root)
