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
from pathlib import Path

import numpy as np

from rsc_core import atomic, checkpoint, data, engine, metrics, significance, test_log
from rsc_core.config import PROTOCOLS
from rsc_core.data import splits
from rsc_core.data.corpus import Clip, Corpus, CorpusError
from rsc_core.data.loader import Waveforms

METRICS = "metrics.json"


def evaluate(
    run: str | Path, corpus: Corpus, split: str = "test", device: str = "auto", log: str | Path | None = None
) -> dict:
    """Label a split with a run, write the results into its folder and return them.

    Args:
        run: run folder.
        corpus: as ``rsc_core.data.load`` returns it.
        split: "test"; for SPRSound also "intra" and "inter"; "validation" for the patients the run was chosen by.
        device: "auto", "cpu" or "cuda".
        log: test log that a look at a test split is appended to; None: the committed one.

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
    result["score_interval"] = significance.interval(labels, predictions, patients, classes)
    result["always_normal"] = metrics.evaluate(labels, np.zeros_like(predictions), classes)["score"]
    result |= {"corpus": corpus.title, "split": split, "patients": len(set(patients)), "digest": splits.digest(clips)}
    result |= {"protocol": loaded.config.train.protocol, "protocol_label": PROTOCOLS[loaded.config.train.protocol]}

    if split != "validation":
        test_log.append(log, run.name, loaded.config, "evaluation", corpus.title, split, len(clips), result=result)
    _write_predictions(run / f"predictions_{corpus.name}_{split}.csv", clips, probabilities, classes)
    path = run / METRICS
    known = json.loads(path.read_text()) if path.exists() else {}
    atomic.write_json(path, {**known, f"{corpus.name} {split}": result})
    return result


def summary(result: dict) -> str:
    """Return one result as lines for a terminal."""
    low, high = result["score_interval"]
    recalls = ", ".join(f"{name} {metrics.cell(value)}" for name, value in result["recall"].items())
    return (
        f"{result['protocol_label']}\n"
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
    parser.add_argument(
        "--test-log", help="CSV that looks at a test split are appended to (default: the committed one)"
    )
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
    official = splits.official(corpus)
    if split == "validation":
        settings = loaded.config.train
        clips = splits.carve_validation(official["train"], settings.validation_share, seed=settings.seed)[1]
        expected = loaded.facts["split"]["validation_digest"]
        if splits.digest(clips) != expected:
            raise ValueError(
                f"these are not the clips the run was chosen by (digest {splits.digest(clips)}, expected {expected}); "
                "pass the corpus folder it was trained on"
            )
        return clips
    if split not in official:
        raise ValueError(f"{corpus.title} has no split {split!r}; it has {', '.join(official)}, validation")
    return official[split]


def _write_predictions(path: Path, clips: Sequence[Clip], probabilities: np.ndarray, classes: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["recording", "patient", "device", "start_s", "end_s", "label", "prediction", *classes])
        for clip, row in zip(clips, probabilities, strict=True):
            names = classes[clip.label], classes[int(row.argmax())]
            times = clip.start_s, clip.end_s
            writer.writerow([clip.recording, clip.patient, clip.device, *times, *names, *(f"{p:.5f}" for p in row)])


if __name__ == "__main__":
    sys.exit(main())
