"""How long things take on this machine: ``python -m rsc_core.benchmark JOB``.

Medians over runs, windows of the model's length; no test asserts them. ``attention`` times what the page waits for,
with a run folder's model and with an untrained AST of AudioSet's geometry: a montage of all heads, and the server's
whole answer to a click on a patch, from the kept attention to four packed pictures as wide as the page allows.
``relevance`` times every method on its model, ``objectives`` the forward and backward pass of a batch with
patches mixed or masked, and how many plain batches that is. Two views of every clip cannot take less than two.
``tunings`` times a training step of every tuning that ``studies/tuning_comparison.json`` compares, with the memory it
takes and what is stored of it. ``hybrid`` times CycleGuardian's maps beside the libraries its code calls (nnAudio is
among the tests' packages), and its windows in one batch beside a loop; it needs no run folder.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from torch import nn

from rsc_core import checkpoint, environment, lineage, models, objectives, probe, synth, tuning
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import ModelConfig, run_config
from rsc_core.explain import heads
from rsc_core.explain.attention import attends
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.features.hybrid import HIGH_HZ, HYBRID_HOP, HYBRID_SAMPLE_RATE, LOW_HZ, ROWS, hybrid
from rsc_core.head_figures import HeadPictures
from rsc_core.inference import Analyser
from rsc_core.inspector import Inspector
from rsc_core.models.cycle_guardian import STRIDE, WINDOW
from rsc_core.objectives import Batch, Task

AST_BASE = ModelConfig(hidden_size=768, layers=12, heads=12, intermediate_size=3072, stride=10)
BATCH = 8
HYBRID_BATCH = 64
CLICK_S = 0.2
MAP_SIZE, SIZE = {"width_px": 600, "scale": 1.5}, {"width_px": 1200, "scale": 1.5}  # on a wide screen
MONTAGE_S = {"own": 0.7, "AST-base geometry": 2.0}
MIXED = {
    "cross-entropy": ("cross_entropy", {}),
    "Patch-Mix cross-entropy": ("patch_mix", {"loss": "cross_entropy"}),
    "Patch-Mix contrastive": ("patch_mix", {"loss": "contrastive"}),
    "masked patches": ("masked_patches", {}),
}
"""Title -> objective and its options; the first is what the others are compared with."""

COMPARED = ("full", "linear", "bitfit", "lora", "lora_qv", "adapter", "prefix", "prompt", "ipet")
"""Presets; the first is what the others are compared with."""


def measure(work: Callable[[], object], runs: int) -> float:
    """Return the median duration of ``runs`` calls in seconds; a first call is not counted."""
    work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)


def attention(run: Path, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (what, seconds, seconds allowed) of a montage and a patch click, on both geometries.

    The plain forward pass stands before them: on a busy machine the ratio to it says more than the seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, one in (("own", run), ("AST-base geometry", _untrained(Path(folder) / "ast-base"))):
            model = checkpoint.load(one).model
            features = _window(model)
            recorded = heads.record(model, features)
            layers, count = recorded.weights.shape[:2]
            what = f"montage of {layers} x {count} heads, {recorded.layout.patches} patches"
            yield "forward pass", measure(lambda m=model, f=features: _forward(m, f), runs), None
            yield what, measure(lambda m=model, f=features: heads.record(m, f).read("mean"), runs), MONTAGE_S[name]
            yield "click on a patch, answered", measure(_click(one), runs), CLICK_S


def methods(run: Path, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (method, seconds, None) for every method the model allows."""
    model = checkpoint.load(run).model
    features = _window(model)
    for name, method in METHODS.items():
        if attends(model) or not method.needs_attention:
            yield name, measure(lambda n=name: relevance(model, features, n, Target(0)), runs), None


