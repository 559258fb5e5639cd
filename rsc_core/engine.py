"""The visible training loop.

One epoch: batches of level-scaled waveforms -> augmentation -> features -> objective -> step; then the validation
patients are labelled, the best weights so far are copied, and everything needed to go on is written to the run
folder in one atomic file. Randomness is drawn per epoch from the seed, so a run that was interrupted and resumed ends
with the same weights as one that was not.
"""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from rsc_core import augment, checkpoint, metrics, tuning
from rsc_core.config import RunConfig, TrainConfig, from_json, to_json
from rsc_core.data import select, splits
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.loader import Waveforms, evaluation_batches, training_batches
from rsc_core.features import extract, log_mel
from rsc_core.objectives import OBJECTIVES, Batch

RESUME = "resume.safetensors"
LOG = "log.csv"


@dataclass(frozen=True)
class Run:
    """A finished training."""

    model: nn.Module  # best weights (protocol "last": the last)
    config: RunConfig
    validation: dict | None  # metrics on the validation patients
    best_epoch: int
    split: dict[str, int | str]  # counts and digests of what was trained and validated on


def inherit(config: RunConfig, window_s: float | None = None) -> RunConfig:
    """Return the config with audio, features and model taken over from its backbone, where that is a run folder.

    A window of ``window_s`` replaces the backbone's: a model may learn on short windows first, at half the cost.
    """
    if window_s:
        config = inherit(config)
        return replace(config, audio=replace(config.audio, window_s=window_s))
    if not (Path(config.backbone) / checkpoint.FACTS).exists():
        return config
    base = from_json(RunConfig, checkpoint.read_facts(config.backbone)["config"])
    return replace(config, audio=base.audio, features=base.features, model=base.model)


def lineage(backbone: str) -> list[str]:
    """Return what a backbone has learned from, first to last: corpora, or its hub name; nothing for a fresh model."""
    if backbone == "small":
        return []
    if (Path(backbone) / checkpoint.FACTS).exists():
        return checkpoint.read_facts(backbone)["learned_from"]
    return [backbone]


