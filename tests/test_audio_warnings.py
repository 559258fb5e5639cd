"""What a recording is warned of, and what not."""

import re

import librosa
import numpy as np
import pytest

from rsc_core import audio, synth
from tests.test_audio import chirp, noise, warned, write, written


@pytest.mark.parametrize("kind", ["WAV PCM_16", "WAV FLOAT", "FLAC PCM_24"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_good_recording_has_no_warning(folder, kind, rate):
    assert audio.load(written(folder, kind, noise(rate, 3), rate)).warnings == ()


@pytest.mark.parametrize(
    ("subtype", "limit"), [("PCM_U8", 0.9), ("PCM_16", 0.3), ("PCM_16", 0.9), ("PCM_16", 1.0), ("FLOAT", 1.0)]
)
def test_clipped(folder, subtype, limit):
    sound = noise(rms=limit / 2)  # 4.6 % beyond two deviations
    path = write(folder / "a.wav", np.clip(sound, -limit, limit), subtype=subtype)
    share = np.mean(np.abs(sound) >= limit)
    (text,) = audio.load(path).warnings
    found = float(re.match(r"Clipped: ([\d.]+)% of the samples stand at the limit\. Record", text)[1]) / 100
    assert found == pytest.approx(share, rel=0.15 if subtype == "PCM_U8" else 0.05)


def test_one_of_two_channels_clipped(folder):
    sound = np.stack([noise(rms=0.1), np.clip(noise(rms=0.5, seed=1), -1, 1)], axis=1)
    assert warned(write(folder / "a.wav", sound)) == ["Clipped"]


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "FLOAT"])
@pytest.mark.parametrize("hz", [50, 440])
@pytest.mark.parametrize("peak", [0.05, 0.7, 1.0])
def test_a_loud_wheeze_is_not_clipped(folder, peak, hz, subtype):
    t = np.arange(44100) / 44100
    path = write(folder / "a.wav", peak * np.sin(2 * np.pi * hz * t), 44100, subtype=subtype)
    assert "Clipped" not in warned(path)


def test_a_quiet_sound_of_two_levels_is_not_clipped(folder):
    assert "Clipped" not in warned(write(folder / "a.wav", noise(rms=0.004), subtype="PCM_U8"))


def test_floats_beyond_full_scale_are_not_clipped(folder):
    assert warned(write(folder / "a.wav", noise(rms=3), subtype="FLOAT")) == []


@pytest.mark.parametrize(("rms", "expected"), [(0.0, True), (1e-4, True), (4e-4, True), (6e-4, False), (0.01, False)])
@pytest.mark.parametrize("offset", [0, 0.01])
def test_near_silent(folder, rms, offset, expected):
    path = write(folder / "a.wav", noise(rms=rms) + offset, subtype="PCM_24")
    assert warned(path) == ["Near-silent"] * expected


@pytest.mark.parametrize("offset", [-0.2, -0.03, 0.03, 0.2])
def test_dc_offset(folder, offset):
    (text,) = audio.load(write(folder / "a.wav", noise() + offset)).warnings
    assert text == f"DC offset: the waveform is shifted by {offset:+.2f} of full scale."


def test_dc_offset_of_silence(folder):
    assert warned(write(folder / "a.wav", np.full(16000, 0.3))) == ["DC offset", "Near-silent"]


def test_a_small_offset_is_none(folder):
    assert warned(write(folder / "a.wav", noise() + 0.015)) == []


@pytest.mark.parametrize(("seconds", "expected"), [(0.001, True), (0.1, True), (0.49, True), (0.5, False), (1, False)])
def test_very_short(folder, seconds, expected):
    assert warned(write(folder / "a.wav", noise(seconds=seconds))) == ["Very short"] * expected


