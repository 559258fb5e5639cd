"""The atlas's pages as HTML: plain functions from an entry to text."""

from __future__ import annotations

from html import escape

from rsc_core.ui import texts
from rsc_core.ui.atlas_drawings import breath, chest
from rsc_core.ui.markup import paragraph
from rsc_core.ui.texts.atlas import ENTRIES, Entry


def page(entry: Entry) -> str:
    """Return what a sound is, how it arises, where and when it is heard."""
    words = texts.atlas
    sources = paragraph(words.SOURCES.format(names="; ".join(entry.sources)), "note")
    return (
        f"<article><h2>{entry.title}</h2>"
        f"<h3>{words.DEFINITION}</h3><p>{escape(entry.definition)}</p>"
        f"<h3>{words.MECHANISM}</h3><p>{escape(entry.mechanism)}</p>"
        f"<h3>{words.WHERE}</h3>{_figure(chest(entry.codes), entry.where)}"
        f"<h3>{words.WHEN}</h3>{_figure(breath(entry.spans, entry.when), entry.when)}{sources}</article>"
    )


def confused(entry: Entry) -> str:
    """Return what a sound is confused with and how to tell them apart."""
    words = texts.atlas
    apart = "".join(f"<li><b>{ENTRIES[other].title}.</b> {escape(how)}</li>" for other, how in entry.confused.items())
    return f"{paragraph(words.HEAR_NOTE, 'note')}<h3>{words.CONFUSED}</h3><ul>{apart}</ul><h3>{words.SEE}</h3>"


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
