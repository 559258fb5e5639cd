"""Editing an annotation: whatever is done, cycles rise within the recording without overlap, and undo restores."""

import numpy as np
import pytest

from rsc_core import annotation as edits
from rsc_core.analysis import Analysis, Cycle, Recording
from rsc_core.annotation import SHORTEST_S, Annotation, History, fitted
from rsc_core.config import CLASSES
from rsc_core.cycles import AnnotationError, icbhi_text, read_icbhi

SECONDS = 12.0
CYCLES = (
    Cycle(0.5, 2.0, "normal"),
    Cycle(2.0, 4.25, "crackle"),  # touches both neighbours
    Cycle(4.25, 6.0, "wheeze"),
    Cycle(7.0, 9.0, "normal"),  # after a gap
)


@pytest.fixture
def four():
    return Annotation(CYCLES, SECONDS)


def times(annotation):
    return [(cycle.start_s, cycle.end_s) for cycle in annotation.cycles]


def labels(annotation):
    return [cycle.label for cycle in annotation.cycles]


def analysis(cycles, annotated):
    recording = Recording(np.zeros(192_000, np.float32), 16_000, 16_000, 1, SECONDS, 1.0)
    probabilities = np.tile(np.eye(4, dtype=np.float32)[1], (len(cycles), 1))
    return Analysis(recording, cycles, annotated, CLASSES, probabilities, None)


@pytest.mark.parametrize(
    ("cycles", "message"),
    [
        (
            (Cycle(0, 2, "normal"), Cycle(1.9, 3, "normal")),
            "Cycle 2 would start at 1.90 s, before cycle 1 ends at 2.00",
        ),
        ((Cycle(2, 3, "normal"), Cycle(0, 1, "normal")), "before cycle 1 ends"),
        ((Cycle(-0.1, 2, "normal"),), "the recording from 0 to 12.00 s"),
        ((Cycle(11, 12.1, "normal"),), "would run from 11.00 to 12.10 s"),
        ((Cycle(float("nan"), 1, "normal"),), "Choose times within it"),
        ((Cycle(1, float("nan"), "normal"),), "Choose times within it"),
        ((Cycle(1, 1.005, "normal"),), "Cycle 1 would be shorter than 0.01 s"),
        ((Cycle(1, 2, "rub"),), "cycle 1 got 'rub'"),
        ((Cycle(1, 2),), "cycle 1 got None"),
    ],
)
def test_what_makes_no_sense_is_refused(cycles, message):
    with pytest.raises(AnnotationError, match=message):
        Annotation(cycles, SECONDS)


def test_touching_neighbours_follow_a_moved_boundary(four):
    moved = edits.move(four, 1, 1.2, 5.0)
    assert times(moved) == [(0.5, 1.2), (1.2, 5.0), (5.0, 6.0), (7.0, 9.0)]
    assert labels(moved) == labels(four)
    assert times(edits.move(four, 2, 4.25, 6.5))[2:] == [(4.25, 6.5), (7.0, 9.0)]  # over a gap nobody follows


def test_without_following_a_gap_opens_and_an_overlap_is_refused(four):
    assert times(edits.move(four, 1, 2.2, 4.0, follow=False))[:3] == [(0.5, 2.0), (2.2, 4.0), (4.25, 6.0)]
    with pytest.raises(AnnotationError, match="Cycle 2 would start at 1.90 s, before cycle 1 ends at 2.00 s"):
        edits.move(four, 1, 1.9, 4.25, follow=False)
    with pytest.raises(AnnotationError, match="Cycle 1 would be shorter"):
        edits.move(four, 1, 0.5, 4.25)  # nothing would be left of the one that follows


@pytest.mark.parametrize("follow", [True, False])
def test_limits_are_the_furthest_that_move_allows(four, follow):
    for index, cycle in enumerate(four.cycles):
        (first, last), (earliest, latest) = edits.limits(four, index, follow)
        for start_s, end_s in ((first, cycle.end_s), (last, cycle.end_s)):
            edits.move(four, index, start_s, end_s, follow)
        for start_s, end_s in ((cycle.start_s, earliest), (cycle.start_s, latest)):
            edits.move(four, index, start_s, end_s, follow)
        for start_s, end_s in (
            (first - 0.001, cycle.end_s),
            (last + 0.001, cycle.end_s),
            (cycle.start_s, earliest - 0.001),
            (cycle.start_s, latest + 0.001),
        ):
            with pytest.raises(AnnotationError):
                edits.move(four, index, start_s, end_s, follow)


def test_split_and_merge_are_each_other_s_inverse(four):
    halves = edits.split(four, 1)
    assert times(halves)[1:3] == [(2.0, 3.125), (3.125, 4.25)] and labels(halves)[1:3] == ["crackle"] * 2
    assert edits.merge(halves, 1) == four
    with pytest.raises(AnnotationError, match="no cycle after this one"):
        edits.merge(four, 3)
    with pytest.raises(AnnotationError, match="shorter"):
        edits.split(Annotation((Cycle(1.0, 1.015, "normal"),), SECONDS), 0)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("normal", "normal", "normal"),
        ("normal", "wheeze", "wheeze"),
        ("crackle", "normal", "crackle"),
        ("crackle", "wheeze", "both"),
        ("both", "crackle", "both"),
    ],
)
def test_a_merged_cycle_has_all_that_was_heard_in_either(first, second, joined):
    merged = edits.merge(Annotation((Cycle(0, 1, first), Cycle(1.5, 3, second)), SECONDS), 0)
    assert merged.cycles == (Cycle(0, 3, joined),)


