"""What an option of a config dataclass may be: said once, checked when it is set and shown by ``--help``."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Allowed:
    """A range of numbers, or a choice of names; as text, the words messages use."""

    low: float | None = None  # smallest value
    high: float | None = None  # largest value
    below: float | None = None  # every value is smaller
    positive: bool = False  # every value is above 0
    multiple: int = 1  # every value is a multiple of it
    whole: bool = False  # every value is a whole number
    numbers: int = 0  # as many, each within the range
    choices: tuple[str, ...] = ()  # one of these
    several: bool = False  # some of the choices, each at most once
    none: bool = False  # several: perhaps none of them
    unit: str = ""  # of a number, as a message names it
    source: str = ""  # where a physical range comes from

    def __str__(self) -> str:
        if self.choices:
            count = "one" if not self.several else "none or some" if self.none else "some"
            return f"{count} of {', '.join(self.choices)}"
        text = f"a multiple of {self.multiple}, " if self.multiple > 1 else ""
        text = (f"{self.numbers} numbers, each " if self.numbers else "") + text + self._range()
        return f"{text} {self.unit}".rstrip()

    def _range(self) -> str:
        if self.positive:
            return "positive" if self.below is None else f"above 0 and below {self.below}"
        if self.high is not None:
            return f"between {self.low} and {self.high}"
        return f"{self.low} or more" if self.below is None else f"at least {self.low} and below {self.below}"

    def __contains__(self, value: Any) -> bool:
        if self.several:
            return (len(value) > 0 or self.none) and len(value) == len(set(value)) and set(value) <= set(self.choices)
        if self.choices:
            return value in self.choices
        if self.numbers:
            return isinstance(value, tuple) and len(value) == self.numbers and all(map(self._holds, value))
        return self._holds(value)

    def _holds(self, value: Any) -> bool:
        return (
            isinstance(value, int if self.whole else (int, float))
            and math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
            and (value > 0 or not self.positive)
            and (self.multiple == 1 or value % self.multiple == 0)
        )


def option(default: Any, **allowed: Any) -> Any:
    """Return a dataclass field with a default and what ``Allowed`` takes; whole numbers where the default is one."""
    whole = isinstance(default, int)
    return dataclasses.field(default=default, metadata={"allowed": Allowed(whole=whole, **allowed)})


def check(config: Any) -> None:
    """Refuse a config one of whose options is not allowed.

    Raises:
        ValueError: naming the option, what it may be and what it is.
    """
    for field in dataclasses.fields(config):
        value, allowed = getattr(config, field.name), field.metadata.get("allowed")
        if allowed is not None and value not in allowed:
            got = ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else repr(value)
            raise ValueError(f"{field.name} must be {allowed}, got {got}")
