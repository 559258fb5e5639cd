"""Results to tables in Markdown: ``python -m rsc_core.report`` rewrites the generated parts of the two READMEs.

A generated part stands between ``<!-- table: NAME -->`` and ``<!-- /table -->``; ``TABLES`` holds what makes it, from
the committed ``checkpoints/*/rsc.json``, ``metrics.json`` and ``test_log.csv``. ``--study DIR/results.json`` prints a
study's table instead: published, reproduced (protocol paper) and validated numbers in columns of their own, the mean
and standard deviation over seeds with their number, and for a single run its interval over patients.

All numbers are percent, "-" stands for what was not measured.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rsc_core import atomic, published, test_log
from rsc_core.config import PROTOCOLS
from rsc_core.metrics import FEWEST_CASES
from rsc_core.presets import PRESETS

ROOT = Path(__file__).parents[1]
README_FILES = ("README.md", "checkpoints/README.md")
METRICS = ("specificity", "sensitivity", "score")
ORIGINS = {"paper": "reproduced", "validated": "validated", "last": "last epoch"}
"""Protocol -> column of a study's table, in this order, behind "published"."""


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; every row has as many cells as the header."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(value: float | None) -> str:
    """Return one decimal, or "-" where there is no number."""
    return "-" if value is None or math.isnan(value) else f"{value:.1f}"


def spread(values: Sequence[float]) -> str:
    """Return the mean and, for two or more values, their standard deviation (n - 1)."""
    mean = percent(statistics.fmean(values))
    return mean if len(values) == 1 else f"{mean} ± {percent(statistics.stdev(values))}"


