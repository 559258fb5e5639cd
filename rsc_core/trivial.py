"""What can be scored without listening: the rows under every table.

Four answers that know nothing of breath sounds: always normal; the clip's duration; loudness and bandwidth, as the
recorder left them; the device. What a model scores above them is what it can have heard. The last three learn from
the training clips, with normal and abnormal clips weighted alike, as the Score weighs them: so they are as strong as
their inputs allow.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rsc_core import audio
from rsc_core.config import CLASSES, NORMAL_CLASSES
from rsc_core.data.corpus import Clip
from rsc_core.data.levels import measure as measure_sound

DURATION, LOUDNESS = slice(0, 1), slice(1, 4)  # columns of ``measure``


def rows(
    train: Sequence[Clip], test: Sequence[Clip], classes: Sequence[str] = CLASSES, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return each trivial row's predictions; audio is read from the clips' own files, at its stored level.

    For the length-equalised column, pass clips whose times ``loader.equalised`` has re-cut.

    Args:
        train: clips to learn from, each with one label.
        test: clips to label.
        classes: names, in label order.
        seed: of the learners.

    Returns:
        name -> (test,) class indices. The names: "always normal" (or "always healthy", or the most frequent training
        class where there is no such class), "duration only", "loudness and bandwidth only", "device only".

    Raises:
        ValueError: there is no training clip.
        AudioError: a recording cannot be read.
    """
    if not train:
        raise ValueError("expected clips to learn from, got none; check the split")
    labels = np.array([clip.label for clip in train])
    frequent = int(np.bincount(labels).argmax())
    constant = 0 if classes[0] in NORMAL_CLASSES else frequent
    weights = _weights(labels)
    known, asked = np.split(measure([*train, *test]), [len(train)])
    learnt = {
        name: _forest(known[:, columns], labels, weights, asked[:, columns], seed)
        for name, columns in (("duration only", DURATION), ("loudness and bandwidth only", LOUDNESS))
    }
    devices = [clip.device for clip in train], [clip.device for clip in test]
    return {
        f"always {classes[constant]}": np.full(len(test), constant),
        **learnt,
        "device only": _by_device(*devices, labels, weights, frequent),
    }


def measure(clips: Sequence[Clip]) -> np.ndarray:
    """(clips, 4): duration in s, RMS of the recording and of the clip in dB of full scale, bandwidth in Hz.

    Each recording is decoded once, at its own rate and level.

    Raises:
        AudioError: a recording cannot be read.
    """
    members = defaultdict(list)
    for index, clip in enumerate(clips):
        members[clip.path].append(index)

    def measured(path) -> list[tuple[float, ...]]:
        samples, rate = audio.read(path)
        whole_db, highest_hz = _level_db(samples), measure_sound(samples, rate).bandwidth_hz
        found = []
        for clip in (clips[i] for i in members[path]):
            first = min(max(round(clip.start_s * rate), 0), len(samples) - 1)
            part = samples[first : max(round(clip.end_s * rate), first + 1)]
            # Whole milliseconds: the last bits of a difference of times would tell where a re-cut clip lies.
            duration_s = round(clip.end_s - clip.start_s, 3)
            found.append((duration_s, whole_db, _level_db(part), highest_hz))
        return found

    table = np.zeros((len(clips), 4))
    with ThreadPoolExecutor() as pool:
        for path, found in zip(members, pool.map(measured, members), strict=True):
            table[members[path]] = found
    return table


def _level_db(samples: np.ndarray) -> float:
    return 20 * math.log10(max(float(samples.std()), audio.SILENT_RMS))


def _weights(labels: np.ndarray) -> np.ndarray:
    """(clips,): class 0 together weighs as much as all others together."""
    first = labels == 0
    return np.where(first, 1 / max(first.sum(), 1), 1 / max((~first).sum(), 1)) * len(labels) / 2


def _forest(known: np.ndarray, labels: np.ndarray, weights: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """(asked,) labels by a random forest whose leaves hold at least 20 clips."""
    from sklearn.ensemble import RandomForestClassifier

    if not len(asked):
        return np.zeros(0, int)
    trees = RandomForestClassifier(n_estimators=100, min_samples_leaf=20, random_state=seed)
    return trees.fit(known, labels, sample_weight=weights).predict(asked)


def _by_device(
    known: Sequence[str], asked: Sequence[str], labels: np.ndarray, weights: np.ndarray, frequent: int
) -> np.ndarray:
    """(asked,) each device's heaviest class; the most frequent class for a new device, or if there is but one."""
    if len(set(known)) == 1:
        return np.full(len(asked), frequent)
    heaviest = {}
    for device in set(known):
        mine = np.array([d == device for d in known])
        heaviest[device] = int(np.bincount(labels[mine], weights[mine]).argmax())
    return np.array([heaviest.get(device, frequent) for device in asked], dtype=int)
