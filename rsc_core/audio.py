"""Any sound file a visitor may bring -> one mono waveform at a fixed rate and level, and what is odd about it.

Decoding is soundfile's: WAV (8 to 32-bit integer, 32 and 64-bit float, extensible), FLAC, OGG (Vorbis, Opus) and MP3,
2 to 192 kHz, any number of channels (averaged). Level: recorders differ by 40 dB, so a recording is scaled to RMS 0.1
about its mean, and the gain is kept. Messages never contain a path or file name: visitors' names may be in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rsc_core.analysis import Recording

TARGET_RMS = 0.1
LARGEST_GAIN = 1000.0  # 60 dB: beyond it, "sound" is the converter's own noise
LONGEST_S = 600
RATES_HZ = (2000, 192000)

NEAR_SILENT_RMS = 0.0005  # -66 dB of full scale; SPRSound's quiet recordings have a median of 0.008
CLIPPED_SHARE = 0.001
OFFSET = 0.02  # of full scale
SHORT_S = 0.5
NARROW_HZ = 3600  # below this, what most chest recorders pass is missing

FORMATS = "WAV, FLAC, OGG (Vorbis or Opus) or MP3"
UNREADABLE = {  # (offset, magic bytes) -> what such a file is
    (4, b"ftyp"): "an MP4 / M4A file",
    (0, b"\x1a\x45\xdf\xa3"): "a WebM / Matroska file",
    (0, b"#!AMR"): "an AMR file",
    (0, b"\x30\x26\xb2\x75"): "a WMA / ASF file",
    (0, b"\xff\xf1"): "a raw AAC file",
    (0, b"\xff\xf9"): "a raw AAC file",
}


class AudioError(Exception):
    """A sound file cannot be used; the message says why and what to do."""


def load(path: str | Path, sample_rate: int = 16000, level: str = "rms") -> Recording:
    """Decode, average the channels, resample and scale one file.

    Args:
        path: the file.
        sample_rate: Hz, of the result.
        level: "rms" scales to RMS 0.1 about the mean, by at most 60 dB; "none" leaves the level.

    Raises:
        AudioError: missing, empty, not audio, nothing decodes, no samples, NaN or infinite samples, longer than ten
            minutes, a rate outside 2 to 192 kHz, or a container soundfile cannot read.
    """
    import librosa

    channels, source_rate, truncated = _decode(Path(path))
    mono = channels.mean(axis=1)
    warnings = _warnings(channels, mono, source_rate, truncated)
    if source_rate != sample_rate:
        mono = librosa.resample(mono, orig_sr=source_rate, target_sr=sample_rate, res_type="soxr_hq")
    waveform, gain = scale(mono, level)
    seconds = len(channels) / source_rate
    return Recording(waveform, sample_rate, source_rate, channels.shape[1], seconds, gain, warnings)


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Return ((samples,) float32 mono at the file's own rate and level, rate in Hz).

    Raises:
        AudioError: as ``load``.
    """
    channels, rate, _ = _decode(Path(path))
    return channels.mean(axis=1), rate


def scale(waveform: np.ndarray, level: str = "rms") -> tuple[np.ndarray, float]:
    """Return (waveform at RMS 0.1 about its mean, gain), or as it is for level "none"; silence keeps gain 1."""
    rms = float(waveform.std())
    if level == "none" or rms < 1e-7:
        return waveform.astype(np.float32), 1.0
    gain = min(TARGET_RMS / rms, LARGEST_GAIN)
    return (waveform * gain).astype(np.float32), gain


