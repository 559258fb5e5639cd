"""Synthesised lung sounds from physical parameters: class material, example sounds and test input.

What is heard is built up as it arises: flow drives turbulence, the chest wall muffles it, crackles and wheezes are
laid over it, and the stethoscope adds a quiet floor of its own. Ground truth is exact, since we placed every event.

* Breath: noise whose amplitude follows flow ** 1.66; at equal flow inspiration is 2.2 times as loud as expiration
  (Gavriely and Cugell 1996). Above the corner the chest wall's spectrum falls by 14 dB an octave in inspiration and
  17 dB in expiration (Gavriely et al. 1995: 12.7 to 15.2 and 13.4 to 20.3).
* Crackle: the waveform of Kiyokawa et al. (Chest 2001), two widening cycles under a skewed window. Its initial
  deflection width (IDW) and two-cycle duration (2CD) are the parameters of the American Thoracic Society (1977): fine
  0.7 and 5 ms, coarse 1.5 and 10 ms. CORSA (Sovijarvi et al. 2000) calls a 2CD below 10 ms fine, and lets no crackle
  last 20 ms.
* Wheeze: a gliding sinusoid with two overtones, 100 to 1000 Hz, at least 80 ms (CORSA: above 100 Hz, above 100 ms;
  Bohadana et al. 2014: above 80 ms), in expiration.

Conventions: times in seconds from the start of the recording; a level in dB is relative to the RMS of inspiration at
1 L/s; the whole recording is then scaled to one peak, as an examiner sets the gain. Each sound draws from its own
stream of random numbers, so adding one leaves the breath as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rsc_core.analysis import Cycle
from rsc_core.config import CLASSES

FLOW_EXPONENT = 1.66
EXPIRATION_GAIN = 1 / 2.2
SLOPES_DB = (14, 17)  # fall per octave above the corner: inspiration, expiration
CORNER_HZ = 150  # our choice: vesicular sound is near flat below it
LOWEST_HZ = 20  # a chest piece passes nothing below
FLOOR_DB = -40  # the stethoscope's own pink noise
PAUSE = 0.15  # of the time after inspiration, without flow
VARIATION = 0.05  # standard deviation of a cycle's duration, relative
NEGATIVE = (0.76, 0.31)  # share of crackles whose highest peak points down: inspiration, expiration (Vyshedskiy 2009)
LEVEL_SPREAD_DB = 6  # no two crackles are equally loud
SPACING_S = 0.005  # silence between two crackles, so that each can be counted
OVERTONES = (1.0, 0.15, 0.05)  # amplitudes of a wheeze's pitch and its harmonics
PEAK = 0.5  # of full scale
LONGEST_S = 120
RATES_HZ = (8000, 48000)


@dataclass(frozen=True)
class Phases:
    """The three turning points of one respiratory cycle, in seconds; after ``expiration_end_s`` no air flows."""

    start_s: float
    inspiration_end_s: float
    expiration_end_s: float


@dataclass(frozen=True)
class Event:
    """One crackle or wheeze, exactly where it was placed."""

    kind: str  # "fine crackle", "coarse crackle" or "wheeze"
    start_s: float
    end_s: float
    band_hz: tuple[float, float] | None = None  # holds the middle 90 % of its energy; None before it is rendered


@dataclass(frozen=True)
class Synthetic:
    """A synthesised recording and its ground truth."""

    waveform: np.ndarray  # (samples,) float32, peak 0.5
    sample_rate: int  # Hz
    cycles: tuple[Cycle, ...]  # contiguous, whole, labelled by the events in them
    events: tuple[Event, ...]  # rising start


def _between(default: float, low: float, high: float, unit: str) -> Any:
    return field(default=default, metadata={"range": (low, high, unit)})


class _Checked:
    """Refuses a parameter outside its clinical range."""

    def __post_init__(self):
        for f in fields(self):
            low, high, unit = f.metadata.get("range", (None, None, ""))
            value = getattr(self, f.name)
            if low is not None and not low <= value <= high:
                raise ValueError(
                    f"{type(self).__name__}.{f.name} must be between {low} and {high} {unit}, got {value}"
                )


@dataclass(frozen=True)
class Breath(_Checked):
    """How somebody breathes.

    An adult at rest takes 12 to 20 breaths of 0.5 L a minute, an infant up to 60 small ones; for auscultation one is
    asked to breathe more deeply, about 1 L. Inspiration takes a third to a half of a cycle, less when the airways are
    obstructed. Peak inspiratory flow may reach 3 L/s, the highest at which its loudness was measured (see above).
    """

    rate_per_min: float = _between(15, 8, 60, "breaths per minute")
    tidal_volume_l: float = _between(1.0, 0.05, 3, "L")
    inspiration_share: float = _between(0.4, 0.2, 0.6, "of a cycle")

    def __post_init__(self):
        super().__post_init__()
        flow = 1.5 * self.tidal_volume_l / (self.inspiration_share * 60 / self.rate_per_min)
        if flow > 3:
            raise ValueError(
                f"peak inspiratory flow must be between 0 and 3 L/s, got {flow:.1f}: "
                "lower rate_per_min or tidal_volume_l, or raise inspiration_share"
            )

    def phases(self, start_s: float, end_s: float) -> Phases:
        """Divide one cycle into inspiration, expiration and pause."""
        turn_s = start_s + self.inspiration_share * (end_s - start_s)
        return Phases(start_s, turn_s, end_s - PAUSE * (end_s - turn_s))


@dataclass(frozen=True)
class Crackles(_Checked):
    """Crackles of one kind in every cycle; the defaults are fine ones. See also ``FINE`` and ``COARSE``.

    2CD reaches CORSA's 20 ms and is coarse from 10 ms on; the other bounds are ours, around the ATS's values.
    IDW is at most a quarter of 2CD, since a crackle's half-cycles widen. Spans are shares of a phase: fine crackles
    come mid to late in inspiration, coarse ones early in it and in expiration.
    """

    idw_ms: float = _between(0.6, 0.3, 3, "ms")
    two_cycle_ms: float = _between(5, 3, 20, "ms")
    inspiratory: int = _between(8, 0, 20, "crackles per inspiration")
    expiratory: int = _between(0, 0, 20, "crackles per expiration")
    inspiratory_span: tuple[float, float] = (0.5, 0.95)
    expiratory_span: tuple[float, float] = (0.1, 0.6)
    level_db: float = _between(14, 0, 30, "dB (peak of the loudest)")

    def __post_init__(self):
        super().__post_init__()
        if self.idw_ms > self.two_cycle_ms / 4:
            raise ValueError(
                f"idw_ms must be between 0.3 and {self.two_cycle_ms / 4:g} ms, a quarter of two_cycle_ms, "
                f"got {self.idw_ms}"
            )
        if not self.inspiratory + self.expiratory:
            raise ValueError("expected at least 1 crackle per cycle, got 0; for none, leave Crackles out")
        for name in ("inspiratory_span", "expiratory_span"):
            low, high = getattr(self, name)
            if not 0 <= low < high <= 1:
                raise ValueError(f"{name} must be two rising shares between 0 and 1, got {low} and {high}")

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place this kind's crackles in one cycle, none overlapping another of the kind.

        Raises:
            ValueError: they do not fit in their span.
        """
        turn_s = breath.inspiration_end_s
        kind = "fine crackle" if self.two_cycle_ms < 10 else "coarse crackle"
        length_s = self.two_cycle_ms / 1000
        found = []
        for count, start_s, end_s, (low, high) in (
            (self.inspiratory, breath.start_s, turn_s, self.inspiratory_span),
            (self.expiratory, turn_s, breath.expiration_end_s, self.expiratory_span),
        ):
            slot_s = length_s + SPACING_S
            free_s = (high - low) * (end_s - start_s) - count * slot_s
            if free_s < 0:
                most = int((high - low) * (end_s - start_s) / slot_s)
                raise ValueError(
                    f"expected at most {most} crackles of {self.two_cycle_ms:g} ms in this span, got {count}: "
                    "ask for fewer, a wider span or slower breathing"
                )
            starts = start_s + low * (end_s - start_s) + np.sort(rng.uniform(0, free_s, count))
            found += [Event(kind, s, s + length_s) for s in (starts + slot_s * np.arange(count)).tolist()]
        return found

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) one crackle at times ``t_s`` from its start, in units of the reference level.

        sin(4 pi t^a) crosses zero first at IDW and for the fourth time at 2CD (t counted in 2CD).
        """
        t = t_s * 1000 / self.two_cycle_ms
        exponent = np.log(1 / 4) / np.log(self.idw_ms / self.two_cycle_ms)
        window = 0.5 * (1 + np.cos(2 * np.pi * (np.sqrt(t) - 0.5)))
        wave = np.sin(4 * np.pi * t**exponent) * window
        down = rng.random() < NEGATIVE[int(event.start_s >= breath.inspiration_end_s)]
        level_db = self.level_db - rng.uniform(0, LEVEL_SPREAD_DB)
        return (-1 if down else 1) * 10 ** (level_db / 20) * wave / wave[np.abs(wave).argmax()]


@dataclass(frozen=True)
class Wheeze(_Checked):
    """One wheeze in every expiration.

    The pitch is 100 to 1000 Hz and a wheeze lasts at least 80 ms (the module's sources; above 400 Hz the ATS calls it
    high-pitched). It glides evenly in pitch, ``pitch_hz`` lying midway; how far is our choice, up to half an octave.
    """

    pitch_hz: float = _between(400, 100, 1000, "Hz")
    duration_s: float = _between(0.8, 0.08, 3, "s")
    glide_semitones: float = _between(-2, -6, 6, "semitones")
    level_db: float = _between(-4, -20, 20, "dB (RMS between onset and fading)")

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place the wheeze in one cycle's expiration.

        Raises:
            ValueError: expiration is shorter than the wheeze.
        """
        free_s = breath.expiration_end_s - breath.inspiration_end_s - self.duration_s
        if free_s < 0:
            raise ValueError(
                f"duration_s must be between 0.08 and {free_s + self.duration_s:.2f} s, an expiration of this "
                f"breathing, got {self.duration_s}: shorten the wheeze or breathe more slowly"
            )
        start_s = breath.inspiration_end_s + float(rng.uniform(0, free_s / 2))
        return [Event("wheeze", start_s, start_s + self.duration_s)]

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) one wheeze at times ``t_s`` from its start, in units of the reference level."""
        octaves = self.glide_semitones / 12 * (t_s / self.duration_s - 0.5)
        step_s = t_s[1] - t_s[0]
        phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * step_s * np.cumsum(self.pitch_hz * 2**octaves)
        tone = sum(a * np.sin(n * phase) for n, a in enumerate(OVERTONES, start=1))
        rms = np.sqrt(np.square(OVERTONES).sum() / 2)
        edge = np.clip(4 * np.minimum(t_s, self.duration_s - t_s) / self.duration_s, 0, 1)  # swells and fades
        return 10 ** (self.level_db / 20) / rms * np.sin(np.pi / 2 * edge) ** 2 * tone


FINE = Crackles()
COARSE = Crackles(idw_ms=1.5, two_cycle_ms=12, inspiratory=3, expiratory=2, inspiratory_span=(0.05, 0.45), level_db=17)

EXAMPLES: dict[str, tuple[Breath, tuple[Crackles | Wheeze, ...]]] = {
    "Normal breathing": (Breath(), ()),
    "Fine crackles": (Breath(rate_per_min=18, tidal_volume_l=0.8), (FINE,)),
    "Coarse crackles": (Breath(), (COARSE,)),
    "Wheeze": (Breath(inspiration_share=0.33), (Wheeze(duration_s=1.2),)),
    "Crackles and wheeze": (Breath(inspiration_share=0.35), (COARSE, Wheeze(pitch_hz=320, duration_s=1.0))),
}
"""What the app offers to listen to: how the person breathes, and the sounds laid over it."""


def synthesise(
    breath: Breath,
    sounds: Sequence[Crackles | Wheeze] = (),
    seconds: float = 20.0,
    sample_rate: int = 44100,
    seed: int = 0,
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

    Raises:
        ValueError: seconds or sample_rate is out of range, or a sound does not fit into the breathing.
    """
    period_s = 60 / breath.rate_per_min
    if not period_s <= seconds <= LONGEST_S:
        raise ValueError(f"seconds must be between {period_s:g} (one cycle) and {LONGEST_S}, got {seconds}")
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise ValueError(f"sample_rate must be between {RATES_HZ[0]} and {RATES_HZ[1]} Hz, got {sample_rate}")
    timing, noise, *streams = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2 + len(sounds)))
    edges = _edges(period_s, seconds, timing)
    whole = [breath.phases(start, end) for start, end in pairwise(edges)]
    cut_off = breath.phases(edges[-1], edges[-1] + period_s)
    wave = _breath_sound(breath, [*whole, cut_off], round(seconds * sample_rate), sample_rate, noise)

    events = []
    for sound, rng in zip(sounds, streams, strict=True):
        for phases in whole:
            for event in sound.events(phases, rng):
                n = np.arange(np.ceil(event.start_s * sample_rate), event.end_s * sample_rate, dtype=int)
                rendered = sound.render(event, phases, n / sample_rate - event.start_s, rng)
                wave[n] += rendered
                events.append(replace(event, band_hz=_band_hz(rendered, sample_rate)))

    cycles = []
    for start, end in pairwise(edges):
        kinds = {event.kind for event in events if start <= event.start_s < end}
        cycles.append(Cycle(start, end, CLASSES[any("crackle" in k for k in kinds) + 2 * ("wheeze" in kinds)]))
    wave *= PEAK / np.abs(wave).max()
    return Synthetic(
        wave.astype(np.float32), sample_rate, tuple(cycles), tuple(sorted(events, key=lambda e: e.start_s))
    )


