"""Score files from the command line: ``python -m rsc_core.predict FILE… [--model NAME] [--format csv]``.

One line a cycle. A file's cycles come from the annotation beside it (``.txt`` as ICBHI, ``.json`` as SPRSound) where
there is one; else they are found in the sound, or are windows of the model's length where no breathing is clear. Bad
files are named on stderr with a sentence; the good ones are still scored.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence

from rsc_core.analysis import Analysis
from rsc_core.audio import AudioError
from rsc_core.checkpoint import CheckpointError
from rsc_core.cycles import AnnotationError
from rsc_core.inference import Analyser, annotation_beside


def rows(file: str, analysis: Analysis) -> Iterator[dict[str, object]]:
    """Yield one row a cycle: file, start_s, end_s, a probability per class, class, model."""
    for cycle, probabilities, label in zip(analysis.cycles, analysis.probabilities, analysis.labels, strict=True):
        yield {
            "file": file,
            "start_s": round(cycle.start_s, 3),
            "end_s": round(cycle.end_s, 3),
            **{name: round(float(p), 5) for name, p in zip(analysis.classes, probabilities, strict=True)},
            "class": label,
            "model": analysis.model.name,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 if any file could not be scored."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.predict", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="a folder's name under --checkpoints (default: the app's)")
    parser.add_argument("--checkpoints", default="checkpoints")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    args = parser.parse_args(argv)
    analyser = Analyser(args.checkpoints)
    writer = None
    failed = False
    for file in args.files:
        try:
            analysis = analyser.analyse(file, args.model, annotation_beside(file))
        except (AudioError, AnnotationError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            failed = True
            continue
        except CheckpointError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        for row in rows(file, analysis):
            if args.format == "jsonl":
                print(json.dumps(row))
                continue
            if writer is None:
                writer = csv.DictWriter(sys.stdout, list(row))
                writer.writeheader()
            writer.writerow(row)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
