"""wav2vec 2.0 (Baevski et al. 2020, arXiv:2006.11477): a transformer over the waveform, split where methods cut in.

The network is transformers' ``Wav2Vec2Model``, in which a convolutional encoder makes one token of every 20 ms; the
head is the AST's, LayerNorm and Linear, over the mean token. Its pre-trained weights are on the Hugging Face hub
(``facebook/wav2vec2-base``); the quantiser and the projections of its pre-training are left there. Of what
transformers does in training, the dropping of whole blocks (LayerDrop) and the masking of tokens are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model, Wav2Vec2PreTrainedModel
from transformers.models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer import ASTMLPHead

from rsc_core.config import ModelConfig
from rsc_core.models.spectrogram_transformer import TokenLayout, classify_into, named, save_folder

SAMPLES_PER_FRAME = 160  # of ModelConfig.frames: 10 ms at 16 kHz
UNMASKED = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}


class Classifier(Wav2Vec2PreTrainedModel):
    """What is stored in a folder: transformers' network as ``wav2vec2``, and the head as ``classifier``."""

    def __init__(self, config: Wav2Vec2Config):
        super().__init__(config)
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = ASTMLPHead(config)
        self.post_init()


class Wav2Vec2(nn.Module):
    """A wav2vec 2.0 for normalised waveforms of any length from 25 ms.

    Args:
        hf: network and head; its config holds the geometry.
        samples: of a window.

    Attributes:
        head_parameters: pattern of the parameters every tuning trains.
        mlp_children: name, in a block, of the MLP; no LayerNorm stands in front of it.
        pooling: (batch, tokens, width) -> (batch, width), what ``pool`` does: the mean of all tokens, or a tuning's.
    """

    head_parameters = "hf.classifier.*"
    mlp_children = (None, "feed_forward")

    def __init__(self, hf: Classifier, samples: int):
        super().__init__()
        self.hf = hf
        self.input_shape = (samples,)
        self.pooling: Callable[[torch.Tensor], torch.Tensor] = partial(torch.mean, dim=1)

    @property
    def backbone(self) -> Wav2Vec2Model:
        """The network without its head."""
        return self.hf.wav2vec2

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer blocks, first to last."""
        return self.backbone.encoder.layers

    @property
    def width(self) -> int:
        """Length of a token."""
        return self.hf.config.hidden_size

    def layout(self, samples: int) -> TokenLayout:
        """Return the layout of the tokens of a clip of ``samples`` samples: one row in time, no special ones."""
        config, length = self.hf.config, samples
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            length = (length - kernel) // stride + 1
        if length < 1:
            raise ValueError(f"a clip needs at least 400 samples (25 ms) for one token, got {samples}")
        return TokenLayout((1, length), special=0)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, samples) normalised waveforms -> (batch, classes) logits."""
        return self.head(self.embedding(features))

    def embedding(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, samples) normalised waveforms -> (batch, width): what the head reads."""
        return self.pool(self.encode(self.embed(features)))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> (batch, tokens, width), without positions."""
        hidden = features.unsqueeze(1)
        # Layer by layer, since transformers' encoder would ask for gradients though all of it is frozen.
        for convolution in self.backbone.feature_extractor.conv_layers:
            hidden = convolution(hidden)
        return self.backbone.feature_projection(hidden.transpose(1, 2))[0]

    def encode(self, tokens: torch.Tensor, layout: TokenLayout | None = None) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, tokens + virtual, width): convolutional positions and the blocks.

        Args:
            tokens: of ``embed``, of any number.
            layout: not needed here, where positions follow from the tokens.
        """
        encoder = self.backbone.encoder
        hidden = encoder.dropout(encoder.layer_norm(tokens + encoder.pos_conv_embed(tokens)))
        for block in self.blocks:
            hidden = block(hidden)
        return hidden

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, width): what the head reads."""
        return self.pooling(tokens)

    def head(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, width) -> (batch, classes): LayerNorm and a Linear."""
        return self.hf.classifier(pooled)

    def classify_into(self, classes: tuple[str, ...]) -> None:
        """Replace the last Linear by a fresh one unless the model already tells these classes apart."""
        classify_into(self.hf, classes)


def build(config: ModelConfig) -> Wav2Vec2:
    """Return a fresh, randomly initialised network; ``frames`` of 10 ms are its window, patches have no meaning."""
    hf = Classifier(
        Wav2Vec2Config(
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.intermediate_size,
            conv_dim=[2 * config.hidden_size // 3] * 7,  # as wide for its tokens as the published ones are
            **named(config.classes),
            **UNMASKED,
        )
    )
    return Wav2Vec2(hf, config.frames * SAMPLES_PER_FRAME)


def load(name_or_folder: str, config: ModelConfig) -> Wav2Vec2:
    """Return the network stored in a folder, or named on the hub, in float32; it brings its own geometry.

    Pre-trained weights have no head for the classes and get a fresh one.

    Raises:
        ValueError: the weights lack a tensor the geometry needs, or the geometry is of another kind.
    """
    hf, info = Classifier.from_pretrained(name_or_folder, dtype=torch.float32, output_loading_info=True, **UNMASKED)
    lost = {str(key) for kind in ("missing_keys", "mismatched_keys") for key in info[kind]}
    head = {f"classifier.{name}" for name in hf.classifier.state_dict()}
    if lost := sorted(lost - head if head <= lost else lost):
        raise ValueError(
            f"{name_or_folder} does not hold a complete wav2vec 2.0: it lacks {', '.join(lost[:3])}. Use weights that "
            "transformers saved."
        )
    if hf.config.do_stable_layer_norm or hf.config.add_adapter:
        raise ValueError(
            f"{name_or_folder} is a wav2vec 2.0 with LayerNorms in front of its blocks, or with layers behind them; "
            "use one of the base kind, such as facebook/wav2vec2-base"
        )
    return Wav2Vec2(hf, config.frames * SAMPLES_PER_FRAME)


def save(folder: str | Path, model: Wav2Vec2, dtype: torch.dtype) -> None:
    """Write a transformers folder: ``config.json`` and ``model.safetensors``."""
    save_folder(folder, model.hf, dtype)
