from collections import Counter

import pytest
import soundfile

from rsc_core import data
from rsc_core.config import CLASSES
from rsc_core.cycles import AnnotationError
from rsc_core.data import icbhi, splits
from rsc_core.data.corpus import CorpusError

AUDIO = icbhi.DATABASE
NAME = "101_1b1_Al_sc_Meditron"


def per_class(clips):
    counts = Counter(clip.label for clip in clips)
    return tuple(counts[i] for i in range(len(CLASSES)))


@pytest.fixture(scope="module")
def complete(real_data):
    """All 920 annotations, no audio."""
    return icbhi.load_annotations(real_data / "icbhi_annotations", real_data / "icbhi_subset" / icbhi.SPLIT_LIST)


@pytest.fixture(scope="module")
def subset(real_data):
    return data.load("icbhi", real_data / "icbhi_subset")


def test_complete_corpus_has_the_published_counts(complete):
    assert len(complete.recordings) == 920
    assert len(complete.clips) == 6898
    assert per_class(complete.clips) == (3642, 1864, 886, 506)
    assert len({clip.patient for clip in complete.clips}) == 126


def test_official_split_has_the_published_counts(complete):
    sides = splits.official(complete)
    assert set(sides) == {"train", "test"}
    assert per_class(sides["train"]) == (2063, 1215, 501, 363)
    assert per_class(sides["test"]) == (1579, 649, 385, 143)
    assert [len({clip.recording for clip in sides[side]}) for side in ("train", "test")] == [539, 381]
    assert splits.overlap(sides["train"], sides["test"]) == ("156", "218")


def test_recording_with_two_device_names_is_not_lost(complete):
    clips = [clip for clip in complete.clips if clip.recording.startswith("226_1b1_Pl_sc")]
    assert len(clips) == 11
    assert {(clip.device, clip.split) for clip in clips} == {("LittC2SE", "train")}


def test_devices_by_recording(complete):
    devices = Counter({clip.recording: clip.device for clip in complete.clips}.values())
    assert devices == {"AKGC417L": 646, "Meditron": 127, "LittC2SE": 87, "Litt3200": 60}


def test_subset_has_its_counts_and_says_that_it_is_one(subset):
    sides = splits.official(subset)
    assert len(subset.recordings) == 288
    assert per_class(sides["train"]) == (1080, 350, 186, 90)
    assert per_class(sides["test"]) == (694, 112, 148, 40)
    assert Counter(clip.device for clip in subset.clips) == {
        "Meditron": 1456,
        "Litt3200": 502,
        "AKGC417L": 417,
        "LittC2SE": 325,
    }
    assert len({clip.patient for clip in subset.clips}) == 100
    assert subset.title == "ICBHI subset (39 %)"
    assert subset.notes == ("632 of 920 recordings of the official split have no audio here.",)


def test_subset_cycles_lie_within_their_audio(subset):
    seconds = {path: soundfile.info(path).duration for path in {clip.path for clip in subset.clips}}
    assert all(clip.end_s <= seconds[clip.path] + 0.001 for clip in subset.clips)


def test_full_corpus_is_titled_as_such(tmp_path):
    folder = tmp_path / AUDIO
    folder.mkdir()
    names = [f"{101 + i}_1b1_Al_sc_Meditron" for i in range(920)]
    for name in names:
        (folder / f"{name}.wav").touch()
        (folder / f"{name}.txt").write_text("0\t1\t0\t0\n")
    (tmp_path / icbhi.SPLIT_LIST).write_text("".join(f"{name}\ttrain\n" for name in names))
    corpus = icbhi.load(tmp_path)
    assert (corpus.title, corpus.notes) == ("ICBHI 2017", ())


def test_clip_says_what_the_files_say(tiny_icbhi):
    corpus = data.load("icbhi", tiny_icbhi)
    clip = corpus.clips[0]
    assert (clip.recording, clip.start_s, clip.end_s, clip.label, clip.kind) == (NAME, 0.0, 2.0, 0, "normal")
    assert (clip.patient, clip.device, clip.location, clip.split) == ("101", "Meditron", "Al", "train")
    assert clip.path == tiny_icbhi / AUDIO / f"{NAME}.wav"
    assert (len(corpus.clips), len(corpus.recordings), corpus.notes) == (24, 8, ())
    assert corpus.title.startswith("ICBHI subset")