def example(name: str, seconds: float = 20.0) -> Synthetic:
    """Return one of ``EXAMPLES``, always the same.

    Raises:
        ValueError: there is no such example, or seconds is out of range.
    """
    if name not in EXAMPLES:
        raise ValueError(f"there is no example {name!r}; choose one of {', '.join(EXAMPLES)}")
    breath, sounds = EXAMPLES[name]
    return synthesise(breath, sounds, seconds)


def write(path: str | Path, synthetic: Synthetic) -> Path:
    """Write a 16-bit WAV and, beside it, its ICBHI annotation; return the annotation's path.

    The annotation is a ``.txt`` with one line per cycle, tab separated: start_s, end_s, crackles 0/1, wheezes 0/1.

    Raises:
        ValueError: the path does not end in .wav.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise ValueError(f"expected a path that ends in .wav, got {path.suffix!r}; other formats are not written")
    soundfile.write(path, synthetic.waveform, synthetic.sample_rate, subtype="PCM_16", format="WAV")
    lines = []
    for cycle in synthetic.cycles:
        wheezes, crackles = divmod(CLASSES.index(cycle.label), 2)
        lines.append(f"{cycle.start_s:.3f}\t{cycle.end_s:.3f}\t{crackles}\t{wheezes}\n")
    annotation = path.with_suffix(".txt")
    annotation.write_text("".join(lines))
    return annotation


def annotate(path: str | Path, synthetic: Synthetic) -> Path:
    """Write a SPRSound annotation, with the respiratory cycles beside the events, and return its path.

    "event_annotation" and "cycle_annotation" hold "start" and "end" in ms and "type": SPRSound's, or a class.
    """
    path = Path(path)
    events = [{"start": 1000 * e.start_s, "end": 1000 * e.end_s, "type": e.kind.title()} for e in synthetic.events]
    breaths = [{"start": 1000 * c.start_s, "end": 1000 * c.end_s, "type": c.label} for c in synthetic.cycles]
    content = {"record_annotation": "Synthesised", "event_annotation": events, "cycle_annotation": breaths}
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _edges(period_s: float, seconds: float, rng: np.random.Generator) -> list[float]:
    """Where cycles meet, in whole milliseconds: as many whole cycles as the recording holds."""
    count = int(seconds / period_s + 1e-9)
    durations = 1 + VARIATION * rng.standard_normal(count).clip(-2, 2)
    durations *= count * period_s / durations.sum()
    return np.concatenate([[0], np.floor(1000 * np.cumsum(durations) + 1e-6) / 1000]).tolist()


def _breath_sound(
    breath: Breath, cycles: Sequence[Phases], samples: int, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """(samples,) turbulence through the chest wall, on the stethoscope's own noise."""
    loudness = np.zeros((2, samples))  # of inspiration and expiration
    for phases in cycles:
        turn_s = phases.inspiration_end_s
        for row, start_s, end_s, flow_shape in (
            (loudness[0], phases.start_s, turn_s, lambda u: 6 * u * (1 - u)),
            (loudness[1], turn_s, phases.expiration_end_s, lambda u: 12 * u * (1 - u) ** 2),  # passive: early peak
        ):
            n = np.arange(int(np.ceil(start_s * sample_rate)), min(samples, int(end_s * sample_rate)))
            share = (n / sample_rate - start_s) / (end_s - start_s)
            flow_l_s = breath.tidal_volume_l / (end_s - start_s) * flow_shape(share)
            row[n] = flow_l_s**FLOW_EXPONENT
    inspiration, expiration = (
        _noise(samples, sample_rate, rng, lambda hz, p=slope_db / 6.02: (1 + (hz / CORNER_HZ) ** (2 * p)) ** -0.5)
        for slope_db in SLOPES_DB
    )
    floor = _noise(samples, sample_rate, rng, lambda hz: hz**-0.5)
    return loudness[0] * inspiration + EXPIRATION_GAIN * loudness[1] * expiration + 10 ** (FLOOR_DB / 20) * floor


def _band_hz(rendered: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """The frequencies between which the middle 90 % of a sound's energy lie."""
    size = max(len(rendered), sample_rate // 10)  # a crackle's few samples alone would resolve no better than 200 Hz
    energy = np.cumsum(np.abs(np.fft.rfft(rendered, size)) ** 2)
    low, high = np.searchsorted(energy, np.array([0.05, 0.95]) * energy[-1])
    return float(low * sample_rate / size), float(high * sample_rate / size)


def _noise(
    samples: int, sample_rate: int, rng: np.random.Generator, amplitude: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(samples,) Gaussian noise of RMS 1 whose spectrum follows ``amplitude(hz)`` above the chest piece's lowest."""
    hz = np.fft.rfftfreq(samples, 1 / sample_rate)
    shape = np.where(hz < LOWEST_HZ, 0, amplitude(np.maximum(hz, LOWEST_HZ)))
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    return shaped / np.sqrt(np.mean(shaped**2))
