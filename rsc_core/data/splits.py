"""Which clips to learn from, to choose by and to test on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from rsc_core.config import CLASSES
from rsc_core.data.corpus import Clip, Corpus


def official(corpus: Corpus) -> dict[str, tuple[Clip, ...]]:
    """The corpus's own splits: "train" and "test"; SPRSound's test is "intra" and "inter" together."""
    sides: dict[str, list[Clip]] = {"train": [], "test": []}
    for clip in corpus.clips:
        sides.setdefault(clip.split, []).append(clip)
    sides["test"] = [clip for clip in corpus.clips if clip.split != "train"]
    return {side: tuple(clips) for side, clips in sides.items()}


def carve_validation(
    clips: Sequence[Clip], share: float = 0.15, seed: int = 0
) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Set whole patients aside so that each class loses about ``share`` of its clips.

    Patients are gone through in a random order; one is set aside if that brings the classes' shares nearer to the aim.

    Returns:
        (clips to learn from, clips to choose by); no patient is in both.

    Raises:
        ValueError: too few patients: one side would be empty.
    """
    patients = sorted({clip.patient for clip in clips})
    row = {patient: i for i, patient in enumerate(patients)}
    counts = np.zeros((len(patients), len(CLASSES)))
    for clip in clips:
        counts[row[clip.patient], clip.label] += 1
    aim = share * counts.sum(axis=0)

    def distance(have: np.ndarray) -> float:
        return float((np.abs(have - aim) / np.maximum(aim, 1)).sum())

    have, chosen = np.zeros_like(aim), set()
    for i in np.random.default_rng(seed).permutation(len(patients)):
        if distance(have + counts[i]) < distance(have):
            have = have + counts[i]
            chosen.add(patients[i])
    if not 0 < len(chosen) < len(patients):
        raise ValueError(
            f"setting {share:.0%} of the clips aside by patient leaves {len(chosen)} of {len(patients)} patients for "
            "validation and the rest for training; neither side may be empty: use more patients or another share"
        )
    return tuple(c for c in clips if c.patient not in chosen), tuple(c for c in clips if c.patient in chosen)


def overlap(a: Sequence[Clip], b: Sequence[Clip]) -> tuple[str, ...]:
    """Patients with clips on both sides, sorted."""
    return tuple(sorted({clip.patient for clip in a} & {clip.patient for clip in b}))


def digest(clips: Sequence[Clip]) -> str:
    """Sixteen hex digits that change when a clip is added, lost, moved or relabelled; the order does not matter."""
    lines = sorted(f"{c.recording} {c.start_s:.3f} {c.end_s:.3f} {c.label}" for c in clips)
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()[:16]
