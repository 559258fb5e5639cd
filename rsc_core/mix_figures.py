"""CycleMix -> matplotlib Figures, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from rsc_core.analysis import CycleMix
from rsc_core.figures import (
    BOTTOM_PX,
    COLOUR_MAPS,
    FONT_PX,
    LEFT_PX,
    RANGE_DB,
    RIGHT_PX,
    TITLE_PX,
    Canvas,
    Picture,
    frequency_ticks,
    points,
)

MAP_PX = 140
DIM = ListedColormap([(1, 1, 1, 0.0), (1, 1, 1, 0.8)])  # over what does not enter the mix
OUTLINE, LINE = "#56b4e9", 1.2  # colour, points


def mix(shown: CycleMix, titles: Sequence[str], width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw the first cycle, the mix and the second cycle under each other, in one colour scale.

    The patches that are exchanged are outlined in all three; what does not enter the mix is dimmed.
    """
    step = TITLE_PX + MAP_PX + 10
    canvas = Canvas(width_px, 3 * step - 10 + BOTTOM_PX, scale)
    highest = max(float(one.values.max()) for one in shown.spectrograms)
    lowest = max(min(float(one.values.min()) for one in shown.spectrograms), highest - RANGE_DB)
    limits = {"vmin": lowest, "vmax": max(highest, lowest + 1e-3)}  # silence is flat
    dimmed = (shown.replaced, None, ~shown.replaced)
    for index, (one, title, dim) in enumerate(zip(shown.spectrograms, titles, dimmed, strict=True)):
        box = (LEFT_PX, index * step + TITLE_PX, width_px - LEFT_PX - RIGHT_PX, MAP_PX)
        axes = canvas.add(box, title, one.start_s, one.end_s, one.frequencies_hz)
        extent = (one.start_s, one.end_s, 0, len(one.values))
        image = axes.imshow(one.values, cmap=COLOUR_MAPS["db"], extent=extent, aspect="auto", origin="lower", **limits)
        if dim is not None:
            axes.pcolorfast(shown.edges_s, shown.edges_bins, dim.astype(float), cmap=DIM, vmin=0, vmax=1)
        _outline(axes, shown, box[2] / shown.replaced.shape[1])
        frequency_ticks(axes, one.frequencies_hz, MAP_PX)
        axes.set_title(title, loc="left", pad=5, size=points(FONT_PX))
        if index == 2:
            axes.set_xlabel("Time in the window (s)", size=points(FONT_PX))
        else:
            axes.tick_params(labelbottom=False)
        axes.xaxis.set_major_locator(MaxNLocator(max(3, int(box[2] / 70)), steps=[1, 2, 5, 10]))
        canvas.colour_bar(image, box, one.unit)
    return canvas.picture()


def _outline(axes: Axes, shown: CycleMix, patch_px: float) -> None:
    """Lines between patches of the first and of the second cycle, thin where patches are small."""
    replaced, x, y = shown.replaced, shown.edges_s, shown.edges_bins
    rows, columns = np.nonzero(replaced[:, 1:] != replaced[:, :-1])
    upright = [((x[c + 1], y[r]), (x[c + 1], y[r + 1])) for r, c in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(replaced[1:] != replaced[:-1])
    level = [((x[c], y[r + 1]), (x[c + 1], y[r + 1])) for r, c in zip(rows, columns, strict=True)]
    width = min(LINE, patch_px / 15)
    axes.add_collection(LineCollection([*upright, *level], colors=OUTLINE, linewidths=width), autolim=False)
