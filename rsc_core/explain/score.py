"""Score every way of explaining a model over a corpus; ``python -m rsc_core.explain score`` runs it.

Faithfulness on test cycles as they are annotated, a short one repeated to fill the window: how much smaller a method's
deletion area, and how much larger its insertion area, is than that of orders that know nothing of the model. Ground
truth on windows of real or synthesised sound: the pointing game and the relevance inside, against chance. The label
explained is the model's own argmax; intervals are bootstrapped over patients (synthesised windows: over windows).

No prediction is compared with a label to rate the model, and nothing is chosen: the test log records looks at a
model's score on a test split, so this look at its explanations is not entered there. Where the ground truth is told
apart by whether the model's label is right, that says which maps to compare, not how often it is right.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from rsc_core import atomic, checkpoint, engine, evaluate, significance
from rsc_core.data.corpus import Corpus
from rsc_core.data.loader import Waveforms, repeats_after, windows
from rsc_core.explain import faithfulness, ground_truth, perturb
from rsc_core.explain.attention import attends
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.features import extract
from rsc_core.features.log_mel import HOP_MS

RESULTS = "explain.json"
STEPS = 10
ORDERS = 5  # random ones, of each kind


def score(
    run: str | Path,
    corpus: Corpus | None,
    cycles: int = 200,
    fill: str = "local_mean",
    seed: int = 0,
    device: str = "auto",
) -> dict[str, Any]:
    """Score all methods that a run's model allows.

    Args:
        run: run folder.
        corpus: as ``rsc_core.data.load`` returns it; None: synthesised sounds.
        cycles: test cycles, and windows with ground truth, at most.
        fill: key of ``perturb.FILLS``.
        seed: of the draw of cycles and windows, and of the random orders.
        device: "auto", "cpu" or "cuda".

    Returns:
        "corpus", "split", "fill", "steps", "orders", "seed"; "faithfulness" and, where something is known to be
        somewhere, "ground_truth", as ``faithful`` and ``grounded`` return them.

    Raises:
        CheckpointError: the run folder is damaged.
        AudioError: a recording cannot be read.
        ValueError: the model answers with several labels a clip or reads no spectrogram, or its classes are not the
            corpus's.
    """
    loaded = checkpoint.load(run)
    loaded.model.to(engine.choose_device(device))
    config = loaded.config
    if config.model.multi_label:
        raise ValueError("expected a model with one label a clip, got a multi-label one; score another run")
    if config.features.name != "log_mel":
        raise ValueError(
            f"expected a model that reads log-mel, got one that reads {config.features.name}; score another"
        )
    if corpus is None:
        cases = list(ground_truth.synthetic_cases(cycles, config.audio, seed))
        clips = [(case.waveform, case.patient) for case in cases]
    else:
        every = evaluate.select(loaded, corpus).part("test")
        rng = np.random.default_rng(seed)
        drawn = [every[i] for i in np.sort(rng.permutation(len(every))[:cycles])]
        marked = every if corpus.name == "sprsound" else ()
        waveforms = Waveforms([*drawn, *(clip for clip in marked if clip.label)], config.audio)
        clips = [(waveforms.cut(c, c.start_s, c.end_s), c.patient) for c in drawn]
        cases = list(ground_truth.event_cases(marked, waveforms, cycles, config.model.classes, seed))
    result = {"corpus": corpus.title if corpus else "synthesised", "split": "test" if corpus else "all"}
    result |= {"fill": fill, "steps": STEPS, "orders": ORDERS, "seed": seed}
    result["faithfulness"] = faithful(loaded, clips, fill, seed)
    if cases:
        result["ground_truth"] = grounded(loaded, cases)
    return result


def methods(model: nn.Module) -> list[str]:
    """Names of the methods a model allows; those that read attention need some."""
    return [name for name, method in METHODS.items() if attends(model) or not method.needs_attention]


def faithful(
    loaded: checkpoint.Checkpoint, clips: Sequence[tuple[np.ndarray, str]], fill: str, seed: int
) -> dict[str, Any]:
    """Deletion and insertion of every method and baseline, over (waveform, patient) clips.

    Returns:
        "cycles", "patients"; "orders": name of a method or baseline -> "deletion", "insertion" (mean areas, 0 to 1);
        "methods": name -> "deletion_gain" and "insertion_gain" over random tiles, "over": baseline -> how much more
        its insertion area exceeds its deletion area than the baseline's, each with "estimate", "low", "high", and
        "beats_baselines": whether every "over" lies above 0 with its whole interval.
    """
    names, patients = methods(loaded.model), [patient for _, patient in clips]
    areas: dict[str, list[tuple[float, float]]] = {name: [] for name in (*faithfulness.BASELINES, *names)}
    for number, (waveform, _) in enumerate(tqdm(clips, "faithfulness", unit=" cycles")):
        features, period = _features(waveform, loaded)
        target = _target(loaded.model, features)
        settings = {"fill": fill, "steps": STEPS, "period": period, "seed": seed + number}
        for name in faithfulness.BASELINES:
            orders = 1 if name == "loudest" else ORDERS  # it draws nothing
            found = faithfulness.baseline_curves(loaded.model, features, target, name, orders, **settings)
            areas[name].append(np.mean([(c.deletion_area, c.insertion_area) for c in found], axis=0))
        for name in names:
            found = _relevance(loaded.model, features, name, target, period)
            c = faithfulness.curves(loaded.model, features, found, target, **settings)
            areas[name].append((c.deletion_area, c.insertion_area))
    measured = {name: np.array(rows) for name, rows in areas.items()}
    result: dict[str, Any] = {"cycles": len(clips), "patients": len(set(patients))}
    result["orders"] = {
        n: dict(zip(("deletion", "insertion"), t.mean(0).tolist(), strict=True)) for n, t in measured.items()
    }
    result["methods"] = {}
    for name in names:
        over = {b: _gain(measured[name] - measured[b], patients) for b in faithfulness.BASELINES}
        less, more = (measured[name] - measured["random"]).T
        result["methods"][name] = {
            "deletion_gain": significance.mean_interval(-less, patients),
            "insertion_gain": significance.mean_interval(more, patients),
            "over": over,
            "beats_baselines": all(gain["low"] > 0 for gain in over.values()),
        }
    return result


def grounded(loaded: checkpoint.Checkpoint, cases: Sequence[ground_truth.Case]) -> dict[str, Any]:
    """Pointing game and relevance inside of every method, over windows whose sound is known.

    Returns:
        "all" and "labelled_right" (the windows whose sound the model names rightly): "windows", "patients" and
        "methods": name -> "time" and, where every window's band is known, "band" (time and band): the means of
        "hit", "hit_chance", "inside", "inside_chance", and "hit_gain", "inside_gain" over chance with "estimate",
        "low", "high".
    """
    names, config = methods(loaded.model), loaded.config
    kinds = ("time", "band") if all(span.band_hz for case in cases for span in case.spans) else ("time",)
    found: dict[str, dict[str, list[ground_truth.Pointing]]] = {name: {kind: [] for kind in kinds} for name in names}
    right = []
    for case in tqdm(cases, "ground truth", unit=" windows"):
        features, period = _features(case.waveform, loaded)
        target = _target(loaded.model, features)
        right.append(config.model.classes[target.index] == case.label)
        frames, bins = features.shape[1:]
        tile = perturb.parts(loaded.model, frames, bins).tile.numpy()
        rate = config.audio.sample_rate
        held = {kind: ground_truth.mask(case.spans, frames, bins, rate, kind == "band") for kind in kinds}
        for name in names:
            patch_map = _relevance(loaded.model, features, name, target, period)[0].numpy()
            for kind, where in held.items():
                found[name][kind].append(ground_truth.point(patch_map, where, tile))
    patients = np.array([case.patient for case in cases])
    result = {}
    for part, chosen in (("all", np.full(len(cases), True)), ("labelled_right", np.array(right))):
        own = patients[chosen]
        result[part] = {"windows": len(own), "patients": len(set(own))}
        if len(own):
            result[part]["methods"] = {
                name: {kind: _against_chance(list(compress(points, chosen)), own) for kind, points in by_kind.items()}
                for name, by_kind in found.items()
            }
    return result


def write(path: str | Path, key: str, result: dict[str, Any]) -> None:
    """Put one result into a JSON file of several, replacing an earlier one of that key."""
    path = Path(path)
    known = json.loads(path.read_text()) if path.exists() else {}
    atomic.write_json(path, {**known, key: result})


def table(result: dict[str, Any]) -> str:
    """Return a result as lines for a terminal."""
    measured = result["faithfulness"]
    lines = [
        f"{result['corpus']}, {result['split']}: {measured['cycles']} cycles of {measured['patients']} patients, "
        f"replaced by {perturb.FILL_TITLES[result['fill']]}",
        f"{'':22}{'deletion':>9}{'insertion':>10}  {'gain over random (95 %)':26}beats all baselines",
    ]
    for name, areas in measured["orders"].items():
        line = f"{name:22}{areas['deletion']:9.3f}{areas['insertion']:10.3f}"
        if method := measured["methods"].get(name):
            gain = method["over"]["random"]
            line += f"  {_interval(gain):26}{'yes' if method['beats_baselines'] else 'no'}"
        lines.append(line)
    for part, truth in result.get("ground_truth", {}).items():
        lines.append(f"ground truth, {part.replace('_', ' ')}: {truth['windows']} windows")
        for name, kinds in truth.get("methods", {}).items():
            for kind, m in kinds.items():
                lines.append(
                    f"{name:22}{kind:6}hit {m['hit']:.2f} (chance {m['hit_chance']:.2f}; {_interval(m['hit_gain'])})  "
                    f"inside {m['inside']:.3f} (chance {m['inside_chance']:.3f}; {_interval(m['inside_gain'])})"
                )
    return "\n".join(lines)


def _features(waveform: np.ndarray, loaded: checkpoint.Checkpoint) -> tuple[torch.Tensor, float | None]:
    """(windows, frames, bins) of a clip, and the frames after which it is repeated."""
    config = loaded.config
    batch = torch.from_numpy(windows(waveform, config.audio))
    hop = config.audio.sample_rate * HOP_MS // 1000
    period = repeats_after(len(waveform), config.audio)
    device = next(loaded.model.parameters()).device
    features = extract(batch.to(device), config.audio, config.features)
    return features, None if period is None else period / hop


def _target(model: nn.Module, features: torch.Tensor) -> Target:
    with torch.inference_mode():
        return Target(int(model(features).softmax(dim=1).mean(dim=0).argmax()))


def _relevance(
    model: nn.Module, features: torch.Tensor, name: str, target: Target, period: float | None
) -> torch.Tensor:
    return relevance(model, features, name, target, period).cpu()


def _gain(difference: np.ndarray, patients: Sequence[str]) -> dict[str, float]:
    """Of (cycles, 2) deletion and insertion areas, both counted so that more is better."""
    return significance.mean_interval(difference[:, 1] - difference[:, 0], patients)


def _against_chance(points: Sequence[ground_truth.Pointing], patients: Sequence[str]) -> dict[str, Any]:
    values = {key: np.array([getattr(p, key) for p in points]) for key in asdict(points[0])}
    result: dict[str, Any] = {key: float(v.mean()) for key, v in values.items()}
    for key in ("hit", "inside"):
        result[f"{key}_gain"] = significance.mean_interval(values[key] - values[f"{key}_chance"], patients)
    return result


def _interval(gain: dict[str, float]) -> str:
    return f"{gain['estimate']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
