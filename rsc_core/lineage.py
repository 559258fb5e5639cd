"""What a run starts from: the backbone it takes over, and all that backbone, or a teacher, has learned before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rsc_core import checkpoint
from rsc_core.config import RunConfig, from_json
from rsc_core.data import Selection, splits


def inherit(config: RunConfig, window_s: float | None = None) -> RunConfig:
    """Return the config with audio, features and model taken over from its backbone, where that is a run folder.

    A window of ``window_s`` replaces the backbone's: a model may learn on short windows first, at half the cost.
    """
    if window_s:
        config = inherit(config)
        return replace(config, audio=replace(config.audio, window_s=window_s))
    if not (Path(config.backbone) / checkpoint.FACTS).exists():
        return config
    base = from_json(RunConfig, checkpoint.read_facts(config.backbone)["config"])
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
