"""Correcting cycles by hand, in a real browser against the real app."""

import pytest

from rsc_core.cycles import icbhi_text, read_icbhi
from rsc_core.ui import texts
from tests.e2e.test_page import choose_example, open_page, table, upload

words = texts.annotate
IN_SIGHT = """() => {
  const strip = document.querySelector("#timeline .strip"), block = strip.querySelector(".block[aria-pressed=true]");
  const left = block.offsetLeft - strip.scrollLeft;
  return left >= -1 && left + block.offsetWidth <= strip.clientWidth + 1;
}"""


def open_annotate(page):
    page.wait_for_selector("#evidence .evidence")
    page.get_by_role("tab", name=texts.page.ANNOTATE_TAB).click()
    page.wait_for_selector("#timeline .block")
    page.wait_for_selector("#timeline .ticks span", state="attached")


def blocks(page):
    """What the timeline says of each cycle."""
    return page.locator("#timeline .block").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")


def wait_until(page, index, said):
    """Wait until the timeline says this of a cycle."""
    page.wait_for_function(
        """([index, said]) => {
          const blocks = document.querySelectorAll('#timeline .block');
          return blocks[index] && blocks[index].getAttribute('aria-label').includes(said);
        }""",
        arg=[index, said],
    )


def chosen(page, number):
    page.locator("#annotate-cycle h2", has_text=f"Cycle {number} of").wait_for()


def drag(page, edge, px):
    """Drag an edge of the chosen cycle sideways."""
    box = page.locator(f"#timeline .edge.{edge}").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + px / 2, y)
    page.mouse.move(x + px, y)
    page.mouse.up()


def export(page, tmp_path):
    """The exported file's name, and its text."""
    page.locator("#export-cycles").click()
    link = page.locator("#exported a[download]").first
    link.wait_for()
    with page.expect_download() as download:
        link.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_an_annotation_is_edited_exported_read_back_and_analysed(page, server, tmp_path):
    open_page(page, server)
    page.get_by_role("tab", name=texts.page.ANNOTATE_TAB).click()
    page.get_by_text(words.FIRST).wait_for()
    page.get_by_role("tab", name=texts.page.ANALYSE_TAB).click()
    choose_example(page, "Crackles and wheeze")
    table(page)
    open_annotate(page)
    page.get_by_text(words.SAVED).wait_for()
    before = blocks(page)

    page.locator("#timeline .block").nth(1).click()
    chosen(page, 2)
    page.locator("#timeline .ticks").dispatch_event("click")  # beside all cycles: nothing
    assert page.locator("#timeline .block[aria-pressed=true]").count() == 1
    page.keyboard.press("n")
    wait_until(page, 1, "normal")
    page.get_by_text(words.UNSAVED).wait_for()
    page.keyboard.press("ArrowRight")  # the keyboard is still on the timeline
    chosen(page, 3)
    page.locator("#jump-1").click()
    chosen(page, 1)
    page.locator("#jump-1").click()
    page.get_by_text(words.NO_MORE[-1]).wait_for()

    page.wait_for_selector("#timeline .edge.end")
    was = blocks(page)
    drag(page, "end", -40)
    page.wait_for_function(f"document.querySelector('#timeline .block').getAttribute('aria-label') !== '{was[0]}'")
    moved = blocks(page)
    end, start = moved[0].split(" to ")[1].split(" s")[0], moved[1].split(", ")[1].split(" to")[0]
    assert end == start  # the neighbour followed
    page.locator("#undo").click()
    wait_until(page, 0, was[0])
    page.locator("#redo").click()
    wait_until(page, 0, moved[0])

    page.locator("#annotate-end input").fill("0.42")
    page.locator("#annotate-end input").press("Enter")
    wait_until(page, 0, "0.00 to 0.42 s")
    page.locator("#annotate-end input").fill("100")
    page.locator("#set-times").click()
    page.locator(".toast-body", has_text="Choose times within it").wait_for()
    page.locator("#delete-cycle").click()
    wait_until(page, 0, "0.42 to")
    page.locator("#add-cycle").click()
    wait_until(page, 0, "0.00 to 0.42 s, normal")
    page.locator("#merge-cycle").click()
    wait_until(page, 0, "Cycle 1, 0.00 to")
    page.locator("#split-cycle").click()
    page.wait_for_function(f"document.querySelectorAll('#timeline .block').length === {len(before)}")
    edited = blocks(page)

    path = export(page, tmp_path)
    assert path.name == words.FILE
    page.get_by_text(words.SAVED).wait_for()
    found = read_icbhi(path)
    shown = [
        words.BLOCK.format(number=i, start=cycle.start_s, end=cycle.end_s, label=cycle.label)
        for i, cycle in enumerate(found, start=1)
    ]
    assert shown == edited and icbhi_text(found) == path.read_text()

    page.locator("#take-cycles").click()
    wait_until(page, 0, before[0])
    page.locator("#import-annotation input[type=file]").set_input_files(path)
    page.get_by_text(words.IMPORTED).wait_for()
    assert blocks(page) == edited

    page.locator("#use-cycles").click()
    page.wait_for_selector("#cycle-table:visible")
    page.wait_for_function(
        f"document.querySelectorAll('#cycle-table tr[data-cycle] .time')[1]?.textContent === '{found[0].end_s:.2f}'"
        f" && document.querySelectorAll('#cycle-table tr[data-cycle]').length === {len(found)}"
    )
    rows = table(page)
    assert [(row[1], row[2], row[3]) for row in rows] == [
        (f"{c.start_s:.2f}", f"{c.end_s:.2f}", c.label) for c in found
    ]
    page.get_by_role("tab", name=texts.page.ANNOTATE_TAB).click()
    page.get_by_text("as you do").wait_for()
    assert blocks(page) == edited


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_timeline_zooms_on_a_phone_without_widening_the_page(browser, server, breath, scheme):
    page = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    open_page(page, server)
    upload(page, breath[0])
    table(page)
    open_annotate(page)
    strip = page.locator("#timeline .strip")
    width = page.locator("#timeline .track").bounding_box()["width"]
    assert width == pytest.approx(strip.bounding_box()["width"], abs=3)
    page.get_by_role("button", name="10 s").click()
    assert page.locator("#timeline .track").bounding_box()["width"] == pytest.approx(1.2 * width, rel=0.02)
    last = page.locator("#timeline .block").last
    last.focus()
    last.press("ArrowLeft")
    chosen(page, len(blocks(page)) - 1)
    strip.evaluate("strip => { strip.scrollLeft = 0; }")
    page.locator("#timeline .block").nth(len(blocks(page)) - 2).press("ArrowRight")
    chosen(page, len(blocks(page)))
    page.wait_for_function(IN_SIGHT)
    edge = page.get_by_role("slider", name="Start of")
    value = float(edge.get_attribute("aria-valuenow"))
    edge.focus()
    edge.press("Shift+ArrowLeft")
    page.wait_for_function("document.querySelector('#annotate-status .unsaved') !== null")
    assert float(edge.get_attribute("aria-valuenow")) == pytest.approx(value - 0.1)
    assert page.evaluate("document.activeElement.dataset.edge") == "start"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
