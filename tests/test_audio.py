"""Files written, damaged and read back: what was put in must come out, and what is wrong must be said."""

import re
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from rsc_core import audio, synth
from rsc_core.audio import AudioError

SECRET = "Jane Doe 1970"  # stands in every path below: no message may repeat it


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / SECRET
    path.mkdir()
    return path


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


# Warnings


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


# Damage


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("kept", [0.4, 0.98])
def test_a_cut_file_is_used_as_far_as_it_goes(folder, kind, kept):
    sound = noise(seconds=4) + chirp(16000, 4)
    path = written(folder, kind, sound)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    recording = audio.load(path, level="none")
    assert recording.warnings == (
        f"The file breaks off: {recording.seconds:.1f} s could be decoded and were analysed.",
    )
    # An Ogg page may hold a second; what is incomplete does not decode.
    assert 4 * kept - 1.5 < recording.seconds < min(4 * kept + 0.4, 4)
    assert correlation(recording.waveform[:-200], sound) > 0.9


@pytest.mark.parametrize("kind", ["FLAC PCM_16", "MP3"])
def test_a_file_damaged_midway(folder, kind):
    path = written(folder, kind, noise(seconds=6))
    damaged = bytearray(path.read_bytes())
    half = len(damaged) // 2
    damaged[half : half + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(damaged)
    recording = audio.load(path)
    assert 2.3 < recording.seconds < 3.2
    assert warned(path) == ["The file breaks off"]


def wav_header(path, riff_bytes, data_bytes):
    """Overwrite both sizes of a plain WAV file."""
    whole = bytearray(path.read_bytes())
    whole[4:8] = riff_bytes.to_bytes(4, "little")
    whole[40:44] = data_bytes.to_bytes(4, "little")
    path.write_bytes(whole)


@pytest.mark.parametrize("unknown", [0xFFFFFFFF, 0x7FFFF000])
def test_a_streamed_wav_is_whole(folder, unknown):
    path = write(folder / "a.wav", noise())
    wav_header(path, unknown, unknown)
    recording = audio.load(path)
    assert recording.seconds == 2 and recording.warnings == ()


@pytest.mark.parametrize("riff_bytes", [0, 36])
def test_a_recorder_that_died(folder, riff_bytes):
    path = write(folder / "a.wav", noise())
    wav_header(path, riff_bytes, 0)
    recording = audio.load(path)
    assert recording.seconds == 2
    assert warned(path) == ["The file breaks off"]
    np.testing.assert_allclose(recording.waveform / recording.gain, noise(), atol=1e-3)


def test_a_wrong_riff_size_alone_is_no_damage(folder):
    path = write(folder / "a.wav", noise())
    wav_header(path, 10**6, 64000)
    assert audio.load(path).warnings == ()


def test_other_chunks_before_and_behind_the_samples(folder):
    path = write(folder / "a.wav", noise())
    whole = path.read_bytes()
    extra = b"LIST" + (5).to_bytes(4, "little") + b"INFO1\0"  # odd length: padded
    body = whole[8:36] + extra + whole[36:] + extra
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    recording = audio.load(path)
    assert recording.seconds == 2 and recording.warnings == ()


def streamed_flac(folder, seconds, rate=16000):
    """A FLAC whose header does not give its length, as a pipe leaves it."""
    path = write(folder / "a.flac", noise(rate, seconds), rate)
    whole = bytearray(path.read_bytes())
    whole[21] &= 0xF0
    whole[22:26] = bytes(4)
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("block", [1 << 22, 10000, 16000])
def test_a_streamed_flac_is_whole(folder, monkeypatch, block):
    monkeypatch.setattr(audio, "BLOCK_SAMPLES", block)
    recording = audio.load(streamed_flac(folder, 2))
    assert recording.seconds == 2 and recording.warnings == ()


# Errors


def refused(path):
    """The message with which a file is refused; it never names the file."""
    with pytest.raises(AudioError) as caught:
        audio.load(path)
    message = str(caught.value)
    assert SECRET not in message and Path(path).name not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    with pytest.raises(AudioError, match=re.escape(message)):
        audio.read(path)
    return message


def test_missing(folder):
    assert re.match(r"There is no such file, or it is a folder\.", refused(folder / "gone.wav"))
    assert re.match(r"There is no such file, or it is a folder\.", refused(folder))


def test_cannot_be_opened(folder):
    assert re.match(r"The file cannot be opened \(.+\)\. Choose it again", refused(folder / ("a" * 300)))


def test_empty(folder):
    (folder / "nil.wav").touch()
    assert re.match(r"This file is empty \(0 bytes\)\. Export it again", refused(folder / "nil.wav"))


@pytest.mark.parametrize("extension", ["wav", "mp3", "flac", "ogg", "raw", "gsm", "au", "vox", "htk", ""])
@pytest.mark.parametrize(
    "content",
    [
        b"Dear doctor,\n" * 500,
        "Dear doctor,\n".encode("utf-16") * 500,
        b"\xff",
        b"\x89PNG\r\n\x1a\n" + bytes(5000),
        b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(4096),
        bytes(20000),
        np.random.default_rng(0).bytes(20000),
    ],
    ids=["text", "UTF-16", "one byte", "PNG", "AVI", "zeros", "random"],
)
def test_not_audio(folder, content, extension):
    path = folder / f"letter.{extension}"
    path.write_bytes(content)
    assert re.match(r"This is not an audio file that can be read here.+Choose a WAV, FLAC, OGG", refused(path))


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"\x00\x00\x00\x20ftypM4A ", "an MP4, M4A or 3GP file"),
        (b"\x00\x00\x00\x18ftypmp42", "an MP4, M4A or 3GP file"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", "a WebM or Matroska file"),
        (b"#!AMR\n", "an AMR file"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMA or ASF file"),
        (b"\xff\xf1\x50\x80", "a raw AAC file"),
        (b"\xff\xf9\x50\x80", "a raw AAC file"),
    ],
)
def test_containers_that_cannot_be_read(folder, magic, name):
    path = folder / "voice.wav"
    path.write_bytes(magic + np.random.default_rng(0).bytes(4000))
    expected = f"This is {name}, which cannot be read here. Convert it to WAV, FLAC, OGG (Vorbis or Opus) or MP3"
    assert refused(path).startswith(expected)


