"""What a run starts from: the backbone it takes over, and all that backbone, or a teacher, has learned before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rsc_core import checkpoint, tuning
from rsc_core.config import AudioConfig, RunConfig, from_json, to_json
from rsc_core.data import Selection, splits
from rsc_core.features.hybrid import frame_count
from rsc_core.presets import PRESETS, Preset


def inherit(config: RunConfig, audio: dict[str, Any] | None = None) -> RunConfig:
    """Return the config with audio, features and model taken over from its backbone, where that is a run folder.

    Options in ``audio`` replace the backbone's: a model may learn on short windows first, at half the cost.

    Raises:
        ValueError: the backbone is not of the network that the preset is for, its tuning does not go onto it, it is
            faithful and the run is not or the other way round, it is fresh and would stay frozen, or an option is
            unknown or out of range.
    """
    if audio:
        config = inherit(config)
        config = replace(config, audio=from_json(AudioConfig, {**to_json(config.audio), **audio}))
        if config.backbone == "small" and config.features.name == "hybrid":  # its network reads one length alone
            return replace(config, model=replace(config.model, frames=frame_count(config.audio.window_samples)))
        return config
    if config.backbone == "small" and config.tuning != "full":
        raise ValueError(
            f"preset {config.preset} leaves a fresh model's random weights frozen. Pass --backbone a trained run "
            f"folder, such as {PRESETS[config.preset].backbone}, or train preset full"
        )
    if not (Path(config.backbone) / checkpoint.FACTS).exists():
        return config
    base = from_json(RunConfig, checkpoint.read_facts(config.backbone)["config"])
    wanted, default = PRESETS[config.preset].model, PRESETS[config.preset].backbone
    if wanted not in (Preset.model, base.model.name):
        raise ValueError(
            f"preset {config.preset} trains a {wanted}, and {config.backbone} holds a {base.model.name}. Pass "
            f"--backbone a run folder of a {wanted}, or leave it out for {default}"
        )
    tuning.refuse_mismatch(config.tuning, base.model.name)
    if base.model.name == "cycle_guardian" and base.model.faithful != config.train.faithful:
        raise ValueError(
            f"{config.backbone} holds a CycleGuardian {'as published' if base.model.faithful else 'with its defects '}"
            f"{'' if base.model.faithful else 'mended'}; train it {'with' if base.model.faithful else 'without'} "
            "--faithful, or start from a fresh one"
        )
    return replace(config, audio=base.audio, features=base.features, model=base.model)


def learned_from(backbone: str) -> list[str]:
    """Return what a backbone has learned from, first to last: corpora, or its hub name; nothing for a fresh model."""
    if backbone == "small":
        return []
    if (Path(backbone) / checkpoint.FACTS).exists():
        return checkpoint.read_facts(backbone)["learned_from"]
    return [backbone]


def refuse_leaks(config: RunConfig, selection: Selection, corpus: str) -> None:
    """Check that nothing the run starts or learns from has learned from the patients the run chooses by.

    Raises:
        ValueError: its backbone or its teacher was trained on the same corpus with other validation patients.
    """
    for role, source in (("backbone", config.backbone), ("teacher", config.objective_options.get("teacher"))):
        if not selection.validation or not source or not (Path(source) / checkpoint.FACTS).exists():
            continue
        facts = checkpoint.read_facts(source)
        split = facts.get("split")
        same = split and split.get("validation_patients") == splits.patients_digest(selection.validation)
        if facts["corpus"] == corpus and split and not same:
            raise ValueError(
                f"the {role} {source} learned from patients this run chooses by, so its validation would mean "
                f"nothing. Train both with the same --seed (the {role}'s is {facts.get('seed')}), --validation-share "
                "and clips, or this run with --protocol last"
            )
