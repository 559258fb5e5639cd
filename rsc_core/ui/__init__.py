"""The page: the only package that imports gradio. No torch is imported until a model is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core.ui import cache, markup, phone, texts
from rsc_core.ui.analyse import AnalyseTab
from rsc_core.ui.annotate import AnnotateTab
from rsc_core.ui.atlas import AtlasTab
from rsc_core.ui.build import BuildTab
from rsc_core.ui.compare import CompareTab
from rsc_core.ui.inside import InsideTab
from rsc_core.ui.links import Links
from rsc_core.ui.many import ManyTab
from rsc_core.ui.mix import MixTab
from rsc_core.ui.quiz import QuizTab
from rsc_core.ui.theme import colours, theme

if TYPE_CHECKING:
    from rsc_core.inference import Analyser

HERE = Path(__file__).parent
CACHE_S = (600, 3600)  # how often files are looked at, and how old they may get
SESSIONS = 64  # visitors remembered; one may hold a recording of up to 40 MB for each tab
WAITING = 128  # requests that wait: a class clicks together


def build_app(analyser: Analyser) -> gr.Blocks:
    """Return the page around an Analyser, whose models are asked for only when the page is open."""
    with gr.Blocks(title=texts.page.TITLE, analytics_enabled=False, delete_cache=CACHE_S) as app:
        gr.HTML(markup.header(), js_on_load=None)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab(texts.page.ANALYSE_TAB, id="analyse") as first:
                tab = AnalyseTab(analyser)
            with gr.Tab(texts.page.INSIDE_TAB, id="inside", elem_id="inside") as inside:
                InsideTab(analyser, tab.shown, inside)
            with gr.Tab(texts.page.COMPARE_TAB, id="compare", elem_id="compare-tab") as compare:
                beside = CompareTab(analyser, tab.shown, compare)
                tab.take_home(beside.compared, beside.tuned.opened)
            with gr.Tab(texts.page.MIX_TAB, id="mix", elem_id="mix-tab") as mix:
                MixTab(analyser, tab.shown, tab.examples, mix)
            with gr.Tab(texts.page.ANNOTATE_TAB, id="annotate", elem_id="annotate-tab") as annotate:
                AnnotateTab(tab, tabs, first, annotate)
            with gr.Tab(texts.page.MANY_TAB, id="many", elem_id="many-tab") as many:
                ManyTab(analyser, tab.model)
            with gr.Tab(texts.page.BUILD_TAB, id="build", elem_id="build-tab") as build:
                BuildTab(analyser, tab, tabs, build)
            with gr.Tab(texts.page.ATLAS_TAB, id="atlas", elem_id="atlas-tab") as atlas:
                AtlasTab(atlas)
            with gr.Tab(texts.page.QUIZ_TAB, id="quiz", elem_id="quiz-tab") as asking:
                quiz = QuizTab(analyser)
        loading = {"concurrency_limit": None, "show_progress": "hidden"}
        loaded = app.load(tab.offer, None, [tab.models, tab.model, tab.card, tab.button], api_name="models", **loading)
        Links(loaded, tabs, (first, inside, compare, mix, annotate, many, build, atlas, asking), tab)
        app.load(beside.offer, None, [beside.models, beside.tuned.name], api_name="compare_models", **loading)
        app.load(quiz.offer, None, [quiz.model, quiz.start_button], api_name="quiz_models", **loading)
    app.queue(max_size=WAITING, default_concurrency_limit=2)
    return app


def launch_options(folder: Path) -> dict[str, Any]:
    """Return what ``launch`` needs besides host and port; ``folder`` is what ``cache.make_folder`` made."""
    words = f"const WORDS = {json.dumps(texts.recorder.MICROPHONE)};"
    scripts = [(HERE / name).read_text() for name in ("recorder.js", "page.js", "player.js")]
    return {
        "theme": theme(),
        "css": colours(),
        "css_paths": HERE / "style.css",
        "head": "".join(f"<script>{script}</script>" for script in (words, *scripts)) + phone.scripts(),
        "app_kwargs": {"lifespan": cache.sweeping(folder.parent)},
        "max_file_size": f"{phone.LARGEST_MB}mb",
        "state_session_capacity": SESSIONS,
        "footer_links": ["api"],
        "ssr_mode": False,
        "share": False,
    }
