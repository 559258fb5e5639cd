"""The atlas, in a real browser against the real app."""

from rsc_core.ui import texts
from rsc_core.ui.texts.atlas import ENTRIES
from tests.e2e.test_page import open_page, wait_for_new

PICTURE = "#atlas-picture"


def test_a_page_is_read_heard_and_set_beside_what_it_is_confused_with(page, server):
    open_page(page, server)
    page.get_by_role("tab", name=texts.page.ATLAS_TAB).click()
    page.wait_for_selector(f"{PICTURE} img", state="attached")
    first = page.locator(f"{PICTURE} img").get_attribute("src")

    page.get_by_label(ENTRIES["fine crackle"].title, exact=True).check()
    page.get_by_role("heading", name=ENTRIES["fine crackle"].title).wait_for()
    wait_for_new(page, PICTURE, first)
    assert page.locator("#atlas-page figure figcaption").count() == 2

    audio = page.locator("#atlas-player audio")
    page.wait_for_function("document.querySelector('#atlas-player audio').readyState > 1")
    before = audio.get_attribute("src")
    audio.evaluate("audio => { audio.currentTime = 3.5; }")
    other = page.locator("#atlas-player .player-versions button", has_text=ENTRIES["coarse crackle"].title)
    other.focus()
    page.keyboard.press("Enter")
    assert other.get_attribute("aria-pressed") == "true"
    assert page.locator("#atlas-player .player-versions [aria-pressed=true]").count() == 1
    assert audio.get_attribute("src") != before
    page.wait_for_function("document.querySelector('#atlas-player audio').readyState > 1")
    assert abs(audio.evaluate("audio => audio.currentTime") - 3.5) < 0.01
    assert audio.evaluate("audio => audio.duration") == 8.0


def test_the_atlas_fits_a_phone(browser, server):
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_page(page, server)
    page.evaluate("document.getElementById('atlas-tab-button').click()")
    page.wait_for_selector(f"{PICTURE} img", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
