"""Is a map to be believed? Take away what it points at, and see whether the model notices.

Deletion replaces the parts of a clip in a map's order, highest first, and follows the target's probability;
insertion starts from the replaced clip and brings parts back (Petsiuk et al. 2018, RISE, arXiv:1806.07421). A faithful
map has a small area under the deletion curve and a large one under the insertion curve. What is small or large, on
this cycle and for this model, is told by orders that know nothing of the model: random parts, smooth random blocks
(maps are smooth, and losing one connected region is another loss than scattered holes) and the loudest parts first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import hypergeom, spearmanr
from torch import nn

from rsc_core.explain import target as targets
from rsc_core.explain.perturb import Parts, blur, filling, parts
from rsc_core.explain.target import Target

SMOOTH = 1.5  # deviation of the low-pass over a random field, in parts
TOP = 0.1  # share of the parts two maps are compared by
BATCH = 8  # clips of one forward pass: on a processor quicker a clip than 32


@dataclass(frozen=True)
class Curves:
    """How a target's probability falls and rises along one order."""

    fraction: np.ndarray  # (steps + 1,) float32: share of the parts replaced, or brought back; 0 to 1
    deletion: np.ndarray  # (steps + 1,) float32: from the whole clip to the replaced one
    insertion: np.ndarray  # (steps + 1,) float32: from the replaced clip to the whole one

    @property
    def deletion_area(self) -> float:
        """Mean height of the deletion curve; low is faithful."""
        return float(np.trapezoid(self.deletion, self.fraction))

    @property
    def insertion_area(self) -> float:
        """Mean height of the insertion curve; high is faithful."""
        return float(np.trapezoid(self.insertion, self.fraction))


def probability(logits: torch.Tensor, target: Target) -> torch.Tensor:
    """(batch, classes) logits -> (batch,): the softmax; against a class: among the two alone."""
    if target.against is None:
        return logits.softmax(dim=1)[:, target.index]
    return targets.score(logits, target).sigmoid()


def curves(
    model: nn.Module,
    features: torch.Tensor,
    order: torch.Tensor,
    target: Target,
    fill: str = "local_mean",
    steps: int = 10,
    period: float | None = None,
    seed: int = 0,
) -> Curves:
    """Follow the target's probability along one order; arguments and errors as of ``follow``."""
    return follow(model, features, [order], target, fill, steps, period, seed)[0]


@torch.inference_mode()
def follow(
    model: nn.Module,
    features: torch.Tensor,
    orders: Sequence[torch.Tensor],
    target: Target,
    fill: str = "local_mean",
    steps: int = 10,
    period: float | None = None,
    seed: int = 0,
    symmetric: Sequence[torch.Tensor] = (),
) -> list[Curves]:
    """Follow the target's probability along several orders of one clip, whose ends they share.

    Args:
        model: in eval mode; one class a clip.
        features: (batch, frames, bins), the windows of one cycle; the curves are their mean, as probabilities are.
        orders: (batch, freq, time) patch maps, or (batch, parts) as ``BASELINES`` give them; the highest comes first,
            what is equal by its place.
        target: whose probability is followed.
        fill: key of ``perturb.FILLS``.
        steps: in which all parts are replaced, at least 1.
        period: frames after which a repeated clip starts anew; its copies are replaced together.
        seed: of the replacement, where it is drawn.
        symmetric: drawn orders that are as likely as their own reverse. To insert the reverse is to delete the order
            backwards, so each is deleted alone, and its insertion is that of the reverse, at half the cost.

    Returns:
        The curves of ``orders``, then those of ``symmetric``.

    Raises:
        ValueError: steps or fill does not exist, or an order has another shape.
    """
    if steps < 1:
        raise ValueError(f"expected at least 1 step, got {steps}")
    divided = parts(model, *features.shape[1:], period)
    reached = np.linspace(0, divided.count, steps + 1).round().astype(int)
    rank = [_rank(order, divided, features) for order in (*orders, *symmetric)]
    chosen = [rank[0] < 0, rank[0] >= 0]  # nothing, everything
    for number, place in enumerate(rank):
        chosen += [place < k for k in reached[1:-1]]
        chosen += [place >= k for k in reached[1:-1]] if number < len(orders) else []
    p = _probabilities(model, features, filling(features, fill, period, seed), divided, torch.stack(chosen), target)
    whole, replaced = p[:1], p[1:2]
    inner = iter(p[2:].reshape(2 * len(orders) + len(symmetric), steps - 1))
    found = []
    for number in range(len(rank)):
        deletion = np.concatenate([whole, next(inner), replaced])
        there_and_back = number < len(orders)
        insertion = np.concatenate([replaced, next(inner), whole]) if there_and_back else deletion[::-1]
        found.append(Curves((reached / divided.count).astype(np.float32), deletion, insertion))
    return found


def _rank(order: torch.Tensor, divided: Parts, features: torch.Tensor) -> torch.Tensor:
    """(batch, parts) place of each part, 0 the first."""
    values = order if order.ndim == 2 else divided.read(order)
    if values.shape != (len(features), divided.count):
        expected = len(features), divided.count
        raise ValueError(f"expected an order of (windows, parts) = {expected}, got {tuple(values.shape)}")
    return values.to(features.device).argsort(dim=1, descending=True, stable=True).argsort(dim=1)


