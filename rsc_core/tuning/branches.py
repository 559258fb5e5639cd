"""What an adapter computes: bottleneck, convpass and conformer, all zero at the start.

    bottleneck: W_up gelu(W_down x + b_down) + b_up                  Houlsby et al. 2019, arXiv:1902.00751
    convpass:   W_up q(conv3(q(W_down x + b_down))) + b_up           Jie & Deng 2022, arXiv:2207.07039
    conformer:  W_up silu(BN(conv31(glu(W_down LN(x) + b_down)))) + b_up    Cappellazzo et al. 2023, arXiv:2312.03694

with q(x) = x sigmoid(1.702 x), W_up and b_up zero at the start; conv3 mixes its channels, conv31 is depthwise. With
width D and bottleneck m they have 2 D m + m + D, 2 D m + 2 m + D + 3 m^2 and 3 D m + 36 m + 3 D parameters.

The code of PETL_AST skips convpass's convolution and the conformer's LayerNorm; here both are applied. There and in
LoRA-RSC convolutions run over the flat sequence of tokens, where the end of one frequency row touches the start of the
next, and DIST the first patch; here they run along time inside each row. CLS and DIST, in front, are a row of their
own; a virtual token behind the patches has no neighbour.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.models.spectrogram_transformer import SpectrogramTransformer, TokenLayout


class Bottleneck(nn.Module):
    """W_up gelu(W_down x + b_down) + b_up, zero at the start."""

    def __init__(self, width: int, bottleneck: int, dropout: float = 0.0):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.dropout = nn.Dropout(dropout)
        self.up = _zero(nn.Linear(bottleneck, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, width)."""
        return self.up(self.dropout(F.gelu(self.down(x))))


class Convpass(nn.Module):
    """A bottleneck with a convolution over three neighbouring patches inside, zero at the start."""

    def __init__(self, width: int, bottleneck: int, dropout: float, clip: EmbeddedClip):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.conv = TimeConvolution(bottleneck, 3, clip)
        self.dropout = nn.Dropout(dropout)
        self.up = _zero(nn.Linear(bottleneck, width))
        for layer in (self.down, self.conv):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, tokens, width)."""
        mixed = self.conv(_quick_gelu(self.down(x)).transpose(1, 2)).transpose(1, 2)
        return self.up(self.dropout(_quick_gelu(mixed)))


class Conformer(nn.Module):
    """The convolution module of a Conformer (Gulati et al. 2020, arXiv:2005.08100), zero at the start.

    ``down`` holds the m rows of the values, then the m rows of their gates. BatchNorm's running statistics are part of
    what is learned.
    """

    def __init__(self, width: int, bottleneck: int, dropout: float, clip: EmbeddedClip):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, 2 * bottleneck)
        self.conv = TimeConvolution(bottleneck, 31, clip, groups=bottleneck)
        self.batch_norm = nn.BatchNorm1d(bottleneck)
        self.dropout = nn.Dropout(dropout)
        self.up = _zero(nn.Linear(bottleneck, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, tokens, width)."""
        gated = F.glu(self.down(self.norm(x)), dim=-1).transpose(1, 2)
        mixed = F.silu(self.batch_norm(self.conv(gated))).transpose(1, 2)
        return self.up(self.dropout(mixed))


class EmbeddedClip:
    """Notes the token layout of the clips a model embeds, for the convolutions inside its blocks.

    A plain object with a method as the hook, so that a deep copy of the model notes its own clips.

    Raises:
        ValueError: the model has no patch grid.
    """

    def __init__(self, model: nn.Module):
        if not isinstance(model, SpectrogramTransformer):
            raise ValueError(
                "expected a spectrogram transformer, whose patches a convpass or conformer adapter convolves, got a "
                f'{type(model).__name__}; use kind "bottleneck"'
            )
        self.model = model
        self.layout: TokenLayout | None = None
        model.backbone.embeddings.patch_embeddings.register_forward_hook(self.note)

    def note(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        """Take the layout of the (batch, frames, mel_bins) features that were just embedded."""
        self.layout = self.model.layout(inputs[0].shape[1])


class TimeConvolution(nn.Conv2d):
    """A convolution along time inside each frequency row of the patches, zero-padded at the ends of a row.

    Args:
        channels: in and out.
        kernel: patches it reads, odd.
        clip: knows the layout.
        groups: as many as channels for a depthwise convolution.
    """

    def __init__(self, channels: int, kernel: int, clip: EmbeddedClip, groups: int = 1):
        super().__init__(channels, channels, (1, kernel), padding=(0, kernel // 2), groups=groups)
        self.clip = clip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, tokens) -> (batch, channels, tokens).

        Raises:
            ValueError: these are not all tokens of the clip embedded last.
        """
        layout = self.clip.layout
        if layout is None or x.shape[2] < layout.special + layout.patches:
            expected = "a clip that was embedded" if layout is None else f"{layout.special} + {layout.patches} or more"
            raise ValueError(f"expected the tokens of {expected}, got {x.shape[2]}; adapters cannot skip patches")
        special, virtual = x[:, :, : layout.special], x[:, :, layout.special + layout.patches :]
        rows = [special.unsqueeze(2), layout.fold(x), virtual.unsqueeze(3)]
        return torch.cat([super(TimeConvolution, self).forward(r).flatten(2) for r in rows if r.numel()], dim=2)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _quick_gelu(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)
