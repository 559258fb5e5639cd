"""What a page plays: sounds, versions of one sound, emphasis, and where their time runs in pictures.

Emphasis tilts a sound as a stethoscope's two sides do, with two shelves and nothing cut off: a filter from 100 to
500 Hz would delete most crackles. The shelves are those of the Web Audio API (https://www.w3.org/TR/webaudio/#filters-characteristics).
"""

from __future__ import annotations

import hashlib
import os
import uuid
import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from rsc_core.figures import AxisMap, Picture

FULL_SCALE = 32767
BOUND_HZ, BOUND_S = 48000, 0.1  # rate and length at which a filter's answer to one sample is added up


@dataclass(frozen=True)
class Emphasis:
    """A low and a high shelf; half of each gain is reached at its frequency."""

    low_hz: float
    low_db: float
    high_hz: float
    high_db: float

    def filters(self, sample_rate: float) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return (numerator, denominator), (3,) each, of the low and of the high shelf."""
        low = _shelf(self.low_hz / sample_rate, self.low_db, 1)
        return low, _shelf(self.high_hz / sample_rate, self.high_db, -1)

    def apply(self, waveform: np.ndarray, sample_rate: float) -> np.ndarray:
        """Filter (samples,) as a browser does."""
        for numerator, denominator in self.filters(sample_rate):
            waveform = lfilter(numerator, denominator, waveform)
        return waveform

    @cached_property
    def most(self) -> float:
        """How many times louder than the loudest sample going in the loudest one coming out can be."""
        impulse = np.zeros(round(BOUND_S * BOUND_HZ))
        impulse[0] = 1
        return float(np.abs(self.apply(impulse, BOUND_HZ)).sum())


GENTLE_DB, LOW_HZ, HIGH_HZ = 6.0, 200.0, 500.0
EMPHASES = {
    "none": Emphasis(LOW_HZ, 0.0, HIGH_HZ, 0.0),
    "bell": Emphasis(LOW_HZ, GENTLE_DB, HIGH_HZ, -GENTLE_DB),
    "diaphragm": Emphasis(LOW_HZ, -GENTLE_DB, HIGH_HZ, GENTLE_DB),
}


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound to be played; of two channels, each can have a gain of its own up to 1, and they are added up."""

    waveform: np.ndarray  # (samples,) or (samples, 2) floating point, full scale 1
    sample_rate: int  # Hz

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.waveform) / self.sample_rate

    @cached_property
    def peak(self) -> float:
        """Upper bound of the samples of the file, whatever the gains of its channels."""
        samples = np.abs(self.waveform) / self._scale
        return float(samples.reshape(len(samples), -1).sum(axis=1).max(initial=0))

    @cached_property
    def digest(self) -> str:
        """Name of the sound: the same for the same samples."""
        known = hashlib.blake2b(np.ascontiguousarray(self.waveform).view(np.uint8), digest_size=16)
        known.update(f"{self.waveform.shape} {self.sample_rate}".encode())
        return known.hexdigest()

    @cached_property
    def _scale(self) -> float:
        return max(float(np.abs(self.waveform).max(initial=0)), 1.0)

    def write(self, folder: Path) -> Path:
        """Write a 16-bit WAV file named after its content, unless it stands there; nothing quiet is made louder."""
        path = folder / f"{self.digest}.wav"
        if path.exists():
            os.utime(path)  # it is used again: what is swept is old
        else:
            samples = (self.waveform * (FULL_SCALE / self._scale)).astype("<i2")
            draft = path.with_suffix(f".{uuid.uuid4().hex}.partial")
            with wave.open(str(draft), "wb") as file:
                file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
                file.setsampwidth(2)
                file.setframerate(self.sample_rate)
                file.writeframes(samples.tobytes())
            draft.replace(path)
        return path


@dataclass(frozen=True)
class Version:
    """One way to hear what is played."""

    label: str
    sound: int = 0  # index in ``Playback.sounds``
    gains: tuple[float, float] = (1.0, 0.0)  # of the sound's channels


@dataclass(frozen=True)
class TimeAxis:
    """Where time runs in a picture: edges as shares of its width and height, from the top left."""

    left: float
    top: float
    right: float
    bottom: float
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Playback:
    """All that a player is told. Versions last equally long; between those of one sound a slider can stand.

    A player that is given another playback of the same name goes on from its place.
    """

    name: str
    sounds: tuple[Sound, ...]
    versions: tuple[Version, ...] = (Version(""),)
    first: int = 0  # version
    start_s: float = 0.0  # what the pictures' axes call the sounds' beginning
    span: tuple[float, float] | None = None  # s on those axes that are looped; None: all
    pictures: dict[str, tuple[TimeAxis, ...]] = field(default_factory=dict)  # by the name of the picture's place
    downloads: tuple[tuple[str, Sound], ...] = ()  # label and sound

    @property
    def blends(self) -> bool:
        """Whether all versions are gains of one sound, so that there is something between them."""
        return len(self.versions) > 1 and len(self.sounds) == 1


def time_axes(axes: Iterable[AxisMap], width_px: float, height_px: float) -> tuple[TimeAxis, ...]:
    """Return axes as shares of an image of this size."""
    found = []
    for one in axes:
        edges = np.array([one.left, one.top, one.right, one.bottom]) / (width_px, height_px, width_px, height_px)
        found.append(TimeAxis(*edges.tolist(), float(one.start_s), float(one.end_s)))
    return tuple(found)


def time_axes_of(picture: Picture) -> tuple[TimeAxis, ...]:
    """Return a picture's axes as shares of its image."""
    return time_axes(picture.axes, *picture.figure.bbox.size)


def _shelf(frequency: float, db: float, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of a shelf below (``side`` 1) or above (-1) a frequency in shares of the rate."""
    cosine, sine = np.cos(2 * np.pi * frequency), np.sin(2 * np.pi * frequency)
    a = 10 ** (db / 40)
    slope = sine * np.sqrt(2 * a)
    near, far = side * (a - 1) * cosine, side * (a + 1) * cosine
    numerator = a * np.array([a + 1 - near + slope, 2 * side * (a - 1 - far), a + 1 - near - slope])
    denominator = np.array([a + 1 + near + slope, -2 * side * (a - 1 + far), a + 1 + near - slope])
    return numerator / denominator[0], denominator / denominator[0]
