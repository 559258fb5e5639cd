"""A dataclass of options as numbers that a person can set, and back."""

import pytest

from rsc_core import synth
from rsc_core.controls import controls, fill

CONFIGS = [synth.Breath(), synth.Transmission(), *synth.TYPICAL.values()]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: getattr(c, "kind", type(c).__name__))
def test_the_values_of_its_controls_give_a_config_back(config):
    assert fill(config, [control.default for control in controls(config)]) == config


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: getattr(c, "kind", type(c).__name__))
def test_a_default_lies_on_a_step_of_its_range(config):
    for control in controls(config):
        if not control.allowed.choices:
            low, high = control.allowed.low, control.allowed.high
            steps = (control.default - low) / control.step
            assert steps == pytest.approx(round(steps), abs=1e-6), control.field
            assert control.allowed.whole or 100 <= round((high - low) / control.step) < 1000


def test_a_pair_has_two_controls():
    span = [control for control in controls(synth.FINE) if control.field == "inspiratory_span"]
    assert [(control.place, control.default) for control in span] == [(0, 0.5), (1, 0.95)]


def test_a_browser_s_whole_numbers_are_taken_as_such():
    values = [control.default for control in controls(synth.Rub())]
    assert fill(synth.Rub(), [3.0, *values[1:]]).creaks == 3
    with pytest.raises(ValueError, match="creaks must be"):
        fill(synth.Rub(), [3.5, *values[1:]])


def test_values_are_as_many_as_controls():
    with pytest.raises(ValueError, match="expected 3 values, got 2"):
        fill(synth.Breath(), [15, 1])
