"""A small residual network on log-mel: the fair small baseline, and the teacher of our Audio Spectrogram Transformer.

Four stages of two pre-activation residual blocks (He et al. 2016, arXiv:1603.05027), each stage at half the
resolution and twice the width of the one before. Frequency is averaged at the end; over time the mean and the maximum
are taken, because a crackle is short and a breath is long. With a last stage of 192 channels it has 1.6 million
parameters.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.config import ModelConfig
from rsc_core.models import own
from rsc_core.models.spectrogram_transformer import TokenLayout

STAGES = 4
BLOCKS = 2  # of each stage
REDUCTION = 4  # of the stem, in time and in frequency


class Block(nn.Module):
    """(batch, channels, time, freq) -> (batch, width, time / stride, freq / stride), residual."""

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        same = channels == width and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the input plus what the two convolutions find in it."""
        active = torch.relu(self.norm1(maps))
        kept = maps if self.shortcut is None else self.shortcut(active)
        return kept + self.conv2(torch.relu(self.norm2(self.conv1(active))))


class CNN(own.OwnNetwork):
    """Residual network for normalised log-mel clips of any length.

    Args:
        config: ``hidden_size`` is the width of the last stage; ``frames`` and ``mel_bins`` describe a window.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        if config.hidden_size % 2**STAGES:
            raise ValueError(f"hidden_size must be divisible by {2**STAGES}, got {config.hidden_size}")
        self.input_shape = (config.frames, config.mel_bins)
        widths = [config.hidden_size // 2**i for i in reversed(range(STAGES))]
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
            nn.Conv2d(widths[0], widths[0], 3, 2, padding=1, bias=False),
        )
        blocks = []
        for channels, width in pairwise([widths[0], *widths]):
            stride = 1 if channels == width else 2
            blocks += [Block(channels, width, stride), *(Block(width, width, 1) for _ in range(BLOCKS - 1))]
        self.stages = nn.Sequential(*blocks, nn.BatchNorm2d(widths[-1]), nn.ReLU())
        self.width = 2 * widths[-1]
        self.classify_into(config.classes)

    def layout(self, frames: int) -> TokenLayout:
        """Return the layout of ``embed``'s tokens for a clip of ``frames`` frames; there are no special ones."""
        time, freq = (-(-size // REDUCTION) for size in (frames, self.input_shape[1]))
        return TokenLayout((freq, time), special=0)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) normalised log-mel -> (batch, classes) logits."""
        return self.head(self.embedding(features))

    def embedding(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) normalised log-mel -> (batch, 2 hidden_size): what the head reads."""
        return self.pool(self.encode(self.embed(features), self.layout(features.shape[1])))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) -> (batch, patches, channels), frequency-major."""
        return self.stem(features.unsqueeze(1)).transpose(2, 3).flatten(2).transpose(1, 2)

    def encode(self, tokens: torch.Tensor, layout: TokenLayout | None = None) -> torch.Tensor:
        """(batch, patches, channels) -> (batch, time, hidden_size): frequency is averaged."""
        layout = layout or self.layout(self.input_shape[0])
        maps = tokens.transpose(1, 2).unflatten(2, layout.grid).transpose(2, 3)
        return self.stages(maps).mean(dim=3).transpose(1, 2)

    @property
    def local_channels(self) -> int:
        """Channels of what ``look`` returns."""
        return self.width // 4

    def look(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return what a transformer can learn from.

        Args:
            features: (batch, frames, mel_bins) normalised log-mel.

        Returns:
            (batch, hidden_size / 2, freq, time) output of the last stage but one, a place for every tile of 16 mel
            bins and 16 frames; the (batch, 2 hidden_size) embedding the head reads; the (batch, classes) logits.
        """
        local = self.stages[: BLOCKS * (STAGES - 1)](self.stem(features.unsqueeze(1)))
        pooled = self.pool(self.stages[BLOCKS * (STAGES - 1) :](local).mean(dim=3).transpose(1, 2))
        # Its places stand on the corners of the tiles; the mean of four of them stands in the middle of one.
        centred = F.avg_pool2d(F.pad(local, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
        return centred.transpose(2, 3), pooled, self.head(pooled)

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, time, hidden_size) -> (batch, 2 hidden_size): mean and maximum over time."""
        return torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1)


def build(config: ModelConfig) -> CNN:
    """Return a fresh network."""
    return CNN(config)


def load(folder: str, config: ModelConfig) -> CNN:
    """Return the network stored in a folder, in float32; errors as of ``own.load_into``."""
    return own.load_into(CNN(config), folder)


save = own.save
