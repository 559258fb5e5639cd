"""Kaldi's log-mel filter bank, for whole batches on any device.

The AST family was trained on ``torchaudio.compliance.kaldi.fbank`` with 25 ms Hann frames every 10 ms and 128 mel
bins; that function takes one waveform at a time on the CPU. This one computes the same numbers (within 1e-4) for a
batch. Defaults of Kaldi that matter: the mean of every frame is removed, pre-emphasis 0.97 repeats the first sample,
the FFT is padded to 512, frames never reach past the end (``snip_edges``), power spectrum, natural logarithm.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torchaudio.compliance.kaldi import get_mel_banks

FRAME_MS = 25
HOP_MS = 10
MEL_BINS = 128
LOW_HZ = 20.0
PREEMPHASIS = 0.97


def frame_count(samples: int, sample_rate: int = 16000) -> int:
    """Frames that ``log_mel`` returns for a waveform of ``samples`` samples."""
    frame, hop = _frame_and_hop(sample_rate)
    return 1 + (samples - frame) // hop if samples >= frame else 0


def log_mel(waveforms: torch.Tensor, sample_rate: int = 16000) -> torch.Tensor:
    """Return natural-log mel energies, unnormalised.

    Args:
        waveforms: (batch, samples) or (samples,) floating point, full scale 1.
        sample_rate: Hz.

    Returns:
        (batch, frames, 128) on the waveforms' device; 498 frames for 5 s at 16 kHz.

    Raises:
        ValueError: a waveform is shorter than one frame of 25 ms.
    """
    waveforms = torch.atleast_2d(waveforms).float()
    frame, hop = _frame_and_hop(sample_rate)
    if waveforms.shape[-1] < frame:
        raise ValueError(
            f"log_mel needs at least {frame} samples ({FRAME_MS} ms at {sample_rate} Hz), got {waveforms.shape[-1]}; "
            "repeat the clip to fill a window first"
        )
    frames = waveforms.unfold(-1, frame, hop)  # (batch, frames, frame)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    previous = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    window, banks = _window_and_banks(sample_rate, frame, waveforms.device)
    frames = (frames - PREEMPHASIS * previous) * window
    power = torch.fft.rfft(frames, n=_fft_size(frame)).abs().square()
    return (power @ banks).clamp_min(torch.finfo(torch.float32).eps).log()


def center_frequencies_hz(sample_rate: int = 16000) -> np.ndarray:
    """(128,) rising centre frequencies of the mel bins, in Hz."""
    return _from_mel(_mel_grid(sample_rate)[1:-1])


def edge_frequencies_hz(sample_rate: int = 16000) -> np.ndarray:
    """(129,) borders between neighbouring mel bins, in Hz: bin ``i`` reaches from ``[i]`` to ``[i + 1]``."""
    grid = _mel_grid(sample_rate)
    return _from_mel((grid[:-1] + grid[1:]) / 2)


def _mel_grid(sample_rate: int) -> np.ndarray:
    """(130,) mel values: the lower end, the 128 centres, the upper end. Kaldi's mel is 1127 ln(1 + f / 700)."""
    low, high = (1127.0 * np.log1p(f / 700.0) for f in (LOW_HZ, sample_rate / 2))
    return np.linspace(low, high, MEL_BINS + 2)


def _from_mel(mel: np.ndarray) -> np.ndarray:
    return 700.0 * np.expm1(mel / 1127.0)


def _frame_and_hop(sample_rate: int) -> tuple[int, int]:
    return int(sample_rate * FRAME_MS / 1000), int(sample_rate * HOP_MS / 1000)


def _fft_size(frame: int) -> int:
    return 1 << (frame - 1).bit_length()


@lru_cache(maxsize=8)
def _window_and_banks(sample_rate: int, frame: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the (frame,) Hann window and the (bins, 128) mel filters on ``device``."""
    # 0 as the upper end means Nyquist; the vtln values are Kaldi's, without effect at warp 1.
    banks, _ = get_mel_banks(MEL_BINS, _fft_size(frame), sample_rate, LOW_HZ, 0.0, 100.0, -500.0, 1.0)
    banks = torch.nn.functional.pad(banks, (0, 1))  # Kaldi's banks leave out the Nyquist bin
    window = torch.hann_window(frame, periodic=False)
    return window.to(device), banks.T.contiguous().to(device)
