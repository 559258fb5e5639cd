"""What is laid over the breath: kinds of adventitious sounds, and one of them in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Kind:
    """A kind of sound in the words of the corpora; None where they have no class for it."""

    label: str | None  # one of ``rsc_core.config.CLASSES``
    sprsound: str | None  # event type of SPRSound
    continuous: bool  # musical (ATS 1977: continuous), or a train of short sounds (discontinuous)


KINDS = {
    "fine crackle": Kind("crackle", "Fine Crackle", continuous=False),
    "coarse crackle": Kind("crackle", "Coarse Crackle", continuous=False),
    "wheeze": Kind("wheeze", "Wheeze", continuous=True),
    "rhonchus": Kind("wheeze", "Rhonchi", continuous=True),
    "stridor": Kind("wheeze", "Stridor", continuous=True),
    "squawk": Kind("wheeze", "Wheeze", continuous=True),  # a short wheeze; no corpus marks squawks of its own
    "pleural rub": Kind(None, None, continuous=False),
}
"""Every kind of event, and the class an annotation gives it."""


@dataclass(frozen=True)
class Event:
    """One adventitious sound, exactly where it was placed."""

    kind: str  # key of ``KINDS``
    start_s: float
    end_s: float
    level_db: float  # above the reference level, as its sound defines it: peak or RMS
    band_hz: tuple[float, float] | None = None  # holds the middle 90 % of its energy; None before it is rendered


def band_hz(rendered: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """The frequencies between which the middle 90 % of a sound's energy lie."""
    size = max(len(rendered), sample_rate // 10)  # a crackle's few samples alone would resolve no better than 200 Hz
    energy = np.cumsum(np.abs(np.fft.rfft(rendered, size)) ** 2)
    low, high = np.searchsorted(energy, np.array([0.05, 0.95]) * energy[-1])
    return float(low * sample_rate / size), float(high * sample_rate / size)
