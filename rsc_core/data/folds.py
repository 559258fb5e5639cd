"""Whole patients set aside: validation patients and folds, evenly over classes and devices.

A patient's clips resemble each other, so patients, never clips, are divided. Patients bring their clips in lumps of
one to several hundred; both searches below therefore balance sums of lumps, from a seeded random start, so that
another seed gives other patients and not merely the one best division.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rsc_core.data.corpus import Clip, CorpusError

FOLDS = 5


def carve_validation(
    clips: Sequence[Clip], share: float = 0.15, seed: int = 0
) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Set whole patients aside so that each class and each device loses about ``share`` of its clips.

    From random patients that hold about that share, patients are added, dropped or exchanged, the best step first,
    while that brings the shares of classes, devices and patients nearer to the aim (squared relative distance).

    Returns:
        (clips to learn from, clips to choose by); no patient is in both.

    Raises:
        ValueError: the share is not between 0 and 1, or there are fewer than two patients.
    """
    patients = sorted({clip.patient for clip in clips})
    if not 0 < share < 1:
        raise ValueError(f"the validation share must be between 0 and 1, got {share}")
    if len(patients) < 2:
        raise ValueError(
            f"validation patients are carved from at least two patients, got {len(patients)}; use more data, or "
            'protocol "last", which needs none'
        )
    counts = _counts(clips, patients)  # (patients, quantities)
    aim = share * counts.sum(axis=0)
    scale = np.maximum(aim, 1)

    def distance(have: np.ndarray) -> np.ndarray:
        return np.square((have - aim) / scale).sum(axis=-1)

    order = np.random.default_rng(seed).permutation(len(patients))
    chosen = np.zeros(len(patients), dtype=bool)
    chosen[order[: min(max(round(share * len(patients)), 1), len(patients) - 1)]] = True
    while True:
        have, inside, outside = counts[chosen].sum(axis=0), np.flatnonzero(chosen), np.flatnonzero(~chosen)
        # (drop this one or none) x (add that one or none); both sides keep a patient
        drops = np.vstack([np.zeros_like(aim), counts[inside]])
        adds = np.vstack([np.zeros_like(aim), counts[outside]])
        after = distance(have - drops[:, None] + adds[None, :])
        if len(inside) == 1:
            after[1, 0] = np.inf
        if len(outside) == 1:
            after[0, 1] = np.inf
        drop, add = np.unravel_index(after.argmin(), after.shape)
        if after[drop, add] >= distance(have) - 1e-12:
            break
        if drop:
            chosen[inside[drop - 1]] = False
        if add:
            chosen[outside[add - 1]] = True
    aside = {patient for patient, is_chosen in zip(patients, chosen, strict=True) if is_chosen}
    return tuple(c for c in clips if c.patient not in aside), tuple(c for c in clips if c.patient in aside)


def patient_folds(clips: Sequence[Clip], folds: int = FOLDS, seed: int = 0) -> dict[str, int]:
    """Patient -> fold, so that each fold holds about as many clips of each kind of sound and each device.

    The patients with most clips are dealt first, each to the fold that stays emptiest in what the patient brings.
    Kinds, not labels, are balanced: the folds are the same for every label set.

    Raises:
        ValueError: there are fewer patients than folds.
    """
    patients = sorted({clip.patient for clip in clips})
    if len(patients) < folds:
        raise ValueError(f"{folds} folds need at least {folds} patients, got {len(patients)}")
    counts = _counts(clips, patients, kinds=True)
    shares = counts / counts.sum(axis=0)
    ties = np.random.default_rng(seed).permutation(len(patients))
    order = np.lexsort((ties, -counts[:, 0]))
    filled = np.zeros((folds, counts.shape[1]))
    found = {}
    for i in order:
        cost = np.square(filled + shares[i]).sum(axis=1) - np.square(filled).sum(axis=1)
        fold = int(cost.argmin())
        filled[fold] += shares[i]
        found[patients[i]] = fold
    return found


def read_folds(path: str | Path, folds: int = FOLDS) -> dict[str, int]:
    """Patient -> fold, from lines of PATIENT FOLD (RespireNet's format; Gairola et al. 2021).

    Raises:
        CorpusError: the file is missing, or a line has another form or contradicts one before it.
    """
    path = Path(path)
    if not path.is_file():
        raise CorpusError(f"{path} is not there; expected a fold file with lines of PATIENT FOLD")
    found: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdigit() or int(fields[1]) >= folds:
            raise CorpusError(f"{path}, line {number}: expected PATIENT and a fold of 0 to {folds - 1}, got {line!r}")
        if found.setdefault(fields[0], int(fields[1])) != int(fields[1]):
            raise CorpusError(f"{path}, line {number}: patient {fields[0]} is in two folds; keep one of the lines")
    return found


def _counts(clips: Sequence[Clip], patients: Sequence[str], kinds: bool = False) -> np.ndarray:
    """(patients, quantities): clips, then clips of each class (or kind) and each device, then 1 for the patient."""
    row = {patient: i for i, patient in enumerate(patients)}
    sounds = {name: i for i, name in enumerate(sorted({s for c in clips for s in _sounds(c, kinds)}))}
    devices = {name: i for i, name in enumerate(sorted({c.device for c in clips}))}
    counts = np.zeros((len(patients), 1 + len(sounds) + len(devices) + 1))
    for clip in clips:
        i = row[clip.patient]
        counts[i, 0] += 1
        for sound in _sounds(clip, kinds):
            counts[i, 1 + sounds[sound]] += 1
        counts[i, 1 + len(sounds) + devices[clip.device]] += 1
    counts[:, -1] = 1
    return counts


def _sounds(clip: Clip, kinds: bool) -> tuple:
    return (clip.kind,) if kinds else clip.labels
