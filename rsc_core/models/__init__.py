"""The networks. Every one offers ``embed``, ``encode``, ``pool`` and ``head``; see each file for shapes."""

from __future__ import annotations

import torch
from torch import nn

from rsc_core.config import ModelConfig
from rsc_core.models import spectrogram_transformer

MODELS = {"spectrogram_transformer": spectrogram_transformer}


def build(config: ModelConfig) -> nn.Module:
    """Return a fresh model of ``config``'s geometry."""
    return MODELS[config.name].build(config)


def load(name_or_folder: str, name: str = "spectrogram_transformer") -> nn.Module:
    """Return a pretrained model from a local folder or the Hugging Face hub."""
    return MODELS[name].load(name_or_folder)


def probabilities(logits: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """(batch, classes) logits -> probabilities: of one class among all, or of each class by itself."""
    return logits.sigmoid() if config.multi_label else logits.softmax(dim=1)
