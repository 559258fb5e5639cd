"""The page: the only package that imports gradio. No torch is imported until a model is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core.ui import cache, texts
from rsc_core.ui.analyse import AnalyseTab
from rsc_core.ui.compare import CompareTab
from rsc_core.ui.inside import InsideTab
from rsc_core.ui.mix import MixTab

if TYPE_CHECKING:
    from rsc_core.inference import Analyser

HERE = Path(__file__).parent
FONTS = {  # of the visitor's own system: nothing is fetched
    "font": ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
    "font_mono": ("ui-monospace", "monospace"),
}
CACHE_S = (600, 3600)  # how often files are looked at, and how old they may get
SESSIONS = 64  # visitors remembered; one holds a recording of up to 40 MB


def build_app(analyser: Analyser) -> gr.Blocks:
    """Return the page around an Analyser, whose models are asked for only when the page is open."""
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=CACHE_S) as app:
        gr.HTML(f"<header><h1>{texts.TITLE}</h1><p>{texts.SUBTITLE}</p></header>", js_on_load=None)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(texts.ANALYSE_TAB):
                tab = AnalyseTab(analyser)
            with gr.Tab(texts.INSIDE_TAB, elem_id="inside") as inside:
                InsideTab(analyser, tab.shown, inside)
            with gr.Tab(texts.COMPARE_TAB, elem_id="compare-tab") as compare:
                beside = CompareTab(analyser, tab.shown, compare)
                tab.take_home(beside.compared, beside.tuned.opened)
            with gr.Tab(texts.MIX_TAB, elem_id="mix-tab") as mix:
                MixTab(analyser, tab.shown, tab.examples, mix)
        loading = {"concurrency_limit": None, "show_progress": "hidden"}
        app.load(tab.offer, None, [tab.models, tab.model, tab.card, tab.button], api_name="models", **loading)
        app.load(beside.offer, None, [beside.models, beside.tuned.name], api_name="compare_models", **loading)
    app.queue(max_size=32, default_concurrency_limit=2)
    return app


def launch_options(folder: Path) -> dict[str, Any]:
    """Return what ``launch`` needs besides host and port; ``folder`` is what ``cache.make_folder`` made."""
    words = json.dumps(texts.recorder.MICROPHONE)
    scripts = (f"const WORDS = {words};\n{(HERE / 'recorder.js').read_text()}", (HERE / "player.js").read_text())
    return {
        "theme": gr.themes.Soft(primary_hue="teal", neutral_hue="slate", **FONTS),
        "css_paths": HERE / "style.css",
        "head": "".join(f"<script>{script}</script>" for script in scripts),
        "app_kwargs": {"lifespan": cache.sweeping(folder.parent)},
        "max_file_size": "120mb",
        "state_session_capacity": SESSIONS,
        "footer_links": ["api"],
        "ssr_mode": False,
        "share": False,
    }
