"""Respiratory cycles of an unannotated recording, found in how loud it is in four bands of breath sound.

Three steps: the level of each band in dB, free of what is shorter than a breath (crackles, knocks, heart sounds);
how likely an inspiration starts at each moment, a weighted sum of the levels around it (a logistic regression learned
from the training recordings of our ICBHI subset, ``rsc_core.data.onsets``); and the most likely sequence of such
starts for somebody who breathes at one rate, give or take, found by dynamic programming. Every step is deterministic,
and none depends on the recording's gain.

On the 80 whole test recordings of that subset, 38 of them by a stethoscope that training lacks, boundary F1 is 48.8
and that of the best fixed period 39.6: +9.3 points, 95 % over patients -5.3 to +28.3 (``cycles-score``). Thresholds
were chosen on its training recordings, where F1 is 75.4 (they also taught the weights).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import gaussian_filter1d, median_filter

from rsc_core.analysis import Cycle

BANDS_HZ = ((100, 200), (200, 450), (450, 950), (950, 1900))  # half of ICBHI's test holds nothing above 2 kHz
WINDOW_S = 0.1
RATE_HZ = 40  # levels a second
MEDIAN_FRAMES = 9  # outlasts a crackle or a heart sound, not a breath
SMOOTH_FRAMES = 2  # standard deviation
FLOOR_DB = -60  # under a band's mean: digital silence is no quieter
LEAST_SPREAD_DB = 1.5  # smaller changes of level are noise; they are not magnified
BLOCK_FRAMES = 2048  # transformed at once: ten minutes need no more memory than one

STEP = 2  # starts are looked for at every second level, 20 times a second
LAGS_S = tuple(np.arange(-6, 7) / 4)  # of the levels that decide about a moment

PERIODS_S = np.geomspace(1.0, 6.0, 14)  # of one breath
VARIATION = 0.2  # standard deviation of a cycle's log duration around the period
CYCLE_S = (0.6, 9.0)  # shortest and longest
REWARD = 1.5  # log odds added to every start: more, and more cycles are found
LEAST_RANGE_DB = 2.0  # between the 10 % softest and the 10 % loudest moments; steady noise has 0.8
CLEAR = -1.0  # least mean log odds of the starts found; below, what was found is no breathing
LEAST_EDGE_S = 0.5  # a shorter stretch at either end of the recording joins its neighbour

LEAST_TURNS = 2  # contrasts between a stretch and both its neighbours
LONGEST_PHASE_S = 3.0  # median of an inspiration or an expiration
CONTRAST = 0.4  # of normalised level: by how much inspirations are louder than expirations
CERTAIN = 3.0  # standard errors

TURN_SHARE = (0.25, 0.7)  # of a cycle: where its inspiration may end
TURN_DB = 3.0  # by which the sound must fall and rise again there

ONSET_WEIGHTS = np.array(
    (
        (-0.188, 0.103, 0.105, -0.051),
        (-0.050, -0.007, 0.074, 0.139),
        (0.099, -0.131, -0.030, 0.146),
        (-0.049, 0.049, -0.031, -0.092),
        (0.009, -0.022, -0.052, 0.013),
        (0.028, -0.648, 0.006, -0.121),
        (-0.027, -0.306, 0.001, -0.439),
        (0.267, 0.689, 0.334, -0.249),
        (0.014, 0.288, 0.101, 0.102),
        (0.041, 0.052, -0.160, 0.007),
        (-0.070, -0.028, -0.122, 0.067),
        (0.024, -0.046, -0.115, 0.194),
        (-0.007, -0.147, 0.053, 0.015),
    )
)
ONSET_BIAS = -3.045
"""Weights of normalised levels in the log odds of a start: a row for each of ``LAGS_S``, a column for each band."""


def breaths(waveform: np.ndarray, sample_rate: int) -> tuple[Cycle, ...]:
    """Return the respiratory cycles heard in a recording, from the start of one inspiration to the next.

    They are contiguous and cover all of the recording: the first and the last may be the rest of a breath cut off.
    ``inspiration_end_s`` is set where the sound falls and rises again within a whole cycle.

    Args:
        waveform: (samples,) of the whole recording; its level does not matter.
        sample_rate: Hz; the bands above half of it are left out.

    Returns:
        At least two cycles; none where no breathing is clear (silence, noise, a tone, less than two breaths).
    """
    seconds = len(waveform) / sample_rate
    levels = band_levels(waveform, sample_rate)
    loudness = levels.mean(axis=1)
    if seconds < 2 * CYCLE_S[0] or np.ptp(np.percentile(loudness, (10, 90))) < LEAST_RANGE_DB:
        return ()
    even = normalised(levels)
    odds = around(even) @ ONSET_WEIGHTS.ravel() + ONSET_BIAS
    starts = most_likely_starts(odds)
    if len(starts) < 2 or odds[starts].mean() < CLEAR:
        return ()
    starts = whole_cycles(starts, even)
    starts_s = starts * STEP / RATE_HZ
    inside = starts_s[(starts_s >= LEAST_EDGE_S) & (starts_s <= seconds - LEAST_EDGE_S)].tolist()
    if not inside:
        return ()
    first, *whole, last = (Cycle(start, end) for start, end in pairwise([0.0, *inside, seconds]))
    return (first, *(replace(cycle, inspiration_end_s=_turn_s(loudness, cycle)) for cycle in whole), last)


def band_levels(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return (frames, bands) levels in dB, ``RATE_HZ`` a second, smoothed; 0 throughout in a band without sound.

    Args:
        waveform: (samples,).
        sample_rate: Hz.
    """
    window = np.hanning(max(4, round(WINDOW_S * sample_rate))).astype(np.float32)
    half = len(window) // 2
    centres = np.round(np.arange(int(len(waveform) / sample_rate * RATE_HZ) + 1) * sample_rate / RATE_HZ).astype(int)
    padded = np.pad(np.asarray(waveform, np.float32), (half, len(window)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(window))
    hz = np.arange(half + 1) * sample_rate / len(window)
    bins = [(hz >= low) & (hz < high) for low, high in BANDS_HZ]
    power = np.zeros((len(centres), len(BANDS_HZ)))
    for first in range(0, len(centres), BLOCK_FRAMES):
        block = slice(first, first + BLOCK_FRAMES)
        spectrum = np.abs(rfft(frames[centres[block]] * window)) ** 2
        for band, inside in enumerate(bins):
            if inside.any():
                power[block, band] = spectrum[:, inside].mean(axis=1)
    mean = power.mean(axis=0)
    relative = np.divide(power, mean, out=np.ones_like(power), where=mean > 0)
    levels = 10 * np.log10(relative + 10 ** (FLOOR_DB / 10))
    levels[:, mean <= 0] = 0
    levels = median_filter(levels, (MEDIAN_FRAMES, 1), mode="nearest")
    return gaussian_filter1d(levels, SMOOTH_FRAMES, axis=0, mode="nearest")


def normalised(levels: np.ndarray) -> np.ndarray:
    """Return every ``STEP``-th level about its band's median, in its band's spread, within -3 to 3."""
    low, middle, high = np.percentile(levels, (10, 50, 90), axis=0)
    spread = np.maximum((high - low) / 2.56, LEAST_SPREAD_DB)
    return ((levels - middle) / spread).clip(-3, 3)[::STEP]


def around(levels: np.ndarray) -> np.ndarray:
    """Return (frames, lags * bands): for each frame of normalised levels, those ``LAGS_S`` away.

    Beyond the recording's ends the first and the last level go on.
    """
    frames = np.arange(len(levels))[:, None] + np.round(np.multiply(LAGS_S, RATE_HZ / STEP)).astype(int)
    return levels[frames.clip(0, len(levels) - 1)].reshape(len(levels), -1)


def most_likely_starts(odds: np.ndarray) -> np.ndarray:
    """Return the frames at which cycles most likely start.

    Args:
        odds: (frames,) log odds of a start, ``RATE_HZ / STEP`` a second.

    Maximises, over all sequences and over ``PERIODS_S``, the odds at the starts plus ``REWARD`` for each, less
    z ** 2 / 2 for each cycle, z being how far its log duration lies from the period's in units of ``VARIATION``.
    What precedes the first start and follows the last is a part of a cycle: it costs only if it is longer than one.
    """
    rate = RATE_HZ / STEP
    shortest, longest = (round(s * rate) for s in CYCLE_S)
    log_period = np.log(PERIODS_S * rate)[:, None]
    durations = np.arange(longest, shortest - 1, -1)
    cost = ((np.log(durations) - log_period) / VARIATION) ** 2 / 2
    rest = np.log(np.arange(len(odds) + 1).clip(1)) - log_period
    rest_cost = (rest.clip(0) / VARIATION) ** 2 / 2

    best = np.full((len(PERIODS_S), longest + len(odds)), -np.inf)  # column ``longest + i``: a start at frame i
    before = np.full((len(PERIODS_S), len(odds)), -1)
    rows = np.arange(len(PERIODS_S))
    for i, gain in enumerate(odds + REWARD):
        candidates = best[:, i : i + len(durations)] - cost
        longest_kept = candidates.argmax(axis=1)
        value = candidates[rows, longest_kept]
        first = value < -rest_cost[:, i]
        before[:, i] = np.where(first, -1, i - durations[longest_kept])
        best[:, longest + i] = np.where(first, -rest_cost[:, i], value) + gain
    total = best[:, longest:] - rest_cost[:, len(odds) : 0 : -1]
    row, frame = np.unravel_index(total.argmax(), total.shape)
    starts = []
    while frame >= 0:
        starts.append(frame)
        frame = before[row, frame]
    return np.array(starts[::-1])


def whole_cycles(starts: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the starts of inspirations, where those of expirations were found as well.

    They were if louder and softer stretches take turns; the louder ones are inspirations.

    Args:
        starts: (n,) rising frames.
        levels: (frames, bands) normalised.
    """
    if len(starts) < LEAST_TURNS + 3 or np.median(np.diff(starts)) * STEP / RATE_HZ > LONGEST_PHASE_S:
        return starts
    loudness = np.array([levels[start:end].mean() for start, end in pairwise(starts)])
    sign = 1 - 2 * (np.arange(len(loudness) - 2) % 2)
    contrast = sign * (loudness[1:-1] - (loudness[:-2] + loudness[2:]) / 2)
    mean, error = contrast.mean(), contrast.std() / np.sqrt(len(contrast))
    if abs(mean) < max(CONTRAST, CERTAIN * error):
        return starts
    return starts[int(mean > 0) :: 2]


def _turn_s(loudness: np.ndarray, cycle: Cycle) -> float | None:
    """When inspiration ends: the quietest moment amid a cycle, if both sides are clearly louder."""
    edges = np.array([0, *TURN_SHARE, 1])
    start, low, high, end = np.round((cycle.start_s + edges * cycle.seconds) * RATE_HZ).astype(int)
    amid = loudness[low:high]
    if not len(amid):
        return None
    turn = low + int(amid.argmin())
    louder = min(loudness[start : turn + 1].max(), loudness[turn : end + 1].max())
    return turn / RATE_HZ if louder - loudness[turn] >= TURN_DB else None
