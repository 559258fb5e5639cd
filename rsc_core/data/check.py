"""Is a downloaded corpus complete and undamaged? Every problem at once, each kind with what to do about it.

ICBHI 2017's audio comes with 91 recordings under the name of another stethoscope (``filename_differences.txt``, as
published); the loader finds them all the same, but would count them to the wrong device.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from rsc_core import audio, cycles
from rsc_core.cycles import AnnotationError
from rsc_core.data import icbhi, sprsound
from rsc_core.data.corpus import AUDIO_SUFFIXES, CorpusError

REMEDIES = {
    "missing": "download the corpus again (README.md says where) and unpack all of it into this folder",
    "extra": "move it out of the folder: it is no part of the corpus",
    "corrupt": "delete it, and unpack it again from a fresh download",
    "renamed": "give it the new name, the audio and its annotation alike",
    "changed": "replace it with what a fresh download holds",
}
"""Kind of problem -> what to do."""

ICBHI_SIDE_FILES = ("filename_differences", "filename_format")  # texts that are no annotations
LISTED_AS = {"226_1b1_Pl_sc_Meditron": "226_1b1_Pl_sc_LittC2SE"}  # the split list's name -> the audio's
SPRSOUND_COUNTS = {"train": (1949, 6656), "intra": (379, 1004), "inter": (355, 1429)}  # recordings, events
SLACK_S = 0.1  # by which an annotation may reach beyond its audio


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    kind: str  # key of REMEDIES
    what: str  # names the file


def check(corpus: str, root: str | Path, progress: bool = True) -> tuple[Problem, ...]:
    """Compare a folder with the complete corpus as published, decoding every file.

    Args:
        corpus: key of ``CHECKS``.
        root: folder of the corpus, as for ``rsc_core.data.load``.
        progress: show a bar.

    Returns:
        Every problem, by kind and file; nothing if all is well.

    Raises:
        ValueError: this corpus cannot be checked.
    """
    if corpus not in CHECKS:
        raise ValueError(f"only {' and '.join(CHECKS)} have a published state to compare with, got {corpus!r}")
    problems = set(CHECKS[corpus](Path(root), progress))
    return tuple(sorted(problems, key=lambda p: (list(REMEDIES).index(p.kind), p.what)))


def report(problems: tuple[Problem, ...]) -> str:
    """Return the problems as lines for a terminal, each kind under its remedy."""
    if not problems:
        return "Complete and undamaged."
    lines = []
    for kind, remedy in REMEDIES.items():
        found = [p.what for p in problems if p.kind == kind]
        if found:
            lines += [f"{kind} ({len(found):,}): {remedy}", *(f"  {what}" for what in found)]
    return "\n".join(lines)


def _icbhi(root: Path, progress: bool) -> Iterator[Problem]:
    root = root.parent if root.name == icbhi.DATABASE else root
    folder = root / icbhi.DATABASE
    if not folder.is_dir():
        yield Problem("missing", f"{folder}, the folder of recordings and annotations")
        return
    audios, texts = _listed(folder, AUDIO_SUFFIXES), _listed(folder, (".txt",))
    for name in ICBHI_SIDE_FILES:
        texts.pop(name, None)
    yield from _twice(audios)
    try:
        listed = icbhi.read_names(root / icbhi.SPLIT_LIST)
    except CorpusError as error:
        yield Problem("changed" if (root / icbhi.SPLIT_LIST).exists() else "missing", str(error))
        listed = tuple(sorted(audios.keys() | texts.keys()))
    names = {icbhi.key(name): LISTED_AS.get(name, name) for name in listed}
    if len(names) != icbhi.RECORDINGS:
        yield Problem("missing", f"{icbhi.RECORDINGS - len(names)} of {icbhi.RECORDINGS} names of {icbhi.SPLIT_LIST}")

    old = _old_names(root)
    placed: dict[str, dict[str, Path]] = {"audio": {}, "annotation": {}}  # -> published name -> file
    for what, files in (("audio", audios), ("annotation", texts)):
        for name, paths in files.items():
            right = names.get(icbhi.key(name))
            if right is None:
                yield Problem("extra", str(paths[0]))
                continue
            if name != right:
                why = ", an old name" if name in old else ""
                yield Problem("renamed", f"{paths[0]}{why} of {right}{paths[0].suffix}")
            if placed[what].setdefault(right, paths[0]) != paths[0]:
                yield Problem("extra", f"{paths[0]}, besides {placed[what][right].name}")
        for name in names.values():
            if name not in placed[what]:
                yield Problem("missing", f"{what} of {name}")
    ends: dict[Path, float] = {}
    yield from _icbhi_cycles(placed, ends)
    yield from _damaged({path: ends.get(path, 0.0) for path in placed["audio"].values()}, progress)


def _icbhi_cycles(placed: dict[str, dict[str, Path]], ends: dict[Path, float]) -> Iterator[Problem]:
    """Problems of the annotations; notes in ``ends`` where each audio's last cycle ends, in seconds."""
    total, sound = 0, True
    for name, path in placed["annotation"].items():
        try:
            found = cycles.read_icbhi(path)
        except AnnotationError as error:
            sound = False
            yield Problem("corrupt", f"{path}: {error}")
            continue
        if not found:
            sound = False
            yield Problem("corrupt", f"{path} is empty")
            continue
        total += len(found)
        if name in placed["audio"]:
            ends[placed["audio"][name]] = max(cycle.end_s for cycle in found)
    if sound and len(placed["annotation"]) == icbhi.RECORDINGS and total != icbhi.CYCLES:
        yield Problem("changed", f"the annotations hold {total:,} cycles; {icbhi.CYCLES:,} are published")


