"""What a visitor of the tab Annotate edits: an annotation, its history and the chosen cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import gradio as gr
import numpy as np

from rsc_core import annotation as edits
from rsc_core.analysis import Analysis, Recording
from rsc_core.annotation import Annotation, History
from rsc_core.ui import texts, timeline
from rsc_core.ui.shown import Shown, spoken


@dataclass(frozen=True)
class Edited:
    """The cycles of one recording as they stand."""

    recording: Recording
    picture: str  # of its sound, as ``timeline.outline`` draws it
    history: History
    chosen: int | None  # cycle; None where there is none

    @property
    def times(self) -> tuple[float, float] | None:
        """Start and end of the chosen cycle in seconds."""
        if self.chosen is None:
            return None
        cycle = self.history.present.cycles[self.chosen]
        return cycle.start_s, cycle.end_s

    def belongs_to(self, shown: Shown | None) -> bool:
        """Whether the first tab shows this recording."""
        return shown is not None and same_sound(self.recording, shown.analysis.recording)

    def at(self, history: History, index: int | None) -> Edited:
        """Return another state with a cycle chosen, or the nearest one to it that there is."""
        count = len(history.present.cycles)
        return replace(self, history=history, chosen=min(index or 0, count - 1) if count else None)

    def edit(self, change: Callable[[Annotation], Annotation], at_s: float | None = None) -> Edited:
        """Return what an edit makes; the cycle at ``at_s``, else the one in the chosen one's place, is then chosen.

        Raises:
            gr.Error: the edit makes no sense; it holds the sentence.
        """
        with spoken():
            history = self.history.edited(change(self.history.present))
        return self.at(history, self.chosen if at_s is None else history.present.at(at_s))


def opened(analysis: Analysis) -> tuple[Edited, int]:
    """Return what there is to edit of an analysis, and how many of its cycles had to be cut."""
    with spoken():
        found, cut = edits.draft(analysis)
    recording = analysis.recording
    picture = timeline.outline(recording.waveform, recording.seconds)
    return Edited(recording, picture, History(found, found), 0 if found.cycles else None), cut


def remembered(edited: Edited | None) -> Edited:
    """Return what a visitor edits, or say that the server has forgotten it."""
    if edited is None:
        raise gr.Error(texts.page.FORGOTTEN, print_exception=False)
    return edited


def chosen(edited: Edited | None) -> tuple[Edited, int]:
    """Return what a visitor edits and the chosen cycle, or say that there is none."""
    edited = remembered(edited)
    if edited.chosen is None:
        raise gr.Error(texts.annotate.NOTHING, print_exception=False)
    return edited, edited.chosen


def same_sound(one: Recording, other: Recording) -> bool:
    """Return whether two recordings hold the same sound, read from one file or twice."""
    return one is other or np.array_equal(one.waveform, other.waveform)
