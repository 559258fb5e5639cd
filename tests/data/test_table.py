import dataclasses

import numpy as np
import pytest
import soundfile

from rsc_core import data
from rsc_core.config import AudioConfig, DataConfig
from rsc_core.data import table
from rsc_core.data.corpus import CorpusError
from rsc_core.data.loader import Waveforms

OWN = DataConfig(labels="table")


@pytest.fixture
def ward(tmp_path):
    """A folder with three files of 1, 2 and 3 s at 4 kHz, two of them with the same name."""
    for name, seconds in (("a.wav", 1), ("b.flac", 2), ("deep/a.wav", 3)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.full(4000 * seconds, 0.1 * seconds), 4000)
    return tmp_path


def write(folder, *lines, name="ward.csv", header="path,label,split"):
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder / name


def test_rows_become_clips(ward):
    header = "path,label,split,start_s,end_s,patient,device,location"
    path = write(
        ward,
        "a.wav,wheeze,train,0.25,0.75,17,Littmann,Al",
        "./deep/a.wav, normal ,test,,,18,,",
        "b.flac,crackle,val,,,,,",
        header=header,
    )
    corpus = data.load("table", path)
    assert (corpus.classes, corpus.multi_label, corpus.title) == (("normal", "crackle", "wheeze"), False, "ward")
    first, second, third = corpus.clips
    assert (first.start_s, first.end_s, first.labels, first.kind) == (0.25, 0.75, (2,), "wheeze")
    assert (first.patient, first.device, first.location, first.split) == ("17", "Littmann", "Al", "train")
    assert (second.recording, second.start_s, second.end_s, second.device) == ("deep/a.wav", 0.0, 3.0, "unknown")
    assert (third.patient, third.end_s, third.labels) == ("b.flac", 2.0, (1,))
    assert corpus.recordings == ("a.wav", "deep/a.wav", "b.flac")


def test_files_of_one_name_in_two_folders_stay_apart(ward):
    corpus = table.load(write(ward, "a.wav,x,train", "deep/a.wav,y,train"))
    waveforms = Waveforms(corpus.clips, AudioConfig(sample_rate=4000, level="none"), progress=False)
    means = [waveforms.cut(c, c.start_s, c.end_s).mean() for c in corpus.clips]
    assert means == pytest.approx([0.1, 0.3], abs=1e-3)


def test_several_labels_make_the_corpus_multi_label(ward):
    corpus = table.load(write(ward, "a.wav,dog; cat,train", "b.flac,cat,train", "deep/a.wav,bird,test"))
    assert corpus.multi_label and corpus.classes == ("bird", "cat", "dog")
    assert [c.labels for c in corpus.clips] == [(1, 2), (1,), (0,)]
    chosen = data.select(corpus, OWN, protocol="last")
    assert chosen.multi_label and chosen.classes == corpus.classes
    assert "No training clip is labelled bird." in chosen.notes


def test_three_files_name_their_splits(ward):
    for split, row in (("train", "a.wav,x"), ("val", "b.flac,y"), ("test", "deep/a.wav,y")):
        write(ward, row, name=f"{split}.csv", header="path,label")
    corpus = table.load(ward)
    assert [(c.recording, c.split) for c in corpus.clips] == [
        ("a.wav", "train"),
        ("b.flac", "val"),
        ("deep/a.wav", "test"),
    ]
    write(ward, "b.flac,y,train", name="val.csv")
    with pytest.raises(CorpusError, match=r"val\.csv, line 2: expected split val, got 'train'"):
        table.load(ward)


def test_a_folder_with_one_file_is_that_file(ward):
    path = write(ward, "a.wav,x,train", "b.flac,y,test")
    assert table.load(ward).clips == table.load(path).clips
    write(ward, "a.wav,x,train", name="other.csv")
    with pytest.raises(CorpusError, match=r"holds other\.csv, ward\.csv; expected train\.csv and test\.csv"):
        table.load(ward)


def test_own_validation_rows_are_the_validation_set(ward):
    corpus = table.load(write(ward, "a.wav,x,train", "b.flac,y,val", "deep/a.wav,y,test"))
    chosen = data.select(corpus, OWN, seed=4)
    assert [[c.recording for c in part] for part in (chosen.train, chosen.validation, chosen.test)] == [
        ["a.wav"],
        ["b.flac"],
        ["deep/a.wav"],
    ]
    last = data.select(corpus, OWN, protocol="last")
    assert (len(last.train), last.validation) == (1, ())
    assert 'Protocol "last" leaves the 1 clips of the val split unused.' in last.notes


