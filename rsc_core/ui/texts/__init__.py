"""Every sentence the page says of itself, in one place.

Wording: sounds are "labelled", never "detected"; P(crackle present) and P(wheeze present) include the class "both".
"""

from rsc_core.ui.texts import (
    analyse,
    annotate,
    atlas,
    build,
    clusters,
    compare,
    evidence,
    inside,
    many,
    mix,
    models,
    page,
    phone,
    pictures,
    player,
    quiz,
    recorder,
    take_home,
    threshold,
    tunings,
)

__all__ = [
    "analyse",
    "annotate",
    "atlas",
    "build",
    "clusters",
    "compare",
    "evidence",
    "inside",
    "many",
    "mix",
    "models",
    "page",
    "phone",
    "pictures",
    "player",
    "quiz",
    "recorder",
    "take_home",
    "threshold",
    "tunings",
]
