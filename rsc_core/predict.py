"""Score files: ``python -m rsc_core.predict FILE… [--model NAME] [--format csv]``, and the page's many files at once.

One row a cycle, and one for a file that cannot be used, which says why. A file's cycles come from the annotation
beside it (``.txt`` as ICBHI, ``.json`` as SPRSound) where there is one; else they are found in the sound, or are
windows of the model's length where no breathing is clear. The command line names bad files on stderr as well.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsc_core.analysis import Analysis
from rsc_core.audio import AudioError
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import CLASSES
from rsc_core.cycles import AnnotationError
from rsc_core.inference import Analyser, annotation_beside

COLUMNS = (
    "file",
    "cycle",
    "start_s",
    "end_s",
    "annotated",
    *CLASSES,
    "class",
    "crackle_present",
    "wheeze_present",
    "model",
    "warnings",
    "error",
)
"""Of a row: ``cycle`` counts from 1, ``annotated`` is the annotation's label, ``class`` the model's, and
``crackle_present`` P(crackle) + P(both)."""

ANNOTATIONS = (".txt", ".json")

Row = dict[str, object]


@dataclass(frozen=True)
class Source:
    """A sound file to score."""

    name: str  # what its rows call it
    path: str
    annotation: str | None = None
    problem: str = ""  # why it cannot be scored, where that is known beforehand


def rows(file: str, analysis: Analysis) -> Iterator[Row]:
    """Yield one row a cycle, with all of ``COLUMNS``."""
    present = zip(analysis.crackle_present, analysis.wheeze_present, strict=True)
    labelled = zip(analysis.cycles, analysis.probabilities, analysis.labels, present, strict=True)
    for number, (cycle, probabilities, label, (crackle, wheeze)) in enumerate(labelled, start=1):
        by_class = {name: round(float(p), 5) for name, p in zip(analysis.classes, probabilities, strict=True)}
        yield {
            "file": file,
            "cycle": number,
            "start_s": round(cycle.start_s, 3),
            "end_s": round(cycle.end_s, 3),
            "annotated": cycle.label,
            **by_class,
            "class": label,
            "crackle_present": round(float(crackle), 5),
            "wheeze_present": round(float(wheeze), 5),
            "model": analysis.model.name,
            "warnings": " ".join(analysis.recording.warnings),
            "error": None,
        }


def score(analyser: Analyser, sources: Iterable[Source], model: str | None = None) -> Iterator[list[Row]]:
    """Yield the rows of one file after the other; a file that cannot be used has one row with an error.

    Raises:
        CheckpointError: there is no such model, or it cannot be loaded.
    """
    for source in sources:
        problem = source.problem
        if not problem:
            try:
                analysis = analyser.analyse(source.path, model, source.annotation)
            except (AudioError, AnnotationError) as error:
                problem = str(error)
        if problem:
            known = {"file": source.name, "model": model or analyser.default, "error": problem}
            yield [dict.fromkeys(COLUMNS) | known]
        else:
            yield list(rows(source.name, analysis))


def paired(paths: Iterable[str]) -> tuple[list[Source], list[str]]:
    """Give each sound file the annotation of the same name, wherever either lies.

    Returns:
        The sound files in the order of ``paths``, and the names of annotations that belong to none of them.
    """
    by_stem, twins = defaultdict(list), Counter()
    sounds = []
    for path in map(Path, paths):
        by_stem[path.stem].append(path) if path.suffix.lower() in ANNOTATIONS else sounds.append(path)
    twins.update(path.stem for path in sounds)
    sources = []
    for path in sounds:
        found = by_stem.get(path.stem, [])
        names = [one.name for one in found]
        problem = ""
        if len(set(names)) < len(names):
            problem = f"There are several annotations called {max(names, key=names.count)}. Send each folder alone."
        elif found and twins[path.stem] > 1:
            problem = f"There are several recordings to which {names[0]} may belong. Send each folder alone."
        annotation = max(found, key=lambda one: one.suffix.lower() == ".txt", default=None)  # as annotation_beside
        sources.append(Source(path.name, str(path), str(annotation) if annotation else None, problem))
    used = {path.stem for path in sounds}
    return sources, [one.name for stem, found in by_stem.items() if stem not in used for one in found]


def as_csv(found: Iterable[Row]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 if any file could not be scored."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.predict", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="a folder's name under --checkpoints (default: the app's)")
    parser.add_argument("--checkpoints", default="checkpoints")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    args = parser.parse_args(argv)
    analyser = Analyser(args.checkpoints)
    sources = [Source(file, file, annotation_beside(file)) for file in args.files]
    writer = csv.DictWriter(sys.stdout, COLUMNS)
    failed = False
    try:
        for number, found in enumerate(score(analyser, sources, args.model)):
            if found[0]["error"]:
                print(f"{found[0]['file']}: {found[0]['error']}", file=sys.stderr)
                failed = True
            if args.format == "jsonl":
                print(*map(json.dumps, found), sep="\n")
                continue
            if not number:
                writer.writeheader()
            writer.writerows(found)
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
