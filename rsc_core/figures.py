"""Pictures of an analysis: the waveform with its cycles, spectrograms, attention; with a way back from pixels.

Plain matplotlib Figures (never pyplot, which keeps them alive), numpy in. A spectrogram is drawn in its own bins, so
each map's frequency axis is warped as the map is, with ticks at round Hz; ``AxisMap`` undoes that for a click.

Conventions: layouts are in CSS pixels, so text stays equally large on a phone and on a wide screen; a picture is
rendered ``scale`` times finer. Image pixels count from the top left. Colours of the classes are from Okabe and Ito's
palette, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rsc_core.analysis import Analysis, AttentionMap, CycleView, Spectrogram

PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "vermillion": "#D55E00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
}
CLASS_COLOURS = {
    "normal": PALETTE["blue"],
    "crackle": PALETTE["orange"],
    "wheeze": PALETTE["green"],
    "both": PALETTE["purple"],
}
TEXT_COLOURS = {"normal": "white", "crackle": "black", "wheeze": "black", "both": "black"}  # legible on the above
NARROW_PX = 600  # below this width maps stand under each other
INK, GRID = "#1f2933", "#d5dbe1"
DPI = 100  # image pixels per figure inch at scale 1: one CSS pixel
FONT_PX = 11.5
LEFT_PX, RIGHT_PX, TITLE_PX, BOTTOM_PX = 50, 66, 26, 42  # around a map: Hz, colour bar, title, seconds
COLOUR_BAR = "colour bar"  # label of axes that are none
RANGE_DB = 80  # shown below the loudest bin
ROUND_HZ = (50, 100, 200, 300, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000)
TICK_PX = 17  # least distance of two frequency ticks
COLOUR_MAPS = {"db": "magma", "model": "viridis"}
HEAT = LinearSegmentedColormap.from_list(
    "attention", [(1, 0.93, 0.35, 0.0), (1, 0.62, 0.1, 0.6), (0.85, 0.1, 0.1, 0.92)]
)


@dataclass(frozen=True)
class AxisMap:
    """Where one set of axes lies in the image, and what its pixels mean."""

    name: str
    left: float  # px
    top: float
    right: float
    bottom: float
    start_s: float
    end_s: float
    frequencies_hz: np.ndarray | None = None  # (bins,) rising centres of equally high rows; None: no frequency axis

    def at(self, x: float, y: float) -> tuple[float, float | None]:
        """Return (s, Hz) at an image pixel; Hz is None where the axes have no frequency."""
        s = self.start_s + (x - self.left) / (self.right - self.left) * (self.end_s - self.start_s)
        if self.frequencies_hz is None:
            return s, None
        row = (self.bottom - y) / (self.bottom - self.top) * len(self.frequencies_hz) - 0.5
        return s, float(np.interp(row, np.arange(len(self.frequencies_hz)), self.frequencies_hz))

    def pixel(self, s: float, hz: float) -> tuple[float, float]:
        """Return the image pixel of a point; the inverse of ``at``."""
        x = self.left + (s - self.start_s) / (self.end_s - self.start_s) * (self.right - self.left)
        row = row_of(hz, self.frequencies_hz)
        return x, self.bottom - row / len(self.frequencies_hz) * (self.bottom - self.top)


@dataclass(frozen=True)
class Picture:
    """A figure and what its pixels mean."""

    figure: Figure
    axes: tuple[AxisMap, ...]

    def at(self, x: float, y: float) -> tuple[float, float | None] | None:
        """Return (s, Hz) at an image pixel, or None outside all axes."""
        for axes in self.axes:
            if axes.left <= x <= axes.right and axes.top <= y <= axes.bottom:
                return axes.at(x, y)
        return None

    def pixels(self) -> np.ndarray:
        """Render: (height, width, 3) uint8."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def waveform(analysis: Analysis, chosen: int | None = None, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw a recording's waveform with its cycles in their classes' colours, the chosen one outlined.

    A strip under the waveform names each cycle's label; a second one its annotation, where there is one. A dotted line
    marks the end of an inspiration that was heard.
    """
    strips = ["model", "annotation"] if analysis.annotated else ["model"]
    strip_px = 20
    height_px = TITLE_PX + 130 + strip_px * len(strips) + BOTTOM_PX
    canvas = Canvas(width_px, height_px, scale)
    left = 74 if analysis.annotated else LEFT_PX
    box = (left, TITLE_PX, width_px - left - 14, 130 + strip_px * len(strips))
    seconds = analysis.recording.seconds
    axes = canvas.add(box, "recording", 0, seconds)
    samples = analysis.recording.waveform
    peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
    low = -1 - 2 * strip_px / 130 * len(strips)  # the strips' share of the axis, below the waveform's -1 to 1
    axes.set(xlim=(0, seconds), ylim=(low, 1))
    axes.set_xlabel("Time (s)", size=points(FONT_PX))

    column_s, lowest, highest = envelope(samples / peak, seconds, box[2])
    axes.fill_between(column_s, lowest, highest, color="#9aa5b1", linewidth=0.4)
    for index, cycle in enumerate(analysis.cycles):
        inside = (column_s >= cycle.start_s) & (column_s <= cycle.end_s)
        colour = CLASS_COLOURS[analysis.labels[index]]
        axes.fill_between(column_s[inside], lowest[inside], highest[inside], color=colour, linewidth=0.6)
        shown_px = cycle.seconds / seconds * box[2]
        for row, label in enumerate([analysis.labels[index], cycle.label][: len(strips)]):
            bottom = -1 - 2 * strip_px / 130 * (row + 1)
            height = 2 * strip_px / 130
            axes.add_patch(
                Rectangle((cycle.start_s, bottom), cycle.seconds, height, color=CLASS_COLOURS[label], ec="white", lw=1)
            )
            text = label if shown_px > 7 * len(label) + 6 else label[0].upper()
            if shown_px > 12:
                middle = cycle.start_s + cycle.seconds / 2
                place = (middle, bottom + height / 2)
                axes.text(*place, text, ha="center", va="center", color=TEXT_COLOURS[label], size=points(FONT_PX))
    turns_s = [cycle.inspiration_end_s for cycle in analysis.cycles if cycle.inspiration_end_s is not None]
    axes.vlines(turns_s, -1, 1, color=INK, lw=1, ls=":")
    if chosen is not None:
        cycle = analysis.cycles[chosen]
        frame = Rectangle((cycle.start_s, low), cycle.seconds, 1 - low, fill=False, ec=INK, lw=2)
        axes.add_patch(frame).set(zorder=4, clip_on=False)
    axes.set_yticks([0, *(-1 - 2 * strip_px / 130 * (row + 0.5) for row in range(len(strips)))], ["sound", *strips])
    axes.tick_params(axis="y", length=0)
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in CLASS_COLOURS.values()]
    canvas.figure.legend(
        handles,
        list(CLASS_COLOURS),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=4,
        frameon=False,
        fontsize=points(FONT_PX),
        borderaxespad=0.2,
        borderpad=0.2,
        handlelength=0.9,
        handletextpad=0.4,
        columnspacing=1.1,
    )
    return canvas.picture()


def log_mel(view: CycleView, values: str = "db", width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the log-mel spectrogram of a cycle; ``values`` is "db" or "model"."""
    return _stack([view.log_mel[values]], COLOUR_MAPS[values], 170, width_px, scale)


