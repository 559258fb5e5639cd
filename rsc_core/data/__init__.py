"""Corpora, their splits, and batches of their clips."""

from __future__ import annotations

from pathlib import Path

from rsc_core.data import icbhi, sprsound
from rsc_core.data.corpus import Corpus

CORPORA = {"icbhi": icbhi, "sprsound": sprsound}


def load(name: str, root: str | Path) -> Corpus:
    """Return a corpus from a folder laid out as it is published.

    Raises:
        ValueError: there is no such corpus, or an annotation is malformed (``AnnotationError``).
        CorpusError: the folder is not as published.
    """
    if name not in CORPORA:
        raise ValueError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name].load(root)
