"""A transformer learns from a convolutional teacher: its labels into the DIST token, what it holds into all tokens.

DeiT (Touvron et al. 2021, arXiv:2012.12877) gave the transformer a second token that learns the teacher's labels while
CLS learns the true ones; the AST inherited that token. Here the one head reads (CLS + DIST) / 2 for the true labels
and, in this objective, DIST alone for the teacher's.

A transformer from scratch learns little from a few thousand labels, so more is asked for, through linear projectors
that are thrown away (FitNets, Romero et al. 2015, arXiv:1412.6550): after a middle block each patch tells what the
teacher's last stage but one holds at its place, and at the end DIST tells what the teacher's head reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core import checkpoint
from rsc_core.augment import mixup
from rsc_core.models.cnn import CNN
from rsc_core.models.spectrogram_transformer import SpectrogramTransformer
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.objectives.cross_entropy import label_loss
from rsc_core.options import check, option


@dataclass(frozen=True)
class Config:
    """How much the teacher says."""

    teacher: str = "checkpoints/sprsound-cnn"  # run folder of a CNN
    label_weight: float = option(0.5, low=0)  # of the teacher's labels
    feature_weight: float = option(3.0, low=0)  # of the teacher's local features
    embedding_weight: float = option(3.0, low=0)  # of what the teacher's head reads
    block: int = option(8, low=1)  # whose output tells the local features; the blocks behind it are free to use them
    temperature: float = option(1.0, positive=True)  # both label distributions are softened by it
    patch_dropout: float = option(0.0, low=0, below=1)  # share of patches left out of a batch

    def __post_init__(self):
        check(self)


class Distillation(nn.Module):
    """Cross-entropy of the labels + the teacher's labels and embedding at DIST + its local features at every patch.

    Args:
        options: the teacher and the weights of what it says.
        task: classes, label smoothing, mixup; teacher and student see the same mixed clip.
        model: the student, an Audio Spectrogram Transformer.

    Raises:
        ValueError: student or teacher is not of its kind, the student has no such block, or they tell different
            classes apart.
        CheckpointError: the teacher cannot be loaded.
    """

    Config = Config
    labels = True

    def __init__(self, options: Config, task: Task, model: nn.Module):
        super().__init__()
        loaded = checkpoint.load(options.teacher)
        if not isinstance(loaded.model, CNN) or not isinstance(model, SpectrogramTransformer):
            raise ValueError(
                "distillation teaches an Audio Spectrogram Transformer by a CNN; got the student "
                f"{type(model).__name__} and the teacher {type(loaded.model).__name__} from {options.teacher}"
            )
        if loaded.config.model.classes != task.classes:
            raise ValueError(
                f"the teacher in {options.teacher} tells {', '.join(loaded.config.model.classes)} apart, the run "
                f"{', '.join(task.classes)}; train a teacher on the run's labels"
            )
        if options.block > len(model.blocks):
            raise ValueError(f"block must be one of the student's {len(model.blocks)}, got {options.block}")
        self.options, self.task = options, task
        self._teacher = (loaded.model.requires_grad_(False),)  # in a tuple: neither stored nor trained with the run
        self._scale, self._shift = loaded.config.features.translate(task.features)
        self.features = Hint(model.width, loaded.model.local_channels)
        self.embedding = Hint(model.width, loaded.model.width)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch and its parts."""
        options, task = self.options, self.task
        features, targets = mixup(batch.features, batch.targets, task.mixup, generator)
        layout = model.layout(features.shape[1])
        kept = None
        if options.patch_dropout:
            count = max(1, round(layout.patches * (1 - options.patch_dropout)))
            kept = torch.randperm(layout.patches, generator=generator)[:count].sort().values.to(features.device)
        middle: list[torch.Tensor] = []
        hook = model.blocks[options.block - 1].register_forward_hook(lambda _m, _a, output: middle.append(output))
        try:
            tokens = model.encode(model.embed(features), layout, kept)
        finally:
            hook.remove()
        held, pooled, taught = self._ask(features)
        total = label_loss(model.head(model.pool(tokens)), targets, task)
        parts = {"cross_entropy": total.item()}
        if options.label_weight:
            said = F.log_softmax(model.head(tokens[:, 1]).float() / options.temperature, dim=1)
            wanted = F.softmax(taught / options.temperature, dim=1)
            labels = F.kl_div(said, wanted, reduction="batchmean") * options.temperature**2
            total = total + options.label_weight * labels
            parts["teacher_labels"] = labels.item()
        if options.feature_weight:
            held = held[:, :, : layout.grid[0], : layout.grid[1]].flatten(2).transpose(1, 2)
            held = held if kept is None else held[:, kept]
            local = self.features(middle[0][:, layout.special :].flatten(0, 1), held.flatten(0, 1))
            total = total + options.feature_weight * local
            parts["teacher_features"] = local.item()
        if options.embedding_weight:
            embedding = self.embedding(tokens[:, 1], pooled)
            total = total + options.embedding_weight * embedding
            parts["teacher_embedding"] = embedding.item()
        return LossParts(total, parts)

    @torch.no_grad()
    def _ask(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the teacher's ``look`` returns of a student's batch."""
        teacher = self._teacher[0].to(features.device)
        return tuple(t.float() for t in teacher.look(features * self._scale + self._shift))


class Hint(nn.Module):
    """How far a student's tokens, projected linearly, are from the teacher's values, standardised over the batch.

    Args:
        width: of a token.
        channels: of the teacher's values.
    """

    def __init__(self, width: int, channels: int):
        super().__init__()
        self.projector = nn.Linear(width, channels)
        self.standardise = nn.BatchNorm1d(channels, affine=False)

    def forward(self, tokens: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(n, width) tokens, (n, channels) values -> scalar: Huber loss, quadratic up to one deviation."""
        running = self.standardise.running_mean, self.standardise.running_var
        # One clip has no deviation of its own: it is set against those before it.
        wanted = self.standardise(values) if len(values) > 1 else F.batch_norm(values, *running)
        return F.smooth_l1_loss(self.projector(tokens).float(), wanted)
