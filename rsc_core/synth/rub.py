"""Pleural rub: inflamed pleurae that stick and slip, a rhythmic succession of short creaks in both phases.

Each creak lasts over 15 ms and lies below 350 Hz (Bohadana et al., NEJM 2014). Expiration brings the creaks of
inspiration in the opposite order, since the same places pass each other again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rsc_core.options import check, option
from rsc_core.synth.breath import Phases
from rsc_core.synth.event import Event

SPAN = (0.1, 0.9)  # of a phase
SPACING = 0.3  # of a creak's duration, silent after it
WIDTH = 2**0.25  # a creak's noise reaches a quarter of an octave to either side


@dataclass(frozen=True)
class Rub:
    """A rub in every cycle."""

    creaks: int = option(5, low=1, high=12, unit="creaks per phase", source="our choice")
    creak_ms: float = option(
        30.0, low=15, high=80, unit="ms", source="over 15 (Bohadana et al. 2014); upper bound ours"
    )
    centre_hz: float = option(
        220.0, low=80, high=350, unit="Hz", source="below 350 (Bohadana et al. 2014); lower bound ours"
    )
    level_db: float = option(6.0, low=-20, high=20, unit="dB (RMS of a creak)", source="our choice")

    kind: ClassVar = "pleural rub"

    def __post_init__(self):
        check(self)

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place the creaks in one cycle, each an event.

        Raises:
            ValueError: they do not fit into a phase.
        """
        length_s = self.creak_ms / 1000
        slot_s = (1 + SPACING) * length_s
        phases = [breath.span("inspiration"), breath.span("expiration")]
        shortest_s = min(end - start for start, end in phases) * (SPAN[1] - SPAN[0])
        if self.creaks * slot_s > shortest_s:
            raise ValueError(
                f"expected at most {int(shortest_s / slot_s)} creaks of {self.creak_ms:g} ms in a phase, got "
                f"{self.creaks}: ask for fewer or shorter ones, or breathe more slowly"
            )
        free = np.sort(rng.random(self.creaks))
        found = []
        for (start_s, end_s), gaps in zip(phases, (free, 1 - free[::-1]), strict=True):
            first_s, room_s = start_s + SPAN[0] * (end_s - start_s), (SPAN[1] - SPAN[0]) * (end_s - start_s)
            starts = first_s + gaps * (room_s - self.creaks * slot_s) + slot_s * np.arange(self.creaks)
            found += [Event(self.kind, s, s + length_s, self.level_db) for s in starts.tolist()]
        return found

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) one creak at times ``t_s`` from its start, in units of the reference level."""
        hz = np.fft.rfftfreq(len(t_s), t_s[1] - t_s[0])
        octaves = np.log2(np.maximum(hz, 1) / self.centre_hz)
        passed = np.exp(-0.5 * (octaves / np.log2(WIDTH)) ** 2)
        narrow = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(t_s))) * passed, len(t_s))
        creak = narrow * np.sin(np.pi * t_s / (event.end_s - event.start_s)) ** 2
        return 10 ** (event.level_db / 20) * creak / np.sqrt(np.mean(creak**2))
