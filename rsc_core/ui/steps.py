"""What a callback yields step by step, so that nothing is lost on the way to the page.

Gradio sends what differs from the step before, and its browser side (6.31) writes the difference into the very objects
of that step, which may still wait to be shown: a picture that the next step leaves out is taken from the step before.
Text, numbers and None are replaced as a whole, and are safe.

So a step repeats the objects of those before it. What a visitor may change meanwhile must not be repeated: a list gets
its choices, an object, in one step, and which of them is chosen, a text, in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr
import numpy as np
from gradio.blocks import Block
from gradio.processing_utils import save_img_array_to_cache

from rsc_core.ui.shown import Updates

Callback = Callable[..., Iterator[Updates]]


def repeated(callback: Callback) -> Callback:
    """Make every step of a callback hold the objects that the steps before it have sent.

    A place gets either values or updates (``gr.Image(visible=...)``) from a callback: the later one is repeated.
    """

    @wraps(callback)
    def steps(*args: Any) -> Iterator[Updates]:
        sent: Updates = {}
        for step in callback(*args):
            if step == gr.skip():
                yield sent or step  # a step of nothing would take them away as well
                continue
            told = sent | {place: _packed(place, value) for place, value in step.items()}
            yield told
            sent = {place: value for place, value in told.items() if _is_object(place, value)}

    return steps


def _packed(place: Any, value: Any) -> Any:
    """A picture as the file that Gradio would make of it at every step."""
    if isinstance(place, gr.Image) and isinstance(value, np.ndarray):
        return save_img_array_to_cache(value, place.GRADIO_CACHE, format=place.format)
    return value


def _is_object(place: Any, value: Any) -> bool:
    """Whether the browser gets an object: of a file, only the path stands here."""
    return isinstance(value, Block | dict) or (isinstance(place, gr.Image) and value is not None)
