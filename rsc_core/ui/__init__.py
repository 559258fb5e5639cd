"""The page: the only package that imports gradio, and it does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from rsc_core.inference import Analyser
from rsc_core.ui import analyse, texts

HERE = Path(__file__).parent


def build_app(analyser: Analyser) -> gr.Blocks:
    """Return the page over an analyser's models; launch it with ``launch_options``."""
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as app:
        gr.Markdown(f"# {texts.TITLE}\n{texts.INTRO}", elem_id="title")
        if analyser.cards:
            with gr.Tab("Analyse"):
                analyse.build(analyser)
        else:
            gr.Markdown(texts.NO_MODELS.format(folder=analyser.folder))
    return app.queue(default_concurrency_limit=2)


def launch_options() -> dict[str, Any]:
    """Return what gradio's ``launch`` needs for this page: looks, the recorder's script, limits."""
    return {
        "theme": gr.themes.Soft(
            primary_hue="sky", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        "css": (HERE / "style.css").read_text(),
        "head": f"<script>{(HERE / 'recorder.js').read_text()}</script>",
        "max_file_size": "120mb",
        "ssr_mode": False,
        "footer_links": [],
    }
