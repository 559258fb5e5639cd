"""What the page offers to listen to: synthesised sounds, and recordings of a folder named by ``RSC_EXAMPLES``."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

from rsc_core import synth
from rsc_core.ui import texts

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


class Examples:
    """Named recordings with their annotations, each copied once into a folder that ends with the program.

    Args:
        folder: of real recordings with their annotations beside them; None takes ``RSC_EXAMPLES``, if it is set.
    """

    def __init__(self, folder: str | None = None):
        folder = folder or os.environ.get("RSC_EXAMPLES")
        found = sorted(Path(folder).iterdir()) if folder else []
        self._real = {path.name: path for path in found if path.suffix.lower() in SUFFIXES}
        self._synthesised = {texts.analyse.SYNTHESISED.format(kind=kind): kind for kind in synth.EXAMPLES}
        self._copies = tempfile.TemporaryDirectory(prefix="lung-sounds-")
        self._writing = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Synthesised examples first."""
        return [*self._synthesised, *self._real]

    def open(self, name: str) -> tuple[str, str | None]:
        """Return the paths of an example's sound and of its annotation, if it has one.

        Raises:
            KeyError: there is no such example.
        """
        from rsc_core.inference import annotation_beside  # imports torch: not before an example is opened

        kind = self._synthesised.get(name)
        source = None if kind else self._real[name]
        copies = Path(self._copies.name)
        home = copies / name
        with self._writing:
            if not home.exists():
                # Whole or not at all: other visitors read the same files.
                fresh = Path(tempfile.mkdtemp(dir=copies))
                if kind:
                    made = synth.example(kind)
                    synth.write(fresh / f"{kind}.wav", made)
                    synth.annotate(fresh / f"{kind}.json", made)
                else:
                    for path in filter(None, (source, annotation_beside(source))):
                        shutil.copy(path, fresh)
                fresh.rename(home)
        sound = home / (f"{kind}.wav" if kind else name)
        annotation = sound.with_suffix(".json") if kind else annotation_beside(sound)
        return str(sound), str(annotation) if annotation else None
