"""The waveform itself, each clip at zero mean and unit variance, as wav2vec 2.0 was trained on it."""

from __future__ import annotations

import torch

SMALLEST_VARIANCE = 1e-7  # added, so that silence stays silent; transformers' Wav2Vec2FeatureExtractor has the same


def waveform(waveforms: torch.Tensor) -> torch.Tensor:
    """(batch, samples) at 16 kHz -> (batch, samples) float32, (x - mean) / sqrt(variance + 1e-7) of each clip."""
    waveforms = waveforms.float()
    centred = waveforms - waveforms.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + SMALLEST_VARIANCE).sqrt()
