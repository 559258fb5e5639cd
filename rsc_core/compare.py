"""Is one run better than another? ``python -m rsc_core.compare RUN OTHER --corpus icbhi``.

Reads what ``rsc_core.evaluate`` wrote into both folders, so no test split is looked at again.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsc_core import data, significance
from rsc_core.evaluate import predictions_path

CASE = ("recording", "start_s", "end_s", "label")


def compare(run: str | Path, other: str | Path, corpus: str, split: str = "test") -> dict[str, Any]:
    """Return how much higher the second run's Score is, with a paired interval over patients, and McNemar's test.

    Args:
        run: folder of the first run.
        other: folder of the second.
        corpus: key of ``rsc_core.data.CORPORA``.
        split: that both were evaluated on.

    Returns:
        "score": ``significance.difference``, "mcnemar": ``significance.mcnemar``, "clips": how many.

    Raises:
        ValueError: a run was not evaluated on this split, or the two were evaluated on other clips or classes.
    """
    (classes, first), (others, second) = (_read(predictions_path(r, corpus, split)) for r in (run, other))
    if classes != others or [[row[key] for key in CASE] for row in first] != [
        [row[key] for key in CASE] for row in second
    ]:
        raise ValueError(
            f"{run} and {other} were not evaluated on the same clips and classes of {corpus} {split}; evaluate both "
            "on the same data folder"
        )
    labels = [classes.index(row["label"]) for row in first]
    answers = [[classes.index(row["prediction"]) for row in rows] for rows in (first, second)]
    patients = [row["patient"] for row in first]
    return {
        "score": significance.difference(labels, *answers, patients, classes),
        "mcnemar": significance.mcnemar(labels, *answers),
        "clips": len(labels),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.compare", description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("other")
    parser.add_argument("--corpus", required=True, choices=sorted(data.CORPORA))
    parser.add_argument("--split", default="test")
    args = parser.parse_args(argv)
    try:
        result = compare(args.run, args.other, args.corpus, args.split)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    score, mcnemar = result["score"], result["mcnemar"]
    print(
        f"{result['clips']:,} clips. Score of {args.other} minus {args.run}: {score['estimate']:+.2f} (95 % over "
        f"patients {score['low']:+.2f} to {score['high']:+.2f}, p {score['p']:.3f})\n"
        + "McNemar, exact: "
        + ", ".join(f"{name} {value:.3g}" for name, value in mcnemar.items())
    )
    return 0


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """(classes, rows) of a predictions file."""
    if not path.exists():
        raise ValueError(f"{path} is missing; evaluate that run first: python -m rsc_core.evaluate {path.parent} …")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        names = list(reader.fieldnames)
    return names[names.index("prediction") + 1 :], rows


if __name__ == "__main__":
    sys.exit(main())
