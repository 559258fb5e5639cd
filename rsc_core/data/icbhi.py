"""ICBHI 2017 as published (Rocha et al. 2019): recordings cut into respiratory cycles.

Layout: ``ICBHI_final_database/NAME.wav`` (or ``.flac``) with ``NAME.txt`` beside it, and the official split
``ICBHI_challenge_train_test.txt`` (lines of NAME, tab, train or test). NAME is PATIENT_RECORDING_LOCATION_MODE_DEVICE.

The split list calls recording 226_1b1_Pl_sc Meditron where the audio is called LittC2SE; matched by the whole name,
its 11 training cycles would be lost. So names are matched by their first four parts and the device is the audio's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rsc_core.config import CLASSES
from rsc_core.cycles import read_icbhi
from rsc_core.data.corpus import Clip, Corpus, CorpusError, audio_files

DATABASE = "ICBHI_final_database"
SPLIT_LIST = "ICBHI_challenge_train_test.txt"
RECORDINGS, CYCLES = 920, 6898  # of the complete corpus
DEVICES = ("AKGC417L", "LittC2SE", "Litt3200", "Meditron")


def load(root: str | Path) -> Corpus:
    """Return the corpus in a folder laid out as published, complete or a subset of its recordings.

    Args:
        root: the folder that holds the database and the split list, or the database folder itself.

    Raises:
        CorpusError: an audio file lacks its annotation or its place in the split, or a name has another form.
        AnnotationError: an annotation line is malformed.
    """
    root = Path(root)
    if root.name == DATABASE:
        root = root.parent
    files = audio_files(root / DATABASE)
    annotations = {path.stem: path for path in (root / DATABASE).glob("*.txt")}
    for name, path in files.items():
        if name not in annotations:
            raise CorpusError(f"{path} has no annotation; expected {path.with_suffix('.txt').name} beside it")
    split = read_split(root / SPLIT_LIST)
    clips = _clips({name: annotations[name] for name in files}, split, files)
    title, notes = "ICBHI 2017", ()
    if len(files) != RECORDINGS:
        title = f"ICBHI subset ({100 * len(clips) / CYCLES:.0f} %)"
    if missing := split.keys() - {key(name) for name in files}:
        notes = (f"{len(missing)} of {len(split)} recordings of the official split have no audio here.",)
    return Corpus("icbhi", title, root, clips, tuple(files), notes)


def load_annotations(folder: str | Path, split_list: str | Path) -> Corpus:
    """Return the clips of a folder of annotations alone, for counting; their ``path`` is None.

    Raises:
        CorpusError, AnnotationError: as ``load``.
    """
    annotations = {path.stem: path for path in sorted(Path(folder).glob("*.txt"))}
    clips = _clips(annotations, read_split(Path(split_list)), {})
    return Corpus("icbhi", "ICBHI 2017", Path(folder), clips, tuple(annotations))


def read_split(path: Path) -> dict[str, str]:
    """First four parts of a recording's name -> "train" or "test".

    Raises:
        CorpusError: as ``read_names``, or a recording stands on both sides.
    """
    split = {}
    for number, name, side in _split_lines(path):
        if split.setdefault(key(name), side) != side:
            raise CorpusError(f"{path}, line {number}: {name} stands on both sides; keep one of its lines")
    return split


def read_names(path: Path) -> tuple[str, ...]:
    """Names of the recordings in the split list, as they stand there.

    Raises:
        CorpusError: the list is missing or a line has another form.
    """
    return tuple(name for _, name, _ in _split_lines(path))


def _split_lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line number, name, side) of each recording in the split list."""
    if not path.exists():
        raise CorpusError(f"{path} is missing; it is the official train/test list, published beside the database")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        name, _, side = line.strip().partition("\t")
        if side not in ("train", "test"):
            raise CorpusError(f"{path}, line {number}: expected NAME, tab, train or test, got {line!r}")
        yield number, name, side


def key(name: str) -> str:
    """Return what tells one recording from all others: its name without the device."""
    return "_".join(name.split("_")[:4])


def _clips(annotations: dict[str, Path], split: dict[str, str], files: dict[str, Path]) -> tuple[Clip, ...]:
    clips = []
    for name, annotation in annotations.items():
        parts = name.split("_")
        if len(parts) != 5 or parts[4] not in DEVICES:
            raise CorpusError(
                f"{annotation.with_suffix('')}: expected a name PATIENT_RECORDING_LOCATION_MODE_DEVICE with a device "
                f"of {', '.join(DEVICES)}"
            )
        if key(name) not in split:
            raise CorpusError(
                f"{name} stands in neither side of {SPLIT_LIST}; expected a line {name}, tab, train or test"
            )
        cycles = read_icbhi(annotation)
        if not cycles:
            raise CorpusError(f"{annotation} is empty; expected a line for each respiratory cycle")
        for cycle in cycles:
            clips.append(
                Clip(
                    recording=name,
                    path=files.get(name),
                    start_s=cycle.start_s,
                    end_s=cycle.end_s,
                    labels=(CLASSES.index(cycle.label),),
                    patient=parts[0],
                    device=parts[4],
                    location=parts[2],
                    split=split[key(name)],
                    kind=cycle.label,
                )
            )
    return tuple(clips)