def _decode(path: Path) -> tuple[np.ndarray, int, bool]:
    """((samples, channels) float32, rate, whether the file ends before its header says)."""
    import soundfile

    if not path.is_file():
        raise AudioError("There is no such file any more. Choose it again.")
    size = path.stat().st_size
    if size == 0:
        raise AudioError("This file is empty (0 bytes). Export it again and check its size before choosing it.")
    with path.open("rb") as file:
        head = file.read(16)
    for (offset, magic), what in UNREADABLE.items():
        if head[offset : offset + len(magic)] == magic:
            raise AudioError(f"This is {what}, which cannot be read here. Convert it to {FORMATS} and try again.")
    try:
        sound = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        raise AudioError(
            f"This is not an audio file that can be read here, whatever its name says. Choose a {FORMATS} file."
        ) from None
    with sound:
        rate, promised = sound.samplerate, sound.frames
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise AudioError(
                f"The sample rate is {rate:,} Hz; rates from 2,000 to 192,000 Hz can be used. Resample it."
            )
        blocks: list[np.ndarray] = []
        broken = False
        try:
            # One block more than allowed is enough to know that a file is too long, whatever its header says.
            for _ in range(LONGEST_S + 1):
                block = sound.read(rate, dtype="float32", always_2d=True)
                if not len(block):
                    break
                blocks.append(block)
        except soundfile.LibsndfileError:
            broken = True
    samples = np.concatenate(blocks) if blocks else np.zeros((0, sound.channels), np.float32)
    if len(samples) > LONGEST_S * rate:
        raise AudioError("The recording is longer than 10 minutes. Cut out the part that matters and try again.")
    if not len(samples):
        if broken or promised:
            raise AudioError("The file starts like audio but nothing in it can be decoded. Export or copy it again.")
        raise AudioError(
            "The file holds no samples: it has a header and nothing behind it. Record or export it again."
        )
    if not np.isfinite(samples).all():
        raise AudioError(
            "The file holds samples that are not numbers (NaN or infinite). Export it again as 16-bit WAV."
        )
    return samples, rate, broken or len(samples) < promised or _cut_short(head, path, size)


def _cut_short(head: bytes, path: Path, size: int) -> bool:
    """Whether a RIFF file is smaller than its header promises; libsndfile trusts the file's size instead."""
    if head[:4] != b"RIFF":
        return False
    promised = int.from_bytes(head[4:8], "little") + 8
    return promised < 0xFFFFFFF0 and promised > size + 1  # streams write "unknown" as all ones


def _warnings(channels: np.ndarray, mono: np.ndarray, rate: int, truncated: bool) -> tuple[str, ...]:
    """Sentences for the reader, measured at the file's own level and rate."""
    found = []
    seconds = len(mono) / rate
    if truncated:
        found.append(f"The file breaks off: {seconds:.1f} s could be decoded and were analysed.")
    if seconds < SHORT_S:
        found.append(f"Very short: {seconds:.2f} s. A breath takes seconds; labels of so little sound mean little.")
    peak = float(np.abs(channels).max())
    offset = float(mono.mean())
    rms = float(mono.std())
    if rms < NEAR_SILENT_RMS:
        found.append("Near-silent: what is labelled may be the recorder's own noise.")
        return tuple(found)
    clipped = float((np.abs(channels) >= 0.999 * peak).mean()) if peak > 0.5 else 0.0
    if clipped > CLIPPED_SHARE:
        found.append(f"Clipped: {clipped:.1%} of the samples stand at the limit. Record at a lower level if you can.")
    if abs(offset) > OFFSET:
        found.append(f"DC offset: the waveform is shifted by {offset:+.2f} of full scale.")
    highest = bandwidth_hz(mono, rate)
    if highest < NARROW_HZ:
        found.append(f"No energy above {round(highest, -2):,.0f} Hz: fine crackles and high wheezes may be missing.")
    return tuple(found)


def bandwidth_hz(waveform: np.ndarray, rate: int) -> float:
    """Upper end of the spectrum in Hz: all above it lies 90 dB or more under the strongest band, as behind a filter."""
    size = min(2048, len(waveform))
    frames = np.lib.stride_tricks.sliding_window_view(waveform, size)[:: max(1, size // 2)]
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))).mean(axis=0)
    loud = np.flatnonzero(power > power.max() * 1e-9)
    return float(loud[-1] * rate / size) if len(loud) else 0.0
