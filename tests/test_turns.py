"""A visitor's long work ends when stopped, begun again, or overtaken; a stopped one can be begun again."""

import pytest

from rsc_core.ui.turns import Turn


@pytest.fixture
def turn():
    turn = Turn()
    turn.begin()
    return turn


def test_work_goes_on_to_its_end(turn):
    assert list(turn.steps(range(3))) == [0, 1, 2]
    assert not turn.stopped
    assert not turn.stop()  # there is nothing left to stop
    assert not turn.stopped


def test_a_stopped_work_drops_the_step_under_way_and_is_not_resumed(turn):
    closed, done = [], []

    def work():
        try:
            yield 1
            assert turn.stop()  # while the second step is made
            yield 2
        finally:
            closed.append(True)

    for step in turn.steps(work()):
        done.append(step)
    assert done == [1] and turn.stopped and closed
    assert not turn.stop() and turn.stopped  # a second click changes nothing
    assert list(turn.steps(range(3))) == []


def test_work_stopped_while_it_waits_never_begins(turn):
    assert turn.stop()
    assert list(turn.steps(range(3))) == [] and turn.stopped


def test_beginning_again_ends_the_work_before_and_lets_the_next_go_on(turn):
    first = turn.steps(range(3))
    assert next(first) == 0
    turn.begin()
    assert list(first) == [] and not turn.stopped
    assert list(turn.steps(range(2))) == [0, 1]

    turn.begin()
    turn.stop()
    turn.begin()
    assert not turn.stopped and list(turn.steps(range(2))) == [0, 1]


def test_what_is_overtaken_ends_without_being_called_stopped(turn):
    first = turn.steps(range(3))
    next(first)
    turn.end()
    assert list(first) == [] and not turn.stopped


def test_work_that_fails_leaves_nothing_to_stop(turn):
    def work():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(turn.steps(work()))
    assert not turn.stop()
