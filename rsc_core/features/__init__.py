"""Waveform batches to what a model sees, on the waveform's own device."""

from __future__ import annotations

import torch

from rsc_core.config import AudioConfig, FeatureConfig
from rsc_core.features.hybrid import hybrid
from rsc_core.features.log_mel import log_mel
from rsc_core.features.waveform import waveform

__all__ = ["extract", "hybrid", "log_mel", "waveform"]


def extract(waveforms: torch.Tensor, audio: AudioConfig, features: FeatureConfig) -> torch.Tensor:
    """(batch, samples) -> features as a model sees them.

    Log-mel is (batch, frames, bins), (x - mean) / (2 std); waveforms stay (batch, samples), each clip normalised;
    hybrid maps are (batch, 3, 84, frames), each row normalised.
    """
    if features.name == "waveform":
        return waveform(waveforms)
    if features.name == "hybrid":
        return hybrid(waveforms, audio.sample_rate)
    return (log_mel(waveforms, audio.sample_rate) - features.mean) / (2 * features.std)
