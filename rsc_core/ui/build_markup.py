"""What the tab Build says of a sound, as HTML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape

from rsc_core import conventions
from rsc_core.synth import KINDS, Sound, Synthetic
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph


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
            convention=texts.build.CONVENTIONS[convention], names=" or ".join(names) or texts.build.UNNAMED
        )
        for convention, names in conventions.names(sound).items()
    ]
    return paragraph(f"{sound.kind.capitalize()}. {'; '.join(said)}.", "note") if said else ""


def times(made: Synthetic) -> str:
    """Return the table of all events."""
    rows = "".join(
        f'<tr><th scope="row">{event.kind}</th><td>{event.start_s:.3f}</td><td>{event.end_s:.3f}</td>'
        f"<td>{event.level_db:.1f}</td><td>{event.band_hz[0]:.0f} to {event.band_hz[1]:.0f}</td></tr>"
        for event in made.events
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in texts.build.HEADS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    frame = f'<div class="cycles" tabindex="0" role="region" aria-label="{texts.build.TIMES}">{table}</div>'
    return frame + paragraph(texts.build.LEVELS, "note")


def reason(error: ValueError) -> str:
    """Return why parts do not fit, the fields called what the page calls them."""
    named = re.sub(r"\b[a-z]\w*\b", lambda word: texts.build.FIELDS.get(word[0], word[0]), str(error))
    return escape(named, quote=False)
