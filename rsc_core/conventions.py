"""What the two conventions of lung-sound names call a synthesised sound, by their own limits.

* American Thoracic Society (1977): a crackle's typical IDW and 2CD are 0.7 and 5 ms (fine), 1.5 and 10 ms (coarse),
  with no limit between them; a wheeze has 400 Hz or more, a rhonchus 200 Hz or less, both over 250 ms.
* CORSA (Sovijarvi et al. 2000): a crackle of a 2CD below 10 ms is fine, above it coarse; a wheeze lies above 100 Hz, a
  rhonchus below about 300 Hz, both over 100 ms.
"""

from __future__ import annotations

import math

from rsc_core.synth import Crackles, Rhonchus, Sound, Wheeze
from rsc_core.synth.crackles import COARSE_FROM_MS

ATS, CORSA = "ATS", "CORSA"
ATS_TYPICAL_MS = {"fine crackle": (0.7, 5.0), "coarse crackle": (1.5, 10.0)}  # IDW, 2CD
ATS_WHEEZE_HZ, ATS_RHONCHUS_HZ, ATS_LONGER_S = 400, 200, 0.25
CORSA_WHEEZE_HZ, CORSA_RHONCHUS_HZ, CORSA_LONGER_S = 100, 300, 0.1


def names(sound: Sound) -> dict[str, tuple[str, ...]]:
    """Return the names that ``ATS`` and ``CORSA`` have for crackles, wheezes and rhonchi.

    Both names where both fit, none where no limit is met; no convention where neither defines the sound by numbers.
    Of crackles, ATS's is the name whose typical widths are nearest as ratios.
    """
    if isinstance(sound, Crackles):
        nearest = min(ATS_TYPICAL_MS, key=lambda kind: _ratio(sound, *ATS_TYPICAL_MS[kind]))
        return {ATS: (nearest,), CORSA: ("fine crackle" if sound.two_cycle_ms < COARSE_FROM_MS else "coarse crackle",)}
    if isinstance(sound, Wheeze | Rhonchus):
        hz = sound.pitch_hz
        ats = (("wheeze", hz >= ATS_WHEEZE_HZ), ("rhonchus", hz <= ATS_RHONCHUS_HZ))
        corsa = (("wheeze", hz > CORSA_WHEEZE_HZ), ("rhonchus", hz < CORSA_RHONCHUS_HZ))
        return {
            name: tuple(kind for kind, fits in kinds if fits and sound.duration_s > longer_s)
            for name, kinds, longer_s in ((ATS, ats, ATS_LONGER_S), (CORSA, corsa, CORSA_LONGER_S))
        }
    return {}


def _ratio(sound: Crackles, idw_ms: float, two_cycle_ms: float) -> float:
    return math.hypot(math.log(sound.idw_ms / idw_ms), math.log(sound.two_cycle_ms / two_cycle_ms))