def trivial_rows(result: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Name -> specificity, sensitivity, score of what needs no model, of one evaluation."""
    return result.get("trivial", {})


def shipped(checkpoints: Path, every: bool = False) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(name, facts, evaluation) of every test split a shipped model was evaluated on.

    Without ``every``, only evaluations that have a Score: those of label sets with a class "normal".
    Models that learned from fewer corpora come first, then the presets' order.
    """
    entries = []
    for path in checkpoints.glob("*/rsc.json"):
        facts = json.loads(path.read_text())
        results = json.loads(path.with_name("metrics.json").read_text())
        order = len(facts["learned_from"]), list(PRESETS).index(facts["config"]["preset"]), path.parent.name
        entries += [(order, path.parent.name, facts, r) for r in results.values() if r["split"] != "validation"]
    entries.sort(key=lambda entry: entry[0])
    return [entry[1:] for entry in entries if every or entry[3].get("measure", "score") == "score"]


def models_table(root: Path) -> str:
    """Return the table of the shipped models, the trivial rows under each test split."""
    entries = shipped(root / "checkpoints")
    equalised = any("equalised" in result for _, _, result in entries)
    header = "model|parameters|trained|corpus|split|protocol|Sp|Se|Score|95 % over patients".split("|")
    header += ["Score, equal lengths"] if equalised else []
    rows = []
    for place in dict.fromkeys((r["corpus"], r["split"]) for _, _, r in entries):
        here = [entry for entry in entries if (entry[2]["corpus"], entry[2]["split"]) == place]
        for name, facts, result in here:
            same = result.get("equalised", {})
            rows.append(_model_row(name, facts, result, _split_text(facts, result), same if equalised else None))
            for part, found in result.get("per_split", {}).items():
                text = f"of these {part}, {found['cycles']:,} clips, {found['patients']} patients"
                same_part = same.get("per_split", {}).get(part, {})
                rows.append(_model_row(name, facts, {**result, **found}, text, same_part if equalised else None))
        result = here[0][2]
        for name, trivial in trivial_rows(result).items():
            cells = [f"*{name}*", "", "", result["corpus"], "the same clips", ""]
            same = result.get("equalised", {}).get("trivial", {}).get(name, {}).get("score")
            scores = [percent(trivial[key]) for key in METRICS]
            rows.append([*cells, *scores, "", *([percent(same)] if equalised else [])])
    return markdown(header, rows)


def _model_row(name, facts, result, split_text, equal_lengths: dict[str, Any] | None) -> list[str]:
    low, high = result["score_interval"]
    return [
        f"`{name}`",
        f"{facts['parameters']:,}",
        f"{facts['trainable']:,}",
        result["corpus"],
        split_text,
        facts["protocol"],
        percent(result["specificity"]),
        percent(result["sensitivity"]),
        f"**{percent(result['score'])}**",
        f"{percent(low)} to {percent(high)}",
        *([] if equal_lengths is None else [percent(equal_lengths.get("score"))]),
    ]


def scores_table(root: Path) -> str:
    """Return the short table: model, what it learned from, Score beside always saying normal."""
    rows = []
    for name, facts, result in shipped(root / "checkpoints"):
        low, high = result["score_interval"]
        rows.append(
            [
                f"`{name}`",
                " → ".join(facts["learned_from"]),
                f"{facts['trainable']:,}",
                f"{result['corpus']}, {result['split']}",
                f"{percent(result['score'])} ({percent(low)} to {percent(high)})",
                percent(max(row["score"] for row in result["trivial"].values())),
            ]
        )
    header = [
        "model",
        "learned from",
        "trained parameters",
        "tested on",
        "Score (95 % over patients)",
        "best trivial row",
    ]
    return markdown(header, rows)


def tasks_table(root: Path) -> str:
    """Return SPRSound's own Scores of the shipped models, for each of its event tasks and test splits."""
    rows = []
    for name, facts, result in shipped(root / "checkpoints", every=True):
        for task, parts in result.get("tasks", {}).items():
            cells = [f"`{name}`", f"{facts['parameters']:,}", str(len(facts["config"]["model"]["classes"])), task]
            rows.append([*cells, *(percent(parts[part]["score"]) for part in ("inter", "intra", "pooled"))])
    header = ["model", "parameters", "classes", "task", "inter", "intra", "pooled"]
    return markdown(header, rows or [["-"] * len(header)])


def devices_table(root: Path) -> str:
    """Return Sp, Se and Score of the shipped models for each stethoscope."""
    return _groups_table(root, "per_device", "device")


def locations_table(root: Path) -> str:
    """Return Sp, Se and Score of the shipped models for each place on the chest."""
    return _groups_table(root, "per_location", "place on the chest")


def _groups_table(root: Path, key: str, title: str) -> str:
    """One row a model and group; "-" for groups of fewer than five clips, and where none was measured apart."""
    rows = []
    for name, _, result in shipped(root / "checkpoints"):
        for group, found in result.get(key, {}).items():
            enough = found["cycles"] >= FEWEST_CASES
            scores = [percent(found[measure] if enough else None) for measure in METRICS]
            rows.append([f"`{name}`", result["corpus"], group, f"{found['cycles']:,}", *scores])
    return markdown(["model", "corpus", title, "clips", "Sp", "Se", "Score"], rows or [["-"] * 7])


def touches_table(root: Path) -> str:
    """Return how often each test split was labelled, by kind, from the test log."""
    touches = test_log.touches(root / "checkpoints" / "test_log.csv")
    rows = [
        [corpus, split, *(f"{counts[kind]:,}" for kind in test_log.EVALUATIONS), f"{counts.total():,}"]
        for (corpus, split), counts in sorted(touches.items())
    ]
    return markdown(["corpus", "split", "evaluations", "test curves", "paper protocol", "looks"], rows)


def tunings_table(root: Path) -> str:
    """Return what every preset trains on AST-base, beside LoRA-RSC's published column."""
    return f"{markdown(*published.table())}\n\n{published.unreached()}"


TABLES: dict[str, Callable[[Path], str]] = {
    "models": models_table,
    "scores": scores_table,
    "tasks": tasks_table,
    "devices": devices_table,
    "locations": locations_table,
    "touches": touches_table,
    "tunings": tunings_table,
}


def fill(text: str, root: Path = ROOT) -> str:
    """Return a text with every generated part made anew.

    Raises:
        ValueError: a marker names no table, or a part does not end.
    """
    opened, closed = re.findall(r"<!-- table: (.*?) -->", text), text.count("<!-- /table -->")
    if len(opened) != closed:
        raise ValueError(
            f"{len(opened)} tables begin and {closed} end; every <!-- table: NAME --> needs <!-- /table -->"
        )
    for name in opened:
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}; choose one of {', '.join(TABLES)}")

    def table(match: re.Match) -> str:
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]](root)}\n<!-- /table -->"

    return re.sub(r"<!-- table: (.*?) -->\n.*?<!-- /table -->", table, text, flags=re.S)


