"""The tab that asks learners what they hear, and sets a model beside them.

Nothing that is sent to the browser before an answer tells the truth: a round is kept on the server, and a sound is
sent as samples, without a name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from rsc_core import quiz_figures, quiz_sounds
from rsc_core.analysis import Analysis
from rsc_core.config import CLASSES
from rsc_core.quiz import CSV_HEAD, PLANS, Round
from rsc_core.ui import cache, markup, quiz_markup, texts
from rsc_core.ui.columns import column
from rsc_core.ui.pictures import measure, picture, picture_place, picture_size, width_place
from rsc_core.ui.player import player_place, served_alone
from rsc_core.ui.shown import FORGET_S, Updates, spoken
from rsc_core.ui.steps import repeated

if TYPE_CHECKING:
    from rsc_core.inference import Analyser

COUNTS = (5, 30)
COUNT_FIRST = 10
SEED_MAX = 2**31 - 1
ANSWERS = (Path(__file__).parent / "quiz.js").read_text()
FOCUS = """() => {
  const next = document.querySelector("#quiz-next"), question = document.querySelector("#quiz-answers h2");
  (next?.offsetParent ? next : question)?.focus();
}"""
"""Script after an answer and after a new question: the keyboard goes on where the reader does."""
CSV = "lung-sound-quiz.csv"


@dataclass(frozen=True)
class Playing:
    """What a learner plays."""

    round: Round
    source: str  # key of ``texts.quiz.SOURCES``


class QuizTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to an Analyser."""

    def __init__(self, analyser: Analyser):
        self.analyser = analyser
        self.width = width_place()
        self.playing = gr.State(time_to_live=FORGET_S)
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        with column(seen=True, elem_id="quiz-setup") as self.setup:
            self._build_setup()
        with column(seen=False, elem_id="quiz-round") as self.round:
            self._build_round()
        with column(seen=False, elem_id="quiz-result") as self.finished:
            self._build_result()
        self._wire()

    def _build_setup(self) -> None:
        words = texts.quiz
        gr.HTML(markup.paragraph(words.NOTE, "note"), js_on_load=None)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=280):
                self.source = gr.Radio(_choices(words.SOURCES), value="synthesised", label=words.SOURCE)
                with column(seen=False) as self.own:
                    self.files = gr.File(
                        label=words.FILES,
                        file_count="multiple",
                        file_types=[*quiz_sounds.SOUNDS, *quiz_sounds.ANNOTATIONS],
                        height=160,
                        elem_id="quiz-files",
                    )
                    gr.HTML(markup.paragraph(words.FILES_NOTE, "note"), js_on_load=None)
                    self.unseen = gr.Checkbox(False, label=words.UNSEEN, elem_id="quiz-unseen")
                self.plan = gr.Radio(_choices(words.PLANS), value="rising", label=words.PLAN, elem_id="quiz-plan")
            with gr.Column(min_width=280):
                self.count = gr.Slider(*COUNTS, COUNT_FIRST, step=1, label=words.COUNT, elem_id="quiz-count")
                self.seed = gr.Number(
                    1,
                    precision=0,
                    minimum=0,
                    maximum=SEED_MAX,
                    label=words.SEED,
                    info=words.SEED_NOTE,
                    elem_id="quiz-seed",
                )
                self.model = gr.Dropdown([], label=words.MODEL, elem_id="quiz-model")
        self.start_button = gr.Button(words.START, variant="primary", elem_id="quiz-start")

    def _build_round(self) -> None:
        self.progress = gr.HTML(js_on_load=None, elem_id="quiz-progress")
        self.player = player_place("quiz-sound", looping=False)
        self.verdict = gr.HTML(js_on_load=quiz_markup.LIVE, elem_id="quiz-verdict")
        self.answers = gr.HTML(js_on_load=ANSWERS, elem_id="quiz-answers")
        self.next_button = gr.Button(texts.quiz.NEXT, variant="primary", visible=False, elem_id="quiz-next")
        self.picture = picture_place(texts.pictures.ALT["quiz"], "quiz-picture", visible=False)
        self.revealed = gr.HTML(js_on_load=quiz_markup.LIVE, elem_id="quiz-revealed")
        self.end_button = gr.Button(texts.quiz.END, size="sm", elem_id="quiz-end")

    def _build_result(self) -> None:
        self.result = gr.HTML(js_on_load=quiz_markup.LIVE, elem_id="quiz-tables")
        with gr.Row():
            self.download = gr.DownloadButton(texts.quiz.DOWNLOAD, elem_id="quiz-csv")
            self.again_button = gr.Button(texts.quiz.AGAIN, elem_id="quiz-again")
            self.new_button = gr.Button(texts.quiz.NEW, elem_id="quiz-new")
            self.settings_button = gr.Button(texts.quiz.SETTINGS, elem_id="quiz-settings")

    def _wire(self) -> None:
        pages = [self.setup, self.round, self.finished]
        asking = [self.playing, self.progress, self.player, self.answers, self.verdict, self.next_button]
        asking += [self.picture, self.revealed]
        result = [self.result, self.download, *pages]
        chosen = [self.source, self.files, self.unseen, self.count, self.plan, self.seed, self.model]
        # Sounds, pictures and models share the processor with the first tab: one visitor's callback at a time.
        queued = {"concurrency_id": "analysis", "concurrency_limit": 1, "show_progress": "minimal"}
        events = [
            self.start_button.click(
                self.start,
                chosen,
                [*asking, *pages],
                api_name="quiz_start",
                show_progress_on=self.start_button,
                **queued,
            ),
            self.answers.select(
                self.answer,
                [self.width, self.playing],
                asking,
                api_name="quiz_answer",
                js=measure("quiz-round"),
                show_progress_on=self.picture,
                **queued,
            ),
            self.next_button.click(
                self.next,
                self.playing,
                list(dict.fromkeys([*asking, *result])),
                api_name="quiz_next",
                show_progress_on=self.next_button,
                **queued,
            ),
            self.again_button.click(
                self.again,
                self.playing,
                [*asking, *pages],
                api_name="quiz_again",
                show_progress_on=self.again_button,
                **queued,
            ),
            self.new_button.click(
                self.start_new,
                chosen,
                [self.seed, *asking, *pages],
                api_name="quiz_new",
                show_progress_on=self.new_button,
                **queued,
            ),
        ]
        for event in events:
            event.then(None, js=FOCUS, api_visibility="private")
        ending = {"show_progress": "hidden", "concurrency_id": "analysis"}  # not before a sound is revealed
        self.end_button.click(self.end, self.playing, result, api_name="quiz_end", **ending)
        self.settings_button.click(self.settings, None, pages, api_name="quiz_settings", show_progress="hidden")
        self.source.input(self.choose_source, self.source, self.own, api_name="quiz_source", show_progress="hidden")

    def offer(self) -> tuple[Any, Any]:
        """Return the models to choose from, and whether there is one, without which nothing can be drawn."""
        try:
            with spoken():
                names, default = list(self.analyser.cards), self.analyser.default
        except gr.Error:  # the first tab says it
            names = []
        if not names:
            return gr.Dropdown(visible=False), gr.Button(interactive=False)
        return gr.Dropdown(names, value=default), gr.Button()

    def choose_source(self, source: str) -> Any:
        """Ask for files where the sounds are the teacher's own."""
        return column(seen=source == "annotated")

    def start(
        self,
        source: str,
        files: list[str] | None,
        unseen: bool,
        count: int,
        plan: str,
        seed: int | None,
        model: str | None,
    ) -> Updates:
        """Draw a round and ask its first question."""
        if plan not in PLANS or not COUNTS[0] <= count <= COUNTS[1] or not 0 <= (seed or 0) <= SEED_MAX:
            raise gr.Error(texts.quiz.UNKNOWN, print_exception=False)
        seed, own = int(seed or 0), source == "annotated"
        if own and not files:
            raise gr.Error(texts.quiz.NO_FILES, print_exception=False)
        with spoken():
            questions = (
                quiz_sounds.annotated(files, count, plan, seed)
                if own
                else quiz_sounds.Synthesised(int(count), plan, seed)
            )
        if len(questions) < count:
            gr.Info(texts.quiz.FEWER.format(count=len(questions)))
        beside = (model or self.analyser.default) if unseen or not own else None
        return self._ask(Playing(Round(questions, plan, seed, beside), source))

    def start_new(self, *chosen: Any) -> Updates:
        """Start the round of the next number; arguments as of ``start``."""
        *others, seed, model = chosen
        seed = (int(seed or 0) + 1) % (SEED_MAX + 1)
        return {self.seed: seed, **self.start(*others, seed, model)}

    @repeated
    def answer(self, width_px: float, playing: Playing | None, event: gr.SelectData) -> Iterator[Updates]:
        """Take an answer: ask more of the same sound, or reveal it; a click meant for another question is nothing."""
        played = _remembered(playing).round
        step = played.asked
        if step is None or event.index != len(played.answers) or event.value not in step.options:
            yield {self.answers: quiz_markup.question(step, len(played.answers)) if step else ""}
            return
        asked, played = played.questions[step.question], played.answer(event.value)
        playing = replace(playing, round=played)
        updates = {
            self.playing: playing,
            self.verdict: quiz_markup.verdict(played.answers[-1], asked.truth(step.level)),
        }
        if played.closed == step.question:
            yield {**updates, self.answers: quiz_markup.question(played.asked, len(played.answers))}
            return
        last = played.closed == len(played.questions)
        button = gr.Button(texts.quiz.LAST if last else texts.quiz.NEXT, visible=True)
        yield {**updates, self.answers: "", self.next_button: button}
        yield self._reveal(playing, step.question, width_px)

    def next(self, playing: Playing | None) -> Updates:
        """Ask about the next sound, or show the result after the last one."""
        if playing is None:
            return self._forgotten()
        return self._finish(playing) if playing.round.asked is None else self._ask(playing)

    def end(self, playing: Playing | None) -> Updates:
        """Show the result of what has been answered."""
        return self._forgotten() if playing is None else self._finish(playing)

    def again(self, playing: Playing | None) -> Updates:
        """Ask the same questions anew."""
        playing = _remembered(playing)
        return self._ask(replace(playing, round=playing.round.restarted()))

    def settings(self) -> Updates:
        """Return to the choice of a round."""
        return self._page(self.setup)

    def _ask(self, playing: Playing) -> Updates:
        played = playing.round
        step = played.asked
        asked = played.questions[step.question]
        return {
            self.playing: playing,
            self.progress: quiz_markup.progress(played, step.question + 1),
            self.player: served_alone(asked.sound, asked.recording.sample_rate),
            self.answers: quiz_markup.question(step, len(played.answers)),
            self.verdict: "",
            self.next_button: gr.Button(visible=False),
            self.picture: picture(None),
            self.revealed: "",
            **self._page(self.round),
        }

    def _reveal(self, playing: Playing, index: int, width_px: float) -> Updates:
        """The sound with its events marked and, where a model is beside the answers, what it says."""
        played = playing.round
        asked, model = played.questions[index], played.model
        card = self.analyser.cards[model or self.analyser.default]
        unasked = np.full((1, len(CLASSES)), np.nan, np.float32)
        analysis = Analysis(asked.recording, (asked.cycle,), True, CLASSES, unasked, card)
        with spoken():
            shown = self.analyser.log_mel(analysis, 0)
            if model:
                played = played.labelled(index, self.analyser.relabel(analysis, model).probabilities[0])
        drawn = quiz_figures.revealed(asked, shown, **picture_size(width_px))
        return {
            self.playing: replace(playing, round=played),
            self.picture: picture(drawn.pixels()),
            self.revealed: quiz_markup.revealed(asked, model, played.labels.get(index)),
        }

    def _finish(self, playing: Playing) -> Updates:
        path = cache.fresh(CSV)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([CSV_HEAD, *playing.round.rows()])
        return {
            self.result: quiz_markup.result(playing.round, playing.source),
            self.download: gr.DownloadButton(value=str(path)),
            **self._page(self.finished),
        }

    def _forgotten(self) -> Updates:
        gr.Warning(texts.quiz.FORGOTTEN)
        return self._page(self.setup)

    def _page(self, shown: gr.Column) -> Updates:
        """Show one of the tab's three parts."""
        return {part: column(seen=part is shown) for part in (self.setup, self.round, self.finished)}


def _remembered(playing: Playing | None) -> Playing:
    if playing is None:
        raise gr.Error(texts.quiz.FORGOTTEN, print_exception=False)
    return playing


def _choices(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(text, key) for key, text in words.items()]
