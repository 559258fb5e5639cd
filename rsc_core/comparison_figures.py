"""Pictures of models beside each other, and of what tuning changed, drawn as ``figures`` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from rsc_core.analysis import AttentionMap, Spectrogram
from rsc_core.figures import (
    BOTTOM_PX,
    CLASS_COLOURS,
    FONT_PX,
    GRID,
    HEAT,
    INK,
    LEFT_PX,
    NARROW_PX,
    RIGHT_PX,
    TITLE_PX,
    Canvas,
    Picture,
    frequency_ticks,
    patch_size,
    points,
    row_of,
    spectrogram_image,
)

if TYPE_CHECKING:
    from rsc_core.explain.weights import LayerChange

MORE_AND_LESS = LinearSegmentedColormap.from_list(
    "difference",
    [(0.13, 0.2, 0.6, 0.9), (0.35, 0.5, 0.9, 0.6), (1, 1, 1, 0.0), (1, 0.55, 0.1, 0.6), (0.75, 0.1, 0.05, 0.9)],
)
CHANGES = "YlGnBu"
MAP_PX, CELL_PX, PLOT_PX, BARS_PX = 180, 21, 220, 110
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
SMALLEST = 1e-5  # of the largest singular value; what is smaller is rounding


@dataclass(frozen=True)
class Cells:
    """Where a table drawn as a picture lies in it: cells of one size, counted from the lower left corner."""

    left: float  # px
    top: float
    right: float
    bottom: float
    rows: int
    columns: int

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return (row, column) at an image pixel, or None outside."""
        if not (self.left <= x < self.right and self.top < y <= self.bottom):
            return None
        row = (self.bottom - y) / (self.bottom - self.top) * self.rows
        column = (x - self.left) / (self.right - self.left) * self.columns
        return int(row), int(column)


def maps(beneath: Spectrogram, looks: Mapping[str, AttentionMap], width_px: int, scale: float = 1.0) -> Picture:
    """Draw models' attention (name -> map) over one spectrogram, all in one colour scale."""
    relative = {name: look.values * look.values.size / look.values.sum() for name, look in looks.items()}
    highest = max(2.0, *(float(np.percentile(values, 99.5)) for values in relative.values()))
    return _over(
        beneath, looks, relative, dict.fromkeys(looks, (1, highest)), HEAT, "times an even spread", width_px, scale
    )


def difference(
    beneath: Spectrogram, more_than_base: Sequence[AttentionMap], width_px: int, scale: float = 1.0
) -> Picture:
    """Draw what a tuned model reads more (red) and less (blue) than its base; nothing where they agree."""
    looks = {f"Difference, {look.name}": look for look in more_than_base}
    values = {title: look.values * look.values.size for title, look in looks.items()}
    highest = {title: max(0.5, float(np.percentile(np.abs(v), 99.5))) for title, v in values.items()}
    limits = {title: (-most, most) for title, most in highest.items()}
    unit = "difference, even shares"
    return _over(beneath, looks, values, limits, MORE_AND_LESS, unit, width_px, scale)


