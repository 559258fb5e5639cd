"""Look, Montage, RelevanceMap, Belief -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rsc_core import belief_figures
from rsc_core.analysis import Belief, Followed, Look, Montage, RelevanceMap, Spectrogram, Tile, TileMap
from rsc_core.figures import (
    BOTTOM_PX,
    FONT_PX,
    HEAT,
    INK,
    LEFT_PX,
    NARROW_PX,
    RANGE_DB,
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
CELL_PX, GAP_PX, TOP_PX = 50, 3, 26  # of the montage: a head's height, between heads, the layers' numbers
EVEN, FULL = 1.0, 6.0  # times an even spread at which the montage's colour begins, and is full
CHOSEN = "#00d5ff"
PANEL_PX = 150
OWN, RANDOM, SMOOTH, LOUDEST = "#d55e00", "#9aa5b1", "#0072b2", "#009e73"
FOR_AND_AGAINST = LinearSegmentedColormap.from_list(
    "for and against", [(0.0, 0.3, 0.75, 0.95), (0.35, 0.6, 0.95, 0.0), (1, 0.6, 0.2, 0.0), (0.8, 0.1, 0.1, 0.95)]
)


@dataclass(frozen=True)
class HeadGrid:
    """Where the heads of a montage stand, in image pixels; layers run across, or down where there is little width."""

    left: float
    top: float
    width: float  # from one head to the next
    height: float
    layers: int
    heads: int
    across: bool

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return (layer, head), counted from 0, at an image pixel; None beside the montage."""
        column, row = int((x - self.left) // self.width), int((y - self.top) // self.height)
        layer, head = (column, row) if self.across else (row, column)
        return (layer, head) if 0 <= layer < self.layers and 0 <= head < self.heads else None

    def corner(self, layer: int, head: int) -> tuple[float, float]:
        """Return the upper left pixel of a head."""
        column, row = (layer, head) if self.across else (head, layer)
        return self.left + column * self.width, self.top + row * self.height


def look(shown: Look, tile: Tile | None, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the spectrogram that is looked into, the chosen patch, and one patch's size where none is chosen."""
    canvas, axes = _sound(shown.spectrogram, "Log-mel: click a patch", "magma", width_px, scale, bar=True)
    if tile is None:
        _size_of_one(axes, shown)
    else:
        _outline(axes, tile, shown.spectrogram)
    return canvas.picture()


def montage(
    shown: Montage, beneath: Spectrogram, chosen: tuple[int, int], width_px: int = 800, scale: float = 1.0
) -> tuple[Picture, HeadGrid]:
    """Draw all heads of all layers as one picture, the spectrogram in grey beneath each, the chosen head framed."""
    layers, heads = shown.maps.shape[:2]
    across = width_px >= NARROW_PX
    columns, rows = (layers, heads) if across else (heads, layers)
    left = 46
    cell_px = (width_px - left - 6) / columns
    canvas = Canvas(width_px, TOP_PX + rows * (CELL_PX + GAP_PX) + 6, scale)
    grid = HeadGrid(left * scale, TOP_PX * scale, cell_px * scale, (CELL_PX + GAP_PX) * scale, layers, heads, across)
    size = round((CELL_PX + GAP_PX) * scale), round(cell_px * scale)
    inner = size[0] - round(GAP_PX * scale), size[1] - round(GAP_PX * scale)
    paper = _grey(beneath, inner)
    image = np.ones((rows * size[0], columns * size[1], 3), np.float32)
    for layer in range(layers):
        for head in range(heads):
            column, row = (layer, head) if across else (head, layer)
            place = np.s_[row * size[0] : row * size[0] + inner[0], column * size[1] : column * size[1] + inner[1]]
            image[place] = _over(paper, shown.head(layer, head), beneath)
    axes = canvas.figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_px), ylim=(canvas.height_px, 0))
    axes.axis("off")
    bottom = TOP_PX + rows * (CELL_PX + GAP_PX)
    axes.imshow(image, extent=(left, left + columns * cell_px, bottom, TOP_PX), aspect="auto", interpolation="nearest")
    text = {"size": points(FONT_PX), "color": INK, "va": "center"}
    over, beside = ("layer", "head") if across else ("head", "layer")
    axes.text(2, TOP_PX / 2, f"{over} →" if across else over, **text)
    for column in range(columns):
        axes.text(left + (column + 0.5) * cell_px, TOP_PX / 2, str(column + 1), ha="center", **text)
    for row in range(rows):
        middle = TOP_PX + row * (CELL_PX + GAP_PX) + CELL_PX / 2
        axes.text(2, middle, f"{beside} {row + 1}" if across else f"L {row + 1}", **text)
    x, y = (value / scale for value in grid.corner(*chosen))
    frame = Rectangle((x - 1, y - 1), cell_px - GAP_PX + 2, CELL_PX + 2, fill=False, ec=CHOSEN, lw=2.5)
    axes.add_patch(frame)
    return canvas.picture(), grid


def head(
    shown: Look, heads: Montage, chosen: tuple[int, int], tile: Tile | None, width_px: int = 800, scale: float = 1.0
) -> Picture:
    """Draw one head over the spectrogram in grey."""
    layer, number = chosen
    title = f"Layer {layer + 1}, head {number + 1}"
    canvas, axes = _sound(shown.spectrogram, title, "Greys", width_px, scale)
    image = _heat(axes, heads.head(*chosen), shown.spectrogram)
    canvas.colour_bar(image, _box(width_px), "times an even spread")
    if tile is None:
        _size_of_one(axes, shown)
    else:
        _outline(axes, tile, shown.spectrogram)
    return canvas.picture()