def mixing(run: Path, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (objective and ratio to plain cross-entropy, seconds, None) of a batch, forward and backward.

    All take turns, and a ratio is the median over rounds, so that a machine that is busy for a while spoils neither.
    """
    model = checkpoint.load(run).model
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


@dataclass(frozen=True)
class Cost:
    """What a tuning takes."""

    step_s: float
    memory_bytes: int  # the most that training adds to the process
    stored_bytes: int  # in half precision, what the tuning learned


def tunings(run: Path, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (preset and what it takes, seconds a step, None); each has a process of its own, so memory is its own."""
    for preset in COMPARED:  # what does not go is said before the first is timed
        lineage.inherit(run_config(preset, "icbhi", str(run)))
    context, threads = get_context("spawn"), torch.get_num_threads()
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        costs = {preset: pool.submit(_cost, preset, run, runs, threads).result() for preset in COMPARED}
    whole = costs[COMPARED[0]]
    for preset, cost in costs.items():
        memory, stored = cost.memory_bytes / 1e6, cost.stored_bytes / 1e6
        text = f"{preset}: {cost.step_s / whole.step_s:.2f} of {COMPARED[0]}, {memory:.0f} MB, stores {stored:.2f} MB"
        yield text, cost.step_s, None


def hybrids(_run: Path, runs: int) -> Iterator[tuple[str, float, float | None]]:
    """Yield (what and how much faster, seconds a clip, None) of CycleGuardian's maps and windows, clips of 8 s."""
    clips = 0.1 * torch.randn(HYBRID_BATCH, 8 * HYBRID_SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    reference = _reference_maps()
    theirs = measure(lambda: reference(clips[:1]), runs)
    yield "maps by nnAudio and torchaudio, clip by clip", theirs, None
    ours = measure(lambda: hybrid(clips), runs) / len(clips)
    yield f"maps of a batch of {len(clips)}: {theirs / ours:.1f} times as fast", ours, None
    model = models.build(run_config("cycle_guardian", "icbhi", "small").model).eval()

    @torch.inference_mode()
    def looped(features: torch.Tensor) -> torch.Tensor:
        return torch.stack([model.window_encoder(part) for part in features.unfold(3, WINDOW, STRIDE).unbind(3)], 1)

    @torch.inference_mode()
    def batched(features: torch.Tensor) -> torch.Tensor:
        return model.embed(features)

    for count in (1, BATCH):
        features = torch.randn(count, *model.input_shape)
        loop, whole = (measure(lambda w=work, f=features: w(f), runs) / count for work in (looped, batched))
        yield f"clips at once {count}, windows one position after another", loop, None
        yield f"clips at once {count}, all windows: {loop / whole:.1f} times as fast", whole, None


JOBS = {
    "attention": attention,
    "relevance": methods,
    "objectives": mixing,
    "tunings": tunings,
    "hybrid": hybrids,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rsc_core.benchmark", description="Time explanations, objectives, tunings and maps."
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
        if args.job == "attention" and not attends(checkpoint.load(args.model).model):
            raise CheckpointError(f"{args.model} has no attention to time; pass --model an AST's run folder")
        print(f"{environment.processor()}, {torch.get_num_threads()} threads, medians of {args.runs} runs")
        for what, seconds, allowed in JOBS[args.job](Path(args.model), args.runs):
            share = "" if allowed is None else f"  {seconds / allowed:6.1%} of the {allowed} s allowed"
            print(f"{what:48}{1000 * seconds:10.2f} ms{share}", flush=True)
    except (CheckpointError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"error: {error}; pip install -r tests/requirements.txt", file=sys.stderr)
        return 1
    return 0


def _cost(preset: str, run: Path, runs: int, threads: int) -> Cost:
    """Train a preset for a few steps on noise; a probe reads embeddings that are kept, as in training."""
    torch.set_num_threads(threads)
    config = lineage.inherit(run_config(preset, "icbhi", str(run)))
    model = checkpoint.build(config)
    classes = config.model.classes
    objective = objectives.build(config.objective, config.objective_options, Task(classes), model)
    features, network = torch.randn(BATCH, *model.input_shape), model
    if probe.applies(config):
        with torch.no_grad():
            features = model.eval().embedding(features)
        network = probe.Head(model)
    batch = Batch(features, torch.eye(len(classes))[torch.arange(BATCH) % len(classes)])
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        tuning.learning_mode(model)
        optimizer.zero_grad()
        objective.loss(network, batch, generator).total.backward()
        optimizer.step()

    before = environment.Meter(torch.device("cpu")).cost()["peak_memory_bytes"]
    meter = environment.Meter(torch.device("cpu"))
    taken = measure(step, runs)
    memory = meter.cost()["peak_memory_bytes"] - before
    with tempfile.TemporaryDirectory() as folder:
        saved = checkpoint.save(folder, model, config, {}, half=True)
        stored = sum(path.stat().st_size for path in saved.iterdir() if path.suffix == ".safetensors")
    return Cost(taken, memory, stored)


def _untrained(run: Path) -> Path:
    """A run folder of an untrained AST of AudioSet's geometry."""
    config = replace(run_config("full", "icbhi", "small"), model=AST_BASE)
    facts = {"corpus": "none", "protocol": "last", "learned_from": ["nothing"]}
    return checkpoint.save(run, checkpoint.build(config), config, facts)


def _reference_maps() -> Callable[[torch.Tensor], list[torch.Tensor]]:
    """The libraries that CycleGuardian's code calls, with its parameters."""
    from nnAudio.features import CQT2010v2, Gammatonegram
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    shared = {"sr": HYBRID_SAMPLE_RATE, "hop_length": HYBRID_HOP, "n_bins": ROWS, "fmin": LOW_HZ, "verbose": False}
    mel = {"n_fft": 1024, "win_length": 1000, "hop_length": HYBRID_HOP, "n_mels": ROWS, "f_min": LOW_HZ}
    kinds = (
        (CQT2010v2(**shared), AmplitudeToDB("magnitude")),
        (Gammatonegram(**shared, n_fft=1024, fmax=HIGH_HZ, power=2.0), AmplitudeToDB("power")),
        (MelSpectrogram(HYBRID_SAMPLE_RATE, **mel, f_max=HIGH_HZ), AmplitudeToDB("power")),
    )
    return lambda clips: [in_db(kind(clips)) for kind, in_db in kinds]


def _click(run: Path) -> Callable[[], object]:
    """What the page does when a patch is clicked, time and frequency in and four files out."""
    analyser = Analyser(run.parent)
    inspector = Inspector(analyser)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "breath.wav"
        synth.write(path, synth.example("Crackles and wheeze", 5.0))
        analysis = analyser.analyse(path, run.name)
    look = inspector.look(analysis, 0)
    pictures = HeadPictures(look, inspector.montage(analysis, 0, "mean").heads, MAP_SIZE, SIZE)

    def answer() -> None:
        tile = inspector.tile_at(analysis, 0, look.spectrogram.start_s + 0.5, 500.0)
        read = inspector.montage(analysis, 0, tile.index)
        for pixels in pictures.answer(read, (0, 0)).values():
            Image.fromarray(pixels).save(io.BytesIO(), format="jpeg")

    return answer


@torch.inference_mode()
def _forward(model: nn.Module, features: torch.Tensor) -> torch.Tensor:
    return model(features)


def _window(model: nn.Module) -> torch.Tensor:
    return torch.randn(1, *model.input_shape, generator=torch.Generator().manual_seed(0))


if __name__ == "__main__":
    sys.exit(main())
