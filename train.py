"""Train one preset on one corpus into one run folder.

    python train.py full    --corpus sprsound --data SPRSOUND --out runs/base --backbone small
    python train.py lora    --corpus icbhi    --data ICBHI    --out runs/lora
    python train.py --list
    python train.py lora --help

A run that was interrupted goes on with the same command and --resume.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from rsc_core.config import INITIALISATIONS, AudioConfig, DataConfig, TrainConfig, run_config
from rsc_core.parameters import trained_on_ast_base
from rsc_core.presets import PRESETS

AUDIO = ("window_s", "padding", "fade")
"""Options of ``AudioConfig`` that may differ from the backbone's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv == ["--list"]:
        return list_presets()
    if not argv or argv[0] not in PRESETS:
        asked_for_help = bool(argv) and argv[0] in ("-h", "--help")
        print(__doc__, file=sys.stdout if asked_for_help else sys.stderr)
        print(f"presets: {', '.join(PRESETS)}", file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2

    # Imported here so that a misspelt preset is answered at once.
    from rsc_core import checkpoint, data, engine, lineage, tuning
    from rsc_core.data.corpus import CorpusError

    preset = argv[0]
    parser, names = build_parser(preset)
    args = vars(parser.parse_args(argv[1:]))
    from_file = json.loads(Path(args["config"]).read_text()) if args["config"] else {}
    options = {kind: {**from_file.get(kind, {}), **_given(args, own)} for kind, own in names.items()}
    try:
        fresh = {"model": {"initialisation": args["initialisation"]}} if args["initialisation"] else {}
        config = run_config(preset, args["corpus"], args["backbone"], **options, **fresh)
        tuning.configure(config.tuning, config.tuning_options)  # refuses a bad value before the corpus is read
        config = lineage.inherit(config, _given(args, AUDIO))
        corpus = data.load(args["corpus"], args["data"])
        run = engine.fit(
            config, corpus, args["out"], args["resume"], tensorboard=args["tensorboard"], log=args["test_log"]
        )
    except (checkpoint.CheckpointError, CorpusError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ninterrupted; go on with: python train.py {shlex.join(argv)} --resume", file=sys.stderr)
        return 130
    out = engine.save(args["out"], run)
    if run.config.train.protocol == "paper":
        print(run.facts["protocol_label"])
    print(f"best epoch {run.facts['best_epoch']}; saved {out}")
    print(f"now: python -m rsc_core.evaluate {out} --corpus {args['corpus']} --data {shlex.quote(args['data'])}")
    return 0


def list_presets() -> int:
    """Print every preset with its four choices and what it trains."""
    print(
        "trained on AST-base (12 blocks of width 768, 1,024 frames, four classes; others at their own size), preset:"
    )
    for name, p in PRESETS.items():
        choices = f"{p.model} + {p.tuning} + {p.objective} + {p.features}"
        print(f"{trained_on_ast_base(name):>10,}  {name:18} {choices}: {p.summary}", flush=True)
    return 0


def build_parser(preset: str) -> tuple[argparse.ArgumentParser, dict[str, list[str]]]:
    """Return the preset's parser, and the names of its options of each kind."""
    from rsc_core import data, tuning
    from rsc_core.objectives import OBJECTIVES

    row = PRESETS[preset]
    parser = argparse.ArgumentParser(prog=f"train.py {preset}", description=row.summary)
    parser.add_argument("--corpus", required=True, choices=sorted(data.CORPORA))
    parser.add_argument("--data", required=True, help="folder of the corpus, as published")
    parser.add_argument("--out", required=True, help="run folder")
    parser.add_argument(
        "--backbone",
        default=row.backbone,
        help=f'checkpoint folder, hub name, or "small" for a fresh small model (default {row.backbone})',
    )
    for name in AUDIO:
        field = AudioConfig.__dataclass_fields__[name]
        allowed, default = field.metadata["allowed"], row.audio.get(name, field.default)
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=type(default),
            default=argparse.SUPPRESS,
            help=f"{allowed}; default: the backbone's, or {default} if fresh",
        )
    parser.add_argument("--initialisation", choices=INITIALISATIONS, help="of a fresh transformer (default xavier)")
    parser.add_argument("--config", help="JSON file with any of the groups below; the command line goes first")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--tensorboard", action="store_true", help="write event files into the run folder")
    parser.add_argument("--test-log", help="CSV that --test-curve and --protocol paper are noted in (default: ours)")
    group = parser.add_argument_group
    names = {
        "data": _add_options(group("data"), DataConfig, {}),
        "train": _add_options(group("training"), TrainConfig, row.train),
        "tuning_options": _add_options(
            group(f"tuning: {row.tuning}"), tuning.TUNINGS[row.tuning].Config, row.tuning_options
        ),
        "objective_options": _add_options(
            group(f"objective: {row.objective}"), OBJECTIVES[row.objective].Config, row.objective_options
        ),
    }
    return parser, names


def _add_options(group: argparse._ArgumentGroup, kind: type, overrides: dict[str, Any]) -> list[str]:
    """Add one flag per field of a config dataclass; returns the fields' names."""
    types = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if field.name == "faithful" and kind is TrainConfig:
            continue  # one flag for both, DataConfig's
        default = overrides.get(field.name, field.default)
        flag = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            action, text = argparse.BooleanOptionalAction, f"default {'on' if default else 'off'}"
            group.add_argument(flag, action=action, default=argparse.SUPPRESS, help=text)
            continue
        allowed = f"{field.metadata['allowed']}; " if "allowed" in field.metadata else ""
        several = isinstance(field.default, tuple)
        item = type(field.default[0]) if several else next(iter(get_args(types[field.name])), types[field.name])
        group.add_argument(
            flag,
            type=item,
            nargs="*" if several else None,
            default=argparse.SUPPRESS,
            metavar=item.__name__.upper(),
            help=f"{allowed}default {' '.join(map(str, default)) if several else default}",
        )
    return [field.name for field in dataclasses.fields(kind)]


def _given(args: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the options that stood on the command line."""
    return {name: tuple(args[name]) if isinstance(args[name], list) else args[name] for name in names if name in args}


if __name__ == "__main__":
    sys.exit(main())
