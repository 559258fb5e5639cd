"""Evaluate a run folder on a split: ``python -m rsc_core.evaluate RUN --corpus icbhi --data DIR``.

Writes ``metrics.json`` (one entry a split) and ``predictions_SPLIT.csv`` into the run folder. Every look at a test
split is appended to a log that is committed with the checkpoints, so nobody has to trust that it was one look.

Beside the run stand the rows that need no model (``rsc_core.trivial``), each device and place on the chest, and on
SPRSound its official tasks and the same clips re-cut to one length, because there the length gives the label away.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rsc_core import (
    atomic,
    checkpoint,
    data,
    engine,
    metrics,
    scoring,
    significance,
    sprsound_tasks,
    test_log,
    trivial,
    verification,
)
from rsc_core.audio import AudioError
from rsc_core.config import PROTOCOLS, DataConfig, RunConfig
from rsc_core.data import splits
from rsc_core.data.corpus import Clip, Corpus, CorpusError
from rsc_core.data.loader import Waveforms, equalised

METRICS = "metrics.json"
EQUAL_S = 2.0  # to which SPRSound's events are re-cut


def evaluate(
    run: str | Path, corpus: Corpus, split: str = "test", device: str = "auto", log: str | Path | None = None
) -> dict[str, Any]:
    """Label a split with a run, write the results into its folder and return them.

    Args:
        run: run folder.
        corpus: as ``rsc_core.data.load`` returns it.
        split: "test"; for SPRSound also "intra" and "inter"; "validation" for the patients the run was chosen by.
        device: "auto", "cpu" or "cuda".
        log: test log that a look at a test split is appended to; None: the committed one.

    Returns:
        The metrics of ``rsc_core.scoring``, and beside them "score_interval", "trivial", "per_device",
        "per_location"; on SPRSound "per_split", "tasks" and "equalised", which holds the same keys. "overlap" counts
        the patients who were also learned from or chosen by.

    Raises:
        CheckpointError: the run folder is damaged.
        AudioError: a recording cannot be read.
        ValueError: the corpus has no such split, or its classes are not the run's.
    """
    run = Path(run)
    loaded = checkpoint.load(run)
    config, where = loaded.config, engine.choose_device(device)
    selection = select(loaded, corpus)
    clips = selection.part(split)
    if split == "validation":
        _check_validation(clips, loaded)
    waveforms = Waveforms(clips, config.audio)
    model = loaded.model.to(where)
    probabilities = engine.predict(model, config, clips, waveforms, where)
    result = judge(selection.train, clips, probabilities, config, corpus)
    if corpus.name == "sprsound" and not config.model.multi_label:
        cut = recut(clips)
        same = judge(recut(selection.train), cut, engine.predict(model, config, cut, waveforms, where), config, corpus)
        result["equalised"] = {"extent_s": EQUAL_S, **same}
    patients = len({clip.patient for clip in clips})
    result |= {"corpus": corpus.title, "split": split, "patients": patients, "digest": splits.digest(clips)}
    result["overlap"] = len(splits.overlap((*selection.train, *selection.validation), clips))
    result |= {"protocol": config.train.protocol, "protocol_label": PROTOCOLS[config.train.protocol]}

    if split != "validation":
        test_log.append(log, run.name, config, "evaluation", corpus.title, split, len(clips), result=result)
    _write_predictions(predictions_path(run, corpus.name, split), clips, probabilities, config.model.classes)
    path = run / METRICS
    known = json.loads(path.read_text()) if path.exists() else {}
    atomic.write_json(path, {**known, f"{corpus.name} {split}": result})
    return result


def judge(
    train: Sequence[Clip], clips: Sequence[Clip], probabilities: np.ndarray, config: RunConfig, corpus: Corpus
) -> dict[str, Any]:
    """Return the metrics of (clips, classes) probabilities and what a table sets beside them.

    Args:
        train: what the trivial rows learn from; none, and there are no such rows.
        clips: that were labelled.
        probabilities: of each class.
        config: of the run.
        corpus: that the clips are of.
    """
    result = {"measure": scoring.measure(config), **scoring.evaluate(clips, probabilities, config)}
    if config.model.multi_label:
        return result
    classes = config.model.classes
    cases = scoring.cases(clips, probabilities, config)
    if result["measure"] == "score":
        result["score_interval"] = significance.interval(cases.labels, cases.predictions, cases.patients, classes)
    if train:
        answers = trivial.rows(train, clips, classes)
        one_hot = np.eye(len(classes))
        scored = {name: scoring.evaluate(clips, one_hot[found], config) for name, found in answers.items()}
        result["trivial"] = {name: {key: row[key] for key in scoring.shown(config)} for name, row in scored.items()}
    labels, predictions = [clip.label for clip in clips], probabilities.argmax(axis=1)
    for name, groups in (("per_device", [c.device for c in clips]), ("per_location", [c.location for c in clips])):
        if any(groups) and len(cases.labels) == len(clips):
            result[name] = metrics.by_group(labels, predictions, groups, classes)
    parts = sorted({clip.split for clip in clips})
    if len(parts) > 1 and result["measure"] == "score":
        result["per_split"] = {part: _part(part, clips, probabilities, config) for part in parts}
    if corpus.name == "sprsound":
        result["tasks"] = _tasks(clips, predictions, config)
    return result


def select(loaded: checkpoint.Checkpoint, corpus: Corpus) -> data.Selection:
    """Return the clips of a run's corpus under its own settings; another corpus is tested whole.

    Raises:
        ValueError: the corpus's classes are not the run's.
    """
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
    return selection


def recut(clips: Sequence[Clip], extent_s: float = EQUAL_S) -> tuple[Clip, ...]:
    """Return every clip at the same length, with real audio around it."""
    import soundfile  # a machine that only trains may lack it

    seconds = {path: soundfile.info(path).duration for path in {clip.path for clip in clips}}
    extents = [equalised(clip, seconds[clip.path], extent_s) for clip in clips]
    return tuple(replace(c, start_s=start, end_s=end) for c, (start, end) in zip(clips, extents, strict=True))


def predictions_path(run: str | Path, corpus: str, split: str) -> Path:
    """Return where a run folder keeps the predictions of a split."""
    return Path(run) / f"predictions_{corpus}_{split}.csv"


def summary(result: dict[str, Any]) -> str:
    """Return one result as lines for a terminal."""
    count = result.get("cycles", result.get("clips"))
    shared = {"measure": result.get("measure", "score")}
    lines = [result["protocol_label"]]
    lines.append(f"{result['corpus']}, {result['split']}: {count:,} cases of {result['patients']} patients")
    lines.append(_scores(result))
    if "score_interval" in result:
        low, high = result["score_interval"]
        lines.append(f"Score, 95 % over patients: {low:.1f} to {high:.1f}")
    lines += [f"{name}: {_scores({**shared, **row})}" for name, row in result.get("trivial", {}).items()]
    if "recall" in result:
        lines.append("recall: " + ", ".join(f"{name} {metrics.cell(v)}" for name, v in result["recall"].items()))
    for task, parts in result.get("tasks", {}).items():
        found = ", ".join(f"{name} {metrics.cell(part['score'])}" for name, part in parts.items())
        lines.append(f"SPRSound task {task}, official Score: {found}")
    if same := result.get("equalised"):
        lines.append(f"all clips re-cut to {same['extent_s']} s: {_scores(same)}")
        lines += [f"  {name}: {_scores({**shared, **row})}" for name, row in same.get("trivial", {}).items()]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("run", help="run folder")
    parser.add_argument("--corpus", choices=sorted(data.CORPORA))
    parser.add_argument("--data", required=True, help="folder of the corpus, as published, or of the trials' audio")
    parser.add_argument("--split", default="test", help="test (default), validation; SPRSound also: intra, inter")
    parser.add_argument("--trials", help="speaker verification instead: file with lines of LABEL ENROL TEST")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--test-log", help="CSV that looks at a test split are appended to (default: the committed one)"
    )
    args = parser.parse_args(argv)
    if not args.trials and not args.corpus:
        parser.error("--corpus is needed, unless --trials names a trial list")
    try:
        if args.trials:
            print(verification.summary(verification.verify(args.run, args.trials, args.data, args.device)))
            return 0
        corpus = data.load(args.corpus, args.data)
        for note in corpus.notes:
            print(note)
        print(summary(evaluate(args.run, corpus, args.split, args.device, args.test_log)))
    except (AudioError, checkpoint.CheckpointError, CorpusError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _check_validation(clips: Sequence[Clip], loaded: checkpoint.Checkpoint) -> None:
    expected = loaded.facts["split"]["validation_digest"]
    if (found := splits.digest(clips)) != expected:
        raise ValueError(
            f"these are not the clips the run was chosen by (digest {found}, expected {expected}); pass the corpus "
            "folder it was trained on, or train it again with this version"
        )


def _part(name: str, clips: Sequence[Clip], probabilities: np.ndarray, config: RunConfig) -> dict[str, Any]:
    """The metrics of the clips of one of the corpus's own test splits."""
    mine = [i for i, clip in enumerate(clips) if clip.split == name]
    own = [clips[i] for i in mine]
    cases = scoring.cases(own, probabilities[mine], config)
    interval = significance.interval(cases.labels, cases.predictions, cases.patients, config.model.classes)
    patients = len({clip.patient for clip in own})
    return {**scoring.evaluate(own, probabilities[mine], config), "score_interval": interval, "patients": patients}


