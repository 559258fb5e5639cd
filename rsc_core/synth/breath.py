"""Breath sounds: turbulence that follows the flow of air, heard through the chest wall.

The noise's amplitude follows flow ** 1.66; at equal flow inspiration is 2.2 times as loud as expiration (Gavriely and
Cugell 1996). Above the corner the spectrum at the chest wall falls by 14 dB an octave in inspiration and 17 dB in
expiration (Gavriely et al. 1995: 12.7 to 15.2 and 13.4 to 20.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsc_core.options import check, option
from rsc_core.synth.noise import noise

FLOW_EXPONENT = 1.66
EXPIRATION_GAIN = 1 / 2.2
SLOPES_DB = (14, 17)  # fall per octave above the corner: inspiration, expiration
CORNER_HZ = 150  # our choice: vesicular sound is near flat below it
FASTEST_L_S = 3  # the highest flow at which the loudness was measured
PAUSE = 0.15  # of the time after inspiration, without flow
VARIATION = 0.05  # standard deviation of a cycle's duration, relative


@dataclass(frozen=True)
class Phases:
    """The three turning points of one respiratory cycle, in seconds; after ``expiration_end_s`` no air flows."""

    start_s: float
    inspiration_end_s: float
    expiration_end_s: float

    def span(self, phase: str) -> tuple[float, float]:
        """Start and end of "inspiration" or "expiration", in seconds."""
        if phase == "inspiration":
            return self.start_s, self.inspiration_end_s
        return self.inspiration_end_s, self.expiration_end_s


@dataclass(frozen=True)
class Breath:
    """How somebody breathes.

    An adult at rest takes 12 to 20 breaths of 0.5 L a minute, an infant up to 60 small ones; for auscultation one is
    asked to breathe more deeply, about 1 L. Inspiration takes a third to a half of a cycle, less when the airways are
    obstructed.
    """

    rate_per_min: float = option(
        15.0, low=8, high=60, unit="breaths per minute", source="slow adult to infant; from memory, unverified"
    )
    tidal_volume_l: float = option(
        1.0, low=0.05, high=3, unit="L", source="infant at rest to adult's deep breath; from memory, unverified"
    )
    inspiration_share: float = option(
        0.4, low=0.2, high=0.6, unit="of a cycle", source="obstructed to panting; from memory, unverified"
    )

    def __post_init__(self):
        check(self)
        if (flow := 1.5 * self._mean_flow_l_s) > FASTEST_L_S:
            raise ValueError(
                f"peak inspiratory flow must be between 0 and {FASTEST_L_S} L/s, got {flow:.1f}: "
                "lower rate_per_min or tidal_volume_l, or raise inspiration_share"
            )

    @property
    def _mean_flow_l_s(self) -> float:
        """Of inspiration; its peak is half as much again."""
        return self.tidal_volume_l / (self.inspiration_share * 60 / self.rate_per_min)

    @property
    def period_s(self) -> float:
        """Mean duration of a cycle in seconds."""
        return 60 / self.rate_per_min

    def phases(self, start_s: float, end_s: float) -> Phases:
        """Divide one cycle into inspiration, expiration and pause."""
        turn_s = start_s + self.inspiration_share * (end_s - start_s)
        return Phases(start_s, turn_s, end_s - PAUSE * (end_s - turn_s))

    def edges(self, seconds: float, rng: np.random.Generator) -> list[float]:
        """Return where cycles meet, from 0 s on and in whole milliseconds: as many whole ones as a recording holds."""
        count = int(seconds / self.period_s + 1e-9)
        durations = 1 + VARIATION * rng.standard_normal(count).clip(-2, 2)
        durations *= count * self.period_s / durations.sum()
        return np.concatenate([[0], np.floor(1000 * np.cumsum(durations) + 1e-6) / 1000]).tolist()

    def sound(self, cycles: Sequence[Phases], samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """(samples,) turbulence of these cycles through the chest wall; 1 is the RMS of inspiration at 1 L/s."""
        loudness = np.zeros((2, samples))  # of inspiration and expiration
        for phases in cycles:
            for row, phase, flow_shape in (
                (loudness[0], "inspiration", lambda u: 6 * u * (1 - u)),
                (loudness[1], "expiration", lambda u: 12 * u * (1 - u) ** 2),  # passive: early peak
            ):
                start_s, end_s = phases.span(phase)
                n = np.arange(int(np.ceil(start_s * sample_rate)), min(samples, int(end_s * sample_rate)))
                share = (n / sample_rate - start_s) / (end_s - start_s)
                row[n] = (self.tidal_volume_l / (end_s - start_s) * flow_shape(share)) ** FLOW_EXPONENT
        inspiration, expiration = (
            noise(samples, sample_rate, rng, lambda hz, p=slope_db / 6.02: (1 + (hz / CORNER_HZ) ** (2 * p)) ** -0.5)
            for slope_db in SLOPES_DB
        )
        return loudness[0] * inspiration + EXPIRATION_GAIN * loudness[1] * expiration
