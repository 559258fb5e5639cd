"""A corpus as a list of labelled clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsc_core.config import CLASSES

AUDIO_SUFFIXES = (".wav", ".flac")


class CorpusError(Exception):
    """A corpus folder is not as published; the message names the file and what was expected."""


@dataclass(frozen=True)
class Clip:
    """One annotated stretch of a recording."""

    recording: str  # file name without suffix; in a table, the path as written there
    path: Path | None  # of the audio; None when only annotations were read
    start_s: float
    end_s: float
    labels: tuple[int, ...]  # rising indices into the corpus's classes
    patient: str
    device: str
    location: str  # where on the chest
    split: str  # the corpus's own: "train", "test"; SPRSound: "train", "intra", "inter"; a table also: "val"
    kind: str  # the corpus's own name of the sound, e.g. "Fine Crackle"; no label set changes it

    @property
    def label(self) -> int:
        """The only label.

        Raises:
            ValueError: there are several, or none.
        """
        if len(self.labels) != 1:
            raise ValueError(
                f"{self.recording} has {len(self.labels)} labels where one is needed; read a clip of a multi-label "
                "corpus through its labels"
            )
        return self.labels[0]


@dataclass(frozen=True)
class Corpus:
    """A corpus with its official split."""

    name: str  # key of rsc_core.data.CORPORA
    title: str  # as a table names it; a subset says so
    root: Path
    clips: tuple[Clip, ...]
    recordings: tuple[str, ...]  # every recording, also those without a clip
    notes: tuple[str, ...] = ()  # sentences a user must read: what is missing, what is odd
    classes: tuple[str, ...] = CLASSES  # what the clips' labels index; normal first where there is a normal
    multi_label: bool = False  # whether a clip may have several labels


def audio_files(folder: Path) -> dict[str, Path]:
    """Name without suffix -> path of every WAV and FLAC file in a folder.

    Raises:
        CorpusError: the folder is missing or holds none, or a recording stands there in both formats.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not there; pass the corpus folder as published (README.md shows its layout)")
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES):
        if path.stem in found:
            raise CorpusError(f"{path} and {found[path.stem]} are the same recording twice; keep one of them")
        found[path.stem] = path
    if not found:
        raise CorpusError(f"{folder} holds no .wav or .flac file; did the download finish?")
    return found
