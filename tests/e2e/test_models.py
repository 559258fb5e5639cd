"""The list of models, in a real browser."""

import pytest

from rsc_core.ui import texts
from tests.e2e.test_page import asked_of, choose_example, open_page, table

CONTRAST_PAIR = """(element) => {
  const light = (color) => {
    const [r, g, b] = color.match(/[0-9.]+/g).map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  while (getComputedStyle(ground).backgroundColor.endsWith(", 0)")) ground = ground.parentElement;
  return [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(light);
}"""


def test_models_stand_in_groups_with_a_drawing_and_answer_to_the_keyboard(page, server):
    open_page(page, server)
    groups = page.locator("#model fieldset")
    shipped = [texts.tunings.TUNINGS[kind] for kind in ("full", "lora", "adapter", "cnn", "cycle_guardian")]
    assert page.locator("#model legend").all_inner_texts() == [words.title for words in shipped]
    for group, words in zip(groups.all(), shipped, strict=True):
        assert group.get_by_role("img", name=words.alt).bounding_box()["width"] > 200
        assert words.sentence in group.inner_text()
    page.locator("#model input:checked").press("ArrowDown")
    page.locator("#card h2").get_by_text("icbhi-lora", exact=True).wait_for()
    asked = asked_of(page)
    choose_example(page, "Coarse crackles")
    table(page)
    assert "icbhi-lora" in dict(asked)["analyse_example"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_quiet_text_can_be_read_in_both_themes(page, server, theme):
    page.goto(f"{server.url}?__theme={theme}")
    page.wait_for_selector("#model fieldset .note", timeout=60_000)
    text, ground = page.locator("#model fieldset .note").first.evaluate(CONTRAST_PAIR)
    assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) > 4.5
