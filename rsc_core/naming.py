"""From which level on does each model name a sound? ``threshold`` asked of all models at once, softest level first.

A model is given one whole respiratory cycle at its own rate, as it was trained; before the levels comes the same
breath without the sound, for a model may name a sound that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rsc_core import soundcheck, synth, threshold
from rsc_core.config import CLASSES
from rsc_core.inference import Analyser
from rsc_core.threshold import LEVELS_DB, Threshold

SILENT_DB = -120.0  # nothing is left of the sound in 16 bits


@dataclass(frozen=True)
class Naming:
    """How a model names a sound that grows louder, as far as it has been asked."""

    model: str
    levels_db: tuple[float, ...]  # asked so far, rising
    present: np.ndarray  # (levels,) probability of the classes that name the sound
    named: np.ndarray  # (levels,) whether the likeliest class is one of them
    alone: float  # the same probability of the breath without the sound
    named_alone: bool
    level_db: float | None  # from which on it is named at every level; None: not at the highest asked so far


def classes_of(kind: str) -> tuple[int, ...]:
    """Return which of ``CLASSES`` name a kind of sound: its label and "both"; none for one without a label."""
    label = synth.KINDS[kind].label
    return (CLASSES.index(label), CLASSES.index("both")) if label else ()


def namings(
    analyser: Analyser,
    sound: synth.Sound,
    breath: synth.Breath,
    through: synth.Transmission | None = None,
    seed: int = 0,
    levels_db: Sequence[float] = LEVELS_DB,
) -> Iterator[tuple[Naming, ...]]:
    """Yield how far each of an Analyser's models has come, after every level.

    Args:
        analyser: whose models are asked.
        sound: what is added to the breath; its own level does not matter.
        breath: one cycle of it is heard.
        through: what all of it passes through.
        seed: of the breath and of the sound's places.
        levels_db: of the sound against the breath, rising.

    Raises:
        ValueError: no class names the sound, or it does not fit into the breathing.
        CheckpointError: a model cannot be loaded.
    """
    classes = classes_of(sound.kind)
    if not classes:
        raise ValueError(f"expected a sound that a class names, got a {sound.kind}: no model can label it")
    steps: dict[int, Iterator[synth.Synthetic]] = {}  # by sample rate
    answers: dict[str, list[np.ndarray]] = {name: [] for name in analyser.cards}
    for count in range(1 + len(levels_db)):
        heard: dict[int, np.ndarray] = {}
        for name, given in answers.items():
            with analyser.alone_with(name) as (loaded,):
                rate = loaded.config.audio.sample_rate
                if rate not in steps:
                    asked = (SILENT_DB, *levels_db)
                    steps[rate] = threshold.steps(sound, asked, breath, breath.period_s, rate, seed, through)
                if rate not in heard:
                    heard[rate] = next(steps[rate]).waveform
                given.append(soundcheck.labeller(loaded)(heard[rate]))
        if count:
            yield tuple(_naming(name, given, classes, levels_db[:count]) for name, given in answers.items())


def _naming(name: str, answers: Sequence[np.ndarray], classes: tuple[int, ...], levels_db: Sequence[float]) -> Naming:
    alone, *given = answers
    judged: Threshold = threshold.judge(given, classes, levels_db)
    return Naming(
        name,
        judged.levels_db,
        judged.probabilities[:, list(classes)].sum(axis=1),
        judged.named,
        float(alone[list(classes)].sum()),
        int(alone.argmax()) in classes,
        judged.level_db,
    )
