"""What the app shows, as plain numpy: no torch, so pages and figures can import it cheaply."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Recording:
    """A decoded sound file: mono, resampled, level-scaled."""

    waveform: np.ndarray  # (samples,) float32
    sample_rate: int  # Hz, of ``waveform``
    source_rate: int  # Hz, of the file
    channels: int  # of the file, averaged into one
    seconds: float
    gain: float  # what the file's samples were multiplied with
    warnings: tuple[str, ...] = ()  # sentences for the reader: clipped, near-silent, …


@dataclass(frozen=True)
class Cycle:
    """One stretch of a recording: an annotated respiratory cycle or event, or a window."""

    start_s: float
    end_s: float
    label: str | None = None  # the annotation's class, where there is one

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class ModelCard:
    """What a visitor must know of a model before believing it."""

    name: str  # folder under checkpoints/
    title: str
    preset: str
    parameters: int
    trainable: int
    corpus: str  # e.g. "ICBHI subset (39 %), official test"
    protocol: str
    specificity: float  # percent
    sensitivity: float  # percent
    score: float  # percent
    score_interval: tuple[float, float]  # percent, patient bootstrap, 95 %
    base: str  # "" or e.g. "base learned from children's lungs (SPRSound)"


@dataclass(frozen=True)
class Analysis:
    """One recording as one model labels it."""

    recording: Recording
    cycles: tuple[Cycle, ...]
    annotated: bool  # True: cycles come from an annotation file; False: plain windows
    classes: tuple[str, ...]
    probabilities: np.ndarray  # (cycle, class) float32, rows sum to 1
    model: ModelCard

    @property
    def labels(self) -> tuple[str, ...]:
        """The most probable class of each cycle."""
        return tuple(self.classes[i] for i in self.probabilities.argmax(axis=1))

    @property
    def crackle_present(self) -> np.ndarray:
        """(cycle,) P(crackle) + P(both)."""
        return self.probabilities[:, self.classes.index("crackle")] + self.probabilities[:, self.classes.index("both")]

    @property
    def wheeze_present(self) -> np.ndarray:
        """(cycle,) P(wheeze) + P(both)."""
        return self.probabilities[:, self.classes.index("wheeze")] + self.probabilities[:, self.classes.index("both")]


@dataclass(frozen=True)
class Spectrogram:
    """A time-frequency picture of one cycle: rows rise in frequency, columns run from ``start_s`` to ``end_s``."""

    name: str  # "Log-mel", "CQT", "Gammatone", "Mel"
    values: np.ndarray  # (bins, frames) float32
    unit: str  # "dB", "SD per row" or "2 SD of the training set"
    frequencies_hz: np.ndarray  # (bins,) rising centre frequencies
    start_s: float
    end_s: float


@dataclass(frozen=True)
class AttentionMap:
    """Where CLS and DIST read from, on the cycle's own time axis (copies from repetition are folded back)."""

    name: str  # "last layer" or "rollout"
    values: np.ndarray  # (patch rows, frames) float32, sums to 1; row r covers ``edges_hz[r:r + 2]``
    edges_hz: np.ndarray  # (patch rows + 1,) rising
    patch_s: float  # duration of one patch
    start_s: float
    end_s: float


@dataclass(frozen=True)
class CycleView:
    """Everything drawn of one cycle."""

    cycle: Cycle
    waveform: np.ndarray  # (samples,) float32
    sample_rate: int
    log_mel: dict[str, Spectrogram] = field(default_factory=dict)  # keys "db" and "model"
    hybrid: dict[str, tuple[Spectrogram, ...]] = field(default_factory=dict)  # CQT, Gammatone, Mel under each key
    attention: tuple[AttentionMap, ...] = ()
