"""The tab that looks inside a model: what heads read, what a label rests on, how that sounds, whether to believe it.

It shows the recording of the first tab. What is drawn comes from an Inspector, which keeps what it has recorded; a
visitor's state holds what was chosen, and the pictures it was chosen on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
import numpy as np

from rsc_core import belief_figures, map_figures
from rsc_core.head_figures import HeadPictures
from rsc_core.playback import Playback, Sound, TimeAxis, Version, time_axes, time_axes_of
from rsc_core.ui import inside_markup, markup, texts
from rsc_core.ui.clusters import ClusterPart, clusters_windows
from rsc_core.ui.columns import column
from rsc_core.ui.inside_state import Inside, contrast_of, first_methods, remembered
from rsc_core.ui.pictures import measure, picture, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served
from rsc_core.ui.shown import FORGET_S, Shown, Updates, spoken
from rsc_core.ui.steps import repeated
from rsc_core.ui.turns import Turn

if TYPE_CHECKING:
    from rsc_core.inference import Analyser
    from rsc_core.inspector import Inspector

SIDE_BY_SIDE_PX = 900  # from this width on, spectrogram and head stand beside each other
ORDERS = (4, 40, 20)  # least, most, offered
HEARD = {"rest": (0.0, 1.0), "original": (1.0, 1.0), "attended": (1.0, 0.0)}
"""Gains of the attended part and of the rest, by key of ``texts.inside.HEAR``."""


class MapTests(NamedTuple):
    """What of a map a visitor may be testing."""

    believing: Turn
    forgetting: Turn


class InsideTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to what the first tab shows."""

    def __init__(self, analyser: Analyser, shown: gr.State, tab: gr.Tab):
        self.analyser, self.shown = analyser, shown
        self.width = width_place()
        self.inside = gr.State(time_to_live=FORGET_S)
        self.tests = gr.State(MapTests(Turn(), Turn()))
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        self.first = gr.HTML(markup.paragraph(texts.inside.FIRST, "welcome"), js_on_load=None)
        with column(seen=False) as self.all:
            with gr.Row():
                self.cycle = gr.Dropdown([], label=texts.inside.CHOOSE, type="index", scale=1, elem_id="inside-cycle")
                with gr.Column(scale=3):
                    self.facts = gr.HTML(js_on_load=None, elem_id="inside-facts")
            with column(seen=True) as self.heads:
                self._build_heads()
            with column(seen=True) as self.maps:
                self._build_relevance()
                self._build_belief()
            with column(seen=False) as self.windows:
                self.clusters = ClusterPart(analyser)
        self._wire(tab)

    @cached_property
    def inspector(self) -> Inspector:
        """Made when first needed: it imports torch."""
        from rsc_core.inspector import Inspector

        return Inspector(self.analyser)

    def _build_heads(self) -> None:
        gr.HTML(markup.titled(texts.inside.HEADS_TITLE, texts.inside.HEADS_NOTE), js_on_load=None)
        self.query = gr.Radio(
            [(text, key) for key, text in texts.inside.QUERIES.items()],
            value="mean",
            label=texts.inside.QUERY,
            elem_id="query",
        )
        with gr.Row():
            with gr.Column(min_width=300):
                self.look = picture_place(texts.pictures.ALT["look"], "inside-look", "jpeg")
            with gr.Column(min_width=300):
                self.head = picture_place(texts.pictures.ALT["head"], "inside-head", "jpeg")
        self.numbers = gr.HTML(js_on_load=None, elem_id="inside-numbers")
        self.montage = picture_place(texts.pictures.ALT["montage"], "inside-montage", "jpeg")
        self.kinds = picture_place(texts.pictures.ALT["kinds"], "inside-kinds", "jpeg")
        self.places = {"look": self.look, "head": self.head, "montage": self.montage, "kinds": self.kinds}

    def _build_relevance(self) -> None:
        gr.HTML(f"<h2>{texts.inside.RESTS_TITLE}</h2>", js_on_load=None)
        self.no_heads = gr.HTML(
            markup.paragraph(texts.inside.NO_ATTENTION, "note"), visible=False, js_on_load=None, elem_id="no-heads"
        )
        with gr.Row():
            self.method = gr.Dropdown([], label=texts.inside.METHOD, scale=2, min_width=340, elem_id="method")
            self.label = gr.Dropdown([], label=texts.inside.WHY, elem_id="label")
            self.against = gr.Dropdown([], label=texts.inside.RATHER, min_width=200, elem_id="against")
        self.relevance = picture_place(texts.pictures.ALT["relevance"], "relevance")
        self.caption = gr.HTML(js_on_load=None, elem_id="caption")
        gr.HTML(markup.titled(texts.inside.HEAR_TITLE, texts.inside.HEAR_NOTE), js_on_load=None)
        self.player = player_place("mixer")

    def _build_belief(self) -> None:
        gr.HTML(markup.titled(texts.inside.BELIEVE_TITLE, texts.inside.BELIEVE_NOTE), js_on_load=None)
        with gr.Row(equal_height=False):
            least, most, offered = ORDERS
            self.orders = gr.Slider(least, most, offered, step=4, label=texts.inside.ORDERS, elem_id="orders")
            self.second = gr.Dropdown([], label=texts.inside.SECOND, scale=2, min_width=340, elem_id="second")
            self.run = gr.Button(texts.inside.BELIEVE_RUN, variant="primary", elem_id="believe")
            self.stop = gr.Button(texts.inside.BELIEVE_STOP, elem_id="stop-believing")
        self.progress = gr.HTML(js_on_load=None, elem_id="belief-progress")
        self.verdict = gr.HTML(js_on_load=None, elem_id="verdict")
        self.curves = picture_place(texts.pictures.ALT["curves"], "curves", "png", visible=False)
        gr.HTML(markup.titled(texts.inside.FORGET_TITLE, texts.inside.FORGET_NOTE, level=3), js_on_load=None)
        with gr.Row():
            self.run_forget = gr.Button(texts.inside.FORGET_RUN, elem_id="forget")
            self.stop_forget = gr.Button(texts.inside.BELIEVE_STOP, elem_id="stop-forgetting")
        self.forgot = gr.HTML(js_on_load=None, elem_id="forgot")
        self.similarity = picture_place(texts.pictures.ALT["similarity"], "similarity", "png", visible=False)
        with gr.Accordion(texts.inside.SCORED, open=False):
            self.scored = gr.HTML(js_on_load=None, elem_id="scored")

    def _wire(self, tab: gr.Tab) -> None:
        reading = [self.inside, self.player, self.look, self.head, self.numbers, self.montage, self.kinds]
        explained = [self.inside, self.relevance, self.caption, self.player]
        tested = [self.progress, self.verdict, self.curves, self.forgot, self.similarity]
        chosen = [self.method, self.label, self.against, self.second]
        everything = [self.first, self.all, self.cycle, self.facts, self.heads, self.no_heads, self.query]
        everything += [*reading, *chosen, *explained, *tested]
        everything += [self.scored, self.maps, self.windows, *self.clusters.outputs]
        everything = list(dict.fromkeys(everything))
        measuring = measure("tabs")
        # Drawing and models share the processor with the first tab: one visitor's callback at a time.
        shared = {"js": measuring, "concurrency_id": "analysis", "concurrency_limit": 1}
        quiet = {**shared, "show_progress": "hidden"}
        working = {**shared, "show_progress": "minimal", "show_progress_on": self.relevance}
        working |= {"trigger_mode": "always_last"}
        asked = [self.inside, self.method, self.label, self.against]
        # A test takes long, and lends the model for one order at a time: it does not hold up the others.
        testing = {"js": measuring, "show_progress": "hidden", "concurrency_id": "belief", "concurrency_limit": 1}
        testing |= {"trigger_mode": "always_last"}
        at_once = {"queue": False, "show_progress": "hidden"}
        self.run.click(self.begin_believing, self.tests, self.progress, api_name="begin_believing", **at_once).then(
            self.believe,
            [self.width, self.tests, *asked, self.second, self.orders],
            [self.progress, self.verdict, self.curves],
            api_name="believe",
            **testing,
        )
        self.stop.click(self.stop_believing, self.tests, self.progress, api_name="stop_believing", **at_once)
        self.run_forget.click(
            self.begin_forgetting, self.tests, self.forgot, api_name="begin_forgetting", **at_once
        ).then(
            self.forget,
            [self.width, self.tests, *asked],
            [self.forgot, self.similarity],
            api_name="forget",
            **testing,
        )
        self.stop_forget.click(self.stop_forgetting, self.tests, self.forgot, api_name="stop_forgetting", **at_once)
        seen = [self.width, self.tests, self.shown, self.inside]
        tab.select(self.open, seen, everything, api_name="look_inside", **quiet)
        choose = [self.width, self.tests, self.inside, self.cycle]
        self.cycle.input(self.choose_cycle, choose, everything, api_name="look_at_cycle", **working)
        redrawn = [self.width, self.inside]
        self.query.input(self.choose_query, [*redrawn, self.query], reading, api_name="choose_query", **quiet)
        self.look.select(self.choose_patch, redrawn, [*reading, self.query], api_name="choose_patch", **quiet)
        self.montage.select(self.choose_head, redrawn, reading, api_name="choose_head", **quiet)
        # Not input: leaving the list sends that once more, and would end a test that was just asked for.
        changed = [self.method.select, self.label.select, self.against.select]
        gr.on(changed, self.leave, self.tests, tested, api_name="leave_tests", **at_once).then(
            self.explain, [self.width, *asked], explained, api_name="explain", **working
        )

    @repeated
    def open(self, width_px: float, tests: MapTests, shown: Shown | None, inside: Inside | None) -> Iterator[Updates]:
        """Show what the first tab shows; nothing is redrawn, and no test ended, where it is shown already."""
        if shown is None:
            nothing = {self.first: gr.HTML(visible=True), self.all: column(seen=False), self.inside: None}
            yield nothing | self.leave(tests)
        elif inside is None or inside.analysis is not shown.analysis:
            yield from self._open(width_px, tests, Inside(shown.analysis, shown.chosen))
            if clusters_windows(shown.analysis.model):
                yield self.clusters.hear(shown.analysis)
        else:
            yield gr.skip()

    @repeated
    def choose_cycle(self, width_px: float, tests: MapTests, inside: Inside | None, index: int) -> Iterator[Updates]:
        """Look into another cycle of the recording."""
        yield from self._open(width_px, tests, Inside(remembered(inside).analysis, index))

    def choose_query(self, width_px: float, inside: Inside | None, query: str) -> Updates:
        """Show what another token reads; of the patches, the one clicked last, or the first."""
        return self._read(width_px, replace(remembered(inside), query=query))

    def choose_patch(self, width_px: float, inside: Inside | None, event: gr.EventData) -> Updates:
        """Show what the clicked patch reads."""
        inside = remembered(inside)
        s, hz = inside.pictures.axes.at(*event.index)
        with spoken():
            tile = self.inspector.tile_at(inside.analysis, inside.index, s, hz)
        return {self.query: "patch", **self._read(width_px, replace(inside, query="patch", tile=tile))}

    def choose_head(self, width_px: float, inside: Inside | None, event: gr.EventData) -> Updates:
        """Enlarge the clicked head."""
        inside = remembered(inside)
        head = inside.pictures.grid.at(*event.index)
        return self._read(width_px, replace(inside, head=head)) if head else gr.skip()

    def explain(self, width_px: float, inside: Inside | None, method: str, label: str, against: str) -> Updates:
        """Show what speaks for a class, and how that part sounds."""
        inside = remembered(inside)
        question = (inside.analysis, inside.index, method, label, contrast_of(label, against))
        with spoken():
            found = self.inspector.relevance(*question)
            sounds = self.inspector.listen(*question)
            look = self.inspector.look(inside.analysis, inside.index)
        drawn = map_figures.relevance(look, found, **picture_size(width_px))
        playback = Playback(
            Sound(look.waveform, look.sample_rate).digest,
            (Sound(np.stack(sounds, axis=1), look.sample_rate),),
            tuple(Version(text, gains=HEARD[key]) for key, text in texts.inside.HEAR.items()),
            first=list(texts.inside.HEAR).index("original"),
            start_s=look.spectrogram.start_s,
            pictures={self.relevance.elem_id: time_axes_of(drawn), **self._head_axes(inside.pictures)},
        )
        return {
            self.inside: replace(inside, playback=playback),
            self.relevance: drawn.pixels(),
            self.caption: inside_markup.caption(found),
            self.player: served(playback),
        }

    def leave(self, tests: MapTests) -> Updates:
        """Say nothing of a map that is shown no longer, and end its tests."""
        for test in tests:
            test.leave()
        return {**self._nothing_tested(), **self._nothing_forgotten()}

    def begin_believing(self, tests: MapTests) -> str:
        """Say that a test waits or begins."""
        tests.believing.begin()
        return inside_markup.progress(None)

    def stop_believing(self, tests: MapTests) -> Any:
        """End a test, keeping what was found."""
        return inside_markup.stopped(texts.inside.BELIEVE_STOPPED) if tests.believing.stop() else gr.skip()

    @repeated
    def believe(self, width_px: float, tests: MapTests, *asked: Any) -> Iterator[Updates]:
        """Test the map against random orders, drawing along."""
        stopped = {self.progress: inside_markup.stopped(texts.inside.BELIEVE_STOPPED)}
        yield from tests.believing.steps(self._believe(width_px, *asked), lambda _: stopped, self._nothing_tested())

    def _believe(
        self,
        width_px: float,
        inside: Inside | None,
        method: str,
        label: str,
        against: str,
        second: str,
        orders: int,
    ) -> Iterator[Updates]:
        inside, contrast = remembered(inside), contrast_of(label, against)
        yield {**self._nothing_tested(), self.progress: inside_markup.progress(None)}
        with spoken():
            words = self._agreement(inside, (method, second), label, contrast)
            question = (inside.analysis, inside.index, method, label, contrast)
            for belief in self.inspector.believe(*question, int(orders)):
                finished = belief.done == belief.total
                yield {
                    self.progress: "" if finished else inside_markup.progress(belief),
                    self.verdict: inside_markup.verdict(belief) + words,
                    self.curves: picture(map_figures.believe(belief, **picture_size(width_px)).pixels()),
                }

    def begin_forgetting(self, tests: MapTests) -> str:
        """Say that forgetting waits or begins."""
        tests.forgetting.begin()
        return inside_markup.forgetting(None)

    def stop_forgetting(self, tests: MapTests) -> Any:
        """End forgetting, keeping what was found."""
        return inside_markup.stopped(texts.inside.FORGET_STOPPED) if tests.forgetting.stop() else gr.skip()

    @repeated
    def forget(self, width_px: float, tests: MapTests, *asked: Any) -> Iterator[Updates]:
        """Randomise the model layer by layer, drawing how alike the map stays."""
        stopped = {self.forgot: inside_markup.stopped(texts.inside.FORGET_STOPPED)}
        yield from tests.forgetting.steps(self._forget(width_px, *asked), lambda _: stopped, self._nothing_forgotten())

    def _forget(
        self, width_px: float, inside: Inside | None, method: str, label: str, against: str
    ) -> Iterator[Updates]:
        inside, contrast = remembered(inside), contrast_of(label, against)
        yield {**self._nothing_forgotten(), self.forgot: inside_markup.forgetting(None)}
        with spoken():
            question = (inside.analysis, inside.index, method, label, contrast)
            for shown in self.inspector.forget(*question):
                drawn = belief_figures.forgetting(shown, **picture_size(width_px))
                yield {self.forgot: inside_markup.forgetting(shown), self.similarity: picture(drawn.pixels())}

    def _nothing_tested(self) -> Updates:
        return {self.progress: "", self.verdict: "", self.curves: picture(None)}

    def _nothing_forgotten(self) -> Updates:
        return {self.forgot: "", self.similarity: picture(None)}

    def _open(self, width_px: float, tests: MapTests, inside: Inside) -> Iterator[Updates]:
        """What is looked into, first what its heads read, then what its label rests on; or how it clusters windows."""
        analysis, index = inside.analysis, inside.index
        names, clustered = inside_markup.cycle_names(analysis), clusters_windows(analysis.model)
        opened = {
            self.inside: inside,
            self.first: gr.HTML(visible=False),
            self.all: column(seen=True),
            self.cycle: gr.Dropdown(names),
            self.facts: inside_markup.chosen(analysis, index),
            self.heads: column(seen=False),
            self.maps: column(seen=not clustered),
            self.windows: column(seen=clustered),
            **self.leave(tests),
        }
        if clustered:
            yield opened | self.clusters.open(width_px, analysis, index)
            yield {self.cycle: names[index], self.clusters.silenced: []}
            return
        with spoken():
            look = self.inspector.look(analysis, index)
        method, second = (name if name in look.methods else next(iter(look.methods)) for name in first_methods(look))
        label = analysis.labels[index]
        standings = self.inspector.standings(analysis.model.name)
        methods = [(inside_markup.method(t, standings.get(name, ())), name) for name, t in look.methods.items()]
        read = self._read(width_px, inside) if look.attends else {self.inside: inside}
        yield opened | {
            self.facts: inside_markup.cycle(analysis, index, look),
            self.heads: column(seen=look.attends),
            self.no_heads: gr.HTML(visible=not look.attends),
            self.query: inside.query,
            self.method: gr.Dropdown(methods),
            self.second: gr.Dropdown(methods),
            self.label: gr.Dropdown(list(analysis.classes)),
            self.against: gr.Dropdown([texts.inside.NO_CONTRAST, *analysis.classes]),
            self.scored: inside_markup.score_tables(
                self.inspector.score_tables(analysis.model.name), self.analyser.folder, analysis.model.name
            ),
            **read,
        }
        against = texts.inside.NO_CONTRAST
        chosen = {self.method: method, self.second: second, self.label: label, self.against: against}
        yield {self.cycle: names[index], **chosen}
        yield self.explain(width_px, read[self.inside], method, label, against)

    def _read(self, width_px: float, inside: Inside) -> Updates:
        """The pictures of what one token reads; what stays of them is drawn anew only on a page of another width."""
        query: Any = inside.query
        if query == "patch":
            query = inside.tile.index if inside.tile else 0
        with spoken():
            look = self.inspector.look(inside.analysis, inside.index)
            read = self.inspector.montage(inside.analysis, inside.index, query)
        if inside.pictures is None or inside.width_px != width_px:
            half = picture_size(width_px / 2 - 8 if width_px >= SIDE_BY_SIDE_PX else width_px)
            pictures = HeadPictures(look, read.heads, half, picture_size(width_px))
            inside = replace(inside, width_px=width_px, pictures=pictures)
        heard: Updates = {}
        if inside.playback:
            axes = inside.playback.pictures | self._head_axes(inside.pictures)
            inside = replace(inside, playback=replace(inside.playback, pictures=axes))
            heard[self.player] = served(inside.playback)
        drawn = inside.pictures.answer(read, inside.head)
        return {
            **heard,
            self.inside: inside,
            self.numbers: inside_markup.head(read, inside.head, inside.query),
            **{place: drawn[name] for name, place in self.places.items()},
        }

    def _head_axes(self, pictures: HeadPictures | None) -> dict[str, tuple[TimeAxis, ...]]:
        """Where time runs in the spectrogram and in the chosen head, where there are heads."""
        axes = time_axes([pictures.axes], *pictures.size) if pictures else ()
        return {place.elem_id: axes for place in (self.look, self.head)}

    def _agreement(self, inside: Inside, methods: tuple[str, str], label: str, against: str | None) -> str:
        found = self.inspector.agreement(inside.analysis, inside.index, methods, label, against)
        titles = self.inspector.look(inside.analysis, inside.index).methods
        return inside_markup.agreement(found, titles[methods[0]], titles[methods[1]])
