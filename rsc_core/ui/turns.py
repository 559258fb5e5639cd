"""Long work of one visitor that ends when asked.

Gradio's own ``cancels`` leaves the page waiting for what was cancelled, so it could not be asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gradio as gr

from rsc_core.ui.shown import Updates


class Turn:
    """Whether one kind of a visitor's work goes on; a ``gr.State`` holds it, and no callback returns it.

    A click begins a turn outside of the queue, then asks for the work, with the trigger mode "always_last". So what
    still waits in the queue can be stopped, and a click while another turn lasts ends that one and comes after it.
    """

    def __init__(self) -> None:
        # Numbers of turns, each written by one kind of callback alone: no two of them need to wait for each other.
        self._begun = self._taken = self._finished = self._stopped = self._left = 0

    def begin(self) -> None:
        """Begin another turn; work of the one before ends."""
        self._begun += 1

    def stop(self) -> bool:
        """End the turn because the visitor asked for it; return whether work was under way or waited."""
        going = self._goes_on(self._begun) and self._finished < self._begun
        self._stopped = self._begun
        return going

    def leave(self) -> None:
        """End the turn because what it is about has gone from the page."""
        self._left = self._begun

    def steps(
        self, work: Iterator[Updates], stopped: Callable[[Updates | None], Updates], left: Updates | None = None
    ) -> Iterator[Updates]:
        """Yield the steps of a work while its turn lasts; a step under way when it ends is dropped.

        Args:
            work: yields updates of the page; one whose turn is over is not begun.
            stopped: makes what is shown when it was stopped, or has failed, of its last step; None: there was none.
            left: what is shown when its turn was left; None: nothing.
        """
        mine, last = self._begun, None
        if mine == self._taken:  # two clicks, of which the work of the first served both
            yield gr.skip()
            return
        self._taken = mine
        try:
            while self._goes_on(mine):
                step = next(work, None)
                if step is None:
                    return
                if self._goes_on(mine):
                    last = step
                    yield step
        except Exception:  # whatever it is, the page must not go on saying that it works
            yield stopped(last) if self._goes_on(mine) else left or gr.skip()
            raise
        finally:
            self._finished = mine
        # A step that was on its way may have come to the page after what ended it.
        if self._stopped == mine:
            yield stopped(last)
        elif left and self._left == mine:
            yield left

    def _goes_on(self, turn: int) -> bool:
        return turn == self._begun and turn > max(self._stopped, self._left)
