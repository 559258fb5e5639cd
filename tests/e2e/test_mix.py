"""Mixing two cycles, in a real browser against the real app."""

import pytest
import soundfile

from rsc_core import synth
from rsc_core.ui import texts
from tests.e2e.test_page import choose_example, open_page, table, upload, wait_for_new

PICTURE = "#mix-picture"


def open_mix(page):
    page.wait_for_selector("#evidence .evidence")
    page.get_by_role("tab", name=texts.page.MIX_TAB).click()
    page.wait_for_selector(f"{PICTURE} img", state="attached")


def source(page):
    return page.locator(f"{PICTURE} img").get_attribute("src")


def answered(page):
    """The cells of every model's row, once all have answered."""
    return page.wait_for_function(
        """(waiting) => {
          const rows = [...document.querySelectorAll('#mix-table tbody tr')];
          const cells = rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()));
          return cells.length && !cells.flat().includes(waiting) && cells;
        }""",
        arg=texts.mix.WAITING,
    ).json_value()


def fill(page, place, value):
    number = page.locator(f"{place} input[type=number]")
    number.fill(value)
    number.press("Enter")


def test_two_cycles_are_mixed_drawn_played_and_labelled(page, server):
    open_page(page, server)
    page.get_by_role("tab", name=texts.page.MIX_TAB).click()
    page.get_by_text(texts.mix.FIRST).wait_for()
    page.get_by_role("tab", name=texts.page.ANALYSE_TAB).click()
    choose_example(page, "Coarse crackles")
    table(page)
    open_mix(page)
    assert page.locator(".caution:visible").inner_text() == texts.page.CAUTION
    page.wait_for_selector("#mix-player audio[src]", state="attached")
    audio = page.locator("#mix-player audio")
    heard = [audio.get_attribute("src")]
    audio.evaluate("audio => { audio.currentTime = 1.5; }")
    for label in (texts.mix.PLAYERS[0], texts.mix.PLAYERS[2]):
        page.locator("#mix-player").get_by_role("button", name=label, exact=True).click()
        heard.append(audio.get_attribute("src"))
        assert audio.evaluate("audio => audio.currentTime") == pytest.approx(1.5)  # the same place in another sound
    assert len(set(heard)) == 3
    halves = answered(page)
    offered = page.locator(".names input").evaluate_all("inputs => inputs.map((input) => input.value)")
    assert sorted(row[0] for row in halves) == sorted(offered)

    first = source(page)
    page.locator("#mix-again").click()
    wait_for_new(page, PICTURE, first)
    assert page.locator("#mix-set input").input_value() == "1"
    second = source(page)
    fill(page, "#mix-set", "0")
    wait_for_new(page, PICTURE, second)
    assert source(page) == first  # the same set of patches again

    fill(page, "#mix-kept", "1")
    wait_for_new(page, PICTURE, first)
    for before, row in zip(halves, answered(page), strict=True):
        assert row[1:3] == before[1:3]  # what the models say of both cycles does not hang on the mix
        assert row[3] == row[4] == row[1] and row[5] == "0%"


@pytest.mark.slow
def test_one_cycle_is_mixed_with_an_example_on_a_phone(browser, server, tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, synth.example("Wheeze", 5.0).waveform[:48_000], 44_100)  # too short to find two breaths in
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_page(page, server)
    upload(page, path)
    table(page)
    open_mix(page)
    page.get_by_text(texts.mix.ONE_CYCLE).wait_for()
    assert page.locator("#mix-b input").input_value().endswith("(synthesised)")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
