import json

import numpy as np
import pytest
import soundfile

from rsc_core.data import check, icbhi, sprsound
from rsc_core.data.__main__ import main
from rsc_core.data.check import Problem

NAME = "101_1b1_Al_sc_Meditron"
OLD = "101_1b1_Al_sc_LittC2SE"


@pytest.fixture
def whole(tiny_icbhi, monkeypatch):
    """The tiny corpus, taken for the complete one: 8 recordings of 24 cycles."""
    monkeypatch.setattr(icbhi, "RECORDINGS", 8)
    monkeypatch.setattr(icbhi, "CYCLES", 24)
    return tiny_icbhi


@pytest.fixture
def children(tmp_path, monkeypatch):
    """A folder laid out as SPRSound with one recording a split: 1, 1 and 2 events of 1 s in 3 s of noise."""
    monkeypatch.setattr(check, "SPRSOUND_COUNTS", {"train": (1, 1), "intra": (1, 1), "inter": (1, 2)})
    rng = np.random.default_rng(0)
    for i, (split, (audio, annotation)) in enumerate(sprsound.SPLITS.items()):
        for folder in (audio, annotation):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / audio / f"{split}_5.0_0_p1_{i}.wav", 0.1 * rng.standard_normal(24000), 8000)
        events = [{"start": 1000 * k, "end": 1000 * k + 1000, "type": "Normal"} for k in range(1 + (split == "inter"))]
        content = {"record_annotation": "Normal", "event_annotation": events}
        (tmp_path / annotation / f"{split}_5.0_0_p1_{i}.json").write_text(json.dumps(content))
    return tmp_path


def found(corpus, root):
    return [(p.kind, p.what.replace(f"{root}/", "")) for p in check.check(corpus, root, progress=False)]


def test_complete_corpora_pass(whole, capsys):
    assert found("icbhi", whole) == found("icbhi", whole / icbhi.DATABASE) == []
    assert main(["check", "--corpus", "icbhi", "--data", str(whole)]) == 0
    assert "Complete and undamaged." in capsys.readouterr().out


def test_complete_sprsound_passes(children):
    assert found("sprsound", children) == []


def test_every_problem_is_listed_with_what_to_do(whole, capsys):
    audio = whole / icbhi.DATABASE
    (audio / f"{NAME}.wav").unlink()
    (audio / "102_1b1_Al_sc_Meditron.wav").write_text("an error page")
    (audio / "103_1b1_Al_sc_Meditron.txt").unlink()
    (audio / "999_1b1_Al_sc_Meditron.wav").write_bytes((audio / "104_1b1_Al_sc_Meditron.wav").read_bytes())
    soundfile.write(audio / "105_1b1_Al_sc_Meditron.wav", np.full(4000, 0.1), 4000)
    assert found("icbhi", whole) == [
        ("missing", "annotation of 103_1b1_Al_sc_Meditron"),
        ("missing", f"audio of {NAME}"),
        ("extra", f"{icbhi.DATABASE}/999_1b1_Al_sc_Meditron.wav"),
        (
            "corrupt",
            f"{icbhi.DATABASE}/102_1b1_Al_sc_Meditron.wav: This is not an audio file that can be read here, whatever "
            "its name says. Choose a WAV, FLAC, OGG (Vorbis or Opus) or MP3 file.",
        ),
        (
            "corrupt",
            f"{icbhi.DATABASE}/105_1b1_Al_sc_Meditron.wav holds 1.00 s of sound; its annotation reaches 6.00 s",
        ),
    ]
    assert main(["check", "--corpus", "icbhi", "--data", str(whole)]) == 1
    printed = capsys.readouterr().out
    assert "missing (2): download the corpus again" in printed and "corrupt (2): delete it" in printed
    assert printed.count("\n") == 3 + 5


def test_a_file_cut_short_in_its_middle_is_found(whole):
    path = whole / icbhi.DATABASE / f"{NAME}.wav"
    path.write_bytes(path.read_bytes()[:24000])
    ((kind, what),) = found("icbhi", whole)
    assert kind == "corrupt" and "its annotation reaches 6.00 s" in what


@pytest.mark.parametrize("place", [".", icbhi.DATABASE])
def test_old_names_are_told_from_new_ones(whole, place):
    for suffix in (".wav", ".txt"):
        (whole / icbhi.DATABASE / f"{NAME}{suffix}").rename(whole / icbhi.DATABASE / f"{OLD}{suffix}")
    new = f"{icbhi.DATABASE}/{OLD}.{{0}} of {NAME}.{{0}}"
    assert found("icbhi", whole) == [("renamed", new.format("txt")), ("renamed", new.format("wav"))]
    (whole / place / "filename_differences.txt").write_text(f"'{OLD}'\n")
    assert [what for _, what in found("icbhi", whole)] == [
        f"{icbhi.DATABASE}/{OLD}.{suffix}, an old name of {NAME}.{suffix}" for suffix in ("txt", "wav")
    ]


