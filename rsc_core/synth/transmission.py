"""What lies between the lung and the ear: chest wall, stethoscope, the heart and the room underneath.

Every filter has zero phase, so that no event moves in time. The breath's spectrum is the one measured at an ordinary
chest wall (``rsc_core.synth.breath``); a thicker wall takes away more.

    recording = stethoscope(wall(breath + sounds + heart) + room) + floor
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rsc_core.options import check, option
from rsc_core.synth.noise import noise

STETHOSCOPES = ("flat", "bell", "diaphragm")
WALL_HZ = 300  # our choice: where a thicker wall begins to muffle
SHELF_HZ = 200  # our choice: between what a bell and what a diaphragm favours
SHELF_DB = 9  # our choice: how much the other side loses
PADDING_S = 0.25  # behind the recording, so that a filter's end does not come round to its start
HEART_S = {"first": 0.10, "second": 0.07}  # durations; from memory, unverified
HEART_HZ = {"first": 45, "second": 60}  # within 20 to 150 Hz, the first lower (Sakai et al. 1971)
SYSTOLE_S = 0.3  # from the first to the second sound; from memory, unverified
SECOND_DB = -4  # of the second beside the first; our choice
BEAT_VARIATION = 0.03  # standard deviation of the time between beats, relative


@dataclass(frozen=True)
class Transmission:
    """What a breath passes through and what is heard beside it; by default an ordinary chest in a silent room.

    Levels are relative to the RMS of inspiration at 1 L/s; at -60 dB nothing is heard.
    """

    wall_db: float = option(0.0, low=0, high=12, unit="dB per octave above 300 Hz, of a thicker wall", source="ours")
    stethoscope: str = option("flat", choices=STETHOSCOPES, source="gentle shelves around 200 Hz; ours")
    heart_rate_per_min: float = option(
        70.0, low=40, high=200, unit="beats per minute", source="athlete to infant; from memory, unverified"
    )
    heart_db: float = option(-60.0, low=-60, high=20, unit="dB (peak of the first sound)", source="our choice")
    room_db: float = option(-60.0, low=-60, high=10, unit="dB (RMS)", source="our choice")
    floor_db: float = option(
        -40.0, low=-60, high=0, unit="dB (RMS of the stethoscope's own noise)", source="our choice"
    )

    def __post_init__(self):
        check(self)

    def heard(self, lung: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """(samples,) -> (samples,): a recording of what comes from the lung."""
        at_wall = self._through_wall(lung + self._heart(len(lung), sample_rate, rng), sample_rate)
        room = 10 ** (self.room_db / 20) * noise(len(lung), sample_rate, rng, lambda hz: 1 / hz)
        floor = 10 ** (self.floor_db / 20) * noise(len(lung), sample_rate, rng, lambda hz: hz**-0.5)
        return self._through_stethoscope(at_wall + room, sample_rate) + floor

    def _through_wall(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        power = self.wall_db / 6.02
        return filtered(wave, sample_rate, lambda hz: (1 + (hz / WALL_HZ) ** 2) ** (-power / 2))

    def _through_stethoscope(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        if self.stethoscope == "flat":
            return wave
        lost = 10 ** (-SHELF_DB / 10)  # of power, on the other side
        below, above = (1, lost) if self.stethoscope == "bell" else (lost, 1)

        def shelf(hz: np.ndarray) -> np.ndarray:
            ratio = (hz / SHELF_HZ) ** 2
            return np.sqrt((below + above * ratio) / (1 + ratio))

        return filtered(wave, sample_rate, shelf)

    def _heart(self, samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """(samples,) first and second heart sounds."""
        wave = np.zeros(samples)
        period_s, at_s = 60 / self.heart_rate_per_min, 0.0
        while at_s < samples / sample_rate:
            systole_s = min(SYSTOLE_S, 0.4 * period_s)
            for name, start_s, level_db in (("first", at_s, 0), ("second", at_s + systole_s, SECOND_DB)):
                n = np.arange(
                    round(start_s * sample_rate), min(samples, round((start_s + HEART_S[name]) * sample_rate))
                )
                t_s = n / sample_rate - start_s
                swell = np.sin(np.pi * t_s / HEART_S[name]) ** 2
                beat = np.sin(2 * np.pi * HEART_HZ[name] * (t_s - HEART_S[name] / 2) + np.pi / 2) * swell
                wave[n] += 10 ** ((self.heart_db + level_db) / 20) * beat
            at_s += period_s * (1 + BEAT_VARIATION * float(np.clip(rng.standard_normal(), -2, 2)))
        return wave


def filtered(wave: np.ndarray, sample_rate: int, amplitude: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(samples,) of a sound times ``amplitude(hz)`` at each frequency; no part of it moves in time."""
    size = len(wave) + round(PADDING_S * sample_rate)
    hz = np.fft.rfftfreq(size, 1 / sample_rate)
    return np.fft.irfft(np.fft.rfft(wave, size) * amplitude(hz), size)[: len(wave)]
