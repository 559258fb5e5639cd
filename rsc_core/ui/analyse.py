"""The tab "Analyse": a sound in, cycles, labels and pictures out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np

from rsc_core import figures, synth
from rsc_core.analysis import Analysis, CycleView, ModelCard
from rsc_core.audio import AudioError
from rsc_core.checkpoint import CheckpointError
from rsc_core.cycles import AnnotationError
from rsc_core.inference import Analyser, annotation_beside
from rsc_core.ui import texts

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
ERRORS = (AudioError, AnnotationError, CheckpointError)


def build(analyser: Analyser) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    examples = {**dict.fromkeys(synth.EXAMPLES), **real_examples()}
    analysis, chosen, view = gr.State(), gr.State(0), gr.State()
    units = list(texts.UNITS)

    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            sound = gr.Audio(
                label="Breath sound",
                sources=["upload", "microphone"],
                type="filepath",
                elem_id="sound",
                editable=False,
            )
            gr.HTML(f'<div id="microphone-status">{texts.MICROPHONE}</div>')
            gr.Markdown(texts.CONSENT, elem_classes="small")
            example = gr.Dropdown(
                list(examples),
                value=None,
                label="Or pick an example (the named sounds are synthesised)",
                elem_id="example",
            )
            with gr.Accordion("Annotation (optional)", open=False):
                annotation = gr.File(label="ICBHI .txt or SPRSound .json", file_types=[".txt", ".json"], height=120)
            model = gr.Radio(list(analyser.cards), value=analyser.default, label="Model", elem_id="model")
            card = gr.Markdown(describe(analyser.cards[analyser.default]), elem_id="card", elem_classes="small")
            button = gr.Button("Analyse", variant="primary", elem_id="analyse")
        with gr.Column(scale=7, min_width=300):
            gr.Markdown(texts.NOTICE, elem_id="notice")
            warnings = gr.Markdown(elem_id="warnings")
            wave = _picture("Recording and its cycles, coloured by label", "waveform")
            summary = gr.Markdown(texts.CHOOSE, elem_classes="small")
            table = gr.Dataframe(
                headers=[*texts.COLUMNS],
                interactive=False,
                label="Cycles",
                elem_id="cycles",
                max_height=260,
                wrap=False,
            )
            gr.Markdown(texts.COLUMNS_HELP, elem_classes="small")
            with gr.Row():
                whole = gr.Audio(label="Recording", interactive=False, elem_id="play-recording", min_width=240)
                part = gr.Audio(label="Chosen cycle", interactive=False, elem_id="play-cycle", min_width=240)
    heading = gr.Markdown(elem_id="chosen-cycle")
    unit = gr.Radio(units, value=units[0], label="Spectrograms", elem_id="unit")
    with gr.Row():
        with gr.Column(min_width=300):
            log_mel = _picture("Log-mel spectrogram, what the model reads", "log-mel")
            attention = _picture("Attention of the chosen cycle over its spectrogram", "attention")
            gr.Markdown(texts.ATTENTION, elem_classes="small")
        with gr.Column(min_width=300):
            hybrid = _picture("Hybrid spectrogram: CQT, Gammatone, Mel", "hybrid")
            gr.Markdown(texts.HYBRID, elem_classes="small")

    overview = [analysis, chosen, warnings, wave, summary, table, whole]
    detail = [view, heading, part, log_mel, hybrid, attention]

    def analyse(path: str | None, model_name: str, annotation_path: str | None):
        if not path:
            raise gr.Error("There is no sound yet. Record, upload or pick an example first.")
        try:
            return _overview(analyser.analyse(path, model_name, annotation_path), 0)
        except ERRORS as error:
            raise gr.Error(str(error), title="This cannot be analysed") from None

    def pick(name: str | None, model_name: str):
        if not name:
            return (gr.skip(),) * (2 + len(overview))
        path = examples[name] or _synthesised(name)
        beside = annotation_beside(path)
        return str(path), beside and str(beside), *analyse(str(path), model_name, beside)

    def switch(current: Analysis | None, index: int, model_name: str):
        text = describe(analyser.cards[model_name])
        if current is None:
            return text, *(gr.skip(),) * len(overview)
        try:
            shown = _overview(analyser.relabel(current, model_name), index)
        except CheckpointError as error:
            raise gr.Error(str(error)) from None
        return text, *shown[:-1], gr.skip()  # the recording plays on

    def draw(current: Analysis | None, index: int, unit_name: str) -> Iterator[tuple]:
        if current is None:
            yield (gr.skip(),) * len(detail)
            return
        seen = analyser.view(current, index)
        spectrograms = _spectrograms(seen, unit_name)
        yield seen, _heading(current, index), _player(seen.waveform, seen.sample_rate), *spectrograms, gr.skip()
        yield *(gr.skip(),) * 5, figures.attention(seen.attention, seen.log_mel["db"]).pixels()

    def choose_row(event: gr.SelectData, current: Analysis):
        return event.index[0], figures.waveform(current, event.index[0]).pixels()

    def choose_place(event: gr.SelectData, current: Analysis, index: int):
        place = figures.waveform(current).at(*event.index)
        hits = [i for i, c in enumerate(current.cycles) if place and c.start_s <= place[0] <= c.end_s]
        index = hits[0] if hits else index
        return index, figures.waveform(current, index).pixels()

    def change_unit(seen: CycleView | None, unit_name: str):
        return (gr.skip(),) * 2 if seen is None else _spectrograms(seen, unit_name)

    drawing = {"fn": draw, "inputs": [analysis, chosen, unit], "outputs": detail, "api_name": False}
    fresh = {"inputs": [sound, model, annotation], "outputs": overview}
    sound.upload(lambda: None, None, annotation, api_name=False).then(analyse, **fresh, api_name=False).success(
        **drawing
    )
    sound.stop_recording(lambda: None, None, annotation, api_name=False).then(
        analyse, **fresh, api_name=False
    ).success(**drawing)
    button.click(analyse, **fresh, api_name="analyse").success(**(drawing | {"api_name": "view"}))
    example.input(pick, [example, model], [sound, annotation, *overview], api_name="example").success(**drawing)
    model.input(switch, [analysis, chosen, model], [card, *overview], api_name="model").success(**drawing)
    table.select(choose_row, analysis, [chosen, wave], api_name=False).success(**drawing)
    wave.select(choose_place, [analysis, chosen], [chosen, wave], api_name=False).success(**drawing)
    unit.input(change_unit, [view, unit], [log_mel, hybrid], api_name=False)


def real_examples() -> dict[str, Path]:
    """Name -> path of the sound files in the folder that RSC_EXAMPLES names, if it does."""
    folder = os.environ.get("RSC_EXAMPLES")
    if not folder:
        return {}
    return {path.stem: path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in SOUNDS}


def describe(card: ModelCard) -> str:
    """Return a model's card as a few lines."""
    low, high = card.score_interval
    score = "not evaluated"
    if card.score == card.score:  # not NaN
        score = (
            f"**Score {card.score:.1f}** (95 % over patients {low:.1f} to {high:.1f}), "
            f"Sp {card.specificity:.1f}, Se {card.sensitivity:.1f}"
        )
    return (
        f"**{card.name}**: {card.title}  \n"
        f"{card.trainable:,} of {card.parameters:,} parameters trained  \n"
        f"{score} on {card.corpus}; protocol {card.protocol}  \n{card.base}"
    )


