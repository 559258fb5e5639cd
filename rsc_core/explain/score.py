"""Score every way of explaining a model over a corpus; ``python -m rsc_core.explain score`` runs it.

Faithfulness on test cycles as they are annotated, a short one repeated to fill the window: how much smaller a method's
deletion area, and how much larger its insertion area, is than that of orders that know nothing of the model. Ground
truth on windows around SPRSound's events and of synthesised sound: the pointing game and the relevance inside, against
chance. The label explained is the model's own argmax.

Every case's numbers are kept as they come (``records.py``), so the same command goes on after a kill, and asking for
more cycles measures only those that are new; ``standing.py`` makes the result of them. A case's maps are computed once
for all that is measured on it.

No prediction is compared with a label to rate the model, and nothing is chosen: the test log records looks at a
model's score on a test split, so this look at its explanations is not entered there. Where the ground truth is told
apart by whether the model's label is right, that says which maps to compare, not how often it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from rsc_core import checkpoint, engine, evaluate
from rsc_core.data import splits
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.loader import Waveforms, windows
from rsc_core.explain import faithfulness, ground_truth, perturb, standing, tiles
from rsc_core.explain.attention import attends
from rsc_core.explain.records import Records
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.features import extract

STEPS = 10
ORDERS = 5  # random ones, of each kind
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Item:
    """A sound to measure on."""

    name: str  # of its record
    waveform: np.ndarray  # (samples,) float32
    label: str
    patient: str
    followed: bool  # whether faithfulness is measured
    spans: tuple[ground_truth.Span, ...] = ()  # where the sound is, if that is asked


def score(
    run: str | Path,
    corpus: Corpus | None,
    cycles: int = 200,
    seed: int = 0,
    device: str = "auto",
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Score all methods that a run's model allows, or go on where that was stopped.

    Args:
        run: run folder.
        corpus: as ``rsc_core.data.load`` returns it; None: synthesised sounds.
        cycles: test cycles, and windows with ground truth, at most.
        seed: of the draw of cycles and windows, and of the random orders.
        device: "auto", "cpu" or "cuda".
        out: folder of the records and of ``explain.json``; the run folder if None.

    Returns:
        The corpus's entry in ``explain.json``, as ``standing.summarise`` returns it.

    Raises:
        CheckpointError: the run folder is damaged.
        AudioError: a recording cannot be read.
        ValueError: the model answers with several labels a clip or reads no spectrogram, its classes are not the
            corpus's, or the folder holds records of other settings.
    """
    loaded = checkpoint.load(run)
    config = loaded.config
    if config.model.multi_label:
        raise ValueError("expected a model with one label a clip, got a multi-label one; score another run")
    if config.features.name != "log_mel":
        raise ValueError(
            f"expected a model that reads log-mel, got one that reads {config.features.name}; score another"
        )
    loaded.model.to(engine.choose_device(device))
    every = evaluate.select(loaded, corpus).part("test") if corpus else ()
    drawn = sample(every, cycles, seed)
    settings = {
        "model": checkpoint.run_digest(run),
        "corpus": corpus.title if corpus else "synthesised",
        "split": "test" if corpus else "all",
        "clips": splits.digest(every),
        "seed": seed,
        "steps": STEPS,
        "orders": ORDERS,
        "methods": methods(loaded.model),
    }
    key, out = corpus.name if corpus else SYNTHETIC, Path(out or run)
    records = Records(out / f"explain_{key}.jsonl", settings)
    items = _real_items(loaded, corpus, every, drawn, cycles, seed) if corpus else _made_items(loaded, cycles, seed)
    left = [(number, item) for number, item in enumerate(items) if item.name not in records.found]
    for number, item in tqdm(left, "cases", total=len(items), initial=len(items) - len(left), smoothing=0):
        records.add(item.name, measure(loaded, item, seed + number))
    asked = {"cycles": cycles, "sample": [f"{c.recording} {c.start_s:.3f} {c.end_s:.3f}" for c in drawn]}
    result = standing.summarise({**settings, **asked}, [records.found[item.name] for item in items])
    standing.write(out / standing.RESULTS, key, result)
    return result


def methods(model: nn.Module) -> list[str]:
    """Names of the methods a model allows; those that read attention need some."""
    return [name for name, method in METHODS.items() if attends(model) or not method.needs_attention]


def sample(clips: Sequence[Clip], count: int, seed: int) -> list[Clip]:
    """Draw clips without replacement, equally many of each class as far as there are; more clips include fewer."""
    order = np.random.default_rng(seed).permutation(len(clips))
    taken: dict[int, int] = {}
    turns = []
    for index in order:
        label = clips[index].label
        taken[label] = taken.get(label, 0) + 1
        turns.append((taken[label], label, int(index)))
    return [clips[index] for *_, index in sorted(turns)[:count]]


