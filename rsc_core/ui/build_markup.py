"""What the tab Build says of a sound, as HTML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rsc_core import conventions
from rsc_core.synth import KINDS, Sound, Synthetic
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph

if TYPE_CHECKING:
    from rsc_core.naming import Naming


def summary(made: Synthetic, sounds: Sequence[Sound]) -> str:
    """Return how many breaths and events there are, and what the conventions call each sound."""
    words = texts.build
    counted = Counter(event.kind for event in made.events)
    placed = [words.PLACED.format(count=counted[kind], kind=kind) for kind in KINDS if counted[kind]]
    breaths = words.BREATHS[len(made.cycles) == 1].format(count=len(made.cycles))
    seconds = len(made.waveform) / made.sample_rate
    heard = words.HEARD.format(breaths=breaths, seconds=seconds, sounds=", ".join(placed) or words.ALONE)
    return f'<div role="status">{paragraph(heard, "verdict")}{"".join(map(called, sounds))}</div>'


def called(sound: Sound) -> str:
    """Return the names both conventions have for a sound; nothing where they define none by numbers."""
    said = [
        texts.build.CALLED.format(
            convention=texts.build.CONVENTIONS[convention], names=texts.page.OR.join(names) or texts.build.UNNAMED
        )
        for convention, names in conventions.names(sound).items()
    ]
    return paragraph(f"{sound.kind.capitalize()}. {'; '.join(said)}.", "note") if said else ""


def times(made: Synthetic) -> str:
    """Return the table of all events."""
    rows = "".join(
        f'<tr><th scope="row">{event.kind}</th><td>{event.start_s:.3f}</td><td>{event.end_s:.3f}</td>'
        f"<td>{event.level_db:.1f}</td><td>{texts.build.BAND.format(*event.band_hz)}</td></tr>"
        for event in made.events
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in texts.build.HEADS)
    return _framed(texts.build.TIMES, head, rows) + paragraph(texts.build.LEVELS, "note")


def reason(error: ValueError) -> str:
    """Return why parts do not fit, the fields called what the page calls them."""
    named = re.sub(r"\b[a-z]\w*\b", lambda word: texts.build.FIELDS.get(word[0], word[0]), str(error))
    return escape(named, quote=False)


def status(text: str) -> str:
    """Return a line that a screen reader reads when it can."""
    return f'<div role="status">{paragraph(text, "note")}</div>'


def asked(done: int, levels_db: Sequence[float]) -> str:
    """Return how far models have been asked; nothing at the end."""
    if done == len(levels_db):
        return ""
    said = texts.threshold.PROGRESS.format(done=done, all=len(levels_db), level=levels_db[done - 1])
    return f'<progress max="{len(levels_db)}" value="{done}" aria-label="{said}"></progress>{status(said)}'


def namings(found: Sequence[Naming], kind: str) -> str:
    """Return the table of where each model begins to label a sound, in words."""
    words, label = texts.threshold, KINDS[kind].label
    rows = "".join(
        f'<tr><th scope="row">{escape(one.model)}</th><td>{words.ALONE[one.named_alone].format(label=label)}</td>'
        f"<td>{_from(one)}</td><td>{one.present[-1]:.2f}</td></tr>"
        for one in found
    )
    head = "".join(
        f'<th scope="col">{text.format(label=label, level=found[0].levels_db[-1])}</th>' for text in words.HEADS
    )
    return _framed(words.TABLE.format(kind=kind), head, rows)


def _from(one: Naming) -> str:
    words = texts.threshold
    if one.level_db is None:
        return words.UNSTABLE if one.named.any() else words.NEVER
    text = words.ALWAYS if one.level_db == one.levels_db[0] else words.FROM
    return text.format(level=one.level_db)


def _framed(label: str, head: str, rows: str) -> str:
    """A table that scrolls by itself."""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="cycles" tabindex="0" role="region" aria-label="{label}">{table}</div>'
