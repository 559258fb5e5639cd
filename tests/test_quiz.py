"""A round of the quiz: what is asked, what is right, how it counts."""

from itertools import product

import numpy as np
import pytest

from rsc_core import metrics, quiz
from rsc_core.analysis import Cycle, Recording
from rsc_core.config import CLASSES
from rsc_core.quiz import LEVELS, PLANS, Question, Round

RATE = 1000
SILENCE = Recording(np.ones(RATE, np.float32), RATE, RATE, 1, 1.0, 1.0)


def question(label, *kinds):
    return Question(SILENCE, Cycle(0.1, 0.9, label), kinds)


NORMAL, FINE, COARSE = question("normal"), question("crackle", "fine crackle"), question("crackle", "coarse crackle")
STRIDOR, BOTH = question("wheeze", "stridor"), question("both", "fine crackle", "wheeze")
UNKNOWN = question("crackle")  # an ICBHI annotation names no kind
EVERY = (NORMAL, FINE, COARSE, STRIDOR, BOTH, UNKNOWN)


def play(played, choose):
    """Answer everything by ``choose(question, step)``."""
    while step := played.asked:
        played = played.answer(choose(played.questions[step.question], step))
    return played


def rightly(asked, step):
    return asked.truth(step.level)[0]


def probable(label, sure=0.7):
    """(class,) with the rest spread over the others."""
    return np.array([sure if name == label else (1 - sure) / 3 for name in CLASSES], np.float32)


@pytest.mark.parametrize(
    ("asked", "plan", "levels"),
    [
        (NORMAL, "rising", ("coarse",)),
        (FINE, "rising", ("coarse", "four", "fine")),
        (BOTH, "rising", ("coarse", "four")),
        (UNKNOWN, "rising", ("coarse", "four")),
        (NORMAL, "four", ("four",)),
        (STRIDOR, "fine", ("fine",)),
        (BOTH, "fine", ()),
        (UNKNOWN, "fine", ()),
    ],
)
def test_what_is_known_of_a_sound_says_how_far_it_is_asked(asked, plan, levels):
    assert asked.levels(plan) == levels


def test_a_right_answer_leads_on_and_a_wrong_one_to_the_next_sound():
    played = Round((STRIDOR, FINE), "rising").answer("continuous")
    assert (played.asked.question, played.asked.level, played.asked.options) == (0, "four", ("wheeze", "both"))
    played = played.answer("wheeze")
    assert played.asked.options == ("wheeze", "rhonchus", "stridor") and played.closed == 0
    played = played.answer("wheeze")
    assert not played.answers[-1].right
    assert (played.asked.question, played.asked.level, played.asked.options) == (1, "coarse", LEVELS["coarse"])
    assert played.closed == 1
    assert played.answer("continuous").asked is None


@pytest.mark.parametrize("plan", PLANS)
def test_options_hold_the_truth_and_more_than_it(plan):
    questions = tuple(q for q in EVERY if q.levels(plan))
    played = Round(questions, plan)
    while step := played.asked:
        truth = set(questions[step.question].truth(step.level))
        assert truth < set(step.options) <= set(LEVELS[step.level])
        played = played.answer(rightly(questions[step.question], step))
    assert played.closed == len(questions) and all(answer.right for answer in played.answers)
    assert len(played.answers) == sum(len(q.levels(plan)) for q in questions)


@pytest.mark.parametrize("given", ["continuous", "discontinuous"])
def test_of_a_sound_that_is_both_either_coarse_answer_is_right_and_both_can_follow(given):
    played = Round((BOTH,), "rising").answer(given)
    assert played.answers[0].right and "both" in played.asked.options and len(played.asked.options) == 2


def test_only_what_is_asked_can_be_answered():
    played = Round((FINE,), "rising")
    with pytest.raises(ValueError, match="normal, continuous, discontinuous"):
        played.answer("crackle")
    with pytest.raises(ValueError, match="no more answers"):
        played.answer("normal").answer("normal")


