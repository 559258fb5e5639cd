"""What ATS and CORSA call a sound, at and around their limits."""

import pytest

from rsc_core import synth
from rsc_core.conventions import ATS, CORSA, names
from rsc_core.synth import Crackles, Rhonchus, Wheeze


@pytest.mark.parametrize(
    ("sound", "ats", "corsa"),
    [
        (Wheeze(pitch_hz=400), ("wheeze",), ("wheeze",)),
        (Wheeze(pitch_hz=399), (), ("wheeze",)),
        (Wheeze(pitch_hz=250), (), ("wheeze", "rhonchus")),  # CORSA's ranges overlap
        (Wheeze(pitch_hz=150), ("rhonchus",), ("wheeze", "rhonchus")),
        (Rhonchus(pitch_hz=100), ("rhonchus",), ("rhonchus",)),
        (Wheeze(pitch_hz=500, duration_s=0.25), (), ("wheeze",)),
        (Wheeze(pitch_hz=500, duration_s=0.1), (), ()),
        (synth.FINE, ("fine crackle",), ("fine crackle",)),
        (synth.COARSE, ("coarse crackle",), ("coarse crackle",)),
        (Crackles(idw_ms=1.5, two_cycle_ms=9.9), ("coarse crackle",), ("fine crackle",)),
        (Crackles(idw_ms=0.5, two_cycle_ms=10), ("fine crackle",), ("coarse crackle",)),
    ],
)
def test_names_are_those_of_each_convention_s_own_limits(sound, ats, corsa):
    assert names(sound) == {ATS: ats, CORSA: corsa}


def test_what_neither_defines_by_numbers_has_no_names():
    assert names(synth.Stridor()) == names(synth.Squawk()) == names(synth.Rub()) == {}
