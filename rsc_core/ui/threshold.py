"""The part of the tab Build that asks how loud a sound must be for each model to label it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import build_figures, synth
from rsc_core.threshold import LEVELS_DB
from rsc_core.ui import build_markup, markup, texts
from rsc_core.ui.pictures import measure, picture, picture_place, picture_size, width_place
from rsc_core.ui.shown import Updates, spoken
from rsc_core.ui.steps import repeated
from rsc_core.ui.turns import Turn

if TYPE_CHECKING:
    from rsc_core.building import Recipe
    from rsc_core.inference import Analyser

KINDS = [kind for kind, about in synth.KINDS.items() if about.label]
FIRST = "wheeze"


class ThresholdSection:
    """Builds its part inside the current ``gr.Blocks``; ``wire`` connects it to the sliders above it.

    Args:
        analyser: whose models are asked.
        recipe: makes a recipe of the kinds of its sounds and of what the sliders say.
    """

    def __init__(self, analyser: Analyser, recipe: Callable[..., Recipe]):
        self.analyser, self.recipe = analyser, recipe
        self.width = width_place()
        self.turn = gr.State(Turn())
        words = texts.threshold
        gr.HTML(markup.titled(words.TITLE, words.NOTE), js_on_load=None)
        self.kind = gr.Dropdown(
            [(kind.capitalize(), kind) for kind in KINDS],
            value=FIRST,
            label=words.KIND,
            info=words.NAMELESS,
            elem_id="threshold-kind",
        )
        with gr.Row():
            self.run = gr.Button(words.RUN, variant="primary", elem_id="threshold-run")
            self.stop = gr.Button(words.STOP, elem_id="threshold-stop")
        self.progress = gr.HTML(js_on_load=None, min_height=30, elem_id="threshold-progress")
        self.picture = picture_place(texts.pictures.ALT["namings"], "threshold-picture", visible=False)
        gr.HTML(markup.paragraph(words.READ, "note"), js_on_load=None)
        self.table = gr.HTML(js_on_load=None, elem_id="threshold-table")

    def wire(self, choice: Sequence[gr.components.Component]) -> None:
        """Connect the buttons; ``choice`` is what sets a recipe beside the kinds of its sounds."""
        at_once = {"queue": False, "show_progress": "hidden"}
        self.run.click(self.begin, self.turn, self.progress, api_name="begin_thresholds", **at_once).then(
            self.find,
            [self.width, self.turn, self.kind, *choice],
            [self.progress, self.picture, self.table],
            api_name="find_thresholds",
            js=measure("tabs"),
            concurrency_id="threshold",  # it lends models level by level, so nobody waits for all of it
            concurrency_limit=1,
            show_progress="minimal",
            show_progress_on=self.progress,
            trigger_mode="always_last",
        )
        self.stop.click(self.stopped, self.turn, self.progress, api_name="stop_thresholds", **at_once)

    def begin(self, turn: Turn) -> str:
        """Say that the search waits or begins."""
        turn.begin()
        return build_markup.status(texts.threshold.STARTED)

    @repeated
    def find(self, width_px: float, turn: Turn, kind: str, *values: Any) -> Iterator[Updates]:
        """Ask every model at every level, drawing along."""
        stopped = {self.progress: build_markup.status(texts.threshold.STOPPED)}
        yield from turn.steps(self._find(width_px, kind, *values), lambda _: stopped)

    def _find(self, width_px: float, kind: str, *values: Any) -> Iterator[Updates]:
        from rsc_core import naming  # imports torch: not before models are needed

        if not self.analyser.cards:
            raise gr.Error(texts.threshold.EMPTY, print_exception=False)
        yield {self.progress: build_markup.status(texts.threshold.STARTED), self.table: ""}
        try:
            asked = self.recipe([kind], *values)
            with spoken():
                levels = naming.namings(
                    self.analyser, asked.sounds[0], asked.breath, asked.through, asked.seed, LEVELS_DB
                )
                for found in levels:
                    done = len(found[0].levels_db)
                    drawn = build_figures.namings(found, LEVELS_DB, **picture_size(width_px))
                    yield {
                        self.progress: build_markup.asked(done, LEVELS_DB),
                        self.picture: picture(drawn.pixels()),
                        self.table: build_markup.namings(found, kind) if done == len(LEVELS_DB) else "",
                    }
        except ValueError as error:
            text = texts.build.NOT_BUILT.format(reason=build_markup.reason(error))
            yield {self.progress: markup.notice(text)}

    def stopped(self, turn: Turn) -> Any:
        """End the search and say so; what was found stays."""
        return build_markup.status(texts.threshold.STOPPED) if turn.stop() else gr.skip()
