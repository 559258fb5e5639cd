"""Where pictures stand on the page, and how large they are drawn."""

from __future__ import annotations

import gradio as gr
import numpy as np

from rsc_core import figures

WIDTHS_PX = (280, 1200)
STACKED_PX = 620  # of the page; narrower, its columns stand under each other


def picture_place(alt: str, name: str, kind: str = "webp", visible: bool = True) -> gr.Image:
    """An image place; WebP is an eighth as large as PNG, and JPEG packed in a tenth of WebP's time."""
    return gr.Image(
        alt_text=alt,
        format=kind,
        interactive=False,
        show_label=False,
        container=False,
        buttons=[],
        visible=visible,
        elem_id=name,
        elem_classes="picture",
    )


def picture(pixels: np.ndarray | None) -> gr.Image:
    """Return what fills a place that is seen only while it holds something."""
    return gr.Image(pixels, visible=pixels is not None)


def picture_size(width_px: float) -> dict[str, float]:
    """Layout width and sharpness: phones have the finer screens."""
    width = int(np.clip(width_px, *WIDTHS_PX))
    return {"width_px": width, "scale": 2.0 if width < figures.NARROW_PX else 1.5}


def beside(width_px: float, columns: tuple[int, int]) -> float:
    """Return how wide the second of two columns stands on a page of this width, given both columns' scales."""
    return width_px if width_px < STACKED_PX else width_px * columns[1] / sum(columns)


def width_place() -> gr.Number:
    """A number nobody sees: the width in pixels, which ``measure`` fills in as a callback is sent."""
    return gr.Number(800, visible=False, label="width in pixels")


def measure(name: str) -> str:
    """Script of a callback whose first input is a width in pixels: that of the element of this name."""
    return f"(_, ...rest) => [document.getElementById('{name}').clientWidth, ...rest]"
