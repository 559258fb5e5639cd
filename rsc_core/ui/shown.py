"""What a visitor looks at in the first tab, which the other tabs show too, and how a callback says what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from rsc_core.analysis import Analysis, CycleView
from rsc_core.audio import AudioError
from rsc_core.cycles import AnnotationError
from rsc_core.figures import AxisMap
from rsc_core.playback import Playback
from rsc_core.ui import texts

FORGET_S = 3600
Updates = dict[gr.components.Component, Any]


@dataclass(frozen=True)
class Shown:
    """What a visitor looks at."""

    analysis: Analysis
    chosen: int  # cycle
    waveform_axes: AxisMap
    playback: Playback
    view: CycleView | None = None


@contextmanager
def spoken() -> Iterator[None]:
    """Show errors meant for the visitor on the page; they stay out of the log, since they may hold a file's name."""
    from rsc_core.checkpoint import CheckpointError  # imports torch: not before a model is needed

    try:
        yield
    except (AudioError, AnnotationError, CheckpointError) as error:
        raise gr.Error(escape(str(error), quote=False), duration=20, print_exception=False) from None


def remembered(shown: Shown | None) -> Shown:
    """Return what a visitor looks at, or say that the server has forgotten it."""
    if shown is None:
        raise gr.Error(texts.page.FORGOTTEN, print_exception=False)
    return shown
