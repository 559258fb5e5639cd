"""The attended part of a sound, made audible.

A relevance map becomes a mask on the sound's own short-time Fourier transform, and the masked transform is inverted
(the training-free baseline of listenable explanations: Paissan et al. 2024, arXiv:2403.13086). Mask m gives what is
attended, 1 - m the rest: the two add up to the original, sample by sample, and nothing is rescaled, so a player can
switch between them without losing level or place.

How loud a tile is: one with no more than its fair share (the map's mean, what a model that reads everywhere alike
gives each) is silent, one with what the tiles above their share have on average, or more, is whole. What a signed map
says against a class counts as 0. Uniform maps single nothing out: all of the sound is attended.
"""

from __future__ import annotations

import numpy as np
import torch

WINDOW_S = 0.032  # as long as the tails of a crackle, short enough to cut a wheeze from its neighbours
OVERLAP = 4  # windows over each sample
HELD = 0.5  # share of a tile around its middle that has the tile's own gain; neighbours fade into each other between
UNIFORM = 1e-6  # a map whose highest value exceeds its mean by a smaller share is uniform


def attended(
    waveform: np.ndarray, sample_rate: int, values: np.ndarray, edges_hz: np.ndarray, column_s: float, amount: float
) -> np.ndarray:
    """Return a sound with the attended part brought out or taken away.

    Args:
        waveform: (samples,) floating point, full scale 1.
        sample_rate: Hz.
        values: (freq, columns) relevance over the whole waveform, rows rising in frequency: a patch map, or frames
            as in ``AttentionMap.values``.
        edges_hz: (freq + 1,) rising; row r covers ``edges_hz[r : r + 2]``. Half a row above the last edge and higher,
            nothing is attended.
        column_s: seconds from one column to the next, the first starting with the waveform.
        amount: 1 only the attended part, 0 the original, -1 everything but; linear between.

    Returns:
        (samples,) float32.

    Raises:
        ValueError: amount is not between -1 and 1, or the map does not fit the waveform.
    """
    if not -1 <= amount <= 1:
        raise ValueError(f"amount must be between -1 (everything but) and 1 (only the attended), got {amount}")
    part, rest = split(waveform, sample_rate, values, edges_hz, column_s)
    return min(1, 1 + amount) * part + min(1, 1 - amount) * rest


def split(
    waveform: np.ndarray, sample_rate: int, values: np.ndarray, edges_hz: np.ndarray, column_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the attended part and the rest, (samples,) float32 each; arguments and errors as of ``attended``.

    Whatever the slider says is a sum of these two, so a page computes them once.
    """
    part = masked(waveform, sample_rate, gains(np.asarray(values, float)), edges_hz, column_s)
    return part, np.asarray(waveform, np.float32) - part


def masked(
    waveform: np.ndarray, sample_rate: int, gain: np.ndarray, edges_hz: np.ndarray, column_s: float
) -> np.ndarray:
    """Return a sound with every tile as loud as ``gain``, (freq, columns), says: (samples,) float32.

    The other arguments and the errors are those of ``attended``; gains of neighbours fade into each other.
    """
    gain, edges_hz, waveform = np.asarray(gain, float), np.asarray(edges_hz, float), np.asarray(waveform)
    seconds = len(waveform) / sample_rate
    if gain.ndim != 2 or edges_hz.shape != (len(gain) + 1,):
        raise ValueError(
            f"expected a (freq, columns) map and freq + 1 edges, got {gain.shape} and {edges_hz.shape}: pass the "
            "edges of the map's own rows"
        )
    if abs(gain.shape[1] * column_s - seconds) > column_s + WINDOW_S:
        raise ValueError(
            f"the map covers {gain.shape[1] * column_s:.2f} s and the waveform lasts {seconds:.2f} s: fold the map "
            "back onto the cycle first"
        )
    size = 1 << round(np.log2(WINDOW_S * sample_rate))
    window = torch.hann_window(size)
    stft = {"n_fft": size, "hop_length": size // OVERLAP, "window": window}
    sound = torch.from_numpy(waveform.astype(np.float32))
    spectrum = torch.stft(sound, **stft, pad_mode="constant", return_complex=True)
    hz = np.arange(spectrum.shape[0]) * sample_rate / size
    at_s = np.arange(spectrum.shape[1]) * (size // OVERLAP) / sample_rate
    mask = _interpolate(gain, edges_hz, column_s, hz, at_s)
    return torch.istft(spectrum * torch.from_numpy(mask.astype(np.float32)), **stft, length=len(sound)).numpy()


def gains(values: np.ndarray) -> np.ndarray:
    """(freq, columns) relevance -> the same shape in [0, 1]: how much of each tile is attended."""
    values = np.maximum(values, 0)
    share = values.mean()
    if values.max() - share <= UNIFORM * share:
        return np.ones_like(values)
    typical = values[values > share].mean()
    return np.clip((values - share) / (typical - share), 0, 1)


def _interpolate(
    gain: np.ndarray, edges_hz: np.ndarray, column_s: float, hz: np.ndarray, at_s: np.ndarray
) -> np.ndarray:
    """(freq, columns) -> (bins, frames); constant over each tile's middle, linear from there to the next tile's."""
    edges_s = np.arange(gain.shape[1] + 1) * column_s
    over_time = _knots(edges_s)
    by_row = np.stack([np.interp(at_s, over_time, np.repeat(row, 2)) for row in gain])
    over_hz = _knots(edges_hz)
    beyond = edges_hz[-1] - over_hz[-1]
    over_hz = np.append(over_hz, edges_hz[-1] + beyond * np.array([1, 2]))  # the last row fades out above its edge
    by_row = np.concatenate([np.repeat(by_row, 2, axis=0), by_row[-1:], np.zeros((1, len(at_s)))])
    right = np.clip(np.searchsorted(over_hz, hz, side="right"), 1, len(over_hz) - 1)
    left = right - 1
    weight = np.clip((hz - over_hz[left]) / (over_hz[right] - over_hz[left]), 0, 1)[:, None]
    return (1 - weight) * by_row[left] + weight * by_row[right]


def _knots(edges: np.ndarray) -> np.ndarray:
    """(n + 1,) edges -> (2 n,) where each tile's held stretch begins and ends."""
    middle, half = (edges[1:] + edges[:-1]) / 2, HELD / 2 * np.diff(edges)
    return np.stack([middle - half, middle + half], axis=1).ravel()
