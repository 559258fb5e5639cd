"""A quiz of lung sounds: what is asked of a learner, what was answered, and how that counts beside a model.

A sound is asked about at up to three levels, coarse before fine (ATS 1977: continuous and discontinuous sounds):

* "coarse": normal, continuous (wheeze) or discontinuous (crackle); of a sound that is both, either answer is right;
* "four": the four classes of ``config.CLASSES``;
* "fine": which crackle, or which musical sound, where one kind of event is known to be the only one.

In a "rising" round a right answer leads on to the next level of the same sound. What the coarse answer settles is not
asked again: a sound rightly called normal, or wrongly called anything, has its class among the four by that answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rsc_core import metrics
from rsc_core.analysis import Cycle, Recording
from rsc_core.config import CLASSES
from rsc_core.synth import KINDS

LEVELS = {
    "coarse": ("normal", "continuous", "discontinuous"),
    "four": CLASSES,
    "fine": ("fine crackle", "coarse crackle", "wheeze", "rhonchus", "stridor"),
}
"""What can be answered at each level."""
PLANS = {"rising": ("coarse", "four", "fine"), "coarse": ("coarse",), "four": ("four",), "fine": ("fine",)}
"""The levels of a round, in the order they are asked."""
COARSE = {
    "normal": ("normal",),
    "crackle": ("discontinuous",),
    "wheeze": ("continuous",),
    "both": ("continuous", "discontinuous"),
}
"""What is right at the coarse level for each of the four classes."""
IMPLIED = {"normal": "normal", "discontinuous": "crackle", "continuous": "wheeze"}
"""The class among four that a coarse answer amounts to."""
FADE_S = 0.01  # a cut end would click like a crackle
CSV_HEAD = ("number", "level", "sound", "truth", "answer", "right", "model", "model_label", "model_probability")


@dataclass(frozen=True)
class Mark:
    """One adventitious sound, where it lies in its recording."""

    kind: str  # key of ``rsc_core.synth.KINDS``
    start_s: float
    end_s: float
    band_hz: tuple[float, float] | None = None  # None: not known


@dataclass(frozen=True)
class Question:
    """One respiratory cycle, and what is true of it."""

    recording: Recording  # holds the cycle and perhaps a little around it, level-scaled
    cycle: Cycle  # within ``recording``; its label is one of ``config.CLASSES``
    kinds: tuple[str, ...] = ()  # of adventitious sounds in it, as far as known; keys of ``rsc_core.synth.KINDS``
    marks: tuple[Mark, ...] = ()  # where they are known to lie, in seconds of ``recording``
    source: str = ""  # the teacher's own name for it; empty where it is synthesised

    def truth(self, level: str) -> tuple[str, ...]:
        """Return the right answers at one of ``LEVELS``; none where what is known of the sound does not tell."""
        if level == "coarse":
            return COARSE[self.cycle.label]
        if level == "four":
            return (self.cycle.label,)
        told = len(self.kinds) == 1 and self.kinds[0] in LEVELS["fine"] and self.cycle.label != "both"
        return self.kinds if told else ()

    def levels(self, plan: str) -> tuple[str, ...]:
        """Return the levels it is asked about in one of ``PLANS`` as long as all answers are right."""
        told = tuple(level for level in PLANS[plan] if self.truth(level))
        return told[:1] if self.cycle.label == "normal" else told

    @property
    def listen_for(self) -> tuple[str, ...]:
        """What its sounds are: kinds where they are known, else the classes of which it is made."""
        return self.kinds or (("crackle", "wheeze") if self.cycle.label == "both" else (self.cycle.label,))

    @property
    def sound(self) -> np.ndarray:
        """(samples,) float32 of the cycle alone, fading in and out so that its ends do not click."""
        rate = self.recording.sample_rate
        first, last = round(self.cycle.start_s * rate), round(self.cycle.end_s * rate)
        samples = self.recording.waveform[first:last]
        ramp = np.arange(len(samples), dtype=np.float32) / max(round(FADE_S * rate), 1)
        return samples * np.minimum(np.minimum(ramp, ramp[::-1]), 1)


@dataclass(frozen=True)
class Answer:
    """What was answered to one question at one level."""

    question: int  # index
    level: str
    given: str
    right: bool


@dataclass(frozen=True)
class Step:
    """What is asked next."""

    question: int  # index
    level: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """A round of the quiz, at any time in it; answering returns the next state."""

    questions: Sequence[Question]  # only those asked so far are looked at
    plan: str  # key of ``PLANS``
    seed: int = 0  # that the questions were drawn with
    model: str | None = None  # whose labels stand beside the answers
    answers: tuple[Answer, ...] = ()
    labels: Mapping[int, np.ndarray] = field(default_factory=dict)  # question -> (class,) the model's probabilities

    @property
    def closed(self) -> int:
        """How many questions have been answered to their end; always the first ones."""
        if not self.answers:
            return 0
        last = self.answers[-1]
        return last.question + (self._level_after(last.question) is None)

    @property
    def asked(self) -> Step | None:
        """What is to be answered next; None at the end of the round."""
        index = self.closed
        if index == len(self.questions):
            return None
        level = self._level_after(index)
        return Step(index, level, self._options(level, self._given(index)))

    def answer(self, given: str) -> Round:
        """Return the round with this answer to what is asked.

        Raises:
            ValueError: the round is over, or this is not among the options.
        """
        step = self.asked
        if step is None or given not in step.options:
            raise ValueError(
                f"expected one of {', '.join(step.options) if step else 'no more answers'}, got {given!r}"
            )
        right = given in self.questions[step.question].truth(step.level)
        return replace(self, answers=(*self.answers, Answer(step.question, step.level, given, right)))

    def labelled(self, index: int, probabilities: np.ndarray) -> Round:
        """Return the round with the model's (class,) probabilities of one question noted."""
        return replace(self, labels={**self.labels, index: probabilities})

    def restarted(self) -> Round:
        """Return the same round, with nothing answered."""
        return replace(self, answers=(), labels={})

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row of ``CSV_HEAD`` for each answer."""
        rows = []
        for one in self.answers:
            question = self.questions[one.question]
            found = model_answer(one.level, self.labels.get(one.question))
            model = (self.model or "", found[0], f"{found[1]:.4f}") if found else ("", "", "")
            source = question.source or f"synthesised, round {self.seed}"
            truth = " and ".join(question.truth(one.level))
            right = "yes" if one.right else "no"
            rows.append((str(one.question + 1), one.level, source, truth, one.given, right, *model))
        return rows

    def _given(self, index: int) -> tuple[Answer, ...]:
        return tuple(one for one in self.answers if one.question == index)

    def _level_after(self, index: int) -> str | None:
        """The level a question is asked about next; None where it is closed."""
        given, levels = self._given(index), self.questions[index].levels(self.plan)
        return levels[len(given)] if len(given) < len(levels) and all(one.right for one in given) else None

    def _options(self, level: str, given: Sequence[Answer]) -> tuple[str, ...]:
        """What can still be true at a level after right answers at those before."""
        if not given:
            return LEVELS[level]
        last = given[-1].given
        if level == "four":
            return tuple(name for name in CLASSES if last in COARSE[name])
        return tuple(kind for kind in LEVELS["fine"] if KINDS[kind].label == last)


@dataclass(frozen=True)
class Tally:
    """Answers and labels at one level, counted over the same questions."""

    level: str
    truths: tuple[str, ...]  # names of the rows
    learner: np.ndarray  # (truths, answers) counts; the answers are ``LEVELS[level]``
    model: np.ndarray | None  # the same for the model; None where it does not tell these answers apart
    right: np.ndarray  # (truths, answers) bool
    learner_scores: Mapping[str, object] | None = None  # ``metrics.evaluate``; of the four classes only
    model_scores: Mapping[str, object] | None = None


def tallies(played: Round) -> tuple[Tally, ...]:
    """Count the questions that were answered to their end, at each level that was asked."""
    found = []
    for level in PLANS[played.plan]:
        answered = {}
        for index in range(played.closed):
            if given := _counted(played, index, level):
                answered[index] = given
        if answered:
            found.append(_tally(played, level, answered))
    return tuple(found)


def model_answer(level: str, probabilities: np.ndarray | None) -> tuple[str, float] | None:
    """Return what a model's probabilities of ``config.CLASSES`` say at a level, and how probable it takes that to be.

    At the coarse level "both" counts as the likelier of its two halves, and the probability is that of its being
    present: crackle or wheeze, and both. None where there is no model, or at the fine level, which no model knows.
    """
    if probabilities is None or level == "fine":
        return None
    by_class = dict(zip(CLASSES, probabilities.tolist(), strict=True))
    likeliest = max(by_class, key=by_class.get)
    if level == "four" or likeliest == "normal":
        return likeliest, by_class[likeliest]
    half = max(("crackle", "wheeze"), key=by_class.get)
    return COARSE[half][0], by_class[half] + by_class["both"]


def _counted(played: Round, index: int, level: str) -> str | None:
    """What counts as the answer to a question at a level; None where it was not asked that far."""
    given = {one.level: one.given for one in played.answers if one.question == index}
    return IMPLIED[given["coarse"]] if level == "four" and "four" not in given else given.get(level)


def _tally(played: Round, level: str, answered: Mapping[int, str]) -> Tally:
    columns = LEVELS[level]
    rows = {(name,): name for name in columns}
    if level == "coarse":
        rows[COARSE["both"]] = " and ".join(COARSE["both"])
    truths = [played.questions[index].truth(level) for index in answered]
    heard = [model_answer(level, played.labels.get(index)) for index in answered]
    said = {"learner": list(answered.values())}
    if all(heard):
        said["model"] = [name for name, _ in heard]
    counts = {who: np.zeros((len(rows), len(columns)), dtype=int) for who in said}
    for who, names in said.items():
        for truth, name in zip(truths, names, strict=True):
            counts[who][list(rows).index(truth), columns.index(name)] += 1
    scores = {}
    if level == "four":
        indices = [columns.index(name) for (name,) in truths]
        scores = {who: metrics.evaluate(indices, [columns.index(n) for n in names]) for who, names in said.items()}
    return Tally(
        level=level,
        truths=tuple(rows.values()),
        learner=counts["learner"],
        model=counts.get("model"),
        right=np.array([[name in truth for name in columns] for truth in rows]),
        learner_scores=scores.get("learner"),
        model_scores=scores.get("model"),
    )
