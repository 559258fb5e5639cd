"""What a callback yields step by step, so that nothing is lost on the way to the page.

Gradio sends what differs from the step before, and its browser side (6.31) writes the difference into the very values
of that step, which may still wait to be shown: a picture that the next step leaves out is taken from the step before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_img_array_to_cache

from rsc_core.ui.shown import Updates

Callback = Callable[..., Iterator[Updates]]


def repeated(callback: Callback) -> Callback:
    """Make every step of a callback hold what the steps before it have set; pictures are packed once."""

    @wraps(callback)
    def steps(*args: Any) -> Iterator[Updates]:
        told: Updates = {}
        for step in callback(*args):
            if step == gr.skip():
                yield told or step
                continue
            told = told | {place: _packed(place, value) for place, value in step.items()}
            yield told
            # Nothing has no parts to be changed; and what a visitor fills in meanwhile stays.
            told = {place: value for place, value in told.items() if value is not None}

    return steps


def _packed(place: Any, value: Any) -> Any:
    """A picture as the file that Gradio would make of it at every step."""
    if isinstance(place, gr.Image) and isinstance(value, np.ndarray):
        return save_img_array_to_cache(value, place.GRADIO_CACHE, format=place.format)
    return value
