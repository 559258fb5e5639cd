"""Gaussian noise of a given spectrum: what flow, rooms and amplifiers sound like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LOWEST_HZ = 20  # a chest piece passes nothing below


def noise(
    samples: int, sample_rate: int, rng: np.random.Generator, amplitude: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(samples,) Gaussian noise of RMS 1 whose spectrum follows ``amplitude(hz)`` above the chest piece's lowest."""
    hz = np.fft.rfftfreq(samples, 1 / sample_rate)
    shape = np.where(hz < LOWEST_HZ, 0, amplitude(np.maximum(hz, LOWEST_HZ)))
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    return shaped / np.sqrt(np.mean(shaped**2))
