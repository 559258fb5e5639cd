"""HTML of the tab "Look inside": sentences on heads and maps, the verdict on a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from rsc_core.analysis import Analysis, Belief, Forgetting, Look, Montage, RelevanceMap, ScoreTable, Standing, Truth
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph, shares

if TYPE_CHECKING:
    from rsc_core.explain.faithfulness import Agreement


def cycle_names(analysis: Analysis) -> list[str]:
    """Return the cycles to choose from."""
    return [
        texts.inside.CHOICE.format(number=i + 1, start=cycle.start_s, end=cycle.end_s, label=label)
        for i, (cycle, label) in enumerate(zip(analysis.cycles, analysis.labels, strict=True))
    ]


def chosen(analysis: Analysis, index: int) -> str:
    """Return which cycle is looked into."""
    whole, label = analysis.cycles[index], analysis.labels[index]
    name = analysis.model.name
    return paragraph(texts.inside.CYCLE.format(model=name, start=whole.start_s, end=whole.end_s, label=label), "note")


def cycle(analysis: Analysis, index: int, look: Look) -> str:
    """Return which part of a cycle is looked into."""
    shown, label = look.spectrogram, analysis.labels[index]
    text = texts.inside.CYCLE.format(model=analysis.model.name, start=shown.start_s, end=shown.end_s, label=label)
    if look.count > 1:
        seconds = shown.end_s - shown.start_s
        text += " " + texts.inside.WINDOW.format(seconds=seconds, number=look.number, count=look.count, label=label)
    else:
        text += " " + texts.inside.REPEATED
    return paragraph(text, "note") + shares(look.classes, look.probabilities)


def head(shown: Montage, chosen: tuple[int, int], query: str) -> str:
    """Return one head's numbers."""
    name = texts.inside.QUERIES[query]
    if tile := shown.tile:
        name = texts.inside.PATCH.format(start=tile.start_s, end=tile.end_s, low=tile.low_hz, high=tile.high_hz)
    share, heads = shown.virtual[chosen], shown.heads
    text = texts.inside.HEAD.format(
        layer=chosen[0] + 1,
        head=chosen[1] + 1,
        query=name,
        entropy=heads.entropy[chosen],
        share=heads.entropy_share[chosen],
        distance_s=heads.distance_s[chosen],
        distance_hz=heads.distance_hz[chosen],
        special=shown.special[chosen],
        virtual=texts.inside.VIRTUAL.format(share=share) if share else "",
    )
    return f'<p class="note">{text}</p>'


def caption(found: RelevanceMap) -> str:
    """Return what a map is, and how its method stood its test over a corpus."""
    parts = [texts.inside.METHODS[found.method]]
    parts += [texts.inside.SIGNED] if found.signed else []
    parts += [] if found.by_class else [texts.inside.CLASSLESS]
    parts += [standing(one) for one in found.standings] or [texts.inside.NO_STANDING]
    return paragraph(" ".join(parts), "note") + (paragraph(truth(found.truth), "note truth") if found.truth else "")


def standing(one: Standing) -> str:
    """Return how a method stood its test over one corpus."""
    form = texts.inside.WINS if np.isnan(one.low) else texts.inside.WINS_INTERVAL
    wins = form.format(wins=one.wins, low=one.low, high=one.high)
    return texts.inside.STANDING[one.beats].format(where=one.where, wins=wins)


def score_tables(tables: Sequence[ScoreTable], folder: str, model: str) -> str:
    """Return the tables of what a model's methods were scored over, or how to score them."""
    if not tables:
        command = escape(texts.inside.SCORE_COMMAND.format(folder=folder, model=model))
        return f'<p class="note">{texts.inside.NOT_SCORED}<code>{command}</code></p>'
    heads = [head for table in tables for head in table.heads]
    notes = (note for key, note in texts.inside.SCORED_NOTES.items() if any(head.startswith(key) for head in heads))
    return paragraph(" ".join(notes), "note") + "".join(map(_score_table, tables))


def _score_table(table: ScoreTable) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.heads)
    rows = (
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    about = escape(table.about)
    return (
        f'<p>{about}</p><div class="cycles scored" tabindex="0" role="region" aria-label="{about}"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def method(title: str, standings: tuple[Standing, ...]) -> str:
    """Return a method's name with how it stands, for the list to choose from."""
    beats = all(one.beats for one in standings) if standings else None
    return f"{title} ({texts.inside.STANDING_SHORT[beats]})"


def truth(told: Truth) -> str:
    """Return which sounds the annotation marks in what is shown, and how much of a map lies there."""
    counted = Counter(event.label for event in told.events)
    events = ", ".join(texts.inside.EVENTS.format(count=count, label=label) for label, count in counted.items())
    if told.chance > 0.999:
        return texts.inside.TRUTH_WHOLE.format(events=events)
    return texts.inside.TRUTH.format(events=events, inside=told.inside, chance=told.chance)


def forgetting(shown: Forgetting | None) -> str:
    """Return how far forgetting has come, or what it showed; None: it begins."""
    done, total = (len(shown.similarities), len(shown.layers)) if shown else (0, 1)
    if shown and done == total:
        last = shown.similarities[-1]
        if np.isnan(last):
            key = "constant"
        else:
            key = (
                "alike"
                if last >= texts.inside.FORGOT_ALIKE
                else "unlike"
                if last < texts.inside.FORGOT_UNLIKE
                else "between"
            )
        return paragraph(texts.inside.FORGOT[key].format(last=last), "agreement")
    text = texts.inside.FORGETTING.format(done=done, total=total) if shown else texts.inside.FORGET_STARTS
    return f'<p class="note" role="status"><progress value="{done}" max="{total}"></progress> {text}</p>'


def agreement(found: Agreement, first: str, second: str) -> str:
    """Return whether two methods point at the same, in words."""
    text = texts.inside.MAPS_AGREE.format(
        first=first, second=second, sentence=found.sentence, overlap=found.overlap, chance=found.chance
    )
    return paragraph(text, "agreement")


def progress(belief: Belief | None) -> str:
    """Return how far a test has come; None: it begins."""
    done, total = (belief.done, belief.total) if belief else (0, 1)
    text = texts.inside.BELIEVING.format(done=done, total=total) if belief else texts.inside.BELIEVE_STARTS
    return f'<p class="note" role="status"><progress value="{done}" max="{total}"></progress> {text}</p>'


def stopped(text: str) -> str:
    """Return that a test was stopped."""
    return f'<p class="note" role="status">{text}</p>'


def verdict(belief: Belief) -> str:
    """Return where a map stands among orders that know nothing of the model, in words and areas."""
    words, lines, rows = texts.inside, [], []
    for followed in belief.followed:
        for i, kind in enumerate(("deletion", "insertion")):
            about = words.VERDICT.format(kind=kind, filling=followed.filling)
            lines.append(f"<li>{about} <b>{followed.sentences[i]}</b></li>")
            random = followed.areas(followed.random)[:, i]
            cells = [
                f"{followed.areas(followed.own)[i]:.3f}",
                words.RANGE.format(low=random.min(), high=random.max()),
                f"{followed.areas(followed.smooth)[:, i].mean():.3f}",
                f"{followed.areas(followed.loudest)[i]:.3f}",
            ]
            name = words.AREA.format(kind=kind, better=words.BETTER[kind], filling=escape(followed.filling))
            rows.append(f"<tr><td>{name}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f'<th scope="col">{text}</th>' for text in words.AREAS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<ul class="verdict">{"".join(lines)}</ul><div class="cycles areas">{table}</div>'