def fit(config: RunConfig, corpus: Corpus, out: str | Path, resume: bool = False, progress: bool = True) -> Run:
    """Train one run.

    Args:
        config: what to train; its audio, features and model come from the backbone where that is a run folder.
        corpus: with the official splits.
        out: run folder; the log and the resumable state are written there after every epoch.
        resume: go on from the state in ``out``.
        progress: show progress bars.

    Raises:
        ValueError: ``out`` holds the state of another configuration.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    settings = config.train
    device = choose_device(settings.device)
    torch.manual_seed(settings.seed)

    training, validation, split = _split(config, corpus)
    waveforms = Waveforms((*training, *validation), config.audio, progress)
    if config.backbone == "small":
        mean, std = feature_statistics(training, waveforms, config)
        config = replace(config, features=replace(config.features, mean=mean, std=std))
    model = checkpoint.build(config).to(device)
    objective = OBJECTIVES[config.objective](len(config.model.classes), settings.label_smoothing, settings.mixup)
    optimizer = _optimizer(model, objective.to(device), settings)
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate(step, settings.epochs * steps_per_epoch, settings.warmup)
    )
    dtype = choose_precision(settings.precision, model, device)
    print(
        f"{config.preset}: {tuning.count_trainable(model):,} of {sum(p.numel() for p in model.parameters()):,} "
        f"parameters learn; {len(training):,} clips to learn from, {len(validation):,} to choose by; "
        f"{device}, {str(dtype).removeprefix('torch.')}",
        flush=True,
    )

    best, best_epoch, first = _copy(model), 0, 1
    best_metrics: dict | None = None
    if resume and (out / RESUME).exists():
        first, best, best_epoch, best_metrics = _restore(out / RESUME, config, model, optimizer, schedule)
    for epoch in range(first, settings.epochs + 1):
        # train
        started = time.perf_counter()
        model.train()
        losses = []
        generator = torch.Generator().manual_seed(settings.seed * 10007 + epoch)
        batches = training_batches(
            training,
            waveforms,
            config.audio.window_s,
            settings.extent_s,
            settings.batch_size,
            settings.balance,
            seed=settings.seed * 10007 + epoch,
        )
        bar = tqdm(batches, f"epoch {epoch}/{settings.epochs}", steps_per_epoch, disable=not progress, leave=False)
        for clips, labels in bar:
            clips = _augment_waveforms(clips.to(device), generator)
            features = augment.spec_augment(extract(clips, config.audio, config.features), generator)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
                parts = objective.loss(model, Batch(features, labels.to(device)), generator)
            optimizer.zero_grad(set_to_none=True)
            parts.total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_gradient)
            optimizer.step()
            schedule.step()
            losses.append(parts.total.item())
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")

        # choose
        row = {"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "lr": schedule.get_last_lr()[0]}
        if validation:
            probabilities = predict(model, config, validation, waveforms, device, dtype=dtype)
            result = metrics.evaluate([c.label for c in validation], probabilities.argmax(1), config.model.classes)
            row |= {k: round(result[k], 2) for k in ("specificity", "sensitivity", "score")}
            if best_metrics is None or result["score"] > best_metrics["score"]:
                best, best_epoch, best_metrics = _copy(model), epoch, result
        else:
            best, best_epoch = _copy(model), epoch
        row["seconds"] = round(time.perf_counter() - started, 1)

        # keep
        _log(out / LOG, row)
        _store(out / RESUME, config, model, optimizer, schedule, epoch, best, best_epoch, best_metrics)
        print("  ".join(f"{k} {v:.3g}" if k == "lr" else f"{k} {v}" for k, v in row.items()), flush=True)

    _paste(model, best)
    return Run(model.eval(), config, best_metrics, best_epoch, split)


@torch.inference_mode()
def predict(
    model: nn.Module,
    config: RunConfig,
    clips: Sequence[Clip],
    waveforms: Waveforms,
    device: torch.device,
    batch_size: int = 64,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """(clips, classes) probabilities; a clip longer than the window gets the mean over its windows."""
    model.eval()
    total = torch.zeros(len(clips), len(config.model.classes))
    count = torch.zeros(len(clips), 1)
    for batch, owner in evaluation_batches(clips, waveforms, batch_size):
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            logits = model(extract(batch.to(device), config.audio, config.features))
        total.index_add_(0, owner, logits.float().softmax(dim=1).cpu())
        count.index_add_(0, owner, torch.ones(len(owner), 1))
    return (total / count).numpy()


def feature_statistics(clips: Sequence[Clip], waveforms: Waveforms, config: RunConfig) -> tuple[float, float]:
    """Mean and standard deviation of the features of up to 1,000 clips, evenly picked."""
    picked = clips[:: max(1, len(clips) // 1000)]
    values = torch.cat([log_mel(batch).flatten() for batch, _ in evaluation_batches(picked, waveforms, 64)])
    return round(values.mean().item(), 4), round(values.std().item(), 4)


def rate(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate: a linear rise over ``warmup`` of all steps, then half a cosine to zero."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


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
    c = model.hf.config
    probe = torch.randn(8, c.max_length, c.num_mel_bins, device=device)
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        with torch.inference_mode(), torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            for attempt in range(3):
                started = time.perf_counter()
                model(probe).sum().item()  # .item() waits for the device
                took = time.perf_counter() - started
                seconds[dtype] = min(took, seconds.get(dtype, took)) if attempt else took
    return torch.bfloat16 if seconds[torch.bfloat16] < 0.8 * seconds[torch.float32] else torch.float32


def _augment_waveforms(waveforms: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    for step in (augment.roll, augment.band_limit, augment.gain):
        waveforms = step(waveforms, generator)
    return waveforms


def _split(config: RunConfig, corpus: Corpus) -> tuple[tuple[Clip, ...], tuple[Clip, ...], dict]:
    """(clips to learn from, clips to choose by, what to note of them) under the run's protocol."""
    settings = config.train
    selection = select(corpus, config.data, settings.validation_share, settings.seed, settings.protocol)
    if selection.classes != config.model.classes:
        raise ValueError(
            f"the model's classes are {', '.join(config.model.classes)}, the corpus's {', '.join(selection.classes)}; "
            "choose a backbone and labels that agree"
        )
    training, validation = selection.part("train"), selection.validation
    if settings.protocol == "paper":
        validation = selection.test
        print("PROTOCOL paper: the epoch is chosen on the TEST split, as published. Do not quote it as a result.")
    for note in selection.notes:
        print(note)
    return (
        training,
        validation,
        {
            "training_clips": len(training),
            "validation_clips": len(validation),
            "training_digest": splits.digest(training),
            "validation_digest": splits.digest(validation),
        },
    )


