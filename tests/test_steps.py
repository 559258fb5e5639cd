"""Callbacks whose steps reach the page whole."""

import inspect
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from rsc_core.ui import build_app
from rsc_core.ui.pictures import picture_place
from rsc_core.ui.steps import repeated

RED = np.full((4, 6, 3), (255, 0, 0), dtype=np.uint8)


@pytest.fixture
def places():
    return gr.HTML(), gr.HTML(), picture_place("a picture", "picture", "png")


def test_every_step_holds_the_objects_of_those_before_it(places):
    first, second, shown = places

    @repeated
    def steps(text):
        yield {first: text, second: {"name": "b"}}
        yield {shown: "a.png"}
        yield {first: "c"}
        yield {second: {"name": "d"}}

    b, d = {"name": "b"}, {"name": "d"}
    assert list(steps("a")) == [
        {first: "a", second: b},
        {second: b, shown: "a.png"},  # a file's path becomes an object, a text does not
        {first: "c", second: b, shown: "a.png"},
        {second: d, shown: "a.png"},
    ]


def test_what_is_chosen_of_a_list_is_not_repeated(places):
    first, *_ = places
    names = gr.Dropdown(["one", "two"])

    @repeated
    def steps():
        yield {names: (choices := gr.Dropdown(["two", "three"]))}
        yield {names: "three"}
        yield {first: choices.label}

    assert [step.get(names) for step in steps()][1:] == ["three", None]


def test_what_is_taken_away_stays_away(places):
    _, second, shown = places

    @repeated
    def steps():
        yield {shown: "a.png", second: None}
        yield {shown: None}
        yield {second: "b"}

    assert list(steps()) == [{shown: "a.png", second: None}, {shown: None}, {second: "b"}]


def test_a_step_of_nothing_takes_nothing_away(places):
    _, _, shown = places

    @repeated
    def steps():
        yield gr.skip()
        yield {shown: "a.png"}
        yield gr.skip()

    assert list(steps()) == [gr.skip(), {shown: "a.png"}, {shown: "a.png"}]


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


def test_every_callback_of_several_steps_repeats_them():
    app = build_app(SimpleNamespace(cards={}, default="", folder="none"))
    callbacks = {fn.fn for fn in app.fns.values() if inspect.isgeneratorfunction(fn.fn)}
    assert len(callbacks) > 10
    assert not [one.__qualname__ for one in callbacks if one.__code__ is not repeated(one).__code__]
