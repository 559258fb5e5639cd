"""How the ways of explaining a model stand, from what was measured case by case: intervals, verdicts, tables.

A method beats the baselines where, under every filling, its insertion area exceeds its deletion area by more than
each baseline's does, with the whole interval. It wins a cycle where it does so against random tiles under every
filling. Intervals are bootstrapped over patients, paired (a synthesised window stands for a patient of its own).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rsc_core import atomic, checkpoint, significance
from rsc_core.analysis import ScoreTable, Standing
from rsc_core.explain.faithfulness import BASELINE_TITLES, BASELINES
from rsc_core.explain.perturb import FILL_TITLES
from rsc_core.explain.relevance import METHODS

RESULTS = "explain.json"
KINDS = {"band": "time and band", "time": "time"}


def summarise(settings: dict[str, Any], records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the result of records as ``score.measure`` returns them.

    Returns:
        The settings. Where cycles were followed, "faithfulness": "cycles", "patients" and "fills": filling -> method
        or baseline -> "deletion", "insertion" (mean areas, 0 to 1), "deletion_gain", "insertion_gain" over random
        tiles, and "over": baseline -> how much more insertion exceeds deletion than the baseline's; and "standing":
        method -> "wins" (share of cycles) and "beats_baselines". Where something is known to be somewhere,
        "ground_truth": "all" and "labelled_right" -> "windows", "patients", "methods": name -> "time", "band" ->
        means of "hit", "inside", both "_chance" and "_gain" over chance. What is uncertain has "estimate", "low",
        "high".
    """
    result: dict[str, Any] = {**settings}
    if followed := [record for record in records if "areas" in record]:
        result |= _faithfulness(followed, settings["methods"])
    if pointed := [record for record in records if "pointing" in record]:
        right = [record for record in pointed if record["right"]]
        result["ground_truth"] = {"all": _truth(pointed), "labelled_right": _truth(right)}
    return result


def _faithfulness(followed: Sequence[dict[str, Any]], methods: Sequence[str]) -> dict[str, Any]:
    """Return the entries "faithfulness" and "standing"."""
    patients = [record["patient"] for record in followed]
    names = (*BASELINES, *methods)
    fills: dict[str, dict[str, np.ndarray]] = {
        fill: {name: np.array([record["areas"][fill][name] for record in followed]) for name in names}
        for fill in FILL_TITLES
    }
    gained = {fill: {name: _gains(name, measured, patients) for name in measured} for fill, measured in fills.items()}
    standing = {}
    for name in methods:
        won = np.all([_exceeds(m[name] - m["random"]) > 0 for m in fills.values()], axis=0)
        beats = all(gain["low"] > 0 for found in gained.values() for gain in found[name]["over"].values())
        standing[name] = {"wins": significance.mean_interval(won, patients), "beats_baselines": beats}
    counts = {"cycles": len(followed), "patients": len(set(patients))}
    return {"faithfulness": {**counts, "fills": gained}, "standing": standing}


def write(path: str | Path, key: str, result: dict[str, Any]) -> None:
    """Put one result into a JSON file of several, replacing an earlier one of that key and those of other weights."""
    atomic.write_json(path, {**_read(Path(path), result["model"]), key: result})


def read(folder: str | Path) -> dict[str, dict[str, Any]]:
    """Return corpus -> result of a run folder; what was measured on other weights than it holds now is left out.

    Raises:
        CheckpointError: it is no run folder.
    """
    path = Path(folder) / RESULTS
    return _read(path, checkpoint.run_digest(folder)) if path.exists() else {}


def standings(results: dict[str, dict[str, Any]]) -> dict[str, tuple[Standing, ...]]:
    """Return, of what ``read`` returns, method -> how it stands over each corpus on whose cycles it was followed."""
    found: dict[str, tuple[Standing, ...]] = {}
    for result in results.values():
        if "standing" not in result:
            continue
        where = f"{result['faithfulness']['cycles']} cycles ({result['corpus']}, {result['split']})"
        for name, told in result["standing"].items():
            wins = told["wins"]
            one = Standing(where, wins["estimate"], wins["low"], wins["high"], told["beats_baselines"])
            found[name] = (*found.get(name, ()), one)
    return found


