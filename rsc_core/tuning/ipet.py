"""Integrated parameter-efficient tuning (Kim et al. 2022, arXiv:2211.02227): prompts and an adapter in every block.

* Embedding prompts: P learned tokens enter a block behind its own tokens and are dropped behind it, so that they are
  read there and nowhere else.
* Adapter beside the MLP, which reads the residual h without the LayerNorm in front of the MLP:
  h + MLP(LN(h)) + s (W_up dropout(relu(W_down h + b_down)) + b_up), W_up and the biases zero at the start, s = 0.1.
* Input prompt: a learned border is added to the spectrogram (visual prompting: Bahng et al. 2022, arXiv:2203.17274).
  The authors' code stops with an error there; ours starts at zero.

Parameters with prompts P, rank r and border b on a spectrogram of F frames and M bins: P D + 2 D r + r + D a block,
one more where s learns, and 2 b (F + M - 2 b); with P = 4 and r = 32 on AST-base 640,900, four-class head included,
and as many on wav2vec 2.0, whose MLP reads h anyway. The prompts stand last instead of first, which is the same to
the block. Without prompts the model starts as its base.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.options import check, option


@dataclass(frozen=True)
class Config:
    """Options of IPET; each of its three parts is left out at 0."""

    prompts: int = option(4, low=0)  # of every block
    rank: int = option(32, low=0)  # of the adapters
    dropout: float = option(0.1, low=0, below=1)  # within the adapters
    scale: float = option(0.1, positive=True)  # of what the adapters add
    learn_scale: bool = False
    border: int = option(0, low=0)  # frames and bins at each side of the spectrogram

    def __post_init__(self):
        check(self)
        if self.learn_scale and not self.rank:
            raise ValueError("learn_scale needs an adapter whose scale can learn, got rank 0")


class EmbeddingPrompt(nn.Module):
    """A transformer block with learned tokens that only it sees."""

    def __init__(self, base: nn.Module, tokens: int, width: int):
        super().__init__()
        self.base = base
        self.virtual = nn.Parameter(torch.empty(tokens, width))
        nn.init.xavier_uniform_(self.virtual)

    def forward(self, hidden: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        """(batch, tokens, width) -> the same shape."""
        prompts = self.virtual.to(hidden.dtype).expand(len(hidden), -1, -1)
        return self.base(torch.cat([hidden, prompts], dim=1), *args, **kwargs)[:, : hidden.shape[1]]


class Adapter(nn.Module):
    """s (W_up dropout(relu(W_down h + b_down)) + b_up), zero at the start."""

    def __init__(self, width: int, config: Config):
        super().__init__()
        self.down, self.up = nn.Linear(width, config.rank), nn.Linear(config.rank, width)
        self.dropout = nn.Dropout(config.dropout)
        self.scale = nn.Parameter(torch.tensor(config.scale)) if config.learn_scale else config.scale
        for tensor in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(tensor)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, width)."""
        return self.scale * self.up(self.dropout(F.relu(self.down(hidden))))


class NormAndInput(nn.Module):
    """A LayerNorm that passes on its input too: the block hands both to the MLP, where the adapter reads the input."""

    def __init__(self, base: nn.Module):
        super().__init__()
        self.base = base

    def forward(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, tokens, width) -> the same normed, and as it is."""
        return self.base(hidden), hidden


class MLPAndAdapter(nn.Module):
    """An MLP and an adapter beside it."""

    only_adds = True  # where the adapter gives zero, this is the base

    def __init__(self, base: nn.Module, adapter: nn.Module):
        super().__init__()
        self.base, self.adapter = base, adapter

    @property
    def branches(self) -> list[nn.Module]:
        """The adapter."""
        return [self.adapter]

    def forward(self, x: torch.Tensor | tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """(batch, tokens, width) for both, or one for the MLP and one for the adapter -> (batch, tokens, width)."""
        own, hidden = x if isinstance(x, tuple) else (x, x)
        return self.base(own) + self.adapter(hidden)


class InputPrompt(nn.Module):
    """A patch embedding that adds a learned border to the spectrogram first."""

    def __init__(self, base: nn.Module, border: int, frames: int, bins: int):
        super().__init__()
        if 2 * border >= min(frames, bins):
            raise ValueError(f"expected a border of less than half of {min(frames, bins)}, got {border}")
        self.base = base
        self.ends = nn.Parameter(torch.zeros(2, border, bins))  # first and last frames
        self.bands = nn.Parameter(torch.zeros(2, frames - 2 * border, border))  # lowest and highest bins between them

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, bins) -> (batch, patches, width); a clip shorter than the window takes part of the bands.

        Raises:
            ValueError: the clip is longer than the window, or all border.
        """
        border, longest = self.ends.shape[1], self.bands.shape[1]
        between = features.shape[1] - 2 * border
        if not 0 < between <= longest:
            raise ValueError(
                f"expected a clip of {2 * border + 1} to {2 * border + longest} frames, got {features.shape[1]}: cut "
                "it into windows first"
            )
        low, high = self.bands[:, :between]
        middle = F.pad(low, (0, features.shape[2] - border)) + F.pad(high, (features.shape[2] - border, 0))
        return self.base(features + torch.cat([self.ends[0], middle, self.ends[1]]))


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the MLP of every block, the block, and the patch embedding, as far as the config has something for them.

    Raises:
        ValueError: the border is too wide, or the model reads no spectrogram.
    """
    if config.border:
        if len(model.input_shape) != 2:
            raise ValueError(
                "an input prompt is the border of a spectrogram; this model reads waveforms: set border 0"
            )
        embeddings = model.backbone.embeddings
        embeddings.patch_embeddings = InputPrompt(embeddings.patch_embeddings, config.border, *model.input_shape)
    norm, mlp = model.mlp_children
    for index, block in enumerate(model.blocks):
        if config.rank:
            setattr(block, mlp, MLPAndAdapter(getattr(block, mlp), Adapter(model.width, config)))
            if norm:
                setattr(block, norm, NormAndInput(getattr(block, norm)))
        if config.prompts:
            model.blocks[index] = EmbeddingPrompt(block, config.prompts, model.width)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    parts = {
        ("*.virtual",): config.prompts,
        ("*.adapter.*",): config.rank,
        ("*.patch_embeddings.ends", "*.patch_embeddings.bands"): config.border,
    }
    return tuple(pattern for patterns, size in parts.items() if size for pattern in patterns)
