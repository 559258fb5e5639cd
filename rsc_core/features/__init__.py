"""Waveform batches to spectrogram batches, on the waveform's own device."""

from __future__ import annotations

import torch

from rsc_core.config import AudioConfig, FeatureConfig
from rsc_core.features.hybrid import hybrid
from rsc_core.features.log_mel import log_mel

__all__ = ["extract", "hybrid", "log_mel"]


def extract(waveforms: torch.Tensor, audio: AudioConfig, features: FeatureConfig) -> torch.Tensor:
    """(batch, samples) -> (batch, frames, bins) log-mel as a model sees it: (x - mean) / (2 std)."""
    return (log_mel(waveforms, audio.sample_rate) - features.mean) / (2 * features.std)
