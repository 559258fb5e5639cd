"""Respiratory cycles: annotation files, windows where there is none, and clips repeated to fill a window.

Conventions: times in seconds from the start of the recording; labels are the four classes of ``config.CLASSES``.
SPRSound marks sounds rather than whole cycles; both are a ``Cycle`` here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rsc_core.analysis import Cycle
from rsc_core.config import CLASSES

SPRSOUND_CLASSES = {
    "Normal": "normal",
    "Fine Crackle": "crackle",
    "Coarse Crackle": "crackle",
    "Wheeze": "wheeze",
    "Rhonchi": "wheeze",
    "Stridor": "wheeze",
    "Wheeze+Crackle": "both",
}
"""SPRSound's seven event types as four classes."""

SEAM_SAMPLES = 80  # crossfade between copies of a repeated clip: 5 ms at 16 kHz


class AnnotationError(ValueError):
    """An annotation file is malformed or does not fit its recording; the message names file and place."""


def read_annotation(path: str | Path) -> tuple[Cycle, ...]:
    """Return the cycles of an ICBHI ``.txt`` or a SPRSound ``.json`` file.

    SPRSound marks sounds, and those are its cycles, unless the file has respiratory cycles too (``synth.annotate``).

    Raises:
        AnnotationError: it is malformed, or of another kind.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".txt":
        return read_icbhi(path)
    if suffix == ".json":
        found = read_sprsound(path)[1]
        breaths = _breaths(path)
        return breaths or tuple(replace(event, label=SPRSOUND_CLASSES[event.label]) for event in found)
    raise AnnotationError(
        f"{path.name}: an annotation is a .txt (ICBHI) or .json (SPRSound) file, got {path.suffix!r}"
    )


def read_events(path: str | Path) -> tuple[Cycle, ...]:
    """Return the adventitious sounds an annotation marks, labelled with its own words; a ``.txt`` marks none.

    Raises:
        AnnotationError: it is malformed.
    """
    if Path(path).suffix.lower() != ".json":
        return ()
    return tuple(event for event in read_sprsound(path)[1] if SPRSOUND_CLASSES[event.label] != "normal")


def read_icbhi(path: str | Path) -> tuple[Cycle, ...]:
    """Return the cycles of an ICBHI annotation: lines of start_s, end_s, crackles 0/1, wheezes 0/1, tab separated.

    Raises:
        AnnotationError: a line has another shape; the message gives its number.
    """
    path = Path(path)
    found = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        fields = line.split()
        if len(fields) != 4:
            raise AnnotationError(
                f"{where}: expected 4 columns (start_s, end_s, crackles, wheezes), got {len(fields)}: {line.strip()!r}"
            )
        start_s, end_s = _times(fields[0], fields[1], 1.0, where)
        if set(fields[2:]) - {"0", "1"}:
            raise AnnotationError(f"{where}: crackles and wheezes are 0 or 1, got {fields[2]!r} and {fields[3]!r}")
        found.append(Cycle(start_s, end_s, CLASSES[int(fields[2]) + 2 * int(fields[3])]))
    return tuple(found)


def icbhi_text(cycles: Iterable[Cycle]) -> str:
    """Return what ``read_icbhi`` reads: a line for each labelled cycle, times in seconds to the millisecond.

    Raises:
        ValueError: a label is none of ``config.CLASSES``.
    """
    lines = []
    for cycle in cycles:
        wheezes, crackles = divmod(CLASSES.index(cycle.label), 2)
        lines.append(f"{cycle.start_s:.3f}\t{cycle.end_s:.3f}\t{crackles}\t{wheezes}\n")
    return "".join(lines)


def read_sprsound(path: str | Path) -> tuple[str, tuple[Cycle, ...]]:
    """Return a SPRSound annotation: the record's label, and its events labelled with the corpus's own seven types.

    Raises:
        AnnotationError: it is not JSON, lacks a field, or names an unknown type; the message gives the event's number.
    """
    path = Path(path)
    try:
        content = json.loads(_text(path))
        record, events = content["record_annotation"], content["event_annotation"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise AnnotationError(
            f"{path.name}: expected JSON with record_annotation and event_annotation ({error})"
        ) from error
    if not isinstance(record, str) or not isinstance(events, list):
        raise AnnotationError(
            f"{path.name}: expected record_annotation to be text and event_annotation a list, got "
            f"{type(record).__name__} and {type(events).__name__}"
        )
    found = []
    for number, event in enumerate(events, start=1):
        where = f"{path.name}, event {number}"
        try:
            start, end, kind = event["start"], event["end"], event["type"]
        except (KeyError, TypeError):
            raise AnnotationError(f"{where}: expected start, end (ms) and type, got {event!r}") from None
        if not isinstance(kind, str) or kind not in SPRSOUND_CLASSES:
            raise AnnotationError(f"{where}: unknown type {kind!r}; known: {', '.join(SPRSOUND_CLASSES)}")
        found.append(Cycle(*_times(start, end, 0.001, where), kind))
    return record, tuple(found)


def _breaths(path: Path) -> tuple[Cycle, ...]:
    """The respiratory cycles of a SPRSound annotation that gives them beside the events; the corpus's own do not."""
    found = []
    for number, cycle in enumerate(json.loads(_text(path)).get("cycle_annotation", ()), start=1):
        where = f"{path.name}, cycle {number}"
        if not isinstance(cycle, dict) or cycle.get("type") not in CLASSES:
            raise AnnotationError(f"{where}: expected start, end (ms) and type of {', '.join(CLASSES)}, got {cycle!r}")
        found.append(Cycle(*_times(cycle.get("start"), cycle.get("end"), 0.001, where), cycle["type"]))
    return tuple(found)


