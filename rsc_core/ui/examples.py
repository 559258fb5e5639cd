"""What the page offers to listen to: synthesised sounds, and recordings of a folder named by ``RSC_EXAMPLES``."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from rsc_core import synth

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


class Examples:
    """Named recordings with their annotations, copied into a folder that ends with the program.

    Args:
        folder: of real recordings with their annotations beside them; None takes ``RSC_EXAMPLES``, if it is set.
    """

    def __init__(self, folder: str | None = None):
        folder = folder or os.environ.get("RSC_EXAMPLES")
        found = sorted(Path(folder).iterdir()) if folder else []
        self._real = {path.name: path for path in found if path.suffix.lower() in SUFFIXES}
        self._copies = tempfile.TemporaryDirectory(prefix="lung-sounds-")

    @property
    def names(self) -> list[str]:
        """Synthesised examples first."""
        return [*(f"{name} (synthesised)" for name in synth.EXAMPLES), *self._real]

    def open(self, name: str) -> tuple[str, str | None]:
        """Return the paths of an example's sound and of its annotation, if it has one.

        Raises:
            KeyError: there is no such example.
        """
        target = Path(self._copies.name)
        if name not in self._real:
            kind = {f"{kind} (synthesised)": kind for kind in synth.EXAMPLES}[name]
            sound = target / f"{kind}.wav"
            return str(sound), str(synth.write(sound, synth.example(kind)))
        from rsc_core.inference import annotation_beside  # imports torch: not before an example is opened

        sound = self._real[name]
        annotation = annotation_beside(sound)
        return shutil.copy(sound, target), shutil.copy(annotation, target) if annotation else None