def hybrid(view: CycleView, values: str = "db", width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the three maps of the hybrid spectrogram, each with its own frequency axis over the shared time axis."""
    return _stack(view.hybrid[values], COLOUR_MAPS[values], 120, width_px, scale)


def attention(view: CycleView, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw where the model read, over the log-mel spectrogram in grey: one map per kind, and one patch's size.

    A colour says how many times more attention a place gets than if it were spread evenly.
    """
    beneath = view.log_mel["db"]
    narrow = width_px < NARROW_PX
    columns = 1 if narrow else len(view.attention)
    map_height = 150 if narrow else 180
    step = TITLE_PX + map_height + BOTTOM_PX
    canvas = Canvas(width_px, step * (len(view.attention) if narrow else 1), scale)
    for index, look in enumerate(view.attention):
        column, row = index % columns, index // columns
        left = column * width_px / columns + LEFT_PX
        box = (left, row * step + TITLE_PX, width_px / columns - LEFT_PX - RIGHT_PX, map_height)
        axes = canvas.add(box, look.name, beneath.start_s, beneath.end_s, beneath.frequencies_hz)
        spectrogram_image(axes, beneath, "Greys")
        heat = _heat(axes, look, beneath.frequencies_hz)
        patch_size(axes, look, beneath.frequencies_hz)
        frequency_ticks(axes, beneath.frequencies_hz, map_height)
        axes.set_title(f"Attention, {look.name}", loc="left", pad=5, size=points(FONT_PX))
        axes.set_xlabel("Time (s)", size=points(FONT_PX))
        canvas.colour_bar(heat, box, "times an even spread")
    return canvas.picture()


class Canvas:
    """A figure laid out in CSS pixels from its top left, gathering what its axes mean."""

    def __init__(self, width_px: float, height_px: float, scale: float):
        self.width_px, self.height_px, self.scale = width_px, height_px, scale
        self.figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI * scale, facecolor="white")
        self.maps: list[AxisMap] = []

    def add(self, box: Sequence[float], name: str, start_s: float, end_s: float, hz: np.ndarray | None = None) -> Axes:
        """Add axes at (left, top, width, height) px whose x runs from ``start_s`` to ``end_s``."""
        axes = self.plain(box)
        left, top, width, height = (value * self.scale for value in box)
        self.maps.append(AxisMap(name, left, top, left + width, top + height, start_s, end_s, hz))
        axes.xaxis.set_major_locator(MaxNLocator(max(3, int(box[2] / 70)), steps=[1, 2, 5, 10]))
        return axes

    def colour_bar(self, image: ScalarMappable, box: Sequence[float], unit: str) -> None:
        """Add a colour bar to the right of the axes at ``box``."""
        left, top, width, height = box
        bar_axes = self.plain((left + width + 8, top, 10, height))
        bar_axes.set_label(COLOUR_BAR)
        bar = self.figure.colorbar(image, cax=bar_axes)
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(max(2, int(height / 40)))
        bar.update_ticks()
        bar_axes.tick_params(labelsize=points(FONT_PX - 1.5), colors=INK, length=2)
        bar.set_label(unit, fontsize=points(FONT_PX - 1), color=INK, labelpad=points(2))

    def picture(self) -> Picture:
        """Return what was drawn."""
        return Picture(self.figure, tuple(self.maps))

    def plain(self, box: Sequence[float]) -> Axes:
        """Add axes at (left, top, width, height) px whose pixels nobody asks for."""
        left, top, width, height = box
        bottom = self.height_px - top - height
        axes = self.figure.add_axes(
            (left / self.width_px, bottom / self.height_px, width / self.width_px, height / self.height_px)
        )
        axes.tick_params(colors=INK, length=3, color=GRID, labelsize=points(FONT_PX))
        axes.spines[:].set_color(GRID)
        axes.spines[["top", "right"]].set_visible(False)
        return axes


