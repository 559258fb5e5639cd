"""Building a sound, in a real browser against the real app."""

import pytest
import soundfile

from rsc_core import cycles
from rsc_core.ui import texts
from tests.e2e.test_page import open_page, sources, table, wait_for_new

PICTURE = "#build-picture"


def open_build(page, server):
    open_page(page, server)
    page.get_by_role("tab", name=texts.page.BUILD_TAB).click()
    page.wait_for_selector(f"{PICTURE} img", state="attached")


def said(page, text):
    page.locator("#build-said").get_by_text(text).wait_for()


def source(page):
    return page.locator(f"{PICTURE} img").get_attribute("src")


def fill(page, place, value):
    number = page.locator(f"{place} input[type=number]")
    number.fill(value)
    number.press("Tab")


def test_a_sound_is_built_changed_taken_home_and_labelled(page, server, tmp_path):
    open_build(page, server)
    assert page.locator(".caution:visible").inner_text() == texts.page.CAUTION
    said(page, "24 × fine crackle")
    page.wait_for_selector("#build-play .player-play")
    first = source(page)

    fill(page, "#build-fine-crackle-two-cycle-ms", "12")  # the default IDW still fits
    wait_for_new(page, PICTURE, first)
    said(page, "24 × coarse crackle")
    said(page, "CORSA (2000): coarse crackle")
    page.get_by_label("Wheeze", exact=True).check()
    said(page, "3 × wheeze")
    both = source(page)

    fill(page, "#build-fine-crackle-idw-ms", "3")  # a quarter of 12 ms, but not of 5
    wait_for_new(page, PICTURE, both)
    fitted = source(page)
    fill(page, "#build-fine-crackle-two-cycle-ms", "5")
    page.locator("#build-said [role=alert]").get_by_text(texts.build.FIELDS["idw_ms"]).wait_for()
    assert source(page) == fitted
    fill(page, "#build-fine-crackle-two-cycle-ms", "12")
    page.wait_for_selector("#build-said [role=status]")

    page.locator("#build-download").click()
    links = page.locator("#build-files a")
    links.nth(2).wait_for()
    with page.expect_download() as loading:
        links.nth(0).click()
    loading.value.save_as(tmp_path / "sound.wav")
    assert soundfile.info(tmp_path / "sound.wav").duration == 12.0
    with page.expect_download() as loading:
        links.nth(1).click()
    loading.value.save_as(tmp_path / "sound.txt")
    assert [cycle.label for cycle in cycles.read_annotation(tmp_path / "sound.txt")] == ["both"] * 3

    page.locator("#build-send").click()
    assert [row[3] for row in table(page)] == ["both"] * 3
    sources(page)
    assert page.locator("#log-mel img").evaluate("image => image.naturalWidth") > 600  # drawn as wide as it stands


@pytest.mark.slow
def test_a_third_sound_takes_the_place_of_the_first_on_a_phone(browser, server):
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_page(page, server)
    tab = page.get_by_role("tab", name=texts.page.BUILD_TAB)
    tab.click() if tab.is_visible() else page.evaluate("document.getElementById('build-tab-button').click()")
    said(page, "24 × fine crackle")
    page.get_by_label("Stridor", exact=True).check()
    said(page, "3 × stridor")
    page.get_by_label("Pleural rub", exact=True).check()
    said(page, "30 × pleural rub")
    assert not page.get_by_label("Fine crackle", exact=True).is_checked()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#build-download").click()
    page.locator("#build-files a").first.wait_for()
    assert page.locator("#build-files a").count() == 1  # no corpus has a class for a rub: no annotation
    page.close()


@pytest.mark.slow
def test_the_threshold_view_draws_along_and_can_be_stopped(page, server):
    open_build(page, server)
    page.wait_for_selector("#build-play .player-play")  # what is above has its height
    page.locator("#threshold-run").click()
    page.locator("#threshold-progress progress").wait_for()
    page.locator("#threshold-stop").click()
    page.get_by_text(texts.threshold.STOPPED).wait_for()
    page.locator("#threshold-run").click()  # as often as wanted
    page.wait_for_selector("#threshold-picture img", state="attached")
    page.locator("#threshold-progress").get_by_text("Level").wait_for()
