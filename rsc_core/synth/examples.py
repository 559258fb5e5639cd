"""What the app offers to listen to."""

from __future__ import annotations

from rsc_core.synth.breath import Breath
from rsc_core.synth.crackles import COARSE, FINE
from rsc_core.synth.recording import Sound, Synthetic, synthesise
from rsc_core.synth.rub import Rub
from rsc_core.synth.tones import Rhonchus, Squawk, Stridor, Wheeze

EXAMPLES: dict[str, tuple[Breath, tuple[Sound, ...]]] = {
    "Normal breathing": (Breath(), ()),
    "Fine crackles": (Breath(rate_per_min=18, tidal_volume_l=0.8), (FINE,)),
    "Coarse crackles": (Breath(), (COARSE,)),
    "Wheeze": (Breath(inspiration_share=0.33), (Wheeze(duration_s=1.2),)),
    "Crackles and wheeze": (Breath(inspiration_share=0.35), (COARSE, Wheeze(pitch_hz=320, duration_s=1.0))),
    "Rhonchus": (Breath(inspiration_share=0.35), (Rhonchus(duration_s=1.0),)),
    "Stridor": (Breath(), (Stridor(duration_s=1.0),)),
    "Squawk": (Breath(), (Squawk(),)),
}
"""How the person breathes, and the sounds laid over it; all of them have a class in the corpora."""

TYPICAL: dict[str, Sound] = {
    "fine crackle": FINE,
    "coarse crackle": COARSE,
    "wheeze": Wheeze(),
    "rhonchus": Rhonchus(),
    "stridor": Stridor(),
    "squawk": Squawk(),
    "pleural rub": Rub(),
}
"""Kind -> a sound of it that fits into the default breath."""


def example(name: str, seconds: float = 20.0) -> Synthetic:
    """Return one of ``EXAMPLES``, always the same.

    Raises:
        ValueError: there is no such example, or seconds is out of range.
    """
    if name not in EXAMPLES:
        raise ValueError(f"there is no example {name!r}; choose one of {', '.join(EXAMPLES)}")
    breath, sounds = EXAMPLES[name]
    return synthesise(breath, sounds, seconds)
