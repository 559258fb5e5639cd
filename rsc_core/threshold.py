"""How loud must a sound be to be labelled? One sound over the same normal breathing, softer and louder.

The level is that of the sound over its own events against the breath over inspiration, both RMS in dB, and the same
for every kind of sound. From step to step the breath stays the same, but for the one gain that brings a recording's
peak to half of full scale.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rsc_core import synth

LEVELS_DB = tuple(range(-20, 12, 2))
SECONDS = 8.0


@dataclass(frozen=True)
class Threshold:
    """From which level on a sound is named."""

    levels_db: tuple[float, ...]  # rising
    probabilities: np.ndarray  # (levels, classes)
    named: np.ndarray  # (levels,) whether the likeliest class is one of the sound's
    level_db: float | None  # the lowest from which on it is named at every level; None: not at the highest


def steps(
    sound: synth.Sound,
    levels_db: Sequence[float] = LEVELS_DB,
    breath: synth.Breath | None = None,
    seconds: float = SECONDS,
    sample_rate: int = 44100,
    seed: int = 0,
    through: synth.Transmission | None = None,
) -> Iterator[synth.Synthetic]:
    """Yield the recording of each level, with the sound in every whole cycle.

    Args:
        sound: what is added; its own level does not matter.
        levels_db: against the breath.
        breath: it is added to; by default an adult's deep breathing.
        seconds: duration of each recording.
        sample_rate: Hz.
        seed: of the breath and of the sound's places.
        through: what all of it passes through.

    Raises:
        ValueError: as ``rsc_core.synth.synthesise``.
    """
    layers = synth.compose(breath or synth.Breath(), [sound], seconds, sample_rate, seed)
    composed_db = against_breath_db(layers)
    for level_db in levels_db:
        yield synth.record(layers, through, gain_db=level_db - composed_db)


def against_breath_db(layers: synth.Layers) -> float:
    """Return the level of the sounds over their events against that of the breath over inspiration, both RMS."""
    events = _within(layers, [(e.start_s, e.end_s) for e in layers.events])
    inspirations = _within(layers, [p.span("inspiration") for p in layers.phases])
    return float(10 * np.log10(np.mean(layers.sounds[events] ** 2) / np.mean(layers.breath[inspirations] ** 2)))


def find(
    label: Callable[[np.ndarray], np.ndarray],
    waveforms: Iterable[np.ndarray],
    classes: Collection[int],
    levels_db: Sequence[float] = LEVELS_DB,
) -> Threshold:
    """Return the lowest level from which on a sound is named at every higher one.

    Args:
        label: (samples,) waveform -> (classes,) probabilities, such as ``soundcheck.labeller`` returns.
        waveforms: one for each level.
        classes: indices of those that name the sound; crackles are named by "crackle" and by "both".
        levels_db: rising.

    Raises:
        ValueError: the levels do not rise, or are not as many as the waveforms.
    """
    return judge([label(waveform) for waveform in waveforms], classes, levels_db)


def judge(
    answers: Sequence[np.ndarray], classes: Collection[int], levels_db: Sequence[float] = LEVELS_DB
) -> Threshold:
    """Return the lowest level from which on answers name a sound, as ``find`` does.

    Args:
        answers: (classes,) probabilities, one array for each level.
        classes: indices of those that name the sound.
        levels_db: rising.

    Raises:
        ValueError: the levels do not rise, or are not as many as the answers.
    """
    levels_db = tuple(levels_db)
    if not levels_db or list(levels_db) != sorted(set(levels_db)):
        raise ValueError(f"expected levels that rise, got {', '.join(map(str, levels_db)) or 'none'}")
    if len(answers) != len(levels_db):
        raise ValueError(f"expected one answer for each of {len(levels_db)} levels, got {len(answers)}")
    probabilities = np.stack(answers)
    named = np.isin(probabilities.argmax(axis=1), list(classes))
    first = len(named) - int(np.logical_and.accumulate(named[::-1]).sum())
    return Threshold(levels_db, probabilities, named, levels_db[first] if first < len(named) else None)


def _within(layers: synth.Layers, spans: Iterable[tuple[float, float]]) -> np.ndarray:
    """(samples,) bool: what lies in any of these times."""
    found = np.zeros(len(layers.sounds), dtype=bool)
    for start_s, end_s in spans:
        found[int(np.ceil(start_s * layers.sample_rate)) : int(np.ceil(end_s * layers.sample_rate))] = True
    return found