@pytest.mark.parametrize("samples", [1, 2, 3, 50])
@pytest.mark.parametrize("rate", [2000, 192000])
def test_a_few_samples(folder, samples, rate):
    recording = audio.load(write(folder / "a.wav", noise(rate, rms=0.2)[:samples], rate))
    assert np.isfinite(recording.waveform).all() and len(recording.waveform)
    assert recording.warnings[0].startswith("Very short")


def upsampled(from_hz, rate, rms=0.05):
    return librosa.resample(noise(from_hz, 3, rms), orig_sr=from_hz, target_sr=rate, res_type="soxr_hq")


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 192000])
@pytest.mark.parametrize("from_hz", [2000, 4000, 6000])
def test_no_energy_above(folder, from_hz, rate, subtype):
    path = write(folder / "a.wav", upsampled(from_hz, rate), rate, subtype=subtype)
    (text,) = audio.load(path).warnings
    hz = float(re.match(r"No energy above ([\d,]+) Hz: fine crackles", text)[1].replace(",", ""))
    assert 0.9 * from_hz / 2 <= hz <= 1.05 * from_hz / 2


def test_no_energy_above_in_a_quiet_recording(folder):
    assert warned(write(folder / "a.wav", upsampled(4000, 16000, rms=0.001))) == ["No energy above"]


def test_no_energy_above_half_the_rate(folder):
    (text,) = audio.load(write(folder / "a.wav", noise(4000), 4000)).warnings
    assert text.startswith("No energy above 2,000 Hz")


def test_a_hum_is_no_bandwidth(folder):
    sound = upsampled(4000, 16000)
    sound += 0.01 * np.sin(2 * np.pi * 6010 * np.arange(len(sound)) / 16000)
    assert warned(write(folder / "a.wav", sound)) == ["No energy above"]


@pytest.mark.parametrize("from_hz", [8000, 11025])
def test_enough_bandwidth(folder, from_hz):
    assert warned(write(folder / "a.wav", upsampled(from_hz, 44100), 44100)) == []


@pytest.mark.parametrize("floor_rms", [1e-2, 1e-3, 1e-5])
@pytest.mark.parametrize("slope_db", [12, 36, 54])
def test_a_spectrum_that_sinks_into_noise_is_not_cut(folder, slope_db, floor_rms):
    spectrum = np.fft.rfft(noise(seconds=4))
    hz = np.fft.rfftfreq(64000, 1 / 16000)
    spectrum *= np.maximum(hz / 150, 1) ** (-slope_db / 6.02)
    sound = np.fft.irfft(spectrum)
    sound *= 0.05 / sound.std()
    assert warned(write(folder / "a.wav", sound + noise(seconds=4, rms=floor_rms, seed=1), subtype="PCM_24")) == []


def test_sound_above_a_gap_is_energy(folder):
    above = noise(6000, 3, rms=1e-3, seed=1)
    above = librosa.resample(above, orig_sr=6000, target_sr=16000, res_type="soxr_hq")
    above *= np.cos(np.pi * np.arange(len(above)))  # 0 to 3 kHz becomes 5 to 8 kHz
    assert warned(write(folder / "a.wav", upsampled(4000, 16000) + above)) == []


@pytest.mark.parametrize("noise_rms", [1e-2, 1e-3])
def test_a_loud_wheeze_in_noise_has_no_edge(folder, noise_rms):
    assert warned(write(folder / "a.wav", chirp(16000) + noise(rms=noise_rms))) == []


@pytest.mark.parametrize("name", synth.EXAMPLES)
def test_synthesised_examples_have_no_warning(folder, name):
    made = synth.example(name)
    assert audio.load(write(folder / "a.wav", made.waveform, made.sample_rate)).warnings == ()


@pytest.mark.parametrize(("waveform", "rate"), [(np.zeros(16000), 16000), (noise(seconds=0.4), 16000)])
def test_bandwidth_of_nothing_is_half_the_rate(waveform, rate):
    assert audio.bandwidth_hz(waveform, rate) == rate / 2
