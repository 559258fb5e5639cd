"""The part of the first tab that hands out files; each is made when it is asked for, and deleted after an hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rsc_core import comparison_figures, takeaway
from rsc_core.explain import evidence
from rsc_core.figures import Picture
from rsc_core.ui import cache, markup, texts

if TYPE_CHECKING:
    from rsc_core.ui.compare import Compared
    from rsc_core.ui.shown import Shown
    from rsc_core.ui.tuned import Opened

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
        gr.HTML(markup.titled(texts.take_home.TITLE, texts.take_home.NOTE), js_on_load=None)
        self.named = gr.Checkbox(False, label=texts.take_home.NAMED, container=False, elem_id="named")
        with gr.Row(elem_id="take-home"):
            self.buttons = {
                kind: gr.Button(texts.take_home.FILES[kind], size="sm", min_width=130, elem_id=f"prepare-{kind}")
                for kind in FILES
            }
        self.file = gr.File(visible=False, interactive=False, label=texts.take_home.READY, elem_id="prepared")

    def wire(
        self,
        seen: Callable[[Shown | None], Shown],
        shown: gr.State,
        values: gr.Component,
        audio: gr.Component,
        compared: gr.State,
        opened: gr.State,
    ) -> None:
        """Connect the buttons; ``seen`` says so where the server has forgotten what was shown."""
        for kind, button in self.buttons.items():
            button.click(
                partial(self.prepare, kind, seen),
                [shown, values, self.named, audio, compared, opened],
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
        compared: Compared | None,
        opened: Opened | None,
    ) -> Any:
        """Write one kind of file and show where to fetch it."""
        shown = seen(shown)
        if shown.view is None:
            raise gr.Error(texts.take_home.NOT_YET, print_exception=False)
        name = Path(audio).name if named and audio else None
        path = cache.fresh(FILES[kind])
        if kind == "report":
            path.write_text(report(shown, values, name, compared, opened))
        else:
            path.write_bytes(contents(kind, shown, values, name))
        return gr.File(str(path), visible=True)


def contents(kind: str, shown: Shown, values: str, name: str | None) -> bytes:
    """Return the bytes of one of ``FILES`` other than the report.

    The name of the recording's file is written where there is one.
    """
    analysis, view = shown.analysis, shown.view
    if kind == "npz":
        return takeaway.maps_archive(view)
    if kind == "json":
        measured = evidence.measure(view.waveform, view.sample_rate)
        breathing = evidence.breathing(analysis.recording.waveform, analysis.recording.sample_rate)
        found = {"cycle": shown.chosen + 1, **asdict(measured), "breaths_per_min": breathing.rate_per_min}
        return takeaway.as_json(analysis, settings(shown, values), texts.page.CAUTION, found, name).encode()
    return takeaway.picture_archive(takeaway.pictures(analysis, shown.chosen, view, values), kind)


def settings(shown: Shown, values: str) -> dict[str, Any]:
    """Return what made an analysis and its pictures."""
    analysis = shown.analysis
    origin = "annotated" if analysis.annotated else "found" if analysis.segmented else "windows"
    made = {
        "made": datetime.now(UTC).isoformat(" ", "minutes").removesuffix("+00:00"),
        "model": analysis.model.name,
        "cycles": texts.take_home.CYCLES[origin],
        "chosen": shown.chosen + 1,
        "spectrograms": texts.analyse.VALUES[values],
        "rate": analysis.recording.sample_rate,
        "gain": f"{analysis.recording.gain:.4g}",
    }
    return {texts.take_home.SETTINGS[key]: value for key, value in made.items()}


def report(
    shown: Shown, values: str, name: str | None, compared: Compared | None = None, opened: Opened | None = None
) -> str:
    """Return all that the page shows of a recording, as one HTML page.

    Args:
        shown: of the first tab.
        values: key of ``texts.analyse.VALUES``.
        name: of the recording's file, if it is to be in there.
        compared: left out where it is of another recording.
        opened: left out where it is not of ``compared`` as it stands.
    """
    analysis, view = shown.analysis, shown.view
    drawn = takeaway.pictures(analysis, shown.chosen, view, values)
    cycle = texts.analyse.CYCLE.format(number=shown.chosen + 1, start=view.cycle.start_s, end=view.cycle.end_s)
    made = ({texts.take_home.NAME: name} if name else {}) | settings(shown, values)
    looks = texts.analyse.ATTENTION if view.attention else texts.analyse.NO_ATTENTION
    heading = texts.take_home.REPORT_SECTIONS
    sections = [
        (heading["recording"], markup.remarks(analysis) + _image("cycles", drawn["cycles"])),
        (heading["cycles"], takeaway.cycle_rows(analysis, shown.chosen)),
        (cycle, markup.evidence(*measured(shown)) + _image("log-mel", drawn["log-mel"])),
        (heading["hybrid"], _image("hybrid", drawn["hybrid"])),
        (
            heading["attention"],
            markup.paragraph(looks, "note") + (_image("attention", drawn["attention"]) if view.attention else ""),
        ),
        (heading["model"], markup.model_card(analysis.model, [analysis.model])),
    ]
    if compared and compared.beneath and compared.comparison.analyses[0].recording is analysis.recording:
        sections += _compared(compared)
        sections += _tuned(opened) if opened and opened.compared is compared else []
    sections.append((heading["settings"], takeaway.facts(made)))
    return takeaway.page(texts.take_home.REPORT, texts.page.CAUTION, sections)


def _compared(compared: Compared) -> list[tuple[str, str]]:
    """Sections with the table of the comparison, and both kinds of map on its chosen cycle."""
    analyses = compared.comparison.analyses
    cycle = analyses[0].cycles[compared.chosen]
    maps = [(look, compared.maps(look)) for look in texts.compare.MAPS]
    pictures = "".join(
        f"<h3>{look}</h3>" + _image("maps", comparison_figures.maps(compared.beneath, by_model, **takeaway.SIZE))
        for look, by_model in maps
        if by_model
    )
    about = markup.paragraph(compared.sentence, "verdict")
    return [
        (texts.take_home.REPORT_SECTIONS["compared"], about + takeaway.compared_rows(analyses, compared.chosen)),
        (
            texts.take_home.COMPARED_CYCLE.format(number=compared.chosen + 1, start=cycle.start_s, end=cycle.end_s),
            pictures + markup.paragraph(compared.note, "note"),
        ),
    ]


def _tuned(opened: Opened) -> list[tuple[str, str]]:
    """A section with the pictures of what tuning changed, the dial as tuned."""
    tuned, size = opened.tuned, takeaway.SIZE
    dial = comparison_figures.dial(tuned.factors, tuned.probabilities, tuned.classes, 1, **size)
    changes, _, _ = comparison_figures.weight_changes(tuned.changes[tuned.name], opened.chosen, **size)
    difference = comparison_figures.difference(opened.compared.beneath, tuned.more_than_base, **size)
    html = [
        f"<h3>{escape(opened.about)}</h3>",
        _image("dial", dial),
        _image("difference", difference),
        markup.paragraph(texts.compare.MORE, "note"),
        _image("changes", changes),
        _image("spectra", comparison_figures.spectra(opened.beside, **size)),
    ]
    return [(texts.compare.TUNED, "".join(html))]


def _image(name: str, picture: Picture) -> str:
    return takeaway.image(picture, texts.pictures.ALT[name])


def measured(shown: Shown) -> tuple[evidence.Evidence, tuple[evidence.Agreement, ...], evidence.Breathing]:
    """Return what is found in the chosen cycle and in the recording without a network."""
    recording = shown.analysis.recording
    found = evidence.measure(shown.view.waveform, shown.view.sample_rate)
    return (
        found,
        evidence.agreement(found, shown.analysis.probabilities[shown.chosen]),
        evidence.breathing(recording.waveform, recording.sample_rate),
    )
