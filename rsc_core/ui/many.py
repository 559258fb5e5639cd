"""The tab that labels many files at once, to a table and a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core.ui import cache, markup, texts
from rsc_core.ui.shown import FORGET_S, Updates, spoken
from rsc_core.ui.steps import repeated
from rsc_core.ui.turns import Turn

if TYPE_CHECKING:
    from rsc_core.inference import Analyser
    from rsc_core.predict import Row, Source

MOST_FILES = 500
MOST_BYTES = cache.LIMIT_BYTES // 4  # of one batch: others keep theirs
SHOWN_ROWS = 300
SUFFIXES = [".wav", ".flac", ".ogg", ".mp3", ".txt", ".json"]


@dataclass(frozen=True)
class Batch:
    """How far a visitor's files have come."""

    sources: tuple[Source, ...]
    lonely: tuple[str, ...]  # annotations of none of them
    rows: tuple[Row, ...] = ()
    done: int = 0  # files
    stopped: bool = False


class ManyTab:
    """Builds the tab inside the current ``gr.Tab``; ``model`` holds the name of the model to label with."""

    def __init__(self, analyser: Analyser, model: gr.Textbox):
        self.analyser = analyser
        self.batch = gr.State(time_to_live=FORGET_S)
        self.turn = gr.State(Turn())
        gr.HTML(markup.paragraph(texts.page.CAUTION, "caution"), js_on_load=None)
        note = f"{texts.many.NOTE} {texts.many.NAMES} {texts.page.KEPT}"
        gr.HTML(markup.paragraph(note, "note"), js_on_load=None)
        with gr.Row(equal_height=False):
            self.files = gr.File(
                label=texts.many.FILES, file_count="multiple", file_types=SUFFIXES, height=200, elem_id="many-files"
            )
            self.folder = gr.File(label=texts.many.FOLDER, file_count="directory", height=200, elem_id="many-folder")
        with gr.Row():
            self.run = gr.Button(texts.many.RUN, variant="primary", min_width=120, elem_id="many-run")
            self.stop = gr.Button(texts.many.STOP, min_width=120, elem_id="many-stop")
            self.save = gr.Button(texts.many.CSV, min_width=120, elem_id="many-save")
        self.progress = gr.HTML(js_on_load=None, min_height=60, elem_id="many-progress")
        self.file = gr.File(visible=False, interactive=False, label=texts.many.READY, elem_id="many-csv")
        self.table = gr.HTML(js_on_load=None, elem_id="many-table")
        self._wire(model)

    def _wire(self, model: gr.Textbox) -> None:
        at_once = {"queue": False, "show_progress": "hidden"}
        # A batch takes long; models are lent to it for one file at a time, so it does not hold up the others.
        self.run.click(Turn.begin, self.turn, api_name="begin_many", **at_once).then(
            self.label,
            [self.turn, self.files, self.folder, model],
            [self.batch, self.progress, self.table, self.file],
            api_name="label_many",
            show_progress="minimal",
            show_progress_on=self.progress,
            concurrency_id="many",
            concurrency_limit=1,
            trigger_mode="always_last",
        )
        self.stop.click(self.stopping, [self.turn, self.batch], self.progress, api_name="stop_many", **at_once)
        self.save.click(self.write, self.batch, self.file, api_name="write_many", show_progress_on=self.save)

    @repeated
    def label(
        self, turn: Turn, files: list[str] | None, folder: list[str] | None, model: str | None
    ) -> Iterator[Updates]:
        """Label one file after the other; each is shown as soon as it is done."""
        yield from turn.steps(self._label(files, folder, model), self._stopped)

    def _label(self, files: list[str] | None, folder: list[str] | None, model: str | None) -> Iterator[Updates]:
        from rsc_core import predict  # imports torch: not before models are needed

        sources, lonely = predict.paired([*(files or ()), *(folder or ())])
        if not sources:
            raise gr.Error(texts.many.NO_FILES, print_exception=False)
        if len(sources) > MOST_FILES:
            raise gr.Error(texts.many.TOO_MANY.format(count=len(sources), most=MOST_FILES), print_exception=False)
        if sum(Path(source.path).stat().st_size for source in sources) > MOST_BYTES:
            text = texts.many.TOO_LARGE.format(most=MOST_BYTES / 1e9)
            raise gr.Error(text, print_exception=False)
        batch = Batch(tuple(sources), tuple(lonely))
        yield self._shown(batch)
        with spoken():
            for found in predict.score(self.analyser, sources, model or None):
                batch = replace(batch, rows=(*batch.rows, *found), done=batch.done + 1)
                yield self._shown(batch)

    def stopping(self, turn: Turn, batch: Batch | None) -> Any:
        """End a batch, whose rows stay; what is said holds if it comes to the page after the batch's own last word."""
        if not turn.stop():
            return gr.skip()
        return progress(replace(batch, stopped=True)) if batch else markup.paragraph(texts.many.STOPPING, "note")

    def _stopped(self, last: Updates | None) -> Updates:
        """How far a batch had come."""
        return self._shown(replace(last[self.batch], stopped=True)) if last else {self.progress: ""}

    def write(self, batch: Batch | None) -> Any:
        """Write the rows there are as a CSV and show where to fetch it."""
        from rsc_core import predict  # imports torch: not before models are needed

        if batch is None or not batch.rows:
            raise gr.Error(texts.many.NO_ROWS, print_exception=False)
        path = cache.fresh(texts.many.FILE)
        path.write_bytes(predict.as_csv(batch.rows).encode())
        return gr.File(str(path), visible=True)

    def _shown(self, batch: Batch) -> Updates:
        """A batch as it stands; a file of fewer rows goes."""
        shown = {self.batch: batch, self.progress: progress(batch), self.table: table(batch.rows)}
        return {**shown, self.file: gr.File(None, visible=False)}


