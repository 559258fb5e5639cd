"""Any sound file a visitor may bring -> one mono waveform at a fixed rate and level, and what is odd about it.

Decoding is libsndfile's: WAV (8 to 32-bit integer, 32 and 64-bit float, extensible), FLAC, OGG (Vorbis, Opus) and MP3,
2 to 192 kHz, any number of channels (averaged), resampled by soxr. Level: recorders differ by 40 dB, so a recording
is centred and scaled to RMS 0.1, and the gain is kept. A damaged file is used as far as it decodes, with a warning.
Messages never contain a path or file name: visitors' names may be in them.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from rsc_core.analysis import Recording

TARGET_RMS = 0.1
LARGEST_GAIN = 1000.0  # 60 dB: beyond it, "sound" is the converter's own noise
SILENT_RMS = 1e-7  # below one step of 24 bits
LONGEST_S = 600
RATES_HZ = (2000, 192000)
BLOCK_SAMPLES = 1 << 22  # decoded at once, over all channels: a small file may unpack to gigabytes
LEVELS = 4096  # of the histogram of magnitudes, up to full scale

OGG_PAGE_BYTES = 65307  # the longest one
STREAMED_BYTES = 0x7FFFF000  # sizes from here on mean "unknown": the writer could not seek back

NEAR_SILENT_RMS = 0.0005  # -66 dB of full scale; SPRSound's quiet recordings have a median of 0.008
CLIPPED_SHARE = 0.001
CHANCE_SAMPLES = 30  # this many may share the highest level of any sound
OFFSET = 0.02  # of full scale
SHORT_S = 0.5
NARROW_HZ = 3600  # below this, what most chest recorders pass is missing
CLIFF_DB = 26  # the least step that counts as the end of the spectrum
SETTLED_DB = 4  # right behind the step, over the floor
FLAT_DB = 10  # further up
EMPTY_DB = -120  # full scale squared per Hz: any microphone's noise lies higher, or sinks into it without a step
FLOOR_DB = -140  # the noise of 16 bits at 16 kHz; finer differences do not matter
BAND_HZ = 50.0

FORMATS = "WAV, FLAC, OGG (Vorbis or Opus) or MP3"
UNREADABLE = {  # (offset, magic bytes) -> what such a file is
    (4, b"ftyp"): "an MP4, M4A or 3GP file",
    (0, b"\x1a\x45\xdf\xa3"): "a WebM or Matroska file",
    (0, b"#!AMR"): "an AMR file",
    (0, b"\x30\x26\xb2\x75"): "a WMA or ASF file",
    (0, b"\xff\xf1"): "a raw AAC file",
    (0, b"\xff\xf9"): "a raw AAC file",
}
SIGNATURES = (b"fLaC", b"OggS", b"ID3")  # of what can be read, besides WAV and bare MP3

BROKEN = "The file starts like audio but nothing in it can be decoded. Export or copy it again."
TOO_LONG = "The recording is longer than 10 minutes. Cut out the part that matters and try again."


class AudioError(Exception):
    """A sound file cannot be used; the message says why and what to do."""


class _Decoded(NamedTuple):
    mono: np.ndarray  # (samples,) float32
    rate: int  # Hz
    channels: int
    clipped: float  # share of all channels' samples
    truncated: bool


def load(path: str | Path, sample_rate: int = 16000, level: str = "rms") -> Recording:
    """Decode, average the channels, resample and scale one file.

    Args:
        path: the file.
        sample_rate: Hz, of the result.
        level: "rms" centres and scales to RMS 0.1, by at most 60 dB; "none" leaves offset and level.

    Raises:
        AudioError: missing, empty, not audio, nothing decodes, no samples, NaN or infinite samples, longer than ten
            minutes, a rate outside 2 to 192 kHz, or a container libsndfile cannot read.
        ValueError: there is no such level.
    """
    import librosa

    decoded = _decode(Path(path))
    waveform = decoded.mono
    if level == "rms":
        waveform = waveform - waveform.mean()  # at both ends of an offset, the resampler's filter would ring
    if decoded.rate != sample_rate:
        waveform = librosa.resample(waveform, orig_sr=decoded.rate, target_sr=sample_rate, res_type="soxr_hq")
    waveform, gain = scale(waveform, level)
    seconds = len(decoded.mono) / decoded.rate
    return Recording(waveform, sample_rate, decoded.rate, decoded.channels, seconds, gain, _warnings(decoded))


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Return ((samples,) float32 mono at the file's own rate and level, rate in Hz).

    Raises:
        AudioError: as ``load``.
    """
    decoded = _decode(Path(path))
    return decoded.mono, decoded.rate


