"""What a CycleGuardian makes of a recording, as plain numpy: its windows' clusters, their sound, their silence.

A clip is what the network reads at once: a short cycle repeated until the clip is full, or a part of a longer one. Of
several clips the one that speaks loudest for the cycle's label is shown. The sound of a window is approximate: its
stretch of the clip between the lowest and the highest frequency of the maps, where each map weighs frequencies in its
own way and a frame hears a little beyond its ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import signal

from rsc_core.analysis import Analysis, ClusterLook, Spectrogram, TypicalWindow
from rsc_core.data.loader import repeats_after, window_starts
from rsc_core.explain import clusters
from rsc_core.features.hybrid import HYBRID_HOP, HYBRID_MAPS, HYBRID_SAMPLE_RATE, frequencies_hz
from rsc_core.inference import Analyser, cut, heard
from rsc_core.models.clustering import CENTRES
from rsc_core.models.cycle_guardian import window_count

EACH = 3  # typical windows of a cluster
HOP_S = HYBRID_HOP / HYBRID_SAMPLE_RATE
FADE_S = 0.01  # at both ends of a window's sound


def look(analyser: Analyser, analysis: Analysis, index: int) -> ClusterLook:
    """Return how the windows of one cycle are clustered, and what silencing clusters changes.

    Raises:
        IndexError: there is no such cycle.
        CheckpointError: the model cannot be loaded.
    """
    cycle, hz = analysis.cycles[index], frequencies_hz()
    with analyser.alone_with(analysis.model.name) as (loaded,):
        features = analyser.inputs(analysis.recording, cycle, loaded)
        found = clusters.cluster(loaded.model, features, loaded.config.model)
        weighing = loaded.model.summary.positions, loaded.model.fusion
        weights, fusion = (part.weight[0].detach().cpu().numpy() for part in weighing)
    chosen = int(found.answers[:, 0, int(analysis.probabilities[index].argmax())].argmax())
    maps, audio = features[chosen].cpu().numpy(), loaded.config.audio
    seconds, samples = maps.shape[2] * HOP_S, _samples(analysis, index)
    period = repeats_after(samples, audio)
    return ClusterLook(
        maps=tuple(
            Spectrogram(name, values, "SD per row", hz[name], 0.0, seconds)
            for name, values in zip(HYBRID_MAPS, maps, strict=True)
        ),
        repeats_s=np.arange(period, audio.window_samples, period) / audio.sample_rate if period else np.zeros(0),
        edges_s=clusters.edges_s(window_count(maps.shape[2]), HOP_S),
        soft=found.soft[chosen],
        weights=weights,
        fusion=fusion,
        classes=analysis.classes,
        answers=found.answers[chosen],
        number=chosen + 1,
        count=len(features),
        ending=len(features) == 1 and samples > audio.window_samples,
    )


def typical(analyser: Analyser, analysis: Analysis) -> tuple[tuple[TypicalWindow, ...], ...]:
    """Return for each cluster the windows of the recording nearest to its centre, nearest first, at most ``EACH``.

    No two of them overlap, and what a short cycle repeats counts once. The model is lent for one cycle at a time, so
    other visitors are served in between.

    Raises:
        CheckpointError: the model cannot be loaded.
    """
    found = [window for index in range(len(analysis.cycles)) for window in _windows(analyser, analysis, index)]
    found.sort(key=lambda pair: pair[1].distance)
    kept: list[list[TypicalWindow]] = [[] for _ in range(CENTRES)]
    for number, window in found:
        own = kept[number]
        if len(own) < EACH and all(w.end_s <= window.start_s or window.end_s <= w.start_s for w in own):
            own.append(window)
    return tuple(map(tuple, kept))


def _windows(analyser: Analyser, analysis: Analysis, index: int) -> Iterator[tuple[int, TypicalWindow]]:
    """The windows of one cycle, each with the number of its cluster."""
    cycle = analysis.cycles[index]
    with analyser.alone_with(analysis.model.name) as (loaded,):
        features = analyser.inputs(analysis.recording, cycle, loaded)
        found = clusters.cluster(loaded.model, features, loaded.config.model)
    audio, samples = loaded.config.audio, _samples(analysis, index)
    starts = [0] if samples <= audio.window_samples else window_starts(samples, audio)
    rate, held = audio.sample_rate, min(samples, audio.window_samples) / audio.sample_rate
    for clip, start, soft, distances in zip(
        heard(analysis.recording, cycle, audio), starts, found.soft, found.distances, strict=True
    ):
        audible = _band(clip, rate)
        for number, (begin, end) in enumerate(clusters.edges_s(len(soft), HOP_S)):
            if number and end > held:
                break
            own = int(soft[number].argmax())
            sound = _faded(audible[round(begin * rate) : round(end * rate)], rate)
            offset = cycle.start_s + start / rate
            yield own, TypicalWindow(index, offset + begin, offset + end, float(distances[number, own]), sound, rate)


def _samples(analysis: Analysis, index: int) -> int:
    """Samples of a cycle at the network's rate."""
    recording = analysis.recording
    return -(-len(cut(recording, analysis.cycles[index])) * HYBRID_SAMPLE_RATE // recording.sample_rate)


def _band(waveform: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) of a clip -> the same without what no map holds."""
    hz = np.concatenate(list(frequencies_hz().values()))
    passing = signal.butter(4, (hz.min(), hz.max()), "bandpass", fs=rate, output="sos")
    return signal.sosfiltfilt(passing, waveform).astype(np.float32)


def _faded(waveform: np.ndarray, rate: int) -> np.ndarray:
    ramp = np.minimum(1, np.arange(len(waveform)) / (FADE_S * rate))
    return (waveform * ramp * ramp[::-1]).astype(np.float32)
