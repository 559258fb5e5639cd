"""Cycles corrected by hand: every edit returns a new annotation, and one that makes no sense is refused.

Times are seconds from the start of the recording in whole milliseconds, as an ICBHI file holds them, so what is
exported reads back the same. Cycles rise, lie within the recording and do not overlap; gaps between them are allowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from rsc_core.analysis import Analysis, Cycle
from rsc_core.config import CLASSES
from rsc_core.cycles import AnnotationError

SHORTEST_S = 0.01
KEPT_EDITS = 200  # that can be undone


@dataclass(frozen=True)
class Annotation:
    """The labelled cycles of one recording.

    Raises:
        AnnotationError: cycles overlap, do not rise, leave the recording, are shorter than ``SHORTEST_S``, or bear
            another label than ``config.CLASSES``.
    """

    cycles: tuple[Cycle, ...]
    seconds: float  # of the recording

    def __post_init__(self):
        before = None
        for number, cycle in enumerate(self.cycles, start=1):
            if cycle.label not in CLASSES:
                raise AnnotationError(f"A cycle is labelled {', '.join(CLASSES)}; cycle {number} got {cycle.label!r}.")
            if not (cycle.start_s >= 0 and cycle.end_s <= self.limit_s):
                raise AnnotationError(
                    f"Cycle {number} would run from {cycle.start_s:.2f} to {cycle.end_s:.2f} s, and the recording "
                    f"from 0 to {self.limit_s:.2f} s. Choose times within it."
                )
            if before and cycle.start_s < before.end_s:
                raise AnnotationError(
                    f"Cycle {number} would start at {cycle.start_s:.2f} s, before cycle {number - 1} ends at "
                    f"{before.end_s:.2f} s. Cycles may not overlap: shorten or delete one first."
                )
            if _ms(cycle.seconds) < SHORTEST_S:
                raise AnnotationError(
                    f"Cycle {number} would be shorter than {SHORTEST_S} s. Choose other times, or delete it first."
                )
            before = cycle

    @property
    def limit_s(self) -> float:
        """Where the last cycle may end: the recording's end in whole milliseconds."""
        return math.floor(self.seconds * 1000 + 1e-6) / 1000

    def at(self, s: float) -> int | None:
        """Return the index of the cycle at a moment; None in a gap."""
        return next((i for i, cycle in enumerate(self.cycles) if cycle.start_s <= s < cycle.end_s), None)

    def abnormal(self, index: int, step: int) -> int | None:
        """Return the nearest cycle after (``step`` 1) or before (-1) this one that is not labelled normal."""
        places = range(index + step, len(self.cycles) if step > 0 else -1, step)
        return next((i for i in places if self.cycles[i].label != "normal"), None)


@dataclass(frozen=True)
class History:
    """An annotation with what it was before each edit, and what was undone."""

    present: Annotation
    saved: Annotation  # as it was opened, imported or last exported
    past: tuple[Annotation, ...] = ()
    future: tuple[Annotation, ...] = ()  # the edit undone last stands last

    @property
    def unsaved(self) -> bool:
        """Whether there is something to export."""
        return self.present != self.saved

    def edited(self, annotation: Annotation) -> History:
        """Return the history after an edit; one that changes nothing leaves no trace."""
        if annotation == self.present:
            return self
        return History(annotation, self.saved, (*self.past, self.present)[-KEPT_EDITS:])

    def undone(self) -> History:
        """Return the history before the last edit; itself where there was none."""
        if not self.past:
            return self
        return History(self.past[-1], self.saved, self.past[:-1], (*self.future, self.present))

    def redone(self) -> History:
        """Return the history after the edit undone last; itself where there was none."""
        if not self.future:
            return self
        return History(self.future[-1], self.saved, (*self.past, self.present), self.future[:-1])

    def exported(self) -> History:
        """Return the history with nothing unsaved."""
        return replace(self, saved=self.present)


def fitted(cycles: Iterable[Cycle], seconds: float) -> tuple[Annotation, int]:
    """Return the annotation that holds these cycles, and how many of them had to be cut or left out.

    Times are rounded to milliseconds. Where two cycles overlap, as SPRSound's events may, the one that starts later
    begins where the other ends.

    Raises:
        AnnotationError: a label is none of ``config.CLASSES``.
    """
    limit_s, end_s = Annotation((), seconds).limit_s, 0.0
    kept, changed = [], 0
    for cycle in sorted(cycles, key=lambda cycle: (cycle.start_s, cycle.end_s)):
        wanted = _ms(cycle.start_s), _ms(cycle.end_s)
        taken = max(wanted[0], end_s), min(wanted[1], limit_s)
        room = _ms(taken[1] - taken[0]) >= SHORTEST_S
        changed += not room or taken[0] != wanted[0] or wanted[1] - taken[1] > 0.0015  # s: a recording's odd samples
        if room:
            kept.append(Cycle(*taken, cycle.label))
            end_s = taken[1]
    return Annotation(tuple(kept), seconds), changed


