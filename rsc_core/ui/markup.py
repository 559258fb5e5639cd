"""The page's tables and cards as HTML: plain functions from an analysis or a model card to text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from rsc_core.analysis import Analysis, Cycle, CycleMix, MixAnswer, ModelCard
from rsc_core.config import PROTOCOLS
from rsc_core.explain.evidence import Agreement, Breathing, Evidence
from rsc_core.presets import PRESETS
from rsc_core.ui import texts
from rsc_core.ui.drawings import NETWORKS, drawing

if TYPE_CHECKING:
    from rsc_core.comparison import Comparison

CHOOSE_CYCLE = """
const choose = (event) => {
  const row = event.target.closest("tr[data-cycle]");
  if (row) trigger("select", { index: Number(row.dataset.cycle), value: row.dataset.cycle });
};
const show = () => {
  const frame = element.querySelector(".cycles"), row = element.querySelector("tr[aria-current]");
  if (frame && row) frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
};
element.addEventListener("click", choose);
watch("value", show);
"""
"""Script of the table: a click chooses a cycle; a redrawn table shows the chosen one."""


CHOOSE_MODEL = """
const choose = (input) => trigger("select", { index: 0, value: input.value });
element.addEventListener("change", (event) => choose(event.target));
const chosen = element.querySelector("input:checked");
if (chosen && !chosen.defaultChecked) choose(chosen);
"""
"""Script of the list of models; a model may have been chosen before the script came."""
CHOSEN_MODEL = "() => document.querySelector('#model input:checked').value"


def header() -> str:
    """Return the page's title and the buttons that page.js switches its looks with."""
    return (
        f"<header><div><h1>{texts.page.TITLE}</h1><p>{texts.page.SUBTITLE}</p></div><div>"
        f'<button type="button" id="switch-projector" aria-pressed="false" title="{texts.page.PROJECTOR_NOTE}">'
        f"{texts.page.PROJECTOR}</button>"
        f'<button type="button" id="switch-dark" aria-pressed="false">{texts.page.DARK}</button></div></header>'
    )


def model_list(cards: Iterable[ModelCard], chosen: str) -> str:
    """Return the models to choose from, in groups by tuning, each with its drawing and what it changes."""
    cards = list(cards)
    groups = []
    for kind, words in texts.tunings.TUNINGS.items():
        mine = [card for card in cards if _kind(card) == kind]
        if not mine:
            continue
        rows = "".join(
            f'<label><input type="radio" name="model" value="{escape(card.name)}"'
            f"{' checked' if card.name == chosen else ''}> {escape(card.name)} "
            f"<small>{texts.tunings.COUNT.format(count=card.trainable)}</small></label>"
            for card in mine
        )
        about = f"<div>{drawing(kind)}{paragraph(words.sentence, 'note')}</div>"
        groups.append(f'<fieldset><legend>{words.title}</legend><div class="names">{rows}</div>{about}</fieldset>')
    note = paragraph(texts.tunings.LEARNS, "note")
    return f'<div class="models" role="group" aria-label="{texts.models.MODEL}">{"".join(groups)}{note}</div>'


