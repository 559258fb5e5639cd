"""The visible training loop.

One epoch: batches of level-scaled waveforms -> augmentation -> features -> objective -> step; then the validation
patients are labelled, the best weights so far are copied, and everything needed to go on is written to the run
folder in one atomic file. A linear probe on unaugmented clips learns from embeddings kept from one pass (``probe``).
Randomness is drawn per epoch from the seed, so a run that was interrupted and resumed ends
with the same weights as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from rsc_core import (
    atomic,
    augment,
    board,
    checkpoint,
    environment,
    lineage,
    models,
    objectives,
    probe,
    scoring,
    test_log,
    tuning,
)
from rsc_core.average import averaging
from rsc_core.config import PROTOCOLS, RunConfig
from rsc_core.data import Selection, overlay, select, splits
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.loader import Waveforms, evaluation_batches, feature_statistics, training_batches
from rsc_core.features import extract
from rsc_core.objectives import MULTI_LABEL, ONE_LABEL, Batch, Task
from rsc_core.optimizer import build_optimizer, rate
from rsc_core.resume import FILE as RESUME
from rsc_core.resume import Progress, copy, paste, restore, store

LOG = "log.csv"
EVALUATION_BATCH = 64  # windows labelled at once


@dataclass(frozen=True)
class Run:
    """A finished training."""

    model: nn.Module  # weights of the chosen epoch
    config: RunConfig
    facts: dict[str, Any]  # plain JSON values: what ``save`` stores beside the weights


def fit(
    config: RunConfig,
    corpus: Corpus,
    out: str | Path,
    resume: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    log: str | Path | None = None,
) -> Run:
    """Train one run.

    Args:
        config: what to train; its audio, features and model come from the backbone where that is a run folder.
        corpus: with the official splits.
        out: run folder; ``log.csv`` and the resumable state are replaced there after every epoch.
        resume: go on from the state in ``out``, where there is one.
        progress: show progress bars.
        tensorboard: write event files into ``out/tensorboard`` too.
        log: test log for a run that labels the test split after every epoch; None: the committed one.

    Raises:
        ValueError: ``out`` holds the state of another configuration, or a package asked for is missing.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    settings = config.train
    device = choose_device(settings.device)
    meter = environment.Meter(device)
    torch.manual_seed(settings.seed)

    selection = _select(config, corpus)
    lineage.refuse_leaks(config, selection, corpus.title)
    config = _answer(config, selection)
    training, validation = selection.part("train"), selection.validation
    test = selection.test if settings.labels_test else ()
    waveforms = Waveforms((*training, *validation, *test), config.audio, progress)
    if config.backbone == "small" and config.features.name == "log_mel":
        mean, std = feature_statistics(training, waveforms)
        config = replace(config, features=replace(config.features, mean=mean, std=std))
    model = checkpoint.build(config).to(device)
    objective = objectives.build(config.objective, config.objective_options, _task(config, training), model).to(device)
    optimizer = build_optimizer(model, objective, settings)
    drawn = settings.epoch_clips or len(training)
    steps = math.ceil(drawn / settings.batch_size)  # in an epoch
    average = averaging(model, config)
    measure = scoring.chosen_by(config)

    if resume and (out / RESUME).exists():
        state = restore(out / RESUME, config, model, objective, optimizer)
        if average:
            average.weights, average.updates = state.average, state.epoch * steps
        meter.continues(state.cost)
        print(f"resuming after epoch {state.epoch}", flush=True)
    else:
        dtype = choose_precision(settings.precision, model, device)
        state = Progress(str(dtype).removeprefix("torch."), copy(model))
        if test:
            kind = "paper protocol" if settings.protocol == "paper" else "test curve"
            test_log.append(log, out.name, config, kind, corpus.title, "test", len(test), looks=settings.epochs)
    dtype = getattr(torch, state.precision)
    kept = None
    if probe.applies(config) and state.epoch < settings.epochs:
        looked_at = (*validation, *test)
        kept = probe.Embeddings(model, config, training, looked_at, waveforms, device, dtype, progress)
    network = probe.Head(model) if kept else model
    scalars = board.Board(out, state.epoch * steps) if tensorboard else None
    print(
        f"{config.preset}: {tuning.count_trainable(model):,} of {sum(p.numel() for p in model.parameters()):,} "
        f"parameters learn; {len(training):,} clips to learn from, {len(validation):,} to choose by; "
        f"{device}, {state.precision}\n{PROTOCOLS[settings.protocol]}",
        flush=True,
    )

    for epoch in range(state.epoch + 1, settings.epochs + 1):
        # train
        started = time.perf_counter()
        tuning.learning_mode(model)
        losses = []
        seed = settings.seed * 10007 + epoch
        torch.manual_seed(seed)  # dropout draws from the global generator
        generator = torch.Generator().manual_seed(seed)
        batches = kept.training_batches(seed, drawn) if kept else _batches(training, waveforms, config, seed, drawn)
        bar = tqdm(batches, f"epoch {epoch}/{settings.epochs}", steps, disable=not progress, leave=False)
        for step, (clips, targets) in enumerate(bar, start=(epoch - 1) * steps):
            lr = settings.lr * rate(step, settings.epochs * steps, settings)
            for group in optimizer.param_groups:
                group["lr"] = lr
            clips = clips.to(device)
            features = clips if kept else augment.features_of(clips, config, generator)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
                parts = objective.loss(network, Batch(features, targets.to(device)), generator)
            optimizer.zero_grad(set_to_none=True)
            parts.total.backward()
            learning = [p for group in optimizer.param_groups for p in group["params"]]
            norm = nn.utils.clip_grad_norm_(learning, settings.clip_gradient or math.inf)
            optimizer.step()
            if average:
                average.update(model)
            losses.append(parts.total.item())
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
            if scalars:
                scalars.step(step, {"loss": losses[-1], **parts.parts, "lr": lr, "gradient_norm": norm.item()})
        clips_per_s = drawn / (time.perf_counter() - started)

        # look
        row = {"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "lr": lr}
        results = {}
        with average.shown(model) if average else nullcontext():
            for prefix, clips in (("", validation), ("test_", test)):
                if clips and objective.labels:
                    windows = kept.evaluation_batches(clips) if kept else _windows(clips, waveforms, config, device)
                    probabilities = mean_over_windows(network, config, windows, len(clips), device, dtype)
                    results[prefix] = scoring.evaluate(clips, probabilities, config)
                    row |= {prefix + k: round(results[prefix][k], 2) for k in scoring.shown(config)}

            # choose
            judge = results.get("test_" if settings.protocol == "paper" else "")
            early = state.best_epoch <= settings.choose_after
            if judge is None or early or judge[measure] > state.best_result[measure]:
                state.best, state.best_epoch, state.best_result = copy(model), epoch, judge

        # keep
        row |= {"clips_per_s": round(clips_per_s, 1), "seconds": round(time.perf_counter() - started, 1)}
        state.epoch, state.cost = epoch, meter.cost()
        state.history.append(row)
        state.average = average.weights if average else {}
        store(out / RESUME, config, model, objective, optimizer, state)
        atomic.write_csv(out / LOG, state.history)
        if scalars:
            scalars.epoch(row, step)
        print("  ".join(f"{k} {v:.3g}" if k == "lr" else f"{k} {v}" for k, v in row.items()), flush=True)

    atomic.write_csv(out / LOG, state.history)  # a run may have been stopped between the two writes above
    if scalars:
        scalars.close()
    paste(model, state.best)
    gap = selection_gap(state.history, state.best_epoch, measure, settings.choose_after) if test else None
    facts = {
        "corpus": corpus.title,
        "learned_from": list(dict.fromkeys([*lineage.learned_from(config.backbone), corpus.title])),
        "protocol": settings.protocol,
        "protocol_label": PROTOCOLS[settings.protocol],
        "seed": settings.seed,
        "best_epoch": state.best_epoch,
        "split": _split_facts(selection),
        "validation": state.best_result if validation else None,
        "selection_gap": gap,
        "precision": state.precision,
        "environment": environment.describe(device),
        "revision": environment.revision(),
        "cost": {**state.cost, "clips_per_s": round(_mean_speed(state.history), 1)},
    }
    return Run(model.eval(), config, facts)


def save(out: str | Path, run: Run) -> Path:
    """Write a finished training into its run folder; a folder that holds ``rsc.json`` is complete."""
    return checkpoint.save(out, run.model, run.config, run.facts)


def selection_gap(
    history: Sequence[dict[str, Any]], chosen: int, measure: str = "score", after: int = 0
) -> dict[str, float]:
    """Return the test measure at the chosen epoch, at the last and at the best, and what choosing on test would add.

    Args:
        history: one row an epoch, with ``epoch`` and ``test_MEASURE`` in percent.
        chosen: epoch that was chosen.
        measure: what was chosen by.
        after: epochs up to this one could not be chosen, unless there are no later ones.
    """
    scores = {row["epoch"]: row[f"test_{measure}"] for row in history}
    best = max([score for epoch, score in scores.items() if epoch > after] or scores.values())
    return {
        "measure": measure,
        "chosen": scores[chosen],
        "last": scores[max(scores)],
        "best": best,
        "gap": round(best - scores[chosen], 2),
    }


def predict(
    model: nn.Module,
    config: RunConfig,
    clips: Sequence[Clip],
    waveforms: Waveforms,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """(clips, classes) probabilities; a clip longer than the window gets the mean over its windows."""
    return mean_over_windows(model, config, _windows(clips, waveforms, config, device), len(clips), device, dtype)


@torch.inference_mode()
def mean_over_windows(
    model: nn.Module,
    config: RunConfig,
    windows: Iterable[tuple[torch.Tensor, torch.Tensor]],
    clips: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """(clips, classes) probabilities, from batches of what the model reads, each with its (windows,) clip index."""
    model.eval()
    total, count = torch.zeros(clips, len(config.model.classes)), torch.zeros(clips, 1)
    for batch, owner in windows:
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            logits = model(batch)
        total.index_add_(0, owner, models.probabilities(logits.float(), config.model).cpu())
        count.index_add_(0, owner, torch.ones(len(owner), 1))
    return (total / count).numpy()


def choose_device(name: str) -> torch.device:
    """Return the named device; "auto" prefers CUDA.

    Raises:
        ValueError: CUDA is asked for and not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device {name} was asked for but CUDA is not available here; use --device cpu")
    return torch.device(name)


def choose_precision(name: str, model: nn.Module, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; "auto" times a forward pass in both and takes bf16 if it saves a fifth or more."""
    if name != "auto":
        return torch.bfloat16 if name == "bf16" else torch.float32
    probe = torch.randn(8, *model.input_shape, device=device)
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        with torch.inference_mode(), torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            for attempt in range(3):
                started = time.perf_counter()
                model(probe).sum().item()  # .item() waits for the device
                took = time.perf_counter() - started
                seconds[dtype] = min(took, seconds.get(dtype, took)) if attempt else took
    return torch.bfloat16 if seconds[torch.bfloat16] < 0.8 * seconds[torch.float32] else torch.float32


def _batches(
    training: Sequence[Clip], waveforms: Waveforms, config: RunConfig, seed: int, drawn: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch of waveforms and targets."""
    settings, classes = config.train, len(config.model.classes)
    extents = config.audio.window_s, settings.extent_s
    drawing = settings.batch_size, settings.balance, seed, classes, drawn
    batches = training_batches(training, waveforms, *extents, *drawing)
    return overlay.overlaid(batches, config, seed) if settings.synthetic or settings.events else batches


def _windows(
    clips: Sequence[Clip], waveforms: Waveforms, config: RunConfig, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Features of the clips as annotated, with the index of the clip of each window."""
    for batch, owner in evaluation_batches(clips, waveforms, EVALUATION_BATCH):
        yield extract(batch.to(device), config.audio, config.features), owner


def _task(config: RunConfig, training: Sequence[Clip]) -> Task:
    """Return what the run's objective must know of its labels and features."""
    settings, offset, weights = config.train, None, None
    if settings.logit_adjustment or settings.class_weight:
        counts = torch.bincount(torch.tensor([c.label for c in training]), minlength=len(config.model.classes))
        log_counts = counts.clamp_min(1).log()
        if settings.logit_adjustment:
            offset = -settings.balance * (log_counts - log_counts.mean())
        if settings.class_weight:
            weights = (-settings.class_weight * log_counts).exp()
    classes = config.model.classes
    return Task(classes, config.features, settings.label_smoothing, settings.mixup, offset, weights)


def _mean_speed(history: Sequence[dict[str, Any]]) -> float:
    """Clips a second over all epochs, each of as many clips."""
    return len(history) / sum(1 / row["clips_per_s"] for row in history)


def _select(config: RunConfig, corpus: Corpus) -> Selection:
    """Return the run's clips, and print what a user must know of them."""
    settings = config.train
    selection = select(corpus, config.data, settings.validation_share, settings.seed, settings.protocol)
    for note in selection.notes:
        print(note)
    return selection


def _split_facts(selection: Selection) -> dict[str, int | str]:
    return {
        "training_clips": len(selection.train),
        "validation_clips": len(selection.validation),
        "training_digest": splits.digest(selection.train),
        "validation_digest": splits.digest(selection.validation),
        "validation_patients": splits.patients_digest(selection.validation),
    }


def _answer(config: RunConfig, selection: Selection) -> RunConfig:
    """Return the config of a model that tells the selection's classes apart."""
    model = replace(config.model, classes=selection.classes, multi_label=selection.multi_label)
    augment.refuse_lost_labels(config.train.augment, selection.classes)
    overlay.refuse_misfits(config, selection.classes)
    objective = config.objective
    if selection.multi_label:
        objective = MULTI_LABEL.get(objective, objective)
        if objective in ONE_LABEL or config.train.class_weight:
            raise ValueError(
                f"clips of this corpus have several labels each, and objective {config.objective} with class_weight "
                f"{config.train.class_weight} is for one; use cross_entropy with class_weight 0"
            )
    return replace(config, model=model, objective=objective)
