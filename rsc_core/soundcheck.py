"""What does a model make of synthesised sounds? ``python -m rsc_core.soundcheck RUN --count 200``.

Every kind of sound in turn, its parameters drawn at random (``rsc_core.data.synthetic``); the model is given one whole
respiratory cycle of each. What it says is no measure of how it hears patients: it was trained on recordings, and these
sounds are cleaner and of fewer shapes. It shows which kinds of sound a model's classes reach.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rsc_core import audio, checkpoint, engine
from rsc_core.data import synthetic
from rsc_core.data.loader import whole, windows
from rsc_core.features import extract
from rsc_core.synth import KINDS


@dataclass(frozen=True)
class Matrix:
    """What a model named each kind of sound."""

    kinds: tuple[str, ...]  # normal breathing first
    classes: tuple[str, ...]
    counts: np.ndarray  # (kinds, classes)

    def right(self, kind: str) -> float | None:
        """Percent of a kind's sounds given their class; None where the model has none for it, or no sound was."""
        expected = expected_class(kind, self.classes)
        row = self.counts[self.kinds.index(kind)]
        return 100 * row[self.classes.index(expected)] / row.sum() if expected and row.sum() else None


def labeller(loaded: checkpoint.Checkpoint) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from (samples,) at the model's rate to its (classes,) probabilities, mean over windows.

    The waveform may have any level: it is scaled and faded as the model's recordings are.
    """
    config = loaded.config
    device = next(loaded.model.parameters()).device

    def label(waveform: np.ndarray) -> np.ndarray:
        samples = whole(audio.scale(np.asarray(waveform, dtype=np.float32), config.audio.level)[0], config.audio)
        batch = torch.from_numpy(windows(samples, config.audio))
        features = extract(batch.to(device), config.audio, config.features)
        owner = torch.zeros(len(batch), dtype=torch.long)
        return engine.mean_over_windows(loaded.model, config, [(features, owner)], 1, device)[0]

    return label


def check(loaded: checkpoint.Checkpoint, count: int = 200, seed: int = 0) -> Matrix:
    """Label ``count`` synthesised sounds, one cycle of each.

    Raises:
        ValueError: count is not positive.
    """
    kinds, classes = (synthetic.NORMAL, *KINDS), tuple(loaded.config.model.classes)
    counts = np.zeros((len(kinds), len(classes)), dtype=int)
    label = labeller(loaded)
    for kind, recording in synthetic.sounds_of_every_kind(count, seed, loaded.config.audio.sample_rate):
        counts[kinds.index(kind), label(recording.waveform).argmax()] += 1
    return Matrix(kinds, classes, counts)


def expected_class(kind: str, classes: Sequence[str]) -> str | None:
    """Return the class that names a kind of sound; None where there is none among the model's."""
    named = KINDS.get(kind)
    candidates = (named.label, named.sprsound) if named else ("normal", "Normal")
    return next((name for name in candidates if name in classes), None)


def report(matrix: Matrix) -> str:
    """Return the matrix as lines of text: a row for each kind, a column for each class."""
    first = max(map(len, matrix.kinds))
    columns = [max(len(name), 5) for name in matrix.classes]
    titles = "  ".join(f"{name:>{width}}" for name, width in zip(matrix.classes, columns, strict=True))
    lines = [f"{'':{first}}  {titles}  given its class"]
    for kind, row in zip(matrix.kinds, matrix.counts, strict=True):
        cells = "  ".join(f"{count:{width}}" for count, width in zip(row, columns, strict=True))
        right = matrix.right(kind)
        lines.append(f"{kind:{first}}  {cells}  {'no class' if right is None else f'{right:.0f} %'}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.soundcheck", description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--count", type=int, default=200, help="sounds, of every kind in turn (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same sounds (default 0)")
    args = parser.parse_args(argv)
    try:
        print(report(check(checkpoint.load(args.run), args.count, args.seed)))
    except (checkpoint.CheckpointError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
