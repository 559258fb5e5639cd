"""A recording put together: somebody breathes, sounds are laid over the breath, all of it reaches the ear."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from rsc_core.analysis import Cycle
from rsc_core.config import CLASSES
from rsc_core.synth.breath import Breath, Phases
from rsc_core.synth.crackles import Crackles
from rsc_core.synth.event import KINDS, Event, band_hz
from rsc_core.synth.rub import Rub
from rsc_core.synth.tones import Rhonchus, Squawk, Stridor, Wheeze
from rsc_core.synth.transmission import Transmission

PEAK = 0.5  # of full scale
LONGEST_S = 120
RATES_HZ = (8000, 48000)

Sound = Crackles | Wheeze | Rhonchus | Stridor | Squawk | Rub


@dataclass(frozen=True)
class Layers:
    """Breath and sounds apart, dry: as they leave the lung. 1 is the RMS of inspiration at 1 L/s."""

    breath: np.ndarray  # (samples,) float64
    sounds: np.ndarray  # (samples,) float64, zero outside of the events
    sample_rate: int  # Hz
    phases: tuple[Phases, ...]  # of the whole cycles
    cycles: tuple[Cycle, ...]  # the same, labelled by the events in them
    events: tuple[Event, ...]  # rising start
    seed: np.random.SeedSequence  # of what is heard beside the lung; drawn from anew by each recording


@dataclass(frozen=True)
class Synthetic:
    """A synthesised recording and its ground truth."""

    waveform: np.ndarray  # (samples,) float32, peak 0.5
    sample_rate: int  # Hz
    cycles: tuple[Cycle, ...]  # contiguous, whole; the label is None where the four classes have none for a sound
    events: tuple[Event, ...]  # rising start


def compose(
    breath: Breath,
    sounds: Sequence[Sound] = (),
    seconds: float = 20.0,
    sample_rate: int = 44100,
    seed: int = 0,
) -> Layers:
    """Return somebody's breathing and the ``sounds`` in every whole cycle, each as it leaves the lung.

    Arguments and errors are those of ``synthesise``.
    """
    period_s = breath.period_s
    if not period_s <= seconds <= LONGEST_S:
        raise ValueError(f"seconds must be between {period_s:g} (one cycle) and {LONGEST_S}, got {seconds}")
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise ValueError(f"sample_rate must be between {RATES_HZ[0]} and {RATES_HZ[1]} Hz, got {sample_rate}")
    timing, turbulence, beside, *own = np.random.SeedSequence(seed).spawn(3 + len(sounds))
    edges = breath.edges(seconds, np.random.default_rng(timing))
    whole = tuple(breath.phases(start, end) for start, end in pairwise(edges))
    cut_off = breath.phases(edges[-1], edges[-1] + period_s)
    samples = round(seconds * sample_rate)
    breathing = breath.sound([*whole, cut_off], samples, sample_rate, np.random.default_rng(turbulence))

    laid, events = np.zeros(samples), []
    for sound, stream in zip(sounds, own, strict=True):
        rng = np.random.default_rng(stream)
        for phases in whole:
            for event in sound.events(phases, rng):
                n = np.arange(np.ceil(event.start_s * sample_rate), event.end_s * sample_rate, dtype=int)
                rendered = sound.render(event, phases, n / sample_rate - event.start_s, rng)
                laid[n] += rendered
                events.append(replace(event, band_hz=band_hz(rendered, sample_rate)))
    cycles = [
        Cycle(start, end, label({event.kind for event in events if start <= event.start_s < end}))
        for start, end in pairwise(edges)
    ]
    events.sort(key=lambda event: event.start_s)
    return Layers(breathing, laid, sample_rate, whole, tuple(cycles), tuple(events), beside)


def record(layers: Layers, through: Transmission | None = None, gain_db: float = 0.0) -> Synthetic:
    """Return what is heard of dry layers: scaled to one peak, as an examiner sets the gain.

    Args:
        layers: as ``compose`` returns them.
        through: what they pass through; by default an ordinary chest in a silent room.
        gain_db: by how much all sounds are louder than they were composed, the breath staying as it is.
    """
    lung = layers.breath + 10 ** (gain_db / 20) * layers.sounds
    wave = (through or Transmission()).heard(lung, layers.sample_rate, np.random.default_rng(layers.seed))
    wave *= PEAK / np.abs(wave).max()
    events = tuple(replace(event, level_db=event.level_db + gain_db) for event in layers.events)
    return Synthetic(wave.astype(np.float32), layers.sample_rate, layers.cycles, events)


def synthesise(
    breath: Breath,
    sounds: Sequence[Sound] = (),
    seconds: float = 20.0,
    sample_rate: int = 44100,
    seed: int = 0,
    through: Transmission | None = None,
) -> Synthetic:
    """Return a recording of somebody breathing, with ``sounds`` in every whole cycle.

    The recording starts with an inspiration. Breathing goes on to its end; a cycle cut off there is not annotated and
    holds no event. Cycles vary in duration, their mean is the rate; edges are whole milliseconds.

    Args:
        breath: how the person breathes.
        sounds: what is laid over the breath.
        seconds: duration of the recording, from one cycle to 120 s.
        sample_rate: Hz, 8000 to 48000; below, a fine crackle is lost.
        seed: the same seed gives the same samples.
        through: what all of it passes through; by default an ordinary chest in a silent room.

    Raises:
        ValueError: seconds or sample_rate is out of range, or a sound does not fit into the breathing.
    """
    return record(compose(breath, sounds, seconds, sample_rate, seed), through)


def label(kinds: Collection[str]) -> str | None:
    """Return the class of a cycle with these kinds of events; None where one of them has no class."""
    labels = {KINDS[kind].label for kind in kinds}
    if None in labels:
        return None
    return CLASSES[("crackle" in labels) + 2 * ("wheeze" in labels)]
