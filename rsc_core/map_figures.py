"""RelevanceMap and Belief -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rsc_core import belief_figures
from rsc_core.analysis import Belief, Followed, Look, RelevanceMap, Spectrogram, TileMap
from rsc_core.figures import (
    BOTTOM_PX,
    FONT_PX,
    HEAT,
    LEFT_PX,
    NARROW_PX,
    RIGHT_PX,
    TITLE_PX,
    Canvas,
    Picture,
    frequency_ticks,
    points,
    row_of,
    spectrogram_image,
)

MAP_PX = 190  # height of a map
PANEL_PX = 150
OWN, RANDOM, SMOOTH, LOUDEST = "#d55e00", "#9aa5b1", "#0072b2", "#009e73"
FOR_AND_AGAINST = LinearSegmentedColormap.from_list(
    "for and against", [(0.0, 0.3, 0.75, 0.95), (0.35, 0.6, 0.95, 0.0), (1, 0.6, 0.2, 0.0), (0.8, 0.1, 0.1, 0.95)]
)


def relevance(shown: Look, found: RelevanceMap, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw a method's map over the spectrogram in grey; a signed one in two colours about 0."""
    most = max(float(np.abs(found.tiles.values).max()), np.finfo(np.float32).tiny)
    title = f"{found.title}, strongest tile {most:.2g} of a logit" if found.signed else found.title
    canvas, axes = sound(shown.spectrogram, title, "Greys", width_px, scale)
    if found.signed:
        shares = replace(found.tiles, values=found.tiles.values / most)
        image = _lay(axes, shares, shown.spectrogram, FOR_AND_AGAINST, -1, 1)
        canvas.colour_bar(image, map_box(width_px), "of the strongest")
        canvas.figure.axes[-1].set_yticks([-1, 0, 1])
    else:
        image = _heat(axes, found.tiles, shown.spectrogram)
        canvas.colour_bar(image, map_box(width_px), "times an even spread")
    size_of_one(axes, shown)
    if found.truth:
        belief_figures.bracket(axes, found.truth)
    return canvas.picture()


def believe(shown: Belief, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw deletion and insertion under each filling: the map's order, and the range of random ones shaded."""
    columns = 1 if width_px < NARROW_PX else 2
    step, legend_px = TITLE_PX + PANEL_PX + BOTTOM_PX, 26
    panels = [(f, row) for f in shown.followed for row in (0, 1)]
    canvas = Canvas(width_px, legend_px + step * -(-len(panels) // columns), scale)
    for index, (followed, row) in enumerate(panels):
        left = index % columns * width_px / columns + LEFT_PX
        top = legend_px + index // columns * step + TITLE_PX
        axes = canvas.plain((left, top, width_px / columns - LEFT_PX - 14, PANEL_PX))
        handles = _curves(axes, followed, row)
    canvas.figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(6 / width_px, 1),
        ncols=4 if columns == 2 else 2,
        frameon=False,
        fontsize=points(FONT_PX - 1),
        borderaxespad=0.1,
        borderpad=0.1,
        handlelength=1.2,
        columnspacing=1.0,
        labelspacing=0.1,
    )
    return canvas.picture()


def map_box(width_px: float) -> tuple[float, float, float, float]:
    """Return (left, top, width, height) px of the axes of a map as wide as the page."""
    return LEFT_PX, TITLE_PX, width_px - LEFT_PX - RIGHT_PX, MAP_PX


def sound(
    one: Spectrogram, title: str, cmap: str, width_px: int, scale: float, bar: bool = False
) -> tuple[Canvas, Axes]:
    """Return a canvas with a spectrogram on it, and its axes; ``bar`` adds its colour bar."""
    canvas = Canvas(width_px, TITLE_PX + MAP_PX + BOTTOM_PX, scale)
    axes = canvas.add(map_box(width_px), title, one.start_s, one.end_s, one.frequencies_hz)
    image = spectrogram_image(axes, one, cmap)
    frequency_ticks(axes, one.frequencies_hz, MAP_PX)
    axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Time (s)", size=points(FONT_PX))
    if bar:
        canvas.colour_bar(image, map_box(width_px), one.unit)
    return canvas, axes


def size_of_one(axes: Axes, shown: Look) -> None:
    """Outline one tile in the upper left corner and say how large it is."""
    one = shown.spectrogram
    top = len(one.values)
    for colour, width in (("black", 3), ("white", 1.5)):
        corner = (one.start_s, top - shown.tile_bins)
        axes.add_patch(Rectangle(corner, shown.tile_s, shown.tile_bins, fill=False, ec=colour, lw=width))
    place = (one.start_s + shown.tile_s, top - shown.tile_bins / 2)
    name = "patch" if shown.attends else "tile"
    text = f"one {name}: {1000 * shown.tile_s:.0f} ms x {shown.tile_bins} mel bins"
    note = axes.annotate(text, place, (5, 0), textcoords="offset points", va="center")
    note.set_size(points(FONT_PX))
    note.set_bbox({"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8})


def _curves(axes: Axes, followed: Followed, row: int) -> list:
    x = 100 * followed.fraction
    random = followed.random[:, row]
    shade = axes.fill_between(x, random.min(axis=0), random.max(axis=0), color=RANDOM, alpha=0.45, lw=0)
    shade.set_label(f"{len(random)} random orders")
    (smooth,) = axes.plot(x, followed.smooth[:, row].mean(axis=0), "--", color=SMOOTH, lw=1.3, label="smooth blocks")
    (loudest,) = axes.plot(x, followed.loudest[row], ":", color=LOUDEST, lw=1.8, label="loudest first")
    (own,) = axes.plot(x, followed.own[row], color=OWN, lw=2.2, label="this map")
    axes.set(xlim=(0, 100), ylim=(0, 1))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    kind = ("Deletion", "Insertion")[row]
    axes.set_title(f"{kind}, {followed.filling}", loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel(("Replaced (%)", "Brought back (%)")[row], size=points(FONT_PX))
    return [own, shade, smooth, loudest]


def _heat(axes: Axes, tiles: TileMap, beneath: Spectrogram) -> AxesImage:
    highest = max(float(np.percentile(tiles.values, 99.5)), 2.0)
    return _lay(axes, tiles, beneath, HEAT, 1, highest)


def _lay(
    axes: Axes, tiles: TileMap, beneath: Spectrogram, cmap: LinearSegmentedColormap, low: float, high: float
) -> AxesImage:
    x = np.linspace(tiles.start_s, tiles.end_s, tiles.values.shape[1] + 1)
    return axes.pcolorfast(
        x, row_of(tiles.edges_hz, beneath.frequencies_hz), tiles.values, cmap=cmap, vmin=low, vmax=high
    )