def draft(analysis: Analysis) -> tuple[Annotation, int]:
    """Return the annotation to start from: an analysis's cycles with their annotated, else the model's labels.

    The number is that of ``fitted``.
    """
    labels = [cycle.label for cycle in analysis.cycles] if analysis.annotated else analysis.labels
    cycles = [replace(cycle, label=label) for cycle, label in zip(analysis.cycles, labels, strict=True)]
    return fitted(cycles, analysis.recording.seconds)


def limits(annotation: Annotation, index: int, follow: bool = True) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return how far (lowest, highest) ``move`` lets the start and the end of a cycle go, the other one staying."""
    cycles, cycle = annotation.cycles, annotation.cycles[index]
    earliest, latest = 0.0, annotation.limit_s
    if index:
        before = cycles[index - 1]
        touches = follow and before.end_s == cycle.start_s
        earliest = _ms(before.start_s + SHORTEST_S) if touches else before.end_s
    if index + 1 < len(cycles):
        after = cycles[index + 1]
        touches = follow and after.start_s == cycle.end_s
        latest = _ms(after.end_s - SHORTEST_S) if touches else after.start_s
    return (earliest, _ms(cycle.end_s - SHORTEST_S)), (_ms(cycle.start_s + SHORTEST_S), latest)


def move(annotation: Annotation, index: int, start_s: float, end_s: float, follow: bool = True) -> Annotation:
    """Give a cycle other times; with ``follow`` a neighbour that touches it goes on doing so.

    Raises:
        AnnotationError: it would overlap a neighbour, leave the recording, or it or a neighbour become too short.
    """
    cycles, old = list(annotation.cycles), annotation.cycles[index]
    cycles[index] = replace(old, start_s=_ms(start_s), end_s=_ms(end_s))
    if follow and index and cycles[index - 1].end_s == old.start_s:
        cycles[index - 1] = replace(cycles[index - 1], end_s=_ms(start_s))
    if follow and index + 1 < len(cycles) and cycles[index + 1].start_s == old.end_s:
        cycles[index + 1] = replace(cycles[index + 1], start_s=_ms(end_s))
    return replace(annotation, cycles=tuple(cycles))


def relabel(annotation: Annotation, index: int, label: str) -> Annotation:
    """Give a cycle another of the four labels.

    Raises:
        AnnotationError: there is no such label.
    """
    return _with(annotation, index, 1, replace(annotation.cycles[index], label=label))


def split(annotation: Annotation, index: int) -> Annotation:
    """Cut a cycle into halves of the same label.

    Raises:
        AnnotationError: the halves would be too short.
    """
    cycle = annotation.cycles[index]
    middle_s = _ms((cycle.start_s + cycle.end_s) / 2)
    return _with(annotation, index, 1, replace(cycle, end_s=middle_s), replace(cycle, start_s=middle_s))


def merge(annotation: Annotation, index: int) -> Annotation:
    """Join a cycle with the next one and the gap between them; what either was labelled with, both are.

    Raises:
        AnnotationError: it is the last one.
    """
    if index + 1 >= len(annotation.cycles):
        raise AnnotationError("There is no cycle after this one to merge with.")
    first, second = annotation.cycles[index : index + 2]
    label = CLASSES[CLASSES.index(first.label) | CLASSES.index(second.label)]
    return _with(annotation, index, 2, Cycle(first.start_s, second.end_s, label))


def delete(annotation: Annotation, index: int) -> Annotation:
    """Remove a cycle; its time belongs to none."""
    return _with(annotation, index, 1)


def add(annotation: Annotation, start_s: float, end_s: float, label: str) -> Annotation:
    """Put in a cycle where there is none.

    Raises:
        AnnotationError: it would overlap another, leave the recording or be too short.
    """
    start_s = _ms(start_s)
    index = sum(cycle.start_s < start_s for cycle in annotation.cycles)
    return _with(annotation, index, 0, Cycle(start_s, _ms(end_s), label))


def gap(annotation: Annotation, after: int = 0) -> tuple[float, float] | None:
    """Return the first stretch behind cycle ``after`` that belongs to no cycle, else the first one of all, in s."""
    edges = [(0.0, 0.0), *((cycle.start_s, cycle.end_s) for cycle in annotation.cycles), (annotation.limit_s,) * 2]
    gaps = [
        (i, left[1], right[0])
        for i, (left, right) in enumerate(zip(edges[:-1], edges[1:], strict=True))
        if _ms(right[0] - left[1]) >= SHORTEST_S
    ]
    gaps.sort(key=lambda found: found[0] <= after)
    return gaps[0][1:] if gaps else None


def envelope(waveform: np.ndarray, points: int) -> np.ndarray:
    """Return the largest magnitude in equal stretches of a sound, the loudest of them 1.

    Args:
        waveform: (samples,), at least one.
        points: stretches wanted; a sound with fewer samples has one for each sample.

    Returns:
        (points,) from 0 to 1; all 0 for silence.
    """
    edges = np.linspace(0, len(waveform), min(points, len(waveform)) + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.abs(waveform), edges)
    return peaks / (peaks.max() or 1)


def _with(annotation: Annotation, index: int, count: int, *cycles: Cycle) -> Annotation:
    """Put ``cycles`` in the place of ``count`` others."""
    every = annotation.cycles
    return replace(annotation, cycles=(*every[:index], *cycles, *every[index + count :]))


def _ms(s: float) -> float:
    return round(float(s), 3)
