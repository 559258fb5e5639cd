import math
from collections import Counter

import numpy as np
import pytest

from rsc_core import data
from rsc_core import sprsound_tasks as tasks
from rsc_core.cycles import read_sprsound
from rsc_core.data import sprsound


def cases(*rows):
    """(labels, predictions) from (label, prediction, how many) rows."""
    return [label for label, _, n in rows for _ in range(n)], [guess for _, guess, n in rows for _ in range(n)]


def test_the_five_values_by_hand():
    """SE 3/4, SP 1/2: AS 62.5, HS 2 * .75 * .5 / 1.25 = 60, Score 61.25."""
    result = tasks.evaluate(
        "1-2",
        *cases(("Wheeze", "Wheeze", 3), ("Wheeze", "Normal", 1), ("Normal", "Normal", 2), ("Normal", "Wheeze", 2)),
    )
    assert result == pytest.approx(
        {"sensitivity": 75, "specificity": 50, "average": 62.5, "harmonic": 60, "score": 61.25, "cases": 8}
    )


def test_published_matrix_gives_its_published_score():
    """A 2023 entry's confusion image on inter, task 1-1: SE .99, SP .73 are read as Score 85.0."""
    labels, predictions = cases(
        ("Wheeze", "Wheeze", 99), ("Wheeze", "Normal", 1), ("Normal", "Normal", 73), ("Normal", "Wheeze", 27)
    )
    assert round(tasks.evaluate("1-1", labels, predictions)["score"], 1) == 85.0


@pytest.mark.parametrize("task", tasks.TASKS)
def test_always_normal_scores_25_and_perfect_100(task):
    labels = sorted(set(tasks.TASKS[task])) * 3
    normal = tasks.evaluate(task, labels, ["Normal"] * len(labels))
    assert (normal["average"], normal["harmonic"], normal["score"]) == (50, 0, 25)
    assert tasks.evaluate(task, labels, labels)["score"] == 100


def test_the_exact_class_counts_only_where_the_task_asks_for_it():
    labels, predictions = cases(("Fine Crackle", "Wheeze", 4), ("Normal", "Normal", 4))
    assert tasks.evaluate("1-1", labels, predictions)["sensitivity"] == 100
    assert tasks.evaluate("1-2", labels, predictions)["sensitivity"] == 0
    labels, predictions = cases(("CAS", "CAS & DAS", 4), ("Normal", "Normal", 4))
    assert tasks.evaluate("2-1", labels, predictions)["sensitivity"] == 100
    assert tasks.evaluate("2-2", labels, predictions)["sensitivity"] == 0


def test_sensitivity_is_pooled_not_the_mean_of_the_classes():
    labels, predictions = cases(("Wheeze", "Wheeze", 9), ("Stridor", "Normal", 1), ("Normal", "Normal", 1))
    assert tasks.evaluate("1-2", labels, predictions)["sensitivity"] == 90


def test_four_classes_do_for_task_1_1_only():
    labels = ["Normal", "Rhonchi", "Wheeze+Crackle"]
    assert tasks.evaluate("1-1", labels, ["normal", "wheeze", "both"])["score"] == 100
    assert tasks.evaluate("1-1", labels, ["Normal", "Adventitious", "Adventitious"])["score"] == 100
    with pytest.raises(ValueError, match="task 1-2 knows Normal.*; got both, normal, wheeze"):
        tasks.evaluate("1-2", labels, ["normal", "wheeze", "both"])


@pytest.mark.parametrize("task", ["2-1", "2-2"])
def test_poor_quality_enters_neither_side_but_is_an_error_elsewhere(task):
    rows = [("Normal", "Normal", 8), ("DAS", "DAS", 6), ("Normal", "Poor Quality", 2), ("DAS", "Poor Quality", 4)]
    without = tasks.evaluate(task, *cases(*rows))
    assert (without["specificity"], without["sensitivity"]) == (80, 60)
    assert math.isnan(without["poor_quality_recall"])
    poor = tasks.evaluate(task, *cases(*rows, ("Poor Quality", "Normal", 3), ("Poor Quality", "Poor Quality", 1)))
    assert (poor["specificity"], poor["sensitivity"], poor["poor_quality_recall"]) == (80, 60, 25)
    assert poor["cases"] == without["cases"] + 4


def test_splits_alone_and_pooled():
    labels, predictions = cases(("Wheeze", "Wheeze", 2), ("Normal", "Normal", 2), ("Wheeze", "Normal", 2))
    result = tasks.by_split("1-1", labels, predictions, ["intra"] * 4 + ["inter"] * 2)
    assert list(result) == ["inter", "intra", "pooled"]
    assert result["intra"]["score"] == 100
    assert result["pooled"] == tasks.evaluate("1-1", labels, predictions)
    assert (result["pooled"]["sensitivity"], result["pooled"]["specificity"]) == (50, 100)


def test_absent_sides_empty_input_and_nothing_right_are_defined():
    only_normal = tasks.evaluate("1-1", ["Normal"], ["Normal"])
    assert only_normal["specificity"] == 100
    assert math.isnan(only_normal["sensitivity"]) and math.isnan(only_normal["score"])
    assert math.isnan(tasks.evaluate("2-2", [], [])["score"])
    assert tasks.evaluate("1-1", ["Normal", "Wheeze"], ["Wheeze", "Normal"])["score"] == 0


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="no SPRSound task '3-1'; choose one of 1-1, 1-2, 2-1, 2-2"):
        tasks.evaluate("3-1", [], [])
    with pytest.raises(ValueError, match="one prediction per label, got 1 for 2"):
        tasks.evaluate("1-1", ["Normal", "Wheeze"], ["Normal"])
    with pytest.raises(ValueError, match="got 1 and 2 for 1"):
        tasks.by_split("1-1", ["Normal"], ["Normal"], ["intra", "inter"])


def test_shorter_than_1_08_s_scores_as_the_corpus_notes_say(real_data):
    clips = [c for c in data.load("sprsound", real_data / "sprsound").clips if c.split != "train"]
    shorter = np.where([c.end_s - c.start_s < 1.08 for c in clips], "Adventitious", "Normal")
    result = tasks.by_split("1-1", [c.kind for c in clips], shorter, [c.split for c in clips])
    assert round(result["inter"]["score"], 1) == 77.0
    assert round(result["intra"]["score"], 1) == 82.1
    assert [result[split]["cases"] for split in ("intra", "inter", "pooled")] == [1004, 1429, 2433]


def test_record_labels_of_the_corpus_are_the_tasks(real_data):
    """Counts as published; every label is known to tasks 2-1 and 2-2."""
    found = {}
    for split, (_, folder) in sprsound.SPLITS.items():
        paths = (real_data / "sprsound" / folder).glob("*.json")
        found[split] = Counter(read_sprsound(path)[0] for path in paths)
    published = {"train": (1303, 177, 126, 248, 95), "intra": (241, 2, 42, 75, 19), "inter": (241, 8, 65, 24, 17)}
    assert found == {split: dict(zip(tasks.RECORDS, row, strict=True)) for split, row in published.items()}