def _probabilities(
    model: nn.Module,
    features: torch.Tensor,
    replaced: torch.Tensor,
    divided: Parts,
    chosen: torch.Tensor,
    target: Target,
) -> np.ndarray:
    """(clips,) mean over the windows, with the (clips, windows, parts) chosen parts taken from ``replaced``."""
    found = []
    for some in chosen.split(max(1, BATCH // len(features))):
        sound, other = (values.repeat(len(some), 1, 1) for values in (features, replaced))
        p = probability(model(divided.replace(sound, other, some.flatten(0, 1))), target)
        found.append(p.unflatten(0, some.shape[:2]).mean(dim=1))
    return torch.cat(found).cpu().numpy()


def random_parts(features: torch.Tensor, divided: Parts, generator: torch.Generator) -> torch.Tensor:
    """(batch, parts): every order of the parts is as likely."""
    return torch.rand(len(features), divided.count, generator=generator)


def smooth_blocks(features: torch.Tensor, divided: Parts, generator: torch.Generator) -> torch.Tensor:
    """(batch, parts): a random field behind a low-pass, so that neighbours go together."""
    return blur(torch.randn(len(features), *divided.shape, generator=generator), SMOOTH).flatten(1)


def loudest_first(features: torch.Tensor, divided: Parts, generator: torch.Generator) -> torch.Tensor:
    """(batch, parts): the mean level, what a picture of the sound would show anyway. Nothing is drawn."""
    return divided.mean(features)


BASELINES = {"random": random_parts, "smooth": smooth_blocks, "loudest": loudest_first}
"""Name -> order that knows nothing of the model: features, parts, generator -> (batch, parts)."""

SYMMETRIC = ("random", "smooth")  # an order of these is as likely as its reverse

BASELINE_TITLES = {"random": "random tiles", "smooth": "smooth random blocks", "loudest": "loudest first"}


def baseline_curves(
    model: nn.Module,
    features: torch.Tensor,
    target: Target,
    baseline: str = "random",
    orders: int = 20,
    fill: str = "local_mean",
    steps: int = 10,
    period: float | None = None,
    seed: int = 0,
) -> Iterator[Curves]:
    """Yield the curves of one order after the other, so that a page can count along and stop; arguments as ``curves``.

    Each order has its own stream of random numbers: asking for more leaves the first ones as they were.

    Raises:
        ValueError: there is no such baseline; or as ``curves``.
    """
    if baseline not in BASELINES:
        raise ValueError(f"there is no baseline {baseline!r}; choose one of {', '.join(BASELINES)}")
    divided = parts(model, *features.shape[1:], period)
    for order in drawn_orders(features, divided, baseline, orders, seed):
        yield curves(model, features, order, target, fill, steps, period, seed)


def drawn_orders(
    features: torch.Tensor, divided: Parts, baseline: str, orders: int, seed: int
) -> Iterator[torch.Tensor]:
    """Yield (batch, parts) orders of a baseline, each from its own stream of random numbers."""
    for child in np.random.SeedSequence(seed).spawn(orders):
        generator = torch.Generator().manual_seed(int(child.generate_state(1)[0]))
        yield BASELINES[baseline](features, divided, generator)


@dataclass(frozen=True)
class Verdict:
    """Where one area lies among those of random orders."""

    standing: str  # "better", "within" or "worse"
    better_than: int  # random orders it beats
    orders: int
    lowest: float  # area of the random orders
    highest: float
    sentence: str


def verdict(own: Curves, random: Sequence[Curves]) -> dict[str, Verdict]:
    """Say where an order's areas lie among those of random orders on the same cycle: "deletion" and "insertion".

    Raises:
        ValueError: there is no random order to compare with.
    """
    if not random:
        raise ValueError("expected the curves of at least 1 random order, got none; run baseline_curves first")
    return {
        "deletion": _place(-own.deletion_area, [-r.deletion_area for r in random], sign=-1),
        "insertion": _place(own.insertion_area, [r.insertion_area for r in random], sign=1),
    }


def _place(own: float, random: Sequence[float], sign: int) -> Verdict:
    """Areas come with the sign that makes more better; ``sign`` turns them back."""
    beaten, count = sum(own > r for r in random), len(random)
    lowest, highest = sorted((sign * min(random), sign * max(random)))
    if own > max(random):
        standing, sentence = "better", f"better than all {count} random orders on this cycle"
    elif own < min(random):
        standing, sentence = "worse", f"worse than all {count} random orders on this cycle"
    else:
        standing, sentence = "within", "within the range of random orders on this cycle"
    return Verdict(standing, beaten, count, lowest, highest, sentence)


@dataclass(frozen=True)
class Agreement:
    """How alike two maps of the same clip are."""

    correlation: float  # Spearman's, over the parts; NaN where a map is constant
    overlap: float  # share of the top 10 % of one that is in the top 10 % of the other
    chance: float  # overlap that two unrelated maps stay within in 95 % of cases
    sentence: str


def agreement(first: np.ndarray, second: np.ndarray) -> Agreement:
    """Compare two patch maps of one window, (freq, time) each, by rank and by the tiles they hold highest.

    They agree where at least half of the highest tiles are the same, and disagree where no more are than unrelated
    maps would share.

    Raises:
        ValueError: the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"expected two maps of one grid, got {first.shape} and {second.shape}")
    count = first.size
    top = max(1, round(TOP * count))
    highest = [set(np.argsort(-m, axis=None, kind="stable")[:top].tolist()) for m in (first, second)]
    shared = len(highest[0] & highest[1])
    chance = int(hypergeom.ppf(0.95, count, top, top))
    constant = np.ptp(first) == 0 or np.ptp(second) == 0
    correlation = float("nan") if constant else float(spearmanr(first, second, axis=None).statistic)
    if 2 * shared >= top:
        sentence = "these two methods agree here"
    elif shared <= chance:
        sentence = "these two methods disagree here"
    else:
        sentence = "these two methods agree in part here"
    return Agreement(correlation, shared / top, chance / top, sentence)