def _tasks(clips: Sequence[Clip], predictions: np.ndarray, config: RunConfig) -> dict[str, Any]:
    """SPRSound's official scores of the event tasks that the run's label set can answer."""
    answers = {"four": ("1-1",), "seven": ("1-1", "1-2")}.get(config.data.labels, ())
    names = [config.model.classes[i] for i in predictions]
    kinds, places = [clip.kind for clip in clips], [clip.split for clip in clips]
    return {task: sprsound_tasks.by_split(task, kinds, names, places) for task in answers}


def _scores(result: dict[str, Any]) -> str:
    named = {"specificity": "Sp", "sensitivity": "Se", "score": "Score"}
    named |= {"balanced_accuracy": "balanced accuracy", "mean_average_precision": "mAP"}
    keys = ("specificity", "sensitivity", "score") if result.get("measure", "score") == "score" else ()
    keys = keys or (result["measure"],)
    return "  ".join(f"{named[key]} {result[key]:.2f}" for key in keys if key in result)


def _write_predictions(path: Path, clips: Sequence[Clip], probabilities: np.ndarray, classes: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["recording", "patient", "device", "start_s", "end_s", "label", "prediction", *classes])
        for clip, row in zip(clips, probabilities, strict=True):
            names = ";".join(classes[i] for i in clip.labels), classes[int(row.argmax())]
            times = clip.start_s, clip.end_s
            writer.writerow([clip.recording, clip.patient, clip.device, *times, *names, *(f"{p:.5f}" for p in row)])


if __name__ == "__main__":
    sys.exit(main())
