"""Musical sounds: wheeze, rhonchus, stridor and squawk, each a gliding pitch with its overtones.

Two conventions divide wheezes from rhonchi:

* American Thoracic Society (1977): both last over 250 ms; a wheeze has a dominant frequency of 400 Hz or more, a
  rhonchus of 200 Hz or less.
* CORSA (Sovijarvi et al. 2000): both last over 100 ms; a wheeze lies above 100 Hz, a rhonchus below about 300 Hz.

Bohadana et al. (NEJM 2014) let a wheeze begin at 80 ms, and so do we. Overtones, edges and levels are our choice where
no source is named. A partial above half the sample rate is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rsc_core.options import check, option
from rsc_core.synth.breath import Phases
from rsc_core.synth.event import Event

PHASES = ("inspiration", "expiration", "both")
VOICES = (1.0, 1.31, 1.73, 2.19)  # pitches of a polyphonic wheeze, in no simple proportion to each other
VOICE_FALL = 0.7  # amplitude of each voice beside the one before
EDGE_S = 0.04  # a tone swells and fades; at most a quarter of it each
SQUAWK_EDGE_S = 0.008  # rise time 8.3 +- 5.2 ms (the squawk's source)
LEVEL = "dB (RMS between onset and fading)"
SQUAWKS = "Japanese Journal of Thoracic Diseases 25(8), 1987, 29 patients"
WHEEZE_PARTIALS = (1.0, 0.15, 0.05)  # amplitudes of the pitch and its harmonics
RHONCHUS_PARTIALS = (1.0, 0.5, 0.33, 0.25, 0.2, 0.17)  # a snore: rapid closings, not a whistle
STRIDOR_PARTIALS = (1.0, 0.6, 0.4, 0.3, 0.2)  # harsh
SQUAWK_PARTIALS = (1.0, 0.4, 0.2, 0.1)  # 3.5 +- 2.3 overtones (the squawk's source)


class _Sustained:
    """A tone that lies in the first half of what is left of a phase."""

    kind: ClassVar[str]  # key of ``rsc_core.synth.KINDS``
    partials: ClassVar[tuple[float, ...]]  # amplitudes of the pitch and its harmonics
    voices = 1

    def __post_init__(self):
        check(self)

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place the sound in one cycle.

        Raises:
            ValueError: the phase is shorter than the sound.
        """
        found = []
        for phase in PHASES[:2] if self.phase == "both" else (self.phase,):
            start_s, end_s = breath.span(phase)
            if self.duration_s > end_s - start_s:
                raise ValueError(
                    f"duration_s must be at most {end_s - start_s:.2f} s, an {phase} of this breathing, got "
                    f"{self.duration_s}: shorten the {self.kind} or breathe more slowly"
                )
            at_s = start_s + float(rng.uniform(0, (end_s - start_s - self.duration_s) / 2))
            found.append(Event(self.kind, at_s, at_s + self.duration_s, self.level_db))
        return found

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) the sound at times ``t_s`` from its start, in units of the reference level."""
        return _tone(event, self.pitch_hz, t_s, rng, self.partials, self.glide_semitones, self.voices)


@dataclass(frozen=True)
class Wheeze(_Sustained):
    """One wheeze in every expiration, or wherever it is asked for.

    It glides evenly in pitch, ``pitch_hz`` lying midway. A polyphonic one has voices that begin, glide and end
    together; ``pitch_hz`` is the lowest and loudest.
    """

    pitch_hz: float = option(
        400.0, low=100, high=1000, unit="Hz", source="CORSA: above 100, to about 1000; ATS: 400 or more"
    )
    duration_s: float = option(
        0.8, low=0.08, high=3, unit="s", source="Bohadana et al. 2014: over 0.08; CORSA: over 0.1; ATS: over 0.25"
    )
    glide_semitones: float = option(-2.0, low=-6, high=6, unit="semitones", source="our choice: half an octave")
    level_db: float = option(-4.0, low=-20, high=20, unit=LEVEL, source="our choice")
    voices: int = option(1, low=1, high=len(VOICES), unit="pitches at once", source="our choice")
    phase: str = option("expiration", choices=PHASES, source="mostly expiration (Bohadana et al. 2014)")

    kind: ClassVar = "wheeze"
    partials: ClassVar = WHEEZE_PARTIALS


@dataclass(frozen=True)
class Rhonchus(_Sustained):
    """One rhonchus in every expiration, or wherever it is asked for: low, and rich in overtones like a snore."""

    pitch_hz: float = option(
        130.0, low=60, high=300, unit="Hz", source="ATS: 200 or less; CORSA: below about 300; lower bound ours"
    )
    duration_s: float = option(
        0.7, low=0.08, high=3, unit="s", source="Bohadana et al. 2014: over 0.08; CORSA: over 0.1; ATS: over 0.25"
    )
    glide_semitones: float = option(-1.0, low=-6, high=6, unit="semitones", source="our choice")
    level_db: float = option(0.0, low=-20, high=20, unit=LEVEL, source="our choice")
    phase: str = option("expiration", choices=PHASES, source="mostly expiration (Bohadana et al. 2014)")

    kind: ClassVar = "rhonchus"
    partials: ClassVar = RHONCHUS_PARTIALS


@dataclass(frozen=True)
class Stridor(_Sustained):
    """One stridor in every inspiration, or wherever it is asked for: loud, harsh, from larynx or trachea."""

    pitch_hz: float = option(
        650.0, low=400, high=1200, unit="Hz", source="above 500 (Bohadana et al. 2014); bounds ours"
    )
    duration_s: float = option(
        0.8, low=0.25, high=3, unit="s", source="over 0.25 (review, PMC10521503, table 1); upper bound ours"
    )
    glide_semitones: float = option(1.0, low=-6, high=6, unit="semitones", source="our choice")
    level_db: float = option(4.0, low=-20, high=20, unit=LEVEL, source="our choice: heard without a stethoscope")
    phase: str = option(
        "inspiration", choices=PHASES, source="inspiration above the thorax, expiration in it, both when fixed"
    )

    kind: ClassVar = "stridor"
    partials: ClassVar = STRIDOR_PARTIALS


@dataclass(frozen=True)
class Squawk:
    """One squawk in every inspiration: a short wheeze, often after a crackle (add ``FINE``)."""

    pitch_hz: float = option(530.0, low=200, high=1000, unit="Hz", source=f"530 +- 256 ({SQUAWKS})")
    duration_s: float = option(
        0.07, low=0.03, high=0.4, unit="s", source=f"0.068 +- 0.040 ({SQUAWKS}); upper bound from memory, unverified"
    )
    position: float = option(0.6, low=0.3, high=0.9, unit="of inspiration", source=f"0.50 to 0.66 ({SQUAWKS})")
    level_db: float = option(4.0, low=-20, high=20, unit=LEVEL, source="our choice")

    kind: ClassVar = "squawk"

    def __post_init__(self):
        check(self)

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place the squawk in one cycle.

        Raises:
            ValueError: what is left of inspiration is shorter than the squawk.
        """
        start_s, end_s = breath.span("inspiration")
        at_s = start_s + self.position * (end_s - start_s)
        if at_s + self.duration_s > end_s:
            raise ValueError(
                f"duration_s must be at most {end_s - at_s:.2f} s, what is left of inspiration, got "
                f"{self.duration_s}: shorten the squawk, place it earlier or breathe more slowly"
            )
        return [Event(self.kind, at_s, at_s + self.duration_s, self.level_db)]

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) the squawk at times ``t_s`` from its start, in units of the reference level."""
        return _tone(event, self.pitch_hz, t_s, rng, SQUAWK_PARTIALS, edge_s=SQUAWK_EDGE_S)


def _tone(
    event: Event,
    pitch_hz: float,
    t_s: np.ndarray,
    rng: np.random.Generator,
    partials: Sequence[float],
    glide_semitones: float = 0.0,
    voices: int = 1,
    edge_s: float = EDGE_S,
) -> np.ndarray:
    """(samples,) voices of an even glide, each with its overtones, at the event's level."""
    duration_s, step_s = event.end_s - event.start_s, t_s[1] - t_s[0]
    octaves = glide_semitones / 12 * (t_s / duration_s - 0.5)
    turns = step_s * np.cumsum(pitch_hz * 2**octaves)
    highest_hz = pitch_hz * 2 ** (abs(glide_semitones) / 24)
    wave, power = np.zeros(len(t_s)), 0.0
    for number, ratio in enumerate(VOICES[:voices]):
        offset = rng.random()
        for n, partial in enumerate(partials, start=1):
            if n * ratio * highest_hz < 0.5 / step_s:
                amplitude = VOICE_FALL**number * partial
                wave += amplitude * np.sin(2 * np.pi * n * (ratio * turns + offset))
                power += amplitude**2 / 2
    edge = np.clip(np.minimum(t_s, duration_s - t_s) / min(edge_s, duration_s / 4), 0, 1)
    return 10 ** (event.level_db / 20) / np.sqrt(power) * np.sin(np.pi / 2 * edge) ** 2 * wave
