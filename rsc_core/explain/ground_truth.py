"""Does a map point at the sound? Asked where it is known when, and in which band, the sound is.

Two measures, each beside what chance gives. The pointing game (Zhang et al. 2018, arXiv:1608.00507): does the map's
highest tile touch the sound? Chance is the share of tiles that do. Inside: how much of the map's relevance lies within
the sound? Chance is the sound's share of the window, what an even map would give. Negative relevance is left out.

Truth comes from synthesised recordings, whose crackles and wheezes were placed, and from SPRSound's marked events,
shown in a window with the real sound around them (an event cut out and repeated would fill the window everywhere).
The model may be right for another reason than the sound, so a miss is no proof against the method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rsc_core import audio, synth
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.data.corpus import Clip
from rsc_core.data.loader import Waveforms
from rsc_core.features.log_mel import FRAME_MS, HOP_MS, edge_frequencies_hz

RECORDING_S = 20.0  # of a synthesised one


@dataclass(frozen=True)
class Span:
    """Where a sound is, in a window."""

    start_s: float
    end_s: float
    band_hz: tuple[float, float] | None = None  # None: not known, the whole axis


@dataclass(frozen=True)
class Case:
    """A window of sound in which something is known to be."""

    waveform: np.ndarray  # (samples,) float32, of the window's length
    spans: tuple[Span, ...]
    label: str  # class of the sound
    patient: str  # whom the window is of; a synthesised one stands for itself


def mask(spans: Sequence[Span], frames: int, bins: int, sample_rate: int, band: bool = True) -> np.ndarray:
    """(frames, bins) bool: the points of a log-mel spectrogram that hold any of the sounds.

    A frame holds a sound when its 25 ms overlap it, a mel bin when its band does; without ``band`` all bins do.
    """
    start_s = np.arange(frames) * HOP_MS / 1000
    edges = edge_frequencies_hz(sample_rate)
    held = np.zeros((frames, bins), dtype=bool)
    for span in spans:
        time = (start_s < span.end_s) & (start_s + FRAME_MS / 1000 > span.start_s)
        low, high = span.band_hz if band and span.band_hz else (0, np.inf)
        held |= time[:, None] & ((edges[:-1] < high) & (edges[1:] > low))[:bins]
    return held


@dataclass(frozen=True)
class Pointing:
    """One map against the truth; all from 0 to 1."""

    hit: float  # whether the highest tile touches the sound; of several equally high ones the share that does
    hit_chance: float  # share of all tiles that do
    inside: float  # share of the relevance within the sound
    inside_chance: float  # the same of an even map


def point(patch_map: np.ndarray, held: np.ndarray, tile: np.ndarray) -> Pointing:
    """Compare a map with where the sound is; a map without positive relevance counts as an even one.

    Args:
        patch_map: (freq, time); what is below zero counts as zero.
        held: (frames, bins) bool, as ``mask`` returns it.
        tile: (frames, bins) index of each point's tile in the flattened map: ``perturb.parts(...).tile``.

    Raises:
        ValueError: the window holds no sound, so there is nothing to point at.
    """
    if not held.any():
        raise ValueError("expected a window with a sound in it, got none; choose another window")
    weight = np.clip(np.asarray(patch_map, dtype=float), 0, None).flatten()
    if not weight.any():
        weight = np.ones_like(weight)
    size = np.bincount(tile.flatten(), minlength=weight.size)
    share = np.bincount(tile.flatten(), held.flatten(), minlength=weight.size) / size
    touched = share > 0
    return Pointing(
        hit=float(touched[weight == weight.max()].mean()),
        hit_chance=float(touched.mean()),
        inside=float((weight * share).sum() / weight.sum()),
        inside_chance=float(share.mean()),
    )


def synthetic_cases(count: int, config: AudioConfig, seed: int = 0) -> Iterator[Case]:
    """Yield windows of synthesised breathing with fine crackles, coarse crackles or a wheeze, in turn.

    Breathing, pitch, duration and loudness vary from one to the next; the window lies at random around one of the
    events.
    """
    for number, child in enumerate(np.random.SeedSequence(seed).spawn(count)):
        rng = np.random.default_rng(child)
        breath = synth.Breath(rng.uniform(12, 20), rng.uniform(0.5, 1.0), rng.uniform(0.33, 0.42))
        sound = (_fine, _coarse, _wheeze)[number % 3](rng)
        made = synth.synthesise(breath, [sound], RECORDING_S, config.sample_rate, seed=int(rng.integers(2**31)))
        event = made.events[rng.integers(len(made.events))]
        start_s = _window_around(event.start_s, event.end_s, RECORDING_S, config.window_s, rng)
        first = int(start_s * config.sample_rate)
        waveform = audio.scale(made.waveform, config.level)[0][first : first + config.window_samples]
        spans = [Span(e.start_s, e.end_s, e.band_hz) for e in made.events]
        label = "wheeze" if event.kind == "wheeze" else "crackle"
        yield Case(waveform, _within(spans, start_s, config.window_s), label, f"synthetic {number}")


def event_cases(
    clips: Sequence[Clip], waveforms: Waveforms, count: int, classes: Sequence[str] = CLASSES, seed: int = 0
) -> Iterator[Case]:
    """Yield windows of recordings around adventitious events, drawn without replacement; truth has times but no band.

    The sound is every event in the window with the drawn one's label. An event that leaves no room for context, or
    whose recording is shorter than a window, is not drawn.

    Args:
        clips: all marked events; which belong together, their recordings tell.
        waveforms: that hold the recordings.
        count: of windows, at most.
        classes: what the labels index, the normal one first.
        seed: of the draw and of the windows' places.
    """
    window_s = waveforms.config.window_s
    rng = np.random.default_rng(seed)
    found = [c for c in clips if c.label and c.end_s - c.start_s < window_s <= waveforms.seconds(c)]
    for index in rng.permutation(len(found))[:count]:
        clip = found[index]
        start_s = _window_around(clip.start_s, clip.end_s, waveforms.seconds(clip), window_s, rng)
        alike = [c for c in clips if c.recording == clip.recording and c.label == clip.label]
        spans = _within([Span(c.start_s, c.end_s) for c in alike], start_s, window_s)
        first_s = int(start_s * waveforms.config.sample_rate) / waveforms.config.sample_rate
        waveform = waveforms.cut(clip, first_s, first_s + window_s)
        yield Case(waveform, spans, classes[clip.label], clip.patient)


def _fine(rng: np.random.Generator) -> synth.Crackles:
    return synth.Crackles(inspiratory=int(rng.integers(4, 11)), level_db=rng.uniform(10, 18))


def _coarse(rng: np.random.Generator) -> synth.Crackles:
    return replace(synth.COARSE, inspiratory=int(rng.integers(1, 4)), level_db=rng.uniform(12, 20))


def _wheeze(rng: np.random.Generator) -> synth.Wheeze:
    return synth.Wheeze(rng.uniform(150, 800), rng.uniform(0.3, 1.2), rng.uniform(-4, 4), rng.uniform(-8, 2))


def _window_around(
    start_s: float, end_s: float, recording_s: float, window_s: float, rng: np.random.Generator
) -> float:
    """Start of a window that holds a stretch of the recording, its place within the window random."""
    return float(rng.uniform(max(0.0, min(end_s, recording_s) - window_s), min(start_s, recording_s - window_s)))


def _within(spans: Sequence[Span], start_s: float, window_s: float) -> tuple[Span, ...]:
    """The spans as a window sees them, in seconds from its start; what lies outside is cut off."""
    moved = [replace(s, start_s=s.start_s - start_s, end_s=s.end_s - start_s) for s in spans]
    seen = [replace(s, start_s=max(s.start_s, 0.0), end_s=min(s.end_s, window_s)) for s in moved]
    return tuple(s for s in seen if s.start_s < s.end_s)
