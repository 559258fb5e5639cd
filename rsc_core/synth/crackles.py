"""Crackles: the waveform of Kiyokawa et al. (Chest 2001), two widening cycles under a skewed window.

Two conventions tell fine from coarse ones by their initial deflection width (IDW) and two-cycle duration (2CD):

* American Thoracic Society (1977): fine 0.7 and 5 ms, coarse 1.5 and 10 ms, both typical values.
* CORSA (Sovijarvi et al. 2000): a 2CD below 10 ms is fine, above it coarse, and no crackle lasts 20 ms.

A crackle is named by CORSA's limit, since it leaves none between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsc_core.options import check, option
from rsc_core.synth.breath import Phases
from rsc_core.synth.event import Event

COARSE_FROM_MS = 10  # 2CD, CORSA
NEGATIVE = {"inspiration": 0.76, "expiration": 0.31}
"""Share of crackles whose highest peak points down (Vyshedskiy 2009)."""
LEVEL_SPREAD_DB = 6  # no two crackles are equally loud
SPACING_S = 0.005  # silence between two crackles, so that each can be counted


@dataclass(frozen=True)
class Crackles:
    """Crackles of one kind in every cycle; the defaults are fine ones. See also ``FINE`` and ``COARSE``.

    IDW is at most a quarter of 2CD, since a crackle's half-cycles widen. Fine crackles come mid to late in
    inspiration, coarse ones early in it and in expiration. The loudest of each cycle has the level; the others are
    up to 6 dB softer.
    """

    idw_ms: float = option(
        0.6, low=0.3, high=3, unit="ms", source="ATS: 0.7 fine, 1.5 coarse; the bounds around them are ours"
    )
    two_cycle_ms: float = option(
        5.0, low=3, high=20, unit="ms", source="ATS: 5 fine, 10 coarse; CORSA: fine below 10, all below 20"
    )
    inspiratory: int = option(8, low=0, high=20, unit="crackles per inspiration", source="our choice")
    expiratory: int = option(0, low=0, high=20, unit="crackles per expiration", source="our choice")
    inspiratory_span: tuple[float, float] = option(
        (0.5, 0.95), numbers=2, low=0, high=1, unit="of inspiration", source="fine mid to late, coarse early (ATS)"
    )
    expiratory_span: tuple[float, float] = option(
        (0.1, 0.6), numbers=2, low=0, high=1, unit="of expiration", source="our choice"
    )
    level_db: float = option(14.0, low=0, high=30, unit="dB (peak of each cycle's loudest)", source="our choice")

    def __post_init__(self):
        check(self)
        if self.idw_ms > self.two_cycle_ms / 4:
            raise ValueError(
                f"idw_ms must be between 0.3 and {self.two_cycle_ms / 4:g} ms, a quarter of two_cycle_ms, "
                f"got {self.idw_ms}"
            )
        if not self.inspiratory + self.expiratory:
            raise ValueError("expected at least 1 crackle per cycle, got 0; for none, leave Crackles out")
        for name in ("inspiratory_span", "expiratory_span"):
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"{name} must be two rising shares between 0 and 1, got {low} and {high}")

    @property
    def kind(self) -> str:
        """Key of ``rsc_core.synth.KINDS``."""
        return "fine crackle" if self.two_cycle_ms < COARSE_FROM_MS else "coarse crackle"

    def events(self, breath: Phases, rng: np.random.Generator) -> list[Event]:
        """Place this kind's crackles in one cycle, none overlapping another of the kind.

        Raises:
            ValueError: they do not fit in their span.
        """
        starts = [
            *self._starts(self.inspiratory, breath.span("inspiration"), self.inspiratory_span, rng),
            *self._starts(self.expiratory, breath.span("expiration"), self.expiratory_span, rng),
        ]
        softer_db = rng.uniform(0, LEVEL_SPREAD_DB, len(starts))
        levels_db = self.level_db + softer_db.min() - softer_db
        length_s = self.two_cycle_ms / 1000
        return [Event(self.kind, s, s + length_s, db) for s, db in zip(starts, levels_db.tolist(), strict=True)]

    def _starts(
        self, count: int, phase: tuple[float, float], span: tuple[float, float], rng: np.random.Generator
    ) -> list[float]:
        (start_s, end_s), (low, high) = phase, span
        slot_s = self.two_cycle_ms / 1000 + SPACING_S
        room_s = (high - low) * (end_s - start_s)
        if count * slot_s > room_s:
            raise ValueError(
                f"expected at most {int(room_s / slot_s)} crackles of {self.two_cycle_ms:g} ms in this span, "
                f"got {count}: ask for fewer, a wider span or slower breathing"
            )
        free_s = np.sort(rng.uniform(0, room_s - count * slot_s, count))
        return (start_s + low * (end_s - start_s) + free_s + slot_s * np.arange(count)).tolist()

    def render(self, event: Event, breath: Phases, t_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) one crackle at times ``t_s`` from its start, in units of the reference level.

        sin(4 pi t^a) crosses zero first at IDW and for the fourth time at 2CD (t counted in 2CD).
        """
        t = t_s * 1000 / self.two_cycle_ms
        exponent = np.log(1 / 4) / np.log(self.idw_ms / self.two_cycle_ms)
        window = 0.5 * (1 + np.cos(2 * np.pi * (np.sqrt(t) - 0.5)))
        wave = np.sin(4 * np.pi * t**exponent) * window
        phase = "inspiration" if event.start_s < breath.inspiration_end_s else "expiration"
        sign = -1 if rng.random() < NEGATIVE[phase] else 1
        return sign * 10 ** (event.level_db / 20) * wave / wave[np.abs(wave).argmax()]


FINE = Crackles()
COARSE = Crackles(idw_ms=1.5, two_cycle_ms=12, inspiratory=3, expiratory=2, inspiratory_span=(0.05, 0.45), level_db=17)
