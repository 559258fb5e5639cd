"""Long work of one visitor that ends when asked.

Gradio's own ``cancels`` leaves the page waiting for what was cancelled, so it could not be asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Step = TypeVar("Step")


class Turn:
    """Whether one kind of a visitor's work goes on; a ``gr.State`` holds it, and no callback returns it.

    A click begins a turn outside of the queue, so what still waits in the queue can be stopped as well. A second
    click begins another turn, which ends the first; with the trigger mode "always_last" its work then follows.
    """

    def __init__(self) -> None:
        self._current: object | None = None
        self._stopped = False

    def begin(self) -> None:
        """Let the next work go on; work of an earlier turn ends."""
        self._current, self._stopped = object(), False

    def stop(self) -> bool:
        """End the work since the visitor asked for it, and return whether there was any."""
        going = self._current is not None
        self._current, self._stopped = None, self._stopped or going
        return going

    def end(self) -> None:
        """End the work since what it was about has gone from the page."""
        self._current, self._stopped = None, False

    @property
    def stopped(self) -> bool:
        """Whether the visitor stopped the last work, so that the page must say so."""
        return self._stopped

    def steps(self, work: Iterable[Step]) -> Iterator[Step]:
        """Yield the steps of a work while its turn lasts; a step under way when it ends is dropped."""
        mine = self._current
        if mine is None:
            return
        try:
            for step in work:
                if self._current is not mine:
                    return
                yield step
        finally:
            if self._current is mine:
                self.end()
