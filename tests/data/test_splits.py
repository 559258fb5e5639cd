import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest

from rsc_core import data
from rsc_core.config import CLASSES, DataConfig, RunConfig, from_json, run_config, to_json
from rsc_core.data import icbhi, splits
from rsc_core.data.corpus import Clip, Corpus


def clip(patient, label=0, split="train", start_s=0.0, device="Meditron", labels=None):
    return Clip(
        recording=f"{patient}_1b1_Al_sc_Meditron",
        path=Path(f"{patient}.wav"),
        start_s=start_s,
        end_s=start_s + 2.0,
        labels=labels or (label,),
        patient=str(patient),
        device=device,
        location="Al",
        split=split,
        kind=CLASSES[label],
    )


def corpus(*clips):
    return Corpus("icbhi", "ICBHI 2017", Path(), clips, ())


@pytest.fixture
def mixed():
    """Patients 0 to 9 in train, 8 to 13 in test: 8 and 9 on both sides; four clips each, one of every class."""
    sides = [(p, "train") for p in range(10)] + [(p, "test") for p in range(8, 14)]
    return corpus(
        *(
            clip(p, k, side, start_s=2.0 * k + 10 * (side == "test"), device="Litt3200" if p % 2 else "Meditron")
            for p, side in sides
            for k in range(4)
        )
    )


@pytest.fixture(scope="module")
def complete(real_data):
    return icbhi.load_annotations(real_data / "icbhi_annotations", real_data / "icbhi_subset" / icbhi.SPLIT_LIST)


@pytest.fixture(scope="module")
def sprsound(real_data):
    return data.load("sprsound", real_data / "sprsound")


def patients(clips):
    return sorted({int(c.patient) for c in clips})


def per_class(clips):
    counts = Counter(c.label for c in clips)
    return tuple(counts[label] for label in sorted(counts))


def test_official_test_is_every_split_but_train():
    clips = (clip(1), clip(2, split="inter"), clip(1, split="intra", start_s=2.0))
    sides = splits.official(Corpus("sprsound", "SPRSound", Path(), clips, ()))
    assert sides == {"train": clips[:1], "intra": clips[2:], "inter": clips[1:2], "test": clips[1:]}


def test_official_has_both_sides_even_when_one_is_empty():
    sides = splits.official(Corpus("icbhi", "ICBHI", Path(), (clip(1, split="test"),), ()))
    assert sides == {"train": (), "test": (clip(1, split="test"),)}


def test_overlap_is_sorted():
    assert splits.overlap((clip(30), clip(4), clip(5)), (clip(4), clip(30), clip(6))) == ("30", "4")


@pytest.mark.parametrize(("field", "value"), [("recording", "x"), ("start_s", 0.5), ("end_s", 2.5), ("labels", (1,))])
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


def test_digest_sees_every_label():
    assert splits.digest([clip(1, labels=(0, 2))]) != splits.digest([clip(1, labels=(0,))])


def test_a_clip_with_several_labels_has_no_only_one():
    assert clip(1, labels=(2,)).label == 2
    with pytest.raises(ValueError, match="has 2 labels where one is needed"):
        clip(1, labels=(0, 2)).label  # noqa: B018


def test_validated_carves_patients_and_the_other_protocols_none(mixed):
    chosen = data.select(mixed, validation_share=0.3, seed=1)
    assert patients(chosen.train + chosen.validation) == list(range(10))
    assert len(chosen.train) + len(chosen.validation) == 40 and len(patients(chosen.validation)) == 3
    assert splits.overlap(chosen.train, chosen.validation) == ()
    for protocol in ("last", "paper"):
        everything = data.select(mixed, protocol=protocol)
        assert (len(everything.train), everything.validation, len(everything.test)) == (40, (), 24)
    assert (chosen.classes, chosen.multi_label) == (CLASSES, False)


