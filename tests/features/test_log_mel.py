import numpy as np
import pytest
import torch
from torchaudio.compliance import kaldi

from rsc_core.config import AudioConfig, FeatureConfig
from rsc_core.features import extract, log_mel
from rsc_core.features.log_mel import center_frequencies_hz, edge_frequencies_hz, frame_count


def reference(waveform, rate=16000):
    """The call the AST's authors make."""
    return kaldi.fbank(
        waveform[None],
        htk_compat=True,
        sample_frequency=rate,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
        frame_shift=10,
    )


def sounds():
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(20000) / 16000
    noise = torch.randn(20000, generator=generator)
    return {
        "noise": 0.1 * noise,
        "quiet": 1e-4 * noise,
        "tone": 0.5 * torch.sin(2 * torch.pi * 400 * time),
        "chirp": torch.sin(2 * torch.pi * (100 + 2000 * time) * time),
        "silence": torch.zeros(20000),
    }


@pytest.mark.parametrize("name", sounds())
@pytest.mark.parametrize("length", [400, 401, 559, 560, 16000, 20000])
def test_equals_kaldi(name, length):
    waveform = sounds()[name][:length]
    ours = log_mel(waveform)
    assert ours.shape == (1, frame_count(length), 128)
    torch.testing.assert_close(ours[0], reference(waveform), atol=1e-4, rtol=0)


def test_equals_kaldi_at_another_rate():
    waveform = sounds()["noise"]
    torch.testing.assert_close(log_mel(waveform, 22050)[0], reference(waveform, 22050), atol=1e-4, rtol=0)


def test_a_batch_equals_its_clips():
    clips = torch.stack([sounds()["noise"], sounds()["chirp"]])
    torch.testing.assert_close(log_mel(clips), torch.cat([log_mel(c) for c in clips]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("seconds", "frames"), [(5, 498), (8, 798)])
def test_shapes(seconds, frames):
    assert log_mel(torch.zeros(2, seconds * 16000)).shape == (2, frames, 128)


def test_an_offset_changes_nothing():
    noise = sounds()["noise"]
    assert (log_mel(noise + 0.3) - log_mel(noise)).abs().max() < 1e-3
    assert (log_mel(noise + 0.3) - log_mel(noise)).abs().mean() < 1e-4


def test_a_clip_shorter_than_a_frame_is_refused():
    with pytest.raises(ValueError, match=r"needs at least 400 samples \(25 ms at 16000 Hz\), got 399"):
        log_mel(torch.zeros(399))


def test_the_frequency_axis_is_right():
    centres, edges = center_frequencies_hz(), edge_frequencies_hz()
    assert len(centres) == 128 and len(edges) == 129
    assert (np.diff(centres) > 0).all() and (edges[:-1] < centres).all() and (centres < edges[1:]).all()
    for hz in (200.0, 700.0, 3000.0):
        tone = torch.sin(2 * torch.pi * hz * torch.arange(16000) / 16000)
        loudest = log_mel(tone)[0].mean(dim=0).argmax().item()
        assert abs(loudest - np.abs(centres - hz).argmin()) <= 1


def test_extract_normalises_as_the_ast_does():
    """A padded frame of zeros is 0.467 after AudioSet's normalisation when it is padded before it."""
    features = FeatureConfig()
    assert (0 - features.mean) / (2 * features.std) == pytest.approx(0.46703, abs=1e-5)
    noise = sounds()["noise"]
    expected = (log_mel(noise) + 4.2677393) / (2 * 4.5689974)
    torch.testing.assert_close(extract(noise, AudioConfig(), features), expected)
