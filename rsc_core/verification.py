"""Are two recordings of one speaker? A run's embeddings scored on a trial list (the fifth task of IPET)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsc_core import audio, checkpoint, engine, trials
from rsc_core.data.loader import whole, windows
from rsc_core.features import extract


@torch.inference_mode()
def verify(run: str | Path, trial_list: str | Path, folder: str | Path, device: str = "auto") -> dict[str, Any]:
    """Return EER and minDCF of a run's embeddings.

    An embedding is what the head reads, averaged over the recording's windows.

    Args:
        run: run folder.
        trial_list: as ``rsc_core.trials.read_trials`` reads it.
        folder: that the list's paths start from.
        device: "auto", "cpu" or "cuda".

    Returns:
        "equal_error_rate" in percent, "min_dcf", "trials", "recordings".

    Raises:
        CheckpointError: the run folder is damaged.
        TrialError: the list is malformed, or names a recording that is not there.
        AudioError: a recording cannot be read.
    """
    loaded = checkpoint.load(run)
    where = engine.choose_device(device)
    model = loaded.model.to(where)
    config = loaded.config
    listed = trials.read_trials(trial_list)
    names = sorted({name for trial in listed for name in (trial.enrol, trial.test)})
    missing = [name for name in names if not (Path(folder) / name).exists()]
    if missing:
        raise trials.TrialError(
            f"{len(missing)} of {len(names)} recordings of {trial_list} are not in {folder}, the first {missing[0]}; "
            "pass the folder its paths start from"
        )
    embeddings: dict[str, np.ndarray] = {}
    for name in names:
        recording = audio.load(Path(folder) / name, config.audio.sample_rate, config.audio.level)
        batch = torch.from_numpy(windows(whole(recording.waveform, config.audio), config.audio)).to(where)
        embeddings[name] = model.embedding(extract(batch, config.audio, config.features)).mean(dim=0).cpu().numpy()
    same = [trial.same for trial in listed]
    scores = trials.score_trials(embeddings, listed)
    return {
        "equal_error_rate": trials.equal_error_rate(same, scores),
        "min_dcf": trials.min_dcf(same, scores),
        "trials": len(listed),
        "recordings": len(names),
    }


def summary(result: dict[str, Any]) -> str:
    """Return one result as a line for a terminal."""
    return (
        f"{result['trials']:,} trials of {result['recordings']:,} recordings: EER "
        f"{result['equal_error_rate']:.2f} %, minDCF {result['min_dcf']:.3f} (target prior 0.01)"
    )
