"""What the tab Look inside says of clusters and of silencing them."""

import re

import numpy as np
import pytest

from rsc_core.analysis import ClusterLook, Spectrogram, TypicalWindow
from rsc_core.explain.clusters import edges_s
from rsc_core.features.hybrid import HYBRID_MAPS, frequencies_hz
from rsc_core.ui import cluster_markup, texts

CLASSES = ("normal", "crackle", "wheeze", "both")
ANSWERS = np.tile([0.6, 0.2, 0.1, 0.1], (16, 1))
ANSWERS[0b0001] = [0.5, 0.3, 0.1, 0.1]
ANSWERS[0b1001] = [0.2, 0.1, 0.65, 0.05]


def shown(**changes):
    """Six windows of 8 s: one in cluster 1, none in cluster 2, two in cluster 3, three in cluster 4."""
    hz = frequencies_hz()
    maps = tuple(Spectrogram(name, np.zeros((84, 688)), "SD per row", hz[name], 0.0, 8.0) for name in HYBRID_MAPS)
    parts = {
        "maps": maps,
        "repeats_s": np.zeros(0),
        "edges_s": edges_s(6, 256 / 22000),
        "soft": np.eye(4)[[0, 2, 2, 3, 3, 3]],
        "weights": np.ones(6),
        "fusion": np.array([0.5, -0.25, 1.0, 2.0]),
        "classes": CLASSES,
        "answers": ANSWERS,
        "number": 1,
        "count": 1,
    }
    return ClusterLook(**(parts | changes))


def cells(row):
    return [re.sub("<.*?>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row)]


def test_what_can_be_silenced_says_how_much_it_holds():
    named = ["cluster 1 (1 window)", "cluster 2 (0 windows)", "cluster 3 (2 windows)", "cluster 4 (3 windows)"]
    assert cluster_markup.choices(shown()) == [(name, number) for number, name in enumerate(named)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"repeats_s": np.array([2.0])}, texts.clusters.REPEATED.format(seconds=8)),
        ({"ending": True}, texts.clusters.ENDING.format(seconds=8)),
        ({"number": 2, "count": 3}, texts.clusters.PART.format(seconds=8, number=2, count=3, label="wheeze")),
    ],
)
def test_how_the_cycle_fills_what_is_read(changes, said):
    assert re.sub("<.*?>", "", cluster_markup.facts(shown(**changes), "wheeze")) == said


def test_the_table_has_a_row_without_each_cluster_and_one_for_several():
    words = texts.clusters
    for silenced, more in (((), []), ((3,), []), ((3, 0), [["without cluster 1 and cluster 4", "", ""]])):
        html = cluster_markup.answers(shown(), silenced)
        rows = re.findall("<tr.*?</tr>", html)
        assert cells(rows[0]) == ["", words.COUNT, words.FUSION, *(f"P({name})" for name in CLASSES)]
        starts = [[words.NOTHING, "", ""], ["without cluster 1", "1", "+0.50"], ["without cluster 2", "0", "-0.25"]]
        starts += [["without cluster 3", "2", "+1.00"], ["without cluster 4", "3", "+2.00"], *more]
        assert [cells(row)[:3] for row in rows[1:]] == starts
        assert cells(rows[1])[3:] == ["0.60", "0.20", "0.10", "0.10"]
        assert cells(rows[2])[3:] == ["0.50", "0.30", "0.10", "0.10"]
        current = [cells(row)[0] for row in rows if "aria-current" in row]
        named = {(): words.NOTHING, (3,): "without cluster 4", (3, 0): "without cluster 1 and cluster 4"}
        assert current == [named[silenced]]
        assert re.findall("chip cluster-(.)", html) == ["1", "2", "3", "4"]


def test_a_sentence_says_whether_the_label_stays():
    assert cluster_markup.changed(shown(), ()).endswith("With none silenced the label is normal, P(normal) 0.60.")
    stays = "Without cluster 1, normal stays the most likely label: P(normal) 0.60 → 0.50."
    assert cluster_markup.changed(shown(), [0]) == stays
    changes = "Without cluster 1 and cluster 4 the label changes from normal to wheeze: "
    changes += "P(normal) 0.60 → 0.20, P(wheeze) 0.10 → 0.65."
    assert cluster_markup.changed(shown(), [3, 0]) == changes


def test_places_stand_in_the_order_in_which_they_are_played():
    def window(cycle, start_s):
        return TypicalWindow(cycle, start_s, start_s + 0.2, 1.0, np.zeros(1), 22000)

    said = cluster_markup.places([(window(1, 3.5), window(0, 0.25)), ()])
    assert re.findall("<li>(.*?)</li>", said) == [
        "Cluster 1: cycle 2 at 3.50 s, cycle 1 at 0.25 s.",
        texts.clusters.EMPTY.format(number=2),
    ]