def measure(loaded: checkpoint.Checkpoint, item: Item, seed: int) -> dict[str, Any]:
    """Measure all methods on one sound.

    Returns:
        "patient", "right" (whether the model's label is the sound's); "areas": filling -> method or baseline ->
        [deletion, insertion], where that is followed; "pointing": "time" and, where every band is known, "band" ->
        method -> a ``ground_truth.Pointing`` as dict, where the sound's place is known.
    """
    config, model = loaded.config, loaded.model
    batch = torch.from_numpy(windows(item.waveform, config.audio))
    features = extract(batch.to(next(model.parameters()).device), config.audio, config.features)
    period = tiles.period_frames(len(item.waveform), config.audio)
    with torch.inference_mode():
        target = Target(int(model(features).softmax(dim=1).mean(dim=0).argmax()))
    maps = {name: relevance(model, features, name, target, period).cpu() for name in methods(model)}
    record: dict[str, Any] = {"patient": item.patient, "right": config.model.classes[target.index] == item.label}
    if item.followed:
        record["areas"] = areas(model, features, maps, target, period, seed)
    if item.spans:
        record["pointing"] = pointing(loaded, features, maps, item.spans)
    return record


def areas(
    model: nn.Module,
    features: torch.Tensor,
    maps: dict[str, torch.Tensor],
    target: Target,
    period: float | None,
    seed: int,
) -> dict[str, dict[str, list[float]]]:
    """Return filling -> method or baseline -> mean [deletion, insertion] area; all fillings see the same orders."""
    divided = perturb.parts(model, *features.shape[1:], period)
    drawn = {
        name: list(faithfulness.drawn_orders(features, divided, name, ORDERS, seed)) for name in faithfulness.SYMMETRIC
    }
    told = next(faithfulness.drawn_orders(features, divided, "loudest", 1, seed))
    names = [name for name, orders in drawn.items() for _ in orders]
    found: dict[str, dict[str, list[float]]] = {}
    for fill in perturb.FILLS:
        curves = faithfulness.follow(
            model,
            features,
            [told, *maps.values()],
            target,
            fill,
            STEPS,
            period,
            seed,
            symmetric=[order for orders in drawn.values() for order in orders],
        )
        by_name: dict[str, list[tuple[float, float]]] = {}
        for name, one in zip(["loudest", *maps, *names], curves, strict=True):
            by_name.setdefault(name, []).append((one.deletion_area, one.insertion_area))
        found[fill] = {name: np.mean(some, axis=0).tolist() for name, some in by_name.items()}
    return found


def pointing(
    loaded: checkpoint.Checkpoint,
    features: torch.Tensor,
    maps: dict[str, torch.Tensor],
    spans: Sequence[ground_truth.Span],
) -> dict[str, dict[str, dict[str, float]]]:
    """Return "time" and, where every band is known, "band" -> method -> what its map of the one window hits."""
    frames, bins = features.shape[1:]
    tile, rate = perturb.parts(loaded.model, frames, bins).tile.numpy(), loaded.config.audio.sample_rate
    found = {}
    for kind in ("time", "band") if all(span.band_hz for span in spans) else ("time",):
        held = ground_truth.mask(spans, frames, bins, rate, kind == "band")
        found[kind] = {name: asdict(ground_truth.point(map_[0].numpy(), held, tile)) for name, map_ in maps.items()}
    return found


def _made_items(loaded: checkpoint.Checkpoint, count: int, seed: int) -> list[Item]:
    """Synthesised windows, for their truth alone: whether a map is faithful is a question about real cycles."""
    cases = ground_truth.synthetic_cases(count, loaded.config.audio, seed)
    return [Item(case.patient, case.waveform, case.label, case.patient, False, case.spans) for case in cases]


def _real_items(
    loaded: checkpoint.Checkpoint, corpus: Corpus, every: Sequence[Clip], drawn: Sequence[Clip], count: int, seed: int
) -> list[Item]:
    """Drawn cycles, and windows around SPRSound's marked events."""
    config = loaded.config
    marked = every if corpus.name == "sprsound" else ()
    waveforms = Waveforms([*drawn, *(clip for clip in marked if clip.label)], config.audio)
    classes = config.model.classes
    items = [
        Item(f"cycle {i}", waveforms.cut(c, c.start_s, c.end_s), classes[c.label], c.patient, True)
        for i, c in enumerate(drawn)
    ]
    cases = ground_truth.event_cases(marked, waveforms, count, classes, seed)
    items += [Item(f"window {i}", c.waveform, c.label, c.patient, False, c.spans) for i, c in enumerate(cases)]
    return items
