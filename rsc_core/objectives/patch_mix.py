"""Patch-Mix: patches of a clip are replaced by another's, and the model is to tell both, each by its share.

Bae et al. 2023 (arXiv:2305.14032) mix patch embeddings, before special tokens and positions are added: a set of
patches, the same for the whole batch, comes from a random other clip. The share a clip keeps is drawn from
Beta(beta, beta) once for the batch and counted again from the patches that were left. Two losses: the cross-entropy
of the mixed labels on the mixed clips; or that of the true labels on the clips as they are, plus a contrastive loss
that compares mixed clips with them (``contrastive``).

The published code pushes clips of one class apart; ``negatives`` leaves them out unless it is "all". Both views go
through the network in one pass, but where a batch normalisation would confuse their statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from rsc_core import models
from rsc_core.models.spectrogram_transformer import TokenLayout
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.objectives.contrastive import Comparison, mixed_contrastive, projector
from rsc_core.objectives.cross_entropy import label_loss
from rsc_core.options import check, option


@dataclass(frozen=True)
class Config(Comparison):
    """How patches are mixed, and what is minimised."""

    loss: str = option("contrastive", choices=("cross_entropy", "contrastive"))
    beta: float = option(1.0, low=0)  # the share kept is of Beta(beta, beta); 0: all is kept
    domain: str = option("patch", choices=("patch", "time"))  # "time": all patches of a moment are replaced at once
    weight: float = option(1.0, low=0)  # of the contrastive loss

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class Mix:
    """Which patches of a batch's clips come from which other clips."""

    replaced: torch.Tensor  # (patches,) bool, the same for every clip
    partner: torch.Tensor  # (batch,) index of the clip a clip's replaced patches come from

    @property
    def kept(self) -> float:
        """Share of its patches that a clip keeps."""
        return 1 - self.replaced.sum().item() / len(self.replaced)

    def tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, patches, width) -> the same of the mixed clips."""
        replaced, partner = self.replaced.to(tokens.device), self.partner.to(tokens.device)
        return torch.where(replaced.unsqueeze(1), tokens[partner], tokens)

    def targets(self, targets: torch.Tensor) -> torch.Tensor:
        """(batch, classes) -> the same of the mixed clips: both clips' targets, by their shares."""
        return self.kept * targets + (1 - self.kept) * targets[self.partner.to(targets.device)]


def draw_share(beta: float, generator: torch.Generator) -> float:
    """Draw the share a clip keeps from Beta(beta, beta); 1 where ``beta`` is 0."""
    if not beta:
        return 1.0
    # Beta from two Gammas, because torch's distributions take no generator.
    own, other = torch._standard_gamma(torch.full((2,), beta), generator=generator).tolist()
    return own / max(own + other, 1e-12)


def choose_patches(layout: TokenLayout, kept: float, domain: str, generator: torch.Generator) -> torch.Tensor:
    """(patches,) bool: a random ``1 - kept`` of the patches, or of moments with all their patches, rounded down."""
    freq, time = layout.grid
    places = layout.patches if domain == "patch" else time
    replaced = torch.zeros(places, dtype=torch.bool)
    replaced[torch.randperm(places, generator=generator)[: int(places * (1 - kept))]] = True
    return replaced if domain == "patch" else replaced.repeat(freq)


def contrast(
    network: nn.Module,
    clips: torch.Tensor,
    mixed: torch.Tensor,
    mix: Mix,
    targets: torch.Tensor,
    options: Comparison,
) -> torch.Tensor:
    """Return the contrastive loss between mixed clips and the clips themselves, a scalar.

    Args:
        network: ``projector``.
        clips: (batch, width) features of the clips.
        mixed: (batch, width) features of the mixed clips.
        mix: what was mixed.
        targets: (batch, classes) of the clips.
        options: what is compared with what.
    """
    wanted = network(clips) if options.target.startswith("project") else clips
    if options.target.endswith("block"):
        wanted = wanted.detach()
    labels = targets.argmax(dim=1) if options.negatives == "diff_label" else None
    partner = mix.partner.to(mixed.device)
    return mixed_contrastive(network(mixed), wanted, partner, mix.kept, options.temperature, labels)


class PatchMix(nn.Module):
    """Patch-Mix cross-entropy, or cross-entropy and the Patch-Mix contrastive loss.

    Args:
        options: what is mixed, and which loss.
        task: classes, label smoothing, class weights and the offset.
        model: any that splits into ``embed`` and ``encode``.

    Raises:
        ValueError: the model does not, or mixup would mix the clips too.
    """

    Config = Config
    labels = True

    def __init__(self, options: Config, task: Task, model: nn.Module):
        super().__init__()
        if not hasattr(model, "embed"):
            raise ValueError(f"patch_mix mixes what a model's embed returns, and {type(model).__name__} has none")
        if task.mixup:
            raise ValueError(f"patch_mix mixes clips by itself, so mixup must be 0, got {task.mixup}")
        self.options, self.task = options, task
        self.projector = projector(model.width) if options.loss == "contrastive" else None

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch and its parts; ``kept`` is the share each clip kept."""
        options = self.options
        layout, tokens = models.layout_of(model, batch.features), model.embed(batch.features)
        replaced = choose_patches(layout, draw_share(options.beta, generator), options.domain, generator)
        mix = Mix(replaced, torch.randperm(len(tokens), generator=generator))
        if self.projector is None:
            pooled = model.pool(model.encode(mix.tokens(tokens), layout))
            total = label_loss(model.head(pooled), mix.targets(batch.targets), self.task)
            return LossParts(total, {"mixed_cross_entropy": total.item(), "kept": mix.kept})
        clips, mixed = both_views(model, tokens, mix.tokens(tokens), layout)
        total = label_loss(model.head(clips), batch.targets, self.task)
        parts = {"cross_entropy": total.item(), "kept": mix.kept}
        if len(clips) > 1:  # one clip by itself has a loss of zero, and no batch statistics for the projector
            contrastive = contrast(self.projector, clips, mixed, mix, batch.targets, options)
            total = total + options.weight * contrastive
            parts["contrastive"] = contrastive.item()
        return LossParts(total, parts)


def both_views(
    model: nn.Module, tokens: torch.Tensor, mixed: torch.Tensor, layout: TokenLayout
) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, width) pooled features of clips and of mixed clips, from (batch, patches, channels) tokens of each.

    One pass of twice the batch, or two where batch normalisations are training, each view with its own statistics.
    """
    if any(isinstance(module, _BatchNorm) and module.training for module in model.modules()):
        return model.pool(model.encode(tokens, layout)), model.pool(model.encode(mixed, layout))
    clips, mixed = model.pool(model.encode(torch.cat([tokens, mixed]), layout)).chunk(2)
    return clips, mixed
