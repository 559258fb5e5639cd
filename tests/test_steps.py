"""Callbacks whose steps reach the page whole."""

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from rsc_core.ui.pictures import picture_place
from rsc_core.ui.steps import repeated

RED = np.full((4, 6, 3), (255, 0, 0), dtype=np.uint8)


@pytest.fixture
def places():
    return gr.HTML(), gr.HTML(), picture_place("a picture", "picture", "png")


def test_every_step_holds_those_before_it(places):
    first, second, _ = places

    @repeated
    def steps(text):
        yield {first: text}
        yield {second: "b"}
        yield {first: "c"}

    assert list(steps("a")) == [{first: "a"}, {first: "a", second: "b"}, {first: "c", second: "b"}]


def test_nothing_is_said_once(places):
    first, second, _ = places

    @repeated
    def steps():
        yield {first: "a", second: None}
        yield {first: None}
        yield {second: "b"}

    assert list(steps()) == [{first: "a", second: None}, {first: None}, {second: "b"}]


def test_a_step_that_changes_nothing_takes_nothing_away(places):
    first, *_ = places

    @repeated
    def steps():
        yield gr.skip()
        yield {first: "a"}
        yield gr.skip()

    assert list(steps()) == [gr.skip(), {first: "a"}, {first: "a"}]


def test_a_picture_is_packed_once(places):
    first, _, shown = places

    @repeated
    def steps():
        yield {shown: RED}
        yield {first: "a"}

    one, two = (step[shown] for step in steps())
    assert one is two
    packed = shown.postprocess(one)
    assert packed.path == one  # Gradio takes it as it is
    assert (np.asarray(Image.open(one)) == RED).all()
    assert shown.postprocess(RED).path == one  # and would have made the same


def test_a_callback_keeps_what_gradio_asks_it_for():
    def callback(event: gr.EventData):
        """Say something."""
        yield {}

    assert gr.utils.get_type_hints(repeated(callback)) == gr.utils.get_type_hints(callback)
    assert repeated(callback).__doc__ == callback.__doc__
