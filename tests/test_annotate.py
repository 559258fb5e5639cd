"""What the tab Annotate does with an annotation, without a browser."""

import gradio as gr
import numpy as np
import pytest

from rsc_core.analysis import Analysis, Cycle, Recording
from rsc_core.config import CLASSES
from rsc_core.cycles import read_icbhi
from rsc_core.ui import texts
from rsc_core.ui.annotation_files import AnnotationFiles
from rsc_core.ui.edited import chosen, opened, same_sound
from rsc_core.ui.shown import Shown

CYCLES = (Cycle(0.0, 2.0, "normal"), Cycle(2.0, 4.5, "crackle"), Cycle(5.0, 7.0, "wheeze"))


@pytest.fixture
def shown():
    waveform = np.sin(np.arange(128_000) / 9).astype(np.float32)
    recording = Recording(waveform, 16_000, 16_000, 1, 8.0, 1.0)
    analysis = Analysis(recording, CYCLES, True, CLASSES, np.eye(4, dtype=np.float32)[:3], None)
    return Shown(analysis, 0, None, None)


@pytest.fixture
def files():
    with gr.Blocks():
        return AnnotationFiles()


def test_what_is_written_is_read_back_and_then_nothing_is_unsaved(shown, files, tmp_path):
    edited, cut = opened(shown.analysis)
    assert cut == 0 and not edited.history.unsaved
    edited = edited.edit(lambda annotation: annotation.__class__(annotation.cycles[1:], annotation.seconds))
    assert edited.history.unsaved
    done, status, file = files.write(edited, False, shown, "/somewhere/jane_doe.wav")
    assert not done.history.unsaved and texts.annotate.SAVED in status
    path = file.value["path"]
    assert path.endswith(f"/{texts.annotate.FILE}") and read_icbhi(path) == CYCLES[1:]
    assert files.write(edited, True, shown, "/somewhere/jane_doe.wav")[2].value["path"].endswith("/jane_doe.txt")
    unnamed = files.write(edited, True, None, "/somewhere/another_person.wav")[2].value["path"]
    assert unnamed.endswith(f"/{texts.annotate.FILE}")  # the first tab holds another recording
    with pytest.raises(gr.Error):
        files.prepare("analyse", edited, None)

    back, said = files.read(path, opened(shown.analysis)[0])
    assert back.history.present == done.history.present and not back.history.unsaved
    assert back.history.undone().present.cycles == CYCLES
    assert said.startswith(texts.annotate.IMPORTED)


def test_an_annotation_of_a_longer_recording_is_refused(shown, files, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("9\t10\t0\t0\n")
    with pytest.raises(gr.Error, match="belongs to another recording"):
        files.read(path, opened(shown.analysis)[0])


def test_the_chosen_cycle_is_one_there_is(shown):
    edited, _ = opened(shown.analysis)
    none = edited.edit(lambda annotation: annotation.__class__((), annotation.seconds))
    assert edited.chosen == 0 and none.chosen is None and none.times is None
    with pytest.raises(gr.Error, match=texts.annotate.NOTHING):
        chosen(none)
    assert edited.at(edited.history, 99).chosen == 2 and edited.at(none.history.undone(), None).chosen == 0
    with pytest.raises(gr.Error, match=texts.page.FORGOTTEN):
        chosen(None)


def test_a_recording_read_twice_is_the_same_sound(shown):
    recording = shown.analysis.recording
    again = Recording(recording.waveform.copy(), *list(recording.__dict__.values())[1:])
    other = Recording(recording.waveform[1:], *list(recording.__dict__.values())[1:])
    assert same_sound(recording, again) and not same_sound(recording, other)


def test_agreement_with_the_model_is_counted(shown, files):
    analysis = shown.analysis
    edited, _ = opened(analysis)
    model = type("Card", (), {"name": "<model>"})
    labelled = Shown(analysis.__class__(**{**analysis.__dict__, "model": model}), 0, None, None)
    said = files.compare(labelled, edited)
    assert "&lt;model&gt; labels 3 of 3 cycles as you do" in said