def test_the_recording_the_list_misnames_is_no_problem(whole):
    split = whole / icbhi.SPLIT_LIST
    split.write_text(split.read_text().replace(NAME, "226_1b1_Pl_sc_Meditron"))
    for suffix in (".wav", ".txt"):
        (whole / icbhi.DATABASE / f"{NAME}{suffix}").rename(whole / icbhi.DATABASE / f"226_1b1_Pl_sc_LittC2SE{suffix}")
    assert found("icbhi", whole) == []


def test_recordings_kept_twice_are_extra(whole):
    audio = whole / icbhi.DATABASE
    samples, rate = soundfile.read(audio / f"{NAME}.wav")
    soundfile.write(audio / f"{NAME}.flac", samples, rate)
    (audio / f"{OLD}.txt").write_text((audio / f"{NAME}.txt").read_text())
    kinds = [kind for kind, _ in found("icbhi", whole)]
    assert sorted(kinds) == ["extra", "extra", "renamed"]


def test_changed_malformed_and_empty_annotations_are_found(whole):
    annotation = whole / icbhi.DATABASE / f"{NAME}.txt"
    annotation.write_text("0\t1\t0\t0\n")
    assert found("icbhi", whole) == [("changed", "the annotations hold 22 cycles; 24 are published")]
    annotation.write_text("0\t1\t0\n")
    ((kind, what),) = found("icbhi", whole)
    assert kind == "corrupt" and f"{NAME}.txt, line 1: expected 4 columns" in what
    annotation.write_text("")
    assert found("icbhi", whole) == [("corrupt", f"{icbhi.DATABASE}/{NAME}.txt is empty")]


def test_missing_folders_and_lists_are_named(whole, tmp_path):
    assert found("icbhi", tmp_path) == [("missing", f"{icbhi.DATABASE}, the folder of recordings and annotations")]
    split = whole / icbhi.SPLIT_LIST
    lines = split.read_text().splitlines(True)
    split.write_text("".join(lines[:-1]))
    assert ("missing", f"1 of 8 names of {icbhi.SPLIT_LIST}") in found("icbhi", whole)
    split.write_text("nonsense\n")
    assert [kind for kind, _ in found("icbhi", whole)] == ["changed"]
    split.unlink()
    ((kind, what),) = found("icbhi", whole)
    assert kind == "missing" and "is missing; it is the official train/test list" in what


def test_sprsounds_problems(children):
    train_audio, train_json = (children / folder for folder in sprsound.SPLITS["train"])
    intra_audio, intra_json = (children / folder for folder in sprsound.SPLITS["intra"])
    next(train_json.iterdir()).rename(train_json / "other_5.0_0_p1_9.json")
    intra = next(intra_json.iterdir())
    intra.write_text(intra.read_text().replace("Normal", "Hum"))
    inter = next((children / sprsound.SPLITS["inter"][1]).iterdir())
    inter.write_text(inter.read_text().replace("2000", "9000"))
    kinds = found("sprsound", children)
    assert kinds[0] == ("missing", "audio of other_5.0_0_p1_9 in train_wav")
    assert kinds[1] == ("extra", "train_wav/train_5.0_0_p1_0.wav, which no annotation belongs to")
    assert kinds[2][0] == "corrupt" and "unknown type 'Hum'" in kinds[3][1] + kinds[2][1]
    assert "its annotation reaches 9.00 s" in kinds[2][1] + kinds[3][1]
    assert len(kinds) == 4


def test_sprsounds_counts(children):
    intra, inter = (next((children / sprsound.SPLITS[split][1]).iterdir()) for split in ("intra", "inter"))
    inter.write_text(inter.read_text().replace("}, {", '}], "more": [{'))
    folder = sprsound.SPLITS["inter"][1]
    assert found("sprsound", children) == [("changed", f"{folder} holds 1 events; 2 are published")]
    (inter.parent / intra.name).write_text(intra.read_text())
    assert set(found("sprsound", children)) == {
        ("extra", f"1 annotations in {folder}"),
        ("extra", f"{folder}/{intra.name}: this recording stands in both tests"),
    }
    for path in (inter, inter.parent / intra.name):
        path.unlink()
    assert ("missing", f"1 annotations of {folder}") in found("sprsound", children)


def test_kinds_have_a_remedy_and_tables_no_published_state():
    assert (
        check.report((Problem("extra", "x.wav"),))
        == "extra (1): move it out of the folder: it is no part of the corpus\n  x.wav"
    )
    with pytest.raises(ValueError, match="only icbhi and sprsound have a published state .*got 'table'"):
        check.check("table", ".")


def test_the_real_subset_misses_what_it_says_and_nothing_else(real_data):
    problems = check.check("icbhi", real_data / "icbhi_subset", progress=False)
    assert {p.kind for p in problems} == {"missing"} and len(problems) == 2 * 632


@pytest.mark.slow
def test_the_real_sprsound_is_complete(real_data):
    assert check.check("sprsound", real_data / "sprsound", progress=False) == ()
