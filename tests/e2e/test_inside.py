"""Looking inside a model, in a real browser against the real app."""

import pytest

from rsc_core.ui import texts
from tests.e2e.test_page import choose_example, open_page, table, wait_for_new

LOOK, HEAD, MONTAGE = "#inside-look", "#inside-head", "#inside-montage"


def look_inside(page):
    page.get_by_role("tab", name=texts.page.INSIDE_TAB).click()
    page.wait_for_selector("#relevance img", state="attached")
    page.wait_for_selector("#mixer audio[src]", state="attached")


def click_at(page, place, x, y):
    """Click on a picture, at shares of its width and height."""
    page.wait_for_function("place => document.querySelector(`${place} img`)?.naturalWidth", arg=place)  # it is drawn
    picture = page.locator(f"{place} img")
    size = picture.bounding_box()
    picture.click(position={"x": x * size["width"], "y": y * size["height"]})


def source(page, place):
    return page.locator(f"{place} img").get_attribute("src")


def test_heads_patches_the_mix_and_a_test_of_the_map(page, server):
    open_page(page, server)
    choose_example(page, "Crackles and wheeze")
    table(page)
    look_inside(page)
    assert page.locator(".caution:visible").inner_text() == texts.page.CAUTION
    assert "Layer 1, head 1" in page.locator("#inside-numbers").inner_text()

    old = source(page, HEAD)
    click_at(page, MONTAGE, 0.97, 0.85)  # the last layer's last head
    wait_for_new(page, HEAD, old)
    page.wait_for_function("() => document.querySelector('#inside-numbers').textContent.includes('Layer 12, head 3')")

    old = source(page, MONTAGE)
    click_at(page, LOOK, 0.4, 0.5)
    wait_for_new(page, MONTAGE, old)
    page.wait_for_function("() => document.querySelector('#inside-numbers').textContent.includes('the patch at')")
    assert page.locator("#query input[value=patch]").is_checked()

    page.locator("#mixer .player-play").click()
    page.wait_for_function("() => document.querySelector('#mixer audio').currentTime > 0.2")
    player, audio = page.locator("#mixer .player"), page.locator("#mixer audio")
    page.locator("#mixer").get_by_label(texts.player.BLEND).fill("0.5")
    assert player.get_attribute("data-gains") == "0.50 1.00"
    page.locator("#mixer button", has_text=texts.inside.HEAR["attended"]).click()
    assert player.get_attribute("data-gains") == "1.00 0.00"
    assert audio.evaluate("audio => !audio.paused")
    page.locator("#mixer .player-play").click()
    audio.evaluate("audio => { audio.currentTime = 0.7; }")
    address, caption = audio.get_attribute("src"), page.locator("#caption").inner_text()
    page.locator("#method input").click()
    page.get_by_role("option", name="Occlusion").click()
    page.wait_for_function("before => document.querySelector('#caption').innerText !== before", arg=caption)
    assert audio.get_attribute("src") != address  # another map masks the sound otherwise
    assert audio.evaluate("audio => audio.currentTime") == 0.7  # the place is kept
    assert player.get_attribute("data-gains") == "1.00 0.00"
    click_at(page, "#relevance", 0.5, 0.5)
    page.wait_for_function("() => document.querySelector('#mixer audio').currentTime !== 0.7")

    assert not page.locator("#curves").is_visible()  # there are none yet
    page.locator("#believe").click()
    page.wait_for_function("() => document.querySelectorAll('#verdict li').length === 4")
    page.wait_for_selector("#curves img", state="attached")
    said = page.locator("#verdict").inner_text()
    assert "random orders on this cycle" in said and "these two methods" in said
    page.locator("#stop-believing").click()
    page.get_by_text(texts.inside.BELIEVE_STOPPED).wait_for()
    assert page.locator("#verdict").inner_text()  # what was found so far stays
    page.locator("#believe").click()  # and it can be tested again
    page.locator("#belief-progress").get_by_text(" of ").wait_for()
    page.locator("#method input").click()
    page.get_by_role("option", name="Gradient x input").click()  # another map: nothing is known of it
    page.locator("#belief-progress progress").wait_for(state="detached")
    page.wait_for_function("() => !document.querySelector('#verdict').innerText.trim()")
    page.wait_for_timeout(1000)
    assert not page.locator("#curves").is_visible() and page.locator("#belief-progress progress").count() == 0

    page.get_by_role("tab", name=texts.page.ANALYSE_TAB).click()
    page.get_by_role("tab", name=texts.page.INSIDE_TAB).click()
    page.get_by_role("button", name=texts.inside.SCORED).click()
    page.locator("#scored table").first.wait_for()  # this model's methods were scored
    assert page.locator("#method input").input_value() == "Gradient x input (does not beat the baselines)"


@pytest.mark.slow
def test_a_network_without_heads_is_explained_by_other_methods(page, server):
    page.set_default_timeout(60_000)
    page.goto(server.url)
    page.wait_for_selector("#model input")
    page.get_by_role("tab", name=texts.page.INSIDE_TAB).click()
    page.get_by_text(texts.inside.FIRST).wait_for()
    page.get_by_role("tab", name=texts.page.ANALYSE_TAB).click()
    choose_example(page, "Coarse crackles")
    table(page)
    look_inside(page)
    assert page.locator("#no-heads").inner_text() == texts.inside.NO_ATTENTION
    assert not page.locator(MONTAGE).is_visible()
    assert page.locator("#method input").input_value().startswith("Gradient x input")

    assert not page.locator("#similarity").is_visible()
    page.locator("#forget").click()
    page.wait_for_selector("#similarity img", state="attached")
    page.wait_for_selector("#forgot .agreement")  # all layers are forgotten
    assert page.locator("#forgot progress").count() == 0


def test_a_phone_needs_no_horizontal_scrolling(browser, server):
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_page(page, server)
    choose_example(page, "Coarse crackles")
    table(page)
    look_inside(page)
    page.wait_for_selector(f"{MONTAGE} img", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
