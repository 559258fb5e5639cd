"""What storing a run in half precision changes: ``python -m rsc_core.half_precision RUN SHIPPED --corpus icbhi …``.

Both folders label the same clips, and the answers are compared with each other alone: no label is looked at, so this
is no look at a test split.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rsc_core import checkpoint, data, engine, evaluate
from rsc_core.audio import AudioError
from rsc_core.data.corpus import Corpus, CorpusError
from rsc_core.data.loader import Waveforms


@dataclass(frozen=True)
class Difference:
    """How two runs answer to the same clips."""

    clips: int
    predictions: int  # clips whose likeliest class differs
    largest: float  # difference of a probability, 0 to 1


def difference(
    run: str | Path, shipped: str | Path, corpus: Corpus, split: str = "test", device: str = "auto"
) -> Difference:
    """Label a split with a run and with what was shipped of it, in float32 both, and compare.

    Args:
        run: folder of full precision.
        shipped: what ``checkpoint.ship`` wrote of it.
        corpus: as ``rsc_core.data.load`` returns it.
        split: as of ``evaluate.evaluate``.
        device: "auto", "cpu" or "cuda".

    Raises:
        CheckpointError: a run folder is damaged.
        AudioError: a recording cannot be read.
        ValueError: the two have other settings, or the corpus has no such split.
    """
    whole, half = checkpoint.load(run), checkpoint.load(shipped)
    if whole.config != half.config:
        raise ValueError(f"{shipped} was trained with other settings than {run}; expected what was shipped of it")
    clips = evaluate.select(whole, corpus).part(split)
    waveforms, where = Waveforms(clips, whole.config.audio), engine.choose_device(device)
    answers = [
        engine.predict(loaded.model.to(where), whole.config, clips, waveforms, where) for loaded in (whole, half)
    ]
    predictions = [probabilities.argmax(axis=1) for probabilities in answers]
    different = int(np.count_nonzero(predictions[0] != predictions[1]))
    return Difference(len(clips), different, float(np.abs(answers[0] - answers[1]).max(initial=0)))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.half_precision", description=__doc__.split("\n")[0])
    parser.add_argument("run", help="run folder of full precision")
    parser.add_argument("shipped", help="what python -m rsc_core.checkpoint wrote of it")
    parser.add_argument("--corpus", required=True, choices=sorted(data.CORPORA))
    parser.add_argument("--data", required=True, help="folder of the corpus, as published")
    parser.add_argument("--split", default="test")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args(argv)
    try:
        corpus = data.load(args.corpus, args.data)
        found = difference(args.run, args.shipped, corpus, args.split, args.device)
    except (AudioError, checkpoint.CheckpointError, CorpusError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{found.predictions:,} of {found.clips:,} predictions differ; probabilities differ by {found.largest:.2g} at "
        "most"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
