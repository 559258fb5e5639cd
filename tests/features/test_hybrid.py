import numpy as np
import pytest
import torch
from nnAudio.features import CQT2010v2, Gammatonegram
from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

from rsc_core.features.hybrid import HYBRID_MAPS, SHORTEST, frequencies_hz, hybrid

RATE = 22000


def sounds(samples=44000):
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(samples) / RATE
    return torch.stack(
        [
            0.1 * torch.randn(samples, generator=generator),
            1e-3 * torch.randn(samples, generator=generator),
            torch.sin(2 * torch.pi * (50 + 800 * time) * time),
        ]
    )


def references(clips):
    """The three maps by the libraries and parameters of the reference, in dB."""
    shared = {"sr": RATE, "hop_length": 256, "n_bins": 84, "fmin": 32.7, "verbose": False}
    mel = MelSpectrogram(RATE, n_fft=1024, win_length=1000, hop_length=256, n_mels=84, f_min=32.7, f_max=3000)
    return {
        "CQT": AmplitudeToDB("magnitude")(CQT2010v2(**shared)(clips)),
        "Gammatone": AmplitudeToDB("power")(Gammatonegram(**shared, n_fft=1024, fmax=3000, power=2.0)(clips)),
        "Mel": AmplitudeToDB("power")(mel(clips)),
    }


@pytest.mark.parametrize("samples", [44000, 43210])
def test_equals_the_libraries_of_the_reference(samples):
    clips = sounds(samples)
    ours = hybrid(clips, standardize=False)
    for name, row in zip(HYBRID_MAPS, ours.unbind(dim=1), strict=True):
        theirs = references(clips)[name]
        assert row.shape == theirs.shape
        error = (amplitudes(row) - amplitudes(theirs)).abs()
        loudest = amplitudes(theirs).amax(dim=(1, 2), keepdim=True)
        # 0.02 dB, and beside loud rows what 32 bits round, in the libraries too.
        assert (error <= 0.0023 * amplitudes(theirs) + 3e-7 * loudest).all(), name


def amplitudes(decibels):
    return 10 ** (decibels / 20)


def test_eight_seconds_have_the_published_shape():
    assert hybrid(torch.zeros(1, 176000)).shape == (1, 3, 84, 688)


def test_rows_are_standardised_over_time():
    maps = hybrid(sounds())
    torch.testing.assert_close(maps.mean(dim=-1), torch.zeros(3, 3, 84), atol=1e-4, rtol=0)
    torch.testing.assert_close(maps.std(dim=-1), torch.ones(3, 3, 84), atol=1e-3, rtol=0)


def test_silence_is_finite():
    assert torch.equal(hybrid(torch.zeros(2, 20000)), torch.zeros(2, 3, 84, 79))
    assert torch.isfinite(hybrid(torch.zeros(1, 20000), standardize=False)).all()


def test_a_batch_equals_its_clips():
    clips = sounds()[:2]  # the chirp leaves rows at the numerical floor, where z-scores amplify rounding
    torch.testing.assert_close(hybrid(clips), torch.cat([hybrid(c[None]) for c in clips]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("hz", [110.0, 440.0, 1760.0])
def test_a_tone_stands_in_its_row(hz):
    tone = torch.sin(2 * torch.pi * hz * torch.arange(44000) / RATE)[None]
    loudest = hybrid(tone, standardize=False)[0, :, :, 40:-40].mean(dim=-1).argmax(dim=-1)
    for name, row in zip(HYBRID_MAPS, loudest.tolist(), strict=True):
        assert abs(row - np.abs(frequencies_hz()[name] - hz).argmin()) <= 1, name


def test_frequencies_rise_to_the_documented_ends():
    hz = frequencies_hz()
    assert all(len(v) == 84 and (np.diff(v) > 0).all() for v in hz.values())
    assert hz["CQT"][0] == pytest.approx(32.7) and hz["CQT"][-1] == pytest.approx(3950.7, abs=0.1)
    assert hz["Gammatone"][-1] < 3000 and hz["Mel"][-1] < 3000


def test_what_cannot_be_mapped_is_refused():
    assert hybrid(torch.randn(1, SHORTEST)).shape[-1] == 33
    with pytest.raises(ValueError, match=f"needs {SHORTEST} samples or more, got {SHORTEST - 1}"):
        hybrid(torch.zeros(1, SHORTEST - 1))
    with pytest.raises(ValueError, match="defined at 22000 Hz, got 16000"):
        hybrid(torch.zeros(1, 16000), sample_rate=16000)