def numbers(shown: Montage, chosen: tuple[int, int], width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw what kind of reader each head is: a dot a head over the layers, the chosen one ringed."""
    panels = [
        ("Entropy, 1 is even", shown.entropy_share),
        ("Distance (s)", shown.distance_s),
        ("Distance (Hz)", shown.distance_hz),
        ("Share on CLS, DIST", shown.special),
    ]
    if shown.virtual.any():
        panels.append(("Share on added tokens", shown.virtual))
    columns = 2 if width_px < NARROW_PX else len(panels)
    rows = -(-len(panels) // columns)
    step = TITLE_PX + 110 + BOTTOM_PX
    canvas = Canvas(width_px, rows * step, scale)
    across = np.arange(len(shown.entropy)) + 1
    for index, (title, values) in enumerate(panels):
        left = index % columns * width_px / columns + LEFT_PX
        axes = canvas.plain((left, index // columns * step + TITLE_PX, width_px / columns - LEFT_PX - 14, 110))
        axes.plot(across, values.mean(axis=1), color=RANDOM, lw=1.5)
        for number in range(values.shape[1]):
            axes.plot(across, values[:, number], ".", color=INK, ms=4)
        axes.plot(chosen[0] + 1, values[chosen], "o", mfc="none", mec=OWN, mew=2, ms=8)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
        axes.set_xlabel("Layer", size=points(FONT_PX))
    return canvas.picture()


def relevance(shown: Look, found: RelevanceMap, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw a method's map over the spectrogram in grey; a signed one in two colours about 0."""
    most = max(float(np.abs(found.tiles.values).max()), np.finfo(np.float32).tiny)
    title = f"{found.title}, strongest tile {most:.2g} of a logit" if found.signed else found.title
    canvas, axes = _sound(shown.spectrogram, title, "Greys", width_px, scale)
    if found.signed:
        shares = replace(found.tiles, values=found.tiles.values / most)
        image = _lay(axes, shares, shown.spectrogram, FOR_AND_AGAINST, -1, 1)
        canvas.colour_bar(image, _box(width_px), "of the strongest")
        canvas.figure.axes[-1].set_yticks([-1, 0, 1])
    else:
        image = _heat(axes, found.tiles, shown.spectrogram)
        canvas.colour_bar(image, _box(width_px), "times an even spread")
    _size_of_one(axes, shown)
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


def _box(width_px: float) -> tuple[float, float, float, float]:
    return LEFT_PX, TITLE_PX, width_px - LEFT_PX - RIGHT_PX, MAP_PX


def _sound(
    one: Spectrogram, title: str, cmap: str, width_px: int, scale: float, bar: bool = False
) -> tuple[Canvas, Axes]:
    canvas = Canvas(width_px, TITLE_PX + MAP_PX + BOTTOM_PX, scale)
    axes = canvas.add(_box(width_px), title, one.start_s, one.end_s, one.frequencies_hz)
    image = spectrogram_image(axes, one, cmap)
    frequency_ticks(axes, one.frequencies_hz, MAP_PX)
    axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Time (s)", size=points(FONT_PX))
    if bar:
        canvas.colour_bar(image, _box(width_px), one.unit)
    return canvas, axes


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


def _outline(axes: Axes, tile: Tile, beneath: Spectrogram) -> None:
    bottom, top = row_of(np.array([tile.low_hz, tile.high_hz]), beneath.frequencies_hz)
    place = (tile.start_s, bottom)
    for colour, width in (("black", 4), (CHOSEN, 2)):  # seen on light and dark
        axes.add_patch(Rectangle(place, tile.end_s - tile.start_s, top - bottom, fill=False, ec=colour, lw=width))


def _size_of_one(axes: Axes, shown: Look) -> None:
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


def _grey(one: Spectrogram, size: tuple[int, int]) -> np.ndarray:
    """(height, width) brightness of a spectrogram, low frequencies at the bottom."""
    values = one.values[_nearest(len(one.values), size[0])[::-1]][:, _nearest(one.values.shape[1], size[1])]
    highest = float(one.values.max())
    return 1 - 0.75 * np.clip((values - highest + RANGE_DB) / RANGE_DB, 0, 1)


def _over(paper: np.ndarray, tiles: TileMap, beneath: Spectrogram) -> np.ndarray:
    """(height, width, 3): one head's colours over the grey."""
    height, width = paper.shape
    edges = row_of(tiles.edges_hz, beneath.frequencies_hz) / len(beneath.frequencies_hz)
    at = 1 - (np.arange(height) + 0.5) / height
    rows = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(tiles.values) - 1)
    values = tiles.values[rows][:, _nearest(tiles.values.shape[1], width)]
    colours = HEAT((values - EVEN) / (FULL - EVEN))
    alpha = colours[..., 3:] * (values >= EVEN)[..., None]
    return (1 - alpha) * paper[..., None] + alpha * colours[..., :3]


def _nearest(count: int, wanted: int) -> np.ndarray:
    """(wanted,) indices spread evenly over ``count``."""
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(int)
