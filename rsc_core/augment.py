"""Augmentations: pure functions of a batch and a random generator.

The generator lives on the CPU, so a seed gives the same clips on every device. Waveforms are (batch, samples),
features (batch, frames, bins); every clip of a batch gets its own draw. ``spec_augment`` has a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F
from torchaudio import functional as audio_functional

from rsc_core.config import AUGMENTATIONS, RunConfig
from rsc_core.features import extract
from rsc_core.features.log_mel import center_frequencies_hz
from rsc_core.spec_augment import POLICIES, lerp_at, spec_augment

BAND_LIMITS_HZ = {2000.0: 0.1, 4000.0: 0.2, 8000.0: 0.7}
"""Upper limit -> share of clips. What devices pass: Litt3200 up to 2 kHz, SPRSound's up to 4, others up to 8."""

SPEEDS = (0.8, 0.9, 1.1, 1.25)
SEMITONES = (-2, -1, 1, 2)
VOCAL_TRACT = (0.9, 1.1)
"""Shortest and longest, in shares of the true one."""

MOVES_SOUNDS = ("one_of", "speed", "pitch", "vtlp")
"""Augmentations that change how high a sound is, or how long."""

TOLD_BY_MOVING = (("fine", "coarse"), ("wheeze", "rhonch"))
"""Words in class names that only the height and length of their sounds tell apart."""


def speed(
    waveforms: torch.Tensor, generator: torch.Generator, sample_rate: int = 16000, spare: bool = True
) -> torch.Tensor:
    """Play each clip at one of ``SPEEDS``; a faster one begins anew at its end, a slower one is cut.

    ``spare``: as many as draw any one of them are left as they are.
    """

    def play(clips: torch.Tensor, factor: float) -> torch.Tensor:
        played = audio_functional.speed(clips, sample_rate, factor)[0][:, : clips.shape[1]]
        return F.pad(played.unsqueeze(1), (0, clips.shape[1] - played.shape[1]), mode="circular").squeeze(1)

    return _each(waveforms, SPEEDS, generator, play, spare)


def pitch(waveforms: torch.Tensor, generator: torch.Generator, spare: bool = True) -> torch.Tensor:
    """Shift each clip by one of ``SEMITONES``; it stays as long as it is. ``spare`` as of ``speed``."""

    def shift(clips: torch.Tensor, semitones: float) -> torch.Tensor:
        # A small rate, as only its ratio to the shifted one counts: at 16,000 the resampling kernel takes a gigabyte.
        return audio_functional.pitch_shift(clips, 200, semitones)

    return _each(waveforms, SEMITONES, generator, shift, spare)


def vtlp(features: torch.Tensor, generator: torch.Generator, sample_rate: int = 16000) -> torch.Tensor:
    """Vocal tract length perturbation of log-mel features (Jaitly & Hinton 2013): frequencies are stretched.

    Each clip's are multiplied by a uniform draw of ``VOCAL_TRACT`` up to three fifths of Nyquist, and what is left is
    stretched to keep Nyquist where it is; values between mel bins are interpolated.

    Raises:
        ValueError: the features are not log-mel.
    """
    if features.ndim != 3:
        raise ValueError("vtlp warps log-mel spectrograms, and these features are others; leave it out of augment")
    low, high = VOCAL_TRACT
    factor = low + (high - low) * torch.rand(len(features), 1, generator=generator)
    nyquist = sample_rate / 2
    centres = torch.from_numpy(center_frequencies_hz(sample_rate)).float()
    knee = 0.6 * nyquist * factor.clamp_max(1)  # where the stretched frequencies bend
    rest = nyquist - (nyquist - centres) * (nyquist - knee / factor) / (nyquist - knee)
    source = torch.where(centres <= knee, centres / factor, rest)
    mel = (1 + centres / 700).log()  # of evenly spaced bins; Kaldi's factor of 1127 cancels
    place = ((1 + source / 700).log() - mel[0]) / (mel[1] - mel[0])
    place = place.clamp(0, features.shape[2] - 1).to(features.device)
    return lerp_at(features, place.unsqueeze(1).expand(-1, features.shape[1], -1), dim=2)