def scale(waveform: np.ndarray, level: str = "rms") -> tuple[np.ndarray, float]:
    """Return (samples,) float32 and the gain: centred at RMS 0.1, or as it is for level "none".

    RMS is taken about the mean, so an offset counts neither as sound nor grows with it; silence keeps gain 1.

    Raises:
        ValueError: there is no such level.
    """
    if level == "none":
        return waveform.astype(np.float32), 1.0
    if level != "rms":
        raise ValueError(f'level must be "rms" or "none", got {level!r}')
    centred = waveform - waveform.mean(dtype=np.float64)
    rms = float(centred.std())
    gain = 1.0 if rms < SILENT_RMS else min(TARGET_RMS / rms, LARGEST_GAIN)
    return (centred * gain).astype(np.float32), gain


def bandwidth_hz(waveform: np.ndarray, rate: int) -> float:
    """Upper end of the spectrum in Hz: where the long-term spectrum drops onto a flat floor, else half the rate.

    A microphone's spectrum sinks steadily into its noise and a wheeze stands out of it; a step with nothing but the
    floor of the file format behind it is what resampling leaves. Less than half a second is not judged.
    """
    if len(waveform) < SHORT_S * rate:
        return rate / 2
    size = round(10 * rate / BAND_HZ)  # ten bins a band
    window = np.hanning(size)
    starts = np.linspace(0, len(waveform) - size, min(-(-len(waveform) // size), 256)).astype(int)
    power = np.zeros(size // 2 + 1)
    for start in starts:
        frame = waveform[start : start + size]
        power += np.square(np.abs(np.fft.rfft(frame * window)))
    density = 2 * power / (len(starts) * rate * np.square(window).sum())
    bins_db = np.maximum(10 * np.log10(density + 1e-30), FLOOR_DB)
    # Medians: the line of a hum is no sound.
    bands_db = np.median(bins_db[: size // 20 * 10].reshape(-1, 10), axis=1)
    found, deepest = rate / 2, CLIFF_DB
    for edge in range(6, int(0.9 * len(bands_db))):
        top, behind = int(0.91 * edge), math.ceil(1.08 * edge)
        if bands_db[top] - bands_db[behind] < CLIFF_DB / 2:
            continue  # nowhere near a step: the medians below are slow
        floor = np.median(bands_db[behind:])
        if floor > EMPTY_DB:
            continue  # sound is there, only less
        drop = np.median(bands_db[int(0.83 * edge) : top + 1]) - floor
        settled = np.median(bands_db[behind : behind + math.ceil(0.2 * edge)]) < floor + SETTLED_DB
        if drop > deepest and settled and bands_db[behind:].max() < floor + FLAT_DB:
            last = np.flatnonzero(bands_db > floor + FLAT_DB)[-1]
            found, deepest = (last + 1) * BAND_HZ, drop
    return found


def _decode(path: Path) -> _Decoded:
    """Decode a whole file, or as much of it as decodes."""
    try:
        if not path.is_file():
            raise AudioError("There is no such file, or it is a folder. Check its name, or choose it again.")
        # Through a handle without a name: by its extension, soundfile would take any text for a headerless format.
        with path.open("rb") as named, open(named.fileno(), "rb", closefd=False) as file:
            return _decode_open(file, path.stat().st_size)
    except OSError as error:
        raise AudioError(f"The file cannot be opened ({error.strerror}). Choose it again.") from None


def _decode_open(file: BinaryIO, size: int) -> _Decoded:
    import soundfile

    if size == 0:
        raise AudioError("This file is empty (0 bytes). Export it again and check its size before choosing it.")
    head = file.read(16)
    for (offset, magic), what in UNREADABLE.items():
        if head[offset : offset + len(magic)] == magic:
            raise AudioError(
                f"This is {what}, which cannot be read here. On the page your browser decodes it if it can; for the "
                f"API or a command, convert it to {FORMATS}."
            )
    source, cut = _source(file, head, size)
    source.seek(0)
    try:
        sound = soundfile.SoundFile(source)
    except soundfile.LibsndfileError:
        if head.startswith(SIGNATURES) or _is_wav(head) or _is_mp3(head):
            raise AudioError(BROKEN) from None
        raise AudioError(
            f"This is not an audio file that can be read here, whatever its name says. Choose a {FORMATS} file."
        ) from None
    with sound:
        rate, channels = sound.samplerate, sound.channels
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise AudioError(
                f"The sample rate is {rate:,} Hz; rates from 2,000 to 192,000 Hz can be used. Resample it."
            )
        promised = 0 if sound.frames > 1 << 62 else sound.frames  # a streamed FLAC does not know its length
        if promised > LONGEST_S * rate:
            raise AudioError(TOO_LONG)
        mono, clipped = _mix(sound)
    if not len(mono):
        if cut or promised:
            raise AudioError(BROKEN)
        raise AudioError(
            "The file holds no samples: it has a header and nothing behind it. Record or export it again."
        )
    return _Decoded(mono, rate, channels, clipped, cut or len(mono) < promised)


def _mix(sound) -> tuple[np.ndarray, float]:
    """((samples,) mono, share of clipped samples) of an open sound file, block by block."""
    import soundfile

    rows = min(max(sound.frames, 1), BLOCK_SAMPLES // sound.channels)
    block = np.empty((rows, sound.channels), np.float32)
    parts: list[np.ndarray] = []
    levels = np.zeros(LEVELS + 2, np.int64)
    samples = 0
    failed = False
    while not failed:
        # A codec that fails midway does not say how far it came: what is still NaN was not decoded.
        block.fill(np.nan)
        try:
            decoded = sound.read(out=block)
        except soundfile.LibsndfileError:
            failed = True
            missing = np.isnan(block[:, 0])
            decoded = block[: missing.argmax()] if missing.any() else block
        if not len(decoded):
            break
        if not np.isfinite(decoded).all():
            raise AudioError(
                "The file holds samples that are not numbers (NaN or infinite). Export it again as 16-bit WAV."
            )
        samples += len(decoded)
        if samples > LONGEST_S * sound.samplerate:
            raise AudioError(TOO_LONG)
        parts.append(decoded.mean(axis=1))
        size = np.minimum(np.abs(decoded) * LEVELS, LEVELS + 1)
        levels += np.bincount(size.astype(np.int32).ravel(), minlength=len(levels))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), _clipped_share(levels)


def _clipped_share(levels: np.ndarray) -> float:
    """Share of samples at the limit, from the histogram of magnitudes (its last bin is above full scale).

    At a limit samples pile up: the outermost band holds far more than the band inside it. A sine's outermost band
    holds 2.4 times as many, any other sound fewer. Files of 8 bits have few levels, so a band spans two at least.
    """
    used = np.flatnonzero(levels)
    if len(used) < 2 or not LEVELS // 10 < used[-1] <= LEVELS:
        return 0.0
    top = used[-1] + 1
    width = max(4, 2 * (used[-1] - used[-2]))
    inner = max(top - width, 0)
    outermost, inside = levels[inner:top].sum(), levels[max(inner - width, 0) : inner].sum()
    return float(outermost / levels.sum()) if outermost > max(4 * inside, CHANCE_SAMPLES) else 0.0


def _source(file: BinaryIO, head: bytes, size: int) -> tuple[BinaryIO, bool]:
    """What to decode, and whether it ends before its own end mark; libsndfile trusts the size of the file instead."""
    if head[:4] == b"OggS":
        file.seek(max(size - OGG_PAGE_BYTES, 0))
        tail = file.read()
        return file, not _is_last_page(tail[tail.rfind(b"OggS") :])
    if not _is_wav(head):
        return file, False
    start, promised = _wav_samples(file, size)
    riff_bytes = int.from_bytes(head[4:8], "little") + 8
    if promised == 0 and riff_bytes < size and start < size:
        # A recorder that died before it filled in the sizes: the samples are there.
        file.seek(0)
        whole = bytearray(file.read())
        whole[start - 4 : start] = (size - start).to_bytes(4, "little")
        return io.BytesIO(whole), True
    return file, promised < STREAMED_BYTES and start + promised > size


def _is_wav(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def _is_mp3(head: bytes) -> bool:
    """Whether a layer III frame stands first."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2


def _is_last_page(page: bytes) -> bool:
    """Whether an Ogg page is complete and marked as its stream's last (RFC 3533, section 6)."""
    if len(page) < 27 or not page[5] & 4:
        return False
    lacing = page[27 : 27 + page[26]]
    return len(page) >= 27 + page[26] + sum(lacing)


def _wav_samples(file: BinaryIO, size: int) -> tuple[int, int]:
    """(where the samples start, how many bytes of them the header promises) of a WAV file; (size, 0) without any."""
    position = 12
    while True:
        file.seek(position)
        chunk = file.read(8)
        if len(chunk) < 8:
            return size, 0
        length = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            return position + 8, length
        position += 8 + length + length % 2


def _warnings(decoded: _Decoded) -> tuple[str, ...]:
    """Sentences for the reader, measured at the file's own level and rate."""
    found = []
    seconds = len(decoded.mono) / decoded.rate
    if decoded.truncated:
        found.append(f"The file breaks off: {seconds:.1f} s could be decoded and were analysed.")
    if seconds < SHORT_S:
        found.append(f"Very short: {seconds:.2f} s. A breath takes seconds; labels of so little sound mean little.")
    offset = float(decoded.mono.mean())
    if abs(offset) > OFFSET:
        found.append(f"DC offset: the waveform is shifted by {offset:+.2f} of full scale.")
    if decoded.mono.std() < NEAR_SILENT_RMS:
        noise = "Near-silent: what is labelled may be the recorder's own noise. Record closer, or at a higher level."
        return (*found, noise)
    if decoded.clipped > CLIPPED_SHARE:
        found.append(
            f"Clipped: {decoded.clipped:.1%} of the samples stand at the limit. Record at a lower level if you can."
        )
    highest = bandwidth_hz(decoded.mono, decoded.rate)
    if highest < NARROW_HZ:
        found.append(f"No energy above {round(highest, -2):,.0f} Hz: fine crackles and high wheezes may be missing.")
    return tuple(found)