def _stack(maps: Sequence[Spectrogram], cmap: str, map_px: int, width_px: int, scale: float) -> Picture:
    """Spectrograms under each other; only the last one shows the time."""
    step = TITLE_PX + map_px + 10
    canvas = Canvas(width_px, step * len(maps) - 10 + BOTTOM_PX, scale)
    for index, one in enumerate(maps):
        box = (LEFT_PX, index * step + TITLE_PX, width_px - LEFT_PX - RIGHT_PX, map_px)
        axes = canvas.add(box, one.name, one.start_s, one.end_s, one.frequencies_hz)
        image = spectrogram_image(axes, one, cmap)
        frequency_ticks(axes, one.frequencies_hz, map_px)
        lowest, highest = one.frequencies_hz[[0, -1]]
        axes.set_title(f"{one.name}, {lowest:,.0f} to {highest:,.0f} Hz", loc="left", pad=5, size=points(FONT_PX))
        if index == len(maps) - 1:
            axes.set_xlabel("Time (s)", size=points(FONT_PX))
        else:
            axes.tick_params(labelbottom=False)
        canvas.colour_bar(image, box, one.unit)
    return canvas.picture()


def spectrogram_image(axes: Axes, one: Spectrogram, cmap: str | Colormap) -> AxesImage:
    """Draw a spectrogram in its own bins: row r fills r to r + 1 of the y axis."""
    if one.unit == "dB":
        highest = float(one.values.max())
        lowest = max(float(one.values.min()), highest - RANGE_DB)
    else:
        lowest, highest = np.percentile(one.values, (1, 99.5))
    extent = (one.start_s, one.end_s, 0, len(one.values))
    highest = max(highest, lowest + 1e-3)  # silence is flat
    return axes.imshow(one.values, cmap=cmap, vmin=lowest, vmax=highest, extent=extent, aspect="auto", origin="lower")


