"""How well the respiratory cycles found by ``rsc_core.segmentation`` agree with an annotated corpus.

ICBHI: the boundary F1. A boundary is the start or end of a cycle (where one ends as the next starts it counts once)
more than the tolerance away from both ends of the recording, since those need no listening. A found boundary and an
annotated one match if they lie at most 0.3 s apart, each in one pair only, as many pairs as possible; F1 is the
harmonic mean of precision (matched / found) and recall (matched / annotated), the counts summed over all recordings.
Beside it stands a fixed period from the recording's start on, the one with the highest F1 on the training recordings.

SPRSound marks sounds, not cycles: an event is covered if it lies, give or take the same tolerance, within one found
breath. Beside it stand as many equal parts of the same recording.

Where no breathing is clear nothing is found: no boundary, no event covered.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from rsc_core import audio, segmentation
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.splits import official

TOLERANCE_S = 0.3
PERIODS_S = np.arange(6, 61) / 10
RESAMPLES = 2000
FACTS = "recordings.csv"  # of a subset: which recordings are whole files

Interval = tuple[float, float]


@dataclass(frozen=True)
class Annotated:
    """One recording and where its annotation has something."""

    path: Path
    patient: str
    seconds: float
    marked: tuple[Interval, ...]  # (start_s, end_s) of cycles or events

    @property
    def boundaries_s(self) -> list[float]:
        """The boundaries that count."""
        return inner(self.marked, self.seconds)


def recordings(corpus: Corpus, split: str) -> list[Annotated]:
    """Return the recordings of a split ("train", "test", "intra", …) that hold a cycle or an event, by name.

    A corpus folder with a ``recordings.csv`` (columns recording, audio) tells which recordings are whole files; those
    put together from their cycles are left out, since their seams give the boundaries away.

    Raises:
        ValueError: the split holds none.
    """
    facts = corpus.root / FACTS
    rebuilt: set[str] = set()
    if facts.exists():
        with facts.open(newline="", encoding="utf-8") as file:
            rebuilt = {row["recording"] for row in csv.DictReader(file) if row["audio"] != "whole file"}
    clips = official(corpus).get(split) or [clip for clip in corpus.clips if clip.split == split]
    grouped: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.recording not in rebuilt:
            grouped[clip.recording].append(clip)
    if not grouped:
        known = ", ".join(sorted({clip.split for clip in corpus.clips} | {"test"}))
        raise ValueError(f"{corpus.title} has no whole recording in a split {split!r}; its splits are {known}")
    return [
        Annotated(
            members[0].path,
            members[0].patient,
            soundfile.info(members[0].path).duration,
            tuple((clip.start_s, clip.end_s) for clip in members),
        )
        for _, members in sorted(grouped.items())
    ]


def inner(intervals: Iterable[Interval], seconds: float) -> list[float]:
    """Return the starts and ends, rising, each once, that lie more than the tolerance within the recording."""
    times = {time for interval in intervals for time in interval}
    return sorted(time for time in times if TOLERANCE_S < time < seconds - TOLERANCE_S)


def matched(reference: Sequence[float], found: Sequence[float], tolerance_s: float = TOLERANCE_S) -> int:
    """Return the largest number of pairs of rising times at most the tolerance apart, no time in two pairs."""
    i = j = pairs = 0
    while i < len(reference) and j < len(found):
        if abs(reference[i] - found[j]) <= tolerance_s + 1e-9:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif reference[i] < found[j]:
            i += 1
        else:
            j += 1
    return pairs


def f1(pairs: float, reference: float, found: float) -> float:
    """Return F1 in percent from the numbers of pairs and of boundaries on either side; 0 where nothing matches."""
    return 200 * pairs / (reference + found) if pairs else 0.0


def covered(event: Interval, cycles: Iterable[Interval]) -> bool:
    """Return whether an event lies within one cycle, give or take the tolerance."""
    start, end = event
    return any(low - TOLERANCE_S <= start and end <= high + TOLERANCE_S for low, high in cycles)


def fixed(seconds: float, period_s: float) -> list[Interval]:
    """Return contiguous stretches of ``period_s`` from the recording's start; the last one ends with the recording."""
    edges = [*np.arange(0, seconds, period_s).tolist(), seconds]
    return list(zip(edges[:-1], edges[1:], strict=True))