def test_scores_are_those_of_the_metrics_on_the_same_sounds():
    rng = np.random.default_rng(0)
    questions = tuple(question(CLASSES[i]) for i in rng.integers(4, size=40))
    played = play(Round(questions, "four", model="m"), lambda asked, step: str(rng.choice(step.options)))
    said = [str(rng.choice(CLASSES)) for _ in questions]
    for index, name in enumerate(said):
        played = played.labelled(index, probable(name))
    (tally,) = quiz.tallies(played)
    truth = [CLASSES.index(q.cycle.label) for q in questions]
    given = [CLASSES.index(answer.given) for answer in played.answers]
    assert tally.learner_scores == metrics.evaluate(truth, given)
    assert tally.model_scores == metrics.evaluate(truth, [CLASSES.index(name) for name in said])
    assert tally.learner.tolist() == tally.learner_scores["confusion"]
    assert tally.learner[tally.right].sum() == sum(answer.right for answer in played.answers)


def test_a_rising_round_counts_every_sound_among_the_four():
    for answers in product(LEVELS["coarse"], repeat=4):
        played = Round((NORMAL, FINE, STRIDOR, BOTH), "rising")
        first = dict(enumerate(answers))
        played = play(played, lambda asked, step, first=first: first.pop(step.question, None) or rightly(asked, step))
        four = next(tally for tally in quiz.tallies(played) if tally.level == "four")
        right = [given in q.truth("coarse") for given, q in zip(answers, played.questions, strict=True)]
        assert four.learner.sum() == 4 and np.diagonal(four.learner).sum() == sum(right)


def test_a_sound_left_in_the_middle_does_not_count():
    played = Round((NORMAL, STRIDOR), "rising").answer("normal").answer("continuous")
    assert played.closed == 1 and [tally.learner.sum() for tally in quiz.tallies(played)] == [1, 1]
    assert quiz.tallies(played.restarted()) == () and len(played.rows()) == 2


def test_the_coarse_matrix_has_a_row_for_what_is_both():
    played = play(Round((BOTH, BOTH, NORMAL), "coarse"), lambda asked, step: "continuous")
    (tally,) = quiz.tallies(played)
    assert tally.truths[-1] == "continuous and discontinuous" and tally.learner.shape == (4, 3)
    assert tally.learner.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 2, 0]]
    assert tally.learner[tally.right].sum() == 2 and tally.model is None and tally.learner_scores is None


@pytest.mark.parametrize(
    ("probabilities", "coarse", "four"),
    [
        ((0.7, 0.1, 0.1, 0.1), ("normal", 0.7), ("normal", 0.7)),
        ((0.1, 0.6, 0.1, 0.2), ("discontinuous", 0.8), ("crackle", 0.6)),
        ((0.1, 0.1, 0.6, 0.2), ("continuous", 0.8), ("wheeze", 0.6)),
        ((0.1, 0.1, 0.2, 0.6), ("continuous", 0.8), ("both", 0.6)),
        ((0.1, 0.2, 0.1, 0.6), ("discontinuous", 0.8), ("both", 0.6)),
    ],
)
def test_what_a_model_says_at_each_level(probabilities, coarse, four):
    for level, expected in (("coarse", coarse), ("four", four)):
        name, probability = quiz.model_answer(level, np.array(probabilities))
        assert (name, pytest.approx(probability)) == expected
    assert quiz.model_answer("fine", np.array(probabilities)) is quiz.model_answer("four", None) is None


def test_a_model_that_has_not_labelled_every_sound_is_left_out():
    played = play(Round((NORMAL, FINE), "four", model="m"), rightly).labelled(0, probable("normal"))
    assert quiz.tallies(played)[0].model is None
    assert quiz.tallies(played.labelled(1, probable("both")))[0].model.sum() == 2


def test_rows_name_no_sound_but_the_teacher_s_own():
    own = Question(SILENCE, Cycle(0, 1, "wheeze"), source="ward 3.wav, 0.00 to 1.00 s")
    played = Round((BOTH, own), "coarse", 7, "m").answer("normal").labelled(0, probable("both")).answer("continuous")
    first, second = (dict(zip(quiz.CSV_HEAD, row, strict=True)) for row in played.rows())
    assert first["sound"] == "synthesised, round 7" and first["truth"] == "continuous and discontinuous"
    assert (first["answer"], first["right"]) == ("normal", "no")
    assert (first["model"], first["model_label"], first["model_probability"]) == ("m", "discontinuous", "0.8000")
    assert second["sound"] == own.source and second["right"] == "yes" and second["model_label"] == ""


def test_a_sound_fades_at_both_ends():
    sound = NORMAL.sound
    assert len(sound) == 800 and sound[0] == sound[-1] == 0 and (sound[10:-10] == 1).all()
    assert (np.diff(sound[:10]) > 0).all()