def study_report(results: dict[str, Any]) -> str:
    """Return a study's tables, one for each corpus and split, with what they differ in from their source."""
    records = results["records"]
    if not records:
        return f"# {results['title']}\n\nNo run is done yet, of {results['planned']}."
    parts = [f"# {results['title']}", f"{len(records)} of {results['planned']} runs."]
    parts += [f"Source: {results['source']}"] if results["source"] else []
    used = [protocol for protocol in ORIGINS if any(r["protocol"] == protocol for r in records)]
    parts.append("\n".join(f"* {ORIGINS[protocol]}: {PROTOCOLS[protocol]}" for protocol in used))
    for place in dict.fromkeys((r["corpus"], r["split"]) for r in records):
        here = [r for r in records if (r["corpus"], r["split"]) == place]
        told = " / ".join(_keys(here[0]["metrics"]))
        parts.append(f"## {place[0]}, {place[1]}\n\nPercent: {told}\n\n{study_table(here, used)}")
    if results["differs"]:
        parts.append(
            "These runs differ from their source:\n\n" + "\n".join(f"* {line}" for line in results["differs"])
        )
    return "\n\n".join(parts) + "\n"


def study_table(records: Sequence[dict[str, Any]], protocols: Sequence[str]) -> str:
    """Return one table of a study's records on one split, the trivial rows at its end."""
    header = ["model", "trained parameters", "published", *(ORIGINS[protocol] for protocol in protocols)]
    curves = any(r["selection_gap"] for r in records)
    header += ["selection gap"] if curves else []
    ranked = len(protocols) == 1 and all("abnormal" in r["metrics"].get("auroc", {}) for r in records)
    header += ["AUROC of abnormal"] if ranked else []
    rows = []
    for name in dict.fromkeys(r["row"] for r in records):
        mine = [r for r in records if r["row"] == name]
        cells = [_cell([r["metrics"] for r in mine if r["protocol"] == protocol]) for protocol in protocols]
        gaps = [r["selection_gap"] for r in mine if r["selection_gap"] and r["protocol"] != "paper"]
        measures = {gap.get("measure", "score") for gap in gaps} - {"score"}  # what a run was chosen by, if not that
        text = " ".join([spread([gap["gap"] for gap in gaps]), *(f"({m})" for m in sorted(measures))]) if gaps else "-"
        cells += [text] if curves else []
        cells += [spread([r["metrics"]["auroc"]["abnormal"] for r in mine])] if ranked else []
        rows.append([name, f"{mine[0]['trainable']:,}", _triple(mine[0]["published"]), *cells])
    for name, trivial in trivial_rows(records[0]["metrics"]).items():
        cells = [_triple(trivial)] * len(protocols)  # nothing is chosen for these, so they hold under every protocol
        rows.append([f"*{name}*", "", "", *cells, *[""] * (curves + ranked)])
    return markdown(header, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsc_core.report", description=__doc__.split("\n")[0])
    parser.add_argument("--study", metavar="RESULTS", help="print the tables of a study's results.json instead")
    args = parser.parse_args(argv)
    try:
        if args.study:
            print(study_report(json.loads(Path(args.study).read_text(encoding="utf-8"))), end="")
            return 0
        for name in README_FILES:
            text = (ROOT / name).read_text(encoding="utf-8")
            filled = fill(text)
            atomic.write_text(ROOT / name, filled)
            print(f"{name}: {'rewritten' if filled != text else 'as it was'}")
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _split_text(facts: dict[str, Any], result: dict[str, Any]) -> str:
    kind = facts["config"].get("data", {}).get("split", "official")
    known = f", {result['overlap']} of them learned from too" if result.get("overlap") else ""
    return f"{kind} {result['split']}, {result['cycles']:,} clips, {result['patients']} patients{known}"


def _keys(result: dict[str, Any]) -> tuple[str, ...]:
    """What a result is told by: Sp, Se and Score, or the one measure of a label set without a normal class."""
    measure = result.get("measure", "score")
    return METRICS if measure == "score" else (measure,)


def _bold_last(values: Sequence[str]) -> str:
    return " / ".join([*values[:-1], f"**{values[-1]}**"])


def _triple(result: dict[str, float]) -> str:
    keys = METRICS if "score" in result else tuple(result)
    return _bold_last([percent(result.get(key)) for key in keys]) if result else "-"


def _cell(results: Sequence[dict[str, Any]]) -> str:
    """Sp / Se / Score over runs, and how many; for a single run the interval of its Score."""
    if not results:
        return "-"
    text = _bold_last([spread([r[key] for r in results]) for key in _keys(results[0])])
    note = f"n {len(results)}"
    if len(results) == 1 and "score_interval" in results[0]:
        low, high = results[0]["score_interval"]
        note = f"{percent(low)} to {percent(high)}, n 1"
    return f"{text} ({note})"


if __name__ == "__main__":
    sys.exit(main())
