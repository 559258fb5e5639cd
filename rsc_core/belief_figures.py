"""Truth, Forgetting -> what helps to believe a map, drawn as figures.py draws: numpy in, no torch."""

from __future__ import annotations

from matplotlib.axes import Axes

from rsc_core.analysis import Forgetting, Truth
from rsc_core.figures import BOTTOM_PX, FONT_PX, INK, LEFT_PX, TITLE_PX, Canvas, Picture, points

PANEL_PX = 150
HEIGHT = 0.955  # of the brackets, as a share of the axes
TICK = 0.05
MAP, CHANCE = "#d55e00", "#9aa5b1"


def bracket(axes: Axes, truth: Truth) -> None:
    """Draw a thin bracket over the time of every annotated sound, near the top of a map."""
    across = axes.get_xaxis_transform()
    for event in truth.events:
        x = (event.start_s, event.start_s, event.end_s, event.end_s)
        y = (HEIGHT - TICK, HEIGHT, HEIGHT, HEIGHT - TICK)
        for colour, width in (("white", 3.0), (INK, 1.2)):  # seen on light and dark
            axes.plot(x, y, color=colour, lw=width, transform=across, scalex=False, scaley=False)


def forgetting(shown: Forgetting, width_px: int = 800, scale: float = 1.0) -> Picture:
    """Draw a map's rank correlation with the whole model's against the layers randomised, from the head down."""
    canvas = Canvas(width_px, TITLE_PX + PANEL_PX + BOTTOM_PX, scale)
    axes = canvas.plain((LEFT_PX, TITLE_PX, width_px - LEFT_PX - 14, PANEL_PX))
    axes.axhline(0, color=CHANCE, lw=1)
    count = len(shown.similarities)
    axes.plot(range(count + 1), [1.0, *shown.similarities], ".-", color=MAP, lw=2)
    axes.set(xlim=(0, len(shown.layers)), ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
    axes.set_title("Similarity to the map of the whole model", loc="left", pad=5, size=points(FONT_PX))
    axes.set_xlabel("Layers randomised, head first", size=points(FONT_PX))
    return canvas.picture()
