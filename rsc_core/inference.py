"""The Analyser: the app's, and the command line's, only door to models.

It reads a folder of run folders, loads each model when it is first asked for and keeps it. Probabilities come from the
plain forward pass in float32; attention, where a model has any, from a second, recorded pass over the chosen cycle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchaudio.functional import resample

from rsc_core import audio, checkpoint, cycles, models, segmentation
from rsc_core.analysis import Analysis, AttentionMap, Cycle, CycleView, ModelCard, Recording, Spectrogram
from rsc_core.checkpoint import Checkpoint, CheckpointError
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.data.loader import whole, window_starts, windows
from rsc_core.evaluate import METRICS
from rsc_core.explain import attention, tiles
from rsc_core.explain.rollout import rollout
from rsc_core.fair_lock import FairLock
from rsc_core.features import extract
from rsc_core.features.hybrid import (
    HYBRID_HOP,
    HYBRID_MAPS,
    HYBRID_SAMPLE_RATE,
    frequencies_hz,
    hybrid,
    standardize_rows,
)
from rsc_core.features.log_mel import HOP_MS, center_frequencies_hz, edge_frequencies_hz, frame_count, log_mel
from rsc_core.presets import PRESETS

DB_PER_NATURAL_LOG = 10 / np.log(10)  # of power
SHORTEST_PICTURE_S = 0.5  # a shorter clip is repeated to this before a filter bank, and only its own frames are shown
CHILDREN = ("SPRSound",)
BATCH = 32  # windows labelled at once
RATE = AudioConfig().sample_rate  # Hz of every recording; a model of another rate reads its clips resampled


class Analyser:
    """Labels recordings and shows what a model saw.

    Args:
        checkpoints: folder of run folders; those with an ``rsc.json`` that tell the four classes of a respiratory
            cycle apart by its spectrogram are offered. (Others, diagnoses and wav2vec 2.0 among them, are
            trained and evaluated, but not shown.)
        device: "cpu", "cuda" or "auto".

    Attributes:
        cards: name -> card of every model, in display order.
        default: the model used when none is named: the one with the highest Score, the first one where none was
            evaluated; empty when there is none.
    """

    def __init__(self, checkpoints: str | Path = "checkpoints", device: str = "cpu"):
        self.folder = Path(checkpoints)
        self.device = torch.device(device)
        runs = [path.parent for path in sorted(self.folder.glob(f"*/{checkpoint.FACTS}"))]
        found = [read_card(run) for run in runs if can_be_shown(run)]
        found.sort(key=lambda card: (not card.base.startswith("base"), list(PRESETS).index(card.preset), card.name))
        self.cards: dict[str, ModelCard] = {card.name: card for card in found}
        evaluated = [card for card in found if not math.isnan(card.score)]
        self.default = max(evaluated, key=lambda card: card.score).name if evaluated else next(iter(self.cards), "")
        self._loaded: dict[str, Checkpoint] = {}
        # One visitor at a time: attention is recorded by hooks, and two cores gain nothing from more.
        self._lock = FairLock()

    def analyse(self, path: str | Path, model: str | None = None, annotation: str | Path | None = None) -> Analysis:
        """Label every cycle of a sound file.

        Args:
            path: any format ``rsc_core.audio.load`` reads.
            model: one of ``cards``; the default one if None.
            annotation: file with the recording's cycles; otherwise they are found in the sound, and where no breathing
                is clear windows of the model's length take their place.

        Raises:
            AudioError: the file cannot be used.
            AnnotationError: the annotation is malformed or belongs to a longer recording.
            CheckpointError: there is no such model, or it cannot be loaded.
        """
        return _finished(self.analysing(path, model, annotation))

    def analysing(
        self, path: str | Path, model: str | None = None, annotation: str | Path | None = None
    ) -> Generator[tuple[int, int], None, Analysis]:
        """Analyse step by step, yielding (windows labelled, windows of the recording); as ``analyse`` otherwise."""
        config = self._load(model).config
        recording = audio.load(path, RATE)  # every model labels the same recording; ``heard`` gives each its own level
        if annotation is None:
            breaths = segmentation.breaths(recording.waveform, recording.sample_rate)
            found = breaths or cycles.windows(recording.seconds, config.audio.window_s)
            labelled = yield from self._label(recording, found, False, model, ())
            return replace(labelled, segmented=bool(breaths))
        found = cycles.within(cycles.read_annotation(annotation), recording.seconds)
        return (yield from self._label(recording, found, True, model, cycles.read_events(annotation)))

    def relabel(self, analysis: Analysis, model: str) -> Analysis:
        """Return the same recording and cycles as another model labels them."""
        steps = self._label(analysis.recording, analysis.cycles, analysis.annotated, model, analysis.events)
        return replace(_finished(steps), segmented=analysis.segmented)

    def view(self, analysis: Analysis, index: int) -> CycleView:
        """Return all that is drawn of one cycle.

        Raises:
            IndexError: the analysis has no such cycle.
        """
        cycle = analysis.cycles[index]
        samples = cut(analysis.recording, cycle)
        loaded = self._load(analysis.model.name)
        return CycleView(
            cycle=cycle,
            waveform=samples,
            sample_rate=analysis.recording.sample_rate,
            log_mel=log_mel_pictures(samples, cycle, loaded),
            hybrid=hybrid_pictures(samples, cycle, analysis.recording.sample_rate),
            attention=self._attention(analysis.recording, cycle, loaded),
        )

    def attention(self, analysis: Analysis, index: int, model: str) -> tuple[AttentionMap, ...]:
        """Return where a model reads in one cycle; empty for a network without attention.

        Raises:
            IndexError: the analysis has no such cycle.
        """
        cycle = analysis.cycles[index]
        return self._attention(analysis.recording, cycle, self._load(model))

    def attends(self, model: str) -> bool:
        """Return whether a model has attention to show.

        Raises:
            CheckpointError: there is no such model, or it cannot be loaded.
        """
        return attention.attends(self._load(model).model)

    def log_mel(self, analysis: Analysis, index: int) -> Spectrogram:
        """Return the log-mel spectrogram of one cycle in dB.

        Raises:
            IndexError: the analysis has no such cycle.
        """
        cycle = analysis.cycles[index]
        samples = cut(analysis.recording, cycle)
        return log_mel_pictures(samples, cycle, self._load(analysis.model.name))["db"]

    @contextmanager
    def alone_with(self, *names: str) -> Iterator[tuple[Checkpoint, ...]]:
        """Yield loaded models, which nobody else runs meanwhile; no other method may be called inside.

        Raises:
            CheckpointError: there is no such model, or it cannot be loaded.
        """
        loaded = tuple(self._load(name) for name in names)
        with self._lock:
            yield loaded

    def inputs(self, recording: Recording, cycle: Cycle, loaded: Checkpoint) -> torch.Tensor:
        """Return the features of one cycle as a model reads them, one row a window."""
        clips = heard(recording, cycle, loaded.config.audio)
        return self._features(torch.from_numpy(clips), loaded)

    def _load(self, name: str | None) -> Checkpoint:
        name = name or self.default
        if name not in self.cards:
            known = ", ".join(self.cards) or "none yet; README.md says how to train one"
            missing = f'There is no model "{name}" in {self.folder}' if name else f"There is no model in {self.folder}"
            raise CheckpointError(f"{missing}; there are: {known}. --checkpoints names another folder.")
        with self._lock:
            if name not in self._loaded:
                loaded = checkpoint.load(self.folder / name)
                loaded.model.to(self.device)
                self._loaded[name] = loaded
            return self._loaded[name]

    def _label(
        self,
        recording: Recording,
        found: tuple[Cycle, ...],
        annotated: bool,
        model: str | None,
        events: tuple[Cycle, ...],
    ) -> Generator[tuple[int, int], None, Analysis]:
        loaded = self._load(model)
        clips = [heard(recording, cycle, loaded.config.audio) for cycle in found]
        owner = np.repeat(np.arange(len(clips)), [len(c) for c in clips])
        probabilities: list[torch.Tensor] = []
        for batch in torch.from_numpy(np.concatenate(clips)).split(BATCH):
            yield sum(map(len, probabilities)), len(owner)
            with self._lock, torch.inference_mode():
                logits = loaded.model(self._features(batch, loaded))
                probabilities.append(models.probabilities(logits, loaded.config.model).cpu())
        per_window = torch.cat(probabilities).numpy()
        per_cycle = np.stack([per_window[owner == i].mean(axis=0) for i in range(len(clips))])
        card = self.cards[model or self.default]
        return Analysis(recording, found, annotated, loaded.config.model.classes, per_cycle, card, events)

    def _features(self, waveforms: torch.Tensor, loaded: Checkpoint) -> torch.Tensor:
        return extract(waveforms.to(self.device), loaded.config.audio, loaded.config.features)

    def _attention(self, recording: Recording, cycle: Cycle, loaded: Checkpoint) -> tuple[AttentionMap, ...]:
        """The last block's attention and the rollout, folded back onto the cycle; none of a network without any."""
        if not attention.attends(loaded.model):
            return ()
        length, rate = loaded.config.audio.window_samples, loaded.config.audio.sample_rate
        samples, batch = len(cut(recording, cycle)), torch.from_numpy(heard(recording, cycle, loaded.config.audio))
        hop = rate * HOP_MS // 1000
        first = [0] if samples < length else [start // hop for start in window_starts(samples, loaded.config.audio)]
        frames = max(1, samples // hop)
        period = tiles.period_frames(samples, loaded.config.audio) or max(frames, length // hop)
        geometry = loaded.model.hf.config
        with self._lock, torch.inference_mode(), attention.record_attention(loaded.model) as maps:
            features = self._features(batch, loaded)
            loaded.model(features)
            layout = loaded.model.layout(features.shape[1])
            looks = {"last layer": attention.last_layer(maps, layout), "rollout": rollout(maps, layout)}
        edges = edge_frequencies_hz(rate)[:: geometry.frequency_stride][: layout.grid[0] + 1]
        result = []
        for name, look in looks.items():
            spread = [
                attention.over_frames(window, geometry.patch_size, geometry.time_stride)
                for window in look.cpu().numpy()
            ]
            folded = attention.fold_back(spread, first, period or max(frames, length // hop), frames).astype(
                np.float32
            )
            patch_s = geometry.patch_size * HOP_MS / 1000
            result.append(AttentionMap(name, folded, edges, patch_s, cycle.start_s, cycle.end_s))
        return tuple(result)


def _finished(steps: Generator[Any, None, Analysis]) -> Analysis:
    """Take all steps and return what comes of them."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def can_be_shown(run: Path) -> bool:
    """Return whether a run folder's model reads spectrograms and answers with ``rsc_core.config.CLASSES``."""
    config = checkpoint.read_facts(run)["config"]
    if config["features"]["name"] == "waveform":
        return False
    return tuple(config["model"]["classes"]) == CLASSES and not config["model"].get("multi_label")


def read_card(folder: Path) -> ModelCard:
    """Return what a run folder says of its model."""
    facts = checkpoint.read_facts(folder)
    config = facts["config"]
    path = folder / METRICS
    results = json.loads(path.read_text()) if path.exists() else {}
    result = results.get(f"{config['corpus']} test") or next(iter(results.values()), None)
    if result is None:
        nan = float("nan")
        result = {"corpus": facts["corpus"], "split": "not evaluated", "score_interval": (nan, nan)}
        result |= dict.fromkeys(("specificity", "sensitivity", "score"), nan)
    return ModelCard(
        name=folder.name,
        title=PRESETS[config["preset"]].summary,
        preset=config["preset"],
        parameters=facts["parameters"],
        trainable=facts["trainable"],
        corpus=f"{result['corpus']}, {result['split']}",
        protocol=facts["protocol"],
        specificity=result["specificity"],
        sensitivity=result["sensitivity"],
        score=result["score"],
        score_interval=tuple(result["score_interval"]),
        base=_base_note(facts["learned_from"]),
        model=config["model"]["name"],
        tuning=config["tuning"],
        elsewhere=tuple(
            (f"{other['corpus']}, {other['split']}", other["score"])
            for other in results.values()
            if other is not result and "score" in other
        ),
    )


def annotation_beside(path: str | Path) -> Path | None:
    """Return the ``.txt`` or ``.json`` of the same name beside a sound file, if there is one."""
    candidates = (Path(path).with_suffix(suffix) for suffix in (".txt", ".json"))
    return next((c for c in candidates if c.exists()), None)


def _base_note(learned_from: list[str]) -> str:
    """What to say of where a model's base comes from; ``learned_from`` names corpora or hub models, first to last."""
    first, tuned = learned_from[0], len(learned_from) > 1
    origin = f"children's lungs ({first})" if first in CHILDREN else first
    return f"base learned from {origin}" if tuned else f"learned from {origin}"


def cut(recording: Recording, cycle: Cycle) -> np.ndarray:
    """Return the (samples,) of one cycle, at least one sample."""
    first = min(round(cycle.start_s * recording.sample_rate), len(recording.waveform) - 1)
    return recording.waveform[first : max(round(cycle.end_s * recording.sample_rate), first + 1)]


def heard(recording: Recording, cycle: Cycle, config: AudioConfig) -> np.ndarray:
    """(windows, samples) of one cycle of a level-scaled recording, as a model of these settings is given them.

    A model of the level "none" is given the file's own level, without its offset.
    """
    waveform = recording.waveform if config.level == "rms" else recording.waveform / recording.gain
    faded = replace(recording, waveform=whole(waveform, replace(config, sample_rate=recording.sample_rate)))
    samples = cut(faded, cycle)
    if recording.sample_rate != config.sample_rate:
        samples = resample(torch.from_numpy(samples), recording.sample_rate, config.sample_rate).numpy()
    return windows(samples, config)


def log_mel_pictures(samples: np.ndarray, cycle: Cycle, loaded: Checkpoint) -> dict[str, Spectrogram]:
    """Return a cycle's log-mel spectrogram in dB ("db"), and normalised as the model sees it ("model")."""
    rate, statistics = RATE, loaded.config.features
    source = "the training set" if statistics.name == "log_mel" else "AudioSet"
    padded = _at_least(samples, round(SHORTEST_PICTURE_S * rate))
    frames = max(1, frame_count(len(samples), rate))
    values = log_mel(torch.from_numpy(padded), rate)[0, :frames].T.numpy()
    shown = {
        "db": (values * DB_PER_NATURAL_LOG, "dB"),
        "model": ((values - statistics.mean) / (2 * statistics.std), f"2 SD of {source}"),
    }
    hz = center_frequencies_hz(rate)
    return {
        key: Spectrogram("Log-mel", v.astype(np.float32), unit, hz, cycle.start_s, cycle.end_s)
        for key, (v, unit) in shown.items()
    }


def hybrid_pictures(samples: np.ndarray, cycle: Cycle, rate: int) -> dict[str, tuple[Spectrogram, ...]]:
    """CycleGuardian's three maps in dB, and standardised row by row."""
    at_22k = resample(torch.from_numpy(_at_least(samples, round(SHORTEST_PICTURE_S * rate))), rate, HYBRID_SAMPLE_RATE)
    frames = 1 + len(samples) * HYBRID_SAMPLE_RATE // rate // HYBRID_HOP
    in_db = hybrid(at_22k[None], standardize=False)
    hz = frequencies_hz()
    return {
        key: tuple(
            Spectrogram(name, values, unit, hz[name], cycle.start_s, cycle.end_s)
            for name, values in zip(HYBRID_MAPS, maps[0, :, :, :frames].numpy(), strict=True)
        )
        for key, maps, unit in (("db", in_db, "dB"), ("model", standardize_rows(in_db), "SD per row"))
    }


def _at_least(samples: np.ndarray, length: int) -> np.ndarray:
    return samples if len(samples) >= length else cycles.fill(samples, length)
