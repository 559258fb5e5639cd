"""Clips to waveform batches: decoding once, extents that do not leak the label, windows, class balance.

SPRSound's events are marked sounds: how long one lasts gives its class away, and on ICBHI the tendency is the other
way round. So a training clip's extent is drawn log-uniformly, whatever its class, placed at random so that it covers
the annotated stretch (or lies within it) and holds real audio, not padding, around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from torchaudio.functional import resample
from tqdm import tqdm

from rsc_core import audio, cycles
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.data.corpus import Clip
from rsc_core.features import log_mel

FADE_MS = 62.5  # 1,000 samples at 16 kHz, as Patch-Mix and LoRA-RSC fade


class Waveforms:
    """The recordings behind some clips, decoded, resampled and level-scaled, in memory.

    Args:
        clips: whose recordings to decode; 8 h at 16 kHz take about 1.9 GB.
        config: rate and level.
        progress: show a bar.
    """

    def __init__(self, clips: Sequence[Clip], config: AudioConfig, progress: bool = True):
        self.config = config
        paths = {clip.recording: clip.path for clip in clips}
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(self._decode, paths.values())
            self._recordings = dict(
                zip(paths, tqdm(decoded, "decoding", len(paths), unit=" files", disable=not progress), strict=True)
            )

    def _decode(self, path) -> np.ndarray:
        samples, rate = audio.read(path)
        if rate != self.config.sample_rate:
            samples = resample(torch.from_numpy(samples), rate, self.config.sample_rate).numpy()
        return whole(audio.scale(samples, self.config.level)[0], self.config)

    def seconds(self, clip: Clip) -> float:
        """Duration of the clip's whole recording."""
        return len(self._recordings[clip.recording]) / self.config.sample_rate

    def cut(self, clip: Clip, start_s: float, end_s: float) -> np.ndarray:
        """(samples,) of the clip's recording between two times, at least one sample."""
        recording = self._recordings[clip.recording]
        first = min(max(round(start_s * self.config.sample_rate), 0), len(recording) - 1)
        return recording[first : max(round(end_s * self.config.sample_rate), first + 1)]


def training_extent(
    clip: Clip, recording_s: float, extent_s: tuple[float, float], rng: np.random.Generator
) -> tuple[float, float]:
    """Draw (start_s, end_s) for one pass over a clip; the duration does not depend on the clip."""
    low, high = (math.log(s) for s in extent_s)
    duration = min(math.exp(rng.uniform(low, high)), recording_s)
    earliest, latest = sorted((clip.end_s - duration, clip.start_s))
    start = rng.uniform(earliest, latest)
    start = min(max(start, 0.0), recording_s - duration)
    return start, start + duration


def equalised(clip: Clip, recording_s: float, extent_s: float) -> tuple[float, float]:
    """Re-cut a clip to one extent, whose length says nothing: (start_s, end_s) of real audio around its middle.

    The extent is shifted into the recording; a longer clip gives its middle, a shorter recording all of itself.

    Raises:
        ValueError: a duration is not positive.
    """
    if recording_s <= 0 or extent_s <= 0:
        raise ValueError(f"expected positive durations in seconds, got recording {recording_s} and extent {extent_s}")
    duration = min(extent_s, recording_s)
    start = (clip.start_s + clip.end_s - duration) / 2
    start = min(max(start, 0.0), recording_s - duration)
    return start, start + duration


