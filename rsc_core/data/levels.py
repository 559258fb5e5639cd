"""Level and bandwidth of a recording as it is stored.

The bandwidth is the highest frequency at which the long-term spectrum is within 60 dB of its loudest: what a recorder
or a resampler took away shows, and a device that can be told by it alone is a shortcut a model may learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RANGE_DB = 60
FRAME_S = 0.064
SILENT_DB = -200.0  # of digital silence


@dataclass(frozen=True)
class Sound:
    """What was measured on one recording."""

    rms_db: float  # of full scale, about the mean
    bandwidth_hz: float


def measure(waveform: np.ndarray, rate: int) -> Sound:
    """Measure a recording: (samples,) float, rate in Hz. Digital silence has level -200 dB and bandwidth 0 Hz."""
    centred = waveform - waveform.mean(dtype=np.float64)
    rms = float(np.sqrt(np.mean(np.square(centred))))
    if rms == 0:
        return Sound(SILENT_DB, 0.0)
    size = round(FRAME_S * rate)
    padded = np.pad(centred, (0, max(0, size - len(centred))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    power = np.zeros(size // 2 + 1)
    for block in np.array_split(frames, max(1, len(frames) // 256)):  # a long recording would not fit at once
        power += np.square(np.abs(np.fft.rfft(block * np.hanning(size), axis=1))).sum(axis=0)
    loud = power > power.max() * 10 ** (-RANGE_DB / 10)
    return Sound(20 * np.log10(rms), float(np.flatnonzero(loud)[-1] * rate / size))
