"""Look at a corpus before training on it, or make one.

    python -m rsc_core.data audit --corpus icbhi --data ICBHI --out audit.png
    python -m rsc_core.data check --corpus sprsound --data SPRSOUND
    python -m rsc_core.data synthesise --out SYNTHETIC --count 1000
    python -m rsc_core.data cycles-score --corpus icbhi --data ICBHI --split test
    python -m rsc_core.data cycles-learn --data ICBHI

``audit`` prints and draws what a corpus holds; ``check`` compares a download with the complete corpus as published and
ends with status 1 if anything is wrong; ``synthesise`` writes a corpus of synthetic breaths as a table;
``cycles-score`` tells how well respiratory cycles are found without their annotation, ``cycles-learn`` prints what
finding them has learned from ICBHI's training recordings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rsc_core import data
from rsc_core.audio import AudioError
from rsc_core.data import audit, breaths, check, onsets, synthetic
from rsc_core.data.corpus import CorpusError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.data", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    auditing = commands.add_parser("audit", help="print, and draw, what a corpus holds")
    auditing.add_argument("--corpus", required=True, choices=sorted(data.CORPORA))
    auditing.add_argument("--out", help="PNG to draw to")
    checking = commands.add_parser("check", help="compare a download with the complete corpus")
    checking.add_argument("--corpus", required=True, choices=sorted(check.CHECKS))
    scoring = commands.add_parser("cycles-score", help="score the respiratory cycles found without an annotation")
    scoring.add_argument("--corpus", required=True, choices=("icbhi", "sprsound"))
    scoring.add_argument("--split", default="test", help="train or test; of SPRSound also intra or inter")
    learning = commands.add_parser("cycles-learn", help="print the weights by which respiratory cycles are found")
    for command in (auditing, checking, scoring, learning):
        command.add_argument("--data", required=True, help="folder of the corpus, or a table's CSV file")
    making = commands.add_parser("synthesise", help="write a corpus of synthetic breaths")
    making.add_argument("--out", required=True, help="folder to write to")
    making.add_argument("--count", type=int, default=1000, help="recordings of 12 s (default 1000)")
    making.add_argument("--seed", type=int, default=0, help="the same seed gives the same corpus (default 0)")
    making.add_argument(
        "--labels", choices=synthetic.LABELS, default="four", help="four classes (default) or SPRSound's seven types"
    )
    args = parser.parse_args(argv)
    if args.command == "synthesise":
        print(synthetic.write(args.out, args.count, args.seed, args.labels))
        return 0
    if args.command == "check":
        problems = check.check(args.corpus, args.data)
        print(check.report(problems))
        return 1 if problems else 0
    try:
        if args.command == "cycles-score":
            print(breaths.score(data.load(args.corpus, args.data), args.split))
        elif args.command == "cycles-learn":
            print(onsets.learn(breaths.recordings(data.load("icbhi", args.data), "train")))
        else:
            print(audit.audit(data.load(args.corpus, args.data), args.out))
    except (AudioError, CorpusError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
