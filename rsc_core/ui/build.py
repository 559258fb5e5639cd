"""The tab that builds a sound from physical parameters: hear it, see it, have it labelled, take it home.

Its sliders are made from the fields of the synthesiser's dataclasses. A recipe always gives the same sound, so every
callback takes the sliders and nothing but the recipe that is shown is remembered.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import build_figures, synth
from rsc_core.controls import Control, controls, fill
from rsc_core.playback import time_axes_of
from rsc_core.ui import build_markup, cache, markup, texts
from rsc_core.ui.analyse import AnalyseTab
from rsc_core.ui.pictures import beside, measure, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served_alone
from rsc_core.ui.shown import FORGET_S, Updates
from rsc_core.ui.threshold import ThresholdSection

if TYPE_CHECKING:
    from rsc_core.building import Built, Recipe
    from rsc_core.inference import Analyser

MOST = 2  # sounds at once
FIRST = ["fine crackle"]
SECONDS = (4, 60, 12)
SEED_MAX = 2**31 - 1
COLUMNS = (4, 7)  # shares of the controls and of what they make
FILE = "built-sound.wav"


class BuildTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to the first tab, whose models label what is built."""

    def __init__(self, analyser: Analyser, analyse: AnalyseTab, tabs: gr.Tabs, tab: gr.Tab):
        self.parts: dict[str, Any] = {"breath": synth.Breath(), **synth.TYPICAL, "through": synth.Transmission()}
        self.sliders: dict[str, list[gr.components.Component]] = {}
        self.make = lru_cache(maxsize=4)(_make)
        self.width = width_place()
        self.built = gr.State(time_to_live=FORGET_S)
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        gr.HTML(markup.paragraph(texts.build.NOTE, "note"), js_on_load=None)
        with gr.Row(equal_height=False):
            with gr.Column(scale=COLUMNS[0], min_width=300):
                self._build_choice()
            with gr.Column(scale=COLUMNS[1], min_width=300, elem_id="built"):
                self._build_result()
        self.threshold = ThresholdSection(analyser, self.recipe)
        self._wire(analyse, tabs, tab)

    def _build_choice(self) -> None:
        self.kinds = gr.CheckboxGroup(
            [(kind.capitalize(), kind) for kind in synth.TYPICAL],
            value=FIRST,
            label=texts.build.SOUNDS,
            info=texts.build.SOUNDS_NOTE,
            elem_id="build-kinds",
        )
        self.folds = {}
        for kind in synth.TYPICAL:
            with gr.Accordion(kind.capitalize(), visible=kind in FIRST) as self.folds[kind]:
                self._build_sliders(kind)
        with gr.Accordion(texts.build.BREATH, open=False):
            self._build_sliders("breath")
        with gr.Accordion(texts.build.TRANSMISSION, open=False):
            self._build_sliders("through")
        low, high, default = SECONDS
        self.seconds = gr.Slider(low, high, default, step=1, label=texts.build.SECONDS)
        self.seed = gr.Number(
            0,
            precision=0,
            minimum=0,
            maximum=SEED_MAX,
            label=texts.build.SEED,
            info=texts.build.SEED_NOTE,
            elem_id="build-seed",
        )

    def _build_sliders(self, part: str) -> None:
        self.sliders[part] = [slider(control, part) for control in controls(self.parts[part])]

    def _build_result(self) -> None:
        self.said = gr.HTML(js_on_load=None, min_height=90, elem_id="build-said", elem_classes="said")
        self.player = player_place("build-play", looping=False)
        self.picture = picture_place(texts.pictures.ALT["built"], "build-picture")
        with gr.Row():
            self.send = gr.Button(texts.build.SEND, variant="primary", elem_id="build-send")
            self.download = gr.Button(texts.build.DOWNLOAD, elem_id="build-download")
        self.files = gr.File(visible=False, interactive=False, label=texts.build.FILES, elem_id="build-files")
        gr.HTML(markup.paragraph(texts.build.FILES_NOTE, "note"), js_on_load=None)
        with gr.Accordion(texts.build.TIMES, open=False):
            self.times = gr.HTML(js_on_load=None, elem_id="build-times")

    def _wire(self, analyse: AnalyseTab, tabs: gr.Tabs, tab: gr.Tab) -> None:
        values = [one for part in self.sliders.values() for one in part]
        choice = [self.kinds, self.seconds, self.seed, *values]
        self.threshold.wire(choice[1:])
        results = [self.built, self.said, self.player, self.picture, self.times, self.files]
        # Drawing shares the processor with the models: one visitor's callback at a time.
        shared = {
            "js": measure("tabs"),
            "concurrency_id": "analysis",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": self.picture,
        }
        asked = [self.width, self.built, *choice]
        tab.select(self.open, asked, results, api_name="open_build", **shared)
        changed = [one.input for one in (self.seconds, self.seed, *values)]
        gr.on(changed, self.build, asked, results, api_name="build", trigger_mode="always_last", **shared)
        self.kinds.input(
            self.choose, self.kinds, [self.kinds, *self.folds.values()], api_name="build_of", show_progress="hidden"
        ).then(self.build, asked, results, api_name="build_chosen", **shared)
        opened = self.send.click(
            self.hand_over,
            choice,
            [analyse.audio, analyse.annotation, analyse.example, tabs],
            api_name="label_built",
            show_progress_on=self.send,
        )
        analyse.analyse_after(opened, "analyse_built")
        self.download.click(
            self.take_home, choice, self.files, api_name="download_built", show_progress_on=self.download
        )

    def open(self, width_px: float, built: Recipe | None, *choice: Any) -> Updates:
        """Build the first sound; nothing is drawn again where one stands already."""
        return gr.skip() if built else self.build(width_px, built, *choice)

    def choose(self, kinds: list[str]) -> list[Any]:
        """Show the sliders of the chosen kinds; the last ones where too many are ticked."""
        kinds = kinds[-MOST:]
        return [kinds, *(gr.Accordion(visible=kind in kinds) for kind in synth.TYPICAL)]

    def build(self, width_px: float, built: Recipe | None, *choice: Any) -> Updates:
        """Make the sound, play and draw it; what does not fit together is said."""
        try:
            recipe = self.recipe(*choice)
            made = self.make(recipe)
        except ValueError as error:
            text = texts.build.MISFIT if built else texts.build.NOT_BUILT
            return {self.said: markup.notice(text.format(reason=build_markup.reason(error)))}
        heard = made.synthetic
        drawn = build_figures.built(heard, made.phases, made.spectrogram, **picture_size(beside(width_px, COLUMNS)))
        return {
            self.built: recipe,
            self.said: build_markup.summary(heard, recipe.sounds),
            self.player: served_alone(heard.waveform, heard.sample_rate, {self.picture.elem_id: time_axes_of(drawn)}),
            self.picture: drawn.pixels(),
            self.times: build_markup.times(heard),
            self.files: gr.File(None, visible=False),
        }

    def hand_over(self, *choice: Any) -> tuple[str, str | None, None, gr.Tabs]:
        """Return the sound and its annotation for the first tab, and open that."""
        wav, *annotations = self._write(choice)
        annotation = next((path for path in annotations if path.suffix == ".json"), None)
        return str(wav), annotation and str(annotation), None, gr.Tabs(selected="analyse")

    def take_home(self, *choice: Any) -> gr.File:
        """Write the sound and its annotations and show where to fetch them."""
        return gr.File([str(path) for path in self._write(choice)], visible=True)

    def recipe(self, kinds: list[str], seconds: float, seed: int | None, *values: Any) -> Recipe:
        """Return what the page's controls ask for.

        Raises:
            ValueError: values that do not fit together.
        """
        from rsc_core.building import Recipe  # imports torch: not before a sound is built

        left = list(values)
        own = {part: [left.pop(0) for _ in sliders] for part, sliders in self.sliders.items()}
        asked = {part: fill(self.parts[part], own[part]) for part in ("breath", *kinds, "through")}
        sounds = tuple(asked[kind] for kind in synth.TYPICAL if kind in kinds)
        return Recipe(asked["breath"], sounds, asked["through"], float(seconds), int(seed or 0))

    def _write(self, choice: tuple[Any, ...]) -> list[Path]:
        """The sound's file and those of its annotation, where its sounds have a class there."""
        try:
            made = self.make(self.recipe(*choice)).synthetic
        except ValueError as error:
            text = texts.build.NOT_BUILT.format(reason=build_markup.reason(error))
            raise gr.Error(text, duration=20, print_exception=False) from None
        path = cache.fresh(FILE)
        if any(synth.KINDS[event.kind].label is None for event in made.events):
            return [synth.write_wav(path, made)]
        return [path, synth.write(path, made), synth.annotate(path.with_suffix(".json"), made)]


def slider(control: Control, part: str) -> gr.components.Component:
    """Return what sets one control: a slider, or a list to choose from."""
    words, allowed = texts.build.FIELDS[control.field], control.allowed
    info = texts.build.SOURCE.format(source=allowed.source)
    name = f"build-{part}-{control.field}" + ("" if control.place is None else f"-{control.place}")
    name = name.replace(" ", "-").replace("_", "-")
    if allowed.choices:
        return gr.Radio(list(allowed.choices), value=control.default, label=words, info=info, elem_id=name)
    label = "{name}, {unit}" if control.place is None else texts.build.FROM_TO[control.place]
    return gr.Slider(
        allowed.low,
        allowed.high,
        control.default,
        step=control.step,
        label=label.format(name=words, unit=allowed.unit),
        info=info,
        elem_id=name,
    )


def _make(recipe: Recipe) -> Built:
    from rsc_core import building  # imports torch: not before a sound is built

    return building.build(recipe)
