"""Which explanations of a model can be believed: ``python -m rsc_core.explain score``.

    python -m rsc_core.explain score --corpus sprsound --data SPRSOUND --model checkpoints/sprsound-base
    python -m rsc_core.explain score --corpus synthetic --model checkpoints/sprsound-base

Writes ``explain.json`` into the model's folder, one entry a corpus and replacement, and prints the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rsc_core import data
from rsc_core.audio import AudioError
from rsc_core.checkpoint import CheckpointError
from rsc_core.data.corpus import CorpusError
from rsc_core.explain import perturb, score

SYNTHETIC = "synthetic"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.explain", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    scoring = commands.add_parser("score", help="score every method of explaining a model over a corpus")
    scoring.add_argument("--corpus", required=True, choices=[*sorted(data.CORPORA), SYNTHETIC])
    scoring.add_argument("--data", help=f"folder of the corpus; {SYNTHETIC} needs none")
    scoring.add_argument("--model", required=True, help="run folder")
    scoring.add_argument("--cycles", type=int, default=200, help="test cycles drawn (default 200)")
    scoring.add_argument("--fill", choices=list(perturb.FILLS), default="local_mean", help="what replaces a tile")
    scoring.add_argument("--seed", type=int, default=0, help="of the draw of cycles and of the random orders")
    scoring.add_argument("--device", default="auto")
    scoring.add_argument("--out", help=f"JSON file to add the result to (default: {score.RESULTS} in the run folder)")
    args = parser.parse_args(argv)
    if args.cycles < 1:
        parser.error(f"--cycles must be at least 1, got {args.cycles}")
    if args.corpus != SYNTHETIC and not args.data:
        parser.error(f"--data is needed: the folder of {args.corpus}")
    try:
        corpus = None if args.corpus == SYNTHETIC else data.load(args.corpus, args.data)
        result = score.score(args.model, corpus, args.cycles, args.fill, args.seed, args.device)
    except (AudioError, CheckpointError, CorpusError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    score.write(args.out or Path(args.model) / score.RESULTS, f"{args.corpus} {args.fill}", result)
    print(score.table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
