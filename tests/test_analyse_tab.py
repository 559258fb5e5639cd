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


@pytest.mark.parametrize(
    ("address", "model"), [("of the address", "of the address"), ("no such", "default"), (None, "default")]
)
def test_before_the_list_is_there_the_model_of_the_address_labels(address, model):
    class Asked:
        cards, default = {"of the address": None, "default": None}, "default"

        def analysing(self, path, model, annotation):
            raise AudioError(f"asked for {model}")
            yield

    with gr.Blocks():
        tab = AnalyseTab(Asked())
    request = gr.Request(query_params={"model": address} if address else {})
    with pytest.raises(gr.Error, match=f"asked for {model}"):
        list(tab.analyse_new(800, "breath.wav", "", "db", request))
