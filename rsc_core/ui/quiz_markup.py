"""HTML of the tab Quiz: the question and its answers, what is revealed, and the tables of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from rsc_core import metrics
from rsc_core.config import CLASSES
from rsc_core.quiz import LEVELS, Answer, Question, Round, Step, Tally, model_answer, tallies
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph, shares

WORDS = texts.quiz
LIVE = "element.setAttribute('aria-live', 'polite');"
"""Script of what a screen reader reads as soon as it changes."""


def progress(played: Round, number: int) -> str:
    """Return how far a round has come; ``number`` is that of the sound shown, counted from 1."""
    count = len(played.questions)
    text = WORDS.PROGRESS.format(number=number, count=count)
    return (
        f'<div class="quiz-progress"><b>{text}</b> <progress max="{count}" value="{number}" aria-label="{text}">'
        f"</progress> <span>{WORDS.ROUND.format(seed=played.seed)}</span></div>"
    )


def question(step: Step, number: int) -> str:
    """Return the question and a button for each answer.

    ``number`` is that of the answers given so far; a click sends it along, so that none counts for another question.
    """
    narrowed = step.options != LEVELS[step.level]
    text = WORDS.CLOSER.format(options=texts.page.OR.join(step.options)) if narrowed else WORDS.ASK[step.level]
    buttons = "".join(
        f'<li><button type="button" data-step="{number}" data-answer="{option}"><kbd>{i}</kbd> {_answer(option)}'
        "</button></li>"
        for i, option in enumerate(step.options, start=1)
    )
    keys = paragraph(WORDS.KEYS.format(count=len(step.options)), "note")
    return f'<h2 tabindex="-1">{text}</h2><ol class="quiz-answers">{buttons}</ol>{keys}'


def verdict(last: Answer, truth: Sequence[str]) -> str:
    """Return whether an answer was right."""
    right = texts.page.AND.join(map(_answer, [last.given] if last.right else truth))
    text = (WORDS.RIGHT if last.right else WORDS.WRONG).format(given=_answer(last.given), truth=right)
    return f'<p class="quiz-verdict {"right" if last.right else "wrong"}">{text}</p>'


def revealed(asked: Question, model: str | None, probabilities: np.ndarray | None) -> str:
    """Return what a sound is, what the model says of it, and what to listen for."""
    label = asked.cycle.label
    kinds = f" ({texts.page.AND.join(asked.kinds)})" if asked.kinds and asked.kinds != (label,) else ""
    source = f" <small>{escape(asked.source)}</small>" if asked.source else ""
    lines = [f"<p>{WORDS.TRUTH} {_chip(label)}{kinds}.{source}</p>"]
    if found := model_answer("four", probabilities):
        says = WORDS.MODEL_SAYS.format(model=escape(model))
        sure = WORDS.MODEL_SURE.format(probability=found[1])
        lines.append(f"<p>{says} {_chip(found[0])} {sure}, {WORDS.AGREES[found[0] == label]}</p>")
        lines.append(shares(CLASSES, probabilities))
    else:
        lines.append(paragraph(WORDS.NO_MODEL, "note"))
    hints = "".join(f"<li><b>{kind.capitalize()}.</b> {WORDS.LISTEN_FOR[kind]}</li>" for kind in asked.listen_for)
    marked = WORDS.NOTHING_TO_MARK if label == "normal" else WORDS.MARKED if asked.marks else WORDS.NOT_MARKED
    return f"{''.join(lines)}<h3>{WORDS.LISTEN}</h3><ul>{hints}</ul>{paragraph(marked, 'note')}"


def result(played: Round, source: str) -> str:
    """Return the tables of a round, the model's beside the learner's; ``source``: key of ``texts.quiz.SOURCES``."""
    counted = tallies(played)
    if not counted:
        return f"<h2>{WORDS.RESULT}</h2>{paragraph(WORDS.NOTHING, 'welcome')}"
    head = f"<h2>{WORDS.RESULT}</h2><p>{WORDS.COUNTED.format(answered=played.closed, count=len(played.questions))}</p>"
    weak = paragraph(WORDS.WEAK[source], "note") if played.labels else paragraph(WORDS.NO_MODEL, "note")
    return head + "".join(_tally(one, played) for one in counted) + weak


def _tally(one: Tally, played: Round) -> str:
    """One level: scores where there are any, and both matrices."""
    shown = [_matrix(WORDS.YOU, one, one.learner)]
    notes = []
    if one.model is not None:
        shown.append(_matrix(played.model, one, one.model))
        notes += [WORDS.HALF] if one.level == "coarse" else []
    elif one.level == "fine" and played.labels:
        notes.append(WORDS.NO_FINE)
    notes += [WORDS.IMPLIED] if one.level == "four" and played.plan == "rising" else []
    scores = _scores(one, played) if one.level == "four" else ""
    matrices = f'<div class="quiz-matrices">{"".join(shown)}</div>'
    return f"<h3>{WORDS.LEVELS[one.level]}</h3>{scores}{matrices}{paragraph(' '.join(notes), 'note') if notes else ''}"


def _scores(one: Tally, played: Round) -> str:
    """The learner's and the model's Sp, Se and Score, and the physicians' with their caveat."""
    rows = [_score_row(WORDS.YOU, one.learner_scores)]
    if one.model_scores:
        rows.append(_score_row(played.model, one.model_scores))
    head = "".join(f'<th scope="col">{text}</th>' for text in WORDS.SCORE_HEADS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    notes = paragraph(WORDS.FEW, "note") + paragraph(WORDS.PUBLISHED, "note")
    return f'<div class="cycles quiz-table">{table}</div>{notes}'


def _score_row(who: str, scores: Mapping[str, object]) -> str:
    counts = np.array(scores["confusion"])
    hits = np.diagonal(counts)
    cells = [
        _share(scores["specificity"], hits[0], counts[0].sum()),
        _share(scores["sensitivity"], hits[1:].sum(), counts[1:].sum()),
        f"<b>{metrics.cell(scores['score'])}</b>",
    ]
    return f'<tr><th scope="row">{escape(who)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _share(percent: float, right: int, count: int) -> str:
    return WORDS.SHARE.format(percent=metrics.cell(percent), right=right, count=count) if count else WORDS.UNMEASURED


def _matrix(who: str, one: Tally, counts: np.ndarray) -> str:
    """A confusion matrix: a row for each truth, a column for each answer; what is right is marked and said."""
    columns = LEVELS[one.level]
    head = f'<th scope="col">{WORDS.TRUE_ANSWER}</th>' + "".join(f'<th scope="col">{name}</th>' for name in columns)
    rows = []
    for name, row, right in zip(one.truths, counts, one.right, strict=True):
        cells = "".join(
            f'<td class="right"><b>{n}</b> <small>{WORDS.RIGHT_MARK}</small></td>' if hit else f"<td>{n}</td>"
            for n, hit in zip(row, right, strict=True)
        )
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    correct = WORDS.CORRECT.format(who=escape(who), right=int(counts[one.right].sum()), count=int(counts.sum()))
    return (
        f'<div class="cycles quiz-table" tabindex="0" role="region" aria-label="{correct}"><table><caption>{correct}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _answer(name: str) -> str:
    return WORDS.ANSWERS.get(name, name)


def _chip(label: str) -> str:
    return f'<span class="chip {label}">{label}</span>'
