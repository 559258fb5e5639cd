"""The tab that sets models beside each other on the recording of the first tab, disagreements first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import comparison_figures
from rsc_core.analysis import AttentionMap, Spectrogram
from rsc_core.ui import markup, texts
from rsc_core.ui.columns import column
from rsc_core.ui.pictures import measure, picture, picture_place, picture_size, width_place
from rsc_core.ui.shown import FORGET_S, Shown, Updates, remembered, spoken
from rsc_core.ui.steps import repeated
from rsc_core.ui.tuned import TunedSection

if TYPE_CHECKING:
    from rsc_core.comparison import Comparison
    from rsc_core.inference import Analyser

CHOSEN_FIRST = 3  # models ticked when the page opens


@dataclass(frozen=True)
class Compared:
    """What a visitor compares."""

    comparison: Comparison
    chosen: int  # cycle
    beneath: Spectrogram | None = None
    looks: tuple[tuple[AttentionMap, ...], ...] = ()  # of each model; () of one without attention

    @property
    def sentence(self) -> str:
        """Say how many cycles are labelled differently."""
        differs = self.comparison.differs
        text = texts.compare.DIFFERENT if differs.any() else texts.compare.DIFFERENT_NONE
        return text.format(count=int(differs.sum()), all=len(differs))

    @property
    def note(self) -> str:
        """Say how to read the maps, and which models have none."""
        if not any(self.looks):
            return texts.compare.NO_MAPS
        pairs = zip(self.comparison.analyses, self.looks, strict=True)
        without = [analysis.model.name for analysis, maps in pairs if not maps]
        return texts.compare.SAME_SCALE + (
            f" {texts.compare.NO_MAP.format(names=', '.join(without))}" if without else ""
        )

    def maps(self, look: str) -> dict[str, AttentionMap]:
        """Return one of ``texts.compare.MAPS`` of every model that has it, by model and label."""
        return {
            f"{analysis.model.name}: {analysis.labels[self.chosen]}": maps[texts.compare.MAPS.index(look)]
            for analysis, maps in zip(self.comparison.analyses, self.looks, strict=True)
            if maps
        }


class CompareTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to an Analyser and to what the first tab shows."""

    def __init__(self, analyser: Analyser, shown: gr.State, tab: gr.Tab):
        self.analyser, self.shown = analyser, shown
        self.width = width_place()
        self.compared = gr.State(time_to_live=FORGET_S)
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        with gr.Column(elem_id="compared"):
            gr.HTML(markup.paragraph(texts.compare.COMPARE, "note"), js_on_load=None)
            self.models = gr.CheckboxGroup([], label=texts.compare.MODELS, elem_id="compare-models")
            self.button = gr.Button(texts.compare.COMPARE_RUN, variant="primary", elem_id="compare")
            self.remark = gr.HTML(js_on_load=None, elem_id="compare-remark")
            with column(seen=False) as self.result:
                self._build_result()
        self._wire(tab)

    def _build_result(self) -> None:
        self.sentence = gr.HTML(js_on_load=None, elem_id="compare-sentence")
        self.first = gr.Checkbox(True, label=texts.compare.FIRST, container=False, elem_id="disagreements-first")
        self.table = gr.HTML(js_on_load=markup.CHOOSE_CYCLE, elem_id="compare-table")
        self.heading = gr.HTML(js_on_load=None, elem_id="compare-heading")
        self.look = gr.Radio(
            texts.compare.MAPS, value=texts.compare.MAPS[0], show_label=False, container=False, elem_id="compare-look"
        )
        self.maps = picture_place(texts.pictures.ALT["maps"], "compare-maps")
        self.map_note = gr.HTML(js_on_load=None)
        self.tuned = TunedSection(self.analyser, self.compared)

    def _wire(self, tab: gr.Tab) -> None:
        shared = {
            "js": measure("compared"),
            "concurrency_id": "analysis",
            "concurrency_limit": 1,
            "show_progress": "minimal",
        }
        pictures = [self.compared, self.table, self.heading, self.maps, self.map_note, self.tuned.result]
        everything = [*pictures, self.remark, self.result, self.sentence]
        tab.select(
            self.open,
            [self.shown, self.compared],
            [self.remark, self.result],
            api_name="open_compare",
            show_progress="hidden",
        )
        self.button.click(
            self.compare,
            [self.width, self.shown, self.models, self.first, self.look],
            everything,
            api_name="compare",
            show_progress_on=self.button,
            **shared,
        )
        self.first.input(
            self.sort, [self.compared, self.first], self.table, api_name="sort_cycles", show_progress="hidden"
        )
        choice = [self.width, self.compared, self.first, self.look]
        self.table.select(
            self.choose, choice, pictures, api_name="choose_compared", show_progress_on=self.maps, **shared
        )
        self.look.input(
            self.switch_look,
            [self.width, self.compared, self.look],
            self.maps,
            api_name="switch_look",
            show_progress_on=self.maps,
            **shared,
        )

    def offer(self) -> tuple[Any, Any]:
        """Return the models to choose from and the tuned ones among them."""
        try:
            with spoken():
                names, default = list(self.analyser.cards), self.analyser.default
        except gr.Error:  # the first tab says it
            return gr.CheckboxGroup(visible=False), gr.Radio(visible=False)
        first = [default, *(name for name in names if name != default)][:CHOSEN_FIRST]
        ticked = [name for name in names if name in first]
        return gr.CheckboxGroup(choices=names, value=ticked), self.tuned.offer()

    def open(self, shown: Shown | None, compared: Compared | None) -> Updates:
        """Say what is missing, and hide a comparison of another recording."""
        if shown is None:
            return self._instead(texts.compare.COMPARE_FIRST)
        if compared and compared.comparison.analyses[0].recording is not shown.analysis.recording:
            return self._instead(texts.compare.COMPARE_NEW)
        return {self.remark: ""}

    @repeated
    def compare(
        self, width_px: float, shown: Shown | None, names: list[str], first: bool, look: str
    ) -> Iterator[Updates]:
        """Label the recording with every chosen model, then show where each reads in the first cycle of the table."""
        from rsc_core import comparison  # imports torch: not before models are needed

        if shown is None:
            raise gr.Error(texts.compare.COMPARE_FIRST, print_exception=False)
        if not comparison.FEWEST <= len(names) <= comparison.MOST:
            raise gr.Error(texts.compare.MODELS_ASKED.format(count=len(names)), print_exception=False)
        with spoken():
            made = comparison.compare(self.analyser, shown.analysis, names)
        compared = Compared(made, made.order(first)[0])
        yield {
            self.compared: compared,
            self.remark: "",
            self.result: column(seen=True),
            self.sentence: markup.paragraph(compared.sentence, "verdict"),
            self.table: markup.compared_table(made, compared.chosen, made.order(first)),
        }
        yield self._cycle(compared, width_px, look)

    def sort(self, compared: Compared | None, first: bool) -> str:
        """Return the table in another order."""
        compared = remembered(compared)
        return markup.compared_table(compared.comparison, compared.chosen, compared.comparison.order(first))

    @repeated
    def choose(
        self, width_px: float, compared: Compared | None, first: bool, look: str, event: gr.EventData
    ) -> Iterator[Updates]:
        """Show the cycle whose row was clicked."""
        compared = replace(remembered(compared), chosen=int(event.index))
        yield {self.table: self.sort(compared, first)}
        yield self._cycle(compared, width_px, look)

    def switch_look(self, width_px: float, compared: Compared | None, look: str) -> Any:
        """Show another kind of map."""
        return self._maps(remembered(compared), width_px, look)

    def _instead(self, text: str) -> Updates:
        return {self.remark: markup.paragraph(text, "welcome"), self.result: column(seen=False)}

    def _cycle(self, compared: Compared, width_px: float, look: str) -> Updates:
        analyses = compared.comparison.analyses
        with spoken():
            beneath = self.analyser.log_mel(analyses[0], compared.chosen)
            looks = tuple(self.analyser.attention(one, compared.chosen, one.model.name) for one in analyses)
        compared = replace(compared, beneath=beneath, looks=looks)
        cycle = analyses[0].cycles[compared.chosen]
        return {
            self.compared: compared,
            self.heading: markup.cycle_heading(compared.chosen, cycle),
            self.maps: self._maps(compared, width_px, look),
            self.map_note: markup.paragraph(compared.note, "note"),
            self.tuned.result: column(seen=False),
        }

    def _maps(self, compared: Compared, width_px: float, look: str) -> Any:
        drawn = compared.maps(look)
        if not drawn:
            return picture(None)
        return picture(comparison_figures.maps(compared.beneath, drawn, **picture_size(width_px)).pixels())
