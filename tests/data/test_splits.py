import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from rsc_core import data
from rsc_core.data import splits
from rsc_core.data.corpus import Clip, Corpus


def clip(patient, label=0, split="train", start_s=0.0):
    return Clip(
        recording=f"{patient}_1b1_Al_sc_Meditron",
        path=Path(f"{patient}.wav"),
        start_s=start_s,
        end_s=start_s + 2.0,
        label=label,
        patient=str(patient),
        device="Meditron",
        location="Al",
        split=split,
        kind="normal",
    )


@pytest.fixture
def cohort():
    """60 patients with 1 to 40 clips of four unevenly frequent classes."""
    rng = np.random.default_rng(0)
    return tuple(
        clip(patient, label, start_s=2.0 * i)
        for patient in range(60)
        for i, label in enumerate(rng.choice(4, size=rng.integers(1, 41), p=(0.5, 0.25, 0.15, 0.1)))
    )


def shares(part, whole):
    return [sum(c.label == k for c in part) / sum(c.label == k for c in whole) for k in range(4)]


def test_official_test_is_every_split_but_train():
    clips = (clip(1), clip(2, split="inter"), clip(1, split="intra", start_s=2.0))
    sides = splits.official(Corpus("sprsound", "SPRSound", Path(), clips, ()))
    assert sides == {"train": clips[:1], "intra": clips[2:], "inter": clips[1:2], "test": clips[1:]}


def test_official_has_both_sides_even_when_one_is_empty():
    sides = splits.official(Corpus("icbhi", "ICBHI", Path(), (clip(1, split="test"),), ()))
    assert sides == {"train": (), "test": (clip(1, split="test"),)}


@pytest.mark.parametrize("seed", range(5))
def test_validation_takes_whole_patients_and_its_share_of_every_class(cohort, seed):
    training, validation = splits.carve_validation(cohort, 0.15, seed)
    assert splits.overlap(training, validation) == ()
    assert sorted(training + validation, key=cohort.index) == list(cohort)
    assert all(0.10 < share < 0.25 for share in shares(validation, cohort))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_validation_follows_the_share_asked_for(cohort, share):
    _, validation = splits.carve_validation(cohort, share)
    assert shares(validation, cohort) == pytest.approx([share] * 4, rel=0.25)


def test_same_seed_carves_the_same_patients_whatever_the_order(cohort):
    shuffled = random.Random(0).sample(cohort, len(cohort))
    first, again = splits.carve_validation(cohort)[1], splits.carve_validation(shuffled)[1]
    assert {c.patient for c in first} == {c.patient for c in again}
    assert splits.digest(first) == splits.digest(again)
    assert splits.digest(first) != splits.digest(splits.carve_validation(cohort, seed=1)[1])


def test_carving_refuses_to_leave_a_side_empty(cohort):
    alone = [c for c in cohort if c.patient == "7"]
    with pytest.raises(ValueError, match="leaves 0 of 1 patients"):
        splits.carve_validation(alone)
    with pytest.raises(ValueError, match="leaves 60 of 60 patients"):
        splits.carve_validation(cohort, share=1.0)
    with pytest.raises(ValueError, match="leaves 0 of 0 patients"):
        splits.carve_validation(())


@pytest.mark.parametrize(("corpus", "folder"), [("icbhi", "icbhi_subset"), ("sprsound", "sprsound")])
def test_real_validation_holds_every_class_and_no_training_patient(real_data, corpus, folder):
    train = splits.official(data.load(corpus, real_data / folder))["train"]
    training, validation = splits.carve_validation(train)
    assert splits.overlap(training, validation) == ()
    assert len(training) + len(validation) == len(train)
    assert all(0.1 < share < 0.25 for share in shares(validation, train))


def test_overlap_is_sorted():
    assert splits.overlap((clip(30), clip(4), clip(5)), (clip(4), clip(30), clip(6))) == ("30", "4")


@pytest.mark.parametrize(("field", "value"), [("recording", "x"), ("start_s", 0.5), ("end_s", 2.5), ("label", 1)])
def test_digest_sees_every_change_of_a_clip(field, value):
    clips = [clip(1), clip(2)]
    changed = [clips[0], dataclasses.replace(clips[1], **{field: value})]
    assert splits.digest(changed) != splits.digest(clips)


def test_digest_sees_lost_and_repeated_clips_but_not_their_order_or_folder():
    clips = [clip(1), clip(2), clip(3)]
    assert len(splits.digest(clips)) == 16
    assert splits.digest(clips[::-1]) == splits.digest(clips)
    assert splits.digest(clips[:2]) != splits.digest(clips)
    assert splits.digest([*clips, clips[0]]) != splits.digest(clips)
    moved = [dataclasses.replace(c, path=Path("/elsewhere") / c.path.name) for c in clips]
    assert splits.digest(moved) == splits.digest(clips)
