"""Wheezes without a network: ridges of the spectrogram, peaks that stay while they glide.

A peak counts when it stands ``PROMINENCE_DB`` above the mean level of its neighbourhood in frequency; peaks that touch
in time and pitch form a ridge (after Taplidou and Hadjileontiadis 2007). How long must one last? At least 80 ms says
Bohadana et al. 2014, 100 ms CORSA (Sovijarvi et al. 2000), 250 ms the American Thoracic Society (1977): ridges from
80 ms on are returned, each knows which conventions it meets.

The prominence, and the lowest pitch of 150 Hz where all sources begin at 100 Hz, were chosen on 150 wheezes and 150
normal events of SPRSound's training set: below 150 Hz the breath itself has a peak there. ``evidence`` says what this
finds on events of other patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import binary_dilation, find_objects, label, maximum_filter1d, uniform_filter1d
from scipy.signal import resample_poly

LOWEST_HZ, HIGHEST_HZ = 150, 1600
PROMINENCE_DB = 16
FADED_DB = 6  # below its loudest, half the amplitude, a ridge ends
NEIGHBOURHOOD_HZ = (50, 250)  # the peak's own width is left out; the rest is its surroundings
SHORTEST_S = {"Bohadana": 0.08, "CORSA": 0.1, "ATS": 0.25}
RATE = 4000  # Hz; holds all of the neighbourhood of HIGHEST_HZ
WINDOW = 192  # samples, 48 ms
HOP = 48  # samples, 12 ms
FFT = 512
SMOOTHED = 5  # frames averaged, so that noise has few peaks
SILENT = 1e-12  # power, relative to the loudest, below which nothing is told apart
OVERTONE = 0.05  # a ridge this near a multiple of another's pitch, relative, is its overtone


@dataclass(frozen=True)
class Ridge:
    """A tone in the sound, between the first and the last moment at which it has half its largest amplitude."""

    start_s: float
    end_s: float
    pitch_hz: float  # median; a wheeze may glide
    prominence_db: float  # mean, over the neighbourhood
    glide_hz_per_s: float = 0.0  # least squares

    def pitch_at(self, time_s: float) -> float:
        """Pitch in Hz at a moment, along its glide."""
        return self.pitch_hz + self.glide_hz_per_s * (time_s - (self.start_s + self.end_s) / 2)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s

    @property
    def meets(self) -> tuple[str, ...]:
        """Keys of ``SHORTEST_S`` whose minimum duration it reaches."""
        return tuple(name for name, least_s in SHORTEST_S.items() if self.seconds >= least_s - 1e-9)


def find_ridges(waveform: np.ndarray, sample_rate: int) -> tuple[Ridge, ...]:
    """Return the ridges of a (samples,) waveform that last 80 ms or longer, by rising start."""
    divisor = gcd(RATE, sample_rate)
    sound = resample_poly(np.asarray(waveform, np.float32), RATE // divisor, sample_rate // divisor)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, WINDOW // 2), WINDOW)[::HOP]
    power = np.square(np.abs(rfft(frames * np.hanning(WINDOW).astype(np.float32), FFT)))
    power = uniform_filter1d(power, SMOOTHED, axis=0, mode="constant")
    level_db = 10 * np.log10(power + max(SILENT * power.max(), np.finfo(np.float32).tiny))
    hz = np.arange(level_db.shape[1]) * RATE / FFT
    prominence_db = level_db - _surroundings(level_db, RATE / FFT)

    # The highest of its neighbourhood's inner part: a strong tone's side lobes are not peaks of their own.
    peak = level_db == maximum_filter1d(level_db, 2 * round(NEIGHBOURHOOD_HZ[0] * FFT / RATE) + 1, axis=1)
    peak &= (prominence_db >= PROMINENCE_DB) & (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    # Grown by a bin to each side, peaks touch while they move by up to 3 bins, 2 kHz a second.
    regions, _ = label(binary_dilation(peak, np.ones((1, 3), bool)), np.ones((3, 3), int))
    found = []
    for number, place in enumerate(find_objects(regions), start=1):
        frame, row = np.nonzero((regions[place] == number) & peak[place])
        frame, row = frame + place[0].start, row + place[1].start
        level = level_db[frame, row]
        frame, row = frame[level >= level.max() - FADED_DB], row[level >= level.max() - FADED_DB]
        start_s, end_s = int(frame.min()) * HOP / RATE, int(frame.max() + 1) * HOP / RATE
        if end_s - start_s >= SHORTEST_S["Bohadana"]:
            pitch_hz = (row + _offset(level_db, frame, row)) * RATE / FFT
            glide = np.polynomial.Polynomial.fit(frame * HOP / RATE, pitch_hz, 1).convert().coef[1]
            prominence = float(prominence_db[frame, row].mean())
            found.append(Ridge(start_s, end_s, float(np.median(pitch_hz)), prominence, float(glide)))
    return tuple(sorted(found, key=lambda ridge: ridge.start_s))


def fundamentals(ridges: tuple[Ridge, ...]) -> tuple[Ridge, ...]:
    """Return the ridges that are no overtone of another one they sound with, for half their duration or longer."""

    def is_overtone(ridge: Ridge, of: Ridge) -> bool:
        start_s, end_s = max(ridge.start_s, of.start_s), min(ridge.end_s, of.end_s)
        together_s, middle_s = end_s - start_s, (start_s + end_s) / 2
        ratio = ridge.pitch_at(middle_s) / of.pitch_at(middle_s)
        return round(ratio) > 1 and abs(ratio / round(ratio) - 1) < OVERTONE and together_s >= ridge.seconds / 2

    return tuple(ridge for ridge in ridges if not any(is_overtone(ridge, other) for other in ridges))


def polyphony(ridges: tuple[Ridge, ...]) -> int:
    """Return the largest number of ridges that sound at once."""
    return max((sum(r.start_s <= now.start_s < r.end_s for r in ridges) for now in ridges), default=0)


def _surroundings(level_db: np.ndarray, bin_hz: float) -> np.ndarray:
    """(frames, bins) mean level within ``NEIGHBOURHOOD_HZ`` below and above each bin."""
    bins = level_db.shape[1]
    near, far = (round(hz / bin_hz) for hz in NEIGHBOURHOOD_HZ)
    summed = np.pad(np.cumsum(level_db, axis=1), ((0, 0), (1, 0)))
    i = np.arange(bins)
    total, count = np.zeros_like(level_db), np.zeros(bins)
    for low, high in ((i - far, i - near), (i + near + 1, i + far + 1)):
        low, high = np.clip(low, 0, bins), np.clip(high, 0, bins)
        total += summed[:, high] - summed[:, low]
        count += high - low
    return total / count


def _offset(level_db: np.ndarray, frame: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Where a parabola through a peak and its two neighbours is highest, in bins from the peak."""
    below, at, above = (level_db[frame, row + shift] for shift in (-1, 0, 1))
    return (below - above) / (2 * (below - 2 * at + above))
