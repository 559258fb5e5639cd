import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rsc_core import data
from rsc_core.config import DataConfig
from rsc_core.data import icbhi, splits
from rsc_core.data.corpus import Clip, CorpusError
from rsc_core.data.folds import carve_validation, patient_folds, read_folds

RESPIRENET = (
    "107 114 130 138 146 147 154 156 158 160 162 163 170 172 177 180 184 186 193 200 203 204 205 207 211 213",
    "101 108 115 120 127 131 137 152 153 161 167 168 173 183 188 197 201 206 208 210 215 216 218 223 224",
    "105 110 111 116 121 123 125 129 136 144 148 157 159 164 165 166 169 179 182 190 196 209 217 222 225",
    "103 104 106 112 117 118 122 124 128 132 134 140 141 142 155 175 185 191 192 195 199 212 219 220 226",
    "102 109 113 119 126 133 135 139 143 145 149 150 151 171 174 176 178 181 187 189 194 198 202 214 221",
)
"""Patients of each fold as Gairola et al. 2021 published them."""
DEVICES = ("Meditron", "AKGC417L", "LittC2SE")


def clip(patient, label, start_s):
    return Clip(
        recording=f"{patient}_1b1_Al_sc_Meditron",
        path=Path(f"{patient}.wav"),
        start_s=start_s,
        end_s=start_s + 2.0,
        labels=(int(label),),
        patient=str(patient),
        device=DEVICES[patient % 3],
        location="Al",
        split="train",
        kind=f"kind {label}",
    )


@pytest.fixture
def cohort():
    """60 patients with 1 to 40 clips of four unevenly frequent classes, on three devices."""
    rng = np.random.default_rng(0)
    return tuple(
        clip(patient, label, 2.0 * i)
        for patient in range(60)
        for i, label in enumerate(rng.choice(4, size=rng.integers(1, 41), p=(0.5, 0.25, 0.15, 0.1)))
    )


def shares(part, whole, key):
    some, all_ = Counter(map(key, part)), Counter(map(key, whole))
    return {name: some[name] / all_[name] for name in all_}


def label(c):
    return c.label


def device(c):
    return c.device


@pytest.mark.parametrize("seed", range(5))
def test_validation_takes_whole_patients_and_its_share_of_every_class_and_device(cohort, seed):
    training, validation = carve_validation(cohort, 0.15, seed)
    assert splits.overlap(training, validation) == ()
    assert sorted(training + validation, key=cohort.index) == list(cohort)
    for key in (label, device):
        assert all(0.135 < share < 0.165 for share in shares(validation, cohort, key).values())


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_validation_follows_the_share_asked_for(cohort, share):
    _, validation = carve_validation(cohort, share)
    for key in (label, device):
        assert list(shares(validation, cohort, key).values()) == pytest.approx(
            [share] * len(shares(cohort, cohort, key)), rel=0.1
        )


def test_same_seed_carves_the_same_patients_whatever_the_order(cohort):
    shuffled = random.Random(0).sample(cohort, len(cohort))
    first, again = carve_validation(cohort)[1], carve_validation(shuffled)[1]
    assert {c.patient for c in first} == {c.patient for c in again}
    assert splits.digest(first) == splits.digest(again)


def test_seeds_carve_different_patients(cohort):
    chosen = [{c.patient for c in carve_validation(cohort, seed=seed)[1]} for seed in range(5)]
    mean = np.mean([len(a & b) / len(a | b) for i, a in enumerate(chosen) for b in chosen[:i]])
    assert mean < 0.3  # chance alone gives about 0.08


def test_carving_leaves_both_sides_a_patient(cohort):
    few = [c for c in cohort if c.patient in ("7", "8")]
    for share in (0.01, 0.99):
        assert all(len({c.patient for c in side}) == 1 for side in carve_validation(few, share))


def test_carving_refuses_what_cannot_be_divided(cohort):
    with pytest.raises(ValueError, match="at least two patients, got 1"):
        carve_validation([c for c in cohort if c.patient == "7"])
    with pytest.raises(ValueError, match="at least two patients, got 0"):
        carve_validation(())
    with pytest.raises(ValueError, match="between 0 and 1, got 1.0"):
        carve_validation(cohort, share=1.0)


