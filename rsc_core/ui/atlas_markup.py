"""The atlas's pages as HTML: plain functions from an entry to text."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape

from rsc_core.synth import Synthetic
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


def players(kind: str, sounds: Mapping[str, Synthetic]) -> str:
    """Return players of a sound and of those it is confused with, the first one shown, and how to tell them apart.

    Args:
        kind: key of ``ENTRIES``.
        sounds: the synthesised sound of it and of each it is confused with.
    """
    words, entry = texts.atlas, ENTRIES[kind]
    kinds = [kind, *entry.confused]
    audio = "".join(
        f'<audio controls preload="auto" data-kind="{one}" aria-label="{_alt(one)}" src="{_flac(sounds[one])}"'
        f"{'' if one == kind else ' hidden'}></audio>"
        for one in kinds
    )
    buttons = "".join(
        f'<button type="button" data-kind="{one}" aria-pressed="{str(one == kind).lower()}">{ENTRIES[one].title}'
        "</button>"
        for one in kinds
    )
    apart = "".join(f"<li><b>{ENTRIES[other].title}.</b> {escape(how)}</li>" for other, how in entry.confused.items())
    return (
        f'<h3>{words.HEAR}</h3><div class="mixer">{audio}<div role="group" aria-label="{words.CHOOSE}">{buttons}</div>'
        f"</div>{paragraph(words.HEAR_NOTE, 'note')}<h3>{words.CONFUSED}</h3><ul>{apart}</ul><h3>{words.SEE}</h3>"
    )


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _alt(kind: str) -> str:
    return texts.atlas.PLAYER_ALT.format(title=ENTRIES[kind].title)


def _flac(made: Synthetic) -> str:
    """A recording as a data URI: small, and without the loss that would blur a crackle."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, made.waveform, made.sample_rate, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(file.getvalue()).decode()
