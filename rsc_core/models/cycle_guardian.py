"""CycleGuardian (Chu et al. 2025, arXiv:2502.00734): a clip's windows are clustered, and each cluster tells its part.

A hybrid spectrogram of three maps is cut into overlapping windows of 20 frames (0.23 s), 45 for a clip of 8 s. A small
convolutional network turns every window into a vector; the vectors are clustered around four learned centres; those
of each cluster are summed up into one vector, and the four are fused for the head. 6,626,359 parameters.

This differs from the published code, on purpose. All windows go through the network in one batch, with one batch
statistic, where it loops over them. A cluster that holds no window of a clip adds nothing to its answer and to the
constraint, where it adds learned constants. The constraint is the cosine of vectors that its matrix has mapped, where
the code maps one of the two above the fraction and both below, so that a larger matrix makes anything less alike. And
two modules that never learn are left out. ``faithful`` follows the code in these, in the statistics of each window
position by itself and in how weights are drawn, and holds the two modules: 6,790,967 parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.config import ModelConfig
from rsc_core.features.hybrid import HYBRID_MAPS, ROWS
from rsc_core.models import own
from rsc_core.models.clustering import CENTRES, CODE, Clustering
from rsc_core.models.position_norm import PositionBatchNorm
from rsc_core.models.spectrogram_transformer import TokenLayout

WINDOW, STRIDE = 20, 15  # frames
HIDDEN = 1024  # between the convolutions and a window's vector
CACHED = 2  # clips whose windows a processor encodes at once: what they become stays in its cache
SMALLEST = 1e-8  # squared length below which a vector points nowhere


@dataclass(frozen=True)
class Clusters:
    """What the network makes of a batch of clips."""

    soft: torch.Tensor  # (batch, windows, 4) assignments of each window, a sum of 1
    vectors: torch.Tensor  # (batch, 4, 128) what each cluster tells
    pooled: torch.Tensor  # (batch, 128) what the head reads


def window_count(frames: int) -> int:
    """Windows of a clip of ``frames`` frames: 45 of 688."""
    return (frames - WINDOW) // STRIDE + 1


class WindowEncoder(nn.Sequential):
    """(windows, 3, 84, 20) -> (windows, width): five convolutions and two linear layers.

    Args:
        width: of a window's vector.
        positions: windows of a clip where each position is normalised by itself, 0 where all are together.
    """

    def __init__(self, width: int, positions: int = 0):
        def norm(channels: int, plain: type[nn.Module] = nn.BatchNorm2d) -> nn.Module:
            return PositionBatchNorm(channels, positions) if positions else plain(channels)

        layers: list[nn.Module] = []
        channels = len(HYBRID_MAPS)
        for out, kernel, stride, padding in (
            (16, 1, 1, 0),
            (32, 3, 2, 0),
            (64, 1, 1, 0),
            (128, 3, 2, 0),
            (256, 3, 2, 1),
        ):
            mode = "circular" if padding else "zeros"
            conv = nn.Conv2d(channels, out, kernel, stride, padding, padding_mode=mode)
            layers += [conv, norm(out), nn.ReLU(inplace=True)]
            channels = out
        flat = channels * 10 * 2  # what the strides leave of 84 rows and 20 frames
        layers += [nn.Flatten(), nn.Linear(flat, HIDDEN), norm(HIDDEN, nn.BatchNorm1d), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Linear(HIDDEN, width), nn.Softplus())


class Summary(nn.Module):
    """Sums up the windows of each cluster: a weight for each position, then a linear layer, GELU and norm behind both.

    Args:
        windows: of a clip.
        width: of a window's vector.
    """

    def __init__(self, windows: int, width: int):
        super().__init__()
        self.positions, self.position_norm = nn.Linear(windows, 1), nn.LayerNorm(width)
        self.projection, self.norm = nn.Linear(width, CODE), nn.LayerNorm(CODE)
        nn.init.zeros_(self.projection.bias)  # a cluster without windows then tells nothing at first

    def forward(self, windows: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
        """(batch, windows, width) vectors, (batch, windows, 4) 1 for a member -> (batch, 4, 128)."""
        weights = (members * self.positions.weight.T).transpose(1, 2)  # of windows; those of others are 0
        summed = weights @ windows + self.positions.bias
        return self.norm(F.gelu(self.projection(self.position_norm(F.gelu(summed)))))


class CycleGuardian(own.OwnNetwork):
    """Network for hybrid spectrograms of one length.

    Args:
        config: ``hidden_size`` is the width of a window's vector, ``frames`` the length of a clip; ``faithful``.

    Attributes:
        time_axis: of its features, for ``models.layout_of``.
        similarity: (128, 128) what cluster vectors are mapped by before they are compared.
    """

    width = CODE
    time_axis = 3

    def __init__(self, config: ModelConfig):
        super().__init__()
        windows = window_count(config.frames)
        if windows < 1:
            raise ValueError(f"frames must be {WINDOW} or more, got {config.frames}")
        self.faithful = config.faithful
        self.input_shape = (len(HYBRID_MAPS), ROWS, config.frames)
        self.window_encoder = WindowEncoder(config.hidden_size, windows if config.faithful else 0)
        self.clustering = Clustering(config.hidden_size, decoder=config.faithful)
        self.summary = Summary(windows, config.hidden_size)
        self.similarity = nn.Parameter(torch.eye(CODE))
        self.fusion, self.fusion_norm = nn.Linear(CENTRES, 1), nn.LayerNorm(CODE)
        self.gate = nn.Linear(CENTRES * CODE, CODE, bias=False) if config.faithful else None
        self.classify_into(config.classes)
        if self.faithful:
            self._draw_as_published()

    def layout(self, frames: int) -> TokenLayout:
        """Return the layout of ``embed``'s tokens, one a window; there are no special ones."""
        return TokenLayout((1, window_count(frames)), special=0)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 3, 84, frames) standardised maps -> (batch, classes) logits."""
        return self.head(self.embedding(features))

    def embedding(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 3, 84, frames) standardised maps -> (batch, 128): what the head reads."""
        return self.cluster(self.embed(features)).pooled

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 3, 84, frames) -> (batch, windows, width).

        Raises:
            ValueError: the maps are of another shape than the network was made for.
        """
        if tuple(features.shape[1:]) != self.input_shape:
            wanted, got = ("x".join(map(str, shape)) for shape in (self.input_shape, features.shape[1:]))
            raise ValueError(
                f"this network reads hybrid spectrograms of {wanted}, got {got}; use the window it was trained with"
            )
        windows = features.unfold(3, WINDOW, STRIDE).permute(0, 3, 1, 2, 4)
        at_once = len(features) if self.training or features.is_cuda else CACHED
        # With channels last, a processor trains a quarter faster.
        order = torch.contiguous_format if features.is_cuda else torch.channels_last
        parts = (clips.flatten(0, 1).contiguous(memory_format=order) for clips in windows.split(at_once))
        encoded = [self.window_encoder(part) for part in parts]
        return torch.cat(encoded).unflatten(0, windows.shape[:2])

    def encode(self, tokens: torch.Tensor, layout: TokenLayout | None = None) -> torch.Tensor:
        """(batch, windows, width) -> (batch, 4, 128): what each cluster tells."""
        return self.cluster(tokens).vectors

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, 4, 128) -> (batch, 128): the clusters fused."""
        fused = self.fusion(tokens.transpose(1, 2)).squeeze(2)
        return self.fusion_norm(F.gelu(fused))

    def cluster(self, windows: torch.Tensor) -> Clusters:
        """(batch, windows, width) -> assignments, what each cluster tells, and all of it fused.

        A window belongs to the cluster it is assigned to most.
        """
        soft = self.clustering(windows)
        vectors = self.summarise(windows, F.one_hot(soft.argmax(dim=2), CENTRES))
        return Clusters(soft, vectors, self.pool(vectors))

    def summarise(self, windows: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
        """(batch, windows, width), (batch, windows, 4) 1 for a member -> (batch, 4, 128): what each cluster tells.

        A cluster without members tells nothing; in the faithful network, learned constants.
        """
        members = members.to(windows.dtype)
        vectors = self.summary(windows, members)
        return vectors if self.faithful else vectors * members.amax(dim=1).unsqueeze(2)

    def likeness(self, vectors: torch.Tensor) -> torch.Tensor:
        """(batch, 4, 128) -> scalar: how alike the clusters' vectors are.

        For every pair of clusters the mean over clips of their cosine's absolute value, once ``similarity`` has mapped
        both (the soft cosine of Sidorov et al. 2014 with this matrix times its transpose); the sum of all six pairs. A
        zero vector is like none. Faithful: the product of one vector and the other mapped, over both mapped lengths.
        """
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = vectors.float()
            mapped = vectors @ self.similarity
            products = (vectors if self.faithful else mapped) @ mapped.transpose(1, 2)
            length = mapped.square().sum(dim=2).clamp_min(SMALLEST).sqrt()
            cosine = products / (length.unsqueeze(1) * length.unsqueeze(2))
            return sum(cosine[:, i, j].abs().mean() for i, j in combinations(range(CENTRES), 2))

    def _draw_as_published(self) -> None:
        """Draw linear weights of 0.01, those of convolutions for ReLU (He et al. 2015, outputs counted); no bias."""
        convolutions = (self.summary.positions, self.fusion)  # in the code, over one position each
        for module in self.modules():
            if isinstance(module, nn.Conv2d) or module in convolutions:
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.01)
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)


def build(config: ModelConfig) -> CycleGuardian:
    """Return a fresh network."""
    return CycleGuardian(config)


def load(folder: str, config: ModelConfig) -> CycleGuardian:
    """Return the network stored in a folder, in float32; errors as of ``own.load_into``."""
    return own.load_into(CycleGuardian(config), folder)


save = own.save
