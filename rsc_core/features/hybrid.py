"""CycleGuardian's hybrid spectrogram: constant-Q, gammatone and mel maps of the same sound, 84 rows each.

Parameters are the reference's (Chu et al. 2025, arXiv:2502.00734): 22 kHz, a frame every 256 samples, CQT with 12
bins an octave from 32.7 Hz (its last row is 3,951 Hz: the reference passes an upper limit of 3,000 Hz that its library
ignores), gammatone and mel from 32.7 to 3,000 Hz on a 1,024-point spectrum, all in dB, then each row z-scored over
time. We differ on purpose in one thing: a row that does not change becomes 0, where the reference divides by zero.

The constant-Q transform follows Schoerkhuber & Klapuri (2010): one octave of kernels, applied to the sound halved in
rate again and again. Everything is batched and runs on the waveform's own device.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy import signal
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

HYBRID_MAPS = ("CQT", "Gammatone", "Mel")
HYBRID_SAMPLE_RATE = 22000  # Hz
HYBRID_HOP = 256  # samples
ROWS = 84
LOW_HZ, HIGH_HZ = 32.7, 3000.0  # of gammatone and mel

FFT = 1024
MEL_WINDOW = 1000  # the reference's mel window is shorter than its spectrum
OCTAVES, PER_OCTAVE = 7, 12
CQT_KERNEL = 256  # samples; the longest of the top octave's is 177
DECIMATION_TAPS = 256
BLOCK = 32  # samples of the halved sound that one row of a matrix product gives
SHORTEST = (CQT_KERNEL // 2 + 1) * 2 ** (OCTAVES - 1)  # samples the lowest octave needs for its mirrored ends
FLOOR = 1e-10  # of amplitude and power alike, before the logarithm
STILL_DB = 1e-3  # a row that varies less counts as constant


def hybrid(waveforms: torch.Tensor, sample_rate: int = HYBRID_SAMPLE_RATE, standardize: bool = True) -> torch.Tensor:
    """Return the three maps of each clip.

    Args:
        waveforms: (batch, samples) floating point, full scale 1.
        sample_rate: Hz; only 22,000.
        standardize: z-score every row over time; otherwise dB.

    Returns:
        (batch, 3, 84, frames), maps in the order of ``HYBRID_MAPS``, rows rising in frequency, one frame every 256
        samples: 688 for 8 s.

    Raises:
        ValueError: the rate is another one, or a clip is shorter than 8,256 samples (0.38 s).
    """
    if sample_rate != HYBRID_SAMPLE_RATE:
        raise ValueError(
            f"the hybrid spectrogram is defined at {HYBRID_SAMPLE_RATE} Hz, got {sample_rate}; resample first"
        )
    if waveforms.shape[-1] < SHORTEST:
        raise ValueError(
            f"the hybrid spectrogram needs {SHORTEST} samples or more, got {waveforms.shape[-1]}; repeat the clip"
        )
    waveforms = torch.atleast_2d(waveforms).float()
    device = waveforms.device
    gammatone_power = _power(waveforms, torch.hann_window(FFT, device=device))
    mel_power = _power(waveforms, torch.hann_window(MEL_WINDOW, device=device))
    maps = torch.stack(
        [
            20 * _constant_q(waveforms).clamp_min(FLOOR).log10(),
            10 * (_gammatone_weights(device) @ gammatone_power).clamp_min(FLOOR).log10(),
            10 * (_mel_weights(device) @ mel_power).clamp_min(FLOOR).log10(),
        ],
        dim=1,
    )
    return standardize_rows(maps) if standardize else maps


def frame_count(samples: int) -> int:
    """Frames that ``hybrid`` returns for a waveform of ``samples`` samples."""
    return 1 + samples // HYBRID_HOP


def standardize_rows(maps: torch.Tensor) -> torch.Tensor:
    """Z-score every row of (…, 84, frames) maps over time; a row that does not change becomes 0."""
    deviation = maps.std(dim=-1, keepdim=True)
    centred = maps - maps.mean(dim=-1, keepdim=True)
    return torch.where(deviation > STILL_DB, centred / deviation.clamp_min(STILL_DB), 0.0)


def frequencies_hz() -> dict[str, np.ndarray]:
    """Map name -> (84,) rising centre frequencies of its rows, in Hz."""
    mel = 2595 * np.log10(1 + np.array([LOW_HZ, HIGH_HZ]) / 700)
    return {
        "CQT": _constant_q_hz(),
        "Gammatone": _gammatone_hz(),
        "Mel": 700 * (10 ** (np.linspace(*mel, ROWS + 2)[1:-1] / 2595) - 1),
    }


def _power(waveforms: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """(batch, 513, frames) power spectra, frames centred, ends mirrored."""
    spectrum = torch.stft(waveforms, FFT, HYBRID_HOP, len(window), window, center=True, return_complex=True)
    return spectrum.abs().square()


def _constant_q(waveforms: torch.Tensor) -> torch.Tensor:
    """(batch, 84, frames) magnitudes, scaled by the square root of each row's window length as librosa does."""
    kernels, halving, lengths = _constant_q_filters(waveforms.device)
    sound, hop, octaves = waveforms, HYBRID_HOP, []
    for octave in range(OCTAVES):
        if octave:
            sound = _halve(sound, halving)
            hop //= 2
        mirrored = F.pad(sound.unsqueeze(1), (CQT_KERNEL // 2, CQT_KERNEL // 2), mode="reflect").squeeze(1)
        real, imaginary = (mirrored.unfold(1, CQT_KERNEL, hop) @ kernels).transpose(1, 2).chunk(2, dim=1)
        octaves.append(torch.hypot(real, imaginary))
    frames = octaves[0].shape[-1]
    # Halving a rate rounds the number of samples, so a low octave may be a frame short or long.
    octaves = [F.pad(o, (0, frames - o.shape[-1]), mode="replicate")[..., :frames] for o in octaves]
    return torch.cat(octaves[::-1], dim=1) * lengths.sqrt()


def _halve(sound: torch.Tensor, halving: torch.Tensor) -> torch.Tensor:
    """(batch, samples) -> (batch, half as many): every second sample of the filtered sound, silence around it.

    A convolution, of one channel by many taps, takes a processor ten to twenty times as long.
    """
    side = (DECIMATION_TAPS - 1) // 2
    samples = (sound.shape[1] + 2 * side - DECIMATION_TAPS) // 2 + 1
    reach = len(halving) + 2 * BLOCK * ((samples - 1) // BLOCK)
    padded = F.pad(sound, (side, reach - side - sound.shape[1]))
    return (padded.unfold(1, len(halving), 2 * BLOCK) @ halving).flatten(1)[:, :samples]


def _constant_q_hz() -> np.ndarray:
    return LOW_HZ * 2 ** (np.arange(ROWS) / PER_OCTAVE)


@lru_cache(maxsize=4)
def _constant_q_filters(device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what ``_constant_q`` multiplies with.

    Kernels of the top octave, (256, 24), real then imaginary; the half-band filter, (318, 32), a column for each
    sample of a block; the lengths of all windows, (84, 1).
    """
    quality = 1 / (2 ** (1 / PER_OCTAVE) - 1)
    lengths = np.ceil(quality * HYBRID_SAMPLE_RATE / _constant_q_hz())
    kernels = np.zeros((PER_OCTAVE, CQT_KERNEL), dtype=complex)
    for kernel, hz, length in zip(
        kernels, _constant_q_hz()[-PER_OCTAVE:], lengths[-PER_OCTAVE:].astype(int), strict=True
    ):
        time = np.arange(length) - (length + 1) // 2
        atom = signal.get_window("hann", length) * np.exp(2j * np.pi * hz / HYBRID_SAMPLE_RATE * time)
        start = (CQT_KERNEL - length) // 2
        kernel[start : start + length] = atom / np.abs(atom).sum()
    edge = 0.001  # half-width of the transition band around a quarter of the rate
    decimator = signal.firwin2(DECIMATION_TAPS, [0, 0.5 / (1 + edge), 0.5 * (1 + edge), 1], [1, 1, 0, 0])
    halving = np.zeros((DECIMATION_TAPS + 2 * (BLOCK - 1), BLOCK))
    for sample, column in enumerate(halving.T):
        column[2 * sample : 2 * sample + DECIMATION_TAPS] = decimator
    tensors = (np.concatenate([kernels.real, kernels.imag]).T, halving, lengths[:, None])
    return tuple(torch.tensor(t, dtype=torch.float32, device=device) for t in tensors)


def _gammatone_hz() -> np.ndarray:
    """Slaney's (1993) spacing: equal steps on the ERB-rate scale, from ``LOW_HZ`` to just below ``HIGH_HZ``."""
    knee = 9.26449 * 24.7
    steps = np.arange(ROWS, 0, -1) / ROWS
    return (HIGH_HZ + knee) * ((LOW_HZ + knee) / (HIGH_HZ + knee)) ** steps - knee


@lru_cache(maxsize=4)
def _gammatone_weights(device: torch.device) -> torch.Tensor:
    """(84, 513): magnitude responses of Slaney's fourth-order gammatone filters, 1 at the centre, over the FFT size.

    Taken from poles and zeros: as polynomials the low filters would lose all digits.
    """
    hz = _gammatone_hz()[:, None]
    radius = np.exp(-1.019 * 2 * np.pi * (hz / 9.26449 + 24.7) / HYBRID_SAMPLE_RATE)
    angle = 2 * np.pi * hz / HYBRID_SAMPLE_RATE
    pole = radius * np.exp(1j * angle)
    zeros = [
        radius * (np.cos(angle) + sign * np.sqrt(3 + inner * 2**1.5) * np.sin(angle))
        for sign in (-1, 1)
        for inner in (-1, 1)
    ]

    def response(at: np.ndarray) -> np.ndarray:
        numerator = np.prod([np.abs(at - zero) for zero in zeros], axis=0)
        return numerator / np.abs((at - pole) * (at - pole.conj())) ** 4

    circle = np.exp(2j * np.pi * np.arange(FFT // 2 + 1) / FFT)
    rows = response(circle[None]) / response(np.exp(1j * angle))
    return torch.tensor(rows / FFT, dtype=torch.float32, device=device)


@lru_cache(maxsize=4)
def _mel_weights(device: torch.device) -> torch.Tensor:
    """(84, 513) triangles on the HTK mel scale."""
    return melscale_fbanks(FFT // 2 + 1, LOW_HZ, HIGH_HZ, ROWS, HYBRID_SAMPLE_RATE).T.contiguous().to(device)
