"""Labelling many files, in a real browser against the real app."""

import csv

import pytest

from rsc_core import synth
from rsc_core.predict import COLUMNS
from rsc_core.ui import texts
from tests.e2e.test_page import open_page

ROWS = "#many-table tbody tr"


@pytest.fixture
def folder(tmp_path):
    """Two recordings, the first with an annotation, and a text that claims to be one."""
    synth.write(tmp_path / "first.wav", synth.example("Wheeze", 5.0))
    (tmp_path / "letter.wav").write_text("This is a letter, not a sound.")
    synth.write_wav(tmp_path / "second.wav", synth.example("Fine crackles", 6.0))
    return tmp_path


def open_many(page, server):
    open_page(page, server)
    page.get_by_role("tab", name=texts.page.MANY_TAB).click()
    page.locator("#many-run").wait_for()


def choose(page, paths):
    page.locator("#many-files input[type=file]").set_input_files(paths)
    page.wait_for_function(
        "count => document.querySelectorAll('#many-files .file-preview tr').length === count", arg=len(paths)
    )


def test_many_files_become_a_table_and_a_csv(page, server, folder, tmp_path):
    open_many(page, server)
    page.locator("#many-run").click()
    page.get_by_text(texts.many.NO_FILES).first.wait_for()
    choose(page, [folder / name for name in ("first.wav", "first.txt", "letter.wav", "second.wav")])
    page.locator("#many-run").click()
    page.get_by_text("Files that could not be used: 1").wait_for()
    assert "not an audio file" in page.locator(f"{ROWS}.failed").inner_text()
    shown = page.locator(ROWS).evaluate_all("rows => rows.map((row) => [...row.cells].map((c) => c.innerText.trim()))")
    assert {row[0] for row in shown} == {"first.wav", "letter.wav", "second.wav"}

    page.locator("#many-save").click()
    link = page.locator("#many-csv a[download]").first
    link.wait_for()
    with page.expect_download() as download:
        link.click()
    path = tmp_path / "rows.csv"
    download.value.save_as(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and len(rows) == len(shown)
    assert [row["annotated"] for row in rows if row["file"] == "first.wav"][0] == "wheeze"
    for row, cells in zip(rows, shown, strict=True):
        if not row["error"]:
            assert cells[1] == row["cycle"] and cells[4] == row["class"] and cells[7] == row["model"]


def test_what_is_done_stays_when_stopped(page, server, folder):
    open_many(page, server)
    paths = [folder / f"copy{i}.wav" for i in range(100)]  # more than are labelled while the page draws
    for path in paths:
        path.write_bytes((folder / "second.wav").read_bytes())
    choose(page, paths)
    page.locator("#many-run").click()
    page.wait_for_selector(ROWS)
    page.locator("#many-stop").click()
    page.get_by_text("what was labelled stays").wait_for()
    assert 0 < page.locator(ROWS).count()
    page.locator("#many-run").click()  # as often as wanted
    page.locator("#many-progress progress").wait_for()
    page.wait_for_selector(ROWS)
    page.locator("#many-stop").click()
    page.get_by_text("what was labelled stays").wait_for()
    page.locator("#many-progress progress").wait_for(state="detached")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
