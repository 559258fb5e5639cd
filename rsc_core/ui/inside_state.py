"""What a visitor of the tab "Look inside" has chosen, and the pictures it was chosen on."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from rsc_core.analysis import Analysis, Look, Tile
from rsc_core.head_figures import HeadPictures
from rsc_core.playback import Playback
from rsc_core.ui import texts

FIRST_METHOD = "gradient_attention"  # quick, and differs from class to class
SECOND_METHOD = "gradient_input"


@dataclass(frozen=True)
class Inside:
    """What a visitor has chosen."""

    analysis: Analysis
    index: int  # cycle
    query: str = "mean"  # key of ``texts.inside.QUERIES``
    tile: Tile | None = None  # the last patch clicked
    head: tuple[int, int] = (0, 0)  # layer, head
    width_px: float = 0.0  # of ``pictures``
    pictures: HeadPictures | None = None
    playback: Playback | None = None


def remembered(inside: Inside | None) -> Inside:
    """Return what a visitor looks into, or say that the server has forgotten it."""
    if inside is None:
        raise gr.Error(texts.page.FORGOTTEN, print_exception=False)
    return inside


def contrast_of(label: str, against: str) -> str | None:
    """Return the class that stands against ``label``, or None for all others.

    Raises:
        gr.Error: they are the same class; it holds the sentence.
    """
    if label == against:
        raise gr.Error(texts.inside.SAME_CLASS, print_exception=False)
    return None if against == texts.inside.NO_CONTRAST else against


def first_methods(look: Look) -> tuple[str, str]:
    """Return the method that is shown first, and the one it is compared with."""
    return (FIRST_METHOD, SECOND_METHOD) if look.attends else (SECOND_METHOD, "occlusion")
