"""Synthesised sound in a training batch: breaths in place of drawn clips, and sounds laid over normal ones.

Two options of a run, both for the four classes and for clips that are repeated to fill their window. ``synthetic`` is
the share of drawn clips that make way for a synthesised breath of their own class, or of what a cut of it holds.
``events`` is the share of normal clips over which crackles, musical sounds or both are laid, which gives them their
label. A sound takes a processor about 0.1 s. CycleGuardian's event mixing pastes events cut out of other recordings;
the corpora at hand do not mark those, so ours are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from rsc_core import audio, synth
from rsc_core.config import CLASSES, RunConfig
from rsc_core.data import synthetic
from rsc_core.data.loader import padded, training_extent
from rsc_core.synth import Event

Batch = tuple[torch.Tensor, torch.Tensor]
HEARD_S = 0.1  # a tone must last about as long to be called a wheeze (CORSA)


def refuse_misfits(config: RunConfig, classes: Sequence[str]) -> None:
    """Raise a ValueError where synthesised sound does not go with a run's classes, padding or weights of classes."""
    settings = config.train
    if not (settings.synthetic or settings.events):
        return
    if config.audio.padding != "repeat":
        raise ValueError(f"options synthetic and events go with padding repeat, got {config.audio.padding}")
    if settings.logit_adjustment or settings.class_weight:
        raise ValueError(
            "options synthetic and events change how frequent classes are, which logit_adjustment and class_weight "
            "take from the corpus; set those to 0"
        )
    if tuple(classes) != CLASSES:
        raise ValueError(
            f"options synthetic and events know the classes {', '.join(CLASSES)}, and this run has "
            f"{', '.join(classes)}; set both to 0, or labels to four"
        )


def overlaid(batches: Iterable[Batch], config: RunConfig, seed: int) -> Iterator[Batch]:
    """Yield ((batch, samples) waveforms, (batch, 4) targets) with synthesised sound; the same for the same seed."""
    settings, rng = config.train, np.random.default_rng([seed, 1])
    for waveforms, targets in batches:
        waveforms, targets = waveforms.clone(), targets.clone()
        for clip, target in zip(waveforms.numpy(), targets, strict=True):
            label = CLASSES[int(target.argmax())]
            if rng.random() < settings.synthetic:
                clip[:], label = breath(label, config, rng)
            elif label == CLASSES[0] and clip.any() and rng.random() < settings.events:
                sounds, label = events(str(rng.choice(CLASSES[1:])), clip, config, rng)
                clip += sounds
            target.zero_()[CLASSES.index(label)] = 1
        yield waveforms, targets


def breath(label: str, config: RunConfig, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Cut a synthesised recording with this label around one of its sounds, as clips of a corpus are cut.

    Returns:
        ((window,) samples, padded as the corpus's; label of what they hold)
    """
    rate, window_s = config.audio.sample_rate, config.audio.window_s
    recording = synthetic.draw(label, rng, rate)
    samples, _ = audio.scale(recording.waveform, config.audio.level)
    sounds = recording.events or recording.cycles
    shortest_s, longest_s = config.train.extent_s
    extent_s = min(shortest_s, window_s), min(longest_s, window_s)
    start_s, end_s = training_extent(sounds[rng.integers(len(sounds))], len(samples) / rate, extent_s, rng)
    cut = samples[round(start_s * rate) : round(end_s * rate)][: config.audio.window_samples]
    return padded(cut, config.audio), held(recording.events, start_s, end_s)


def events(label: str, clip: np.ndarray, config: RunConfig, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Return what is to be added to a (window,) clip: sounds of a synthesised breath with this label.

    They are as loud beside the clip as beside their own breath, and ``events_db`` louder.

    Returns:
        ((window,) samples, label of what they hold)
    """
    rate, window_s = config.audio.sample_rate, config.audio.window_s
    layers = synthetic.dry(label, rng, rate)
    sound = layers.events[rng.integers(len(layers.events))]
    start_s, end_s = training_extent(sound, len(layers.sounds) / rate, (window_s, window_s), rng)
    gain = 10 ** (config.train.events_db / 20) * np.sqrt(np.mean(clip**2) / np.mean(layers.breath**2))
    first = min(round(start_s * rate), len(layers.sounds) - len(clip))
    laid = gain * layers.sounds[first : first + len(clip)]
    return laid.astype(np.float32), held(layers.events, start_s, end_s)


def held(sounds: Sequence[Event], start_s: float, end_s: float) -> str:
    """Return the label of a stretch: a sound counts where ``HEARD_S`` of it, or all of a shorter one, lie inside."""
    return synth.label(
        {
            sound.kind
            for sound in sounds
            if min(sound.end_s, end_s) - max(sound.start_s, start_s) >= min(sound.end_s - sound.start_s, HEARD_S)
        }
    )
