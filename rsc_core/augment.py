"""Augmentations: pure functions of a batch and a random generator.

The generator lives on the CPU, so a seed gives the same clips on every device. Waveforms are (batch, samples),
features (batch, frames, bins); every clip of a batch gets its own draw.
"""

from __future__ import annotations

import math

import torch

BAND_LIMITS_HZ = {2000.0: 0.1, 4000.0: 0.2, 8000.0: 0.7}
"""Upper limit -> share of clips. What devices pass: Litt3200 up to 2 kHz, SPRSound's up to 4, others up to 8."""


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
    response[choice[:, 0] == len(BAND_LIMITS_HZ) - 1] = 1  # the last limit is Nyquist: leave it alone
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


def roll(waveforms: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rotate each clip in time by a uniform number of samples."""
    samples = waveforms.shape[1]
    shift = torch.randint(samples, (len(waveforms), 1), generator=generator)
    index = (torch.arange(samples) - shift) % samples
    return waveforms.gather(1, index.to(waveforms.device))


def spec_augment(
    features: torch.Tensor, generator: torch.Generator, frequency: int = 16, time_share: float = 0.1, masks: int = 1
) -> torch.Tensor:
    """SpecAugment without time warping (Park et al. 2019, arXiv:1904.08779), filled with each clip's mean.

    Each of ``masks`` masks per axis covers up to ``frequency`` bins, or up to ``time_share`` of the frames.

    Raises:
        ValueError: the features are no spectrograms.
    """
    if features.ndim != 3:
        raise ValueError("spec_augment masks spectrograms, and these features are waveforms; leave it out of augment")
    batch, frames, bins = features.shape
    hidden = torch.zeros(batch, frames, bins, dtype=torch.bool)
    for _ in range(masks):
        hidden |= _stripe(batch, frames, int(frames * time_share), generator).unsqueeze(2)
        hidden |= _stripe(batch, bins, frequency, generator).unsqueeze(1)
    fill = features.mean(dim=(1, 2), keepdim=True)
    return torch.where(hidden.to(features.device), fill, features)


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


def _stripe(batch: int, length: int, widest: int, generator: torch.Generator) -> torch.Tensor:
    """(batch, length) bool: one run per row, 0 to ``widest`` long, uniformly placed."""
    width = torch.randint(widest + 1, (batch, 1), generator=generator)
    start = (torch.rand(batch, 1, generator=generator) * (length - width + 1)).long()
    position = torch.arange(length)
    return (position >= start) & (position < start + width)
