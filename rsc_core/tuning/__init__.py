"""Which parameters learn, and where new ones are added.

The contract every file here keeps:

* ``Config``: a frozen dataclass of its options, absolute numbers (ranks, bottlenecks), checked in ``__post_init__``.
* ``apply(model, config)``: wraps children of the model in place; the wrapped original stays reachable.
* ``trainable(config)``: glob patterns over the model's parameter names; with the head they are all that learns, but
  for what a pattern with a ``!`` in front matches.
* ``fixed(config)``, if any: patterns of parameters that do not learn but are stored with those that do.
* ``peft_config(config)``, where peft makes the layers: a run is then a peft folder too.
* A tuning whose added part starts at zero equals the base model at step 0.
* Virtual tokens stand behind the patches and are parameters named ``virtual``.

Adding a tuning: one file, one line in ``TUNINGS``, one row in ``tests/tuning/test_contract.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from rsc_core.tuning import adapter, bitfit, full, ia3, ipet, layer_norm, linear, lora, mixture, prefix, prompt

TUNINGS: dict[str, ModuleType] = {
    "full": full,
    "linear": linear,
    "lora": lora,
    "adapter": adapter,
    "mixture": mixture,
    "bitfit": bitfit,
    "ia3": ia3,
    "layer_norm": layer_norm,
    "prefix": prefix,
    "prompt": prompt,
    "ipet": ipet,
}


GOES_ONTO = {
    "wav2vec2": ("full", "linear", "lora", "prefix", "prompt", "ipet"),
    "cnn": ("full", "linear"),
    "cycle_guardian": ("full", "linear"),
}
"""Network -> its tunings; every tuning goes onto a spectrogram transformer."""


def refuse_mismatch(name: str, model: str) -> None:
    """Check that tuning ``name`` goes onto networks of the kind ``model``, a key of ``rsc_core.models.MODELS``.

    Raises:
        ValueError: it does not.
    """
    if name not in GOES_ONTO.get(model, TUNINGS):
        raise ValueError(
            f"tuning {name!r} does not go onto a {model}; choose one of {', '.join(GOES_ONTO[model])}, or a "
            "spectrogram_transformer as the backbone"
        )


def configure(name: str, options: dict[str, Any] | None = None) -> Any:
    """Return the ``Config`` of tuning ``name`` with ``options`` set.

    Raises:
        ValueError: there is no such tuning or option, or a value is out of range.
    """
    if name not in TUNINGS:
        raise ValueError(f"there is no tuning {name!r}; choose one of {', '.join(TUNINGS)}")
    kind = TUNINGS[name].Config
    unknown = sorted(set(options or {}) - set(kind.__dataclass_fields__))
    if unknown:
        known = ", ".join(kind.__dataclass_fields__) or "none"
        raise ValueError(f"tuning {name!r} has no option {', '.join(unknown)}; its options: {known}")
    return kind(**(options or {}))


def apply(model: nn.Module, name: str, config: Any) -> None:
    """Add the tuning's modules to ``model`` in place and freeze all that it does not train."""
    tuning = TUNINGS[name]
    tuning.apply(model, config)
    freeze(model, (*tuning.trainable(config), model.head_parameters))
    model.fixed_parameters = tuning.fixed(config) if hasattr(tuning, "fixed") else ()


def freeze(model: nn.Module, patterns: tuple[str, ...]) -> None:
    """Let exactly the parameters learn whose name matches one of ``patterns`` and none of those after a ``!``.

    Raises:
        ValueError: a pattern matches nothing, so something meant to learn would not.
    """
    unused = set(patterns)
    for name, parameter in model.named_parameters():
        hits = {pattern for pattern in patterns if fnmatchcase(name, pattern.removeprefix("!"))}
        parameter.requires_grad_(bool(hits) and not any(pattern.startswith("!") for pattern in hits))
        unused -= hits
    if unused:
        raise ValueError(f"no parameter of the model matches {', '.join(sorted(unused))}")


def learning_mode(model: nn.Module) -> None:
    """Switch to training, but let normalisations that do not learn keep their running statistics."""
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and next(module.buffers(recurse=False), None) is not None and not any(p.requires_grad for p in own):
            module.eval()


def count_trainable(model: nn.Module) -> int:
    """Number of parameters that learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def trainable_state(model: nn.Module) -> dict[str, Any]:
    """Name -> tensor of all that a tuned model has beside its base, detached but not copied.

    These are the parameters that learn, the buffers (running statistics) of the modules that hold one, and what the
    tuning drew from the base and keeps (``fixed``).
    """
    patterns = getattr(model, "fixed_parameters", ())
    state = {n: p.detach() for n, p in model.named_parameters() if any(fnmatchcase(n, q) for q in patterns)}
    for place, module in model.named_modules():
        own = module.named_parameters(place, recurse=False)
        learning = {name: p.detach() for name, p in own if p.requires_grad}
        if learning:
            state |= {**learning, **dict(module.named_buffers(place, recurse=False))}
    return state


@contextmanager
def merged(model: nn.Module) -> Iterator[None]:
    """Serve the model with what peft's layers learned folded into the weights they wrap; undone bit by bit behind it.

    A forward pass then costs what the base model's does. Branches that are no change of a weight, such as adapters,
    stay as they are. The model itself is changed meanwhile, and must not be trained or saved.
    """
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    kept = [(p, p.detach().clone()) for layer in layers for p in layer.get_base_layer().parameters()]
    try:
        for layer in layers:
            layer.merge()
        yield
    finally:
        # peft's own unmerge subtracts or divides, which leaves rounding behind.
        for layer in layers:
            layer.merged_adapters.clear()
        for parameter, value in kept:
            parameter.data.copy_(value)
