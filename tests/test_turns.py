"""A visitor's long work ends when stopped, left, or begun again; a stopped one can be begun again."""

import gradio as gr
import pytest

from rsc_core.ui.turns import Turn

LEFT = {"said": ""}


@pytest.fixture
def turn():
    turn = Turn()
    turn.begin()
    return turn


def work(count=3):
    yield from ({"done": done} for done in range(count))


def stopped(last):
    return {"stopped after": last and last["done"]}


def steps(turn, made=None):
    return turn.steps(made or work(), stopped, LEFT)


def test_work_goes_on_to_its_end(turn):
    assert list(steps(turn)) == [{"done": 0}, {"done": 1}, {"done": 2}]
    assert not turn.stop()  # there is nothing left to stop


def test_a_stopped_work_drops_the_step_under_way_and_says_how_far_it_came(turn):
    closed = []

    def interrupted():
        try:
            yield {"done": 0}
            assert turn.stop()  # while the next step is made
            yield {"done": 1}
        finally:
            closed.append(True)

    assert list(steps(turn, interrupted())) == [{"done": 0}, {"stopped after": 0}]
    assert closed and not turn.stop()


def test_work_stopped_while_it_waits_never_begins(turn):
    assert turn.stop()
    assert list(steps(turn)) == [{"stopped after": None}]


def test_what_was_stopped_can_be_begun_again_and_stopped_again(turn):
    for _ in range(3):
        first = steps(turn)
        assert next(first) == {"done": 0} and turn.stop()
        assert list(first) == [{"stopped after": 0}]
        turn.begin()
    assert len(list(steps(turn))) == 3


def test_beginning_again_ends_the_work_before_without_a_word(turn):
    first = steps(turn)
    assert next(first) == {"done": 0}
    turn.begin()
    assert list(first) == []
    assert len(list(steps(turn))) == 3


def test_two_clicks_before_the_work_begins_are_one(turn):
    turn.begin()
    assert len(list(steps(turn))) == 3
    assert list(steps(turn)) == [gr.skip()]


@pytest.mark.parametrize("begun", [True, False])
def test_work_that_was_left_clears_the_page(turn, begun):
    first = steps(turn)
    if begun:
        next(first)
    turn.leave()
    assert list(first) == [LEFT]


def test_work_that_fails_says_how_far_it_came_and_leaves_nothing_to_stop(turn):
    def broken():
        yield {"done": 0}
        raise ValueError("broken")

    first = steps(turn, broken())
    assert [next(first), next(first)] == [{"done": 0}, {"stopped after": 0}]
    with pytest.raises(ValueError, match="broken"):
        next(first)
    assert not turn.stop()


def test_work_that_fails_at_once_shows_nothing_done(turn):
    def broken():
        raise ValueError("broken")
        yield

    first = steps(turn, broken())
    assert next(first) == {"stopped after": None}
    with pytest.raises(ValueError, match="broken"):
        next(first)