def _overview(current: Analysis, index: int) -> tuple:
    """Values of the overview's components."""
    recording = current.recording
    facts = (
        f"{recording.seconds:.1f} s, {recording.source_rate:,} Hz, "
        f"{'mono' if recording.channels == 1 else f'{recording.channels} channels, averaged'}, "
        f"scaled by {20 * np.log10(recording.gain):+.0f} dB. "
        f"{texts.ANNOTATED if current.annotated else texts.WINDOWS} {texts.CHOOSE}"
    )
    rows = [
        [
            i + 1,
            f"{cycle.start_s:.2f}",
            f"{cycle.end_s:.2f}",
            cycle.label or "",
            label,
            f"{crackle:.2f}",
            f"{wheeze:.2f}",
            *(f"{p:.2f}" for p in probabilities),
        ]
        for i, (cycle, label, crackle, wheeze, probabilities) in enumerate(
            zip(
                current.cycles,
                current.labels,
                current.crackle_present,
                current.wheeze_present,
                current.probabilities,
                strict=True,
            )
        )
    ]
    table = {"headers": [*texts.COLUMNS, *current.classes], "data": rows}
    warnings = "\n".join(f"- {warning}" for warning in recording.warnings)
    picture = figures.waveform(current, index).pixels()
    return current, index, warnings, picture, facts, table, _player(recording.waveform, recording.sample_rate)


def _heading(current: Analysis, index: int) -> str:
    cycle = current.cycles[index]
    kind = "Cycle" if current.annotated else "Window"
    return (
        f"### {kind} {index + 1}: {cycle.start_s:.2f} to {cycle.end_s:.2f} s, labelled {current.labels[index]} by "
        f"{current.model.name}"
    )


def _spectrograms(seen: CycleView, unit_name: str) -> tuple[np.ndarray, np.ndarray]:
    key = texts.UNITS[unit_name]
    return figures.log_mel(seen.log_mel[key]).pixels(), figures.hybrid(seen.hybrid[key]).pixels()


def _picture(label: str, elem_id: str) -> gr.Image:
    return gr.Image(label=label, elem_id=elem_id, interactive=False, format="png", buttons=["download", "fullscreen"])


def _player(waveform: np.ndarray, sample_rate: int) -> tuple[int, np.ndarray]:
    """Sixteen-bit samples, turned down only where they would clip: Gradio normalises anything else."""
    peak = max(1.0, float(np.abs(waveform).max()) / 0.98)
    return sample_rate, np.round(waveform / peak * 32767).astype(np.int16)


def _synthesised(name: str) -> Path:
    path = Path(tempfile.mkdtemp(prefix="rsc-example-")) / f"{name.lower().replace(' ', '_')}.wav"
    synth.write(path, synth.example(name))
    return path
