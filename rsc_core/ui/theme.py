"""What the page looks like: one accent that can be read on both grounds, plain labels, the visitor's own fonts."""

from __future__ import annotations

import gradio as gr

from rsc_core.cluster_figures import CLUSTER_COLOURS
from rsc_core.figures import CLASS_COLOURS, PALETTE

FONTS = {  # of the visitor's own system: nothing is fetched
    "font": ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
    "font_mono": ("ui-monospace", "monospace"),
}
ACCENT, ACCENT_HOVER = "*primary_700", "*primary_800"  # white text on them has a contrast above 4.5

EDGES = {  # white stands on white: what can be clicked or filled in shows where it ends
    "checkbox_border_color": "*neutral_500",
    "checkbox_border_color_dark": "*neutral_400",
    "input_border_color": "*neutral_500",
    "input_border_color_dark": "*neutral_500",
    "input_border_width": "1px",
    "button_border_width": "1px",
    "button_secondary_border_color": "*neutral_400",
    "button_secondary_border_color_dark": "*neutral_500",
    "checkbox_label_border_width": "1px",
    "checkbox_label_border_color": "*neutral_400",
    "checkbox_label_border_color_dark": "*neutral_500",
}


def colours() -> str:
    """Return CSS that gives the pictures' colours to style.css: ``--wheeze``, ``--cluster-1``, ``--orange``."""
    clusters = {f"cluster-{i}": colour for i, colour in enumerate(CLUSTER_COLOURS, start=1)}
    named = PALETTE | CLASS_COLOURS | clusters
    return "body { " + " ".join(f"--{name}: {colour};" for name, colour in named.items()) + " }"


def theme() -> gr.themes.Base:
    """Return the page's theme, light and dark."""
    soft = gr.themes.Soft(primary_hue="teal", neutral_hue="slate", **FONTS)
    label = {"text_color": "*neutral_700", "text_color_dark": "*neutral_200", "text_weight": "600"}
    plain = {"background_fill": "transparent", "background_fill_dark": "transparent"}
    title = {f"block_title_{name}": value for name, value in {**label, **plain, "padding": "0"}.items()}
    corner = {"background_fill": "*background_fill_secondary", "background_fill_dark": "*background_fill_secondary"}
    return soft.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        **title,
        **{f"block_label_{name}": value for name, value in {**label, **corner}.items()},
        button_primary_background_fill=ACCENT,
        button_primary_background_fill_dark=ACCENT,
        button_primary_background_fill_hover=ACCENT_HOVER,
        button_primary_background_fill_hover_dark=ACCENT_HOVER,
        button_secondary_background_fill_hover_dark=ACCENT,
        checkbox_background_color_selected=ACCENT,
        checkbox_background_color_selected_dark=ACCENT,
        checkbox_label_background_fill_selected=ACCENT,
        checkbox_label_background_fill_selected_dark=ACCENT,
        **EDGES,
        slider_color=ACCENT,
        slider_color_dark="*primary_400",
    )
