"""Damaged, empty and unreadable files."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rsc_core import audio
from rsc_core.audio import AudioError
from tests.conftest import SECRET
from tests.test_audio import CONTAINERS, chirp, correlation, noise, warned, write, written


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
    expected = f"This is {name}, which cannot be read here. On the page your browser decodes it if it can; "
    expected += "for the API or a command, convert it to WAV, FLAC, OGG (Vorbis or Opus) or MP3."
    assert refused(path) == expected


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