def test_delete_and_add_are_each_other_s_inverse(four):
    for index, cycle in enumerate(four.cycles):
        without = edits.delete(four, index)
        assert cycle not in without.cycles and len(without.cycles) == 3
        assert edits.add(without, cycle.start_s, cycle.end_s, cycle.label) == four
    with pytest.raises(AnnotationError, match="Cycles may not overlap"):
        edits.add(four, 5.5, 6.5, "normal")


def test_the_next_gap_is_found_behind_a_cycle_else_from_the_start(four):
    assert edits.gap(four, 0) == (6.0, 7.0)
    assert edits.gap(four, 3) == (9.0, 12.0)
    assert edits.gap(Annotation((Cycle(1.0, 12.0, "normal"),), SECONDS), 0) == (0.0, 1.0)
    assert edits.gap(Annotation((Cycle(0.0, 12.0, "normal"),), SECONDS), 0) is None
    assert edits.gap(Annotation((), SECONDS)) == (0.0, 12.0)


def test_jumps_go_to_the_nearest_abnormal_cycle(four):
    assert [four.abnormal(i, 1) for i in range(4)] == [1, 2, None, None]
    assert [four.abnormal(i, -1) for i in range(4)] == [None, None, 1, 2]
    assert four.at(2.0) == 1 and four.at(6.5) is None


def test_cycles_that_overlap_or_end_late_are_fitted_and_counted():
    cycles = (
        Cycle(3.0, 5.0, "wheeze"),
        Cycle(0.0, 4.0, "crackle"),
        Cycle(3.1, 3.9, "both"),
        Cycle(11.0, 13.0, "normal"),
    )
    found, changed = fitted(cycles, 12.0006)
    assert found.cycles == (Cycle(0.0, 4.0, "crackle"), Cycle(4.0, 5.0, "wheeze"), Cycle(11.0, 12.0, "normal"))
    assert changed == 3
    assert fitted(CYCLES, SECONDS) == (Annotation(CYCLES, SECONDS), 0)
    assert fitted((Cycle(0.0, 12.00063, "normal"),), 12.00063)[1] == 0


def test_a_draft_takes_the_annotated_labels_or_the_model_s():
    assert edits.draft(analysis(CYCLES, True)) == (Annotation(CYCLES, SECONDS), 0)
    found, _ = edits.draft(analysis(tuple(Cycle(c.start_s, c.end_s) for c in CYCLES), False))
    assert times(found) == [(c.start_s, c.end_s) for c in CYCLES] and set(labels(found)) == {"crackle"}


def random_edit(annotation, rng):
    """One edit out of all kinds, sensible or not."""
    index = int(rng.integers(max(len(annotation.cycles), 1)))
    start_s, end_s = rng.uniform(-0.5, SECONDS + 0.5, 2)
    label = str(rng.choice(CLASSES))
    kind = rng.integers(6) if annotation.cycles else 5
    if kind == 0:
        cycle = annotation.cycles[index]
        near = rng.normal(0, 0.5, 2)
        return edits.move(annotation, index, cycle.start_s + near[0], cycle.end_s + near[1], bool(rng.integers(2)))
    if kind == 5:
        return edits.add(annotation, start_s, end_s, label)
    edit = {1: edits.split, 2: edits.merge, 3: edits.delete, 4: lambda a, i: edits.relabel(a, i, label)}[kind]
    return edit(annotation, index)


@pytest.mark.parametrize("seed", range(20))
def test_after_any_edits_cycles_are_in_order_undo_restores_and_files_read_back(four, seed, tmp_path):
    rng = np.random.default_rng(seed)
    history, seen = History(four, four), [four]
    for _ in range(60):
        try:
            history = history.edited(random_edit(history.present, rng))
        except AnnotationError as error:
            assert str(error).endswith((".", "with."))
            continue
        if history.present != seen[-1]:
            seen.append(history.present)
        flat = [t for pair in times(history.present) for t in pair]
        assert flat == sorted(flat) and all(0 <= t <= SECONDS for t in flat)
        assert all(cycle.seconds > SHORTEST_S - 1e-9 for cycle in history.present.cycles)
    assert len(seen) > 5
    path = tmp_path / "edited.txt"
    path.write_text(icbhi_text(history.present.cycles))
    assert read_icbhi(path) == history.present.cycles  # to the last bit

    for annotation in reversed(seen):
        assert history.present == annotation
        history = history.undone()
    assert history.present == four and history.undone() is history
    for annotation in seen:
        assert history.present == annotation
        history = history.redone()
    assert history.redone() is history


def test_an_edit_after_undo_forgets_what_was_undone(four):
    history = History(four, four).edited(edits.split(four, 0)).undone()
    assert history.present == four and history.future
    history = history.edited(edits.delete(four, 0))
    assert not history.future and history.undone().present == four
    assert history.edited(history.present) is history


def test_unsaved_until_exported_and_again_after_undo(four):
    history = History(four, four)
    assert not history.unsaved
    history = history.edited(edits.relabel(four, 0, "both"))
    assert history.unsaved and not history.exported().unsaved
    assert history.exported().undone().unsaved
    assert not history.undone().unsaved


def test_an_envelope_holds_each_stretch_s_loudest_sample():
    sound = np.array([0, 0.1, -0.5, 0.2, 0.25, 0], np.float32)
    np.testing.assert_allclose(edits.envelope(sound, 3), [0.2, 1, 0.5])
    np.testing.assert_allclose(edits.envelope(sound, 100), np.abs(sound) / 0.5)
    assert not edits.envelope(np.zeros(10), 5).any()
