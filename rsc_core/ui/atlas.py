"""The tab with a page for each sound: its words, its sound, its picture, and what it is confused with."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import gradio as gr

from rsc_core import build_figures, figures, synth
from rsc_core.analysis import CycleView
from rsc_core.figures import Picture
from rsc_core.playback import Playback, Sound, Version, time_axes_of
from rsc_core.ui import atlas_markup, markup, texts
from rsc_core.ui.pictures import beside, measure, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served
from rsc_core.ui.shown import Updates
from rsc_core.ui.texts.atlas import ENTRIES

if TYPE_CHECKING:
    from rsc_core.building import Built

COLUMNS = (4, 5)  # shares of the words and of what is heard and seen
SECONDS, RATE = 8.0, 22050
FIRST = "normal"


class AtlasTab:
    """Builds the tab inside the current ``gr.Tab``; every sound is made once, for all visitors."""

    def __init__(self, tab: gr.Tab):
        self.made = lru_cache(maxsize=len(ENTRIES))(_make)
        self.width = width_place()
        self.shown = gr.State()
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        gr.HTML(markup.paragraph(texts.atlas.NOTE, "note"), js_on_load=None)
        self.kind = gr.Radio(
            [(entry.title, kind) for kind, entry in ENTRIES.items()],
            value=FIRST,
            label=texts.atlas.CHOOSE,
            elem_id="atlas-kind",
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=COLUMNS[0], min_width=300):
                self.page = gr.HTML(
                    atlas_markup.page(ENTRIES[FIRST]), js_on_load=None, elem_id="atlas-page", elem_classes="atlas"
                )
            with gr.Column(scale=COLUMNS[1], min_width=300):
                gr.HTML(f"<h3>{texts.atlas.HEAR}</h3>", js_on_load=None, elem_classes="atlas")
                self.player = player_place("atlas-player", looping=False)
                self.confused = gr.HTML(js_on_load=None, min_height=200, elem_classes="atlas")
                self.picture = picture_place(texts.pictures.ALT["atlas"], "atlas-picture")
                self.hybrid = picture_place(texts.pictures.ALT["atlas-hybrid"], "atlas-hybrid")
        self._wire(tab)

    def _wire(self, tab: gr.Tab) -> None:
        shared = {
            "inputs": [self.width, self.shown, self.kind],
            "outputs": [self.shown, self.page, self.player, self.confused, self.picture, self.hybrid],
            "js": measure("tabs"),
            "concurrency_id": "analysis",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": self.picture,
        }
        tab.select(self.show, api_name="open_atlas", **shared)
        self.kind.input(self.show, api_name="atlas", trigger_mode="always_last", **shared)

    def show(self, width_px: float, shown: str | None, kind: str) -> Updates:
        """Show a sound's page; nothing is drawn again where it stands already."""
        if shown == kind:
            return gr.skip()
        made = {one: self.made(one) for one in (kind, *ENTRIES[kind].confused)}
        own, size = made[kind], picture_size(beside(width_px, COLUMNS))
        drawn = {
            self.picture: build_figures.built(own.synthetic, own.phases, own.spectrogram, **size),
            self.hybrid: figures.hybrid(_hybrid_view(own), **size),
        }
        return {
            self.shown: kind,
            self.page: atlas_markup.page(ENTRIES[kind]),
            self.player: served(_playback(made, drawn)),
            self.confused: atlas_markup.confused(ENTRIES[kind]),
            **{place: picture.pixels() for place, picture in drawn.items()},
        }


def _playback(made: dict[str, Built], drawn: dict[gr.Image, Picture]) -> Playback:
    """The sound that is shown, and those it is confused with at the same place of the same breath."""
    first = next(iter(made))
    sounds = tuple(Sound(one.synthetic.waveform, one.synthetic.sample_rate) for one in made.values())
    versions = tuple(Version(ENTRIES[kind].title, number) for number, kind in enumerate(made))
    pictures = {place.elem_id: time_axes_of(picture) for place, picture in drawn.items()}
    return Playback(f"atlas {first}", sounds, versions, pictures=pictures)


def _hybrid_view(made: Built) -> CycleView:
    from rsc_core.building import hybrid_view  # imports torch: not before a sound is built

    return hybrid_view(made.synthetic)


def _make(kind: str) -> Built:
    """An entry's sound, all of them over the same breath."""
    from rsc_core.building import Recipe, build  # imports torch: not before a sound is built

    sounds = () if kind == "normal" else (synth.TYPICAL[kind],)
    return build(Recipe(sounds=sounds, seconds=SECONDS, sample_rate=RATE))
