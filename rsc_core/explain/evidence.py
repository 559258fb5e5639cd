"""Classical measurements of a cycle beside the model's label: what is in the sound without asking any network.

Wheeze ridges (``ridges``), crackles with their two-cycle durations (``crackles``) and, of a whole recording, the
breathing rate. They are measurements, not a second opinion.

How often they are right: on 150 events of each kind from SPRSound's training set, of other patients than the
thresholds were chosen on, a ridge is found in 57 % of the wheezes and 7 % of the normal events (one of 250 ms or more
in 5 % and none), two crackles or more in 81 % of the crackling and 33 % of the normal events. On 180 cycles of each
kind from our ICBHI subset's training set, adults and other recorders, it is ridges in 38 % against 17 % and crackles
in 31 % against 13 %. A disagreement is a reason to listen, and no more.

A breathing rate is given where two measurements agree. On 60 recordings of that training set, where the rate is the
median annotated cycle's, they agree on 34, and every one of those rates is within 20 % of it; of the 17 where they do
not, the autocorrelation's is on 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from rsc_core import segmentation
from rsc_core.config import CLASSES
from rsc_core.explain.crackles import Crackle, find_crackles
from rsc_core.explain.ridges import Ridge, find_ridges, fundamentals, polyphony

LOWEST_RATE = 4000  # Hz
LEAST_CRACKLES = 2  # fewer may be any knock on the chest piece

BREATH_HZ = (150, 1000)  # breath above the heart
ENVELOPE_RATE = 20  # Hz
BREATHS_PER_MIN = (8, 60)
LEAST_BREATHS = 2  # the recording holds so many whole ones of the rate found
CLEAR = 0.3  # least correlation of the envelope with itself one breath later
AS_HIGH = 0.85  # of the best: the shortest lag this good is one breath, the others are several
ALIKE = 0.2  # difference of two rates that say the same, as a share


@dataclass(frozen=True)
class Evidence:
    """What was measured in one cycle; times from its start."""

    seconds: float
    ridges: tuple[Ridge, ...]  # rising start
    crackles: tuple[Crackle, ...]  # rising start

    @property
    def longest_ridge(self) -> Ridge | None:
        """The ridge a reader is told of, no overtone; None when there is none."""
        return max(fundamentals(self.ridges), key=lambda ridge: ridge.seconds, default=None)

    @property
    def polyphony(self) -> int:
        """Largest number of ridges that sound at once, overtones not counted."""
        return polyphony(fundamentals(self.ridges))

    @property
    def two_cycle_ms(self) -> float | None:
        """Median 2CD of the crackles; None when there is none."""
        return float(np.median([crackle.two_cycle_ms for crackle in self.crackles])) if self.crackles else None


@dataclass(frozen=True)
class Breathing:
    """How fast somebody breathes, or why that cannot be told."""

    rate_per_min: float | None
    unclear: (
        str  # "" with a rate; else "too short" (for the slowest breath to be seen twice), "no rhythm", "two rates"
    )


@dataclass(frozen=True)
class Agreement:
    """Label and measurement of one kind of sound, side by side."""

    sound: str  # "wheeze" or "crackle"
    labelled: bool  # the label, the most probable class, has the sound
    measured: bool  # a ridge was found, or at least ``LEAST_CRACKLES`` crackles
    probability: float  # P(sound present), the class of both included
    facts: dict[str, float]  # wheeze: pitch_hz, seconds, polyphony; crackle: count, two_cycle_ms; {} where none

    @property
    def verdict(self) -> str:
        """Key of the sentence: "both have it", "neither has it", "label only" or "measurement only"."""
        if self.labelled == self.measured:
            return "both have it" if self.labelled else "neither has it"
        return "label only" if self.labelled else "measurement only"


def measure(waveform: np.ndarray, sample_rate: int) -> Evidence:
    """Return the ridges and crackles of one cycle.

    Args:
        waveform: (samples,) of the cycle itself, not repeated; its level does not matter.
        sample_rate: Hz, at least 4000.

    Raises:
        ValueError: the sample rate is lower.
    """
    _check(sample_rate)
    return Evidence(
        len(waveform) / sample_rate, find_ridges(waveform, sample_rate), find_crackles(waveform, sample_rate)
    )


def agreement(evidence: Evidence, probabilities: np.ndarray) -> tuple[Agreement, Agreement]:
    """Compare what was measured with what a model says, for wheeze and for crackle.

    Args:
        evidence: of the cycle.
        probabilities: (4,) of ``rsc_core.config.CLASSES``, that cycle's.

    Raises:
        ValueError: the probabilities are not of these four classes.
    """
    if np.shape(probabilities) != (len(CLASSES),):
        raise ValueError(f"expected probabilities of {', '.join(CLASSES)}, got shape {np.shape(probabilities)}")
    label = CLASSES[int(np.argmax(probabilities))]
    ridge, count = evidence.longest_ridge, len(evidence.crackles)
    wheeze = {"pitch_hz": ridge.pitch_hz, "seconds": ridge.seconds, "polyphony": evidence.polyphony} if ridge else {}
    crackle = {"count": count, "two_cycle_ms": evidence.two_cycle_ms} if count else {}
    return tuple(
        Agreement(
            sound,
            labelled=label in (sound, "both"),
            measured=found,
            probability=float(probabilities[CLASSES.index(sound)] + probabilities[CLASSES.index("both")]),
            facts=facts,
        )
        for sound, found, facts in (("wheeze", bool(ridge), wheeze), ("crackle", count >= LEAST_CRACKLES, crackle))
    )


def breathing(waveform: np.ndarray, sample_rate: int) -> Breathing:
    """Return the breathing rate of a whole recording, from the autocorrelation of its envelope.

    A heart beats through many recordings. Where breaths are found one by one (``segmentation``) at another rate, none
    is given.

    Args:
        waveform: (samples,) of the recording; one cycle alone has no rate.
        sample_rate: Hz, at least 4000.

    Raises:
        ValueError: the sample rate is lower.
    """
    _check(sample_rate)
    block = round(sample_rate / ENVELOPE_RATE)
    blocks = len(waveform) // block
    slowest, fastest = (60 * ENVELOPE_RATE // rate for rate in BREATHS_PER_MIN)  # frames from breath to breath
    longest = min(slowest, blocks // LEAST_BREATHS)
    if longest <= fastest:
        return Breathing(None, "too short")
    sound = sosfiltfilt(butter(2, BREATH_HZ, "band", fs=sample_rate, output="sos"), np.asarray(waveform, np.float64))
    envelope = np.sqrt(np.square(sound[: blocks * block]).reshape(blocks, block).mean(axis=1))
    envelope = np.convolve(envelope, np.hanning(7) / np.hanning(7).sum(), "same")
    envelope = np.minimum(envelope, 3 * np.median(envelope))  # a knock is no breath
    envelope -= envelope.mean()
    lags = np.arange(longest + 2)
    similar = np.array([_correlation(envelope[: blocks - lag], envelope[lag:]) for lag in lags])
    peaks, _ = find_peaks(similar, height=CLEAR)
    peaks = peaks[(peaks >= fastest) & (peaks <= longest)]
    if not len(peaks):
        return Breathing(None, "no rhythm" if longest == slowest else "too short")
    lag = int(peaks[similar[peaks] >= AS_HIGH * similar[peaks].max()][0])
    below, at, above = similar[lag - 1 : lag + 2]
    rate = float(60 * ENVELOPE_RATE / (lag + (below - above) / (2 * (below - 2 * at + above))))
    found = [cycle.seconds for cycle in segmentation.breaths(waveform, sample_rate)]
    if found and abs(rate * np.median(found) / 60 - 1) > ALIKE:
        return Breathing(None, "two rates")
    return Breathing(rate, "")


def _check(sample_rate: int) -> None:
    if sample_rate < LOWEST_RATE:
        raise ValueError(f"expected at least {LOWEST_RATE} samples a second, got {sample_rate}: wheezes would be lost")


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), np.finfo(float).tiny))