def best_period_s(items: Sequence[Annotated]) -> float:
    """Return the period of 0.6 to 6 s whose boundaries have the highest F1."""
    return float(max(PERIODS_S, key=lambda p: f1(*counts(items, [fixed(r.seconds, p) for r in items]).sum(axis=0))))


def counts(items: Sequence[Annotated], found: Sequence[Sequence[Interval]]) -> np.ndarray:
    """Return (recordings, 3): pairs, annotated boundaries, found boundaries."""
    rows = []
    for item, cycles in zip(items, found, strict=True):
        times = inner(cycles, item.seconds)
        rows.append((matched(item.boundaries_s, times), len(item.boundaries_s), len(times)))
    return np.array(rows)


def score(corpus: Corpus, split: str = "test") -> str:
    """Find the breaths of every recording of a split and return the report; SPRSound is told by its name.

    Raises:
        ValueError: the split holds no recording.
        AudioError: a recording cannot be used.
    """
    items = recordings(corpus, split)
    found = [_found(item) for item in items]
    unclear = sum(not cycles for cycles in found)
    patients = len({item.patient for item in items})
    head = (
        f"{corpus.title}, {split}: {len(items)} recordings of {patients} patients; "
        f"no clear breathing in {unclear} of them\n"
    )
    report = _coverage if corpus.name == "sprsound" else _boundaries
    return head + report(corpus, items, found)


def _found(item: Annotated) -> list[Interval]:
    heard = audio.load(item.path)
    return [(cycle.start_s, cycle.end_s) for cycle in segmentation.breaths(heard.waveform, heard.sample_rate)]


def _boundaries(corpus: Corpus, items: Sequence[Annotated], found: Sequence[Sequence[Interval]]) -> str:
    period_s = best_period_s(recordings(corpus, "train"))
    ours, theirs = counts(items, found), counts(items, [fixed(item.seconds, period_s) for item in items])
    rows = [f"boundary F1, tolerance {TOLERANCE_S} s, {ours[:, 1].sum():,} annotated boundaries"]
    for name, each in (("breaths found", ours), (f"fixed period of {period_s:.1f} s (best on train)", theirs)):
        pairs, reference, times = each.sum(axis=0).tolist()
        rows.append(
            f"  {name:38} {f1(pairs, reference, times):5.1f}  precision {_percent(pairs, times):5.1f}  "
            f"recall {_percent(pairs, reference):5.1f}"
        )
    low, high = _interval(items, np.hstack([ours, theirs]), lambda n: f1(*n[:3]) - f1(*n[3:]))
    difference = f1(*ours.sum(axis=0)) - f1(*theirs.sum(axis=0))
    rows.append(f"  difference {difference:+.1f} points (95 % over patients: {low:+.1f} to {high:+.1f})")
    return "\n".join(rows)


def _coverage(corpus: Corpus, items: Sequence[Annotated], found: Sequence[Sequence[Interval]]) -> str:
    equal = [
        fixed(item.seconds, item.seconds / max(1, len(c))) if c else [] for item, c in zip(items, found, strict=True)
    ]
    events = sum(len(item.marked) for item in items)
    rows = [f"of {events:,} events lie within one breath, give or take {TOLERANCE_S} s"]
    for name, parts in (("breaths found", found), ("as many equal parts", equal)):
        inside = np.array(
            [
                (sum(covered(event, cycles) for event in item.marked), len(item.marked))
                for item, cycles in zip(items, parts, strict=True)
            ]
        )
        low, high = _interval(items, inside, lambda n: _percent(n[0], n[1]))
        share = _percent(*inside.sum(axis=0))
        rows.append(f"  {name:20} {share:5.1f} % (95 % over patients: {low:.1f} to {high:.1f})")
    return "\n".join(rows)


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _interval(
    items: Sequence[Annotated], each: np.ndarray, statistic: Callable[[np.ndarray], float]
) -> tuple[float, float]:
    """The 95 % interval of a statistic of summed counts when patients are drawn again."""
    patients, owner = np.unique([item.patient for item in items], return_inverse=True)
    summed = np.zeros((len(patients), each.shape[1]))
    np.add.at(summed, owner, each)
    drawn = np.random.default_rng(0).integers(len(patients), size=(RESAMPLES, len(patients)))
    low, high = np.percentile([statistic(n) for n in summed[drawn].sum(axis=1)], (2.5, 97.5))
    return float(low), float(high)