def _heat(axes: Axes, look: AttentionMap, frequencies_hz: np.ndarray) -> AxesImage:
    """Attention over the bins it covers, transparent where it is even or less."""
    x = np.linspace(look.start_s, look.end_s, look.values.shape[1] + 1)
    y = row_of(look.edges_hz, frequencies_hz)
    relative = look.values * look.values.size / look.values.sum()
    highest = max(float(np.percentile(relative, 99.5)), 2.0)
    return axes.pcolorfast(x, y, relative, cmap=HEAT, vmin=1, vmax=highest)


def patch_size(axes: Axes, look: AttentionMap, frequencies_hz: np.ndarray) -> None:
    """Outline the area of one patch in the upper left corner, and say how long it is."""
    bottom, top = row_of(look.edges_hz[-2:], frequencies_hz)
    axes.add_patch(Rectangle((look.start_s, bottom), look.patch_s, top - bottom, fill=False, ec=INK, lw=1.5))
    place = (look.start_s + look.patch_s, (bottom + top) / 2)
    note = axes.annotate(f"one patch: {look.patch_s:.2f} s", place, (5, 0), textcoords="offset points", va="center")
    note.set_size(points(FONT_PX))
    note.set_bbox({"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8})


def frequency_ticks(axes: Axes, frequencies_hz: np.ndarray, height_px: float) -> None:
    """Set ticks at round Hz, as many as stand clear of each other."""
    inside = [hz for hz in ROUND_HZ if frequencies_hz[0] <= hz <= frequencies_hz[-1] * 1.01]
    kept: list[tuple[int, float]] = []
    for hz in sorted(inside, key=lambda hz: (not str(hz).startswith("1"), -hz)):
        row = float(row_of(hz, frequencies_hz))
        if all(abs(row - other) * height_px / len(frequencies_hz) >= TICK_PX for _, other in kept):
            kept.append((hz, row))
    axes.set_yticks([row for _, row in kept], [f"{hz:,}" for hz, _ in kept])
    above = (-points(6), points(9))
    axes.annotate("Hz", (0, 1), above, "axes fraction", "offset points", ha="right", size=points(FONT_PX), color=INK)


def row_of(hz: float | np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """Return a frequency's height in bins: 0.5 in the middle of the first, the map's edges beyond the outer ones."""
    rows = np.interp(hz, frequencies_hz, np.arange(len(frequencies_hz)) + 0.5)
    rows = np.where(hz < frequencies_hz[0], 0, rows)
    return np.where(hz > frequencies_hz[-1], len(frequencies_hz), rows)


def envelope(samples: np.ndarray, seconds: float, columns: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (columns,) each: middle in s, lowest and highest sample of equal stretches, about two to a pixel."""
    count = int(min(len(samples), max(2 * columns, 1)))
    edges = np.linspace(0, len(samples), count + 1).astype(int)[:-1]
    middle_s = (np.arange(count) + 0.5) * seconds / count
    return middle_s, np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


def points(px: float) -> float:
    """Return a font's size in points from CSS pixels."""
    return px * 72 / DPI
