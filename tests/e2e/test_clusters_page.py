"""Looking inside a CycleGuardian, in a real browser against the real app; none ships, so it is a random one."""

import pytest
import torch

from rsc_core import checkpoint
from rsc_core.config import run_config
from rsc_core.ui import texts
from tests.e2e.conftest import serve
from tests.e2e.test_page import WAIT_MS, choose_example, table


@pytest.fixture(scope="module")
def guardian_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guardian")
    torch.manual_seed(0)
    config = run_config("cycle_guardian", "icbhi", "small", model={"hidden_size": 96})
    model = checkpoint.build(config).eval()
    with torch.no_grad():
        model.clustering.revive(model.embed(torch.randn(1, *model.input_shape)))
    facts = {"corpus": "none", "protocol": "last", "learned_from": ["nothing"]}
    checkpoint.save(folder / "models" / "guardian", model, config, facts)
    yield from serve(folder, folder / "models")


@pytest.mark.slow
def test_windows_are_shown_silenced_and_played_on_a_phone_too(page, guardian_server):
    page.set_default_timeout(WAIT_MS)
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(guardian_server.url)
    page.wait_for_selector("#model input")
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
