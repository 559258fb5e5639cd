"""What heads read, as pictures that answer a click at once.

Matplotlib draws what stays, a spectrogram with its axes or the names of layers and heads, once; what a click changes,
the colours of attention and the frames of what is chosen, is laid over that with numpy. One scale of colours serves
all pictures: it begins at an even spread of attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rsc_core.analysis import Heads, Look, Montage, Spectrogram
from rsc_core.figures import (
    BOTTOM_PX,
    FONT_PX,
    HEAT,
    INK,
    LEFT_PX,
    NARROW_PX,
    RANGE_DB,
    TITLE_PX,
    AxisMap,
    Canvas,
    points,
    row_of,
)
from rsc_core.map_figures import map_box, size_of_one, sound

CELL_PX, GAP_PX, TOP_PX, SIDE_PX = 50, 3, 26, 46  # a head's height, between heads, and where the names stand
PANEL_PX, DOT_PX = 110, 5  # height of a panel of numbers, half the side of a frame around a dot
PANEL_WIDTH_PX = 190  # least
EVEN, FULL = 1.0, 6.0  # times an even spread at which colour begins, and is full
CHOSEN, RIM = (0, 213, 255), (0, 0, 0)  # of a frame: seen on light and dark
MEAN = "#9aa5b1"

Box = tuple[int, int, int, int]  # left, top, right, bottom in image pixels


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


class HeadPictures:
    """The pictures of what heads read in one look; each method returns (height, width, 3) uint8 pixels.

    Args:
        shown: what is looked into.
        heads: what kind of reader each of its heads is.
        map_size: ``width_px`` and ``scale`` of the spectrogram and of one head.
        size: the same of the pictures of all heads.

    Attributes:
        axes: of the spectrogram and of one head, the way back from a click on it.
        size: (width, height) px of these two pictures.
        grid: of the montage, the same.
    """

    def __init__(self, shown: Look, heads: Heads, map_size: dict[str, float], size: dict[str, float]):
        self._hz = shown.spectrogram.frequencies_hz
        self._map_scale, self._scale = map_size["scale"], size["scale"]
        self.axes, self._look = _spectrogram(shown, **map_size)
        self.size: tuple[int, int] = self._look.shape[1::-1]
        self._head = _behind_a_head(shown.spectrogram, **map_size)
        self.grid, self._montage = _behind_all_heads(shown.spectrogram, heads.entropy.shape, **size)
        self._dots, self._kinds = _numbers(heads, **size)

    def answer(self, read: Montage, chosen: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw all that a click may change: "look", "head", "montage" and "kinds".

        Args:
            read: what one token reads.
            chosen: layer and head, counted from 0.
        """
        return {
            "look": self.look(read),
            "head": self.head(read, chosen),
            "montage": self.montage(read, chosen),
            "kinds": self.kinds(chosen),
        }

    def look(self, read: Montage) -> np.ndarray:
        """Draw the spectrogram, the patch that reads framed."""
        pixels = self._look.copy()
        self._frame_tile(pixels, read)
        return pixels

    def head(self, read: Montage, chosen: tuple[int, int]) -> np.ndarray:
        """Draw the chosen head over the spectrogram in grey, the patch that reads framed."""
        pixels = self._head.copy()
        axes = self.axes
        box = _box(axes.left, axes.top, axes.right - axes.left, axes.bottom - axes.top)
        _lay(pixels, box, read.maps[chosen], self._tile_rows(read, box))
        self._frame_tile(pixels, read)
        return pixels

    def montage(self, read: Montage, chosen: tuple[int, int]) -> np.ndarray:
        """Draw all heads of all layers, the spectrogram in grey beneath each, the chosen one framed."""
        pixels = self._montage.copy()
        rows = self._tile_rows(read, _cell(self.grid, chosen, self._scale))
        for place in np.ndindex(self.grid.layers, self.grid.heads):
            _lay(pixels, _cell(self.grid, place, self._scale), read.maps[place], rows)
        _frame(pixels, _cell(self.grid, chosen, self._scale), self._scale)
        return pixels

    def kinds(self, chosen: tuple[int, int]) -> np.ndarray:
        """Draw what kind of reader each head is: a dot a head over the layers, the chosen one framed."""
        pixels = self._kinds.copy()
        side = 2 * DOT_PX * self._scale
        for x, y in self._dots[:, *chosen] - side / 2:
            if np.isfinite(y):
                _frame(pixels, _box(x, y, side, side), self._scale)
        return pixels

    def _frame_tile(self, pixels: np.ndarray, read: Montage) -> None:
        if tile := read.tile:
            left, bottom = self.axes.pixel(tile.start_s, tile.low_hz)
            right, top = self.axes.pixel(tile.end_s, tile.high_hz)
            _frame(pixels, _box(left, top, right - left, bottom - top), self._map_scale)

    def _tile_rows(self, read: Montage, box: Box) -> np.ndarray:
        """(height,) the row of tiles at each row of pixels."""
        height = box[3] - box[1]
        edges = row_of(read.edges_hz, self._hz) / len(self._hz)
        at = 1 - (np.arange(height) + 0.5) / height
        return np.clip(np.searchsorted(edges, at, side="right") - 1, 0, read.maps.shape[2] - 1)


def _spectrogram(shown: Look, width_px: int, scale: float) -> tuple[AxisMap, np.ndarray]:
    canvas, axes = sound(shown.spectrogram, "Log-mel: click a patch", "magma", width_px, scale, bar=True)
    size_of_one(axes, shown)
    picture = canvas.picture()
    return picture.axes[0], picture.pixels()


