"""How many parameters a preset trains: closed formulas, so that a list of all presets needs no network and no torch.

Notation: L blocks of width D, MLP of inner width I, C classes; the head is a LayerNorm and a Linear. The formulas are
those of the tunings' own files, and stand beside the count of the built model in ``tests/tuning/test_contract.py``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rsc_core.config import AST_BASE, ModelConfig
from rsc_core.presets import PRESETS


def trained_on_ast_base(preset: str) -> int:
    """Return how many parameters of its model a preset trains at AST-base's size; a CNN, CycleGuardian at its own."""
    row = PRESETS[preset]
    if row.model == "cycle_guardian":
        return cycle_guardian(row.model_options["hidden_size"], row.model_options["frames"], len(AST_BASE.classes))
    if row.model == "cnn":
        return cnn(row.model_options["hidden_size"], len(AST_BASE.classes))
    return trained(row.tuning, row.tuning_options)


def trained(tuning: str, options: dict[str, Any], geometry: ModelConfig = AST_BASE) -> int:
    """Return how many parameters of a spectrogram transformer learn.

    Args:
        tuning: key of ``rsc_core.tuning.TUNINGS``.
        options: of its ``Config``; the others have their defaults.
        geometry: of the transformer.
    """
    head = 2 * geometry.hidden_size + (geometry.hidden_size + 1) * len(geometry.classes)
    return head + BESIDE_THE_HEAD[tuning](geometry, **options)


def cnn(width: int, classes: int) -> int:
    """Return the parameters of the residual network whose last stage has ``width`` channels."""
    widths = [width // 8, width // 4, width // 2, width]
    total = 9 * widths[0] + 2 * widths[0] + 9 * widths[0] ** 2  # stem
    for before, own in pairwise([widths[0], *widths]):
        shortcut = before * own if before != own else 0
        total += 2 * before + 2 * own + 9 * before * own + 9 * own**2 + shortcut
        total += 4 * own + 18 * own**2
    return total + 2 * width + (2 * width + 1) * classes


def cycle_guardian(width: int, frames: int, classes: int, faithful: bool = False) -> int:
    """Return the parameters of a CycleGuardian for clips of ``frames`` frames; faithful, some of them never learn."""
    windows, code, centres, hidden = (frames - 20) // 15 + 1, 128, 4, 1024
    channels = (3, 16, 32, 64, 128, 256)
    convolutions = zip(channels[:-1], channels[1:], (1, 9, 1, 9, 9), strict=True)
    encoder = sum(before * own * kernel + 3 * own for before, own, kernel in convolutions)
    encoder += (20 * channels[-1] + 1) * hidden + 2 * hidden + (hidden + 1) * width
    clustering = (width + 1) * code + centres * code
    summary = windows + 1 + 2 * width + (width + 1) * code + 2 * code
    rest = code**2 + centres + 1 + 2 * code + (code + 1) * classes
    unused = (code + 1) * width + centres * code * code
    return encoder + clustering + summary + rest + (unused if faithful else 0)


def _full(g: ModelConfig) -> int:
    d, i = g.hidden_size, g.intermediate_size
    block = 4 * d * (d + 1) + (d + 1) * i + (i + 1) * d + 4 * d
    patches = ((g.frames - g.patch) // g.stride + 1) * ((g.mel_bins - g.patch) // g.stride + 1)
    return g.layers * block + 2 * d + (patches + 2) * d + 2 * d + (g.patch**2 + 1) * d


def _lora(
    g: ModelConfig,
    rank: int = 8,
    targets: tuple[str, ...] = ("k", "v"),
    variant: str = "lora",
    **unpriced: Any,
) -> int:
    d, i = g.hidden_size, g.intermediate_size
    shapes = [{"fc1": (i, d), "fc2": (d, i)}.get(target, (d, d)) for target in targets]
    lengths = variant == "dora"
    return g.layers * sum(rank * (rows + columns) + lengths * rows for rows, columns in shapes)


def _adapter(
    g: ModelConfig,
    bottleneck: int = 12,
    placement: str = "pfeiffer",
    kind: str = "bottleneck",
    train_layernorm: bool = True,
    **unpriced: Any,
) -> int:
    d, m = g.hidden_size, bottleneck
    branch = {
        "bottleneck": 2 * d * m + m + d,
        "convpass": 2 * d * m + 2 * m + d + 3 * m * m,
        "conformer": 3 * d * m + 36 * m + 3 * d,
    }[kind]
    places = 2 if placement == "houlsby" else 1
    branches = 2 if placement == "hydra" else places
    return g.layers * (branches * branch + places * 2 * d * train_layernorm)


def _mixture(
    g: ModelConfig,
    kind: str = "soft",
    adapters: int = 7,
    bottleneck: int = 6,
    place: str = "attention",
    slots: int = 1,
    normalize: bool = False,
    train_layernorm: bool = True,
) -> int:
    d, n, m = g.hidden_size, adapters, bottleneck
    weighing = n * (d + 1) if kind == "dense" else n * slots * d + normalize
    places = 2 if place == "both" else 1
    return g.layers * places * (n * (2 * d * m + m + d) + weighing + 2 * d * train_layernorm)


def _ipet(
    g: ModelConfig, prompts: int = 4, rank: int = 32, learn_scale: bool = False, border: int = 0, **unpriced: Any
) -> int:
    d = g.hidden_size
    adapter = 2 * d * rank + rank + d + learn_scale if rank else 0
    return g.layers * (prompts * d + adapter) + 2 * border * (g.frames + g.mel_bins - 2 * border)


BESIDE_THE_HEAD = {
    "full": _full,
    "linear": lambda g: 0,
    "lora": _lora,
    "adapter": _adapter,
    "mixture": _mixture,
    "bitfit": lambda g: g.layers * (7 * g.hidden_size + g.intermediate_size) - g.hidden_size,
    "ia3": lambda g: g.layers * (2 * g.hidden_size + g.intermediate_size),
    "layer_norm": lambda g: (2 * g.layers + 1) * 2 * g.hidden_size,
    "prefix": lambda g, tokens=24: g.layers * tokens * g.hidden_size,
    "prompt": lambda g, tokens=25, deep=True, **unpriced: (g.layers if deep else 1) * tokens * g.hidden_size,
    "ipet": _ipet,
}
"""Tuning -> what learns beside the head; BitFit trains the last LayerNorm's bias but not the head's own LayerNorm."""
