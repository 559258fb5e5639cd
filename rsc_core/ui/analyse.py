"""The tab that analyses one recording: hear it, see it, read its labels, switch the model.

Callbacks check, call and draw. Each visitor has one ``Shown`` in a ``gr.State``; the server forgets it after an hour.
Drawing callbacks take the width of the result column first, which the browser measures as it calls.

Each step of a generator holds the steps before it (``steps.repeated``): so none sets the recording or an annotation
other than to nothing, for a visitor may choose another one meanwhile.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import figures
from rsc_core.analysis import Analysis, CycleView
from rsc_core.figures import Picture
from rsc_core.playback import Playback, Sound, time_axes_of
from rsc_core.ui import downloads, markup, phone, texts
from rsc_core.ui.columns import column
from rsc_core.ui.examples import Examples
from rsc_core.ui.pictures import measure, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served
from rsc_core.ui.shown import FORGET_S, Shown, Updates, remembered, spoken
from rsc_core.ui.steps import repeated

if TYPE_CHECKING:
    from rsc_core.inference import Analyser

REVEAL = (Path(__file__).parent / "reveal.js").read_text()


class AnalyseTab:
    """Builds the tab inside the current ``gr.Blocks`` and wires it to an Analyser."""

    def __init__(self, analyser: Analyser):
        self.analyser = analyser
        self.examples = Examples()
        self.width = width_place()
        self.shown = gr.State(time_to_live=FORGET_S)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_id="input"):
                self._build_input()
            with gr.Column(scale=9, min_width=300, elem_id="results"):
                self.welcome = gr.HTML(markup.paragraph(texts.analyse.WELCOME, "welcome"), js_on_load=None)
                with column(seen=False) as self.result:
                    self._build_result()
        self._wire()

    def _build_input(self) -> None:
        self.audio = gr.Audio(
            sources=["microphone", "upload"],
            type="filepath",
            label=texts.analyse.SOUND,
            buttons=["download"],
            waveform_options=gr.WaveformOptions(sample_rate=phone.RATE_HZ),
            elem_id="sound",
        )
        gr.HTML(
            phone.places()
            + f'<p id="microphone-state" class="note" aria-live="polite">{texts.recorder.MICROPHONE["before"]}</p>'
            + markup.paragraph(f"{texts.analyse.RECORDER} {texts.page.KEPT}", "note"),
            js_on_load=None,
        )
        self.example = gr.Dropdown(self.examples.names, value=None, label=texts.analyse.EXAMPLE, elem_id="example")
        with gr.Accordion(texts.analyse.ANNOTATION, open=False):
            self.annotation = gr.File(
                label=texts.analyse.ANNOTATION_FILE, file_types=[".txt", ".json"], height=110, elem_id="annotation"
            )
        self.button = gr.Button(texts.analyse.RUN, variant="primary", elem_id="analyse")
        self.model = gr.Textbox(visible=False, label="name of the model")
        self.models = gr.HTML(js_on_load=markup.CHOOSE_MODEL, elem_id="model")
        self.card = gr.HTML(markup.paragraph(texts.models.LOADING, "note"), js_on_load=None, elem_id="card")

    def _build_result(self) -> None:
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        self.remarks = gr.HTML(js_on_load=None, elem_id="remarks")
        self.player = player_place("player", texts.player.LOOP_CYCLE, looping=False)
        self.played = gr.HTML(js_on_load=None)
        gr.HTML(markup.titled(texts.analyse.CYCLES, texts.analyse.CHOOSE), js_on_load=None)
        self.waveform = picture_place(texts.pictures.ALT["cycles"], "cycles-picture", "png")
        self.table = gr.HTML(js_on_load=markup.CHOOSE_CYCLE, elem_id="cycle-table")
        self.heading = gr.HTML(js_on_load=None)
        self.evidence = gr.HTML(js_on_load=None, min_height=150, elem_id="evidence")
        self.values = gr.Radio(
            [(text, key) for key, text in texts.analyse.VALUES.items()],
            value="db",
            show_label=False,
            container=False,
            elem_id="values",
        )
        gr.HTML(markup.paragraph(texts.analyse.VALUES_NOTE, "note"), js_on_load=None, elem_id="values-note")
        self.log_mel = picture_place(texts.pictures.ALT["log-mel"], "log-mel")
        self.hybrid = picture_place(texts.pictures.ALT["hybrid"], "hybrid")
        gr.HTML(f"<h2>{texts.analyse.READS}</h2>", js_on_load=None)
        self.reading = gr.HTML(js_on_load=None, elem_id="reading")
        with column(seen=True) as self.reads:
            self.attention = picture_place(texts.pictures.ALT["attention"], "attention")
        self.downloads = downloads.Downloads()

    def _wire(self) -> None:
        overview = [self.shown, self.welcome, self.result, self.remarks, self.player, self.played]
        overview += [self.waveform, self.table, self.reads, self.downloads.file]
        cycle = [self.shown, self.heading, self.evidence, self.player, self.log_mel, self.hybrid]
        cycle += [self.reading, self.attention]
        everything = list(dict.fromkeys([*overview, *cycle]))
        # Drawing and models share the processor: one visitor's callback at a time.
        shared = {"js": measure("results"), "concurrency_id": "analysis", "concurrency_limit": 1}
        quiet = {**shared, "show_progress": "hidden"}
        analysing = {**quiet, "js": REVEAL}  # the page says so itself
        redrawing = {**shared, "show_progress": "minimal", "show_progress_on": self.waveform}
        self.inputs = [self.width, self.audio, self.annotation, self.model, self.values]
        self.everything, self.analysing = everything, analysing
        new = [self.width, self.audio, self.model, self.values]
        asked = [self.button.click, self.annotation.upload]
        gr.on(asked, self.analyse, self.inputs, everything, api_name="analyse", **analysing)
        gr.on(
            [self.audio.upload, self.audio.stop_recording],
            self.analyse_new,
            new,
            [*everything, self.annotation, self.example],
            api_name="analyse_new",
            **analysing,
        )
        # Not input: a click sends that twice, and leaving the list sends it again.
        opened = self.example.change(
            self.open_example,
            self.example,
            [self.audio, self.annotation],
            api_name="open_example",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=1,  # two choices in a row stay in order
        )
        self.example_analysed = self.analyse_after(opened, "analyse_example")
        # The browser notes the name itself, so that no analysis asked for meanwhile takes the model before.
        self.models.select(None, None, self.model, js=markup.CHOSEN_MODEL, api_visibility="private").then(
            self.switch_model,
            [self.width, self.shown, self.model, self.values],
            [*everything, self.card],
            api_name="switch_model",
            **redrawing,
        )
        choice = [self.width, self.shown, self.values]
        drawn = [*dict.fromkeys([*cycle, self.waveform, self.table, self.downloads.file])]
        self.table.select(self.choose_row, choice, drawn, api_name="choose_row", **redrawing)
        self.waveform.select(self.choose_on_waveform, choice, drawn, api_name="choose_on_waveform", **redrawing)
        spectrograms = [self.shown, self.player, self.log_mel, self.hybrid]
        self.values.input(self.switch_values, choice, spectrograms, api_name="switch_values", **quiet)
        self.audio.change(None, self.audio, None, js=phone.CHANGED, api_visibility="private")
        cleared = [self.shown, self.welcome, self.result, self.example, self.annotation]
        after = {"concurrency_id": "analysis", "concurrency_limit": 1}  # and not amid a result that is being drawn
        self.audio.clear(self.clear, None, cleared, api_name="clear", **after)

    def analyse_after(self, prepared: gr.events.Dependency, name: str) -> gr.events.Dependency:
        """Analyse once a callback that sets the recording or its annotation has succeeded; ``name`` is for the API."""
        private = {"api_name": name, "api_visibility": "private", "trigger_mode": "multiple"}
        return prepared.success(self.analyse, self.inputs, self.everything, **private, **self.analysing)

    def take_home(self, compared: gr.State, opened: gr.State) -> None:
        """Wire the files, whose report holds what the visitor has compared and opened of what tuning changed."""
        self.downloads.wire(remembered, self.shown, self.values, self.audio, compared, opened)

    def offer(self, request: gr.Request) -> tuple[Any, Any, Any, Any]:
        """Return the list of models, the chosen one's name and card, and whether there is one to analyse with.

        The address may name the model.
        """
        try:
            with spoken():
                cards = self.analyser.cards
        except gr.Error as error:
            return gr.HTML(visible=False), "", markup.notice(error.message), gr.Button(interactive=False)
        if not cards:
            missing = markup.no_model(str(self.analyser.folder))
            return gr.HTML(visible=False), "", missing, gr.Button(interactive=False)
        chosen, every = self._addressed(request), cards.values()
        return markup.model_list(every, chosen), chosen, markup.model_card(cards[chosen], every), gr.Button()

    def _addressed(self, request: gr.Request | None) -> str:
        """Return the model that the address names, or the default one."""
        asked = request.query_params.get("model") if request else None
        return asked if asked in self.analyser.cards else self.analyser.default

    @repeated
    def analyse(
        self,
        width_px: float,
        audio: str | None,
        annotation: str | None,
        model: str | None,
        values: str,
        request: gr.Request | None = None,
    ) -> Iterator[Updates]:
        """Label a recording: first the overview, then the pictures of its first cycle.

        Without a model, as before the page has its list of them, it is the one that will be chosen there.
        """
        if not audio:
            raise gr.Error(texts.analyse.NO_AUDIO, print_exception=False)
        pictures = (self.waveform, self.log_mel, self.hybrid, self.attention)  # of the recording before
        # Until there is a result, no tab takes the analysis before for one of this recording.
        yield {
            self.shown: None,
            **self._instead(markup.paragraph(texts.analyse.WORKING, "welcome")),
            **dict.fromkeys(pictures),
        }
        try:
            with spoken():
                analysis = yield from self._labelled(audio, model or self._addressed(request), annotation)
            yield from self._show(analysis, 0, width_px, values)
        except Exception as error:  # whatever it is, the page must not go on saying that it works
            text = error.message if isinstance(error, gr.Error) else texts.page.BROKEN
            yield self._instead(markup.notice(text))
            raise

    def _labelled(self, audio: str, model: str, annotation: str | None) -> Generator[Updates, None, Analysis]:
        """Label a recording, saying how far it has come where it is long."""
        steps = self.analyser.analysing(audio, model, annotation)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                return end.value
            if done:
                yield self._instead(markup.labelling(done, total))

    @repeated
    def analyse_new(
        self, width_px: float, audio: str | None, model: str | None, values: str, request: gr.Request | None = None
    ) -> Iterator[Updates]:
        """Label a recording that has just arrived; the annotation and name of the one before go first."""
        yield {self.annotation: None, self.example: None}
        yield from self.analyse(width_px, audio, None, model, values, request)

    def open_example(self, name: str | None) -> tuple[str, str | None]:
        """Return an example's sound and annotation; nothing follows where the page has only cleared its name."""
        if name not in self.examples.names:
            raise gr.Error(texts.analyse.NO_EXAMPLE, visible=name is not None, print_exception=False)
        return self.examples.open(name)

    @repeated
    def switch_model(self, width_px: float, shown: Shown | None, model: str, values: str) -> Iterator[Updates]:
        """Label the same recording with another model."""
        with spoken():
            cards = self.analyser.cards
            yield {self.card: markup.model_card(cards[model], cards.values())}
            if shown is None:
                return
            analysis = self.analyser.relabel(shown.analysis, model)
        yield from self._show(analysis, shown.chosen, width_px, values, shown.playback)

    @repeated
    def choose_row(self, width_px: float, shown: Shown | None, values: str, event: gr.EventData) -> Iterator[Updates]:
        """Show the cycle whose row was clicked."""
        yield from self._choose(remembered(shown), int(event.index), width_px, values)

    @repeated
    def choose_on_waveform(
        self, width_px: float, shown: Shown | None, values: str, event: gr.EventData
    ) -> Iterator[Updates]:
        """Show the cycle that was clicked on the waveform."""
        shown = remembered(shown)
        s, _ = shown.waveform_axes.at(*event.index)
        hits = [i for i, cycle in enumerate(shown.analysis.cycles) if cycle.start_s <= s < cycle.end_s]
        if hits:
            yield from self._choose(shown, hits[0], width_px, values)
        else:
            yield gr.skip()

    def switch_values(self, width_px: float, shown: Shown | None, values: str) -> Updates:
        """Show the spectrograms in dB, or as a model sees them."""
        shown = remembered(shown)
        return self._drawn(shown, self._spectrograms(shown.view, width_px, values))

    def clear(self) -> Updates:
        """Forget the recording."""
        welcome = self._instead(markup.paragraph(texts.analyse.WELCOME, "welcome"))
        return {self.shown: None, self.example: None, self.annotation: None, **welcome}

    def _instead(self, html: str) -> Updates:
        """Show this in the place of a result."""
        return {self.welcome: gr.HTML(html, visible=True), self.result: column(seen=False)}

    def _show(
        self, analysis: Analysis, chosen: int, width_px: float, values: str, playback: Playback | None = None
    ) -> Iterator[Updates]:
        """The overview of an analysis, then its chosen cycle; ``playback``: what can be played already."""
        recording = analysis.recording
        if playback is None:
            sound = Sound(recording.waveform, recording.sample_rate)
            playback = Playback(sound.digest, (sound,))
        updates = self._overview(analysis, chosen, width_px, playback)
        with spoken():
            attends = self.analyser.attends(analysis.model.name)
        yield updates | {
            self.reads: column(seen=attends),
            self.welcome: gr.HTML(visible=False),
            self.result: column(seen=True),
            self.remarks: markup.remarks(analysis),
            self.played: markup.paragraph(texts.analyse.PLAYED.format(rate=recording.sample_rate), "note"),
        }
        yield from self._cycle(updates[self.shown], width_px, values)

    def _choose(self, shown: Shown, chosen: int, width_px: float, values: str) -> Iterator[Updates]:
        updates = self._overview(shown.analysis, chosen, width_px, shown.playback)
        yield updates
        yield from self._cycle(updates[self.shown], width_px, values)

    def _overview(self, analysis: Analysis, chosen: int, width_px: float, playback: Playback) -> Updates:
        picture = figures.waveform(analysis, chosen, **picture_size(width_px))
        cycle = analysis.cycles[chosen]
        playback = replace(playback, span=(cycle.start_s, cycle.end_s))
        return self._drawn(Shown(analysis, chosen, picture.axes[0], playback), {self.waveform: picture}) | {
            self.table: markup.cycle_table(analysis, chosen),
            self.downloads.file: gr.File(None, visible=False),
        }

    def _cycle(self, shown: Shown, width_px: float, values: str) -> Iterator[Updates]:
        """The pictures of the chosen cycle, then what is measured in it, which keeps no picture waiting."""
        with spoken():
            view = self.analyser.view(shown.analysis, shown.chosen)
        recording, cycle = shown.playback.sounds[0], Sound(view.waveform, view.sample_rate)
        files = ((texts.player.RECORDING, recording), (texts.player.CYCLE, cycle))
        shown = replace(shown, view=view, playback=replace(shown.playback, downloads=files))
        pictures = self._spectrograms(view, width_px, values)
        if view.attention:
            pictures[self.attention] = figures.attention(view, **picture_size(width_px))
        yield {
            self.heading: markup.cycle_heading(shown.chosen, view.cycle),
            self.reading: markup.paragraph(
                texts.analyse.ATTENTION if view.attention else texts.analyse.NO_ATTENTION, "note"
            ),
            self.attention: None,
            **self._drawn(shown, pictures),
        }
        yield {self.evidence: markup.evidence(*downloads.measured(shown))}

    def _spectrograms(self, view: CycleView, width_px: float, values: str) -> dict[gr.Image, Picture]:
        return {
            self.log_mel: figures.log_mel(view, values, **picture_size(width_px)),
            self.hybrid: figures.hybrid(view, values, **picture_size(width_px)),
        }

    def _drawn(self, shown: Shown, pictures: dict[gr.Image, Picture]) -> Updates:
        """Pictures on their places, and the player told where time runs in them."""
        axes = {place.elem_id: time_axes_of(picture) for place, picture in pictures.items()}
        playback = replace(shown.playback, pictures=shown.playback.pictures | axes)
        return {
            self.shown: replace(shown, playback=playback),
            self.player: served(playback),
            **{place: picture.pixels() for place, picture in pictures.items()},
        }
