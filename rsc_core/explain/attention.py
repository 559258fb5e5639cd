"""Attention as the model computed it, as maps over time and frequency.

The weights are recorded inside the model's own forward pass (the AST authors' notebook recomputes them without the
block's LayerNorm, and so shows another model's attention). Here the maps are read from the two tokens the decision is
taken from, CLS and DIST, and cover the patches only; heads.py reads every head from any token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from transformers.models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer import ASTAttention

from rsc_core.models.spectrogram_transformer import TokenLayout


def attends(model: nn.Module) -> bool:
    """Return whether a model has attention to record; a convolutional network has none."""
    return any(isinstance(module, ASTAttention) for module in model.modules())


@contextmanager
def record_attention(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Collect each block's (batch, heads, tokens, tokens) attention during forward passes, first block first.

    Attention is computed explicitly meanwhile, since the fused kernel keeps no weights; logits agree within 1e-5. The
    maps belong to the graph, so a score can be differentiated by them.

    Raises:
        ValueError: the model has no attention.
    """
    if not attends(model):
        raise ValueError("expected a model with attention, got a network that has none; choose another method")
    maps: list[torch.Tensor] = []
    fused = model.hf.config._attn_implementation
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output: maps.append(output[1]))
        for module in model.modules()
        if isinstance(module, ASTAttention)
    ]
    try:
        model.hf.set_attn_implementation("eager")
        yield maps
    finally:
        model.hf.set_attn_implementation(fused)
        for hook in hooks:
            hook.remove()


def last_layer(maps: list[torch.Tensor], layout: TokenLayout) -> torch.Tensor:
    """(batch, freq, time): what CLS and DIST read in the last block, mean over heads; sums to 1."""
    rows = from_special(maps[-1].mean(dim=1), layout)
    return rows / rows.sum(dim=(1, 2), keepdim=True)


def from_special(attention: torch.Tensor, layout: TokenLayout) -> torch.Tensor:
    """(batch, tokens, tokens) -> (batch, freq, time): the mean row of CLS and DIST, over the patches."""
    return layout.fold(attention[:, : layout.special].mean(dim=1))


def over_frames(patch_map: np.ndarray, patch: int, stride: int) -> np.ndarray:
    """(freq, time) per patch -> (freq, frames the patches cover): a frame gets the mean of the patches over it."""
    frames = (patch_map.shape[1] - 1) * stride + patch
    total, count = np.zeros((len(patch_map), frames)), np.zeros(frames)
    for t in range(patch_map.shape[1]):
        total[:, t * stride : t * stride + patch] += patch_map[:, t : t + 1]
        count[t * stride : t * stride + patch] += 1
    return total / count


def fold_back(windows: list[np.ndarray], first_frames: list[int], period: float, frames: int) -> np.ndarray:
    """Bring maps of windows back onto the clip they were cut from, so no one reads attention on a copy.

    Args:
        windows: (freq, window frames) each.
        first_frames: where each window starts on the clip, in frames.
        period: frames after which a repeated clip starts anew, fractions welcome (a rounded one drifts over many
            copies), at least 1; for a clip that was not repeated, as many as it or its window has.
        frames: of the clip.

    Returns:
        (freq, frames), the mean over all looks at a frame, scaled to sum to 1. A frame behind the last patch gets the
        value of the last frame that was seen.
    """
    total, count = np.zeros((len(windows[0]), frames)), np.zeros(frames)
    for window, first in zip(windows, first_frames, strict=True):
        position = ((first + np.arange(window.shape[1])) % period).astype(int)
        inside = position < frames
        np.add.at(total.T, position[inside], window.T[inside])
        np.add.at(count, position[inside], 1)
    seen = np.flatnonzero(count)
    nearest = seen[np.clip(np.searchsorted(seen, np.arange(frames), side="right") - 1, 0, None)]
    folded = total[:, nearest] / count[nearest]
    return folded / max(folded.sum(), np.finfo(float).tiny)
