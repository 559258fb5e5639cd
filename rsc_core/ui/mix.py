"""The tab that mixes two cycles of the recording of the first tab, as Patch-Mix mixes clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import gradio as gr

from rsc_core import mix_figures
from rsc_core.analysis import Analysis, CycleMix
from rsc_core.playback import Playback, Sound, Version, time_axes_of
from rsc_core.ui import markup, texts
from rsc_core.ui.columns import column
from rsc_core.ui.examples import Examples
from rsc_core.ui.pictures import measure, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served
from rsc_core.ui.shown import FORGET_S, Shown, Updates, spoken
from rsc_core.ui.steps import repeated

if TYPE_CHECKING:
    from rsc_core.inference import Analyser
    from rsc_core.mixing import Place

KEPT_FIRST = 0.5
SEED_MAX = 2**31 - 1


@dataclass(frozen=True)
class Mixable:
    """What a visitor can mix: cycles of a recording or, where it has only one, that one with an example's."""

    analysis: Analysis
    partners: tuple[str, ...]  # the second list to choose from

    @property
    def alone(self) -> bool:
        """Whether the recording has one cycle."""
        return len(self.analysis.cycles) == 1


class MixTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to an Analyser and to what the first tab shows."""

    def __init__(self, analyser: Analyser, shown: gr.State, examples: Examples, tab: gr.Tab):
        self.analyser, self.shown, self.examples = analyser, shown, examples
        self.example = lru_cache(maxsize=8)(self._label_example)
        self.width = width_place()
        self.mixable = gr.State(time_to_live=FORGET_S)
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        self.missing = gr.HTML(markup.paragraph(texts.mix.FIRST, "welcome"), js_on_load=None, elem_id="mix-first")
        with column(seen=False, elem_id="mixing") as self.all:
            self._build_choice()
            self.picture = picture_place(texts.pictures.ALT["mix"], "mix-picture")
            self.remarks = gr.HTML(js_on_load=None, elem_id="mix-remarks")
            gr.HTML(markup.titled(texts.mix.HEAR, texts.mix.HEAR_NOTE), js_on_load=None)
            self.player = player_place("mix-player")
            gr.HTML(markup.titled(texts.mix.ANSWERS, texts.mix.ANSWERS_NOTE), js_on_load=None)
            self.table = gr.HTML(js_on_load=None, elem_id="mix-table")
            self.notes = gr.HTML(js_on_load=None, elem_id="mix-notes")
        self._wire(tab)

    def _build_choice(self) -> None:
        gr.HTML(markup.paragraph(texts.mix.NOTE, "note"), js_on_load=None)
        self.alone = gr.HTML(markup.paragraph(texts.mix.ONE_CYCLE, "note"), js_on_load=None, visible=False)
        with gr.Row():
            self.first = gr.Dropdown([], label=texts.mix.A, type="index", elem_id="mix-a")
            self.second = gr.Dropdown([], label=texts.mix.B, type="index", elem_id="mix-b")
        with gr.Row():
            self.kept = gr.Slider(0, 1, KEPT_FIRST, step=0.05, label=texts.mix.KEPT, elem_id="mix-kept")
            self.domain = gr.Radio(
                [(text, key) for key, text in texts.mix.DOMAINS.items()],
                value="patch",
                label=texts.mix.DOMAIN,
                elem_id="mix-domain",
            )
        with gr.Row(equal_height=False):
            self.seed = gr.Number(0, precision=0, minimum=0, maximum=SEED_MAX, label=texts.mix.SET, elem_id="mix-set")
            self.again = gr.Button(texts.mix.DRAW, elem_id="mix-again")

    def _wire(self, tab: gr.Tab) -> None:
        results = [self.picture, self.remarks, self.player, self.table, self.notes]
        choice = [self.first, self.second, self.kept, self.domain, self.seed]
        # Drawing and models share the processor with the first tab: one visitor's callback at a time.
        shared = {
            "js": measure("tabs"),
            "concurrency_id": "analysis",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": self.picture,
        }
        tab.select(
            self.open,
            [self.width, self.shown, self.mixable, self.kept, self.domain, self.seed],
            [self.mixable, self.missing, self.all, self.alone, self.first, self.second, *results],
            api_name="open_mix",
            **shared,
        )
        changed = [part.input for part in choice]
        asked = [self.width, self.mixable, *choice]
        gr.on(changed, self.mix, asked, results, api_name="mix", trigger_mode="always_last", **shared)
        self.again.click(self.draw_again, asked, [self.seed, *results], api_name="draw_again", **shared)

    @repeated
    def open(
        self,
        width_px: float,
        shown: Shown | None,
        mixable: Mixable | None,
        kept: float,
        domain: str,
        seed: int,
    ) -> Iterator[Updates]:
        """Offer the cycles of what the first tab shows, and mix two; nothing is redrawn where they stand already."""
        if shown is None:
            yield {self.missing: gr.HTML(visible=True), self.all: column(seen=False), self.mixable: None}
        elif mixable is None or mixable.analysis is not shown.analysis:
            yield from self._open(width_px, shown.analysis, kept, domain, seed)
        else:
            yield gr.skip()

    @repeated
    def mix(
        self,
        width_px: float,
        mixable: Mixable | None,
        first: int,
        second: int,
        kept: float,
        domain: str,
        seed: int | None,
    ) -> Iterator[Updates]:
        """Show and play the mix, then what each model says of it, as it is said."""
        from rsc_core import mixing  # imports torch: not before models are needed

        if mixable is None:
            raise gr.Error(texts.page.FORGOTTEN, print_exception=False)
        recipe = mixing.Recipe(kept, domain, int(seed or 0))
        with spoken():
            pair = self._pair(mixable, first, second)
            shown = mixing.mix(self.analyser, *pair, recipe)
            cards, found = self.analyser.cards, []
            yield {**self._shown(shown, pair, width_px), self.table: markup.mix_table((), cards)}
            for answer in mixing.answers(self.analyser, *pair, recipe):
                found.append(answer)
                notes = markup.mix_notes(found, shown, cards.values())
                yield {self.table: markup.mix_table(found, cards), self.notes: notes}

    @repeated
    def draw_again(
        self,
        width_px: float,
        mixable: Mixable | None,
        first: int,
        second: int,
        kept: float,
        domain: str,
        seed: int | None,
    ) -> Iterator[Updates]:
        """Mix with the next set of patches."""
        seed = (int(seed or 0) + 1) % SEED_MAX
        for updates in self.mix(width_px, mixable, first, second, kept, domain, seed):
            yield {self.seed: seed, **updates}

    def _open(self, width_px: float, analysis: Analysis, kept: float, domain: str, seed: int) -> Iterator[Updates]:
        from rsc_core import mixing  # imports torch: not before models are needed

        labels, how = mixing.labels(analysis), texts.mix.LABELLED[analysis.annotated]
        names = [
            texts.mix.CYCLE.format(number=i + 1, start=cycle.start_s, end=cycle.end_s, how=how, label=label)
            for i, (cycle, label) in enumerate(zip(analysis.cycles, labels, strict=True))
        ]
        alone = len(names) == 1
        mixable = Mixable(analysis, tuple(self.examples.names if alone else names))
        # The first example is normal breathing, the second is not.
        first, second = (0, int(labels[0] == "normal")) if alone else mixing.first_pair(analysis)
        yield {
            self.mixable: mixable,
            self.missing: gr.HTML(visible=False),
            self.all: column(seen=True),
            self.alone: gr.HTML(visible=alone),
            self.first: gr.Dropdown(names),
            self.second: gr.Dropdown(list(mixable.partners)),
        }
        yield {self.first: names[first], self.second: mixable.partners[second]}
        yield from self.mix(width_px, mixable, first, second, kept, domain, seed)

    def _pair(self, mixable: Mixable, first: int, second: int) -> tuple[Place, Place]:
        """The two cycles; an example lends its first one."""
        analysis = mixable.analysis
        if mixable.alone:
            return (analysis, first), (self.example(mixable.partners[second], analysis.model.name), 0)
        return (analysis, first), (analysis, second)

    def _label_example(self, name: str, model: str) -> Analysis:
        path, annotation = self.examples.open(name)
        return self.analyser.analyse(path, model, annotation)

    def _shown(self, shown: CycleMix, pair: tuple[Place, Place], width_px: float) -> Updates:
        from rsc_core import mixing  # imports torch: not before models are needed

        cycles = [
            {
                "length": analysis.cycles[index].seconds,
                "how": texts.mix.LABELLED[analysis.annotated],
                "label": mixing.labels(analysis)[index],
            }
            for analysis, index in pair
        ]
        exchanged = {"count": int(shown.replaced.sum()), "all": shown.replaced.size}
        titles = [
            text.format(**facts)
            for text, facts in zip(texts.mix.TITLES, (cycles[0], exchanged, cycles[1]), strict=True)
        ]
        window_s = shown.spectrograms[0].end_s
        shorter = min(cycle["length"] for cycle in cycles) < window_s
        picture = mix_figures.mix(shown, titles, **picture_size(width_px))
        sounds = tuple(Sound(wave, shown.sample_rate) for wave in shown.sounds)
        playback = Playback(
            "mix",
            sounds,
            tuple(Version(label, index) for index, label in enumerate(texts.mix.PLAYERS)),
            first=1,
            pictures={self.picture.elem_id: time_axes_of(picture)},
            downloads=tuple(zip(texts.mix.PLAYERS, sounds, strict=True)),
        )
        return {
            self.picture: picture.pixels(),
            self.remarks: markup.mix_remarks(shown, pair[0][0].model.name, window_s, shorter),
            self.player: served(playback),
        }
