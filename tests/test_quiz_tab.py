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


def test_a_new_round_has_the_next_number_and_other_sounds():
    with gr.Blocks():
        tab = QuizTab(NoAnalyser())
    chosen = ("synthesised", None, False, 5, "four")
    first, new = tab.start(*chosen, 7, "a model"), tab.start_new(*chosen, 7, "a model")
    assert new[tab.seed] == 8 == new[tab.playing].round.seed
    assert first[tab.player]["name"] != new[tab.player]["name"]
