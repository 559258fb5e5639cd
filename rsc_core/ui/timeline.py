"""The timeline of an annotation as HTML: a waveform's envelope under one button for each cycle.

Zoom, dragging and keys are ``timeline.js``, which tells of them through Gradio's events: "select" with the index of a
cycle, "release" with an edge ("start" or "end") and where it was left in seconds, "edit" with a label.
"""

from __future__ import annotations

from collections import Counter
from html import escape

import numpy as np

from rsc_core.annotation import Annotation, History, envelope, limits
from rsc_core.config import CLASSES
from rsc_core.figures import CLASS_COLOURS, TEXT_COLOURS
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph

POINTS_PER_S = 50
MOST_POINTS = 6000  # of an envelope: ten minutes, in about 30 kB
HEIGHT = 100  # units from the middle of an envelope to the loudest sample


def outline(waveform: np.ndarray, seconds: float) -> str:
    """Return the envelope of a sound as an SVG, to be stretched to any width.

    Args:
        waveform: (samples,), at least one.
        seconds: its duration.
    """
    count = int(np.clip(seconds * POINTS_PER_S, 1, MOST_POINTS))
    heights = np.round(envelope(waveform, count) * HEIGHT).astype(int).tolist()
    upper = "".join(f"V{-height}h1" for height in heights)
    lower = "".join(f"V{height}h-1" for height in reversed(heights))
    return (
        f'<svg aria-hidden="true" preserveAspectRatio="none" viewBox="0 {-HEIGHT} {len(heights)} {2 * HEIGHT}">'
        f'<path d="M0 0{upper}{lower}Z"/></svg>'
    )


def timeline(annotation: Annotation, chosen: int | None, picture: str, follow: bool, unsaved: bool) -> str:
    """Return the strip with its buttons for zoom.

    Args:
        annotation: what stands on it.
        chosen: cycle whose edges can be moved.
        picture: what ``outline`` made of the recording.
        follow: as in ``annotation.move``; decides how far the edges can go.
        unsaved: the browser then asks before the page is left.
    """
    total_s = annotation.limit_s
    zooms = "".join(
        f'<button type="button" data-zoom="{zoom}" aria-pressed="{str(not zoom).lower()}"'
        f"{' disabled' if zoom >= total_s else ''}>{text}</button>"
        for zoom, text in texts.annotate.ZOOMS.items()
    )
    blocks = "".join(_block(annotation, index, index == chosen) for index in range(len(annotation.cycles)))
    edges = "" if chosen is None else _edges(annotation, chosen, follow)
    return (
        f'<div class="timeline" data-seconds="{total_s}"{" data-unsaved" if unsaved else ""}>'
        f'<div class="zooms" role="group" aria-label="{texts.annotate.ZOOM}"><span>{texts.annotate.ZOOM}</span>{zooms}'
        f'</div><div class="strip"><div class="track" role="group" aria-label="{texts.annotate.TIMELINE}">'
        f'{picture}{blocks}{edges}<div class="ticks" aria-hidden="true"></div></div></div></div>'
    )


def status(history: History, said: str = "") -> str:
    """Return how many cycles bear which label and whether there is something to export, after what else is said."""
    words, cycles = texts.annotate, history.present.cycles
    counted = Counter(cycle.label for cycle in cycles)
    labels = ", ".join(
        words.COUNTED.format(count=counted[label], label=label, letter=words.LETTERS[label])
        for label in CLASSES
        if counted[label]
    )
    count = words.COUNT.format(count=len(cycles), labels=labels) if cycles else words.NO_CYCLES
    saved = words.UNSAVED if history.unsaved else words.SAVED
    spoken = paragraph(said, "said") if said else ""
    kind = "unsaved" if history.unsaved else "saved"
    return f'<div role="status">{spoken}<p>{count} <span class="{kind}">{saved}</span></p></div>'


def heading(annotation: Annotation, chosen: int | None) -> str:
    """Return the heading over what can be done to the chosen cycle."""
    if chosen is None:
        return f"<h2>{texts.annotate.NONE_CHOSEN}</h2>"
    return f"<h2>{texts.annotate.CHOSEN.format(number=chosen + 1, count=len(annotation.cycles))}</h2>"


def _block(annotation: Annotation, index: int, chosen: bool) -> str:
    cycle = annotation.cycles[index]
    name = texts.annotate.BLOCK.format(
        number=index + 1, start=cycle.start_s, end=cycle.end_s, label=escape(cycle.label)
    )
    place = f"left: {_percent(annotation, cycle.start_s)}; width: {_percent(annotation, cycle.seconds)}"
    colours = f"--chip: {CLASS_COLOURS[cycle.label]}; --on-chip: {TEXT_COLOURS[cycle.label]}"
    return (
        f'<button type="button" class="block {cycle.label}" data-cycle="{index}" tabindex="{0 if chosen else -1}" '
        f'aria-pressed="{str(chosen).lower()}" aria-label="{name}" title="{name}" style="{place}; {colours}">'
        f"<b>{texts.annotate.LETTERS[cycle.label]}</b></button>"
    )


def _edges(annotation: Annotation, index: int, follow: bool) -> str:
    cycle = annotation.cycles[index]
    ranges = limits(annotation, index, follow)
    places = zip(texts.annotate.EDGES.items(), (cycle.start_s, cycle.end_s), ranges, strict=True)
    return "".join(
        f'<div class="edge {edge}" role="slider" tabindex="0" data-edge="{edge}" '
        f'aria-label="{name.format(number=index + 1)}" aria-valuemin="{low}" aria-valuemax="{high}" '
        f'aria-valuenow="{s}" aria-valuetext="{texts.annotate.EDGE_VALUE.format(seconds=s)}" '
        f'style="left: {_percent(annotation, s)}"></div>'
        for (edge, name), s, (low, high) in places
    )


def _percent(annotation: Annotation, s: float) -> str:
    return f"{100 * s / annotation.limit_s:.5f}%"