def gain(waveforms: torch.Tensor, generator: torch.Generator, spread_db: float = 2.0) -> torch.Tensor:
    """Scale each clip by a normal draw of ``spread_db`` dB standard deviation."""
    db = torch.randn(len(waveforms), 1, generator=generator) * spread_db
    return waveforms * (10 ** (db / 20)).to(waveforms)


def noise(waveforms: torch.Tensor, generator: torch.Generator, share: float = 0.5) -> torch.Tensor:
    """Add white noise to a ``share`` of the clips, 10 to 40 dB below the clip's own RMS, uniformly drawn."""
    db = 10 + 30 * torch.rand(len(waveforms), 1, generator=generator)
    chosen = torch.rand(len(waveforms), 1, generator=generator) < share
    amplitude = torch.where(chosen, 10 ** (-db / 20), 0.0).to(waveforms)
    rms = waveforms.square().mean(dim=1, keepdim=True).sqrt()
    return waveforms + amplitude * rms * torch.randn(waveforms.shape, generator=generator).to(waveforms)


def band_limit(waveforms: torch.Tensor, generator: torch.Generator, sample_rate: int = 16000) -> torch.Tensor:
    """Low-pass each clip at one of ``BAND_LIMITS_HZ``, with a half-cosine edge one eighth of the limit wide."""
    shares = torch.tensor(list(BAND_LIMITS_HZ.values()))
    choice = torch.multinomial(shares, len(waveforms), replacement=True, generator=generator).unsqueeze(1)
    limits = torch.tensor(list(BAND_LIMITS_HZ))[choice].to(waveforms)
    frequencies = torch.fft.rfftfreq(waveforms.shape[1], 1 / sample_rate).to(waveforms)
    position = ((frequencies - limits * 7 / 8) / (limits / 8)).clamp(0, 1)  # 0 where all passes, 1 where nothing does
    response = (1 + torch.cos(torch.pi * position)) / 2
    response[choice[:, 0] == len(BAND_LIMITS_HZ) - 1] = 1  # the last limit stands for none
    return torch.fft.irfft(torch.fft.rfft(waveforms) * response, n=waveforms.shape[1])


def equalise(
    waveforms: torch.Tensor, generator: torch.Generator, spread_db: float = 6.0, sample_rate: int = 16000
) -> torch.Tensor:
    """Filter each clip as another stethoscope might, and keep its RMS.

    The response is a normal draw of ``spread_db`` dB at every octave from 62.5 Hz up to Nyquist, straight between them
    over the logarithm of frequency. FilterAugment (Nam et al. 2022, arXiv:2110.03282) does so over mel bins.
    """
    frequencies = torch.fft.rfftfreq(waveforms.shape[1], 1 / sample_rate).to(waveforms)
    octaves = math.log2(sample_rate / 2 / 62.5)
    knots = math.ceil(octaves) + 1
    db = torch.randn(len(waveforms), knots, generator=generator).to(waveforms) * spread_db
    place = (frequencies.clamp_min(62.5) / 62.5).log2().clamp_max(octaves)
    below = place.long().clamp_max(knots - 2)
    response = torch.lerp(db[:, below], db[:, below + 1], place - below)
    filtered = torch.fft.irfft(torch.fft.rfft(waveforms) * 10 ** (response / 20), n=waveforms.shape[1])
    before, after = (x.square().mean(dim=1, keepdim=True).sqrt() for x in (waveforms, filtered))
    return filtered * before / after.clamp_min(1e-12)


def roll(waveforms: torch.Tensor, generator: torch.Generator, share: float = 1.0) -> torch.Tensor:
    """Rotate a ``share`` of the clips in time, each by a uniform number of samples."""
    samples = waveforms.shape[1]
    shift = torch.randint(samples, (len(waveforms), 1), generator=generator)
    if share < 1:
        shift *= torch.rand(len(waveforms), 1, generator=generator) < share
    index = (torch.arange(samples) - shift) % samples
    return waveforms.gather(1, index.to(waveforms.device))


