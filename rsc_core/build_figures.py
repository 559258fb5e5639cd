"""Built sounds -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from rsc_core.analysis import Spectrogram
from rsc_core.comparison_figures import MODEL_COLOURS
from rsc_core.figures import (
    BOTTOM_PX,
    CLASS_COLOURS,
    COLOUR_MAPS,
    FONT_PX,
    GRID,
    INK,
    LEFT_PX,
    NARROW_PX,
    RIGHT_PX,
    TITLE_PX,
    Canvas,
    Picture,
    envelope,
    frequency_ticks,
    points,
    spectrogram_image,
)
from rsc_core.synth import KINDS, Event, Phases, Synthetic

if TYPE_CHECKING:
    from rsc_core.naming import Naming

NAMES_PX, WAVE_PX, LANE_PX, MAP_PX = 70, 110, 28, 170
PHASE_COLOURS = {"inspiration": "#56B4E9", "expiration": "#D5DBE1"}
NAMELESS = "#7B8794"  # of sounds no class names
CURVES_PX = 240
MARKS = ("o", "s", "^", "D", "v", "P")  # of models, beside their colours
MARK_PX = 2  # an event is drawn at least as wide


def built(
    made: Synthetic, phases: Sequence[Phases], beneath: Spectrogram, width_px: int = 800, scale: float = 1.0
) -> Picture:
    """Draw a synthesised recording: waveform, a lane for the breath and for each kind of sound, spectrogram.

    Everything shares one time axis; an event stands where it was placed, in its lane and behind the waveform.
    """
    kinds = [kind for kind in KINDS if any(event.kind == kind for event in made.events)]
    lanes_px = LANE_PX * (1 + len(kinds))
    map_top = TITLE_PX + WAVE_PX + lanes_px + TITLE_PX
    canvas = Canvas(width_px, map_top + MAP_PX + BOTTOM_PX, scale)
    left, width = NAMES_PX, width_px - NAMES_PX - RIGHT_PX
    seconds = len(made.waveform) / made.sample_rate
    mark_s = MARK_PX * seconds / width

    wave = canvas.add((left, TITLE_PX, width, WAVE_PX), "waveform", 0, seconds)
    at_s, lowest, highest = envelope(made.waveform / np.abs(made.waveform).max(), seconds, width)
    for event in made.events:
        wave.axvspan(*_shown(event, mark_s), color=_colour(event.kind), alpha=0.45, lw=0)
    wave.fill_between(at_s, lowest, highest, color=INK, linewidth=0.4)
    wave.set(xlim=(0, seconds), ylim=(-1.05, 1.05), yticks=[])
    wave.tick_params(labelbottom=False, length=0)
    wave.set_title("Waveform", loc="left", pad=5, size=points(FONT_PX))

    lanes = canvas.add((left, TITLE_PX + WAVE_PX, width, lanes_px), "lanes", 0, seconds)
    for one in phases:
        for phase, colour in PHASE_COLOURS.items():
            start_s, end_s = one.span(phase)
            lanes.add_patch(Rectangle((start_s, 0.2), end_s - start_s, 0.6, fc=colour, ec="white", lw=1))
            word = phase if (end_s - start_s) / seconds * width > 75 else phase[:2]
            if (end_s - start_s) / seconds * width > 18:
                place = ((start_s + end_s) / 2, 0.5)
                lanes.text(*place, word, ha="center", va="center", color=INK, size=points(FONT_PX - 1))
    for event in made.events:
        start_s, end_s = _shown(event, mark_s)
        place = (start_s, 1.15 + kinds.index(event.kind))
        lanes.add_patch(Rectangle(place, end_s - start_s, 0.7, fc=_colour(event.kind), lw=0))
    lanes.set(xlim=(0, seconds), ylim=(1 + len(kinds), 0))
    names = [kind.replace(" ", "\n") for kind in kinds]
    lanes.set_yticks(np.arange(1 + len(kinds)) + 0.5, ["breath", *names], linespacing=0.95)
    lanes.tick_params(length=0, labelbottom=False)
    lanes.spines[:].set_visible(False)

    box = (left, map_top, width, MAP_PX)
    axes = canvas.add(box, beneath.name, 0, seconds, beneath.frequencies_hz)
    image = spectrogram_image(axes, beneath, COLOUR_MAPS["db"])
    frequency_ticks(axes, beneath.frequencies_hz, MAP_PX)
    axes.set_title("Log-mel spectrogram", loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Time (s)", size=points(FONT_PX))
    canvas.colour_bar(image, box, beneath.unit)
    return canvas.picture()


def namings(found: Sequence[Naming], levels_db: Sequence[float], width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw each model's probability over the level of the sound, the breath alone at the left.

    A filled mark says that the sound was the likeliest label there, a hollow one that it was not; a large mark is the
    level from which on it was so to the last.
    """
    rows = -(-len(found) // (1 if width_px < NARROW_PX else 3))
    legend_px = 22 * rows + 8
    canvas = Canvas(width_px, legend_px + CURVES_PX + BOTTOM_PX, scale)
    axes = canvas.plain((LEFT_PX, legend_px, width_px - LEFT_PX - 14, CURVES_PX))
    step = levels_db[1] - levels_db[0]
    alone_db = levels_db[0] - 2 * step
    axes.axhline(0.5, color=INK, lw=1, ls=":")
    axes.axvline(levels_db[0] - step, color=GRID, lw=1)
    for one, colour, mark in zip(found, cycle(MODEL_COLOURS), cycle(MARKS)):
        level_db = np.array([alone_db, *one.levels_db])
        present = np.array([one.alone, *one.present])
        named = np.array([one.named_alone, *one.named])
        style = {"color": colour, "marker": mark, "ls": "none", "ms": 5.5, "clip_on": False, "zorder": 3}
        axes.plot(level_db[1:], present[1:], color=colour, lw=1.2, clip_on=False)
        axes.plot(level_db[named], present[named], **style)
        axes.plot(level_db[~named], present[~named], mfc="white", **style)
        if one.level_db is not None:
            at = one.levels_db.index(one.level_db)
            axes.plot(one.level_db, one.present[at], **{**style, "ms": 11, "mec": INK, "mew": 1.2, "zorder": 4})
        axes.plot([], [], color=colour, marker=mark, lw=1.2, ms=5.5, label=one.model)
    axes.set(xlim=(alone_db - step / 2, levels_db[-1]), ylim=(0, 1))
    shown = levels_db[:: 2 if width_px >= NARROW_PX else 5]
    axes.set_xticks([alone_db, *shown], ["none", *(f"{level:g}" for level in shown)])
    axes.set_xlabel("Level of the sound against the breath (dB)", size=points(FONT_PX))
    axes.set_ylabel("P(sound present)", size=points(FONT_PX), color=INK)
    canvas.figure.legend(
        loc="upper left",
        bbox_to_anchor=(LEFT_PX / width_px, 1),
        ncols=-(-len(found) // rows),
        frameon=False,
        fontsize=points(FONT_PX),
        borderaxespad=0.2,
    )
    return canvas.picture()


def _shown(event: Event, mark_s: float) -> tuple[float, float]:
    """Start and end of an event as it is drawn."""
    return event.start_s, max(event.end_s, event.start_s + mark_s)


def _colour(kind: str) -> str:
    return CLASS_COLOURS.get(KINDS[kind].label, NAMELESS)
