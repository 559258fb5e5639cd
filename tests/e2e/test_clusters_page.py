"""Looking inside a CycleGuardian, in a real browser against the real app."""

from rsc_core.ui import texts
from tests.e2e.test_page import WAIT_MS, choose_example, choose_model, table


def test_windows_are_shown_silenced_and_played_on_a_phone_too(page, server):
    page.set_default_timeout(WAIT_MS)
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(server.url)
    page.wait_for_selector("#model input")
    choose_model(page, "sprsound-guardian")
    choose_example(page, "Coarse crackles")
    table(page)
    page.get_by_role("tab", name=texts.page.INSIDE_TAB).click()
    page.wait_for_selector("#clusters-picture img", state="attached")
    assert not page.locator("#method").is_visible() and not page.locator("#inside-look").is_visible()
    page.wait_for_selector("#silence-answers table")
    said = page.locator("#silence-answers [role=status]")
    assert said.inner_text().startswith(texts.clusters.UNTOUCHED.split("{")[0])
    assert page.locator("#silence-answers tbody tr").count() == 5

    boxes = page.locator("#silenced input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.wait_for_function("() => document.querySelectorAll('#silence-answers tbody tr').length === 6")
    assert said.inner_text().startswith("Without cluster 1 and cluster 3")
    assert page.locator("#silence-answers tr[aria-current]").inner_text().startswith("without cluster 1 and cluster 3")

    page.wait_for_selector("[id^=typical-] .player-play")
    page.wait_for_selector("#typical-places li")
    assert page.locator("#typical-places li").count() == 4
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
