"""Many files: the page's rows are the command line's, and a bad file is a row, not the end."""

import csv
import json

import gradio as gr
import pytest

from rsc_core import predict, synth
from rsc_core.predict import COLUMNS, paired
from rsc_core.ui import many, texts
from rsc_core.ui.many import Batch, ManyTab
from rsc_core.ui.turns import Turn
from tests.conftest import transformer_and_cnn


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    return transformer_and_cnn(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def sounds(tmp_path):
    """A good recording with an annotation, one that is no sound, one without annotation, and a lonely annotation."""
    synth.write(tmp_path / "a.wav", synth.example("Coarse crackles", 4.0))
    (tmp_path / "b.wav").write_text("not audio")
    synth.write_wav(tmp_path / "c.wav", synth.example("Wheeze", 5.0))
    (tmp_path / "other.txt").write_text("0\t1\t0\t0\n")
    return tmp_path


@pytest.fixture
def tab(analyser):
    with gr.Blocks():
        return ManyTab(analyser, gr.Textbox())


@pytest.fixture
def turn():
    turn = Turn()
    turn.begin()
    return turn


def files_of(folder):
    return [str(folder / name) for name in ("a.txt", "a.wav", "b.wav", "c.wav", "other.txt")]


def test_page_and_command_line_write_the_same_rows(analyser, sounds, tab, turn, capsys, monkeypatch):
    *_, last = tab.label(turn, files_of(sounds), None, "cnn")
    page = predict.as_csv(last[tab.batch].rows)
    monkeypatch.chdir(sounds)
    command = ["a.wav", "b.wav", "c.wav", "--checkpoints", str(analyser.folder), "--model", "cnn"]
    assert predict.main(command) == 1
    printed = capsys.readouterr()
    assert printed.out == page
    assert printed.err.startswith("b.wav: This is not an audio file")
    assert predict.main([*command, "--format", "jsonl"]) == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == list(last[tab.batch].rows)


def test_a_row_is_what_the_model_says_and_a_bad_file_says_why(analyser, sounds):
    sources, lonely = paired(files_of(sounds))
    assert [one.name for one in sources] == ["a.wav", "b.wav", "c.wav"] and lonely == ["other.txt"]
    first, bad, last = predict.score(analyser, sources)
    analysis = analyser.analyse(sounds / "a.wav", None, sounds / "a.txt")
    assert [row["cycle"] for row in first] == list(range(1, len(analysis.cycles) + 1))
    assert {row["annotated"] for row in first} == {"crackle"} and {row["annotated"] for row in last} == {None}
    for row, label, crackle in zip(first, analysis.labels, analysis.crackle_present, strict=True):
        assert tuple(row) == COLUMNS
        assert row["class"] == label and row["crackle_present"] == pytest.approx(crackle, abs=1e-5)
        assert row["wheeze_present"] == pytest.approx(row["wheeze"] + row["both"], abs=2e-5)
    assert len(bad) == 1 and bad[0]["error"].startswith("This is not an audio file")
    assert tuple(bad[0]) == COLUMNS and bad[0]["cycle"] is None and bad[0]["model"] == analyser.default


def test_an_annotation_of_another_recording_is_an_error_of_its_file(analyser, sounds):
    (sounds / "c.txt").write_text("50\t51\t0\t0\n")
    found = list(predict.score(analyser, paired([str(sounds / "c.txt"), str(sounds / "c.wav")])[0]))
    assert "belongs to another recording" in found[0][0]["error"]


def test_annotations_of_the_same_name_are_not_guessed_between(analyser, sounds, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "a.txt"
    twin.write_text("0\t1\t0\t0\n")
    sources, _ = paired([str(twin), *files_of(sounds)])
    assert "several annotations called a.txt" in next(predict.score(analyser, sources))[0]["error"]
    (sounds / "c.json").write_text("{}")
    (sounds / "c.txt").write_text("0\t1\t0\t0\n")
    sources, _ = paired([str(sounds / name) for name in ("c.json", "c.wav", "c.txt")])
    assert sources[0].annotation.endswith("c.txt") and not sources[0].problem  # as beside the file


def test_what_is_done_stays_when_it_is_stopped(tab, turn, sounds):
    going = tab.label(turn, files_of(sounds), None, "cnn")
    next(going)
    batch = next(going)[tab.batch]
    assert batch.done == 1 and "<progress" in many.progress(batch)
    said = tab.stopping(turn, batch)
    (last,) = going  # the file under way is dropped
    # The page may show them in either order.
    assert texts.many.STOPPED.format(done=1, total=3) in said == last[tab.progress]
    written = tab.write(last[tab.batch]).value["path"]
    with open(written, newline="") as file:
        assert {row["file"] for row in csv.DictReader(file)} == {"a.wav"}


def test_nothing_to_label_or_write_is_said(tab, turn, sounds):
    for call, message in (
        (lambda: list(tab.label(turn, None, [str(sounds / "other.txt")], "")), texts.many.NO_FILES),
        (lambda: tab.write(None), texts.many.NO_ROWS),
    ):
        with pytest.raises(gr.Error, match=message):
            call()


def test_names_are_escaped_and_only_the_last_rows_are_shown(tab):
    row = dict.fromkeys(COLUMNS) | {"file": "<b>.wav", "error": "<i>"}
    shown = many.table([row] * (many.SHOWN_ROWS + 1))
    assert "<b>.wav" not in shown and "&lt;b&gt;.wav" in shown and "<i>" not in shown
    assert shown.count("<tr") == many.SHOWN_ROWS + 1
    assert texts.many.LAST.format(shown=many.SHOWN_ROWS, count=many.SHOWN_ROWS + 1) in shown
    assert texts.many.DONE.format(done=0, cycles=0, failed=1) in many.progress(Batch((), (), (row,)))


def test_recordings_of_the_same_name_do_not_share_an_annotation(sounds):
    (sounds / "other").mkdir()
    twin = sounds / "other" / "a.wav"
    synth.write_wav(twin, synth.example("Normal breathing", 4.0))
    sources, _ = paired([*files_of(sounds), str(twin)])
    assert [bool(one.problem) for one in sources] == [True, False, False, True]
    assert "several recordings to which a.txt may belong" in sources[-1].problem
