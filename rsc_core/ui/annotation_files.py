"""The part of the tab Annotate that exports and imports cycles, and has the first tab analyse them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import annotation as edits
from rsc_core.cycles import icbhi_text, read_annotation, within
from rsc_core.ui import cache, markup, texts, timeline
from rsc_core.ui.edited import Edited, chosen, remembered
from rsc_core.ui.shown import Shown, spoken

if TYPE_CHECKING:
    from rsc_core.annotation import Annotation
    from rsc_core.ui.analyse import AnalyseTab


class AnnotationFiles:
    """Builds its buttons inside the current ``gr.Blocks``."""

    def __init__(self) -> None:
        words = texts.annotate
        gr.HTML(markup.titled(words.FILES, words.USE_NOTE), js_on_load=None)
        with gr.Row():
            self.use = gr.Button(words.USE, size="sm", min_width=120, variant="primary", elem_id="use-cycles")
            self.export = gr.Button(words.EXPORT, size="sm", min_width=120, elem_id="export-cycles")
            self.take = gr.Button(words.FIRST_TAB, size="sm", min_width=120, elem_id="take-cycles")
        self.named = gr.Checkbox(False, label=words.NAMED, container=False, elem_id="annotate-named")
        self.file = gr.File(visible=False, interactive=False, label=words.EXPORTED, elem_id="exported")
        self.imported = gr.File(
            label=words.IMPORT, file_types=[".txt", ".json"], height=110, elem_id="import-annotation"
        )

    def wire(self, analysed: AnalyseTab, tabs: gr.Tabs, first: gr.Tab, edited: gr.State, status: gr.HTML) -> None:
        """Connect export and analysis; ``status`` is where is said how the model labels the cycles."""
        quiet = {"show_progress": "hidden", "concurrency_id": "annotate", "concurrency_limit": 1}
        self.export.click(
            self.write,
            [edited, self.named, analysed.shown, analysed.audio],
            [edited, status, self.file],
            api_name="export_annotation",
            **quiet,
        )
        prepared = self.use.click(
            partial(self.prepare, first.id),
            [edited, analysed.shown],
            [analysed.annotation, tabs],
            api_name="use_annotation",
            **quiet,
        )
        labelled = analysed.analyse_after(prepared, "analyse_annotated")
        labelled.success(self.compare, [analysed.shown, edited], status, api_name="compare_annotation", **quiet)

    def write(
        self, edited: Edited | None, named: bool, shown: Shown | None, audio: str | None
    ) -> tuple[Edited, str, Any]:
        """Write the cycles as an ICBHI annotation and show where to fetch it."""
        edited = remembered(edited)
        name = f"{Path(audio).stem}.txt" if named and audio and edited.belongs_to(shown) else texts.annotate.FILE
        path = written(edited.history.present, name)
        history = edited.history.exported()
        return replace(edited, history=history), timeline.status(history), gr.File(path, visible=True)

    def read(self, path: str | None, edited: Edited) -> tuple[Edited, str]:
        """Return what is edited with the cycles of a file instead, and what is to be said of them."""
        seconds = edited.recording.seconds
        with spoken():
            found, cut = edits.fitted(within(read_annotation(path), seconds), seconds)
        history = replace(edited.history.edited(found), saved=found)
        return edited.at(history, 0), f"{texts.annotate.IMPORTED} {cut_note(cut)}"

    def prepare(self, first: str, edited: Edited | None, shown: Shown | None) -> tuple[str, Any]:
        """Return an annotation file of the cycles as they stand, for the first tab to analyse with, and open that."""
        edited, _ = chosen(edited)
        if not edited.belongs_to(shown):
            raise gr.Error(texts.annotate.OTHER, print_exception=False)
        return written(edited.history.present, texts.annotate.FILE), gr.Tabs(selected=first)

    def compare(self, shown: Shown | None, edited: Edited | None) -> str:
        """Say how often the model labels the cycles as the visitor does."""
        history = remembered(edited).history
        if shown is None:
            return timeline.status(history)
        analysis = shown.analysis
        same = sum(cycle.label == label for cycle, label in zip(analysis.cycles, analysis.labels, strict=True))
        said = texts.annotate.USED.format(model=analysis.model.name, same=same, count=len(analysis.cycles))
        return timeline.status(history, said)


def written(annotation: Annotation, name: str) -> str:
    """Write an ICBHI annotation into a folder of its own and return its path."""
    path = cache.fresh(name)
    path.write_text(icbhi_text(annotation.cycles))
    return str(path)


def cut_note(count: int) -> str:
    """Return how many cycles had to be cut; nothing where all could be kept."""
    return texts.annotate.CUT.format(count=count, shortest=edits.SHORTEST_S) if count else ""
