"""The tab that corrects the cycles of the recording of the first tab by hand, and exports and imports them.

Each visitor has one ``Edited`` in a ``gr.State``. Edits last while the recording stays the same, whatever model labels
it and whatever annotation the first tab is given meanwhile.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from rsc_core import annotation as edits
from rsc_core.config import CLASSES
from rsc_core.ui import markup, texts, timeline
from rsc_core.ui.annotation_files import AnnotationFiles, cut_note
from rsc_core.ui.columns import column
from rsc_core.ui.edited import Edited, chosen, opened, remembered
from rsc_core.ui.player import player_place, served_alone
from rsc_core.ui.shown import FORGET_S, Shown, Updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from rsc_core.annotation import Annotation
    from rsc_core.ui.analyse import AnalyseTab

SCRIPT = (Path(__file__).parent / "timeline.js").read_text()
ADDED_S = 3.0  # longest cycle put into a gap: about one breath at rest


class AnnotateTab:
    """Builds the tab inside the current ``gr.Tab`` and wires it to the first tab, which analyses what is edited.

    Args:
        analysed: what the first tab holds.
        tabs: all of them.
        first: the first one.
        tab: this one.
    """

    def __init__(self, analysed: AnalyseTab, tabs: gr.Tabs, first: gr.Tab, tab: gr.Tab):
        self.edited = gr.State(time_to_live=FORGET_S)
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        welcome = markup.paragraph(texts.annotate.FIRST, "welcome")
        self.missing = gr.HTML(welcome, js_on_load=None, elem_id="annotate-first")
        with column(seen=False, elem_id="annotating") as self.all:
            self._build_timeline()
            self._build_edit()
            self.files = AnnotationFiles()
        self.files.wire(analysed, tabs, first, self.edited, self.status)
        self._wire(analysed, tab)

    def _build_timeline(self) -> None:
        self.note = gr.HTML(js_on_load=None)
        self.strip = gr.HTML(js_on_load=SCRIPT, elem_id="timeline")
        self.status = gr.HTML(js_on_load=None, elem_id="annotate-status")
        with gr.Row():
            self.jumps = {
                step: gr.Button(text, size="sm", min_width=120, elem_id=f"jump{step:+d}")
                for step, text in texts.annotate.JUMPS.items()
            }
            self.undo = gr.Button(texts.annotate.UNDO, size="sm", min_width=120, elem_id="undo")
            self.redo = gr.Button(texts.annotate.REDO, size="sm", min_width=120, elem_id="redo")

    def _build_edit(self) -> None:
        self.heading = gr.HTML(js_on_load=None, elem_id="annotate-cycle")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=280):
                self.label = gr.Radio(list(CLASSES), label=texts.annotate.LABEL, elem_id="annotate-label")
                with gr.Row():
                    self.start, self.end = (
                        gr.Number(label=text, minimum=0, step=0.01, min_width=110, elem_id=f"annotate-{edge}")
                        for edge, text in texts.annotate.TIMES.items()
                    )
                self.follow = gr.Checkbox(True, label=texts.annotate.FOLLOW, container=False, elem_id="follow")
                self.set = gr.Button(texts.annotate.SET_TIMES, size="sm", elem_id="set-times")
            with gr.Column(min_width=280):
                self.player = player_place("play-annotated")
        with gr.Row():
            self.changes = {
                name: gr.Button(text, size="sm", min_width=120, elem_id=f"{name}-cycle")
                for name, text in texts.annotate.CHANGES.items()
            }
            self.add = gr.Button(texts.annotate.ADD, size="sm", min_width=120, elem_id="add-cycle")

    def _wire(self, analysed: AnalyseTab, tab: gr.Tab) -> None:
        results = [self.edited, self.strip, self.status, self.heading, self.label, self.start, self.end]
        results += [self.undo, self.redo, self.player, self.files.file]
        place = [self.edited, self.follow]
        seen = [analysed.shown, *place]
        # A click may come while the one before is still answered: none is lost, and they stay in order.
        quiet = {"show_progress": "hidden", "concurrency_id": "annotate", "concurrency_limit": 1}
        each = {**quiet, "trigger_mode": "multiple"}
        opening = [self.missing, self.all, self.note, *results]
        tab.select(self.open, seen, opening, api_name="open_annotation", **quiet)
        self.strip.select(self.choose, place, results, api_name="choose_annotated", **each)
        self.strip.release(self.drag, place, results, api_name="drag_edge", **each)
        self.strip.edit(self.type_label, place, results, api_name="type_label", **each)
        for step, button in self.jumps.items():
            name = "next_abnormal" if step > 0 else "previous_abnormal"
            button.click(partial(self.jump, step), place, results, api_name=name, **each)
        self.undo.click(self.take_back, place, results, api_name="undo_edit", **each)
        self.redo.click(self.bring_back, place, results, api_name="redo_edit", **each)
        asked = [self.set.click, self.start.submit, self.end.submit]
        gr.on(asked, self.set_times, [*place, self.start, self.end], results, api_name="set_times", **each)
        self.label.input(self.set_label, [*place, self.label], results, api_name="set_label", **each)
        self.follow.input(self.set_follow, place, results, api_name="set_follow", **each)
        for name, button in self.changes.items():
            change = partial(self.change, getattr(edits, name))
            button.click(change, place, results, api_name=f"{name}_cycle", **each)
        self.add.click(self.add_cycle, place, results, api_name="add_cycle", **each)
        self.files.take.click(self.take_first, seen, results, api_name="take_cycles", **each)
        read = self.files.imported.upload
        given = [self.files.imported, *place]
        read(self.read, given, [*results, self.files.imported], api_name="import_annotation", **each)

    def open(self, shown: Shown | None, edited: Edited | None, follow: bool) -> Updates:
        """Offer the cycles of what the first tab shows; edits of the same recording stay."""
        if shown is None:
            return {self.missing: gr.HTML(visible=True), self.all: column(seen=False)}
        if edited is not None and edited.belongs_to(shown):
            return {self.missing: gr.HTML(visible=False), self.all: column(seen=True)}
        edited, cut = opened(shown.analysis)
        note = f"{texts.annotate.NOTE} {texts.annotate.DRAFT[shown.analysis.annotated]} {texts.annotate.BELONGS}"
        return {
            self.missing: gr.HTML(visible=False),
            self.all: column(seen=True),
            self.note: markup.paragraph(note, "note"),
            **self._shown(edited, None, follow, cut_note(cut)),
        }

    def choose(self, edited: Edited | None, follow: bool, event: gr.EventData) -> Updates:
        """Choose a cycle on the timeline."""
        edited = remembered(edited)
        return self._shown(edited.at(edited.history, int(event.index)), edited, follow)

    def jump(self, step: int, edited: Edited | None, follow: bool) -> Updates:
        """Choose the next cycle that is not labelled normal; with a ``step`` of -1 the one before."""
        edited, index = chosen(edited)
        found = edited.history.present.abnormal(index, step)
        if found is None:
            return {self.status: timeline.status(edited.history, texts.annotate.NO_MORE[step])}
        return self._shown(edited.at(edited.history, found), edited, follow)

    def take_back(self, edited: Edited | None, follow: bool) -> Updates:
        """Undo an edit."""
        edited = remembered(edited)
        return self._shown(edited.at(edited.history.undone(), edited.chosen), edited, follow)

    def bring_back(self, edited: Edited | None, follow: bool) -> Updates:
        """Redo an edit."""
        edited = remembered(edited)
        return self._shown(edited.at(edited.history.redone(), edited.chosen), edited, follow)

    def drag(self, edited: Edited | None, follow: bool, event: gr.EventData) -> Updates:
        """Move one edge of a cycle to where it was left; the cycle may not be chosen any more."""
        cycles = remembered(edited).history.present.cycles
        if not 0 <= event.cycle < len(cycles):
            return gr.skip()
        cycle = cycles[event.cycle]
        moved = {"start": cycle.start_s, "end": cycle.end_s} | {event.edge: event.value}
        return self._moved(edited, event.cycle, moved["start"], moved["end"], follow)

    def set_times(self, edited: Edited | None, follow: bool, start_s: float | None, end_s: float | None) -> Updates:
        """Move the chosen cycle to the times typed."""
        edited, index = chosen(edited)
        if start_s is None or end_s is None:
            raise gr.Error(texts.annotate.NO_TIMES, print_exception=False)
        return self._moved(edited, index, start_s, end_s, follow)

    def set_follow(self, edited: Edited | None, follow: bool) -> Updates:
        """Say anew how far edges can go."""
        edited = remembered(edited)
        return self._shown(edited, edited, follow)

    def set_label(self, edited: Edited | None, follow: bool, label: str) -> Updates:
        """Label the chosen cycle."""
        edited, index = chosen(edited)
        return self._shown(edited.edit(lambda annotation: edits.relabel(annotation, index, label)), edited, follow)

    def type_label(self, edited: Edited | None, follow: bool, event: gr.EventData) -> Updates:
        """Label the chosen cycle with a letter on the timeline."""
        return self.set_label(edited, follow, event.value)

    def change(self, change: Callable[[Annotation, int], Annotation], edited: Edited | None, follow: bool) -> Updates:
        """Split, merge or delete the chosen cycle."""
        edited, index = chosen(edited)
        return self._shown(edited.edit(lambda annotation: change(annotation, index)), edited, follow)

    def add_cycle(self, edited: Edited | None, follow: bool) -> Updates:
        """Put a cycle labelled normal into the next gap, and choose it."""
        edited = remembered(edited)
        found = edits.gap(edited.history.present, edited.chosen or 0)
        if found is None:
            raise gr.Error(texts.annotate.NO_GAP, print_exception=False)
        start_s, end_s = found[0], min(found[1], found[0] + ADDED_S)
        added = edited.edit(lambda annotation: edits.add(annotation, start_s, end_s, "normal"), start_s)
        return self._shown(added, edited, follow)

    def take_first(self, shown: Shown | None, edited: Edited | None, follow: bool) -> Updates:
        """Go on from the cycles that the first tab shows; that can be undone."""
        edited = remembered(edited)
        if not edited.belongs_to(shown):
            raise gr.Error(texts.annotate.OTHER, print_exception=False)
        found, cut = opened(shown.analysis)
        taken = edited.edit(lambda _: found.history.present)
        return self._shown(taken, edited, follow, f"{texts.annotate.TAKEN} {cut_note(cut)}")

    def read(self, path: str | None, edited: Edited | None, follow: bool) -> Updates:
        """Go on from the cycles of a file; that can be undone."""
        edited = remembered(edited)
        taken, said = self.files.read(path, edited)
        return {**self._shown(taken, edited, follow, said), self.files.imported: None}

    def _moved(self, edited: Edited, index: int, start_s: float, end_s: float, follow: bool) -> Updates:
        """Show a cycle moved to other times."""
        moved = edited.edit(lambda annotation: edits.move(annotation, index, start_s, end_s, follow))
        return self._shown(moved, edited, follow)

    def _shown(self, edited: Edited, before: Edited | None, follow: bool, said: str = "") -> Updates:
        """All that shows what is edited; the player is left alone where it holds the chosen cycle already."""
        history, index = edited.history, edited.chosen
        cycle = None if index is None else history.present.cycles[index]
        updates = {
            self.edited: edited,
            self.strip: timeline.timeline(history.present, index, edited.picture, follow, history.unsaved),
            self.status: timeline.status(history, said),
            self.heading: timeline.heading(history.present, index),
            self.label: cycle.label if cycle else None,
            self.start: cycle.start_s if cycle else None,
            self.end: cycle.end_s if cycle else None,
            self.undo: gr.Button(interactive=bool(history.past)),
            self.redo: gr.Button(interactive=bool(history.future)),
        }
        if before is None or history.present != before.history.present:
            updates[self.files.file] = gr.File(None, visible=False)
        if before is None or before.times != edited.times:
            rate = edited.recording.sample_rate
            first, last = (round(s * rate) for s in edited.times or (0, 0))
            updates[self.player] = served_alone(edited.recording.waveform[first:last], rate) if cycle else None
        return updates