def _sprsound(root: Path, progress: bool) -> Iterator[Problem]:
    audios = {folder: _listed(root / folder, AUDIO_SUFFIXES) for folder in ("train_wav", "test_wav")}
    ends: dict[Path, float] = {}
    annotated: dict[str, set[str]] = {folder: set() for folder in audios}
    for split, (audio_folder, annotation_folder) in sprsound.SPLITS.items():
        annotations = _listed(root / annotation_folder, (".json",))
        recordings, events = SPRSOUND_COUNTS[split]
        if len(annotations) < recordings:
            yield Problem("missing", f"{recordings - len(annotations):,} annotations of {root / annotation_folder}")
        if len(annotations) > recordings:
            yield Problem("extra", f"{len(annotations) - recordings:,} annotations in {root / annotation_folder}")
        total, sound = 0, True
        for name, (path, *_) in annotations.items():
            if name in annotated[audio_folder]:
                yield Problem("extra", f"{path}: this recording stands in both tests")
            annotated[audio_folder].add(name)
            if name not in audios[audio_folder]:
                yield Problem("missing", f"audio of {name} in {root / audio_folder}")
            try:
                found = cycles.read_sprsound(path)[1]
            except AnnotationError as error:
                sound = False
                yield Problem("corrupt", f"{path}: {error}")
                continue
            total += len(found)
            for audio_path in audios[audio_folder].get(name, []):
                ends[audio_path] = max((event.end_s for event in found), default=0.0)
        if sound and len(annotations) == recordings and total != events:
            yield Problem("changed", f"{root / annotation_folder} holds {total:,} events; {events:,} are published")
    for folder, files in audios.items():
        yield from _twice(files)
        for name in files.keys() - annotated[folder]:
            yield Problem("extra", f"{files[name][0]}, which no annotation belongs to")
    every = [path for files in audios.values() for paths in files.values() for path in paths]
    yield from _damaged({path: ends.get(path, 0.0) for path in every}, progress)


CHECKS = {"icbhi": _icbhi, "sprsound": _sprsound}


def _listed(folder: Path, suffixes: tuple[str, ...]) -> dict[str, list[Path]]:
    """Name without suffix -> the files of that name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in suffixes:
            found.setdefault(path.stem, []).append(path)
    return found


def _twice(files: dict[str, list[Path]]) -> Iterator[Problem]:
    for first, *others in files.values():
        for path in others:
            yield Problem("extra", f"{path}, the same recording as {first.name}")


def _old_names(root: Path) -> set[str]:
    """Names that were replaced, from ``filename_differences.txt`` (quoted, one a line); none where it is missing."""
    for path in (root / "filename_differences.txt", root / icbhi.DATABASE / "filename_differences.txt"):
        if path.exists():
            return {line.strip().strip("'\"") for line in path.read_text(encoding="utf-8-sig").splitlines()}
    return set()


def _damaged(ends: dict[Path, float], progress: bool) -> Iterator[Problem]:
    """Files that do not decode, or end before their annotation (in seconds) does."""
    with ThreadPoolExecutor() as pool:
        decoded = tqdm(pool.map(_seconds, ends), "decoding", len(ends), unit=" files", disable=not progress)
        for (path, end_s), found in zip(ends.items(), decoded, strict=True):
            if isinstance(found, str):
                yield Problem("corrupt", f"{path}: {found}")
            elif found < end_s - SLACK_S:
                yield Problem("corrupt", f"{path} holds {found:.2f} s of sound; its annotation reaches {end_s:.2f} s")


def _seconds(path: Path) -> float | str:
    """How much of a file decodes, or why nothing does."""
    try:
        samples, rate = audio.read(path)
    except audio.AudioError as error:
        return str(error)
    return len(samples) / rate