def weight_changes(
    changes: Sequence[LayerChange], chosen: tuple[int, str], width_px: int, scale: float = 1.0
) -> tuple[Picture, Cells, tuple[str, ...]]:
    """Draw how far each projection of each block moved, as a share of the base's norm.

    Returns:
        the picture, the place of its cells (row: block from 0, column: projection), and the columns' names.
    """
    columns = tuple(dict.fromkeys(change.projection for change in changes))
    blocks = 1 + max(change.layer for change in changes)
    values = np.full((blocks, len(columns)), np.nan)
    for change in changes:
        values[change.layer, columns.index(change.projection)] = 100 * change.relative_norm
    canvas = Canvas(width_px, TITLE_PX + blocks * CELL_PX + BOTTOM_PX, scale)
    box = (LEFT_PX, TITLE_PX, width_px - LEFT_PX - RIGHT_PX, blocks * CELL_PX)
    axes = canvas.plain(box)
    highest = max(float(np.nanmax(values)), 1e-3)
    image = axes.imshow(
        values, cmap=CHANGES, vmin=0, vmax=highest, aspect="auto", origin="lower", extent=(0, len(columns), 0, blocks)
    )
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.55 * highest else INK
            text = f"{value:.1f}" if value else "0"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, size=points(FONT_PX - 1))
    place = (columns.index(chosen[1]), chosen[0])
    axes.add_patch(Rectangle(place, 1, 1, fill=False, ec="#d55e00", lw=2.2)).set(zorder=4, clip_on=False)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(blocks) + 0.5, range(1, blocks + 1))
    axes.tick_params(length=0)
    axes.set_title("Change of the weights, by block", loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Projection", size=points(FONT_PX))
    canvas.colour_bar(image, box, "% of the base's norm")
    left, top, width, height = (value * scale for value in box)
    return canvas.picture(), Cells(left, top, left + width, top + height, blocks, len(columns)), columns


def spectra(changes: Mapping[str, LayerChange], width_px: int, scale: float = 1.0) -> Picture:
    """Draw the singular values of the change each model (name -> change) made to one projection."""
    canvas = Canvas(width_px, TITLE_PX + PLOT_PX + BOTTOM_PX, scale)
    axes = canvas.plain((LEFT_PX + 14, TITLE_PX, width_px - LEFT_PX - 34, PLOT_PX))
    any_change = next(iter(changes.values()))
    for colour, (name, change) in zip(cycle(MODEL_COLOURS), changes.items()):
        values = change.singular_values
        kept = values[values > SMALLEST * values.max(initial=0)]
        if not len(kept):
            axes.plot([], [], color=colour, label=f"{name}: unchanged")
            continue
        text = f"{name}: {len(kept)} values, effective rank {change.effective_rank:.1f}"
        axes.plot(1 + np.arange(len(kept)), kept, ".-", color=colour, lw=1.4, ms=5, label=text)
    axes.set(xscale="log", yscale="log")
    ticks = [tick for tick in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(color=GRID, lw=0.6)
    title = f"Singular values of the change, block {any_change.layer + 1}, {any_change.projection}"
    axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Number of the singular value", size=points(FONT_PX))
    axes.legend(fontsize=points(FONT_PX - 1), frameon=False, loc="lower left")
    return canvas.picture()


def dial(
    factors: Sequence[float],
    probabilities: np.ndarray,
    classes: Sequence[str],
    factor: float,
    width_px: int,
    scale: float = 1.0,
) -> Picture:
    """Draw P(class) over how much of the tuning is applied, (factor, class), and as bars at one factor."""
    narrow = width_px < NARROW_PX
    bars_px = width_px - LEFT_PX - 60 if narrow else 200
    step = TITLE_PX + PLOT_PX + BOTTOM_PX
    canvas = Canvas(width_px, step + (BARS_PX + TITLE_PX if narrow else 0), scale)
    lines_px = width_px - LEFT_PX - (20 if narrow else bars_px + 130)
    axes = canvas.plain((LEFT_PX, TITLE_PX, lines_px, PLOT_PX))
    axes.set(xlim=(factors[0], factors[-1]), ylim=(0, 1))
    axes.axvline(1, color=GRID, lw=1.5)
    axes.axvline(factor, color=INK, lw=1.5, zorder=3)
    at = int(np.abs(np.asarray(factors) - factor).argmin())
    for name, values in zip(classes, probabilities.T, strict=True):
        axes.plot(factors, values, ".-", color=CLASS_COLOURS[name], lw=2, ms=6)
    axes.set_xticks(factors, [f"{value:g}" for value in factors])
    axes.grid(axis="y", color=GRID, lw=0.6)
    axes.set_title("P(class) of this cycle", loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Share of the tuning (1: as tuned)", size=points(FONT_PX))

    place = (LEFT_PX + 10, step + TITLE_PX) if narrow else (width_px - bars_px - 50, TITLE_PX)
    bars = canvas.plain((*place, bars_px, BARS_PX if narrow else PLOT_PX))
    drawn = bars.barh(range(len(classes)), probabilities[at], color=[CLASS_COLOURS[name] for name in classes])
    bars.bar_label(drawn, fmt="%.2f", padding=4, size=points(FONT_PX))
    bars.set(xlim=(0, 1), ylim=(len(classes) - 0.4, -0.6))
    bars.set_yticks(range(len(classes)), classes)
    bars.set_xticks([])
    bars.spines["bottom"].set_visible(False)
    bars.tick_params(axis="y", length=0)
    bars.set_title(f"with a share of {factor:g}", loc="left", pad=5, size=points(FONT_PX))
    return canvas.picture()


def _over(
    beneath: Spectrogram,
    looks: Mapping[str, AttentionMap],
    values: Mapping[str, np.ndarray],
    limits: Mapping[str, tuple[float, float]],
    cmap: Colormap,
    unit: str,
    width_px: int,
    scale: float,
) -> Picture:
    """Maps over a spectrogram in grey, in as many columns as stay legible."""
    columns = 1 if width_px < NARROW_PX else (3 if len(looks) == 3 else 2)
    rows = -(-len(looks) // columns)
    step = TITLE_PX + MAP_PX + BOTTOM_PX
    canvas = Canvas(width_px, step * rows, scale)
    for index, (title, look) in enumerate(looks.items()):
        column, row = index % columns, index // columns
        left = column * width_px / columns + LEFT_PX
        box = (left, row * step + TITLE_PX, width_px / columns - LEFT_PX - RIGHT_PX, MAP_PX)
        axes = canvas.add(box, title, beneath.start_s, beneath.end_s, beneath.frequencies_hz)
        spectrogram_image(axes, beneath, "Greys")
        heat = _laid(axes, look, values[title], beneath.frequencies_hz, limits[title], cmap)
        patch_size(axes, look, beneath.frequencies_hz)
        frequency_ticks(axes, beneath.frequencies_hz, MAP_PX)
        axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
        axes.set_xlabel("Time (s)", size=points(FONT_PX))
        canvas.colour_bar(heat, box, unit)
    return canvas.picture()


def _laid(
    axes: Axes,
    look: AttentionMap,
    values: np.ndarray,
    frequencies_hz: np.ndarray,
    limits: tuple[float, float],
    cmap: Colormap,
) -> AxesImage:
    """A map over the bins it covers."""
    x = np.linspace(look.start_s, look.end_s, values.shape[1] + 1)
    return axes.pcolorfast(x, row_of(look.edges_hz, frequencies_hz), values, cmap=cmap, vmin=limits[0], vmax=limits[1])
