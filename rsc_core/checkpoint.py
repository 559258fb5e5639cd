"""Save and load one run folder: ``rsc.json`` and weights as safetensors. Nothing is ever unpickled.

* A run that trains every parameter keeps all weights in ``model.safetensors``; an AST's is also a transformers folder.
* A run whose layers peft makes (LoRA, IA3) is also a peft folder (``adapter_config.json``,
  ``adapter_model.safetensors``, classifier included).
* Any other tuning keeps what it trained in ``weights.safetensors`` under our own parameter names.

The last two name their base model, a folder relative to theirs or a hub name, and its digest, so a tuning is never
laid over weights it was not trained on. Half-precision tensors load as a float32 model; ``python -m
rsc_core.checkpoint RUN DESTINATION`` ships a run that way.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from rsc_core import models, tuning
from rsc_core.config import RunConfig, from_json, to_json
from rsc_core.tuning import lora

FACTS = "rsc.json"
FULL_WEIGHTS = "model.safetensors"
PEFT_WEIGHTS = "adapter_model.safetensors"
OWN_WEIGHTS = "weights.safetensors"


class CheckpointError(Exception):
    """A run folder is incomplete, damaged or does not fit; the message says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded run."""

    model: nn.Module  # float32, in eval mode
    config: RunConfig
    facts: dict[str, Any]  # the rest of rsc.json: corpus, metrics, parameters, versions, …


def build(config: RunConfig) -> nn.Module:
    """Return the run's model before training: its backbone with the run's classes and its tuning applied."""
    tuning.refuse_mismatch(config.tuning, config.model.name)
    if config.backbone == "small":
        model = models.build(config.model)
    elif (Path(config.backbone) / FACTS).exists():
        model = load(config.backbone).model
    else:
        try:
            model = models.load(config.backbone, config.model)
        except OSError as error:
            raise CheckpointError(
                f'"{config.backbone}" is neither a checkpoint folder nor a model that could be fetched from the '
                f"Hugging Face hub ({str(error).splitlines()[0]}). Check the spelling, or download the model first "
                "and pass its folder."
            ) from error
    model.classify_into(config.model.classes)
    tuning.apply(model, config.tuning, tuning.configure(config.tuning, config.tuning_options))
    return model


def save(folder: str | Path, model: nn.Module, config: RunConfig, facts: dict[str, Any], half: bool = False) -> Path:
    """Write a run's weights and facts into a folder; ``rsc.json`` comes last, so a folder that has it is complete.

    Args:
        folder: where to; an older run's files there are replaced, others stay.
        model: as ``build`` made it, trained.
        config: what made it.
        facts: plain JSON values to keep beside it, such as ``corpus`` and ``metrics``.
        half: store float16 tensors, for shipping.
    """
    folder = Path(folder)
    draft = folder / ".partial"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    dtype = torch.float16 if half else torch.float32
    facts = {
        **facts,
        "config": to_json(config),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": tuning.count_trainable(model),
        "versions": {"python": sys.version.split()[0], **{p: version(p) for p in ("torch", "transformers", "peft")}},
    }
    if config.tuning == "full":
        models.save(draft, model, config.model, dtype)
    else:
        facts["base"], facts["base_digest"] = _base_of(config.backbone, folder)
        state = {name: _stored(t, dtype) for name, t in tuning.trainable_state(model).items()}
        if _is_peft(config):
            _save_peft(draft, state, config, facts["base"])
        else:
            save_file(state, draft / OWN_WEIGHTS, metadata={"format": "pt"})
    (draft / FACTS).write_text(json.dumps(facts, indent=2) + "\n")
    for path in sorted(draft.iterdir(), key=lambda p: p.name == FACTS):
        os.replace(path, folder / path.name)
    draft.rmdir()
    return folder


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Return the contents of a run folder's ``rsc.json``.

    Raises:
        CheckpointError: it is missing or not JSON.
    """
    path = Path(folder) / FACTS
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} holds no {FACTS}, so it is not a run folder. Train one: python train.py full --corpus icbhi "
            "--data DIR --out RUN"
        ) from None
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path} is damaged ({error}). Restore it or train the run again.") from None


