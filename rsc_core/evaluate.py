"""Evaluate a run folder on a split: ``python -m rsc_core.evaluate RUN --corpus icbhi --data DIR``.

Writes ``metrics.json`` (one entry a split) and ``predictions_SPLIT.csv`` into the run folder. Every look at a test
split is appended to a log that is committed with the checkpoints, so nobody has to trust that it was one look.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch

from rsc_core import checkpoint, data, engine, metrics
from rsc_core.config import DataConfig
from rsc_core.data import splits
from rsc_core.data.corpus import Clip, Corpus, CorpusError
from rsc_core.data.loader import Waveforms

METRICS = "metrics.json"
TEST_LOG = Path(__file__).parents[1] / "checkpoints" / "test_log.csv"


def evaluate(
    run: str | Path, corpus: Corpus, split: str = "test", device: str = "auto", test_log: str | Path = TEST_LOG
) -> dict:
    """Label a split with a run, write the results into its folder and return them.

    Args:
        run: run folder.
        corpus: as ``rsc_core.data.load`` returns it.
        split: "test"; for SPRSound also "intra" and "inter"; "validation" for the patients the run was chosen by.
        device: "auto", "cpu" or "cuda".
        test_log: CSV that looks at a test split are appended to.

    Raises:
        CheckpointError: the run folder is damaged.
        ValueError: the corpus has no such split.
    """
    run = Path(run)
    loaded = checkpoint.load(run)
    clips = _clips(loaded, corpus, split)
    where = engine.choose_device(device)
    waveforms = Waveforms(clips, loaded.config.audio)
    probabilities = engine.predict(loaded.model.to(where), loaded.config, clips, waveforms, where)

    labels = [clip.label for clip in clips]
    predictions = probabilities.argmax(axis=1)
    patients = [clip.patient for clip in clips]
    classes = loaded.config.model.classes
    result = metrics.evaluate(labels, predictions, classes)
    result["score_interval"] = metrics.score_interval(labels, predictions, patients, classes)
    result["always_normal"] = metrics.evaluate(labels, np.zeros_like(predictions), classes)["score"]
    result |= {"corpus": corpus.title, "split": split, "patients": len(set(patients)), "digest": splits.digest(clips)}

    path = run / METRICS
    known = json.loads(path.read_text()) if path.exists() else {}
    known[f"{corpus.name} {split}"] = result
    path.write_text(json.dumps(known, indent=2) + "\n")
    _write_predictions(run / f"predictions_{corpus.name}_{split}.csv", clips, probabilities, classes)
    if split != "validation":
        _log_look(Path(test_log), run, loaded, result)
    return result


def summary(result: dict) -> str:
    """Return one result as lines for a terminal."""
    low, high = result["score_interval"]
    recalls = ", ".join(f"{name} {value:.1f}" for name, value in result["recall"].items())
    return (
        f"{result['corpus']}, {result['split']}: {result['cycles']:,} clips of {result['patients']} patients\n"
        f"Sp {result['specificity']:.2f}  Se {result['sensitivity']:.2f}  Score {result['score']:.2f} "
        f"(95 % over patients {low:.1f} to {high:.1f})\n"
        f"always normal: Score {result['always_normal']:.2f}\n"
        f"recall: {recalls}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("run", help="run folder")
    parser.add_argument("--corpus", required=True, choices=sorted(data.CORPORA))
    parser.add_argument("--data", required=True, help="folder of the corpus, as published")
    parser.add_argument("--split", default="test", help="test (default), validation; SPRSound also: intra, inter")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--test-log", default=TEST_LOG, help="CSV that looks at a test split are appended to")
    args = parser.parse_args(argv)
    try:
        corpus = data.load(args.corpus, args.data)
        for note in corpus.notes:
            print(note)
        print(summary(evaluate(args.run, corpus, args.split, args.device, args.test_log)))
    except (checkpoint.CheckpointError, CorpusError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _clips(loaded: checkpoint.Checkpoint, corpus: Corpus, split: str) -> tuple[Clip, ...]:
    settings, chosen, protocol = loaded.config.train, loaded.config.data, loaded.config.train.protocol
    if corpus.name != loaded.config.corpus:
        # Folds, stethoscopes and validation patients belong to the corpus it was trained on.
        chosen, protocol = DataConfig(labels=chosen.labels), "last"
    selection = data.select(corpus, chosen, settings.validation_share, settings.seed, protocol)
    if selection.classes != loaded.config.model.classes:
        raise ValueError(
            f"the run tells {', '.join(loaded.config.model.classes)} apart, {corpus.title} holds "
            f"{', '.join(selection.classes)}; evaluate it on a corpus with its own classes"
        )
    clips = selection.part(split)
    if split == "validation" and splits.digest(clips) != (expected := loaded.facts["split"]["validation_digest"]):
        raise ValueError(
            f"these are not the clips the run was chosen by (digest {splits.digest(clips)}, expected {expected}); "
            "pass the corpus folder it was trained on, or train it again with this version"
        )
    return clips


def _write_predictions(path: Path, clips: Sequence[Clip], probabilities: np.ndarray, classes: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["recording", "patient", "device", "start_s", "end_s", "label", "prediction", *classes])
        for clip, row in zip(clips, probabilities, strict=True):
            names = classes[clip.label], classes[int(row.argmax())]
            times = clip.start_s, clip.end_s
            writer.writerow([clip.recording, clip.patient, clip.device, *times, *names, *(f"{p:.5f}" for p in row)])


def _log_look(path: Path, run: Path, loaded: checkpoint.Checkpoint, result: dict) -> None:
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(
                "utc run preset seed protocol corpus split clips specificity sensitivity score torch".split()
            )
        config = loaded.config
        writer.writerow(
            [
                datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                run.name,
                config.preset,
                config.train.seed,
                config.train.protocol,
                result["corpus"],
                result["split"],
                result["cycles"],
                *(f"{result[k]:.2f}" for k in ("specificity", "sensitivity", "score")),
                torch.__version__,
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