def progress(batch: Batch) -> str:
    """Return how far a batch has come, and which annotations belong to none of its files."""
    done, total = batch.done, len(batch.sources)
    bar = ""
    if batch.stopped:
        text = texts.many.STOPPED.format(done=done, total=total)
    elif done < total:
        text = texts.many.GOING.format(done=done, total=total, name=batch.sources[done].name)
        bar = f'<progress value="{done}" max="{total}"></progress> '
    else:
        failed = sum(row["error"] is not None for row in batch.rows)
        text = texts.many.DONE.format(done=done, cycles=len(batch.rows) - failed, failed=failed)
    lonely = markup.paragraph(texts.many.LONELY.format(names=", ".join(batch.lonely)), "note") if batch.lonely else ""
    return f'<p class="note" role="status">{bar}{escape(text)}</p>{lonely}'


def table(rows: Sequence[Row]) -> str:
    """Return the last rows as a table; a file that could not be used says why."""
    if not rows:
        return ""
    shown = rows[-SHOWN_ROWS:]
    head = "".join(f'<th scope="col">{text}</th>' for text in texts.many.HEADS)
    body = "".join(map(_row, shown))
    note = texts.many.LAST.format(shown=len(shown), count=len(rows))
    return (
        f'<div class="cycles" tabindex="0" role="region" aria-label="{texts.many.TABLE}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        + (markup.paragraph(note, "note") if len(shown) < len(rows) else "")
    )


def _row(row: Row) -> str:
    name = f'<th scope="row">{escape(str(row["file"]))}</th>'
    if row["error"] is not None:
        span = len(texts.many.HEADS) - 1
        return f'<tr class="failed">{name}<td colspan="{span}">{escape(str(row["error"]))}</td></tr>'
    cells = [
        str(row["cycle"]),
        f"{row['start_s']:.2f}",
        f"{row['end_s']:.2f}",
        f'<span class="chip {row["class"]}">{row["class"]}</span>',
        f"{row['crackle_present']:.2f}",
        f"{row['wheeze_present']:.2f}",
        escape(str(row["model"])),
        escape(str(row["warnings"])),
    ]
    return f"<tr>{name}" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
