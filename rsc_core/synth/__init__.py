"""Synthesised lung sounds from physical parameters: class material, example sounds and test input.

What is heard is built up as it arises: flow drives turbulence (``breath``), adventitious sounds are laid over it
(``crackles``, ``tones``, ``rub``), and chest wall, stethoscope, heart and room add their own (``transmission``).
Ground truth is exact, since we placed every event. The parameters of each sound are a frozen dataclass; a parameter's
range, unit and source stand in its field (``rsc_core.options.Allowed``).

Conventions: times in seconds from the start of the recording; a level in dB is relative to the RMS of inspiration at
1 L/s; a recording is scaled to one peak, as an examiner sets the gain. Each sound draws from its own stream of random
numbers, so adding one leaves the breath as it was.
"""

from rsc_core.synth.breath import Breath, Phases
from rsc_core.synth.crackles import COARSE, FINE, Crackles
from rsc_core.synth.event import KINDS, Event
from rsc_core.synth.examples import EXAMPLES, TYPICAL, example
from rsc_core.synth.files import annotate, write, write_wav
from rsc_core.synth.recording import Layers, Sound, Synthetic, compose, label, record, synthesise
from rsc_core.synth.rub import Rub
from rsc_core.synth.tones import Rhonchus, Squawk, Stridor, Wheeze
from rsc_core.synth.transmission import Transmission

__all__ = [
    "COARSE",
    "EXAMPLES",
    "FINE",
    "KINDS",
    "TYPICAL",
    "Breath",
    "Crackles",
    "Event",
    "Layers",
    "Phases",
    "Rhonchus",
    "Rub",
    "Sound",
    "Squawk",
    "Stridor",
    "Synthetic",
    "Transmission",
    "Wheeze",
    "annotate",
    "compose",
    "example",
    "label",
    "record",
    "synthesise",
    "write",
    "write_wav",
]