def test_database_folder_itself_is_accepted(tiny_icbhi):
    assert icbhi.load(tiny_icbhi / AUDIO) == icbhi.load(tiny_icbhi)


def test_flac_and_upper_case_suffixes_are_audio(tiny_icbhi):
    (tiny_icbhi / AUDIO / f"{NAME}.wav").rename(tiny_icbhi / AUDIO / f"{NAME}.FLAC")
    assert icbhi.load(tiny_icbhi).clips[0].path.name == f"{NAME}.FLAC"


def test_split_entries_without_audio_are_counted(tiny_icbhi):
    (tiny_icbhi / AUDIO / f"{NAME}.wav").unlink()
    corpus = icbhi.load(tiny_icbhi)
    assert len(corpus.recordings) == 7
    assert corpus.notes == ("1 of 8 recordings of the official split have no audio here.",)


def test_split_entry_of_another_device_name_matches(tiny_icbhi):
    split = tiny_icbhi / icbhi.SPLIT_LIST
    split.write_text(split.read_text().replace(NAME, NAME.replace("Meditron", "LittC2SE")))
    assert icbhi.load(tiny_icbhi).clips[0].device == "Meditron"


def test_audio_without_annotation_is_named(tiny_icbhi):
    (tiny_icbhi / AUDIO / f"{NAME}.txt").unlink()
    with pytest.raises(CorpusError, match=rf"{NAME}\.wav has no annotation; expected {NAME}\.txt"):
        icbhi.load(tiny_icbhi)


def test_audio_outside_the_split_is_named(tiny_icbhi):
    split = tiny_icbhi / icbhi.SPLIT_LIST
    split.write_text("".join(line for line in split.read_text().splitlines(True) if NAME not in line))
    with pytest.raises(CorpusError, match=rf"{NAME} stands in neither side"):
        icbhi.load(tiny_icbhi)


def test_missing_or_malformed_split_list_is_named(tiny_icbhi):
    split = tiny_icbhi / icbhi.SPLIT_LIST
    good = split.read_text()
    split.write_text(good + f"{NAME}\ttest\n")
    with pytest.raises(CorpusError, match=rf"{split.name}, line 9: {NAME} stands on both sides"):
        icbhi.load(tiny_icbhi)
    split.write_text("\n" + good.replace("\ttrain", " train", 1))
    with pytest.raises(CorpusError, match=rf"{split.name}, line 2: expected NAME, tab, train or test"):
        icbhi.load(tiny_icbhi)
    split.unlink()
    with pytest.raises(CorpusError, match=rf"{split.name} is missing"):
        icbhi.load(tiny_icbhi)


@pytest.mark.parametrize("name", ["101_1b1_Al_sc", "101_1b1_Al_sc_Phone"])
def test_other_file_names_are_refused(tiny_icbhi, name):
    for suffix in (".wav", ".txt"):
        (tiny_icbhi / AUDIO / f"{NAME}{suffix}").rename(tiny_icbhi / AUDIO / f"{name}{suffix}")
    with pytest.raises(CorpusError, match=rf"{name}: expected a name PATIENT_RECORDING_LOCATION_MODE_DEVICE"):
        icbhi.load(tiny_icbhi)


def test_malformed_and_empty_annotations_are_named(tiny_icbhi):
    annotation = tiny_icbhi / AUDIO / f"{NAME}.txt"
    annotation.write_text("0\t1\t0\t0\n1\t2\t0\n")
    with pytest.raises(AnnotationError, match=rf"{NAME}\.txt, line 2"):
        icbhi.load(tiny_icbhi)
    annotation.write_text("")
    with pytest.raises(CorpusError, match=rf"{NAME}\.txt is empty"):
        icbhi.load(tiny_icbhi)


def test_recording_in_both_formats_is_refused(tiny_icbhi):
    (tiny_icbhi / AUDIO / f"{NAME}.flac").touch()
    with pytest.raises(CorpusError, match="the same recording twice"):
        icbhi.load(tiny_icbhi)


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(CorpusError, match=rf"{AUDIO} is not there"):
        icbhi.load(tmp_path)
    (tmp_path / AUDIO).mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.wav or \.flac file"):
        icbhi.load(tmp_path)


def test_unknown_corpus_names_the_known(tmp_path):
    with pytest.raises(ValueError, match="no corpus 'hf_lung'; choose one of icbhi, sprsound, table"):
        data.load("hf_lung", tmp_path)
