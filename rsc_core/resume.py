"""Everything a run needs to go on after it was stopped, in one file that is replaced atomically after every epoch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from rsc_core import tuning
from rsc_core.config import RunConfig, plain, to_json

FILE = "resume.safetensors"


@dataclass
class Progress:
    """How far a run has come. ``best`` and ``average`` are tensors; everything else is plain JSON values."""

    precision: str  # "float32" or "bfloat16": probed once, kept by every part
    best: dict[str, torch.Tensor] = field(repr=False)  # the chosen epoch's learned weights
    epoch: int = 0  # finished epochs
    best_epoch: int = 0
    best_result: dict[str, Any] | None = None  # metrics the epoch was chosen by
    history: list[dict[str, Any]] = field(default_factory=list)  # one row an epoch, as in log.csv
    cost: dict[str, Any] = field(default_factory=dict)  # environment.Meter's, over all parts
    average: dict[str, torch.Tensor] = field(default_factory=dict, repr=False)  # moving average, where one is kept


PLAIN = tuple(f.name for f in fields(Progress) if f.name not in ("best", "average"))


def copy(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return copies of the weights that learn."""
    return {name: tensor.clone() for name, tensor in tuning.trainable_state(model).items()}


def paste(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Write copies back."""
    with torch.no_grad():
        for name, tensor in tuning.trainable_state(model).items():
            tensor.copy_(state[name])


def store(
    path: Path,
    config: RunConfig,
    model: nn.Module,
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Replace the file by weights, best weights, the objective's own state, optimizer state and progress."""
    slots = optimizer.state_dict()["state"]
    tensors = {f"model/{k}": v for k, v in tuning.trainable_state(model).items()}
    tensors |= {f"best/{k}": v for k, v in progress.best.items()}
    tensors |= {f"average/{k}": v for k, v in progress.average.items()}
    tensors |= {f"objective/{k}": v for k, v in objective.state_dict().items()}
    tensors |= {f"optimizer/{i}/{k}": v for i, slot in slots.items() for k, v in slot.items()}
    where = {name: getattr(progress, name) for name in PLAIN} | {"config": to_json(config)}
    draft = path.with_suffix(".partial")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, draft, {"where": json.dumps(where)})
    os.replace(draft, path)


def restore(
    path: Path,
    config: RunConfig,
    model: nn.Module,
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Load what ``store`` wrote into the run's parts and return its progress.

    Raises:
        ValueError: the file belongs to a run with other settings.
    """
    with safe_open(path, "pt") as file:
        where = json.loads(file.metadata()["where"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    if plain(where.pop("config")) != json.loads(json.dumps(to_json(config))):
        raise ValueError(
            f"{path} belongs to a run with other settings. Resume with the command that started it, or choose another "
            "--out."
        )
    part = {
        head: {k.removeprefix(head + "/"): v for k, v in tensors.items() if k.startswith(head + "/")}
        for head in ("model", "best", "average", "objective", "optimizer")
    }
    paste(model, part["model"])
    objective.load_state_dict(part["objective"])
    state = optimizer.state_dict()
    state["state"] = {}
    for key, value in part["optimizer"].items():
        index, slot = key.split("/")
        state["state"].setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict(state)
    device = next(model.parameters()).device
    best, average = ({k: v.to(device) for k, v in part[name].items()} for name in ("best", "average"))
    return Progress(best=best, average=average, **where)
