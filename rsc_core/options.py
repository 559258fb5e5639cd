"""What an option of a config dataclass may be: said once, checked when it is set and shown by ``--help``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Allowed:
    """A range of numbers, or a choice of names; as text, the words messages use."""

    low: float | None = None  # smallest value
    high: float | None = None  # largest value
    below: float | None = None  # every value is smaller
    positive: bool = False  # every value is above 0
    choices: tuple[str, ...] = ()  # one of these
    several: bool = False  # some of the choices, each at most once, at least one

    def __str__(self) -> str:
        if self.choices:
            return f"{'some' if self.several else 'one'} of {', '.join(self.choices)}"
        if self.high is not None:
            return f"between {self.low} and {self.high}"
        if self.below is not None:
            return f"at least {self.low} and below {self.below}"
        return "positive" if self.positive else f"{self.low} or more"

    def __contains__(self, value: Any) -> bool:
        if self.several:
            return 0 < len(value) == len(set(value)) and set(value) <= set(self.choices)
        if self.choices:
            return value in self.choices
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
            and (value > 0 or not self.positive)
        )


def option(default: Any, **allowed: Any) -> Any:
    """Return a dataclass field with a default and what ``Allowed`` takes."""
    return dataclasses.field(default=default, metadata={"allowed": Allowed(**allowed)})


def check(config: Any) -> None:
    """Refuse a config one of whose options is not allowed.

    Raises:
        ValueError: naming the option, what it may be and what it is.
    """
    for field in dataclasses.fields(config):
        value, allowed = getattr(config, field.name), field.metadata.get("allowed")
        if allowed is not None and value not in allowed:
            got = ", ".join(value) or "none" if isinstance(value, tuple) else repr(value)
            raise ValueError(f"{field.name} must be {allowed}, got {got}")
