"""The part of the first tab that hands out files; each is made when it is asked for, and deleted after an hour."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import takeaway
from rsc_core.explain import evidence
from rsc_core.ui import markup, texts

if TYPE_CHECKING:
    from rsc_core.ui.analyse import Shown

FILES = {
    "report": "lung-sound-report.html",
    "png": "lung-sound-pictures-png.zip",
    "svg": "lung-sound-pictures-svg.zip",
    "npz": "lung-sound-maps.npz",
    "json": "lung-sound-analysis.json",
}


class Downloads:
    """Builds its buttons inside the current ``gr.Blocks``."""

    def __init__(self) -> None:
        gr.HTML(f"<h2>{texts.TAKE_HOME}</h2>" + markup.paragraph(texts.TAKE_HOME_NOTE, "note"), js_on_load=None)
        self.named = gr.Checkbox(False, label=texts.NAMED, container=False, elem_id="named")
        with gr.Row(elem_id="take-home"):
            self.buttons = {
                kind: gr.Button(texts.FILES[kind], size="sm", min_width=130, elem_id=f"prepare-{kind}")
                for kind in FILES
            }
        self.file = gr.File(visible=False, interactive=False, label=texts.READY, elem_id="prepared")

    def wire(
        self,
        seen: Callable[[Shown | None], Shown],
        shown: gr.State,
        values: gr.Component,
        audio: gr.Component,
    ) -> None:
        """Connect the buttons; ``seen`` says so where the server has forgotten what was shown."""
        for kind, button in self.buttons.items():
            button.click(
                partial(self.prepare, kind, seen),
                [shown, values, self.named, audio],
                self.file,
                api_name=f"prepare_{kind}",
                show_progress_on=button,
                concurrency_id="analysis",
                concurrency_limit=1,
            )

    def prepare(
        self,
        kind: str,
        seen: Callable[[Shown | None], Shown],
        shown: Shown | None,
        values: str,
        named: bool,
        audio: str | None,
    ) -> Any:
        """Write one kind of file and show where to fetch it."""
        shown = seen(shown)
        if shown.view is None:
            raise gr.Error(texts.NOT_YET, print_exception=False)
        name = Path(audio).name if named and audio else None
        path = Path(tempfile.mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR"))) / FILES[kind]
        path.write_bytes(contents(kind, shown, values, name))
        return gr.File(str(path), visible=True)


def contents(kind: str, shown: Shown, values: str, name: str | None) -> bytes:
    """Return the bytes of one of ``FILES``; ``name``, of the recording's file, is written where there is one."""
    analysis, view = shown.analysis, shown.view
    if kind == "npz":
        return takeaway.maps_archive(view)
    if kind == "json":
        measured = evidence.measure(view.waveform, view.sample_rate)
        breathing = evidence.breathing(analysis.recording.waveform, analysis.recording.sample_rate)
        found = {"cycle": shown.chosen + 1, **asdict(measured), "breaths_per_min": breathing.rate_per_min}
        return takeaway.as_json(analysis, settings(shown, values), texts.CAUTION, found, name).encode()
    drawn = takeaway.pictures(analysis, shown.chosen, view, values)
    if kind in ("png", "svg"):
        return takeaway.picture_archive(drawn, kind)
    return _report(shown, values, name, drawn).encode()


def settings(shown: Shown, values: str) -> dict[str, Any]:
    """Return what made an analysis and its pictures."""
    analysis = shown.analysis
    return {
        "made (UTC)": datetime.now(UTC).isoformat(" ", "minutes").removesuffix("+00:00"),
        "model": analysis.model.name,
        "cycles": "annotated" if analysis.annotated else "windows",
        "chosen cycle": shown.chosen + 1,
        "spectrograms": texts.VALUES[values],
        "sample rate (Hz)": analysis.recording.sample_rate,
        "gain applied": f"{analysis.recording.gain:.4g}",
    }


def _report(shown: Shown, values: str, name: str | None, drawn: dict[str, Any]) -> str:
    analysis, view = shown.analysis, shown.view
    cycle = f"Cycle {shown.chosen + 1}: {view.cycle.start_s:.2f} to {view.cycle.end_s:.2f} s"
    made = ({"File": name} if name else {}) | settings(shown, values)
    looks = texts.ATTENTION if view.attention else texts.NO_ATTENTION
    sections = [
        ("The recording", markup.remarks(analysis) + takeaway.image(drawn["cycles"], texts.ALT["cycles"])),
        ("Cycles", takeaway.cycle_rows(analysis, shown.chosen)),
        (cycle, markup.evidence(*measured(shown)) + takeaway.image(drawn["log-mel"], texts.ALT["log-mel"])),
        ("Hybrid spectrogram", takeaway.image(drawn["hybrid"], texts.ALT["hybrid"])),
        (
            "Where the model reads",
            markup.paragraph(looks, "note")
            + (takeaway.image(drawn["attention"], texts.ALT["attention"]) if view.attention else ""),
        ),
        ("Model", markup.model_card(analysis.model, [analysis.model])),
        ("Settings", takeaway.facts(made)),
    ]
    return takeaway.page(texts.REPORT, texts.CAUTION, sections)


def measured(shown: Shown) -> tuple[evidence.Evidence, tuple[evidence.Agreement, ...], evidence.Breathing]:
    """Return what is found in the chosen cycle and in the recording without a network."""
    recording = shown.analysis.recording
    found = evidence.measure(shown.view.waveform, shown.view.sample_rate)
    return (
        found,
        evidence.agreement(found, shown.analysis.probabilities[shown.chosen]),
        evidence.breathing(recording.waveform, recording.sample_rate),
    )
