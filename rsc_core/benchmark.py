"""How long things take on this machine: ``python -m rsc_core.benchmark {attention,relevance,objectives}``.

Medians over runs, windows of the model's length; no test asserts them. ``attention`` times what the page waits for, a
montage of all heads and a click on a patch, for a run folder's model and for an untrained AST of AudioSet's geometry.
``relevance`` times every method on the run folder's model, ``objectives`` its forward and backward pass of a batch
with patches mixed or masked, and how many plain batches that is. Two views of every clip cannot take less than two.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch
from torch import nn

from rsc_core import checkpoint, environment, models, objectives
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import ModelConfig
from rsc_core.explain import heads
from rsc_core.explain.attention import attends
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.objectives import Batch, Task

AST_BASE = ModelConfig(hidden_size=768, layers=12, heads=12, intermediate_size=3072, stride=10)
BATCH = 8
CLICK_S = 0.2
MONTAGE_S = {"own": 0.7, "AST-base geometry": 2.0}
MIXED = {
    "cross-entropy": ("cross_entropy", {}),
    "Patch-Mix cross-entropy": ("patch_mix", {"loss": "cross_entropy"}),
    "Patch-Mix contrastive": ("patch_mix", {"loss": "contrastive"}),
    "masked patches": ("masked_patches", {}),
}
"""Title -> objective and its options; the first is what the others are compared with."""


def measure(work: Callable[[], object], runs: int) -> float:
    """Return the median duration of ``runs`` calls in seconds; a first call is not counted."""
    work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)


def attention(model: nn.Module, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (what, seconds, seconds allowed) of a montage and a patch click, on both geometries.

    The plain forward pass stands before them: on a busy machine the ratio to it says more than the seconds.
    """
    for name, one in (("own", model), ("AST-base geometry", models.build(AST_BASE).eval())):
        features = _window(one)
        recorded = heads.record(one, features)
        layers, count = recorded.weights.shape[:2]
        what = f"montage of {layers} x {count} heads, {recorded.layout.patches} patches"
        yield "forward pass", measure(lambda m=one, f=features: _forward(m, f), runs), None
        yield what, measure(lambda m=one, f=features: heads.record(m, f).read("mean"), runs), MONTAGE_S[name]
        yield "click on a patch", measure(lambda r=recorded: r.read(r.layout.patches // 2), runs), CLICK_S


def methods(model: nn.Module, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (method, seconds, None) for every method the model allows."""
    features = _window(model)
    for name, method in METHODS.items():
        if attends(model) or not method.needs_attention:
            yield name, measure(lambda n=name: relevance(model, features, n, Target(0)), runs), None


def mixing(model: nn.Module, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (objective and ratio to plain cross-entropy, seconds, None) of a batch, forward and backward.

    All take turns, and a ratio is the median over rounds, so that a machine that is busy for a while spoils neither.
    """
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(BATCH, *model.input_shape, generator=generator)
    classes = tuple(map(str, range(model(features[:1]).shape[1])))
    batch = Batch(features, torch.eye(len(classes))[torch.arange(BATCH) % len(classes)])
    model.requires_grad_().train()
    timed = {}
    for title, (name, options) in MIXED.items():
        if name != "masked_patches" or attends(model):
            timed[title] = objectives.build(name, options, Task(classes), model)
    rounds = [
        [measure(lambda o=o: o.loss(model, batch, generator).total.backward(), 1) for o in timed.values()]
        for _ in range(runs)
    ]
    for index, title in enumerate(timed):
        ratio = median(taken[index] / taken[0] for taken in rounds)
        yield f"{title}: {ratio:.2f} plain batches", median(taken[index] for taken in rounds), None


JOBS = {"attention": attention, "relevance": methods, "objectives": mixing}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rsc_core.benchmark", description="Time explanations and objectives."
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--model", default="checkpoints/sprsound-base", help="run folder (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="medians over so many (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="of torch (default: torch's own choice)")
    args = parser.parse_args(argv)
    if args.runs < 1 or (args.threads is not None and args.threads < 1):
        parser.error(f"expected 1 run and 1 thread or more, got {args.runs} and {args.threads}")
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        model = checkpoint.load(args.model).model
        if args.job == "attention" and not attends(model):
            raise CheckpointError(f"{args.model} has no attention to time; pass --model an AST's run folder")
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{environment.processor()}, {torch.get_num_threads()} threads, medians of {args.runs} runs")
    for what, seconds, allowed in JOBS[args.job](model, args.runs):
        share = "" if allowed is None else f"  {seconds / allowed:6.1%} of the {allowed} s allowed"
        print(f"{what:48}{1000 * seconds:10.2f} ms{share}", flush=True)
    return 0


@torch.inference_mode()
def _forward(model: nn.Module, features: torch.Tensor) -> torch.Tensor:
    return model(features)


def _window(model: nn.Module) -> torch.Tensor:
    return torch.randn(1, *model.input_shape, generator=torch.Generator().manual_seed(0))


if __name__ == "__main__":
    sys.exit(main())
