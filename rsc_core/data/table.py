"""Any labelled recordings, described by a CSV file.

One file with a split column, or a folder with ``train.csv``, ``test.csv`` and perhaps ``val.csv``::

    path,label,split,start_s,end_s,patient,device,location
    ward/a.wav,crackle,train,0.4,2.9,17,Littmann,Al
    ward/b.wav,crackle;wheeze,test,,,18,Littmann,Pl

``path`` counts from the CSV's own folder. A clip without times is the whole file; without a patient, every file is a
patient of its own. ``a;b`` are several labels, which make the corpus multi-label. Classes are the labels found,
sorted, "normal" first where there is one.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rsc_core.data.corpus import Clip, Corpus, CorpusError

SPLITS = ("train", "val", "test")
REQUIRED = ("path", "label")
OPTIONAL = ("split", "start_s", "end_s", "patient", "device", "location")
ROUNDING_S = 0.05  # by which an annotation may reach beyond its file


@dataclass(frozen=True)
class _Row:
    where: str  # file and line, for errors
    folder: Path
    values: dict[str, str]


def load(root: str | Path) -> Corpus:
    """Return the corpus a CSV file describes.

    Args:
        root: the CSV file; or a folder with train.csv, test.csv and perhaps val.csv; or one with a single CSV file.

    Raises:
        CorpusError: a file is missing or no audio, a column, split, label or time is; the message gives file and line.
    """
    root = Path(root)
    rows = list(_rows(root))
    names = sorted({label for row in rows for label in _labels(row)}, key=lambda name: (name != "normal", name))
    if len(names) < 2:
        raise CorpusError(f"{root}: expected clips of at least two classes, got {', '.join(names) or 'no clip'}")
    seconds: dict[Path, float] = {}
    clips = tuple(_clip(row, names, seconds) for row in rows)
    recordings = tuple(dict.fromkeys(clip.recording for clip in clips))
    multi_label = any(len(clip.labels) > 1 for clip in clips)
    notes = ()
    if not any(row.values["patient"] for row in rows):
        notes = ("The table names no patients: every file counts as a patient of its own.",)
    return Corpus("table", root.stem, root, clips, recordings, notes, tuple(names), multi_label)


def _rows(root: Path) -> Iterator[_Row]:
    if root.is_file():
        yield from _read(root, None)
        return
    found = sorted(root.glob("*.csv")) if root.is_dir() else []
    if not found:
        raise CorpusError(f"{root} is no CSV file, nor a folder with one; expected train.csv and test.csv, or one")
    sides = [root / f"{split}.csv" for split in SPLITS]
    if sides[0] in found and sides[2] in found:
        for path in sides:
            if path in found:
                yield from _read(path, path.stem)
    elif len(found) == 1:
        yield from _read(found[0], None)
    else:
        raise CorpusError(
            f"{root} holds {', '.join(path.name for path in found)}; expected train.csv and test.csv (val.csv may "
            "join them), or one CSV file alone; or pass the CSV file itself"
        )


def _read(path: Path, split: str | None) -> Iterator[_Row]:
    """Rows of one CSV; all of ``split``, where the file is named after one."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: expected text in UTF-8; export the table again as CSV UTF-8") from None
    reader = csv.DictReader(lines, skipinitialspace=True)
    columns = [name.strip() for name in reader.fieldnames or []]
    needed = REQUIRED if split else (*REQUIRED, "split")
    missing = [name for name in needed if name not in columns]
    unknown = [name for name in columns if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise CorpusError(
            f"{path}, line 1: expected columns {', '.join(needed)} and perhaps "
            f"{', '.join(name for name in OPTIONAL if name not in needed)}; "
            + "; ".join(f"{what} {', '.join(n)}" for what, n in (("missing:", missing), ("unknown:", unknown)) if n)
        )
    reader.fieldnames = columns
    for values in reader:
        where = f"{path}, line {reader.line_num}"
        if None in values or None in values.values():
            raise CorpusError(f"{where}: expected {len(columns)} values, as in the header; quote a value with a comma")
        values = dict.fromkeys(OPTIONAL, "") | {name: value.strip() for name, value in values.items()}
        values["split"] = values["split"] or split or ""
        if values["split"] not in SPLITS or split and values["split"] != split:
            raise CorpusError(f"{where}: expected split {split or 'train, val or test'}, got {values['split']!r}")
        yield _Row(where, path.parent, values)


def _labels(row: _Row) -> list[str]:
    names = [name.strip() for name in row.values["label"].split(";")]
    if not all(names) or len(set(names)) != len(names):
        raise CorpusError(f"{row.where}: expected a label, or different ones as a;b, got {row.values['label']!r}")
    return names


def _clip(row: _Row, names: list[str], seconds: dict[Path, float]) -> Clip:
    values = row.values
    if not values["path"]:
        raise CorpusError(f"{row.where}: expected the path of an audio file, got nothing")
    name = Path(os.path.normpath(values["path"])).as_posix()
    path = row.folder / name
    if path not in seconds:
        seconds[path] = _seconds(path, row.where)
    whole = Clip(
        recording=name,
        path=path,
        start_s=0.0,
        end_s=seconds[path],
        labels=tuple(sorted(names.index(label) for label in _labels(row))),
        patient=values["patient"] or name,
        device=values["device"] or "unknown",
        location=values["location"] or "unknown",
        split=values["split"],
        kind=values["label"],
    )
    times = values["start_s"], values["end_s"]
    if times == ("", ""):
        return whole
    try:
        start_s, end_s = map(float, times)
    except ValueError:
        raise CorpusError(f"{row.where}: expected start_s and end_s in seconds, or neither, got {times}") from None
    if not 0 <= start_s < end_s <= seconds[path] + ROUNDING_S or start_s >= seconds[path]:
        raise CorpusError(
            f"{row.where}: expected 0 <= start_s < end_s <= {seconds[path]:.2f}, the length of {name}, got {times} "
            "(are they in seconds?)"
        )
    return replace(whole, start_s=start_s, end_s=end_s)


def _seconds(path: Path, where: str) -> float:
    """Duration of an audio file, from its header."""
    import soundfile

    if not path.is_file():
        raise CorpusError(f"{where}: {path} is not there; paths count from the folder of the CSV file")
    try:
        found = soundfile.info(path).duration
    except soundfile.LibsndfileError:
        raise CorpusError(f"{where}: {path} cannot be read as audio; convert it to WAV or FLAC") from None
    if not found:
        raise CorpusError(f"{where}: {path} holds no sound; record or export it again")
    return found
