"""What the tab Quiz sends to a browser before an answer."""

import re

import gradio as gr
import pytest

from rsc_core.ui.quiz import QuizTab


class NoAnalyser:
    """Asked for nothing before an answer."""

    cards, default = {}, ""


@pytest.mark.parametrize("seed", range(3))
def test_nothing_sent_with_a_question_tells_its_answer(seed):
    with gr.Blocks():
        tab = QuizTab(NoAnalyser())
    sent = tab.start("synthesised", None, False, 5, "rising", seed, "a model")
    played = sent.pop(tab.playing).round  # stays on the server
    asked = played.questions[0]
    (sound,) = sent[tab.player]["sounds"]
    assert sound["seconds"] == len(asked.sound) / asked.recording.sample_rate
    said = " ".join(str(value) for value in sent.values())
    assert not re.search("crackle|wheeze|rhonch|stridor|both", said)
    assert said.count("normal") == 2  # the answer that is offered for every sound: its value and its word
