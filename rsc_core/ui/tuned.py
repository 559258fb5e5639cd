"""What tuning changed, under the comparison: attention, weights, and a dial between the base and the tuned model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from rsc_core import comparison_figures
from rsc_core.comparison_figures import Cells
from rsc_core.ui import markup, texts
from rsc_core.ui.columns import column
from rsc_core.ui.pictures import measure, picture_place, picture_size, width_place
from rsc_core.ui.shown import FORGET_S, Updates, remembered, spoken

if TYPE_CHECKING:
    from rsc_core.comparison import Tuned
    from rsc_core.explain.weights import LayerChange
    from rsc_core.inference import Analyser
    from rsc_core.ui.compare import Compared

COLUMN_PX = comparison_figures.NARROW_PX // 2 - 8  # beside each other from that width on


@dataclass(frozen=True)
class Opened:
    """One tuned model beside its base."""

    tuned: Tuned
    compared: Compared  # the comparison under which it was opened, and its cycle
    chosen: tuple[int, str]  # block and projection
    cells: Cells | None = None  # of the picture of changes
    columns: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """Say which model stands beside which base."""
        return texts.compare.TUNED_ABOUT.format(
            name=self.tuned.name, base=self.tuned.base, cycle=self.compared.chosen + 1
        )

    @property
    def beside(self) -> dict[str, LayerChange]:
        """The chosen change of every model tuned from the base."""
        return {
            name: change
            for name, changes in self.tuned.changes.items()
            for change in changes
            if (change.layer, change.projection) == self.chosen
        }


class TunedSection:
    """Builds the section inside the current ``gr.Blocks``; ``compared`` holds the recording and its chosen cycle."""

    def __init__(self, analyser: Analyser, compared: gr.State):
        self.analyser, self.compared = analyser, compared
        self.opened = gr.State(time_to_live=FORGET_S)
        self.width = width_place()
        gr.HTML(markup.titled(texts.compare.TUNED, texts.compare.TUNED_NOTE), js_on_load=None)
        self.name = gr.Radio([], label=texts.compare.TUNED_MODEL, elem_id="tuned-model")
        self.button = gr.Button(texts.compare.TUNED_RUN, elem_id="show-tuned")
        with column(seen=False) as self.result:
            self.about = gr.HTML(js_on_load=None, elem_id="tuned-about")
            self.share = gr.Slider(label=texts.compare.DIAL, elem_id="tuned-share")
            self.dial = picture_place(texts.pictures.ALT["dial"], "tuned-dial")
            self.difference = picture_place(texts.pictures.ALT["difference"], "tuned-difference")
            gr.HTML(
                markup.paragraph(texts.compare.MORE, "note") + markup.paragraph(texts.compare.CHANGED_NOTE, "note"),
                js_on_load=None,
            )
            with gr.Row():
                with gr.Column(min_width=COLUMN_PX):
                    self.changes = picture_place(texts.pictures.ALT["changes"], "tuned-changes", "png")
                with gr.Column(min_width=COLUMN_PX):
                    self.spectra = picture_place(texts.pictures.ALT["spectra"], "tuned-spectra", "png")
        self._wire()

    def _wire(self) -> None:
        shared = {"js": measure("compared"), "concurrency_id": "analysis", "concurrency_limit": 1}
        self.button.click(
            self.show,
            [self.width, self.compared, self.name],
            [
                self.opened,
                self.result,
                self.about,
                self.share,
                self.dial,
                self.difference,
                self.changes,
                self.spectra,
            ],
            api_name="what_tuning_changed",
            show_progress_on=self.button,
            **shared,
        )
        self.share.input(
            self.turn,
            [self.width, self.opened, self.share],
            self.dial,
            api_name="turn_dial",
            trigger_mode="always_last",
            show_progress="hidden",
            **shared,
        )
        self.changes.select(
            self.choose,
            [self.width, self.opened],
            [self.opened, self.changes, self.spectra],
            api_name="choose_projection",
            show_progress="hidden",
            **shared,
        )

    def offer(self) -> Any:
        """Return the tuned models whose base is here."""
        from rsc_core import comparison  # imports torch: not before models are needed

        with spoken():
            names = list(comparison.bases(self.analyser))
        if not names:
            return gr.Radio(choices=[], info=texts.compare.NO_TUNED)
        return gr.Radio(choices=names, value=names[0])

    def show(self, width_px: float, compared: Compared | None, name: str | None) -> Updates:
        """Show one tuned model beside its base."""
        from rsc_core import comparison  # imports torch: not before models are needed

        compared = remembered(compared)
        if not name:
            raise gr.Error(texts.compare.NO_TUNED, print_exception=False)
        with spoken():
            tuned = comparison.what_tuning_changed(
                self.analyser, compared.comparison.analyses[0], compared.chosen, name
            )
        opened, updates = self._weights(
            Opened(tuned, compared, (tuned.telling.layer, tuned.telling.projection)), width_px
        )
        note = texts.compare.DIAL_NOTE.format(label=tuned.label)
        difference = comparison_figures.difference(compared.beneath, tuned.more_than_base, **picture_size(width_px))
        return {
            self.opened: opened,
            self.result: column(seen=True),
            self.about: markup.titled(opened.about, note, level=3),
            # Each step is computed already.
            self.share: gr.Slider(0, tuned.factors[-1], value=1, step=tuned.factors[1]),
            self.dial: self._dial(opened, 1, width_px),
            self.difference: difference.pixels(),
            **updates,
        }

    def turn(self, width_px: float, opened: Opened | None, share: float) -> np.ndarray:
        """Return the probabilities with so much of the tuning."""
        return self._dial(remembered(opened), share, width_px)

    def choose(self, width_px: float, opened: Opened | None, event: gr.EventData) -> Updates:
        """Show the singular values of the cell that was clicked."""
        opened = remembered(opened)
        cell = opened.cells.at(*event.index)
        if cell is None:
            return gr.skip()
        opened, updates = self._weights(replace(opened, chosen=(cell[0], opened.columns[cell[1]])), width_px)
        return {self.opened: opened, **updates}

    def _dial(self, opened: Opened, share: float, width_px: float) -> np.ndarray:
        tuned = opened.tuned
        return comparison_figures.dial(
            tuned.factors, tuned.probabilities, tuned.classes, share, **picture_size(width_px)
        ).pixels()

    def _weights(self, opened: Opened, width_px: float) -> tuple[Opened, Updates]:
        """Both pictures of the weights, beside each other where there is room."""
        size = picture_size(width_px if width_px < comparison_figures.NARROW_PX else width_px / 2)
        tuned = opened.tuned
        picture, cells, columns = comparison_figures.weight_changes(tuned.changes[tuned.name], opened.chosen, **size)
        spectra = comparison_figures.spectra(opened.beside, **size)
        updates = {self.changes: picture.pixels(), self.spectra: spectra.pixels()}
        return replace(opened, cells=cells, columns=columns), updates
