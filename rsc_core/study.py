"""Presets x seeds x protocols: ``python -m rsc_core.study STUDY.json --out DIR --data icbhi=FOLDER``.

A study file is a ``Study`` in JSON; those of the reference tables are in ``rsc_core/studies``. Runs are trained one
after another, each in ``DIR/runs/NAME``, evaluated once on the test split, and gathered in ``DIR/results.json``, one
record a run. The same command goes on where it was stopped, even by kill -9: every file is replaced atomically, a
folder with ``rsc.json`` is trained, one whose ``metrics.json`` holds the test split is evaluated, and the results are
read from the folders alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsc_core import atomic, checkpoint, data, engine, evaluate, lineage, resume, tuning
from rsc_core.config import PROTOCOLS, RunConfig, from_json, plain, run_config, to_json
from rsc_core.data.corpus import Corpus, CorpusError
from rsc_core.objectives import OBJECTIVES
from rsc_core.presets import PRESETS

RESULTS = "results.json"
STATES = ("waiting", "started", "trained", "done")


@dataclass(frozen=True)
class Row:
    """One row of a study's table: a preset and what it overrides."""

    name: str
    preset: str
    train: dict[str, Any] = field(default_factory=dict)  # TrainConfig's, over the study's own
    tuning_options: dict[str, Any] = field(default_factory=dict)
    objective_options: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)  # ModelConfig's, of a fresh model
    audio: dict[str, Any] = field(default_factory=dict)  # AudioConfig's, over the study's own
    data: dict[str, Any] = field(default_factory=dict)  # DataConfig's, over the study's own
    after: str = ""  # the row whose run of the same corpus, protocol and seed is this one's backbone
    published: dict[str, float] = field(default_factory=dict)  # specificity, sensitivity, score in percent

    def __post_init__(self):
        unknown = sorted(set(self.published) - {"specificity", "sensitivity", "score"})
        if unknown:
            raise ValueError(f"published has no {', '.join(unknown)}; it takes specificity, sensitivity, score")


