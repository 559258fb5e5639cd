"""Which explanations of a model can be believed: ``python -m rsc_core.explain {score,table}``.

    python -m rsc_core.explain score --corpus sprsound --data SPRSOUND --model checkpoints/sprsound-base
    python -m rsc_core.explain score --corpus synthetic --model checkpoints/sprsound-base
    python -m rsc_core.explain table checkpoints/sprsound-base checkpoints/icbhi-lora

``score`` writes ``explain.json`` into the model's folder, one entry a corpus; ``table`` prints such files as Markdown.
A killed ``score`` goes on with the same command: what was measured is in ``explain_CORPUS.jsonl`` beside it.
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
from rsc_core.explain import score, standing


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.explain", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    scoring = commands.add_parser("score", help="score every method of explaining a model over a corpus")
    scoring.add_argument("--corpus", required=True, choices=[*sorted(data.CORPORA), score.SYNTHETIC])
    scoring.add_argument("--data", help=f"folder of the corpus; {score.SYNTHETIC} needs none")
    scoring.add_argument("--model", required=True, help="run folder")
    scoring.add_argument(
        "--cycles", type=int, default=200, help="test cycles, and windows of known sound, at most (default 200)"
    )
    scoring.add_argument("--seed", type=int, default=0, help="of the draw of cycles and of the random orders")
    scoring.add_argument("--device", default="auto")
    scoring.add_argument("--out", help=f"folder of {standing.RESULTS} and the records (default: the run folder)")
    tabling = commands.add_parser("table", help="print what was scored as Markdown")
    tabling.add_argument("runs", nargs="+", metavar="CHECKPOINT", help="run folder that was scored")
    args = parser.parse_args(argv)
    try:
        if args.command == "table":
            print("\n\n".join(table for run in args.runs for table in _tables(run)))
            return 0
        if args.cycles < 1:
            parser.error(f"--cycles must be at least 1, got {args.cycles}")
        if args.corpus != score.SYNTHETIC and not args.data:
            parser.error(f"--data is needed: the folder of {args.corpus}")
        corpus = None if args.corpus == score.SYNTHETIC else data.load(args.corpus, args.data)
        result = score.score(args.model, corpus, args.cycles, args.seed, args.device, args.out)
    except (AudioError, CheckpointError, CorpusError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(standing.markdown(Path(args.model).resolve().name, standing.tabulate(result)))
    return 0


def _tables(run: str) -> list[str]:
    results = standing.read(run)
    if not results:
        raise ValueError(f"{run} was not scored with the weights it holds: run python -m rsc_core.explain score first")
    return [standing.markdown(Path(run).resolve().name, standing.tabulate(result)) for result in results.values()]


if __name__ == "__main__":
    sys.exit(main())
