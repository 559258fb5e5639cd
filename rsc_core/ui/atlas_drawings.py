"""The atlas's drawings as inline SVG: where on the chest a sound is heard, and when in the breath.

What is marked is filled and named in the alternative text; colours come from style.css.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from rsc_core.ui import texts

SIZE = (320, 186)
BACK = 160  # to the right, of the chest seen from behind
TORSO = "M66 18V34Q64 44 38 48Q22 52 20 72V166H140V72Q138 52 122 48Q96 44 94 34V18"
LUNG = "M74 58Q48 60 42 104Q38 134 46 140Q60 130 74 128Z"
MIDDLE = 80  # of the chest seen from the front
SPOTS = {
    "Tc": (80, 38),
    "Ar": (58, 86),
    "Al": (102, 86),
    "Lr": (31, 122),
    "Ll": (129, 122),
    "Pl": (BACK + 58, 100),
    "Pr": (BACK + 102, 100),
}
"""Code -> middle; from the front, the patient's right is on the left."""
BAR = (320, 62)
SHARE, PAUSE = 0.4, 0.15  # of a breath: inspiration; of the rest: no flow (rsc_core.synth.breath)


def chest(codes: Collection[str]) -> str:
    """Return the chest from the front and the back, these places marked."""
    mirrored = f'<path d="{LUNG}" transform="matrix(-1 0 0 1 {2 * MIDDLE} 0)"/>'
    torso = f'<path d="{TORSO}"/><path d="{LUNG}"/>{mirrored}'
    views = f'{torso}<g transform="translate({BACK} 0)">{torso}</g>'
    spots = "".join(_spot(code, code in codes) for code in SPOTS)
    names = "".join(
        f'<text x="{MIDDLE + BACK * i}" y="{SIZE[1] - 5}">{view}</text>' for i, view in enumerate(texts.atlas.VIEWS)
    )
    places = ", ".join(f"{code}, {texts.atlas.PLACES[code]}" for code in SPOTS if code in codes)
    return _svg(SIZE, texts.atlas.CHEST_ALT.format(places=places), views + spots + names)


def breath(spans: Mapping[str, tuple[float, float]], when: str) -> str:
    """Return one breath as a bar, the parts of its phases marked where a sound is heard.

    Args:
        spans: phase -> from and to, shares of it.
        when: the same in words.
    """
    width = BAR[0]
    ends = {"inspiration": (0, SHARE * width), "expiration": (SHARE * width, (1 - PAUSE * (1 - SHARE)) * width)}
    shapes = ""
    for phase in texts.atlas.PHASES:
        left, right = ends[phase]
        shapes += f'<rect class="{phase}" x="{left:.1f}" y="20" width="{right - left:.1f}" height="16"/>'
        shapes += f'<text x="{(left + right) / 2:.1f}" y="14">{phase}</text>'
        if phase in spans:
            low, high = (left + share * (right - left) for share in spans[phase])
            shapes += f'<rect class="marked" x="{low:.1f}" y="42" width="{high - low:.1f}" height="14" rx="3"/>'
    return _svg(BAR, texts.atlas.BREATH_ALT.format(when=when), shapes)


def _spot(code: str, marked: bool) -> str:
    x, y = SPOTS[code]
    kind = "marked" if marked else "open"
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="11"/><text class="{kind}" x="{x}" y="{y + 3.5}">{code}</text>'


def _svg(size: tuple[int, int], alt: str, shapes: str) -> str:
    return f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {size[0]} {size[1]}">{shapes}</svg>'