@dataclass(frozen=True)
class Study:
    """Rows x corpora x protocols x seeds, and what all of them share."""

    title: str
    rows: tuple[Row, ...]
    backbone: str  # as train.py takes it
    seeds: tuple[int, ...]
    corpora: tuple[str, ...] = ("icbhi",)
    protocols: tuple[str, ...] = ("validated",)
    source: str = ""  # where the published numbers and hyper-parameters stand
    differs: tuple[str, ...] = ()  # in what these runs differ from the source
    train: dict[str, Any] = field(default_factory=dict)  # TrainConfig's
    audio: dict[str, Any] = field(default_factory=dict)  # AudioConfig's, over the backbone's
    data: dict[str, Any] = field(default_factory=dict)  # DataConfig's: label set, split, stethoscope, few-shot
    objective_options: dict[str, dict[str, Any]] = field(default_factory=dict)  # objective -> its Config's
    model: dict[str, Any] = field(default_factory=dict)  # ModelConfig's, of every row that starts from a fresh model
    part: str = "test"  # what a run is evaluated on; "validation" while a recipe is chosen

    def __post_init__(self):
        rows = tuple(row if isinstance(row, Row) else _build(Row, row) for row in self.rows)
        object.__setattr__(self, "rows", rows)
        for name in ("seeds", "corpora", "protocols", "differs"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("rows", "seeds", "corpora", "protocols"):
            values = [row.name for row in rows] if name == "rows" else getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must be one or more different values, got {', '.join(map(str, values))}")
        if self.part not in ("test", "validation"):
            raise ValueError(f'part must be "test" or "validation", got {self.part!r}')
        if unknown := sorted(set(self.objective_options) - set(OBJECTIVES)):
            raise ValueError(
                f"objective_options: there is no {', '.join(unknown)}; choose of {', '.join(sorted(OBJECTIVES))}"
            )
        for i, row in enumerate(rows):
            if row.after and row.after not in [earlier.name for earlier in rows[:i]]:
                raise ValueError(f"row {row.name}: after names {row.after}, and no earlier row is called so")
        for name, known in (("corpora", data.CORPORA), ("protocols", PROTOCOLS)):
            if unknown := sorted(set(getattr(self, name)) - set(known)):
                raise ValueError(f"{name}: there is no {', '.join(unknown)}; choose of {', '.join(known)}")
        for options in (self.train, *(row.train for row in rows)):
            if taken := sorted({"seed", "protocol"} & set(options)):
                raise ValueError(f"train must not set {', '.join(taken)}; the study's seeds and protocols do")


@dataclass(frozen=True)
class Planned:
    """One run of a study."""

    row: Row
    config: RunConfig
    folder: Path
    part: str

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.folder.name

    @property
    def result(self) -> str:
        """Key of the run's result in its ``metrics.json``."""
        return f"{self.config.corpus} {self.part}"

    @property
    def labels(self) -> bool:
        """Whether the run learns to label clips; one that does not is a start for others and has no result."""
        return OBJECTIVES[self.config.objective].labels

    @property
    def state(self) -> str:
        """How far it has come: one of ``STATES``, read from its folder."""
        if (self.folder / checkpoint.FACTS).exists():
            if not self.labels:
                return "done"
            path = self.folder / evaluate.METRICS
            evaluated = path.exists() and self.result in json.loads(path.read_text())
            return "done" if evaluated else "trained"
        return "started" if (self.folder / resume.FILE).exists() else "waiting"


def read(path: str | Path) -> Study:
    """Return the study in a JSON file.

    Raises:
        ValueError: it is missing, not JSON, or a field is missing, unknown or out of range.
    """
    try:
        return _build(Study, json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(f"{path} is not there; expected a study, such as rsc_core/studies/lora_rsc.json") from None
    except (json.JSONDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def plan(study: Study, out: str | Path, backbone: str | None = None) -> list[Planned]:
    """Return a study's runs in the order they are trained; ``backbone`` replaces the study's.

    What a run that comes after another takes over from it is known once that is trained.

    Raises:
        ValueError: an option of a row is unknown or out of range.
    """
    runs = []
    for corpus in study.corpora:
        for row in study.rows:
            for protocol in study.protocols:
                for seed in study.seeds:
                    options = {**study.train, **row.train, "seed": seed, "protocol": protocol}
                    where = Path(out) / "runs"
                    before = str(where / f"{row.after}-{corpus}-{protocol}-{seed}") if row.after else ""
                    try:
                        shared = _shared_options(study, row)
                        config = run_config(
                            row.preset,
                            corpus,
                            before or backbone or study.backbone,
                            options,
                            row.tuning_options,
                            {**study.data, **row.data},
                            {**shared, **row.objective_options},
                            row.model if row.after else {**study.model, **row.model},
                        )
                        tuning.configure(config.tuning, config.tuning_options)
                        config = lineage.inherit(config, {**study.audio, **row.audio})
                    except (TypeError, ValueError) as error:
                        raise ValueError(f"row {row.name}: {error}") from error
                    folder = where / f"{row.name}-{corpus}-{protocol}-{seed}"
                    runs.append(Planned(row, config, folder, study.part))
    return runs


def run(
    study: Study,
    out: str | Path,
    folders: dict[str, str],
    backbone: str | None = None,
    progress: bool = True,
    tensorboard: bool = False,
    log: str | Path | None = None,
) -> list[dict[str, Any]]:
    """Train and evaluate what is not done yet, and return every run's record.

    Args:
        study: what to run.
        out: folder of the study.
        folders: corpus -> folder of its data.
        backbone: instead of the study's.
        progress: show progress bars.
        tensorboard: write event files into every run folder.
        log: test log; None: the committed one.

    Raises:
        ValueError: a corpus has no folder, or a run folder holds a run with other settings.
        CheckpointError, CorpusError: a backbone, run folder or corpus is not as expected.
    """
    runs = plan(study, out, backbone)
    missing = sorted({p.config.corpus for p in runs if p.state != "done"} - set(folders))
    if missing:
        raise ValueError(f"no folder for {', '.join(missing)}; pass --data {missing[0]}=FOLDER")
    for planned in runs:
        _check_settings(planned)
    corpora: dict[str, Corpus] = {}
    for index in range(len(runs)):
        runs = plan(study, out, backbone)
        planned = runs[index]
        if planned.state == "done":
            continue
        name = planned.config.corpus
        if name not in corpora:
            corpora[name] = data.load(name, folders[name])
        corpus = corpora[name]
        print(f"[{index + 1} of {len(runs)}] {planned.name}; {remaining(runs)}", flush=True)
        if planned.state != "trained":
            trained = engine.fit(planned.config, corpus, planned.folder, True, progress, tensorboard, log)
            engine.save(planned.folder, trained)
        if planned.labels:
            result = evaluate.evaluate(planned.folder, corpus, study.part, planned.config.train.device, log)
            print(evaluate.summary(result))
        write_results(study, runs, out)
    return write_results(study, runs, out)


def write_results(study: Study, runs: Sequence[Planned], out: str | Path) -> list[dict[str, Any]]:
    """Gather the runs that are done into ``results.json`` and return their records."""
    records = [record(planned) for planned in runs if planned.state == "done" and planned.labels]
    about = {name: getattr(study, name) for name in ("title", "source", "differs")}
    Path(out).mkdir(parents=True, exist_ok=True)
    atomic.write_json(Path(out) / RESULTS, {**about, "planned": len(runs), "records": records})
    return records


def record(planned: Planned) -> dict[str, Any]:
    """Return one done run as plain JSON values: what it was, what came out, where and at what cost."""
    facts = checkpoint.read_facts(planned.folder)
    metrics = json.loads((planned.folder / evaluate.METRICS).read_text())[planned.result]
    kept = "seed protocol protocol_label corpus best_epoch selection_gap parameters trainable".split()
    return {
        "run": planned.name,
        "row": planned.row.name,
        "preset": planned.config.preset,
        **{name: facts[name] for name in kept},
        "split": metrics["split"],
        "metrics": metrics,
        "published": planned.row.published,
        "settings": facts["config"],
        "environment": facts["environment"],
        "revision": facts["revision"],
        "cost": facts["cost"],
    }


def remaining(runs: Sequence[Planned]) -> str:
    """Return how many runs are left and, once one is trained, about how long they take, from runs of the same row."""
    seconds: dict[str, list[float]] = {}
    left = []
    for planned in runs:
        if planned.state in ("trained", "done"):
            cost = checkpoint.read_facts(planned.folder)["cost"]
            seconds.setdefault(planned.row.name, []).append(cost["wall_s"])
        else:
            left.append(planned.row.name)
    every = [s for group in seconds.values() for s in group]
    if not every:
        return f"{len(left)} to train"
    groups = [seconds.get(name, every) for name in left]
    minutes = round(sum(sum(group) / len(group) for group in groups) / 60)
    return f"{len(left)} to train, about {minutes // 60} h {minutes % 60:02} min"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.study", description=__doc__.split("\n")[0])
    parser.add_argument("study", help="study file, for example rsc_core/studies/lora_rsc.json")
    parser.add_argument("--out", required=True, help="folder for the runs and results.json")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help="folder of a corpus; repeat")
    parser.add_argument("--backbone", help="checkpoint folder or hub name instead of the study's")
    parser.add_argument("--list", action="store_true", help="show the runs and their state, and train nothing")
    parser.add_argument("--tensorboard", action="store_true", help="write event files into every run folder")
    parser.add_argument(
        "--test-log", help="CSV that looks at a test split are appended to (default: the committed one)"
    )
    args = parser.parse_args(argv)
    try:
        study = read(args.study)
        if args.list:
            runs = plan(study, args.out, args.backbone)
            for planned in runs:
                print(f"{planned.state:8} {planned.name}")
            print(remaining(runs))
            return 0
        wrong = [text for text in args.data if not all(text.partition("="))]
        if wrong:
            raise ValueError(f"--data expects NAME=DIR, for example icbhi=/data/icbhi, got {wrong[0]!r}")
        folders = dict(text.split("=", 1) for text in args.data)
        records = run(study, args.out, folders, args.backbone, True, args.tensorboard, args.test_log)
    except (checkpoint.CheckpointError, CorpusError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on", file=sys.stderr)
        return 130
    print(f"{len(records)} runs done: {Path(args.out) / RESULTS}; python -m rsc_core.report --study prints the table")
    return 0


def _shared_options(study: Study, row: Row) -> dict[str, Any]:
    """The study's options of the row's objective."""
    preset = PRESETS.get(row.preset)
    return study.objective_options.get(preset.objective, {}) if preset else {}


def _build(kind: type, values: Any) -> Any:
    """Build a dataclass of this module from JSON values, naming what is missing or unknown."""
    if not isinstance(values, dict):
        raise ValueError(f"expected an object with the fields of {kind.__name__}, got {type(values).__name__}")
    needed = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ValueError(f"{kind.__name__} lacks {', '.join(missing)}; it needs {', '.join(needed)}")
    return from_json(kind, values)


def _check_settings(planned: Planned) -> None:
    """Refuse a finished run that a changed study would train differently."""
    if planned.state not in ("trained", "done"):
        return
    stored = plain(checkpoint.read_facts(planned.folder)["config"])
    wanted = json.loads(json.dumps(to_json(planned.config)))
    for name in ("classes", "multi_label"):  # taken from the corpus
        wanted["model"][name] = stored["model"][name]
    wanted["objective"] = stored["objective"] if stored["model"]["multi_label"] else wanted["objective"]
    if planned.config.backbone == "small":
        wanted["features"] = stored["features"]  # a fresh model measures its own
    different = sorted(key for key in wanted if wanted[key] != stored.get(key))
    if different:
        raise ValueError(
            f"{planned.folder} holds a run with other settings ({', '.join(different)}). Delete the folder to "
            "train it again, or choose another --out."
        )


if __name__ == "__main__":
    sys.exit(main())