def test_without_validation_rows_patients_are_carved(ward):
    rows = [f"a.wav,{'xy'[i % 2]},train,{0.04 * i:.2f},1,{i}" for i in range(20)]
    corpus = table.load(write(ward, *rows, header="path,label,split,start_s,end_s,patient"))
    chosen = data.select(corpus, OWN, validation_share=0.2)
    assert (len(chosen.train), len(chosen.validation)) == (16, 4)
    assert "table, split official" not in "".join(corpus.notes)


def test_the_same_file_on_both_sides_is_an_overlap(ward):
    corpus = table.load(
        write(ward, "a.wav,x,train,0,0.5", "a.wav,y,test,0.5,1", header="path,label,split,start_s,end_s")
    )
    assert data.select(corpus, OWN, protocol="last").overlap == ("a.wav",)
    assert corpus.notes == ("The table names no patients: every file counts as a patient of its own.",)


def test_a_table_of_lung_sounds_can_be_read_as_the_four_classes(ward):
    corpus = table.load(write(ward, "a.wav,wheeze,train", "b.flac,both,test"))
    assert corpus.classes == ("both", "wheeze")
    chosen = data.select(corpus, protocol="last")
    assert [c.labels for c in chosen.train + chosen.test] == [(2,), (3,)]
    assert data.select(dataclasses.replace(corpus, clips=corpus.clips[1:])).part("test")[0].labels == (3,)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c.wav,x,train,,", r"line 3: .*c\.wav is not there; paths count from the folder of the CSV"),
        (",x,train,,", "line 3: expected the path of an audio file"),
        ("a.wav,x,dev,,", "line 3: expected split train, val or test, got 'dev'"),
        ("a.wav,,train,,", "line 3: expected a label"),
        ("a.wav,x;x,train,,", "line 3: expected a label, or different ones as a;b, got 'x;x'"),
        ("a.wav,x,train,0.5,", "line 3: expected start_s and end_s in seconds, or neither"),
        ("a.wav,x,train,zero,1", "line 3: expected start_s and end_s in seconds"),
        ("a.wav,x,train,0.5,0.5", "line 3: expected 0 <= start_s < end_s <= 1.00"),
        ("a.wav,x,train,-1,0.5", "line 3: expected 0 <= start_s"),
        ("a.wav,x,train,1.01,1.04", "line 3: expected 0 <= start_s"),
        ("a.wav,x,train,nan,0.5", "line 3: expected 0 <= start_s"),
        ("a.wav,x,train,200,900", r"line 3: .*are they in seconds\?"),
        ("a.wav,x,train", "line 3: expected 5 values, as in the header"),
        ("a.wav,x,train,,,,", "line 3: expected 5 values, as in the header"),
        ("text.wav,x,train,,", r"line 3: .*text\.wav cannot be read as audio"),
        ("empty.wav,x,train,,", r"line 3: .*empty\.wav holds no sound"),
    ],
)
def test_errors_name_file_and_line(ward, row, message):
    (ward / "text.wav").write_text("no audio")
    soundfile.write(ward / "empty.wav", np.zeros(0), 4000)
    path = write(ward, "b.flac,y,test,,", row, header="path,label,split,start_s,end_s")
    with pytest.raises(CorpusError, match=rf"ward\.csv, {message}"):
        table.load(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("path,label", "missing: split"),
        ("file,label,split", "missing: path; unknown: file"),
        ("path,label,split,begin", "unknown: begin"),
    ],
)
def test_other_columns_are_refused(ward, header, message):
    with pytest.raises(CorpusError, match=f"line 1: expected columns path, label, split .*{message}"):
        table.load(write(ward, "a.wav,x,train", header=header))


def test_folders_and_tables_that_hold_nothing_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="is no CSV file, nor a folder with one"):
        table.load(tmp_path / "missing.csv")
    with pytest.raises(CorpusError, match="at least two classes, got no clip"):
        table.load(write(tmp_path))
    (tmp_path / "ward.csv").write_bytes(b"path,label,split\n\xff.wav,x,train\n")
    with pytest.raises(CorpusError, match="expected text in UTF-8"):
        table.load(tmp_path)
