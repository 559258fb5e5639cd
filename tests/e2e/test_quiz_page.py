"""A round of the quiz, in a real browser against the real app."""

import csv
import re

import pytest

from rsc_core import synth
from rsc_core.config import CLASSES
from rsc_core.quiz import LEVELS
from rsc_core.quiz_sounds import Synthesised
from rsc_core.ui import texts

WAIT_MS = 120_000
TELLING = re.compile("|".join(["crackle", "wheeze", "rhonch", "stridor", "normal"]), re.I)


def open_quiz(page, server):
    """Open the tab, where need be from the menu that holds what a narrow page has no room for."""
    page.set_default_timeout(WAIT_MS)
    page.goto(server.url)
    page.wait_for_selector("#model input")
    tab = page.get_by_role("tab", name=texts.page.QUIZ_TAB)
    if not tab.count() or not tab.is_visible():
        page.locator(".overflow-menu > button").click()
        tab = page.locator(".overflow-dropdown button", has_text=texts.page.QUIZ_TAB)
    tab.click()
    page.wait_for_function("document.querySelector('#quiz-model input')?.value")


def start(page, plan, count=5):
    page.locator("#quiz-plan label", has_text=texts.quiz.PLANS[plan]).click()
    page.locator("#quiz-count input[type=number]").fill(str(count))
    page.locator("#quiz-count input[type=number]").press("Tab")
    page.locator("#quiz-start").click()
    return asked(page, 0)


def asked(page, step):
    """The answers offered once so many have been given."""
    page.wait_for_selector(f'#quiz-answers button[data-step="{step}"]')
    return page.locator("#quiz-answers button").evaluate_all("all => all.map((one) => one.dataset.answer)")


def press(page, options, answer):
    page.keyboard.press(str(options.index(answer) + 1))


def revealed(page):
    """What the page says of the sound, once its picture stands and the keyboard can go on."""
    page.wait_for_selector("#quiz-picture img")
    page.wait_for_function("document.activeElement.id === 'quiz-next'")
    return page.locator("#quiz-revealed").inner_text()


def test_a_rising_round_by_keyboard_tells_nothing_before_an_answer(page, server):
    open_quiz(page, server)
    sounds = Synthesised(5, "rising", 1)
    options = start(page, "rising")
    given = 0
    for number, sound in enumerate(sounds, start=1):
        assert page.locator(".quiz-progress").inner_text().startswith(f"Sound {number} of 5")
        told = page.locator("#quiz-round").evaluate("(round) => round.outerHTML")
        assert set(TELLING.findall(told)) <= {"normal"}  # the one that is an answer to every first question
        assert not page.locator("#quiz-picture img").count()
        levels = sound.levels("rising")
        for level in levels:
            press(page, options, sound.truth(level)[0])
            given += 1
            if level != levels[-1]:
                options = asked(page, given)
        text = revealed(page)
        assert sound.cycle.label in text and all(texts.quiz.LISTEN_FOR[kind] in text for kind in sound.listen_for)
        assert "sprsound-cnn" in text
        page.keyboard.press("Enter")
        if number < 5:
            options = asked(page, given)

    page.wait_for_selector("#quiz-tables table")
    assert page.locator("#quiz-tables caption").first.inner_text() == "You: 5 of 5 right"
    assert texts.quiz.PUBLISHED in page.locator("#quiz-tables").inner_text()
    with page.expect_download() as download:
        page.locator("#quiz-csv").click()
    with open(download.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == given and {row["right"] for row in rows} == {"yes"}
    page.locator("#quiz-again").click()
    assert asked(page, 0) == list(LEVELS["coarse"])
    assert page.locator(".quiz-progress").inner_text().startswith("Sound 1 of 5")


@pytest.mark.slow
def test_a_teacher_s_recordings_on_a_phone(browser, server, tmp_path):
    for number, name in enumerate(("Normal breathing", "Wheeze")):
        synth.write(tmp_path / f"ward_{number}.wav", synth.example(name, 12.0))
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_quiz(page, server)
    page.get_by_text(texts.quiz.SOURCES["annotated"]).click()
    page.locator("#quiz-files input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    page.locator("#quiz-files").get_by_text("ward_1").first.wait_for()
    assert start(page, "four") == list(CLASSES)
    assert "ward_" not in page.locator("#quiz-round").evaluate("(round) => round.outerHTML")
    page.locator("#quiz-answers button").nth(1).click()  # neither holds crackles
    text = revealed(page)
    assert "ward_" in text and texts.quiz.NO_MODEL in text
    assert page.locator("#quiz-verdict").inner_text().startswith("Not right: you said crackle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#quiz-end").click()
    page.wait_for_selector("#quiz-tables caption")
    assert page.locator("#quiz-tables caption").all_inner_texts() == ["You: 0 of 1 right"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
