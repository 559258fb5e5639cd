"""TensorBoard event files of a run, for whoever asks for them; the package is imported only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CURVES = "specificity sensitivity score test_specificity test_sensitivity test_score clips_per_s".split()


class Board:
    """Writes scalars into ``RUN/tensorboard``: every step under ``train/``, every epoch under ``epoch/``.

    Args:
        run: run folder.
        first_step: where this part of the run goes on; what an interrupted part wrote beyond it is hidden.

    Raises:
        ValueError: the package tensorboard is not installed.
    """

    def __init__(self, run: Path, first_step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError(
                "--tensorboard needs the package tensorboard, which is not installed: pip install tensorboard, or "
                "leave the flag away; log.csv holds every epoch either way"
            ) from error
        self.writer = SummaryWriter(str(run / "tensorboard"), purge_step=first_step or None)

    def step(self, step: int, values: dict[str, float]) -> None:
        """Write one training step: the loss and its parts, the learning rate, the gradient's norm before clipping."""
        for name, value in values.items():
            self.writer.add_scalar(f"train/{name}", value, step)

    def epoch(self, row: dict[str, Any], step: int) -> None:
        """Write one epoch's metrics (percent) and clips per second, as ``log.csv`` has them, at its last step."""
        for name in CURVES:
            if name in row:
                self.writer.add_scalar(f"epoch/{name}", row[name], step)
        self.writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self.writer.close()