def _optimizer(model: nn.Module, objective: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; biases, norms, tokens and positions are not decayed. Covers every parameter that learns."""
    learning = [(n, p) for m in (model, objective) for n, p in m.named_parameters() if p.requires_grad]
    undecayed = [p for n, p in learning if p.ndim < 2 or "embeddings" in n and "projection" not in n]
    decayed = [p for _, p in learning if all(p is not u for u in undecayed)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": undecayed, "weight_decay": 0.0}],
        lr=settings.lr,
    )
    covered = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
    expected = sum(p.numel() for _, p in learning)
    assert covered == expected, f"the optimizer covers {covered:,} of {expected:,} learning parameters"
    return optimizer


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in tuning.trainable_state(model).items()}


def _paste(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in tuning.trainable_state(model).items():
            tensor.copy_(state[name])


def _log(path: Path, row: dict) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _store(path, config, model, optimizer, schedule, epoch, best, best_epoch, best_metrics) -> None:
    """Write weights, best weights, optimizer state and where we are into one file, atomically."""
    state = optimizer.state_dict()
    tensors = {f"model/{k}": v for k, v in tuning.trainable_state(model).items()}
    tensors |= {f"best/{k}": v for k, v in best.items()}
    tensors |= {f"optimizer/{i}/{k}": v for i, slot in state["state"].items() for k, v in slot.items()}
    where = {
        "config": to_json(config),
        "epoch": epoch,
        "best_epoch": best_epoch,
        "best_metrics": best_metrics,
        "schedule": schedule.last_epoch,
    }
    draft = path.with_suffix(".partial")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, draft, {"where": json.dumps(where)})
    os.replace(draft, path)


def _restore(path, config, model, optimizer, schedule) -> tuple[int, dict, int, dict | None]:
    """Load what ``_store`` wrote; returns (next epoch, best weights, best epoch, best metrics)."""
    with safe_open(path, "pt") as file:
        where = json.loads(file.metadata()["where"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    if where["config"] != json.loads(json.dumps(to_json(config))):
        raise ValueError(
            f"{path} belongs to a run with other settings. Resume with the command that started it, or choose another "
            "--out."
        )
    part = {
        head: {k.removeprefix(head + "/"): v for k, v in tensors.items() if k.startswith(head + "/")}
        for head in ("model", "best", "optimizer")
    }
    _paste(model, part["model"])
    state = optimizer.state_dict()
    state["state"] = {}
    for key, value in part["optimizer"].items():
        index, slot = key.split("/")
        state["state"].setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict(state)
    schedule.last_epoch = where["schedule"]
    for group, base in zip(optimizer.param_groups, schedule.base_lrs, strict=True):
        group["lr"] = base * schedule.lr_lambdas[0](where["schedule"])
    schedule._last_lr = [group["lr"] for group in optimizer.param_groups]
    device = next(model.parameters()).device
    print(f"resuming after epoch {where['epoch']}", flush=True)
    best = {k: v.to(device) for k, v in part["best"].items()}
    return where["epoch"] + 1, best, where["best_epoch"], where["best_metrics"]
