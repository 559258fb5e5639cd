"""The test log: who touched which test split, when, and what came out; committed with the checkpoints.

One line for an evaluation, written before its result is shown anywhere; one line for a training that labels the test
split after every epoch, written before its first look, with as many ``looks`` as it has epochs and no result. So a
process killed half-way may count a look twice, but never hides one.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rsc_core.config import RunConfig

PATH = Path(__file__).parents[1] / "checkpoints" / "test_log.csv"
COLUMNS = (
    "utc run preset seed protocol evaluation looks corpus split clips".split()
    + "specificity sensitivity score other torch".split()
)
EVALUATIONS = ("evaluation", "test curve", "paper protocol")
"""An evaluation of a finished run; a curve nothing was chosen by; the epoch was chosen on it."""


def append(
    path: str | Path | None,
    run: str,
    config: RunConfig,
    evaluation: str,
    corpus: str,
    split: str,
    clips: int,
    looks: int = 1,
    result: dict[str, Any] | None = None,
) -> None:
    """Add one line.

    Args:
        path: the log; None: ``PATH``.
        run: name of the run folder.
        config: what was evaluated.
        evaluation: one of ``EVALUATIONS``.
        corpus: title of the corpus, as a table names it.
        split: of that corpus.
        clips: how many were labelled.
        looks: how often they were, or will be.
        result: as ``rsc_core.evaluate`` returns it; None where it is not known yet.

    Raises:
        ValueError: there is no such kind of evaluation.
    """
    if evaluation not in EVALUATIONS:
        raise ValueError(f"evaluation must be one of {', '.join(EVALUATIONS)}, got {evaluation!r}")
    path = Path(path or PATH)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        scores = dict.fromkeys(("specificity", "sensitivity", "score", "other"), "")
        if result and result["measure"] == "score":
            scores |= {key: f"{result[key]:.2f}" for key in ("specificity", "sensitivity", "score")}
        elif result:
            scores["other"] = f"{result['measure']} {result[result['measure']]:.2f}"
        writer.writerow(
            {
                "utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "run": run,
                "preset": config.preset,
                "seed": config.train.seed,
                "protocol": config.train.protocol,
                "evaluation": evaluation,
                "looks": looks,
                "corpus": corpus,
                "split": split,
                "clips": clips,
                **scores,
                "torch": version("torch"),
            }
        )


def touches(path: str | Path | None = None) -> dict[tuple[str, str], Counter]:
    """(corpus, split) -> how many looks each kind of evaluation took; empty where there is no log.

    Raises:
        ValueError: the log has other columns.
    """
    path = Path(path or PATH)
    counts: dict[tuple[str, str], Counter] = {}
    if not path.exists():
        return counts
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path} has the columns {reader.fieldnames}, expected {COLUMNS}; restore it from git")
        for row in reader:
            counts.setdefault((row["corpus"], row["split"]), Counter())[row["evaluation"]] += int(row["looks"])
    return counts
