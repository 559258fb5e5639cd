"""A linear probe on kept embeddings: the frozen backbone runs once for each clip, an epoch trains the head alone.

What the head reads is the same in every epoch where nothing but the head learns and nothing is done to the inputs: no
augmentation, no mixup. Every training clip then has one extent, drawn as training draws it (``rsc_core.data.loader``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from rsc_core.config import RunConfig
from rsc_core.data.corpus import Clip
from rsc_core.data.loader import Waveforms, draw, evaluation_batches, targets_of, training_windows
from rsc_core.features import extract

BATCH = 64  # clips embedded at once
OBJECTIVES = ("cross_entropy", "binary_cross_entropy")
"""Objectives that see nothing of a model but its logits."""


def applies(config: RunConfig) -> bool:
    """Return whether what the head reads of a clip is the same in every epoch."""
    settings = config.train
    plain = not (settings.augment or settings.mixup or settings.synthetic or settings.events)
    return config.tuning == "linear" and config.objective in OBJECTIVES and plain


class Head(nn.Module):
    """A model from its embeddings on; its parameters are the model's."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(batch, width) -> (batch, classes) logits."""
        return self.model.head(embeddings)


class Embeddings:
    """What the head reads of the clips a run learns from, and of those it looks at after every epoch.

    Args:
        model: the whole network; it is put into evaluation mode for the pass.
        config: of the run.
        training: clips to learn from.
        looked_at: clips that are labelled after every epoch.
        waveforms: of all these clips.
        device: where the model is.
        dtype: precision of the pass.
        progress: show a bar.
    """

    def __init__(
        self,
        model: nn.Module,
        config: RunConfig,
        training: Sequence[Clip],
        looked_at: Sequence[Clip],
        waveforms: Waveforms,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        progress: bool = True,
    ):
        self.model, self.config, self.device, self.dtype = model.eval(), config, device, dtype
        self.clips, self.targets = training, targets_of(training, len(config.model.classes))
        self.windows: dict[Clip, torch.Tensor] = {}  # (windows, width) of each
        with tqdm(total=len(training) + len(looked_at), desc="embedding", unit=" clips", disable=not progress) as bar:
            rng = np.random.default_rng(config.train.seed)
            rows = []
            for first in range(0, len(training), BATCH):
                batch = training[first : first + BATCH]
                cut = training_windows(batch, waveforms, config.audio.window_s, config.train.extent_s, rng)
                rows.append(self._embed(cut))
                bar.update(len(batch))
            self.rows = torch.cat(rows)  # (clips, width)
            done = 0
            for batch, owner in evaluation_batches(looked_at, waveforms, BATCH):
                embedded = self._embed(batch)
                for index in owner.unique().tolist():
                    self.windows[looked_at[index]] = embedded[owner == index]
                bar.update(int(owner.max()) + 1 - done)
                done = int(owner.max()) + 1

    def training_batches(self, seed: int, count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield one epoch of ((batch, width) embeddings, (batch, classes) targets), drawn as clips are."""
        for picks in draw(self.clips, self.config.train.balance, seed, count).split(self.config.train.batch_size):
            yield self.rows[picks.to(self.rows.device)], self.targets[picks]

    def evaluation_batches(self, clips: Sequence[Clip]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield ((windows, width) embeddings, (windows,) clip index) of clips that are looked at."""
        own = [self.windows[clip] for clip in clips]
        counts = torch.tensor([len(rows) for rows in own])
        yield torch.cat(own), torch.arange(len(own)).repeat_interleave(counts)

    @torch.no_grad()
    def _embed(self, waveforms: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            features = extract(waveforms.to(self.device), self.config.audio, self.config.features)
            return self.model.embedding(features)
