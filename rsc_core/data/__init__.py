"""Corpora, their splits, and batches of their clips."""

from __future__ import annotations

from pathlib import Path

from rsc_core.data import icbhi, sprsound, table
from rsc_core.data.corpus import Corpus
from rsc_core.data.splits import Selection, select

__all__ = ["CORPORA", "Corpus", "Selection", "load", "select"]

CORPORA = {"icbhi": icbhi, "sprsound": sprsound, "table": table}


def load(name: str, root: str | Path) -> Corpus:
    """Return a corpus from a folder laid out as it is published, or from a table of labelled clips.

    Raises:
        ValueError: there is no such corpus, or an annotation is malformed (``AnnotationError``).
        CorpusError: the folder is not as published.
    """
    if name not in CORPORA:
        raise ValueError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name].load(root)