@pytest.fixture(scope="module")
def real_train(real_data):
    """Corpus -> its official training clips."""
    folders = {"icbhi": "icbhi_subset", "sprsound": "sprsound"}
    return {name: splits.official(data.load(name, real_data / folder))["train"] for name, folder in folders.items()}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("corpus", ["icbhi", "sprsound"])
def test_real_validation_is_even_over_classes_and_devices(real_train, corpus, seed):
    train = real_train[corpus]
    training, validation = carve_validation(train, seed=seed)
    assert splits.overlap(training, validation) == ()
    assert len(training) + len(validation) == len(train)
    assert 0.14 < len(validation) / len(train) < 0.17
    by_class, by_device = shares(validation, train, label), shares(validation, train, device)
    assert all(0.12 < share < 0.21 for share in by_class.values())
    by_device.pop("Litt3200", None)  # one of its two patients holds 28 of its 41 clips
    assert all(0.13 < share < 0.18 for share in by_device.values())


def test_folds_hold_about_a_fifth_of_everything(cohort):
    folds = patient_folds(cohort)
    assert set(folds) == {c.patient for c in cohort}
    for k in range(5):
        part = [c for c in cohort if folds[c.patient] == k]
        assert 0.19 < len(part) / len(cohort) < 0.21
        for key in (label, device):
            assert all(0.16 < share < 0.24 for share in shares(part, cohort, key).values())


def test_folds_are_seeded_and_do_not_depend_on_the_order(cohort):
    assert patient_folds(random.Random(0).sample(cohort, len(cohort))) == patient_folds(cohort)
    assert patient_folds(cohort, seed=1) != patient_folds(cohort)


def test_no_fold_stays_empty_with_a_patient_for_each(cohort):
    five = [c for c in cohort if int(c.patient) < 5]
    assert sorted(patient_folds(five).values()) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="5 folds need at least 5 patients, got 4"):
        patient_folds([c for c in five if c.patient != "0"])


def test_fold_file_is_read_with_blanks_and_repeats(tmp_path):
    path = tmp_path / "folds.txt"
    path.write_text("101 0\n\n102\t4\n101 0\n")
    assert read_folds(path) == {"101": 0, "102": 4}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("103", r"line 2: expected PATIENT and a fold of 0 to 4, got '103'"),
        ("103 5", r"line 2: expected PATIENT and a fold of 0 to 4, got '103 5'"),
        ("103 -1", r"line 2: expected PATIENT and a fold"),
        ("101 1", r"line 2: patient 101 is in two folds"),
    ],
)
def test_malformed_fold_lines_are_named(tmp_path, line, message):
    path = tmp_path / "folds.txt"
    path.write_text(f"101 0\n{line}\n")
    with pytest.raises(CorpusError, match=message):
        read_folds(path)


def test_missing_fold_file_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"folds\.txt is not there; expected a fold file"):
        read_folds(tmp_path / "folds.txt")


def test_respirenets_folds_have_the_published_counts(real_data, tmp_path):
    path = tmp_path / "folds.txt"
    path.write_text("".join(f"{patient} {k}\n" for k, fold in enumerate(RESPIRENET) for patient in fold.split()))
    split_list = real_data / "icbhi_subset" / icbhi.SPLIT_LIST
    complete = icbhi.load_annotations(real_data / "icbhi_annotations", split_list)
    expected = {
        0: (26, (1566, 1198, 349, 342)),
        1: (25, (457, 87, 104, 56)),
        2: (25, (403, 107, 22, 4)),
        3: (25, (441, 81, 205, 32)),
        4: (25, (775, 391, 206, 72)),
    }
    for k, (patients, classes) in expected.items():
        test = data.select(complete, DataConfig(split=f"fold{k}", fold_file=str(path)), protocol="last").test
        counts = Counter(map(label, test))
        assert (len({c.patient for c in test}), tuple(counts[i] for i in range(4))) == (patients, classes)
