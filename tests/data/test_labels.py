from collections import Counter
from pathlib import Path

import pytest

from rsc_core import data
from rsc_core.config import CLASSES, LABEL_NAMES, DataConfig
from rsc_core.data import icbhi
from rsc_core.data.corpus import Clip, Corpus, CorpusError
from rsc_core.data.labels import DIAGNOSES, LABEL_SETS, read_diagnoses, relabel


def corpus(*kinds, name="icbhi", root=Path(), patients=None):
    clips = tuple(
        Clip(f"r{i}", None, 0.0, 1.0, (0,), patients[i] if patients else "101", "Meditron", "Al", "train", kind)
        for i, kind in enumerate(kinds)
    )
    return Corpus(name, name.upper(), root, clips, ())


def per_class(relabelled):
    counts = Counter(relabelled.classes[clip.label] for clip in relabelled.clips)
    return {name: counts[name] for name in relabelled.classes}


def labels(relabelled):
    return [relabelled.classes[clip.label] for clip in relabelled.clips]


def test_every_set_can_be_configured():
    assert set(LABEL_NAMES) == set(LABEL_SETS) | {"table"}


def test_binary_and_four_of_icbhis_sounds():
    sounds = corpus(*CLASSES)
    assert labels(relabel(sounds, "four")) == list(CLASSES)
    assert labels(relabel(sounds, "binary")) == ["normal", "abnormal", "abnormal", "abnormal"]


def test_sets_of_sprsounds_sounds_and_back():
    kinds = ("Normal", "Stridor", "Wheeze+Crackle", "Coarse Crackle")
    seven = relabel(corpus(*kinds, name="sprsound"), "seven")
    assert seven.classes[0] == "Normal" and len(seven.classes) == 7
    assert labels(seven) == list(kinds)
    assert labels(relabel(seven, "four")) == ["normal", "wheeze", "both", "crackle"]
    assert labels(relabel(relabel(seven, "binary"), "seven")) == list(kinds)


@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_diagnoses_are_the_patients(tmp_path, suffix):
    diseases = list(DIAGNOSES)
    lines = [f"{101 + i}{',' if suffix == 'csv' else chr(9)}{disease}" for i, disease in enumerate(diseases)]
    header = ["ID,CLASS"] if suffix == "csv" else []
    (tmp_path / f"patient_diagnosis.{suffix}").write_text("\n".join([*header, *lines]) + "\n\n")
    patients = [str(101 + i) for i in range(len(diseases))]
    found = corpus(*["both"] * len(diseases), root=tmp_path, patients=patients)
    three = dict(zip(diseases, labels(relabel(found, "diagnosis3")), strict=True))
    assert [d for d in diseases if three[d] == "chronic"] == ["COPD", "Bronchiectasis", "Asthma"]
    assert [d for d in diseases if three[d] == "non-chronic"] == ["URTI", "LRTI", "Pneumonia", "Bronchiolitis"]
    assert labels(relabel(found, "diagnosis2")) == ["healthy"] + ["unhealthy"] * 7
    assert {clip.kind for clip in relabel(found, "diagnosis3").clips} == {"both"}


def test_corpora_without_a_set_say_so(tmp_path):
    with pytest.raises(ValueError, match="ICBHI has no label set 'seven': expected sounds among Normal, .*got both"):
        relabel(corpus("both"), "seven")
    with pytest.raises(ValueError, match="SPRSOUND has no label set 'diagnosis3': only ICBHI 2017"):
        relabel(corpus("Normal", name="sprsound"), "diagnosis3")
    with pytest.raises(ValueError, match="TABLE has no label set 'four'.* got dog; a table .* labels \"table\""):
        relabel(corpus("dog", name="table"), "four")
    with pytest.raises(ValueError, match='"table" names a table\'s own classes'):
        relabel(corpus("both"), "table")
    with pytest.raises(ValueError, match="no label set 'five'; choose one of four, "):
        relabel(corpus("both"), "five")


def test_missing_and_malformed_diagnoses_are_named(tmp_path):
    found = corpus("both", root=tmp_path, patients=["300"])
    with pytest.raises(CorpusError, match=r"holds no patient_diagnosis\.csv or patient_diagnosis\.txt"):
        relabel(found, "diagnosis2")
    path = tmp_path / "patient_diagnosis.csv"
    path.write_text("ID,CLASS\n101,Cold\n")
    with pytest.raises(CorpusError, match=r"patient_diagnosis\.csv, line 2: .*COPD.* got '101,Cold'"):
        relabel(found, "diagnosis2")
    path.write_text("101,COPD\n")
    with pytest.raises(CorpusError, match="1 patients have no diagnosis: 300"):
        relabel(found, "diagnosis2")


def test_published_diagnoses_and_their_classes(real_data):
    diseases = Counter(read_diagnoses(real_data / "icbhi_subset").values())
    assert diseases == {
        "COPD": 64,
        "Healthy": 26,
        "URTI": 14,
        "Bronchiectasis": 7,
        "Pneumonia": 6,
        "Bronchiolitis": 6,
        "LRTI": 2,
        "Asthma": 1,
    }
    subset = data.load("icbhi", real_data / "icbhi_subset")
    two, three = relabel(subset, "diagnosis2"), relabel(subset, "diagnosis3")
    assert per_class(two)["healthy"] == per_class(three)["healthy"]
    assert sum(per_class(three).values()) == 2700


def test_binary_counts_of_the_complete_corpus(real_data):
    split_list = real_data / "icbhi_subset" / icbhi.SPLIT_LIST
    complete = icbhi.load_annotations(real_data / "icbhi_annotations", split_list)
    assert per_class(relabel(complete, "binary")) == {"normal": 3642, "abnormal": 1864 + 886 + 506}
    chosen = data.select(complete, DataConfig(labels="binary"), protocol="last")
    assert sum(clip.label for clip in chosen.test) == 1177 and chosen.classes == ("normal", "abnormal")


def test_seven_counts_of_sprsound(real_data):
    seven = relabel(data.load("sprsound", real_data / "sprsound"), "seven")
    assert per_class(seven) == {
        "Normal": 5159 + 688 + 1040,
        "Fine Crackle": 912 + 175 + 80,
        "Coarse Crackle": 49 + 14 + 3,
        "Wheeze": 452 + 108 + 305,
        "Rhonchi": 39 + 14,
        "Stridor": 15 + 2,
        "Wheeze+Crackle": 30 + 3 + 1,
    }