def test_repaired_removes_the_shared_patients_from_test_alone(mixed):
    as_published = data.select(mixed, protocol="last")
    assert as_published.overlap == ("8", "9")
    assert "2 patients are in train and test of the official split: 8, 9." in as_published.notes
    repaired = data.select(mixed, DataConfig(split="repaired"), protocol="last")
    assert repaired.train == as_published.train
    assert (patients(repaired.test), repaired.overlap, repaired.notes) == ([10, 11, 12, 13], (), ())


def test_patient_keyed_is_refused_unless_asked_for_and_names_its_leak(mixed):
    with pytest.raises(ValueError, match="trains on clips it also tests on.*--faithful"):
        DataConfig(split="patient_keyed")
    leaky = data.select(mixed, DataConfig(split="patient_keyed", faithful=True), protocol="last")
    assert (len(leaky.train), len(leaky.test)) == (40 + 8, 24 + 8)
    assert "LEAK: 16 of the 32 test clips are also trained on or chosen by." in leaky.notes


def test_folds_are_disjoint_cover_all_and_do_not_depend_on_the_seed(mixed):
    tests = [data.select(mixed, DataConfig(split=f"fold{k}"), protocol="last") for k in range(5)]
    assert sorted(p for t in tests for p in patients(t.test)) == list(range(14))
    assert all(t.overlap == () and len(t.train) + len(t.test) == len(mixed.clips) for t in tests)
    again = data.select(mixed, DataConfig(split="fold2"), seed=5)
    assert again.test == tests[2].test


def test_fold_file_decides_and_must_know_every_patient(mixed, tmp_path):
    file = tmp_path / "folds.txt"
    file.write_text("".join(f"{p} {p % 5}\n" for p in range(14)))
    chosen = data.select(mixed, DataConfig(split="fold3", fold_file=str(file)), protocol="last")
    assert patients(chosen.test) == [3, 8, 13]
    file.write_text("".join(f"{p} {p % 5}\n" for p in range(12)))
    with pytest.raises(ValueError, match=r"gives no fold for 2 patients of ICBHI 2017 \(12, 13\)"):
        data.select(mixed, DataConfig(split="fold3", fold_file=str(file)))


def test_one_stethoscope_keeps_the_split(mixed):
    chosen = data.select(mixed, DataConfig(split="repaired", stethoscope="Litt3200"), protocol="last")
    assert (patients(chosen.train), patients(chosen.test)) == ([1, 3, 5, 7, 9], [11, 13])
    with pytest.raises(ValueError, match="no stethoscope 'Phone'; it has Litt3200, Meditron"):
        data.select(mixed, DataConfig(stethoscope="Phone"))


def test_stethoscope_without_test_clips_is_said(mixed):
    train_only = dataclasses.replace(
        mixed, clips=tuple(c for c in mixed.clips if int(c.patient) < 9 or c.patient == "12")
    )
    chosen = data.select(train_only, DataConfig(stethoscope="Litt3200"), protocol="last")
    assert "ICBHI 2017, split official, Litt3200 only, leaves no clip to test on." in chosen.notes
    with pytest.raises(ValueError, match="the test split holds no clip"):
        chosen.part("test")


def test_few_shot_draws_from_train_after_validation_is_carved(mixed):
    full = data.select(mixed, seed=3)
    few = data.select(mixed, DataConfig(shots=2), seed=3)
    assert per_class(few.train) == (2, 2, 2, 2) and set(few.train) <= set(full.train)
    assert (few.validation, few.test) == (full.validation, full.test)
    shuffled = dataclasses.replace(mixed, clips=tuple(random.Random(0).sample(mixed.clips, len(mixed.clips))))
    assert set(data.select(shuffled, DataConfig(shots=2), seed=3).train) == set(few.train)
    assert set(data.select(mixed, DataConfig(shots=2), seed=4).train) != set(few.train)
    short = data.select(mixed, DataConfig(shots=11), protocol="last")
    assert len(short.train) == 40
    assert "Only 10 training clips are labelled wheeze; 11 were asked for." in short.notes


def test_few_shot_counts_a_clip_for_each_of_its_labels():
    clips = [clip(p, labels=(0, 1)) for p in range(3)] + [clip(p + 3, labels=(1,)) for p in range(3)]
    drawn = splits.few_shot(clips, 1)
    assert {label for c in drawn for label in c.labels} == {0, 1} and len(drawn) <= 2


