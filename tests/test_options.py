"""Every option says what it may be, allows its default and refuses what lies outside, in the same words."""

import dataclasses
import json

import pytest

from rsc_core.config import AudioConfig, DataConfig, FeatureConfig, ModelConfig, TrainConfig
from rsc_core.objectives import OBJECTIVES
from rsc_core.options import Allowed
from rsc_core.synth import Breath, Crackles, Rhonchus, Rub, Squawk, Stridor, Transmission, Wheeze
from rsc_core.tuning import TUNINGS

KINDS = {
    **{f"tuning {name}": module.Config for name, module in TUNINGS.items()},
    **{f"objective {name}": objective.Config for name, objective in OBJECTIVES.items()},
    **{kind.__name__: kind for kind in (AudioConfig, DataConfig, FeatureConfig, TrainConfig)},
    "ModelConfig": ModelConfig,
    **{kind.__name__: kind for kind in (Breath, Crackles, Wheeze, Rhonchus, Stridor, Squawk, Rub, Transmission)},
}
FREE = {"teacher", "fold_file", "stethoscope", "device", "mean", "seed"}
"""Paths and names, and numbers that may be any."""
GEOMETRY = {field.name for field in dataclasses.fields(ModelConfig)} - {"initialisation"}
"""What no user sets, but a preset or a stored model."""
OPTIONS = [
    pytest.param(kind, field, id=f"{name} {field.name}")
    for name, kind in KINDS.items()
    for field in dataclasses.fields(kind)
    if not isinstance(field.default, bool) and field.name not in (FREE | GEOMETRY if kind is ModelConfig else FREE)
]


def beyond(allowed, default):
    """Values outside of what is allowed."""
    if allowed.several:
        return [("nothing like it",), (allowed.choices[0],) * 2, *([] if allowed.none else [()])]
    if allowed.choices:
        return ["nothing like it", allowed.choices[0].upper() + " ", None]
    one = [float("nan"), float("inf"), "1"]
    one += [0.0, -1.0] if allowed.positive else [allowed.low - 1]
    one += [allowed.high + 1] if allowed.high is not None else []
    one += [allowed.below] if allowed.below is not None else []
    one += [allowed.low + 1] if allowed.multiple > 1 else []
    one += [default + 0.5] if allowed.whole else []
    return [(default[0], bad) for bad in one] + [(default[0],), (*default, default[0])] if allowed.numbers else one


@pytest.mark.parametrize(("kind", "field"), OPTIONS)
def test_an_option_refuses_what_is_beyond_its_range(kind, field):
    allowed = field.metadata["allowed"]
    assert field.default in allowed
    for bad in beyond(allowed, field.default):
        with pytest.raises(ValueError) as refused:
            kind(**{field.name: bad})
        assert str(refused.value).startswith(f"{field.name} must be {allowed}, got "), bad


@pytest.mark.parametrize(("kind", "field"), OPTIONS)
def test_an_option_read_from_json_is_what_it_was(kind, field):
    value = json.loads(json.dumps(field.default))
    assert (tuple(value) if isinstance(value, list) else value) in field.metadata["allowed"]


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        (Allowed(low=1), "1 or more"),
        (Allowed(positive=True), "positive"),
        (Allowed(positive=True, below=1), "above 0 and below 1"),
        (Allowed(low=0, below=1), "at least 0 and below 1"),
        (Allowed(low=0, high=1), "between 0 and 1"),
        (Allowed(low=0, high=1, unit="s"), "between 0 and 1 s"),
        (Allowed(low=2, multiple=2), "a multiple of 2, 2 or more"),
        (Allowed(numbers=2, positive=True), "2 numbers, each positive"),
        (Allowed(choices=("a", "b")), "one of a, b"),
        (Allowed(choices=("a", "b"), several=True), "some of a, b"),
        (Allowed(choices=("a", "b"), several=True, none=True), "none or some of a, b"),
    ],
)
def test_a_range_in_words(allowed, text):
    assert str(allowed) == text
