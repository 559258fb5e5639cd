"""A corpus of synthesised breaths, laid out as a table: labels are exact, and there is as much of it as one wants.

Each recording is one synthetic person breathing for a while, with parameters drawn from their clinical ranges (see
``rsc_core.synth``). Half breathe normally; the others have crackles, musical sounds, or both in every cycle. A pleural
rub has no class in any label set, so that none is in the table.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from rsc_core import synth
from rsc_core.analysis import Cycle
from rsc_core.config import CLASSES
from rsc_core.synth import KINDS

TABLE = "table.csv"
SECONDS = 12.0
SAMPLE_RATE = 16000
SHARES = (0.5, 0.2, 0.2, 0.1)  # of CLASSES
MUSICAL = {"wheeze": 0.6, "rhonchus": 0.2, "stridor": 0.1, "squawk": 0.1}  # shares of what is labelled wheeze
NORMAL = "normal breathing"
LABELS = ("four", "seven")

Drawn = TypeVar("Drawn")


def write(folder: str | Path, count: int, seed: int = 0, labels: str = "four") -> Path:
    """Write ``count`` recordings of 12 s and the table that describes their cycles; returns the table's path.

    Args:
        folder: to write to.
        count: of recordings.
        seed: the same seed gives the same corpus.
        labels: "four" for ``CLASSES``, "seven" for SPRSound's event types.

    Raises:
        ValueError: count is not positive, or there are no such labels.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more recordings, got {count}")
    if labels not in LABELS:
        raise ValueError(f"labels must be one of {', '.join(LABELS)}, got {labels!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, stream in enumerate(np.random.SeedSequence(seed).spawn(count)):
        rng = np.random.default_rng(stream)
        recording = draw(CLASSES[rng.choice(len(CLASSES), p=SHARES)], rng)
        path = folder / f"synthetic_{number:05}.wav"
        synth.write(path, recording)
        for cycle in recording.cycles:
            label = cycle.label if labels == "four" else _sprsound(recording, cycle)
            rows.append((path.name, label, "train", cycle.start_s, cycle.end_s, path.stem))
    table = folder / TABLE
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split", "start_s", "end_s", "patient"), *rows])
    return table


def draw(label: str, rng: np.random.Generator, sample_rate: int = SAMPLE_RATE) -> synth.Synthetic:
    """Return a recording whose cycles have one of ``CLASSES`` as their label, with everything else drawn at random."""
    return synth.record(dry(label, rng, sample_rate))


def dry(label: str, rng: np.random.Generator, sample_rate: int = SAMPLE_RATE) -> synth.Layers:
    """Return what ``draw`` makes a recording of: breath and sounds apart, as they leave the lung."""
    kinds = []
    if label in ("crackle", "both"):
        kinds.append(str(rng.choice(["fine crackle", "coarse crackle"])))
    if label in ("wheeze", "both"):
        kinds.append(str(rng.choice(list(MUSICAL), p=list(MUSICAL.values()))))
    return _layers(kinds, rng, SECONDS, sample_rate)


def sounds_of_every_kind(
    count: int, seed: int = 0, sample_rate: int = SAMPLE_RATE
) -> Iterator[tuple[str, synth.Synthetic]]:
    """Yield (kind, recording of one cycle): normal breathing and every one of ``synth.KINDS`` in turn.

    Everything else is drawn at random.

    Raises:
        ValueError: count is not positive.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more sounds, got {count}")
    kinds = (NORMAL, *KINDS)
    for number, stream in enumerate(np.random.SeedSequence(seed).spawn(count)):
        kind = kinds[number % len(kinds)]
        rng = np.random.default_rng(stream)
        yield kind, synth.record(dry_cycle([kind] if kind in KINDS else [], rng, sample_rate))


def dry_cycle(kinds: Sequence[str], rng: np.random.Generator, sample_rate: int = SAMPLE_RATE) -> synth.Layers:
    """Return one respiratory cycle with sounds of these ``synth.KINDS``, or with none, and all else drawn at random.

    Breath and sounds stand apart, as they leave the lung.
    """
    return _layers(kinds, rng, None, sample_rate)


def _layers(kinds: Sequence[str], rng: np.random.Generator, seconds: float | None, sample_rate: int) -> synth.Layers:
    """One person with these kinds of sounds; without ``seconds`` for one cycle."""
    breath = _fitting(lambda: _breath(rng))

    def layers() -> synth.Layers:
        sounds = [_SOUNDS[kind](rng) for kind in kinds]
        return synth.compose(breath, sounds, seconds or breath.period_s, sample_rate, int(rng.integers(2**31)))

    return _fitting(layers)


def _sprsound(recording: synth.Synthetic, cycle: Cycle) -> str:
    """The cycle's label in SPRSound's words."""
    if cycle.label in ("normal", "both"):
        return {"normal": "Normal", "both": "Wheeze+Crackle"}[cycle.label]
    return next(KINDS[e.kind].sprsound for e in recording.events if cycle.start_s <= e.start_s < cycle.end_s)


def _fitting(attempt: Callable[[], Drawn], attempts: int = 200) -> Drawn:
    """Draw again while the parameters do not fit together: a long wheeze, say, into a short expiration."""
    for _ in range(attempts - 1):
        try:
            return attempt()
        except ValueError:
            continue
    return attempt()


def _breath(rng: np.random.Generator) -> synth.Breath:
    return synth.Breath(rng.uniform(12, 40), rng.uniform(0.2, 1.2), rng.uniform(0.3, 0.5))


def _crackles(rng: np.random.Generator, shortest_ms: float, longest_ms: float) -> synth.Crackles:
    two_cycle_ms = _log_uniform(rng, shortest_ms, longest_ms)
    fine = two_cycle_ms < 10
    return synth.Crackles(
        idw_ms=float(np.clip(two_cycle_ms * rng.uniform(0.1, 0.2), 0.3, 3)),
        two_cycle_ms=two_cycle_ms,
        inspiratory=int(rng.integers(1, 12 if fine else 5)),
        expiratory=int(rng.integers(0, 4)),
        inspiratory_span=(0.4, 0.95) if fine else (0.05, 0.6),
        level_db=rng.uniform(4, 22),
    )


def _wheeze(rng: np.random.Generator) -> synth.Wheeze:
    return synth.Wheeze(
        pitch_hz=_log_uniform(rng, 110, 900),
        duration_s=rng.uniform(0.1, 1.5),
        glide_semitones=rng.uniform(-4, 4),
        level_db=rng.uniform(-14, 8),
        voices=int(rng.choice([1, 1, 2, 3])),
    )


def _rhonchus(rng: np.random.Generator) -> synth.Rhonchus:
    return synth.Rhonchus(
        pitch_hz=_log_uniform(rng, 70, 250),
        duration_s=rng.uniform(0.1, 1.5),
        glide_semitones=rng.uniform(-3, 3),
        level_db=rng.uniform(-10, 10),
    )


def _stridor(rng: np.random.Generator) -> synth.Stridor:
    return synth.Stridor(
        pitch_hz=_log_uniform(rng, 500, 1000),
        duration_s=rng.uniform(0.25, 1.2),
        glide_semitones=rng.uniform(-3, 3),
        level_db=rng.uniform(-6, 12),
    )


def _squawk(rng: np.random.Generator) -> synth.Squawk:
    return synth.Squawk(
        pitch_hz=_log_uniform(rng, 275, 785),
        duration_s=rng.uniform(0.03, 0.11),
        position=rng.uniform(0.4, 0.8),
        level_db=rng.uniform(-6, 12),
    )


def _rub(rng: np.random.Generator) -> synth.Rub:
    return synth.Rub(
        creaks=int(rng.integers(2, 9)),
        creak_ms=rng.uniform(15, 50),
        centre_hz=_log_uniform(rng, 100, 330),
        level_db=rng.uniform(-4, 12),
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


_SOUNDS: dict[str, Callable[[np.random.Generator], synth.Sound]] = {
    "fine crackle": lambda rng: _crackles(rng, 4, 10),
    "coarse crackle": lambda rng: _crackles(rng, 10, 18),
    "wheeze": _wheeze,
    "rhonchus": _rhonchus,
    "stridor": _stridor,
    "squawk": _squawk,
    "pleural rub": _rub,
}
