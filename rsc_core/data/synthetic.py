"""A corpus of synthesised breaths, laid out as a table: labels are exact, and there is as much of it as one wants.

Each recording is one synthetic person breathing for a while, with parameters drawn from their clinical ranges (see
``rsc_core.synth``). Half breathe normally; the others have crackles, wheezes, or both in every cycle.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from rsc_core import synth
from rsc_core.config import CLASSES

TABLE = "table.csv"
SECONDS = 12.0
SAMPLE_RATE = 16000
SHARES = (0.5, 0.2, 0.2, 0.1)  # of CLASSES

Drawn = TypeVar("Drawn")


def write(folder: str | Path, count: int, seed: int = 0) -> Path:
    """Write ``count`` recordings of 12 s and the table that describes their cycles; returns the table's path.

    Raises:
        ValueError: count is not positive.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more recordings, got {count}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, stream in enumerate(np.random.SeedSequence(seed).spawn(count)):
        rng = np.random.default_rng(stream)
        recording = draw(CLASSES[rng.choice(len(CLASSES), p=SHARES)], rng)
        path = folder / f"synthetic_{number:05}.wav"
        synth.write(path, recording)
        rows += [(path.name, c.label, "train", c.start_s, c.end_s, path.stem) for c in recording.cycles]
    table = folder / TABLE
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split", "start_s", "end_s", "patient"), *rows])
    return table


def draw(label: str, rng: np.random.Generator) -> synth.Synthetic:
    """Return a recording whose cycles have one of ``CLASSES`` as their label, with everything else drawn at random."""
    breath = _fitting(lambda: _breath(rng))
    crackles, wheezes = label in ("crackle", "both"), label in ("wheeze", "both")

    def recording() -> synth.Synthetic:
        sounds = [_crackles(rng)] if crackles else []
        if wheezes:
            sounds.append(_wheeze(rng))
        return synth.synthesise(breath, sounds, SECONDS, SAMPLE_RATE, int(rng.integers(2**31)))

    return _fitting(recording)


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


def _crackles(rng: np.random.Generator) -> synth.Crackles:
    two_cycle_ms = float(np.exp(rng.uniform(np.log(4), np.log(18))))
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
        pitch_hz=float(np.exp(rng.uniform(np.log(110), np.log(900)))),
        duration_s=rng.uniform(0.1, 1.5),
        glide_semitones=rng.uniform(-4, 4),
        level_db=rng.uniform(-14, 8),
    )