def faded(samples: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) -> the same, fading in and out linearly over ``FADE_MS`` each, or over half of a short clip."""
    count = min(round(rate * FADE_MS / 1000), len(samples) // 2)
    ramp = np.ones(len(samples), dtype=samples.dtype)
    ramp[:count] = np.arange(count) / max(count, 1)
    return samples * ramp * ramp[::-1]


def whole(recording: np.ndarray, config: AudioConfig) -> np.ndarray:
    """(samples,) of a level-scaled recording, with its ends faded where the settings say so."""
    return faded(recording, config.sample_rate) if config.fade == "recording" else recording


def padded(samples: np.ndarray, config: AudioConfig) -> np.ndarray:
    """(window,) of a clip no longer than a window, faded and filled up as the settings say; it stands first.

    A longer clip is for padding "tile" alone, which keeps its end.
    """
    if config.padding == "tile":
        samples = samples[-config.window_samples :]
    if config.fade == "cycle":
        samples = faded(samples, config.sample_rate)
    if config.padding == "repeat":
        return cycles.fill(samples, config.window_samples)
    if config.padding == "tile":
        return np.resize(samples, config.window_samples)
    return np.pad(samples, (0, config.window_samples - len(samples)))


def repeats_after(samples: int, config: AudioConfig) -> int | None:
    """Samples after which a clip of so many starts anew in its window; None where it is not repeated."""
    if samples >= config.window_samples or config.padding == "zero":
        return None
    return samples if config.padding == "tile" else cycles.period_samples(samples)


def windows(samples: np.ndarray, config: AudioConfig) -> np.ndarray:
    """(k, window): a short clip padded to one window, a longer one in evenly spaced windows that cover it.

    With padding "tile" there is one window, the end of a longer clip.
    """
    length = config.window_samples
    if len(samples) <= length or config.padding == "tile":
        return padded(samples, config)[None]
    if config.fade == "cycle":
        samples = faded(samples, config.sample_rate)
    return np.stack([samples[s : s + length] for s in window_starts(len(samples), config)])


def window_starts(samples: int, config: AudioConfig) -> list[int]:
    """First samples of the windows of a clip of one window or longer."""
    length = config.window_samples
    if config.padding == "tile":
        return [samples - length]
    count = math.ceil(samples / length)
    return [round(i * (samples - length) / max(count - 1, 1)) for i in range(count)]


def class_weights(labels: Sequence[Sequence[int]], balance: float) -> torch.Tensor:
    """(clips,) sampling weights: a class is drawn in proportion to its count ** (1 - balance).

    A clip with several labels gets the sum of their weights.
    """
    counts = torch.bincount(torch.tensor([label for own in labels for label in own])).double()
    per_class = counts.clamp_min(1) ** -balance
    return torch.stack([per_class[list(own)].sum() for own in labels])


def training_batches(
    clips: Sequence[Clip],
    waveforms: Waveforms,
    window_s: float,
    extent_s: tuple[float, float],
    batch_size: int,
    balance: float,
    seed: int,
    classes: int = len(CLASSES),
    count: int = 0,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of ((batch, samples) waveforms, (batch, classes) targets), the same for the same seed.

    With ``balance`` 0 every clip comes once; otherwise ``count`` clips, by default as many as there are, are drawn
    with replacement. The last batch may be smaller.
    """
    rng = np.random.default_rng(seed)
    for picks in draw(clips, balance, seed, count).split(batch_size):
        chosen = [clips[index] for index in picks.tolist()]
        yield training_windows(chosen, waveforms, window_s, extent_s, rng), targets_of(chosen, classes)


def draw(clips: Sequence[Clip], balance: float, seed: int, count: int = 0) -> torch.Tensor:
    """Return the indices of the clips of one epoch in order, as ``training_batches`` takes them."""
    generator = torch.Generator().manual_seed(seed)
    if balance:
        weights = class_weights([clip.labels for clip in clips], balance)
        return torch.multinomial(weights, count or len(clips), replacement=True, generator=generator)
    return torch.randperm(len(clips), generator=generator)


def training_windows(
    clips: Sequence[Clip],
    waveforms: Waveforms,
    window_s: float,
    extent_s: tuple[float, float],
    rng: np.random.Generator,
) -> torch.Tensor:
    """(clips, samples): one drawn extent of each clip, padded to the window; with padding "tile" the clip as it is."""
    config = replace(waveforms.config, window_s=window_s)
    extent_s = tuple(min(s, window_s) for s in extent_s)
    batch = np.empty((len(clips), config.window_samples), dtype=np.float32)
    for row, clip in zip(batch, clips, strict=True):
        if config.padding == "tile":
            row[:] = padded(waveforms.cut(clip, clip.start_s, clip.end_s), config)
            continue
        extent = training_extent(clip, waveforms.seconds(clip), extent_s, rng)
        row[:] = padded(waveforms.cut(clip, *extent)[: config.window_samples], config)
    return torch.from_numpy(batch)


def targets_of(clips: Sequence[Clip], classes: int) -> torch.Tensor:
    """(clips, classes), 1 where a clip has a label."""
    targets = torch.zeros(len(clips), classes)
    for target, clip in zip(targets, clips, strict=True):
        target[list(clip.labels)] = 1
    return targets


def evaluation_batches(
    clips: Sequence[Clip], waveforms: Waveforms, batch_size: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield ((windows, samples) waveforms, (windows,) clip index); every clip as annotated, in order."""
    rows: list[np.ndarray] = []
    owners: list[int] = []
    for index, clip in enumerate(clips):
        for window in windows(waveforms.cut(clip, clip.start_s, clip.end_s), waveforms.config):
            rows.append(window)
            owners.append(index)
        if len(rows) >= batch_size or (rows and index == len(clips) - 1):
            yield torch.from_numpy(np.stack(rows)), torch.tensor(owners)
            rows, owners = [], []


def feature_statistics(clips: Sequence[Clip], waveforms: Waveforms) -> tuple[float, float]:
    """Mean and standard deviation of the log-mel of up to 1,000 clips, evenly picked."""
    picked = clips[:: max(1, len(clips) // 1000)]
    values = torch.cat([log_mel(batch).flatten() for batch, _ in evaluation_batches(picked, waveforms, 64)])
    return round(values.mean().item(), 4), round(values.std().item(), 4)
