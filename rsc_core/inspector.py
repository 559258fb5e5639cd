"""The Inspector: everything "Look inside" shows of one cycle, as plain numpy.

A short cycle fills its window several times over; maps are folded back onto it. Of a cycle longer than a window, the
window that speaks loudest for the shown label is looked into. What a cycle takes to record is kept, within bounds, so
that a click costs a look-up.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from rsc_core import models
from rsc_core.analysis import (
    Analysis,
    Belief,
    Cycle,
    Followed,
    Forgetting,
    Look,
    Montage,
    RelevanceMap,
    ScoreTable,
    Standing,
    Tile,
    TileMap,
    Truth,
)
from rsc_core.checkpoint import Checkpoint, CheckpointError
from rsc_core.data.loader import window_starts
from rsc_core.explain import attention, faithfulness, heads, listen, sanity, score, standing, tiles
from rsc_core.explain.faithfulness import Agreement, Curves, baseline_curves, curves
from rsc_core.explain.heads import Recorded
from rsc_core.explain.perturb import FILL_TITLES
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.features import extract
from rsc_core.features.log_mel import HOP_MS, edge_frequencies_hz
from rsc_core.inference import Analyser, cut, heard, log_mel_pictures

ENTRIES = 12
LIMIT_BYTES = 256 * 2**20
ORDERS = 20  # random ones; a quarter as many smooth ones
STEPS = 10


@dataclass(frozen=True)
class Opened:
    """What is kept of one cycle under one model."""

    look: Look
    features: torch.Tensor  # (1, frames, bins)
    period: float | None  # frames after which a repeated clip starts anew
    grid: tuple[int, int]  # (freq, time) tiles
    size: tuple[int, int]  # (patch, stride) of a tile, in frames and mel bins
    edges_hz: np.ndarray  # (freq + 1,)
    fold: np.ndarray  # (time tiles, the look's frames) float32: each frame is a mean over the tiles that saw it
    recorded: Recorded | None  # None: the model has no attention
    maps: dict[tuple[str, Target], torch.Tensor] = field(default_factory=dict)  # (1, freq, time) each

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays that grow with the model or the sound."""
        arrays = [self.look.waveform, self.look.spectrogram.values, self.fold]
        kept = self.recorded.weights.nbytes if self.recorded else 0
        return kept + self.features.nbytes + sum(array.nbytes for array in arrays)

    def on_axes(self, values: np.ndarray) -> TileMap:
        """(freq, time) values of tiles -> the same on the look's seconds."""
        shown = self.look.spectrogram
        return TileMap((values @ self.fold).astype(np.float32), self.edges_hz, shown.start_s, shown.end_s)