def test_classes_that_validation_or_training_lacks_are_named(mixed):
    rare = dataclasses.replace(
        mixed, clips=tuple(c for c in mixed.clips if c.label != 3 and (c.label, c.patient) < (2, "1"))
    )
    notes = data.select(rare).notes
    assert "No training clip is labelled both." in notes
    assert "No validation clip is labelled wheeze." in notes


def test_parts_by_name():
    clips = (*(clip(p) for p in range(4)), clip(5, split="intra"), clip(6, split="inter"))
    chosen = data.select(corpus(*clips))
    assert chosen.part("intra") == (clips[4],) and chosen.part("test") == clips[4:]
    assert set(chosen.part("train") + chosen.part("validation")) == set(clips[:4])
    with pytest.raises(ValueError, match="no split 'outer'; there are train, validation, test, inter, intra"):
        chosen.part("outer")
    with pytest.raises(ValueError, match="the validation split holds no clip"):
        data.select(corpus(*clips), protocol="last").part("validation")


def test_patient_keyed_split_has_cycleguardians_counts(complete):
    leaky = data.select(complete, DataConfig(split="patient_keyed", faithful=True), protocol="last")
    assert per_class(leaky.train) == (2082, 1247, 513, 420) and len(leaky.train) == 4262
    assert per_class(leaky.test) == (1589, 678, 400, 206) and len(leaky.test) == 2873
    train, test = ({c.recording for c in side} for side in (leaky.train, leaky.test))
    assert (len(train), len(test), len(train & test)) == (551, 394, 25)
    assert "LEAK: 237 of the 2,873 test clips are also trained on or chosen by." in leaky.notes


def test_repaired_split_of_the_complete_corpus(complete):
    repaired = data.select(complete, DataConfig(split="repaired"), protocol="last")
    official = data.select(complete, protocol="last")
    assert official.overlap == ("156", "218") and repaired.overlap == ()
    lost = set(official.test) - set(repaired.test)
    assert {c.patient for c in lost} == {"156", "218"}
    assert len(lost) == 2756 - len(repaired.test) == 4262 - 4142
    assert repaired.train == official.train and len(repaired.train) == 4142


def test_repair_removes_sprsounds_intra_test_but_for_patients_without_a_training_event(sprsound):
    chosen = data.select(sprsound, DataConfig(split="repaired"), protocol="last")
    assert Counter(c.split for c in chosen.test) == {"inter": 1429, "intra": 13}
    official = data.select(sprsound, protocol="last")
    assert (len(official.part("intra")), len(official.part("inter"))) == (1004, 1429)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "five"}, "labels must be one of four, .* got 'five'"),
        ({"split": "fold5"}, "split must be one of official, .* got 'fold5'"),
        ({"shots": -1}, "shots must be 0"),
        ({"fold_file": "folds.txt"}, "fold_file goes with split fold0 to fold4, got split 'official'"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DataConfig(**options)


def test_run_config_stores_the_choice_and_reads_files_without_one():
    run = dataclasses.replace(run_config("lora", "icbhi", "small"), data=DataConfig(split="fold1", shots=8))
    stored = to_json(run)
    assert from_json(RunConfig, stored) == run
    del stored["data"]
    assert from_json(RunConfig, stored).data == DataConfig()


def test_label_sets_of_sounds_set_the_same_patients_aside(real_data):
    corpus = data.load("sprsound", real_data / "sprsound")
    sides = {name: splits.select(corpus, DataConfig(labels=name)) for name in ("four", "binary", "seven")}
    patients = {name: {clip.patient for clip in side.validation} for name, side in sides.items()}
    assert patients["four"] == patients["binary"] == patients["seven"]
    assert len({splits.patients_digest(side.validation) for side in sides.values()}) == 1
    assert len({splits.digest(side.validation) for side in sides.values()}) == 3
    assert all(len(side.train) + len(side.validation) == 6656 for side in sides.values())
