"""A quiz's sound after the answer -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from rsc_core import figures
from rsc_core.analysis import CycleView, Spectrogram
from rsc_core.figures import CLASS_COLOURS, FONT_PX, INK, Picture, points, row_of
from rsc_core.quiz import Mark, Question
from rsc_core.synth import KINDS

AROUND_BINS = 2
CLICK_S = 0.03  # longer than any crackle; a box as short would hide what is in it
ARROW_PX = 8
NAMES_PX = 16  # below the top, where the arrows are


def revealed(question: Question, shown: Spectrogram, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the log-mel spectrogram of a question's cycle with its events marked, the first of each kind by name.

    A sound is boxed, from bottom to top where its band is not known; a single click has an arrow over it.
    """
    view = CycleView(question.cycle, question.sound, question.recording.sample_rate, {"db": shown})
    picture = figures.log_mel(view, width_px=width_px, scale=scale)
    axes = picture.figure.axes[0]
    named: set[str] = set()
    for mark in question.marks:
        _arrow(axes, mark) if mark.end_s - mark.start_s < CLICK_S else _box(axes, shown, mark)
        if mark.kind not in named:
            _name(axes, shown, mark, len(named))
        named.add(mark.kind)
    return picture


def _box(axes: Axes, shown: Spectrogram, mark: Mark) -> None:
    rows = len(shown.values)
    low, high = row_of(np.array(mark.band_hz), shown.frequencies_hz) if mark.band_hz else (0, rows)
    low, high = max(0.5, low - AROUND_BINS), min(rows - 0.5, high + AROUND_BINS)
    place, length_s = (mark.start_s, low), mark.end_s - mark.start_s
    for edge, width in (("white", 2.6), (_colour(mark), 1.3)):  # seen on light and dark
        axes.add_patch(Rectangle(place, length_s, high - low, fill=False, ec=edge, lw=width))


def _arrow(axes: Axes, mark: Mark) -> None:
    middle_s = (mark.start_s + mark.end_s) / 2
    axes.plot(
        middle_s,
        0.97,
        "v",
        ms=points(ARROW_PX),
        color=_colour(mark),
        mec="white",
        mew=0.8,
        transform=axes.get_xaxis_transform(),
        scalex=False,
        scaley=False,
    )


def _colour(mark: Mark) -> str:
    return CLASS_COLOURS[KINDS[mark.kind].label]


def _name(axes: Axes, shown: Spectrogram, mark: Mark, line: int) -> None:
    """The kind's name, on a line of its own at the top, over its first mark."""
    share = (mark.start_s - shown.start_s) / (shown.end_s - shown.start_s)
    align = "left" if share < 0.6 else "right"
    below = -points(NAMES_PX + line * (FONT_PX + 8))
    note = axes.annotate(
        mark.kind, (mark.start_s, 1), (0, below), axes.get_xaxis_transform(), "offset points", ha=align, va="top"
    )
    note.set(size=points(FONT_PX), color=INK, bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none"})