def cycle_table(analysis: Analysis, chosen: int) -> str:
    """Return the table of cycles, one row each, the chosen one marked."""
    words = texts.analyse.HEADS
    times = [words["start"], words["end"]]
    heads = [words["annotated"]] if analysis.annotated else []
    heads += [words[key] for key in ("label", "crackle", "wheeze")]
    group = f'<td></td><td class="time" colspan="{len(times)}"></td><td colspan="{len(heads)}"></td>'
    group += f'<th colspan="{len(analysis.classes)}">{words["classes"]}</th>'
    heads += analysis.classes
    rows = []
    for i, (cycle, label) in enumerate(zip(analysis.cycles, analysis.labels, strict=True)):
        cells = [_chip(cycle.label)] if analysis.annotated else []
        cells += [_chip(label), _probability(analysis.crackle_present[i]), _probability(analysis.wheeze_present[i])]
        cells += [f"{p:.2f}" for p in analysis.probabilities[i]]
        mark = ' aria-current="true"' if i == chosen else ""
        first = (
            f'<td>{_button(i)}</td><td class="time">{cycle.start_s:.2f}</td><td class="time">{cycle.end_s:.2f}</td>'
        )
        rows.append(f'<tr data-cycle="{i}"{mark}>{first}' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = f'<th scope="col"><span class="unseen">{words["cycle"]}</span></th>'
    head += "".join(f'<th scope="col" class="time">{text}</th>' for text in times)
    head += "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<div class="cycles" tabindex="0" role="region" aria-label="{texts.analyse.CYCLES}"><table>'
        f"<thead><tr>{group}</tr><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def compared_table(made: Comparison, chosen: int, order: Iterable[int]) -> str:
    """Return the table of cycles, one row each in this order, with a column for each model."""
    first = made.analyses[0]
    rows = []
    for i in order:
        cycle = first.cycles[i]
        time = texts.compare.TIME.format(start=cycle.start_s, end=cycle.end_s)
        cells = [f'<td class="time">{time}</td>']
        cells += [f"<td>{_chip(cycle.label)}</td>"] if first.annotated else []
        for one in made.analyses:
            bars = (
                f'<span class="pair">{kind} {_probability(p)}</span>'
                for kind, p in (("crackle", one.crackle_present[i]), ("wheeze", one.wheeze_present[i]))
            )
            cells.append(f"<td>{_chip(one.labels[i])}{''.join(bars)}</td>")
        mark = ' aria-current="true"' if i == chosen else ""
        kind = "differs" if made.differs[i] else "same"
        rows.append(f'<tr data-cycle="{i}" class="{kind}"{mark}><td>{_button(i)}</td>{"".join(cells)}</tr>')
    words = texts.compare.HEADS
    heads = [words["annotated"]] if first.annotated else []
    heads += [escape(one.model.name) for one in made.analyses]
    head = f'<th scope="col">{words["cycle"]}</th><th scope="col" class="time">{words["time"]}</th>'
    head += "".join(f'<th scope="col">{text}</th>' for text in heads)
    return _beside_each_other(texts.compare.TABLE, head, rows)


def mix_table(found: Sequence[MixAnswer], models: Iterable[str]) -> str:
    """Return the table of what models say of two cycles and their mix; a model not yet asked has an empty row."""
    known = {answer.model: answer for answer in found}
    rows = []
    for name in models:
        cells = [texts.mix.WAITING] * (len(texts.mix.HEADS) - 1)
        if answer := known.get(name):
            every = (answer.first, answer.second, answer.mixed, answer.asked)
            cells = [_answer(answer.classes, one) for one in every] + [f"{answer.gap:.0%}"]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{row}</tr>')
    head = "".join(f'<th scope="col">{text}</th>' for text in texts.mix.HEADS)
    return _beside_each_other(texts.mix.ANSWERS, head, rows)


def _beside_each_other(label: str, head: str, rows: Iterable[str]) -> str:
    """A table of models' labels that scrolls by itself, and what its bars are."""
    return (
        f'<div class="cycles compared" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>{paragraph(texts.compare.PRESENT, 'note')}"
    )


def mix_remarks(shown: CycleMix, chosen: str, window_s: float, shorter: bool) -> str:
    """Return whose patches are shown where not the chosen model's, and how cycles were made to fill the window.

    ``shorter``: one of them is.
    """
    cut = [name for name, count in zip((texts.mix.A, texts.mix.B), shown.windows, strict=True) if count > 1]
    said = [texts.mix.ELSEWHERE.format(chosen=chosen, model=shown.model)] if shown.model != chosen else []
    said += [texts.mix.SHORT.format(window=window_s, model=shown.model)] if shorter else []
    said += [texts.mix.CUT.format(names=texts.page.AND.join(cut), window=window_s)] if cut else []
    return paragraph(" ".join(said), "note") if said else ""


def mix_notes(found: Sequence[MixAnswer], shown: CycleMix, cards: Iterable[ModelCard]) -> str:
    """Return which models mix on another grid than the one shown, and which were trained with Patch-Mix."""
    window_s = shown.spectrograms[0].end_s
    others = [a.model for a in found if (a.grid, a.window_s) != (shown.replaced.shape, window_s)]
    trained = [card.name for card in cards if PRESETS[card.preset].objective == "patch_mix"]
    said = [texts.mix.TRAINED.format(names=", ".join(trained)) if trained else texts.mix.UNTRAINED]
    said += [texts.mix.OTHER.format(names=", ".join(others))] if others else []
    return paragraph(" ".join(said), "note")


def model_card(card: ModelCard, cards: Iterable[ModelCard]) -> str:
    """Return what a visitor must know of a model before believing it, and which of ``cards`` labels better."""
    words, share = texts.models, card.trainable / card.parameters
    elsewhere = "; ".join(words.ELSEWHERE.format(corpus=name, score=score) for name, score in card.elsewhere)
    facts = {
        "trainable": words.TRAINABLE.format(count=card.trainable, all=card.parameters, share=share),
        "score": _score(card),
        "corpus": escape(card.corpus),
        "elsewhere": escape(elsewhere),
        "protocol": escape(f"{card.protocol}: {PROTOCOLS[card.protocol]}"),
        "origin": escape(card.base),
    }
    rows = "".join(f"<dt>{words.FACTS[key]}</dt><dd>{value}</dd>" for key, value in facts.items() if value)
    best = max((c for c in cards if c.corpus == card.corpus), key=_known_score, default=card)
    note = paragraph(texts.models.BASE, "note") if card.base.startswith("base") else ""
    if _known_score(best) > _known_score(card):
        note = paragraph(texts.models.BETTER.format(name=best.name, score=best.score), "note") + note
    title = escape(card.title[:1].upper() + card.title[1:])
    return f'<div class="card"><h2>{escape(card.name)}</h2><p>{title}</p><dl>{rows}</dl>{note}</div>'


def no_model(folder: str) -> str:
    """Return what to do when there is no checkpoint."""
    command = escape(texts.models.TRAIN_COMMAND.format(folder=folder))
    text = escape(texts.models.NO_MODEL.format(folder=folder))
    return notice(f"{text}<pre>{command}</pre>")


def remarks(analysis: Analysis) -> str:
    """Return what is to be said of a recording: its facts, where its cycles come from, and quality warnings."""
    recording = analysis.recording
    words, count = texts.analyse, recording.channels
    channels = words.CHANNELS.get(count) or words.MORE_CHANNELS.format(count=count)
    if analysis.annotated:
        cycles = words.ANNOTATED
    elif analysis.segmented:
        turns = any(cycle.inspiration_end_s is not None for cycle in analysis.cycles)
        cycles = f"{words.FOUND} {words.TURNS}" if turns else words.FOUND
    else:
        cycles = words.WINDOWS.format(seconds=analysis.cycles[0].seconds)
    facts = words.FACTS.format(seconds=recording.seconds, rate=recording.source_rate, channels=channels, cycles=cycles)
    warnings = "".join(f"<li>{escape(text)}</li>" for text in recording.warnings)
    return f"<p>{facts}</p>" + (
        f'<ul class="warnings" aria-label="{words.QUALITY}">{warnings}</ul>' if warnings else ""
    )


def evidence(found: Evidence, sides: Iterable[Agreement], breathing: Breathing) -> str:
    """Return what was measured in a cycle without a network, beside what the label says."""
    words = texts.evidence
    ridge, crackles, two_cycle_ms = found.longest_ridge, len(found.crackles), found.two_cycle_ms
    counted = words.CRACKLES[crackles == 1].format(count=crackles, ms=two_cycle_ms or 0)
    measured = {
        "wheeze": words.RIDGE.format(hz=ridge.pitch_hz, seconds=ridge.seconds) if ridge else words.NO_RIDGE,
        "crackle": counted if crackles else words.NO_CRACKLES,
    }
    rows = "".join(
        f'<li class="{"agrees" if side.labelled == side.measured else "differs"}"><b>{side.sound.capitalize()}.</b> '
        f"{measured[side.sound]} <em>{words.AGREEMENT[side.verdict].format(sound=side.sound)}</em></li>"
        for side in sides
    )
    rate = breathing.rate_per_min
    breath = words.BREATHING.format(rate=rate) if rate else words.NO_BREATHING[breathing.unclear]
    rows += f"<li><b>{words.BREATH}</b> {breath}</li>"
    note = paragraph(words.WEAK, "note")
    return f'<div class="evidence"><h3>{words.TITLE}</h3><ul>{rows}</ul>{note}</div>'


def cycle_heading(index: int, cycle: Cycle) -> str:
    """Return the heading over what is shown of one cycle."""
    return f"<h2>{texts.analyse.CYCLE.format(number=index + 1, start=cycle.start_s, end=cycle.end_s)}</h2>"


def titled(title: str, note: str, level: int = 2) -> str:
    """Return a heading and the small print under it."""
    return f"<h{level}>{title}</h{level}>{paragraph(note, 'note')}"


def labelling(done: int, total: int) -> str:
    """Return how far the labelling of a recording has come."""
    said = texts.analyse.LABELLING.format(done=done, total=total)
    bar = f'<progress value="{done}" max="{total}" aria-label="{said}"></progress>'
    return f'<p class="welcome" role="status">{bar} {said}</p>'


def notice(html: str) -> str:
    """Return a box that a screen reader reads at once."""
    return f'<div class="notice" role="alert">{html}</div>'


def shares(classes: Iterable[str], probabilities: Iterable[float]) -> str:
    """Return the probability of each class, in small print."""
    pairs = zip(classes, probabilities, strict=True)
    return paragraph(", ".join(texts.page.PROBABILITY.format(name=name, p=p) for name, p in pairs), "note")


def paragraph(text: str, kind: str) -> str:
    """Return a paragraph with a style's name."""
    return f'<p class="{kind}">{escape(text, quote=False)}</p>'


def _kind(card: ModelCard) -> str:
    return card.model if card.model in NETWORKS and card.tuning == "full" else card.tuning


def _known_score(card: ModelCard) -> float:
    return -1.0 if math.isnan(card.score) else card.score


def _score(card: ModelCard) -> str:
    if math.isnan(card.score):
        return texts.models.NOT_EVALUATED
    low, high = card.score_interval
    score = texts.models.SCORE.format(
        score=card.score, low=low, high=high, specificity=card.specificity, sensitivity=card.sensitivity
    )
    return f"{score} {texts.models.TRIVIAL}"


def _answer(classes: Sequence[str], probabilities: np.ndarray) -> str:
    """The most probable class over bars of P(crackle present) and P(wheeze present)."""
    by_class = dict(zip(classes, probabilities.tolist(), strict=True))
    bars = (
        f'<span class="pair">{kind} {_probability(by_class[kind] + by_class["both"])}</span>'
        for kind in ("crackle", "wheeze")
    )
    return _chip(max(by_class, key=by_class.get)) + "".join(bars)


def _button(index: int) -> str:
    """What chooses a cycle by keyboard, in its row."""
    name = texts.analyse.SHOW_CYCLE.format(number=index + 1)
    return f'<button type="button" aria-label="{name}">{index + 1}</button>'


def _chip(label: str) -> str:
    return f'<span class="chip {label}">{label}</span>'


def _probability(value: float) -> str:
    return f'<span class="bar" style="--share: {value:.3f}">{value:.2f}</span>'
