"""A quiz's sound after the answer -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from rsc_core import figures
from rsc_core.analysis import CycleView, Spectrogram
from rsc_core.figures import CLASS_COLOURS, FONT_PX, INK, LEFT_PX, RIGHT_PX, Picture, points, row_of
from rsc_core.quiz import Mark, Question
from rsc_core.synth import KINDS

LEAST_PX = 7  # a crackle of 5 ms would be a hair's breadth
AROUND_BINS = 2


def revealed(question: Question, shown: Spectrogram, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the log-mel spectrogram of a question's cycle with a box around each sound, and the name of its kind over the first of them.

    A sound whose band is not known is boxed from the bottom to the top.
    """
    view = CycleView(question.cycle, question.sound, question.recording.sample_rate, {"db": shown})
    picture = figures.log_mel(view, width_px=width_px, scale=scale)
    axes = picture.figure.axes[0]
    least_s = LEAST_PX * (shown.end_s - shown.start_s) / (width_px - LEFT_PX - RIGHT_PX)
    named: set[str] = set()
    for mark in question.marks:
        _box(axes, shown, mark, least_s)
        if mark.kind not in named:
            _name(axes, shown, mark, len(named))
        named.add(mark.kind)
    return picture


def _box(axes: Axes, shown: Spectrogram, mark: Mark, least_s: float) -> None:
    rows = len(shown.values)
    low, high = row_of(np.array(mark.band_hz), shown.frequencies_hz) if mark.band_hz else (0, rows)
    low, high = max(0.5, low - AROUND_BINS), min(rows - 0.5, high + AROUND_BINS)
    wider_s = max(0.0, least_s - (mark.end_s - mark.start_s)) / 2
    place, length_s = (mark.start_s - wider_s, low), mark.end_s - mark.start_s + 2 * wider_s
    colour = CLASS_COLOURS[KINDS[mark.kind].label]
    for edge, width in ((INK, 4.0), ("white", 2.8), (colour, 1.4)):  # seen on light and dark
        axes.add_patch(Rectangle(place, length_s, high - low, fill=False, ec=edge, lw=width))


def _name(axes: Axes, shown: Spectrogram, mark: Mark, line: int) -> None:
    """The kind's name, on a line of its own at the top, over its first mark."""
    share = (mark.start_s - shown.start_s) / (shown.end_s - shown.start_s)
    align = "left" if share < 0.6 else "right"
    below = -points(4 + line * (FONT_PX + 8))
    note = axes.annotate(
        mark.kind, (mark.start_s, 1), (0, below), axes.get_xaxis_transform(), "offset points", ha=align, va="top"
    )
    note.set(size=points(FONT_PX), color=INK, bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none"})
