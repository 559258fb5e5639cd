"""The networks. Every one offers ``embed``, ``encode``, ``pool`` and ``head``; see each file for shapes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from rsc_core.config import ModelConfig
from rsc_core.models import cnn, cycle_guardian, spectrogram_transformer, wav2vec2
from rsc_core.models.spectrogram_transformer import TokenLayout

MODELS = {
    "spectrogram_transformer": spectrogram_transformer,
    "cnn": cnn,
    "wav2vec2": wav2vec2,
    "cycle_guardian": cycle_guardian,
}


def build(config: ModelConfig) -> nn.Module:
    """Return a fresh model of ``config``'s geometry."""
    return MODELS[config.name].build(config)


def load(name_or_folder: str, config: ModelConfig) -> nn.Module:
    """Return a pretrained model from a local folder or the Hugging Face hub.

    Raises:
        OSError: there is no such folder or model.
        ValueError: what is stored there is not a complete model of this kind.
    """
    return MODELS[config.name].load(name_or_folder, config)


def save(folder: str | Path, model: nn.Module, config: ModelConfig, dtype: torch.dtype) -> None:
    """Write all of a model's weights into a folder."""
    MODELS[config.name].save(folder, model, dtype)


def layout_of(model: nn.Module, features: torch.Tensor) -> TokenLayout:
    """Return the layout of the tokens that a model's ``embed`` makes of a batch of features."""
    return model.layout(features.shape[getattr(model, "time_axis", 1)])


def probabilities(logits: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """(batch, classes) logits -> probabilities: of one class among all, or of each class by itself."""
    return logits.sigmoid() if config.multi_label else logits.softmax(dim=1)
