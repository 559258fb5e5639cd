"""The Audio Spectrogram Transformer (Gong et al. 2021, arXiv:2104.01778), split where the methods cut in.

The network itself is Hugging Face's ``ASTForAudioClassification``, held as ``.hf`` and never subclassed, so its
checkpoints, peft and every tool that knows it keep working. This wrapper runs it in four steps that Patch-Mix,
prompts and explanations need separately: ``embed`` (patches), ``encode`` (special tokens, positions, blocks, final
LayerNorm), ``pool`` ((CLS + DIST) / 2) and ``head``. At the model's own length the logits equal Hugging Face's.

At other lengths the position grid is cropped from the middle of time, as the AST authors do, or interpolated
bilinearly where the clip is longer. (Hugging Face raises an error there; the LoRA-RSC and PETL code leaves positions
at frozen zeros.) Fresh models start from sine-cosine positions and Xavier weights, since transformers' zeros would
leave a model that cannot tell one patch from another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import ASTConfig, ASTForAudioClassification, PreTrainedModel
from transformers.utils import logging

from rsc_core.config import ModelConfig

logging.disable_progress_bar()  # loading takes a moment, and its bar would land in the output of every command


@dataclass(frozen=True)
class TokenLayout:
    """Which token is which: the only place that knows of CLS, DIST and how patches fold into a picture."""

    grid: tuple[int, int]  # (freq, time) patches
    special: int = 2  # CLS, DIST

    @property
    def patches(self) -> int:
        """Number of patch tokens."""
        return self.grid[0] * self.grid[1]

    def fold(self, values: torch.Tensor) -> torch.Tensor:
        """(…, tokens or patches) -> (…, freq, time). Special tokens in front and virtual tokens behind are dropped."""
        if values.shape[-1] != self.patches:
            values = values[..., self.special : self.special + self.patches]
        return values.unflatten(-1, self.grid)


class SpectrogramTransformer(nn.Module):
    """An AST for normalised log-mel clips of any length.

    Args:
        hf: the wrapped network; its config holds the geometry.

    Attributes:
        head_parameters: pattern of the parameters every tuning trains.
        mlp_children: names, in a block, of the LayerNorm in front of the MLP and of the MLP.
        pooling: (batch, tokens, width) -> (batch, width), what ``pool`` does: the mean of CLS and DIST, or a tuning's.
    """

    head_parameters = "hf.classifier.*"
    mlp_children = ("layernorm_after", "mlp")

    def __init__(self, hf: ASTForAudioClassification):
        super().__init__()
        self.hf = hf
        self.pooling: Callable[[torch.Tensor], torch.Tensor] = special_mean

    @property
    def backbone(self) -> nn.Module:
        """The network without its classification head."""
        return self.hf.audio_spectrogram_transformer

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer blocks, first to last."""
        return self.backbone.layers

    @property
    def input_shape(self) -> tuple[int, int]:
        """(frames, mel_bins) of a window."""
        return self.hf.config.max_length, self.hf.config.num_mel_bins

    @property
    def width(self) -> int:
        """Length of a token."""
        return self.hf.config.hidden_size

    def layout(self, frames: int) -> TokenLayout:
        """Return the token layout of a clip of ``frames`` frames."""
        c = self.hf.config
        if frames < c.patch_size:
            raise ValueError(f"a clip needs at least one patch of {c.patch_size} frames, got {frames}")
        freq = (c.num_mel_bins - c.patch_size) // c.frequency_stride + 1
        return TokenLayout((freq, (frames - c.patch_size) // c.time_stride + 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) normalised log-mel -> (batch, classes) logits."""
        return self.head(self.embedding(features))

    def embedding(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) normalised log-mel -> (batch, width): what the head reads."""
        layout = self.layout(features.shape[1])
        return self.pool(self.encode(self.embed(features), layout))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, frames, mel_bins) -> (batch, patches, width), frequency-major, without positions."""
        return self.backbone.embeddings.patch_embeddings(features)

    def encode(
        self, tokens: torch.Tensor, layout: TokenLayout | None = None, kept: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(batch, patches, width) -> (batch, special + patches + virtual, width) after the final LayerNorm.

        Args:
            tokens: of ``embed``.
            layout: positions are fitted to it; the model's own length by default.
            kept: (n,) indices of the patches to go on with; the others never enter a block. None: all of them.
        """
        embeddings = self.backbone.embeddings
        layout = layout or self.layout(self.hf.config.max_length)
        if tokens.shape[1] != layout.patches:
            raise ValueError(f"expected {layout.patches} patches for the grid {layout.grid}, got {tokens.shape[1]}")
        batch = tokens.shape[0]
        special = [t.expand(batch, -1, -1) for t in (embeddings.cls_token, embeddings.distillation_token)]
        hidden = torch.cat([*special, tokens], dim=1) + self.positions(layout)
        if kept is not None:
            hidden = torch.cat([hidden[:, : layout.special], hidden[:, layout.special + kept]], dim=1)
        hidden = embeddings.dropout(hidden)
        for block in self.blocks:
            hidden = block(hidden)
        return self.backbone.layernorm(hidden)

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, width): what the head reads."""
        return self.pooling(tokens)

    def head(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, width) -> (batch, classes): LayerNorm and a Linear."""
        return self.hf.classifier(pooled)

    def positions(self, layout: TokenLayout) -> torch.Tensor:
        """(1, special + patches, width) position embeddings cropped or interpolated to ``layout``."""
        stored = self.backbone.embeddings.position_embeddings
        own = self.layout(self.hf.config.max_length)
        if own.grid == layout.grid:
            return stored
        special, grid = stored[:, : own.special], stored[:, own.special :]
        grid = grid.transpose(1, 2).unflatten(-1, own.grid)  # (1, width, freq, time)
        time = layout.grid[1]
        if time <= own.grid[1]:
            first = (own.grid[1] - time) // 2
            grid = grid[..., first : first + time]
        if grid.shape[-2:] != layout.grid:
            grid = F.interpolate(grid, size=layout.grid, mode="bilinear", align_corners=False)
        return torch.cat([special, grid.flatten(2).transpose(1, 2)], dim=1)

    def classify_into(self, classes: tuple[str, ...]) -> None:
        """Replace the last Linear by a fresh one unless the model already tells these classes apart."""
        classify_into(self.hf, classes)


def classify_into(hf: PreTrainedModel, classes: tuple[str, ...]) -> None:
    """Replace the last Linear of a network's ``classifier`` unless it already tells these classes apart."""
    config = hf.config
    if tuple(config.id2label.values()) == tuple(classes):
        return
    head = nn.Linear(config.hidden_size, len(classes))
    nn.init.trunc_normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    hf.classifier.dense = head
    hf.num_labels = len(classes)
    config.update(named(classes))


def named(classes: tuple[str, ...]) -> dict[str, dict[Any, Any]]:
    """Return classes as the options of a transformers config."""
    return {"id2label": dict(enumerate(classes)), "label2id": {name: i for i, name in enumerate(classes)}}


def special_mean(tokens: torch.Tensor) -> torch.Tensor:
    """(batch, tokens, width) -> (batch, width): the mean of CLS and DIST."""
    return (tokens[:, 0] + tokens[:, 1]) / 2


def build(config: ModelConfig) -> SpectrogramTransformer:
    """Return a fresh, randomly initialised AST of ``config``'s geometry."""
    hf = ASTForAudioClassification(
        ASTConfig(
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.intermediate_size,
            patch_size=config.patch,
            frequency_stride=config.stride,
            time_stride=config.stride,
            max_length=config.frames,
            num_mel_bins=config.mel_bins,
            **named(config.classes),
        )
    )
    model = SpectrogramTransformer(hf)
    _initialise(model)
    if config.initialisation == "mimetic":
        mimetic_attention(model)
    if config.initialisation == "structured":
        structured_attention(model)
    return model


def load(name_or_folder: str, config: ModelConfig | None = None) -> SpectrogramTransformer:
    """Return the AST stored in a folder, or named on the Hugging Face hub, in float32; it brings its own geometry.

    Raises:
        ValueError: the weights lack a tensor the geometry needs, or hold one it does not know. (transformers would
            initialise the former at random and go on.)
    """
    hf, info = ASTForAudioClassification.from_pretrained(name_or_folder, dtype=torch.float32, output_loading_info=True)
    problems = [
        f"{kind.replace('_', ' ')} {', '.join(sorted(map(str, info[kind]))[:3])}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if info[kind]
    ]
    if problems:
        raise ValueError(
            f"{name_or_folder} does not hold a complete Audio Spectrogram Transformer: {'; '.join(problems)}. "
            "Use weights saved by ASTForAudioClassification.save_pretrained."
        )
    return SpectrogramTransformer(hf)


def save(folder: str | Path, model: SpectrogramTransformer, dtype: torch.dtype) -> None:
    """Write a transformers folder: ``config.json`` and ``model.safetensors``."""
    save_folder(folder, model.hf, dtype)


def save_folder(folder: str | Path, hf: PreTrainedModel, dtype: torch.dtype) -> None:
    """Write a network of transformers into a folder that loads in float32, whatever precision is stored."""
    folder = Path(folder)
    state = {name: t.detach().to(dtype).contiguous() for name, t in hf.state_dict().items()}
    hf.save_pretrained(folder, state_dict=state)
    # transformers notes the stored precision; as float32 the folder loads as a float32 model everywhere.
    config = json.loads((folder / "config.json").read_text())
    config["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def _initialise(model: SpectrogramTransformer) -> None:
    """Xavier-uniform Linears, zero biases, sine-cosine positions on the patch grid, small special tokens."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    embeddings = model.backbone.embeddings
    projection = embeddings.patch_embeddings.projection
    nn.init.xavier_uniform_(projection.weight.data.view(projection.out_channels, -1))
    nn.init.zeros_(projection.bias)
    layout = model.layout(model.hf.config.max_length)
    with torch.no_grad():
        for token in (embeddings.cls_token, embeddings.distillation_token):
            nn.init.trunc_normal_(token, std=0.02)
        embeddings.position_embeddings[:, layout.special :] = sine_cosine(layout.grid, model.width)
        nn.init.trunc_normal_(model.hf.classifier.dense.weight, std=0.02)


@torch.no_grad()
def mimetic_attention(model: SpectrogramTransformer) -> None:
    """Set the blocks' attention weights to products that pre-trained transformers end up with.

    Query-key products of a head near 0.7 Z + 0.7 I, so that like attends to like, and value-output products near
    0.4 Z - 0.4 I, with Z normal of variance 1 / width (Trockman & Kolter 2023, arXiv:2305.09828, section 3).
    """
    width, heads = model.width, model.hf.config.num_attention_heads
    size, identity = width // heads, torch.eye(width)
    for block in model.blocks:
        attention = block.attention
        for head in range(heads):
            rows = slice(head * size, (head + 1) * size)
            left, values, right = torch.linalg.svd(0.7 * torch.randn(width, width) / width**0.5 + 0.7 * identity)
            root = values[:size].sqrt()
            attention.q_proj.weight[rows] = (left[:, :size] * root).T
            attention.k_proj.weight[rows] = root.unsqueeze(1) * right[:size]
        left, values, right = torch.linalg.svd(0.4 * torch.randn(width, width) / width**0.5 - 0.4 * identity)
        attention.o_proj.weight.copy_(left * values.sqrt())
        attention.v_proj.weight.copy_(values.sqrt().unsqueeze(1) * right)


@torch.no_grad()
def structured_attention(model: SpectrogramTransformer, sharpness: float = 6.0) -> None:
    """Let every head start by reading one neighbour of each patch, or the patch itself, as a convolution does.

    The idea is Zheng et al.'s (2024, arXiv:2404.01139); the construction is ours and uses that positions are sines and
    cosines: turned by the angle of an offset, the position of a patch becomes that of the patch there, so queries are
    turned positions, keys are plain ones, and their product is largest at the offset. The offset of a head, at most
    one patch in time and in frequency, is drawn. What a patch holds is at first written beside the entries that tell
    its place, CLS and DIST read all patches alike, and what a block adds is scaled by 1 / sqrt(2 blocks).

    Args:
        model: with sine-cosine positions.
        sharpness: factor of the logits; at 6 a patch one step beside the offset gets about a fifth as much.
    """
    width, heads = model.width, model.hf.config.num_attention_heads
    size, quarter = width // heads, width // 4
    offsets = [(freq, time) for freq in (-1, 0, 1) for time in (-1, 0, 1)]
    pairs = torch.arange(size // 4)  # of sines and cosines, the fastest ones, for each axis
    embeddings = model.backbone.embeddings
    positions = embeddings.position_embeddings[0, 2:]
    taken = (positions.mean(dim=1) / positions.std(dim=1)).mean()  # what a LayerNorm takes from every entry
    for block in model.blocks:
        attention = block.attention
        for head, pick in enumerate(torch.randperm(len(offsets))[:heads].tolist()):
            query, key = torch.zeros(size, width), torch.zeros(size, width)
            for axis, offset in enumerate(offsets[pick]):
                sine, cosine = 2 * axis * quarter + pairs, (2 * axis + 1) * quarter + pairs
                rows = 2 * axis * len(pairs) + pairs
                turn = offset * frequencies(width)[: len(pairs)]
                query[rows, sine], query[rows, cosine] = turn.cos(), turn.sin()
                query[rows + len(pairs), cosine], query[rows + len(pairs), sine] = turn.cos(), -turn.sin()
                key[rows, sine] = key[rows + len(pairs), cosine] = 1.0
            at = slice(head * size, (head + 1) * size)
            attention.q_proj.weight[at] = query * sharpness**0.5
            attention.k_proj.weight[at] = key * sharpness**0.5
            attention.q_proj.bias[at] = taken * query.sum(dim=1) * sharpness**0.5
            attention.k_proj.bias[at] = taken * key.sum(dim=1) * sharpness**0.5
        for added in (attention.o_proj, block.mlp.fc2):
            added.weight /= (2 * len(model.blocks)) ** 0.5
    places = torch.cat([axis * quarter + pairs for axis in range(4)])
    embeddings.patch_embeddings.projection.weight[places] = 0
    for token in (embeddings.cls_token, embeddings.distillation_token):
        for _ in range(20):  # until a LayerNorm gives -taken there, which the biases cancel
            token[..., places] = token.mean() - taken * token.std()


def frequencies(width: int) -> torch.Tensor:
    """(width / 4,) angular frequencies of the sine-cosine positions, in radians a patch."""
    return 10000.0 ** (-torch.arange(width // 4) / (width // 4))


def sine_cosine(grid: tuple[int, int], width: int) -> torch.Tensor:
    """(patches, width): a quarter of the width each for the sine and cosine of frequency and of time position."""
    if width % 4:
        raise ValueError(f"sine-cosine positions need a width divisible by 4, got {width}")
    freq, time = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    angles = [axis.flatten().unsqueeze(1) * frequencies(width) for axis in (freq, time)]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], dim=1)
