"""Masked-patch pre-training: a few patches are read, the spectrogram of the others is to be filled in. No labels.

The recipe is the masked autoencoder's (He et al. 2022, arXiv:2111.06377; on audio Huang et al. 2022,
arXiv:2207.06405): only visible patches run through the transformer, which makes an epoch cheap, and a small decoder
that is thrown away fills in the rest. The target is each hidden patch, standardised by itself; the loss its mean
squared error.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.models.spectrogram_transformer import SpectrogramTransformer, sine_cosine
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.options import check, option


@dataclass(frozen=True)
class Config:
    """How much is hidden, and how large the decoder is."""

    hidden_share: float = option(0.75, positive=True, below=1)  # of the patches
    decoder_width: int = option(96, low=4, multiple=4)
    decoder_layers: int = option(2, low=1)

    def __post_init__(self):
        check(self)


class MaskedPatches(nn.Module):
    """Mean squared error of hidden patches, each standardised over its own values.

    Args:
        options: share hidden, decoder.
        task: not needed here.
        model: an Audio Spectrogram Transformer whose patches do not overlap.

    Raises:
        ValueError: the model is of another kind, or its patches overlap and would give the answer away.
    """

    Config = Config
    labels = False

    def __init__(self, options: Config, task: Task, model: nn.Module):
        super().__init__()
        if not isinstance(model, SpectrogramTransformer):
            raise ValueError(f"masked_patches trains an Audio Spectrogram Transformer, got {type(model).__name__}")
        geometry = model.hf.config
        self.patch = geometry.patch_size
        if (geometry.frequency_stride, geometry.time_stride) != (self.patch, self.patch):
            raise ValueError(
                f"masked_patches needs patches that do not overlap: expected strides of {self.patch}, got "
                f"{geometry.frequency_stride} and {geometry.time_stride}"
            )
        self.options = options
        width = options.decoder_width
        self.narrow = nn.Linear(model.width, width)
        self.mask = nn.Parameter(torch.randn(width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.decoder = nn.TransformerEncoder(layer, options.decoder_layers, enable_nested_tensor=False)
        self.fill = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, self.patch**2))

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch; the same patches are hidden in all of its clips."""
        features = batch.features
        layout = model.layout(features.shape[1])
        order = torch.randperm(layout.patches, generator=generator).to(features.device)
        count = max(1, round(layout.patches * (1 - self.options.hidden_share)))
        visible, hidden = order[:count].sort().values, order[count:].sort().values
        tokens = model.encode(model.embed(features), layout, visible)[:, layout.special :]
        known = self.narrow(tokens)
        canvas = self.mask.to(known.dtype).expand(len(features), layout.patches, -1).clone()
        canvas[:, visible] = known
        positions = sine_cosine(layout.grid, self.options.decoder_width).to(canvas)
        filled = self.fill(self.decoder(canvas + positions))[:, hidden].float()
        wanted = F.layer_norm(patches(features, layout.grid, self.patch)[:, hidden], (self.patch**2,))
        total = F.mse_loss(filled, wanted)
        return LossParts(total, {"masked_patches": total.item()})


def patches(features: torch.Tensor, grid: tuple[int, int], patch: int) -> torch.Tensor:
    """(batch, frames, bins) -> (batch, patches, patch ** 2), frequency-major as ``embed`` orders them."""
    freq, time = grid
    tiles = features[:, : time * patch, : freq * patch].unflatten(2, (freq, patch)).unflatten(1, (time, patch))
    return tiles.permute(0, 3, 1, 2, 4).flatten(1, 2).flatten(2)
