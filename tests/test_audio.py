"""Files written, damaged and read back: what was put in must come out, and what is wrong must be said."""

import re

import numpy as np
import pytest
import soundfile

from rsc_core import audio


def chirp(rate, seconds=2.0):
    """200 to 800 Hz: within the band of every rate that can be read."""
    t = np.arange(round(rate * seconds)) / rate
    return 0.5 * np.sin(2 * np.pi * (200 * t + 300 / seconds * t**2)) * np.sin(np.pi * t / seconds)


def noise(rate=16000, seconds=2.0, rms=0.05, seed=0):
    return rms * np.random.default_rng(seed).standard_normal(round(rate * seconds))


def write(path, samples, rate=16000, **options):
    soundfile.write(path, samples, rate, **options)
    return path


def correlation(a, b):
    length = min(len(a), len(b))
    return float(np.corrcoef(a[:length], b[:length])[0, 1])


def warned(path):
    """The kinds of warning of a file."""
    return [re.split("[:0-9]", text)[0].strip() for text in audio.load(path).warnings]


KINDS = {  # name -> (extension, options, rates, channels, lossless)
    **{
        f"{container} {subtype}": ("wav", {"format": container, "subtype": subtype}, rates, channels, True)
        for container, subtype, rates, channels in [
            ("WAV", "PCM_U8", (4000, 44100), (1, 2)),
            ("WAV", "PCM_16", (2000, 4000, 11025, 16000, 44100, 192000), (1, 2, 6)),
            ("WAV", "PCM_24", (10000, 96000), (1, 2)),
            ("WAV", "PCM_32", (8000, 48000), (1, 2)),
            ("WAV", "FLOAT", (2000, 22050), (1, 8)),
            ("WAV", "DOUBLE", (44100, 192000), (1, 2)),
            ("WAVEX", "PCM_16", (44100,), (1, 4)),
            ("WAVEX", "PCM_24", (48000,), (2,)),
            ("WAVEX", "FLOAT", (16000,), (2,)),
        ]
    },
    "FLAC PCM_16": ("flac", {"subtype": "PCM_16"}, (2000, 16000, 192000), (1, 2, 8), True),
    "FLAC PCM_24": ("flac", {"subtype": "PCM_24"}, (44100,), (1, 2), True),
    "OGG VORBIS": ("ogg", {"subtype": "VORBIS"}, (8000, 44100, 96000), (1, 2), False),
    "OGG OPUS": ("opus", {"format": "OGG", "subtype": "OPUS"}, (8000, 16000, 48000), (1, 2), False),
    "MP3": ("mp3", {"format": "MP3"}, (8000, 16000, 44100, 48000), (1, 2), False),
}
ROUND_TRIPS = [
    (kind, rate, channels)
    for kind, (_, _, rates, channel_counts, _) in KINDS.items()
    for rate in rates
    for channels in channel_counts
]
CONTAINERS = ["WAV PCM_16", "WAV FLOAT", "FLAC PCM_16", "OGG VORBIS", "OGG OPUS", "MP3"]


def written(folder, kind, samples, rate=16000):
    extension, options, *_ = KINDS[kind]
    return write(folder / f"sound.{extension}", samples, rate, **options)


@pytest.mark.parametrize(("kind", "rate", "channels"), ROUND_TRIPS)
def test_round_trip(folder, kind, rate, channels):
    lossless = KINDS[kind][-1]
    weights = np.linspace(1, 0.2, channels)
    path = written(folder, kind, chirp(rate)[:, None] * weights, rate)
    recording = audio.load(path, level="none")
    assert (recording.sample_rate, recording.source_rate, recording.channels) == (16000, rate, channels)
    assert recording.waveform.dtype == np.float32 and recording.waveform.ndim == 1
    assert recording.gain == 1.0
    assert recording.seconds == pytest.approx(2.0, abs=0 if lossless else 0.05)
    assert len(recording.waveform) == pytest.approx(recording.seconds * 16000, abs=1)
    expected = chirp(16000) * weights.mean()
    assert correlation(recording.waveform, expected) > (0.9995 if lossless else 0.99)
    assert np.std(recording.waveform) == pytest.approx(np.std(expected), rel=0.01 if lossless else 0.08)
    assert not [text for text in recording.warnings if "breaks off" in text]


