"""What axe-core finds on every tab, in both themes; the header's buttons; addresses that lead to something."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from rsc_core.ui import texts
from tests.e2e.test_page import choose_example, open_page, table

EXAMPLE = "Crackles and wheeze (synthesised)"
DRAWN = {
    texts.page.ANALYSE_TAB: "#evidence .evidence",
    texts.page.INSIDE_TAB: "#caption p",
    texts.page.COMPARE_TAB: "#compare",
    texts.page.MIX_TAB: "#mix-picture img",
    texts.page.ANNOTATE_TAB: "#annotate-cycle h2",
    texts.page.MANY_TAB: "#many-tab button",
    texts.page.BUILD_TAB: "#build-picture img",
    texts.page.ATLAS_TAB: "#atlas-picture img",
    texts.page.QUIZ_TAB: "#quiz-start",
}
"""Tab -> what stands there when it is complete."""


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious_on_any_tab(page, server, theme):
    page.goto(f"{server.url}?__theme={theme}&example={EXAMPLE}")
    tabs = page.get_by_role("tab")
    tabs.first.wait_for(timeout=60_000)
    assert tabs.all_inner_texts() == list(DRAWN)
    for tab, place in DRAWN.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        page.locator(place).first.wait_for(timeout=120_000, state="attached")
        page.wait_for_timeout(500)  # fading in changes contrasts
        found = Axe().run(page).response["violations"]
        serious = [
            f"{tab}, {v['id']}: {n['html'][:200]}"
            for v in found
            if v["impact"] in ("serious", "critical")
            for n in v["nodes"]
        ]
        assert not serious, "\n".join(serious)


def test_the_headers_buttons_are_remembered(page, server):
    open_page(page, server)
    size = "getComputedStyle(document.querySelector('.note')).fontSize"
    before = page.evaluate(size)
    for name in (texts.page.PROJECTOR, texts.page.DARK):
        page.get_by_role("button", name=name).click()
    page.reload()
    for name in (texts.page.PROJECTOR, texts.page.DARK):
        page.locator("header").get_by_role("button", name=name, pressed=True).wait_for()
    assert "dark" in page.evaluate("document.body.className")
    assert float(page.evaluate(size)[:-2]) > 1.2 * float(before[:-2])


def test_an_address_leads_to_an_example_a_model_and_a_tab_and_follows_them(page, server):
    page.goto(f"{server.url}?tab=mix&example={EXAMPLE}&model=icbhi-lora")
    page.locator("#mix-table tr td").first.wait_for(timeout=120_000)
    assert page.locator("#model input:checked").get_attribute("value") == "icbhi-lora"
    page.get_by_role("tab", name=texts.page.ANALYSE_TAB, exact=True).click()
    page.wait_for_url(lambda url: "tab=" not in url and "model=icbhi-lora" in url)
    choose_example(page, "Coarse crackles")
    table(page)
    page.wait_for_url(lambda url: "example=Coarse+crackles" in url)


def test_an_address_to_what_is_not_there_opens_the_page(page, server):
    page.goto(f"{server.url}?tab=none&example=none&model=none")
    page.wait_for_selector("#model input:checked", timeout=60_000)
    assert page.get_by_role("tab", name=texts.page.ANALYSE_TAB, exact=True).get_attribute("aria-selected") == "true"
