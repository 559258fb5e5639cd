"""The page's player: its markup, and what its script, player.js, is told.

A player is a gr.HTML whose value is what ``served`` returns. Its markup never changes, so that a sound plays on while
the value does. Places on the page that hold pictures are named by their ``elem_id``.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from rsc_core.playback import EMPHASES, GENTLE_DB, HIGH_HZ, LOW_HZ, Playback, Sound, TimeAxis
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph

OPEN = "openPlayer(element, props, watch)"


def player_place(name: str, loop: str = texts.player.LOOP, looping: bool = True) -> gr.HTML:
    """A player, empty until a callback fills it with what ``served`` returns.

    Args:
        name: its ``elem_id``.
        loop: what the button that loops says.
        looping: whether it is pressed at first.
    """
    markup = _markup(loop, looping)
    return gr.HTML(None, html_template=markup, js_on_load=OPEN, elem_id=name, elem_classes="player-place")


def served(playback: Playback) -> dict[str, Any]:
    """Return the value of a player; its sounds are written where the page can fetch them."""
    emphases = {name: asdict(shape) | {"most": shape.most} for name, shape in EMPHASES.items()}
    return {
        "name": playback.name,
        "sounds": [{"file": _file(sound), "seconds": sound.seconds, "peak": sound.peak} for sound in playback.sounds],
        "versions": [asdict(version) for version in playback.versions],
        "first": playback.first,
        "blends": playback.blends,
        "start_s": playback.start_s,
        "span": playback.span,
        "pictures": {place: [asdict(axis) for axis in axes] for place, axes in playback.pictures.items()},
        "downloads": [
            {"label": texts.player.DOWNLOAD.format(label=label), "name": f"{label}.wav", "file": _file(sound)}
            for label, sound in playback.downloads
        ],
        "emphases": emphases,
    }


def served_alone(
    waveform: np.ndarray, sample_rate: int, pictures: dict[str, tuple[TimeAxis, ...]] | None = None
) -> dict[str, Any]:
    """Return the value of a player of one (samples,) sound; ``pictures`` as in ``Playback``."""
    sound = Sound(waveform, sample_rate)
    return served(Playback(sound.digest, (sound,), pictures=pictures or {}))


def _file(sound: Sound) -> dict[str, Any]:
    """A sound's file as Gradio serves it: on its way to the page it is given an address."""
    folder = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    return gr.FileData(path=str(sound.write(folder))).model_dump()


def _markup(loop: str, looping: bool) -> str:
    words = texts.player
    about = words.FILTERS.format(db=GENTLE_DB, low=LOW_HZ, high=HIGH_HZ)
    return f"""<div class="player" role="group" aria-label="{words.GROUP}">
<audio preload="auto"></audio>
<div class="player-main">
<button type="button" class="player-play" data-play="{words.PLAY}" data-pause="{words.PAUSE}"
 aria-keyshortcuts="Space">{words.PLAY}</button>
<button type="button" class="player-loop" aria-pressed="{str(looping).lower()}"
 aria-keyshortcuts="l">{escape(loop)}</button>
<input type="range" class="player-at" min="0" max="1" step="any" value="0" aria-label="{words.PLACE}">
<span class="player-time">0.00 / 0.00 s</span>
</div>
<div class="player-versions" role="group" aria-label="{words.VERSION}" hidden></div>
<input type="range" class="player-blend" min="0" max="1" step="0.05" value="0" aria-label="{words.BLEND}" hidden>
<div class="player-more">
<label>{words.SPEED} <select class="player-speed">{_options(words.SPEEDS)}</select></label>
<label>{words.EMPHASIS} <select class="player-emphasis">{_options(words.EMPHASES)}</select></label>
<label>{words.VOLUME} <input type="range" class="player-volume" min="0" max="300" step="5" value="100">
<output data-limited="{words.LIMITED}">100 %</output></label>
</div>
<p class="note player-state" role="status" data-gone="{words.GONE}"></p>
<details><summary>{words.HELP}</summary>{paragraph(words.KEYS, "note")}{paragraph(about, "note")}
<p class="note player-downloads"></p></details>
</div>"""


def _options(words: dict[str, str]) -> str:
    return "".join(f'<option value="{value}">{text}</option>' for value, text in words.items())