def _behind_a_head(one: Spectrogram, width_px: int, scale: float) -> np.ndarray:
    canvas, _ = sound(one, "The chosen head", "Greys", width_px, scale)
    colours = ScalarMappable(Normalize(EVEN, FULL), HEAT)
    canvas.colour_bar(colours, map_box(width_px), "times an even spread")
    return canvas.picture().pixels()


def _behind_all_heads(
    one: Spectrogram, shape: tuple[int, int], width_px: int, scale: float
) -> tuple[HeadGrid, np.ndarray]:
    layers, heads = shape
    across = width_px >= NARROW_PX
    columns, rows = (layers, heads) if across else (heads, layers)
    cell_px, step_px = (width_px - SIDE_PX - 6) / columns, CELL_PX + GAP_PX
    canvas = Canvas(width_px, TOP_PX + rows * step_px + 6, scale)
    axes = canvas.figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_px), ylim=(canvas.height_px, 0))
    axes.axis("off")
    text = {"size": points(FONT_PX), "color": INK, "va": "center"}
    over, beside = ("layer", "head") if across else ("head", "layer")
    axes.text(2, TOP_PX / 2, f"{over} →" if across else over, **text)
    for column in range(columns):
        axes.text(SIDE_PX + (column + 0.5) * cell_px, TOP_PX / 2, str(column + 1), ha="center", **text)
    for row in range(rows):
        middle = TOP_PX + row * step_px + CELL_PX / 2
        axes.text(2, middle, f"{beside} {row + 1}" if across else f"L {row + 1}", **text)
    pixels = canvas.picture().pixels()
    grid = HeadGrid(SIDE_PX * scale, TOP_PX * scale, cell_px * scale, step_px * scale, layers, heads, across)
    for place in np.ndindex(shape):
        left, top, right, bottom = _cell(grid, place, scale)
        pixels[top:bottom, left:right] = _grey(one, bottom - top, right - left)
    return grid, pixels


def _numbers(heads: Heads, width_px: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """(panels, layers, heads, 2) image pixels of the dots, and the picture."""
    panels = {
        "Entropy, 1 is even": heads.entropy_share,
        "Distance (s)": heads.distance_s,
        "Distance (Hz)": heads.distance_hz,
        "Share on CLS, DIST": heads.special,
    }
    if heads.virtual.any():
        panels["Share on added tokens"] = heads.virtual
    columns = min(len(panels), max(2, int(width_px // PANEL_WIDTH_PX)))
    step = TITLE_PX + PANEL_PX + BOTTOM_PX
    canvas = Canvas(width_px, step * -(-len(panels) // columns), scale)
    layers = np.arange(len(heads.entropy)) + 1
    drawn = []
    for index, (title, values) in enumerate(panels.items()):
        left = index % columns * width_px / columns + LEFT_PX
        box = (left, index // columns * step + TITLE_PX, width_px / columns - LEFT_PX - 14, PANEL_PX)
        axes = canvas.plain(box)
        axes.plot(layers, values.mean(axis=1), color=MEAN, lw=1.5)
        axes.plot(layers, values, ".", color=INK, ms=4)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
        axes.set_xlabel("Layer", size=points(FONT_PX))
        drawn.append((axes, np.stack(np.broadcast_arrays(layers[:, None], values), axis=-1)))
    pixels = canvas.picture().pixels()
    dots = [axes.transData.transform(dots.reshape(-1, 2)).reshape(dots.shape) for axes, dots in drawn]
    return np.stack(dots) * (1, -1) + (0, len(pixels)), pixels


def _cell(grid: HeadGrid, place: tuple[int, int], scale: float) -> Box:
    gap = GAP_PX * scale
    return _box(*grid.corner(*place), grid.width - gap, grid.height - gap)


def _box(left: float, top: float, width: float, height: float) -> Box:
    """Whole pixels; boxes of one size stay so wherever they stand."""
    left, top = round(left), round(top)
    return left, top, left + round(width), top + round(height)


def _lay(pixels: np.ndarray, box: Box, values: np.ndarray, rows: np.ndarray) -> None:
    """Lay (tile rows, frames) times an even spread over a box, clear where there is no more than that."""
    left, top, right, bottom = box
    shares = (values[:, _nearest(values.shape[1], right - left)] - EVEN) / (FULL - EVEN)
    colours = HEAT(shares).astype(np.float32)
    ink, alpha = 255 * colours[rows, :, :3], colours[rows, :, 3:]
    place = pixels[top:bottom, left:right]
    place[:] = place + alpha * (ink - place)


def _frame(pixels: np.ndarray, box: Box, scale: float) -> None:
    """Draw a frame around a box."""
    left, top, right, bottom = box
    inside = pixels[top:bottom, left:right].copy()
    line = round(1.25 * scale)
    for reach, colour in ((2 * line, RIM), (line, CHOSEN)):
        pixels[top - reach : bottom + reach, left - reach : right + reach] = colour
    pixels[top:bottom, left:right] = inside


def _grey(one: Spectrogram, height: int, width: int) -> np.ndarray:
    """(height, width, 1) uint8 brightness of a spectrogram, low frequencies at the bottom."""
    values = one.values[_nearest(len(one.values), height)[::-1]][:, _nearest(one.values.shape[1], width)]
    highest = float(one.values.max())
    brightness = 1 - 0.75 * np.clip((values - highest + RANGE_DB) / RANGE_DB, 0, 1)
    return (255 * brightness).astype(np.uint8)[..., None]


def _nearest(count: int, wanted: int) -> np.ndarray:
    """(wanted,) indices spread evenly over ``count``."""
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(int)