def mixup(
    features: torch.Tensor, targets: torch.Tensor, beta: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each clip and its (batch, classes) targets with another's, by Beta(beta, beta); 0 leaves all as it is."""
    if beta <= 0:
        return features, targets
    # Beta from two Gammas, because torch's distributions take no generator.
    draws = torch._standard_gamma(torch.full((2, len(features)), beta), generator=generator)
    share = (draws[0] / draws.sum(dim=0).clamp_min(1e-12)).to(features)
    share = torch.maximum(share, 1 - share)
    partner = torch.randperm(len(features), generator=generator).to(features.device)
    blend = share.view(-1, *[1] * (features.ndim - 1))
    mixed = blend * features + (1 - blend) * features[partner]
    blend = share.view(-1, 1)
    return mixed, blend * targets + (1 - blend) * targets[partner]


def one_of(waveforms: torch.Tensor, generator: torch.Generator, sample_rate: int = 16000) -> torch.Tensor:
    """Change half of the clips, each in one of four ways: noise, speed, loudness by 0.5 to 2, pitch (CycleGuardian's).

    Its fifth is left out: named after the vocal tract, it takes time for frequency in its library and bends time.
    """
    ways = (
        lambda clips: noise(clips, generator, share=1.0),
        lambda clips: speed(clips, generator, sample_rate, spare=False),
        lambda clips: clips * (0.5 + 1.5 * torch.rand(len(clips), 1, generator=generator)).to(clips),
        lambda clips: pitch(clips, generator, spare=False),
    )
    drawn = torch.randint(2 * len(ways), (len(waveforms),), generator=generator).to(waveforms.device)
    changed = waveforms.clone()
    for index, way in enumerate(ways):
        if (drawn == index).any():
            changed[drawn == index] = way(waveforms[drawn == index])
    return changed


OF_WAVEFORMS = {
    "one_of": one_of,
    "speed": speed,
    "pitch": pitch,
    "roll": roll,
    "equalise": equalise,
    "band_limit": band_limit,
    "gain": gain,
    "noise": noise,
}
AT_A_RATE = ("one_of", "speed", "equalise", "band_limit")
"""Those that must know the sampling rate."""


def features_of(waveforms: torch.Tensor, config: RunConfig, generator: torch.Generator) -> torch.Tensor:
    """(batch, samples) -> the features a run learns from, with all of its augmentations."""
    settings = config.train
    chosen = [name for name in AUGMENTATIONS if name in settings.augment]
    for name in chosen:
        if name in OF_WAVEFORMS:
            options = {"sample_rate": config.audio.sample_rate} if name in AT_A_RATE else {}
            options |= {"share": settings.roll_share} if name == "roll" else {}
            waveforms = OF_WAVEFORMS[name](waveforms, generator, **options)
    features = extract(waveforms, config.audio, config.features)
    if "vtlp" in chosen:
        features = vtlp(features, generator, config.audio.sample_rate)
    if "spec_augment" in chosen:
        gated = config.follows == "patch_mix"
        features = spec_augment(features, generator, POLICIES[settings.spec_policy], gated)
    return features


def refuse_lost_labels(chosen: Sequence[str], classes: Sequence[str]) -> None:
    """Check that no augmentation turns a sound of one class into that of another.

    Raises:
        ValueError: one moves sounds, and the classes tell fine from coarse ones or wheezes from rhonchi.
    """
    moving = [name for name in MOVES_SOUNDS if name in chosen]
    for pair in TOLD_BY_MOVING:
        told = [[name for name in classes if word in name.lower()] for word in pair]
        if moving and all(told):
            raise ValueError(
                f"{', '.join(moving)} would turn a sound of one class into another's: {told[0][0]} and {told[1][0]} "
                "differ in how high and how long they are. Leave it out of augment, or use labels four or binary"
            )


def _each(
    waveforms: torch.Tensor,
    choices: Sequence[float],
    generator: torch.Generator,
    change: Callable[[torch.Tensor, float], torch.Tensor],
    spare: bool,
) -> torch.Tensor:
    """Change each clip by its draw of ``choices`` or, to spare it, not at all; clips of one draw go together."""
    drawn = torch.randint(len(choices) + spare, (len(waveforms),), generator=generator).to(waveforms.device)
    changed = waveforms.clone()
    for index, choice in enumerate(choices):
        if (drawn == index).any():
            changed[drawn == index] = change(waveforms[drawn == index], choice)
    return changed
