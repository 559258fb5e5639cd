"""Sounds that a visitor builds: what they are made of, and all that is heard and seen of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torchaudio.functional import resample

from rsc_core import synth
from rsc_core.analysis import Cycle, CycleView, Spectrogram
from rsc_core.features.log_mel import center_frequencies_hz, log_mel
from rsc_core.inference import DB_PER_NATURAL_LOG, RATE, hybrid_pictures
from rsc_core.synth.breath import Phases


@dataclass(frozen=True)
class Recipe:
    """What a sound is built of; the same recipe gives the same sound."""

    breath: synth.Breath = field(default_factory=synth.Breath)
    sounds: tuple[synth.Sound, ...] = ()
    through: synth.Transmission = field(default_factory=synth.Transmission)
    seconds: float = 12.0
    seed: int = 0
    sample_rate: int = 44100  # Hz


@dataclass(frozen=True)
class Built:
    """A built sound, and what is drawn of it."""

    synthetic: synth.Synthetic
    phases: tuple[Phases, ...]  # of the whole cycles
    spectrogram: Spectrogram  # log-mel in dB, of all of it


def build(recipe: Recipe) -> Built:
    """Return what a recipe gives.

    Raises:
        ValueError: its parts do not fit together (``rsc_core.synth.synthesise``).
    """
    layers = synth.compose(recipe.breath, recipe.sounds, recipe.seconds, recipe.sample_rate, recipe.seed)
    made = synth.record(layers, recipe.through)
    return Built(made, layers.phases, spectrogram(made))


def spectrogram(made: synth.Synthetic) -> Spectrogram:
    """Return the log-mel spectrogram of a recording at the models' rate, in dB."""
    at_rate = resample(torch.from_numpy(made.waveform), made.sample_rate, RATE)
    values = log_mel(at_rate[None], RATE)[0].T.numpy() * DB_PER_NATURAL_LOG
    seconds = len(made.waveform) / made.sample_rate
    return Spectrogram("Log-mel", values, "dB", center_frequencies_hz(RATE), 0.0, seconds)


def hybrid_view(made: synth.Synthetic) -> CycleView:
    """Return a whole recording as the one cycle that its three hybrid maps are drawn of."""
    whole = Cycle(0.0, len(made.waveform) / made.sample_rate)
    maps = hybrid_pictures(made.waveform, whole, made.sample_rate)
    return CycleView(whole, made.waveform, made.sample_rate, hybrid=maps)
