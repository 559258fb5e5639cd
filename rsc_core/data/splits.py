"""Which clips to learn from, to choose by and to test on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsc_core.config import DataConfig
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.folds import carve_validation, patient_folds, read_folds
from rsc_core.data.labels import relabel


@dataclass(frozen=True)
class Selection:
    """The clips of one run, and what its report must say of them."""

    train: tuple[Clip, ...]
    validation: tuple[Clip, ...]  # empty unless the protocol is "validated"
    test: tuple[Clip, ...]
    overlap: tuple[str, ...]  # patients on both sides: of train or validation, and of test
    notes: tuple[str, ...]  # sentences a user must read
    classes: tuple[str, ...]  # what the clips' labels index
    multi_label: bool

    def part(self, name: str) -> tuple[Clip, ...]:
        """Return "train", "validation", "test", or the test clips of one of the corpus's own splits ("intra").

        Raises:
            ValueError: there is no such part, or it is empty.
        """
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        own = sorted({clip.split for clip in self.test} - parts.keys())
        if name in own:
            return tuple(clip for clip in self.test if clip.split == name)
        if name not in parts:
            raise ValueError(f"there is no split {name!r}; there are {', '.join([*parts, *own])}")
        if not parts[name]:
            raise ValueError(f"the {name} split holds no clip under these settings; choose another split or protocol")
        return parts[name]


def select(
    corpus: Corpus,
    config: DataConfig = DataConfig(),  # noqa: B008 (frozen)
    validation_share: float = 0.15,
    seed: int = 0,
    protocol: str = "validated",
) -> Selection:
    """Return the clips of one run: label set, split, one stethoscope, validation patients, few-shot, in this order.

    Args:
        corpus: as ``rsc_core.data.load`` returns it.
        config: label set, split and what to leave out.
        validation_share: of each class and device, in whole patients. A table's own "val" rows come before it. All
            label sets of a clip's sound set the same patients aside, so that one model may start from another's.
        seed: of the validation patients and of the few-shot draw; the folds do not depend on it, so that runs of
            several seeds are tested on the same clips.
        protocol: "validated"; "last" and "paper" set nobody aside.

    Raises:
        ValueError: the corpus lacks the label set, a patient's fold or the stethoscope; or there are too few patients
            to set some aside.
        CorpusError: a fold file or the diagnoses are missing or malformed.
    """
    original, corpus = corpus, relabel(corpus, config.labels)
    training, validation, test = _divide(corpus, config)
    if config.stethoscope:
        sides = (training, validation, test)
        training, validation, test = (_one_device(side, config.stethoscope, corpus) for side in sides)
    notes = list(corpus.notes)
    if protocol != "validated":
        if validation:
            notes.append(f'Protocol "{protocol}" leaves the {len(validation):,} clips of the val split unused.')
        validation = ()
    elif training and not validation:
        chosen = _validation_patients(original, corpus, config, validation_share, seed)
        validation = tuple(clip for clip in training if clip.patient in chosen)
        training = tuple(clip for clip in training if clip.patient not in chosen)
    overlap_ = overlap((*training, *validation), test)
    if config.shots:
        training = few_shot(training, config.shots, seed)
    notes += _notes(corpus, config, training, validation, test, overlap_)
    return Selection(training, validation, test, overlap_, tuple(notes), corpus.classes, corpus.multi_label)


def official(corpus: Corpus) -> dict[str, tuple[Clip, ...]]:
    """The corpus's own splits; "test" is everything but "train" and "val": SPRSound's "intra" and "inter" together."""
    sides: dict[str, list[Clip]] = {"train": [], "test": []}
    for clip in corpus.clips:
        sides.setdefault(clip.split, []).append(clip)
    sides["test"] = [clip for clip in corpus.clips if clip.split not in ("train", "val")]
    return {side: tuple(clips) for side, clips in sides.items()}


def few_shot(clips: Sequence[Clip], shots: int, seed: int = 0) -> tuple[Clip, ...]:
    """Draw ``shots`` clips of each class (all, where a class has fewer), the same whatever the order they come in.

    A clip with several labels counts for each of them, so a multi-label draw may hold more than ``shots`` of a class.
    """
    ordered = sorted(clips, key=lambda c: (c.recording, c.start_s, c.end_s))
    rng = np.random.default_rng(seed)
    drawn: set[int] = set()
    for label in sorted({label for clip in ordered for label in clip.labels}):
        members = [i for i, clip in enumerate(ordered) if label in clip.labels]
        drawn |= set(rng.permutation(members)[:shots].tolist())
    return tuple(ordered[i] for i in sorted(drawn))


def overlap(a: Sequence[Clip], b: Sequence[Clip]) -> tuple[str, ...]:
    """Patients with clips on both sides, sorted."""
    return tuple(sorted({clip.patient for clip in a} & {clip.patient for clip in b}))


def digest(clips: Sequence[Clip]) -> str:
    """Sixteen hex digits that change when a clip is added, lost, moved or relabelled; the order does not matter."""
    lines = sorted(f"{c.recording} {c.start_s:.3f} {c.end_s:.3f} {';'.join(map(str, c.labels))}" for c in clips)
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()[:16]


def patients_digest(clips: Sequence[Clip]) -> str:
    """Sixteen hex digits that change when a patient is added or lost."""
    lines = sorted({clip.patient for clip in clips})
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()[:16]


def _divide(corpus: Corpus, config: DataConfig) -> tuple[tuple[Clip, ...], tuple[Clip, ...], tuple[Clip, ...]]:
    """(train, the corpus's own validation clips, test) of the split."""
    sides = official(corpus)
    training, validation, test = sides["train"], sides.get("val", ()), sides["test"]
    if config.split == "repaired":
        shared = set(overlap((*training, *validation), test))
        return training, validation, tuple(clip for clip in test if clip.patient not in shared)
    if config.split == "patient_keyed":
        # Every file of a patient goes to each side that names the patient: CycleGuardian's reading of the list.
        patients = [{clip.patient for clip in side} for side in (training, test)]
        training, test = (tuple(c for c in corpus.clips if c.patient in side) for side in patients)
        return training, (), test
    if config.split.startswith("fold"):
        fold = int(config.split.removeprefix("fold"))
        folds = read_folds(config.fold_file) if config.fold_file else patient_folds(corpus.clips)
        missing = sorted({clip.patient for clip in corpus.clips} - folds.keys())
        if missing:
            raise ValueError(
                f"{config.fold_file} gives no fold for {len(missing)} patients of {corpus.title} "
                f"({', '.join(missing[:5])}); add their lines, or leave the fold file out for our own folds"
            )
        test = tuple(clip for clip in corpus.clips if folds[clip.patient] == fold)
        return tuple(clip for clip in corpus.clips if folds[clip.patient] != fold), (), test
    return training, validation, test


def _validation_patients(original: Corpus, corpus: Corpus, config: DataConfig, share: float, seed: int) -> set[str]:
    """The patients set aside; of the label sets of sounds the four classes decide, whichever is asked for."""
    strata = relabel(original, "four") if config.labels in ("binary", "seven") else corpus
    training, _, _ = _divide(strata, config)
    if config.stethoscope:
        training = _one_device(training, config.stethoscope, corpus)
    return {clip.patient for clip in carve_validation(training, share, seed)[1]}


def _one_device(clips: Sequence[Clip], device: str, corpus: Corpus) -> tuple[Clip, ...]:
    devices = sorted({clip.device for clip in corpus.clips})
    if device not in devices:
        raise ValueError(f"{corpus.title} has no stethoscope {device!r}; it has {', '.join(devices)}")
    return tuple(clip for clip in clips if clip.device == device)


def _notes(corpus, config, training, validation, test, shared) -> list[str]:
    notes = []
    if shared:
        few = ", ".join(shared[:5])
        notes.append(
            f"{len(shared)} patients are in train and test of the {config.split} split: {few}"
            f"{', …' if len(shared) > 5 else ''}."
        )
    clips = set(training) | set(validation)
    if leaked := sum(clip in clips for clip in test):
        notes.append(f"LEAK: {leaked:,} of the {len(test):,} test clips are also trained on or chosen by.")
    device = f", {config.stethoscope} only," if config.stethoscope else ""
    for name, part in (("train", training), ("test", test)):
        if not part:
            notes.append(f"{corpus.title}, split {config.split}{device} leaves no clip to {name} on.")
    learned = Counter(label for clip in training for label in clip.labels)
    for label, name in enumerate(corpus.classes):
        if training and not learned[label]:
            notes.append(f"No training clip is labelled {name}.")
        elif 0 < learned[label] < config.shots:
            notes.append(f"Only {learned[label]} training clips are labelled {name}; {config.shots} were asked for.")
    if validation:
        absent = set(range(len(corpus.classes))) - {label for clip in validation for label in clip.labels}
        notes += [f"No validation clip is labelled {corpus.classes[label]}." for label in sorted(absent)]
    return notes