def tabulate(result: dict[str, Any]) -> ScoreTable:
    """Return the result over one corpus as a table: a row a baseline and method."""
    titles = {name: METHODS[name].title for name in result["methods"] if name in METHODS}
    told, columns = [], {}
    if "faithfulness" in result:
        titles = {**BASELINE_TITLES, **titles}
        told.append("{cycles} cycles of {patients} patients".format(**result["faithfulness"]))
        columns |= _faithful_columns(result)
    if truth := result.get("ground_truth", {}).get("all"):
        kind = next(k for k in KINDS if k in next(iter(truth["methods"].values())))
        told.append(f"ground truth ({KINDS[kind]}) in {truth['windows']} windows of {truth['patients']} patients")
        points = {name: found[kind] for name, found in truth["methods"].items()}
        columns["pointing game (chance)"] = {name: _against_chance(found, "hit") for name, found in points.items()}
        columns["relevance inside (chance)"] = {name: _against_chance(p, "inside") for name, p in points.items()}
    rows = ((title, *(column.get(order, "") for column in columns.values())) for order, title in titles.items())
    return ScoreTable(f"{result['corpus']}, {result['split']}: {'; '.join(told)}.", ("order", *columns), tuple(rows))


def markdown(name: str, table: ScoreTable) -> str:
    """Return a run's table as Markdown."""
    lines = [f"`{name}`, {table.about}", "", _row(table.heads), _row(["---"] * len(table.heads))]
    return "\n".join([*lines, *map(_row, table.rows)])


def _faithful_columns(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Heading -> method or baseline -> cell."""
    columns: dict[str, dict[str, str]] = {}
    for way in ("deletion", "insertion"):
        for fill, found in result["faithfulness"]["fills"].items():
            gains = {o: f" ({_interval(f[f'{way}_gain'], '+.3f')})" if o != "random" else "" for o, f in found.items()}
            columns[f"{way}, {FILL_TITLES[fill]}"] = {o: f"{f[way]:.3f}{gains[o]}" for o, f in found.items()}
    standing = result["standing"]
    columns["cycles won against random"] = {name: _interval(s["wins"], ".0%") for name, s in standing.items()}
    columns["beats all baselines"] = {name: "yes" if s["beats_baselines"] else "no" for name, s in standing.items()}
    return columns


def _read(path: Path, digest: str) -> dict[str, Any]:
    known = json.loads(path.read_text()) if path.exists() else {}
    return {key: result for key, result in known.items() if result["model"] == digest}


def _gains(name: str, measured: dict[str, np.ndarray], patients: Sequence[str]) -> dict[str, Any]:
    own = measured[name]
    less, more = (own - measured["random"]).T
    return {
        "deletion": float(own[:, 0].mean()),
        "insertion": float(own[:, 1].mean()),
        "deletion_gain": significance.mean_interval(-less, patients),
        "insertion_gain": significance.mean_interval(more, patients),
        "over": {b: significance.mean_interval(_exceeds(own - measured[b]), patients) for b in BASELINES},
    }


def _exceeds(areas: np.ndarray) -> np.ndarray:
    """(cycles, 2) deletion and insertion areas -> (cycles,): by how much insertion exceeds deletion."""
    return areas[:, 1] - areas[:, 0]


def _truth(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    patients = [record["patient"] for record in records]
    found: dict[str, Any] = {"windows": len(records), "patients": len(set(patients))}
    if not records:
        return found
    kinds = [kind for kind in records[0]["pointing"] if all(kind in record["pointing"] for record in records)]
    found["methods"] = {
        name: {kind: _pointing([record["pointing"][kind][name] for record in records], patients) for kind in kinds}
        for name in records[0]["pointing"]["time"]
    }
    return found


def _pointing(points: Sequence[dict[str, float]], patients: Sequence[str]) -> dict[str, Any]:
    values = {key: np.array([point[key] for point in points]) for key in points[0]}
    result: dict[str, Any] = {key: float(v.mean()) for key, v in values.items()}
    for key in ("hit", "inside"):
        result[f"{key}_gain"] = significance.mean_interval(values[key] - values[f"{key}_chance"], patients)
    return result


def _against_chance(points: dict[str, Any], key: str) -> str:
    gain = _interval(points[f"{key}_gain"], "+.2f")
    return f"{points[key]:.2f} ({points[f'{key}_chance']:.2f}; {gain})"


def _interval(found: dict[str, float], form: str) -> str:
    return f"{found['estimate']:{form}}, {found['low']:{form}} to {found['high']:{form}}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