def windows(seconds: float, window_s: float = 5.0) -> tuple[Cycle, ...]:
    """Cover an unannotated recording with contiguous windows.

    A rest shorter than half a window joins the last one, so windows last from ``window_s / 2`` to 1.5 ``window_s``;
    only a recording shorter than that is one window of its own length.
    """
    count = max(1, int(seconds / window_s + 0.5))
    edges = [i * window_s for i in range(count)] + [seconds]
    return tuple(Cycle(start, end) for start, end in zip(edges[:-1], edges[1:], strict=True))


def within(cycles: tuple[Cycle, ...], seconds: float) -> tuple[Cycle, ...]:
    """Return the cycles of a recording that lasts ``seconds``; ends a little behind it are cut off.

    Raises:
        AnnotationError: there is none, or one starts behind the recording's end.
    """
    if not cycles:
        raise AnnotationError("the annotation holds no cycle; analyse the recording without it")
    last = max(cycle.start_s for cycle in cycles)
    if last >= seconds:
        raise AnnotationError(
            f"a cycle starts at {last:.2f} s but the recording ends at {seconds:.2f} s: this annotation belongs to "
            "another recording"
        )
    return tuple(replace(cycle, end_s=min(cycle.end_s, seconds)) for cycle in cycles)


def period_samples(samples: int) -> int:
    """Samples after which ``fill`` starts a repeated clip anew: its length less the crossfade."""
    return samples - min(SEAM_SAMPLES, samples // 4)


def fill(clip: np.ndarray, length: int) -> np.ndarray:
    """Repeat a clip to exactly ``length`` samples; where copies meet, one fades into the next, so nothing clicks.

    Args:
        clip: (samples,) floating point, at least one; a clip longer than ``length`` is cut at its end.
        length: samples wanted.

    Returns:
        (length,) whose copy k starts at sample k * ``period_samples(len(clip))``; a view when nothing is repeated.

    Raises:
        ValueError: the clip is empty.
    """
    if not len(clip):
        raise ValueError("cannot fill a window from an empty clip")
    if len(clip) >= length:
        return clip[:length]
    period = period_samples(len(clip))
    seam = len(clip) - period
    fade_in = (np.arange(seam, dtype=np.float32) + 1) / (seam + 1)
    later = clip[:period].copy()
    later[:seam] = fade_in * clip[:seam] + (1 - fade_in) * clip[period:]
    filled = np.tile(later, -(-length // period))[:length]
    filled[:seam] = clip[:seam]  # nothing fades into the first copy
    return filled


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise AnnotationError(f"{path.name}: expected a text file, got bytes that are not UTF-8") from None


def _times(start: object, end: object, unit_s: float, where: str) -> tuple[float, float]:
    try:
        start_s, end_s = float(start) * unit_s, float(end) * unit_s
    except (TypeError, ValueError):
        raise AnnotationError(f"{where}: start and end must be numbers, got {start!r} and {end!r}") from None
    if not 0 <= start_s < end_s < float("inf"):
        raise AnnotationError(f"{where}: expected 0 <= start < end, got {start} and {end}")
    return start_s, end_s
