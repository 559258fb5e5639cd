"""Where each tuning's parameters sit in a transformer block, as small SVG drawings.

From left to right, as a clip goes: patches, in every block LayerNorm, attention (q k v o), LayerNorm and MLP, then the
last LayerNorm and the head. Two networks that are no transformers have drawings of their own. What is frozen is grey
and outlined, what learns is filled with one colour. Colours come from style.css (``.drawing``), so they follow the
page's dark mode.
"""

from __future__ import annotations

from html import escape

from rsc_core.ui import texts

SIZE = (226, 76)
MIDDLE = 35  # height of the path through the network
ATTENTION = {name: (66 + 12 * i, MIDDLE - 9, 10, 18) for i, name in enumerate("qkvo")}
MLP = {"fc1": (134, MIDDLE - 9, 10, 18), "fc2": (146, MIDDLE - 9, 10, 18)}
NORMS = {
    "norm before attention": (54, MIDDLE - 12, 5, 24),
    "norm before MLP": (122, MIDDLE - 12, 5, 24),
    "last norm": (186, MIDDLE - 12, 5, 24),
}
HEAD = {"head": (198, MIDDLE - 10, 22, 20)}
PARTS = {"patches": (4, MIDDLE - 10, 30, 20), **ATTENTION, **MLP, **NORMS, **HEAD}
"""Name -> x, y, width, height of what a base model has."""
BOXES = ((62, MIDDLE - 14, 54, 28), (130, MIDDLE - 14, 30, 28))  # around attention and MLP
BELOW = 69  # of the names
LABELS = (
    ("patches", 19, BELOW),
    ("attention", 89, BELOW),
    ("mlp", 145, BELOW),
    ("head", 209, BELOW),
    ("blocks", 148, 12),
)
"""Key of ``texts.tunings.PARTS``, middle, base line."""

LEARNING: dict[str, tuple[str, ...]] = {
    "full": tuple(PARTS),
    "linear": (),
    "lora": (),
    "adapter": ("norm before MLP",),
    "mixture": ("norm before attention",),
    "bitfit": (),
    "ia3": (),
    "layer_norm": tuple(NORMS),
    "prefix": (),
    "prompt": (),
    "ipet": (),
}
"""Tuning with its own defaults -> parts of the base model that learn beside the head."""

ADDED: dict[str, tuple[tuple[float, ...], ...]] = {
    "lora": tuple((x, y + h + 7, w, 4) for x, y, w, h in (ATTENTION["k"], ATTENTION["v"])),
    "adapter": ((164, MIDDLE - 9, 8, 18),),
    "mixture": tuple((71 + 13 * i, 52, 9, 7) for i in range(3)),
    "bitfit": tuple((x, y + h - 4, w, 4) for x, y, w, h in (*ATTENTION.values(), *MLP.values(), *NORMS.values())),
    "ia3": tuple((x, MIDDLE - 2, w, 4) for x, _, w, _ in (ATTENTION["k"], ATTENTION["v"], MLP["fc2"])),
    "prefix": tuple((x + 3 * i, 14, 4, 4) for x, _, _, _ in (ATTENTION["k"], ATTENTION["v"]) for i in (0, 2)),
    "prompt": tuple((44, 52 + 6 * i, 5, 4) for i in range(3)),
    "ipet": (*((44, 52 + 6 * i, 5, 4) for i in range(3)), (137, 52, 16, 7)),
}
"""Tuning -> x, y, width, height of what it adds, or of the share of a part that learns."""


def drawing(tuning: str) -> str:
    """Return the drawing of a tuning of a transformer, or of one of ``NETWORKS``.

    Raises:
        KeyError: there is none.
    """
    width, height = SIZE
    shapes = NETWORKS[tuning]() if tuning in NETWORKS else _block(LEARNING[tuning], ADDED.get(tuning, ()))
    alt = escape(texts.tunings.TUNINGS[tuning].alt)
    return f'<svg class="drawing" role="img" aria-label="{alt}" viewBox="0 0 {width} {height}">{shapes}</svg>'


def _block(learning: tuple[str, ...], added: tuple[tuple[float, ...], ...]) -> str:
    path = f'<path d="M0 {MIDDLE}H{SIZE[0]}"/>'
    around = f'<rect class="blocks" x="40" y="2" width="138" height="72" rx="6"/>{"".join(map(_outline, BOXES))}'
    parts = "".join(_rect(box, name in learning or name == "head") for name, box in PARTS.items())
    more = "".join(_rect(box, True) for box in added)
    return path + around + parts + more + "".join(_label(*label) for label in LABELS)


def _convolutions() -> str:
    """Stages that get smaller and wider, all of which learn."""
    stages = [(8 + 44 * i, MIDDLE - 22 + 4 * i, 16 + 6 * i, 44 - 8 * i) for i in range(4)]
    shapes = "".join(_rect(box, True) for box in (*stages, HEAD["head"]))
    path = f'<path d="M0 {MIDDLE}H{SIZE[0]}"/>'
    return path + shapes + _label("convolutions", 88, BELOW) + _label("head", 209, BELOW)


def _clusters() -> str:
    """Convolutions of a window, four clusters side by side, their fusion and the head, all of which learn."""
    stages = [(14 + 20 * i, MIDDLE - 16 + 4 * i, 12 + 2 * i, 32 - 8 * i) for i in range(3)]
    centres = [(116, MIDDLE - 24.5 + 13 * i, 12, 10) for i in range(4)]
    fusion = (158, MIDDLE - 16, 8, 32)
    fans = "".join(f"M82 {MIDDLE}L116 {y + 5}M128 {y + 5}L158 {MIDDLE}" for _, y, _, _ in centres)
    path = f'<path d="M0 {MIDDLE}H82{fans}M158 {MIDDLE}H{SIZE[0]}"/>'
    around = '<rect class="blocks" x="6" y="12" width="76" height="46" rx="6"/>'
    shapes = "".join(_rect(box, True) for box in (*stages, *centres, fusion, HEAD["head"]))
    names = (("windows", 44, BELOW), ("clusters", 122, BELOW), ("head", 209, BELOW))
    return path + around + shapes + "".join(_label(*name) for name in names)


NETWORKS = {"cnn": _convolutions, "cycle_guardian": _clusters}
"""Model that is no transformer -> its drawing."""


def _rect(box: tuple[float, ...], learns: bool) -> str:
    x, y, width, height = box
    kind = "learns" if learns else "frozen"
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="1.5"/>'


def _outline(box: tuple[float, ...]) -> str:
    x, y, width, height = box
    return f'<rect class="outline" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'


def _label(part: str, x: float, y: float) -> str:
    return f'<text x="{x}" y="{y}">{texts.tunings.PARTS[part]}</text>'
