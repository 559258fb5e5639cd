"""How long a visitor waits, not asserted: ``python -m pytest tests/e2e/test_speed.py -m slow -s -n 0`` prints it."""

import pytest
from test_page import LOOKS, open_page, sources, upload

from rsc_core import synth

RECORDING_S = 20.0
RUNS = 5
WATCH = """(places) => {
  window.seconds = {};
  let start;
  const restart = () => { start = performance.now(); window.seconds = {}; };
  document.querySelector('#analyse').addEventListener('click', restart, true);
  document.addEventListener('load', (event) => {
    const place = places.find((place) => event.target.matches(place + ' img'));
    if (place) window.seconds[place] = (performance.now() - start) / 1000;
  }, true);
}"""


@pytest.mark.slow
def test_seconds_a_visitor_waits(page, server, tmp_path):
    print(f"\npage served {server.start_s:.1f} s after the start")
    path = tmp_path / "breath.wav"
    synth.write(path, synth.example("Crackles and wheeze", RECORDING_S))
    open_page(page, server)
    upload(page, path)
    sources(page)
    page.evaluate(WATCH, LOOKS)
    for _ in range(RUNS):
        page.wait_for_timeout(1000)
        page.locator("#analyse").click()
        page.wait_for_function("(count) => Object.keys(window.seconds).length === count", arg=len(LOOKS))
        seconds = page.evaluate("window.seconds")
        print(f"from Analyse to the first picture {min(seconds.values()):.2f} s, to all {max(seconds.values()):.2f} s")