def load(folder: str | Path) -> Checkpoint:
    """Rebuild the model of a run folder; no flags needed.

    Raises:
        CheckpointError: a file is missing or damaged, the base model is not the one trained on, or the tensors are
            not exactly those the tuning trains.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    try:
        config = from_json(RunConfig, facts["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} was written by another version ({error}). Use that version, or train the run again."
        ) from error
    if config.tuning == "full":
        try:
            model = models.load(str(folder), config.model)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{folder} cannot be loaded: {error}") from error
        return Checkpoint(model.eval(), config, facts)

    base = find_base(folder, facts)
    if (Path(base) / FULL_WEIGHTS).exists() and digest(base) != facts["base_digest"]:
        raise CheckpointError(
            f"{folder} was trained on other weights than {base} holds now. Restore that base model, or train the run "
            "again on the new one."
        )
    model = build(replace(config, backbone=base))
    path = folder / (PEFT_WEIGHTS if _is_peft(config) else OWN_WEIGHTS)
    if not path.exists():
        raise CheckpointError(f"{path} is missing. Restore it or train the run again.")
    state = load_file(path)
    if _is_peft(config):
        state = _from_peft(state, model)
    _copy_into(model, state, folder)
    return Checkpoint(model.eval(), config, facts)


def ship(run: str | Path, destination: str | Path) -> Path:
    """Write a run's model to ``destination`` in half precision, without the state of its training.

    Raises:
        CheckpointError: the run cannot be loaded, or it names diagnoses: those are for research and never shipped.
    """
    loaded = load(run)
    if loaded.config.data.labels.startswith("diagnosis"):
        raise CheckpointError(
            f"{run} names diagnoses. Such a model is for training and evaluation; it is not shipped."
        )
    written = ("config", "parameters", "trainable", "versions", "base", "base_digest")  # save writes these anew
    facts = {name: value for name, value in loaded.facts.items() if name not in written}
    return save(destination, loaded.model, loaded.config, facts, half=True)


def find_base(folder: str | Path, facts: dict[str, Any]) -> str:
    """Return the base model's folder, or its hub name when it is no folder."""
    base = (Path(folder) / facts["base"]).resolve()
    if base.exists() or not facts["base_digest"]:
        return str(base) if base.exists() else facts["base"]
    raise CheckpointError(f"{folder} needs its base model at {base}, which is not there. Put it back beside this run.")


def digest(folder: str | Path) -> str:
    """Return the first 16 hex digits of the SHA-256 of a full model's weights."""
    return hashlib.sha256((Path(folder) / FULL_WEIGHTS).read_bytes()).hexdigest()[:16]


def run_digest(folder: str | Path) -> str:
    """Return sixteen hex digits that change with the weights of a run, its base model's included.

    Raises:
        CheckpointError: the folder is no run folder, or holds no weights.
    """
    facts = read_facts(folder)
    paths = [Path(folder) / name for name in (FULL_WEIGHTS, PEFT_WEIGHTS, OWN_WEIGHTS)]
    held = next((path for path in paths if path.exists()), None)
    if held is None:
        raise CheckpointError(f"{folder} holds no weights. Restore them or train the run again.")
    return hashlib.sha256(held.read_bytes() + facts.get("base_digest", "").encode()).hexdigest()[:16]


def _base_of(backbone: str, folder: Path) -> tuple[str, str]:
    """(path relative to ``folder`` or hub name, digest or empty) of the model a tuning was laid over."""
    if backbone == "small":
        raise CheckpointError("a fresh model trains in full only; pass --backbone a checkpoint folder or a hub name")
    if not Path(backbone).exists():
        return backbone, ""
    if not (Path(backbone) / FULL_WEIGHTS).exists():
        raise CheckpointError(f"{backbone} holds no {FULL_WEIGHTS}: a tuning is laid over a full model only")
    return os.path.relpath(backbone, folder), digest(backbone)


def _stored(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The tensor as it is written; counters stay whole numbers."""
    return (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()


def _is_peft(config: RunConfig) -> bool:
    return hasattr(tuning.TUNINGS[config.tuning], "peft_config")


def _save_peft(folder: Path, state: dict[str, torch.Tensor], config: RunConfig, base: str) -> None:
    options = tuning.configure(config.tuning, config.tuning_options)
    peft_config = tuning.TUNINGS[config.tuning].peft_config(options)
    peft_config.base_model_name_or_path = base
    peft_config.modules_to_save = ["classifier"]
    peft_config.inference_mode = True
    peft_config.save_pretrained(folder)
    state = {_to_peft(name): tensor for name, tensor in lora.join(state).items()}
    save_file(state, folder / PEFT_WEIGHTS, metadata={"format": "pt"})


def _to_peft(name: str) -> str:
    """Our parameter name as peft writes it: hf.X.lora_A.default.weight -> base_model.model.X.lora_A.weight."""
    name = "base_model.model." + name.removeprefix("hf.").replace(".default.", ".").removesuffix(".default")
    return name.removesuffix(".weight") if ".lora_magnitude_vector." in name else name


def _from_peft(state: dict[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """A peft folder's tensors under the names of ``model``'s parameters; one it does not know keeps its name."""
    expected = tuning.trainable_state(model)
    names = {_to_peft(name): name for name in lora.join(expected)}
    state = {names.get(name, name): tensor for name, tensor in state.items()}
    return lora.split(state) if getattr(model, "fixed_parameters", ()) else state


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.checkpoint", description="Ship a run in half precision.")
    parser.add_argument("run", help="run folder")
    parser.add_argument("destination", help="folder to write, for example checkpoints/NAME")
    args = parser.parse_args(argv)
    try:
        print(f"shipped {ship(args.run, args.destination)}")
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _copy_into(model: nn.Module, state: dict[str, torch.Tensor], folder: Path) -> None:
    expected = tuning.trainable_state(model)
    missing, unexpected = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or unexpected:
        raise CheckpointError(
            f"{folder} does not hold the tensors its tuning trains: missing {missing[:3] or 'none'}, unexpected "
            f"{unexpected[:3] or 'none'}. It was written by another version; train the run again."
        )
    with torch.no_grad():
        for name, tensor in state.items():
            expected[name].copy_(tensor)


if __name__ == "__main__":
    sys.exit(main())
