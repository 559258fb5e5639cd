import json
import time
from collections import Counter

import pytest

from rsc_core import data
from rsc_core.cycles import AnnotationError, read_sprsound
from rsc_core.data import splits, sprsound
from rsc_core.data.corpus import CorpusError

RECORDINGS = {
    "train": ("65097319_8.7_1_p2_3245", [("0", "900", "Fine Crackle"), ("1200", "2500", "Normal")]),
    "intra": ("65097319_8.7_1_p4_3250", [("10", "700", "Wheeze+Crackle")]),
    "inter": ("41064170_5.2_0_p1_1011", []),
}


@pytest.fixture
def tiny_sprsound(tmp_path):
    """Three recordings, one per split; the inter-test one holds no event."""
    for split, (_, events) in RECORDINGS.items():
        for folder in sprsound.SPLITS[split]:
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        audio, annotation = paths(tmp_path, split)
        audio.touch()
        events = [dict(zip(("start", "end", "type"), event, strict=True)) for event in events]
        annotation.write_text(json.dumps({"record_annotation": "Normal", "event_annotation": events}))
    return tmp_path


def paths(root, split):
    name = RECORDINGS[split][0]
    audio, annotation = sprsound.SPLITS[split]
    return root / audio / f"{name}.wav", root / annotation / f"{name}.json"


@pytest.fixture(scope="module")
def complete(real_data):
    return data.load("sprsound", real_data / "sprsound")


def test_complete_corpus_has_the_published_counts(complete):
    kinds = {split: Counter(c.kind for c in clips) for split, clips in splits.official(complete).items()}
    assert kinds["train"] == {
        "Normal": 5159,
        "Fine Crackle": 912,
        "Wheeze": 452,
        "Coarse Crackle": 49,
        "Rhonchi": 39,
        "Wheeze+Crackle": 30,
        "Stridor": 15,
    }
    assert sum(kinds["train"].values()) == 6656
    assert sorted(kinds["intra"].values(), reverse=True) == [688, 175, 108, 14, 14, 3, 2]
    assert sum(kinds["intra"].values()) == 1004
    assert sorted(kinds["inter"].values(), reverse=True) == [1040, 305, 80, 3, 1]
    assert sum(kinds["inter"].values()) == 1429
    assert kinds["test"] == kinds["intra"] + kinds["inter"]


def test_every_recording_stays_known(complete):
    assert len(complete.recordings) == len(set(complete.recordings)) == 1949 + 379 + 355
    without = len(complete.recordings) - len({clip.recording for clip in complete.clips})
    assert complete.notes == (f"{without} of 2,683 SPRSound recordings hold no marked event and give no clip.",)


def test_inter_test_patients_are_new(complete, real_data):
    sides = splits.official(complete)
    assert splits.overlap(sides["train"], sides["inter"]) == ()
    recorded = {path.name.split("_")[0] for path in (real_data / "sprsound" / "train_json").iterdir()}
    assert {clip.patient for clip in sides["intra"]} <= recorded


def test_places_and_device(complete):
    assert {clip.location for clip in complete.clips} == {"p1", "p2", "p3", "p4"}
    assert {clip.device for clip in complete.clips} == {"Yunting II"}


def test_record_annotations_are_the_five_published_labels(real_data):
    labels = {read_sprsound(path)[0] for path in (real_data / "sprsound").rglob("*.json")}
    assert labels == {"Normal", "CAS", "DAS", "CAS & DAS", "Poor Quality"}


def test_all_annotations_load_within_two_seconds(real_data):
    start = time.process_time()
    data.load("sprsound", real_data / "sprsound")
    assert time.process_time() - start < 2


def test_clip_says_what_the_files_say(tiny_sprsound):
    corpus = data.load("sprsound", tiny_sprsound)
    clip = corpus.clips[0]
    assert (clip.recording, clip.start_s, clip.end_s) == ("65097319_8.7_1_p2_3245", 0.0, pytest.approx(0.9))
    assert (clip.label, clip.kind, clip.patient, clip.location) == (1, "Fine Crackle", "65097319", "p2")
    assert clip.path == tiny_sprsound / "train_wav" / "65097319_8.7_1_p2_3245.wav"
    assert [(c.split, c.label) for c in corpus.clips] == [("train", 1), ("train", 0), ("intra", 3)]


def test_recording_without_events_is_counted(tiny_sprsound):
    corpus = sprsound.load(tiny_sprsound)
    assert corpus.recordings == tuple(name for name, _ in RECORDINGS.values())
    assert corpus.notes == ("1 of 3 SPRSound recordings hold no marked event and give no clip.",)


def test_audio_without_annotation_is_named(tiny_sprsound):
    (tiny_sprsound / "test_wav" / "1_2_0_p1_3.wav").touch()
    with pytest.raises(CorpusError, match=r"1_2_0_p1_3\.wav has no annotation; expected 1_2_0_p1_3\.json"):
        sprsound.load(tiny_sprsound)


def test_annotation_without_audio_is_named(tiny_sprsound):
    audio, annotation = paths(tiny_sprsound, "inter")
    audio.unlink()
    with pytest.raises(CorpusError, match=rf"{annotation.name} has no audio; expected {audio.name}"):
        sprsound.load(tiny_sprsound)


def test_recording_in_both_tests_is_refused(tiny_sprsound):
    annotation = paths(tiny_sprsound, "intra")[1]
    (tiny_sprsound / sprsound.SPLITS["inter"][1] / annotation.name).write_text(annotation.read_text())
    with pytest.raises(CorpusError, match=rf"{annotation.name} stands in both tests"):
        sprsound.load(tiny_sprsound)


def test_malformed_event_is_named(tiny_sprsound):
    annotation = paths(tiny_sprsound, "intra")[1]
    annotation.write_text(annotation.read_text().replace("Wheeze+Crackle", "Hum"))
    with pytest.raises(AnnotationError, match=rf"{annotation.name}, event 1: unknown type 'Hum'"):
        sprsound.load(tiny_sprsound)


def test_other_file_names_are_refused(tiny_sprsound):
    for path in paths(tiny_sprsound, "train"):
        path.rename(path.with_stem("recording_3245"))
    with pytest.raises(CorpusError, match=r"recording_3245\.json: expected a name PATIENT_AGE_SEX_PLACE_RECORD"):
        sprsound.load(tiny_sprsound)


def test_missing_annotation_folder_is_named(tiny_sprsound):
    paths(tiny_sprsound, "inter")[1].unlink()
    with pytest.raises(CorpusError, match=r"inter_test_json holds no \.json file; expected the inter annotations"):
        sprsound.load(tiny_sprsound)
