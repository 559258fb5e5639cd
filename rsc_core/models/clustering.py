"""Deep embedded clustering (Xie et al. 2016, arXiv:1511.06335), as CycleGuardian clusters the windows of a clip.

A window's vector is taken to a small code, and its soft assignment to each centre falls with their distance like
Student's t of one degree of freedom. The loss draws the assignments towards a sharpened target: squared, divided by
how much each cluster holds within the clip, and brought back to a sum of 1.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

CENTRES = 4
CODE = 128  # width of what is clustered
SMALLEST = 1e-10  # added to an assignment before its logarithm


class Clustering(nn.Module):
    """Assigns vectors to ``CENTRES`` learned centres.

    Args:
        width: of a vector.
        decoder: build the decoder of the published code too. Nothing there reads it, so it never learns.
    """

    def __init__(self, width: int, decoder: bool = False):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, CODE), nn.ReLU())
        self.decoder = nn.Linear(CODE, width) if decoder else None
        self.centres = nn.Parameter(torch.randn(CENTRES, CODE))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, 4) soft assignments, each row a sum of 1, in float32 whatever the precision around it."""
        return F.normalize(1 / (1 + self.squared_distances(vectors)), p=1, dim=-1)

    def squared_distances(self, vectors: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, 4): how far the code of each lies from each centre, squared, in float32."""
        return _squared_distances(self._codes(vectors), self.centres)

    @torch.no_grad()
    def revive(self, vectors: torch.Tensor) -> None:
        """Give every centre that is nearest to no vector half of the fullest cluster.

        That cluster is parted at the mean of the code's component that varies most, and both centres move to the means
        of their halves. Without this, one of the centres as drawn takes every vector, and of centres put onto vectors
        at the start one or two lose all of theirs within a few hundred steps.

        Args:
            vectors: (…, width), of a batch.
        """
        codes = self._codes(vectors).flatten(0, -2)
        for _ in range(CENTRES - 1):
            nearest = _squared_distances(codes, self.centres).argmin(dim=1)
            counts = nearest.bincount(minlength=CENTRES)
            if counts.all():
                return
            fullest, emptiest = counts.argmax(), counts.argmin()
            members = codes[nearest == fullest]
            component = members[:, members.var(dim=0, correction=0).argmax()]
            above = component > component.mean()
            if not above.any():  # all codes are the same
                return
            self.centres[fullest], self.centres[emptiest] = members[~above].mean(dim=0), members[above].mean(dim=0)

    def _codes(self, vectors: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, 128) in float32."""
        with torch.autocast(vectors.device.type, enabled=False):
            return self.encoder(vectors.float())


def _squared_distances(codes: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(…, 128), (4, 128) -> (…, 4)."""
    return (codes.unsqueeze(-2) - centres).square().sum(dim=-1)


def sharpened(soft: torch.Tensor) -> torch.Tensor:
    """(batch, windows, clusters) soft assignments -> the target they are drawn towards, clip by clip."""
    weight = soft.square() / soft.sum(dim=1, keepdim=True)
    return weight / weight.sum(dim=2, keepdim=True)


def clustering_loss(soft: torch.Tensor, faithful: bool = False) -> torch.Tensor:
    """Kullback-Leibler divergence of (batch, windows, clusters) soft assignments from their targets, a scalar.

    It is a mean over clips and windows, and the targets are constants. ``faithful``: a sum, so that it grows with the
    batch, and the gradient flows through the targets too, as in the published code.
    """
    target = sharpened(soft)
    if not faithful:
        target = target.detach()
    divergence = (target * (target / (soft + SMALLEST)).log()).sum(dim=2)
    return divergence.sum() if faithful else divergence.mean()
