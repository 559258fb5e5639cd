"""What the first tab says while a recording is labelled, and where that fails."""

import gradio as gr
import pytest

from rsc_core.audio import AudioError
from rsc_core.ui import texts
from rsc_core.ui.analyse import AnalyseTab


class Interrupted:
    """Labels half of a recording."""

    cards, default = {}, ""

    def analysing(self, path, model, annotation):
        yield 0, 64
        yield 32, 64
        raise AudioError("the rest is <unreadable>")


def test_a_long_recording_says_how_far_it_is_and_a_failure_takes_its_place():
    with gr.Blocks():
        tab = AnalyseTab(Interrupted())
    steps, said = tab.analyse(800, "breath.wav", None, "a model", "db"), []
    with pytest.raises(gr.Error):
        while True:
            said.append(next(steps)[tab.welcome].value)
    first, along, last = said
    assert texts.analyse.WORKING in first and 'value="32" max="64"' in along
    assert "progress" not in last and "the rest is &lt;unreadable&gt;" in last
