"""What LoRA-RSC reports of its trainable parameters, beside what its released settings come to.

LoRA-RSC (https://github.com/deegy666/LoRA-RSC, README of November 2025) tunes an AST-base on 500 frames. Its settings
are counted with our head, whose LayerNorm learns where theirs trains the backbone's last one: as many parameters, but
for full tuning, where ours has both (1,536 more). Within one unit of the last printed digit a count is reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from rsc_core.config import AST_BASE
from rsc_core.parameters import trained, trained_on_ast_base
from rsc_core.presets import PRESETS

GEOMETRY = replace(AST_BASE, frames=500)


@dataclass(frozen=True)
class Published:
    """A row of LoRA-RSC's table."""

    millions: str  # trainable parameters, as printed
    setting: str  # released as the default
    options: dict[str, Any] = field(default_factory=dict)  # the same, of our tuning

    def counted(self, preset: str) -> int:
        """Return what the released setting trains."""
        return trained(PRESETS[preset].tuning, self.options, GEOMETRY)

    def reached(self, preset: str) -> bool:
        """Return whether the released setting gives the printed number."""
        unit = 10.0 ** (6 - len(self.millions.split(".")[1]))
        return abs(self.counted(preset) - 1e6 * float(self.millions)) < unit


LORA_RSC = {
    "full": Published("85.74", "500 frames"),
    "lora": Published("0.299", "rank 8, keys and values", {"rank": 8, "targets": ("k", "v")}),
    "prefix": Published("0.890", "96 tokens", {"tokens": 96}),
    "prompt": Published("1.830", "200 tokens, deep", {"tokens": 200, "deep": True}),
    "convpass": Published("0.454", "convpass 12, Pfeiffer", {"bottleneck": 12, "kind": "convpass"}),
}
"""Preset of the same method -> what is printed of it."""


def table() -> tuple[list[str], list[list[str]]]:
    """Return header and rows: every preset of another tuning or other options, and what LoRA-RSC says of it."""
    header = ["preset", "what learns", "parameters, ours", "LoRA-RSC's setting", "comes to", "it reports"]
    rows, seen = [], []
    for name, preset in PRESETS.items():
        tuned = preset.tuning, preset.tuning_options
        if (preset.model, preset.objective) != ("spectrogram_transformer", "cross_entropy") or tuned in seen:
            continue
        seen.append(tuned)
        row = [f"`{name}`", preset.summary, f"{trained_on_ast_base(name):,}"]
        theirs = LORA_RSC.get(name)
        row += [theirs.setting, f"{theirs.counted(name):,}", f"{theirs.millions} M"] if theirs else ["-"] * 3
        rows.append(row)
    return header, rows


def unreached() -> str:
    """Return the sentence that names the printed counts which no released setting gives."""
    names = [f"{name} ({row.millions} M)" for name, row in LORA_RSC.items() if not row.reached(name)]
    return f"No configuration LoRA-RSC has released reaches what it reports for {', '.join(names)}."
