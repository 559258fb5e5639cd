"""ClusterLook -> a matplotlib Figure, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rsc_core.analysis import ClusterLook
from rsc_core.figures import (
    BOTTOM_PX,
    FONT_PX,
    INK,
    LEFT_PX,
    RIGHT_PX,
    TITLE_PX,
    Canvas,
    Picture,
    frequency_ticks,
    points,
    spectrogram_image,
)

CLUSTER_COLOURS = ("#d55e00", "#56b4e9", "#f0e442", "#8c6bb1")
MAP_PX, SHARES_PX, WEIGHTS_PX = 110, 56, 76
FAINTEST, STRONGEST = 0.1, 0.6  # opacity of a window's colour on the maps, by the size of its weight
NAME_PX = 11  # of room that a cluster's number needs


def clusters(shown: ClusterLook, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw each window's share of every cluster, its own cluster and weight over the three maps, and the weights.

    Numbers name the clusters, and dotted lines stand where the cycle begins anew.
    """
    step = TITLE_PX + MAP_PX + 6
    maps_top = TITLE_PX + SHARES_PX + 6
    weights_top = maps_top + step * len(shown.maps) + TITLE_PX
    canvas = Canvas(width_px, weights_top + WEIGHTS_PX + BOTTOM_PX, scale)
    inner_px, seconds = width_px - LEFT_PX - RIGHT_PX, shown.maps[0].end_s

    shares = canvas.plain((LEFT_PX, TITLE_PX, inner_px, SHARES_PX))
    _shares(shares, shown, inner_px / seconds)
    for index, one in enumerate(shown.maps):
        box = (LEFT_PX, maps_top + index * step + TITLE_PX, inner_px, MAP_PX)
        axes = canvas.add(box, one.name, one.start_s, one.end_s, one.frequencies_hz)
        image = spectrogram_image(axes, one, "Greys")
        _tint(axes, shown)
        frequency_ticks(axes, one.frequencies_hz, MAP_PX)
        axes.set_title(one.name, loc="left", pad=5, size=points(FONT_PX))
        canvas.colour_bar(image, box, one.unit)
    weights = canvas.plain((LEFT_PX, weights_top, inner_px, WEIGHTS_PX))
    _bars(weights, shown, shown.weights, None, shown.clusters)
    weights.axhline(0, color=INK, lw=0.8)
    weights.yaxis.set_major_locator(MaxNLocator(3))
    weights.set_title("Weight of each window in its cluster's sum", loc="left", pad=5, size=points(FONT_PX))
    weights.set_xlabel("Time in what the network reads (s)", size=points(FONT_PX))
    for axes in canvas.figure.axes:
        if axes.get_label() != "colour bar":
            axes.set_xlim(0, seconds)
            axes.vlines(shown.repeats_s, *axes.get_ylim(), color=INK, lw=1, ls=":")
            axes.xaxis.set_major_locator(MaxNLocator(max(3, int(inner_px / 70)), steps=[1, 2, 5, 10]))
            axes.tick_params(labelbottom=axes is weights)
    return canvas.picture()


def _shares(axes: Axes, shown: ClusterLook, px_per_s: float) -> None:
    """Stacked shares of the clusters, and the number of each run of windows of one cluster above it."""
    below = np.zeros(len(shown.soft))
    for cluster, share in enumerate(shown.soft.T):
        _bars(axes, shown, share, below, np.full(len(share), cluster))
        below = below + share
    axes.set(ylim=(0, 1), yticks=[0, 1], yticklabels=["0", "1"])
    axes.set_title("Share of each cluster", loc="left", pad=5, size=points(FONT_PX))
    cells = _cells_s(shown)
    for cluster, run in groupby(enumerate(shown.clusters), key=lambda window: window[1]):
        numbers = [index for index, _ in run]
        start_s, end_s = cells[numbers[0], 0], cells[numbers[-1], 1]
        if (end_s - start_s) * px_per_s >= NAME_PX:
            note = axes.text((start_s + end_s) / 2, 0.5, str(cluster + 1), ha="center", va="center")
            note.set_size(points(FONT_PX))
            note.set_bbox({"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85})


def _tint(axes: Axes, shown: ClusterLook) -> None:
    size = np.abs(shown.weights) / max(float(np.abs(shown.weights).max()), np.finfo(float).tiny)
    for (start_s, end_s), cluster, weight in zip(_cells_s(shown), shown.clusters, size, strict=True):
        opacity = FAINTEST + (STRONGEST - FAINTEST) * weight
        axes.axvspan(start_s, end_s, color=CLUSTER_COLOURS[cluster], alpha=opacity, lw=0)


def _bars(axes: Axes, shown: ClusterLook, heights: np.ndarray, below: np.ndarray | None, clusters: np.ndarray) -> None:
    """One bar a window, in the colours of these clusters."""
    cells, colours = _cells_s(shown), [CLUSTER_COLOURS[cluster] for cluster in clusters]
    axes.bar(cells[:, 0], heights, np.diff(cells)[:, 0], below, align="edge", color=colours, ec="white", lw=0.3)


def _cells_s(shown: ClusterLook) -> np.ndarray:
    """(windows, 2): from each window's start to the next one's, the last to its end, for windows overlap."""
    starts = shown.edges_s[:, 0]
    return np.stack([starts, np.append(starts[1:], shown.edges_s[-1, 1])], axis=1)