@pytest.mark.parametrize("sample_rate", [4000, 16000, 22000])
def test_any_rate_comes_out(folder, sample_rate):
    recording = audio.load(write(folder / "a.wav", chirp(44100), 44100), sample_rate)
    assert recording.sample_rate == sample_rate
    assert correlation(recording.waveform, chirp(sample_rate)) > 0.9995


def test_24_bits_are_exact(folder):
    values = np.random.default_rng(0).integers(-(2**23), 2**23, 20000)
    values[:2] = -(2**23), 2**23 - 1
    path = write(folder / "a.wav", (values * 256).astype(np.int32), subtype="PCM_24")
    assert np.array_equal(audio.load(path, level="none").waveform * 2.0**23, values)
    samples, rate = audio.read(path)
    assert rate == 16000 and np.array_equal(samples * 2.0**23, values)


def test_read_keeps_rate_and_level(folder):
    samples, rate = audio.read(write(folder / "a.wav", 0.01 * chirp(4000), 4000, subtype="FLOAT"))
    assert rate == 4000 and samples.dtype == np.float32
    np.testing.assert_allclose(samples, 0.01 * chirp(4000), atol=1e-8)


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("damage", ["whole", "cut"])
def test_blocks_change_nothing(folder, monkeypatch, kind, damage):
    path = written(folder, kind, noise(seconds=3)[:, None] * [1, 0.5])
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    at_once = audio.load(path)
    monkeypatch.setattr(audio, "BLOCK_SAMPLES", 10000)
    in_blocks = audio.load(path)
    np.testing.assert_allclose(in_blocks.waveform, at_once.waveform, atol=1e-5)
    assert in_blocks.warnings == at_once.warnings


# Level


@pytest.mark.parametrize(("subtype", "tolerance"), [("FLOAT", 1e-6), ("PCM_24", 1e-4)])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_40_db_quieter_is_the_same(folder, rate, subtype, tolerance):
    loud = audio.load(write(folder / "loud.wav", noise(rate), rate, subtype=subtype))
    quiet = audio.load(write(folder / "quiet.wav", noise(rate) / 100, rate, subtype=subtype))
    assert loud.waveform.std() == pytest.approx(0.1, rel=1e-4)
    assert quiet.gain == pytest.approx(100 * loud.gain, rel=1e-3)
    np.testing.assert_allclose(quiet.waveform, loud.waveform, atol=tolerance)


def test_gain_is_what_the_samples_were_multiplied_with(folder):
    path = write(folder / "a.wav", noise(rms=0.03), subtype="FLOAT")
    scaled, stored = audio.load(path), audio.load(path, level="none")
    np.testing.assert_allclose(scaled.waveform, (stored.waveform - stored.waveform.mean()) * scaled.gain, atol=1e-6)


def test_an_offset_counts_neither_as_sound_nor_grows(folder):
    plain = audio.load(write(folder / "a.wav", noise(44100, rms=0.001), 44100, subtype="FLOAT"))
    shifted = audio.load(write(folder / "b.wav", noise(44100, rms=0.001) + 0.4, 44100, subtype="FLOAT"))
    assert shifted.gain == pytest.approx(plain.gain, rel=1e-3)
    np.testing.assert_allclose(shifted.waveform, plain.waveform, atol=1e-3)
    assert audio.load(folder / "b.wav", level="none").waveform.mean() == pytest.approx(0.4, abs=1e-3)


def test_scale_centres():
    scaled, gain = audio.scale(noise(rms=0.02).astype(np.float32) + 0.3)
    assert (scaled.mean(), scaled.std()) == pytest.approx((0, 0.1), abs=1e-4)
    assert gain == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize("rate", [4000, 16000, 44100])
@pytest.mark.parametrize("constant", [0.0, 0.3, -0.9])
def test_silence_stays_silent(folder, constant, rate):
    recording = audio.load(write(folder / "a.wav", np.full(rate * 3, constant), rate))
    assert recording.gain == 1.0
    assert np.abs(recording.waveform).max() < 1e-6


def test_gain_ends_at_60_db(folder):
    recording = audio.load(write(folder / "a.wav", noise(rms=1e-6), subtype="FLOAT"))
    assert recording.gain == 1000
    assert recording.waveform.std() == pytest.approx(1e-3, rel=0.01)


def test_unknown_level(folder):
    with pytest.raises(ValueError, match="level must be .+, got 'peak'"):
        audio.load(write(folder / "a.wav", noise()), level="peak")