@pytest.mark.parametrize(
    ("kind", "kept", "zeros"),
    [("WAV PCM_16", 30, 0), ("WAV PCM_16", 44, 0)]
    + [(kind, 60, zeros) for kind in ("FLAC PCM_16", "OGG VORBIS", "MP3") for zeros in (0, 20000)],
)
def test_nothing_decodes(folder, kind, kept, zeros):
    path = written(folder, kind, noise())
    path.write_bytes(path.read_bytes()[:kept] + bytes(zeros))
    assert re.match(r"The file starts like audio but nothing in it can be decoded\. Export", refused(path))


@pytest.mark.parametrize("kind", ["OGG VORBIS", "FLAC PCM_16"])
def test_whole_header_and_garbage(folder, kind):
    path = written(folder, kind, noise(seconds=10))
    whole = path.read_bytes()
    header = whole.index(b"OggS", whole.index(b"\x05vorbis")) if kind == "OGG VORBIS" else 42
    path.write_bytes(whole[:header] + np.random.default_rng(0).bytes(3000))
    assert re.match(r"The file starts like audio but nothing in it", refused(path))


@pytest.mark.parametrize("kind", ["WAV PCM_16", "WAV FLOAT", "OGG VORBIS"])
def test_no_samples(folder, kind):
    assert re.match(r"The file holds no samples: .+Record", refused(written(folder, kind, np.zeros(0))))


def test_no_samples_but_a_comment(folder):
    path = write(folder / "a.wav", np.zeros(0))
    body = path.read_bytes()[8:] + b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    assert re.match(r"The file holds no samples", refused(path))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("at", [0, 9000, -1])
def test_not_a_number(folder, at, subtype, value):
    sound = noise()
    sound[at] = value
    message = refused(write(folder / "a.wav", sound, subtype=subtype))
    assert re.match(r"The file holds samples that are not numbers \(NaN or infinite\)\. Export", message)


def test_ten_minutes_are_not_too_long(folder):
    assert audio.read(write(folder / "a.flac", noise(2000, 600), 2000))[0].size == 1200000


@pytest.mark.parametrize("extra", [1, 2000])
def test_too_long(folder, extra):
    path = write(folder / "a.flac", np.zeros(600 * 2000 + extra), 2000)
    assert re.match(r"The recording is longer than 10 minutes\. Cut out", refused(path))


def test_too_long_is_seen_before_decoding(folder, monkeypatch):
    path = write(folder / "a.flac", np.zeros(601 * 2000), 2000)
    monkeypatch.setattr(audio, "_mix", lambda sound: pytest.fail("decoded although the header says enough"))
    assert re.match(r"The recording is longer than 10 minutes", refused(path))


def test_too_long_without_a_length_in_the_header(folder):
    assert re.match(r"The recording is longer than 10 minutes", refused(streamed_flac(folder, 601, 2000)))


@pytest.mark.parametrize("rate", [1000, 1999, 192001, 384000])
def test_rate_out_of_range(folder, rate):
    message = refused(write(folder / "a.wav", noise(rate, 0.1), rate))
    assert message.startswith(f"The sample rate is {rate:,} Hz; rates from 2,000 to 192,000 Hz can be used. Resample")


# Surroundings


def test_imports_neither_decoder_nor_resampler():
    code = "import sys, rsc_core.audio; print(sorted({'librosa', 'soundfile', 'torch'} & set(sys.modules)))"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_real_recordings(real_data):
    children = sorted((real_data / "sprsound" / "train_wav").iterdir())[:400:80]
    adults = sorted((real_data / "icbhi_subset" / "ICBHI_final_database").glob("*.flac"))[::60]
    for path in [*children, *adults]:
        recording = audio.load(path)
        assert recording.waveform.std() == pytest.approx(0.1, rel=1e-3)
        assert recording.seconds == pytest.approx(soundfile.info(path).duration)
        assert not [text for text in recording.warnings if "breaks off" in text or "short" in text]