class Inspector:
    """Looks into cycles that an Analyser has labelled.

    All methods take the analysis, whose model is looked into, and the cycle's index. They raise CheckpointError where
    the model cannot be loaded, IndexError where there is no such cycle.

    Args:
        analyser: lends its models, to one visitor at a time.
        entries: cycles kept at most.
        limit_bytes: of all that is kept; the cycle looked into last stays whatever it takes.
    """

    def __init__(self, analyser: Analyser, entries: int = ENTRIES, limit_bytes: int = LIMIT_BYTES):
        self.analyser, self.entries, self.limit_bytes = analyser, entries, limit_bytes
        self._kept: OrderedDict[tuple, Opened] = OrderedDict()
        self._scored: dict[str, dict[str, dict[str, Any]]] = {}  # model -> corpus -> result
        self._lock = threading.Lock()

    def look(self, analysis: Analysis, index: int) -> Look:
        """Return what is looked into."""
        return self._open(analysis, index).look

    def tile_at(self, analysis: Analysis, index: int, time_s: float, hz: float) -> Tile:
        """Return the tile whose middle is nearest to a place in the recording."""
        opened = self._open(analysis, index)
        start_s = opened.look.spectrogram.start_s
        rate = opened.look.sample_rate
        return _tile(opened, tiles.tile_at(opened.grid, *opened.size, time_s - start_s, hz, rate))

    def montage(self, analysis: Analysis, index: int, query: str | int) -> Montage:
        """Return what ``query`` reads in every head: "cls", "dist", their "mean", or the index of a patch.

        Raises:
            ValueError: the model has no attention, or no such token.
        """
        opened = self._open(analysis, index)
        if (recorded := opened.recorded) is None:
            raise ValueError(f"{analysis.model.name} has no attention to show; choose a transformer")
        maps = recorded.read(query)
        shown, shares = opened.look.spectrogram, recorded.shares(query)
        return Montage(
            maps=(maps @ opened.fold * recorded.layout.patches).astype(np.float32),
            edges_hz=opened.edges_hz,
            start_s=shown.start_s,
            end_s=shown.end_s,
            tile=_tile(opened, query) if isinstance(query, int) else None,
            special=shares["special"],
            virtual=shares["virtual"],
            heads=recorded.heads,
        )

    def relevance(
        self, analysis: Analysis, index: int, method: str, label: str, against: str | None = None
    ) -> RelevanceMap:
        """Return what speaks for a class, or for it rather than ``against``.

        Raises:
            ValueError: the model does not allow the method, or ``label`` equals ``against``.
        """
        opened = self._open(analysis, index)
        chosen = METHODS[method]
        values = self._map(analysis, opened, method, _target(analysis, label, against))[0].numpy()
        if not chosen.signed:
            values = values / max(values.mean(), np.finfo(np.float32).tiny)
        shown = opened.on_axes(values)
        standings = self.standings(analysis.model.name).get(method, ())
        truth = _truth(analysis.events, shown)
        return RelevanceMap(method, chosen.title, chosen.signed, chosen.by_class, shown, standings, truth)

    def standings(self, model: str) -> dict[str, tuple[Standing, ...]]:
        """Return method -> how it stood over each corpus that it was scored over with this model."""
        return standing.standings(self._results(model))

    def score_tables(self, model: str) -> tuple[ScoreTable, ...]:
        """Return how all methods did over each corpus that they were scored over with this model."""
        return tuple(map(standing.tabulate, self._results(model).values()))

    def _results(self, model: str) -> dict[str, dict[str, Any]]:
        if model not in self._scored:
            self._scored[model] = standing.read(self.analyser.folder / model)
        return self._scored[model]

    def agreement(
        self, analysis: Analysis, index: int, methods: tuple[str, str], label: str, against: str | None = None
    ) -> Agreement:
        """Say how alike two methods' maps are; errors as of ``relevance``."""
        opened, target = self._open(analysis, index), _target(analysis, label, against)
        return faithfulness.agreement(*(self._map(analysis, opened, m, target)[0].numpy() for m in methods))

    def believe(
        self,
        analysis: Analysis,
        index: int,
        method: str,
        label: str,
        against: str | None = None,
        orders: int = ORDERS,
    ) -> Iterator[Belief]:
        """Test a map against orders that know nothing of the model; yields after every round, so a page can stop.

        The model is lent for one order at a time, so other visitors are served in between. Errors as of ``relevance``.
        """
        opened, target = self._open(analysis, index), _target(analysis, label, against)
        patch_map = self._map(analysis, opened, method, target)
        counts = {"random": orders, "smooth": -(-orders // 4), "loudest": 1}
        total = len(FILL_TITLES) * (1 + sum(counts.values()))
        own: dict[str, Curves] = {}
        found: dict[str, dict[str, list[Curves]]] = {fill: {name: [] for name in counts} for fill in FILL_TITLES}
        pending: dict[tuple[str, str], Iterator[Curves]] = {}
        for fill in FILL_TITLES:
            with self.analyser.alone_with(analysis.model.name) as (loaded,):
                settings = {"fill": fill, "steps": STEPS, "period": opened.period}
                own[fill] = curves(loaded.model, opened.features, patch_map, target, **settings)
                for name, count in counts.items():
                    generated = baseline_curves(loaded.model, opened.features, target, name, count, **settings)
                    pending[fill, name] = generated
        for _ in range(orders):
            for (fill, name), generated in pending.items():
                with self.analyser.alone_with(analysis.model.name):
                    found[fill][name] += [c for c in [next(generated, None)] if c]
            done = len(own) + sum(len(some) for by_name in found.values() for some in by_name.values())
            yield Belief(done, total, tuple(_followed(fill, own[fill], found[fill]) for fill in FILL_TITLES))

    def forget(
        self, analysis: Analysis, index: int, method: str, label: str, against: str | None = None
    ) -> Iterator[Forgetting]:
        """Randomise the model's weights from the head down and compare each map with the whole model's.

        Yields after every layer, so a page can stop; other visitors are served in between. Errors as of ``relevance``.
        """
        opened, target = self._open(analysis, index), _target(analysis, label, against)

        def explain(model: torch.nn.Module) -> np.ndarray:
            return relevance(model, opened.features, method, target, opened.period).cpu().numpy()

        with self.analyser.alone_with(analysis.model.name) as (loaded,):
            shown = Forgetting(tuple(sanity.layers(loaded.model)), ())
            steps = sanity.cascade(loaded.model, explain)
        for _ in shown.layers:
            with self.analyser.alone_with(analysis.model.name):
                similarity = next(steps).similarity
            shown = replace(shown, similarities=(*shown.similarities, similarity))
            yield shown

    def listen(
        self, analysis: Analysis, index: int, method: str, label: str, against: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the attended part of the sound and the rest, (samples,) float32; errors as of ``relevance``."""
        shown = self._open(analysis, index).look
        found = self.relevance(analysis, index, method, label, against).tiles
        return listen.split(shown.waveform, shown.sample_rate, found.values, found.edges_hz, HOP_MS / 1000)

    def _open(self, analysis: Analysis, index: int) -> Opened:
        samples = cut(analysis.recording, analysis.cycles[index])
        digest = hashlib.blake2b(samples.tobytes()).digest()
        key = (analysis.model.name, digest, analysis.cycles[index].start_s, analysis.labels[index])
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with self.analyser.alone_with(analysis.model.name) as (loaded,):
            if loaded.config.features.name != "log_mel":
                raise CheckpointError(
                    f"{analysis.model.name} reads {loaded.config.features.name} features, and only what models of "
                    "log-mel read is looked into. Choose another model."
                )
            opened = _record(samples, analysis, index, loaded, self.analyser.device)
        with self._lock:
            self._kept[key] = opened
            while len(self._kept) > 1 and (len(self._kept) > self.entries or self._size_bytes() > self.limit_bytes):
                self._kept.popitem(last=False)
        return opened

    def _size_bytes(self) -> int:
        return sum(opened.size_bytes for opened in self._kept.values())

    def _map(self, analysis: Analysis, opened: Opened, method: str, target: Target) -> torch.Tensor:
        """(1, freq, time), on the processor."""
        known = opened.maps.get((method, target))
        if known is None:
            with self.analyser.alone_with(analysis.model.name) as (loaded,):
                known = relevance(loaded.model, opened.features, method, target, opened.period).cpu()
            opened.maps[method, target] = known
        return known


def _record(samples: np.ndarray, analysis: Analysis, index: int, loaded: Checkpoint, device: torch.device) -> Opened:
    """Choose the window, label it and keep its attention."""
    config, cycle = loaded.config, analysis.cycles[index]
    length, rate = config.audio.window_samples, config.audio.sample_rate
    batch = heard(analysis.recording, cycle, config.audio)
    features = extract(torch.from_numpy(batch).to(device), config.audio, config.features)
    with torch.inference_mode():
        probabilities = models.probabilities(loaded.model(features), config.model).cpu().numpy()
    chosen = int(probabilities[:, int(analysis.probabilities[index].argmax())].argmax())
    period = tiles.period_frames(len(samples), config.audio)
    if len(samples) >= length:
        first = window_starts(len(samples), config.audio)[chosen]
        samples = samples[first : first + length]
        start_s = cycle.start_s + first / rate
        cycle = Cycle(start_s, start_s + len(samples) / rate)
    hop = rate * HOP_MS // 1000
    own = features[chosen : chosen + 1]
    grid, size = tiles.grid(loaded.model, own.shape[1]), tiles.size(loaded.model)
    attends = attention.attends(loaded.model)
    look = Look(
        spectrogram=log_mel_pictures(samples, cycle, loaded)["db"],
        waveform=samples,
        sample_rate=rate,
        number=chosen + 1,
        count=len(batch),
        classes=analysis.classes,
        probabilities=probabilities[chosen],
        methods={name: METHODS[name].title for name in score.methods(loaded.model)},
        attends=attends,
        tile_s=size[0] * HOP_MS / 1000,
        tile_bins=size[0],
    )
    edges = edge_frequencies_hz(rate)[:: size[1]][: grid[0] + 1]
    fold = _fold(grid[1], *size, period, max(1, len(samples) // hop))
    return Opened(
        look, own, period, grid, size, edges, fold, heads.record(loaded.model, own, rate) if attends else None
    )


def _fold(columns: int, patch: int, stride: int, period: float | None, frames: int) -> np.ndarray:
    """(columns, frames) float32, columns of the result sum to 1; a frame that no tile saw is as the one before it."""
    spread = attention.over_frames(np.eye(columns), patch, stride)
    covered = spread.shape[1]
    moment = np.arange(covered) if period is None else tiles.phase(covered, period).long().numpy()
    total, count = np.zeros((columns, frames)), np.zeros(frames)
    inside = moment < frames
    np.add.at(total.T, moment[inside], spread.T[inside])
    np.add.at(count, moment[inside], 1)
    seen = np.flatnonzero(count)
    nearest = seen[np.clip(np.searchsorted(seen, np.arange(frames), side="right") - 1, 0, None)]
    return (total[:, nearest] / count[nearest]).astype(np.float32)


def _truth(events: tuple[Cycle, ...], shown: TileMap) -> Truth | None:
    """The events within a map's seconds and the share of its positive values there; an empty map counts as even."""
    seen = [replace(e, start_s=max(e.start_s, shown.start_s), end_s=min(e.end_s, shown.end_s)) for e in events]
    seen = tuple(e for e in seen if e.start_s < e.end_s)
    if not seen:
        return None
    edges = np.linspace(shown.start_s, shown.end_s, shown.values.shape[1] + 1)
    held = np.zeros(len(edges) - 1)
    for start_s, end_s in _union(seen):
        held += np.clip(np.minimum(edges[1:], end_s) - np.maximum(edges[:-1], start_s), 0, None) / np.diff(edges)
    weight = np.clip(shown.values, 0, None).sum(axis=0)
    chance = float(held.mean())
    return Truth(seen, float(weight @ held / weight.sum()) if weight.any() else chance, chance)


def _union(events: tuple[Cycle, ...]) -> list[tuple[float, float]]:
    """The stretches of time that any event covers, none overlapping another."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted((e.start_s, e.end_s) for e in events):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_s)
        else:
            joined.append((start_s, end_s))
    return joined


def _tile(opened: Opened, index: int) -> Tile:
    (rows, columns), (patch, stride), shown = opened.grid, opened.size, opened.look.spectrogram
    if not 0 <= index < rows * columns:
        raise ValueError(f"expected a patch from 0 to {rows * columns - 1}, got {index}")
    row, column = divmod(index, columns)
    edges = edge_frequencies_hz(opened.look.sample_rate)
    start_s = shown.start_s + column * stride * HOP_MS / 1000
    low, high = edges[row * stride], edges[row * stride + patch]
    return Tile(index, start_s, start_s + opened.look.tile_s, float(low), float(high))


def _target(analysis: Analysis, label: str, against: str | None) -> Target:
    return Target(analysis.classes.index(label), None if against is None else analysis.classes.index(against))


def _followed(fill: str, own: Curves, found: dict[str, list[Curves]]) -> Followed:
    both = {name: np.stack([[c.deletion, c.insertion] for c in some]) for name, some in found.items()}
    told = faithfulness.verdict(own, found["random"])
    return Followed(
        filling=FILL_TITLES[fill],
        fraction=own.fraction,
        own=np.stack([own.deletion, own.insertion]),
        random=both["random"],
        smooth=both["smooth"],
        loudest=both["loudest"][0],
        sentences=(told["deletion"].sentence, told["insertion"].sentence),
    )
