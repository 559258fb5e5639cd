"""The options of a config dataclass as numbers and choices that a person can set, one at a time.

Ranges, units and sources are those of the fields (``rsc_core.options.Allowed``); none is said again here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rsc_core.options import Allowed

STEPS = 100  # a range has at least as many

Config = TypeVar("Config")


@dataclass(frozen=True)
class Control:
    """One number or choice of a config."""

    field: str
    place: int | None  # of a field that holds several numbers
    default: Any
    allowed: Allowed

    @property
    def step(self) -> float:
        """The largest power of ten that divides a range into ``STEPS`` or more; 1 for whole numbers."""
        if self.allowed.whole:
            return 1
        return 10.0 ** math.floor(math.log10((self.allowed.high - self.allowed.low) / STEPS))


def controls(config: Any) -> tuple[Control, ...]:
    """Return a control for every option of a config, set to its values; one for each number of a field of several."""
    found = []
    for field in dataclasses.fields(config):
        if (allowed := field.metadata.get("allowed")) is None:
            continue
        value = getattr(config, field.name)
        parts = enumerate(value) if allowed.numbers else [(None, value)]
        found += [Control(field.name, place, part, allowed) for place, part in parts]
    return tuple(found)


def fill(config: Config, values: Sequence[Any]) -> Config:
    """Return a config of the same kind with the values of its ``controls``, in their order.

    A whole number may come as a float, as a browser sends it.

    Raises:
        ValueError: there are more or fewer values than controls, or the config refuses them.
    """
    known = controls(config)
    if len(values) != len(known):
        raise ValueError(f"expected {len(known)} values, got {len(values)}")
    changed: dict[str, Any] = {}
    for control, value in zip(known, values, strict=True):
        if control.allowed.whole and isinstance(value, float) and value.is_integer():
            value = int(value)
        changed[control.field] = value if control.place is None else (*changed.get(control.field, ()), value)
    return dataclasses.replace(config, **changed)
