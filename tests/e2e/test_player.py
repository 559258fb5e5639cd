"""The player, in a real browser against the real app: its clock, its line in the pictures, clicks and keys."""

import numpy as np
import pytest
import soundfile

from rsc_core.figures import LEFT_PX
from rsc_core.ui import cache, texts
from tests.e2e.test_page import choose_example, choose_model, open_page, sources, table, upload, wait_for_new

AUDIO = "#player audio"
CLOSE_S = 0.06
CHIRP_S, CHIRP_FROM_HZ, CHIRP_HZ_PER_S = 8.0, 300.0, 300.0
RIGHT_PX = 14  # of the waveform's axes

TAP = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    window.tap = Object.assign(this.context.createAnalyser(), { fftSize: 2048 });
    connect.call(this, window.tap);
  }
  return connect.call(this, to, ...rest);
};
"""
"""Hears what goes to the loudspeaker."""

WATCH = """
async ([seconds, left, right]) => {
  const audio = document.querySelector('#player audio'), seen = [];
  const line = document.querySelector('#cycles-picture .playhead');
  const bins = new Float32Array(window.tap.frequencyBinCount), rate = window.tap.context.sampleRate;
  for (const until = performance.now() + 1000 * seconds; performance.now() < until;) {
    await new Promise(requestAnimationFrame);
    const img = document.querySelector('#cycles-picture img').getBoundingClientRect();
    const box = line.getBoundingClientRect();
    const share = (box.left + box.width / 2 - img.left - left) / (img.width - left - right);
    window.tap.getFloatFrequencyData(bins);
    const hz = bins.indexOf(Math.max(...bins)) * rate / window.tap.fftSize;
    const middle = window.tap.fftSize / 2 / rate;  // of what was heard for this frequency
    seen.push([share * audio.duration, audio.currentTime, hz, middle]);
  }
  return seen;
}
"""


def now(page):
    return page.locator(AUDIO).evaluate("audio => audio.currentTime")


def paused(page):
    return page.locator(AUDIO).evaluate("audio => audio.paused")


def wait_until_it_moves(page):
    page.wait_for_function(
        "before => document.querySelector('#player audio').currentTime > before + 0.2", arg=now(page)
    )


def press(page, key):
    """Press a key while nothing on the page has the focus."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)


def test_the_line_stands_where_the_clock_is_and_where_the_sound_is(page, server, tmp_path):
    rate = 16000
    s = np.arange(int(CHIRP_S * rate)) / rate
    phase = 2 * np.pi * (CHIRP_FROM_HZ * s + CHIRP_HZ_PER_S * s**2 / 2)
    path = tmp_path / "patient_jane_doe.wav"
    soundfile.write(path, 0.3 * np.sin(phase), rate)
    page.add_init_script(TAP)
    open_page(page, server)
    upload(page, path)
    table(page)
    page.wait_for_selector("#cycles-picture .playhead")
    address = page.locator(AUDIO).get_attribute("src")
    assert cache.PREFIX in address and "jane" not in address
    page.locator("#player .player-play").click()
    wait_until_it_moves(page)
    seen = np.array(page.evaluate(WATCH, [1.5, LEFT_PX, RIGHT_PX]))
    line, clock, hz, middle = seen.T
    assert clock[-1] - clock[0] > 1
    assert np.abs(line - clock).max() <= CLOSE_S
    heard = (hz - CHIRP_FROM_HZ) / CHIRP_HZ_PER_S + middle
    assert abs(np.median(line - heard)) <= CLOSE_S


def test_clicks_loop_keys_and_another_model_keep_the_place(page, server):
    open_page(page, server)
    choose_example(page, "Crackles and wheeze")
    rows = table(page)
    before = sources(page)
    picture = page.locator("#log-mel img")
    size = picture.bounding_box()
    picture.click(position={"x": 0.5 * size["width"], "y": 0.5 * size["height"]})
    drawn = size["width"]
    share = (0.5 * drawn - LEFT_PX) / (drawn - LEFT_PX - 66)
    assert now(page) == pytest.approx(share * float(rows[0][2]), abs=0.03)  # the first cycle begins at 0
    assert paused(page)

    page.get_by_label("Show cycle 2").click()
    wait_for_new(page, "#log-mel", before["#log-mel"])
    start, end = float(rows[1][1]), float(rows[1][2])
    page.wait_for_function(
        "start => Math.abs(document.querySelector('#player audio').currentTime - start) < 0.01", arg=start
    )
    press(page, "l")
    assert page.get_by_role("button", name=texts.player.LOOP_CYCLE).get_attribute("aria-pressed") == "true"
    page.locator(AUDIO).evaluate("(audio, s) => { audio.currentTime = s; }", end - 0.5)
    press(page, " ")
    page.wait_for_function("end => document.querySelector('#player audio').currentTime < end - 0.6", arg=end)
    times = page.locator(AUDIO).evaluate(
        """async (audio) => { const seen = [];
          for (let i = 0; i < 60; i++) { await new Promise(requestAnimationFrame); seen.push(audio.currentTime); }
          return seen; }"""
    )
    assert start <= min(times) and max(times) <= end + 0.1 and not paused(page)

    address = page.locator(AUDIO).get_attribute("src")
    attention = sources(page)["#attention"]
    choose_model(page, "icbhi-lora")
    wait_for_new(page, "#attention", attention)
    assert not paused(page)  # it plays on
    press(page, " ")
    assert paused(page) and start <= now(page) <= end + 0.1
    assert page.locator(AUDIO).get_attribute("src") == address

    there = now(page)
    press(page, "ArrowLeft")
    assert now(page) == pytest.approx(there - 0.5, abs=0.01)
    press(page, "ArrowRight")
    assert now(page) == pytest.approx(there, abs=0.01)
    page.locator("#example input").focus()
    page.keyboard.press("ArrowRight")
    assert now(page) == pytest.approx(there, abs=0.01)  # the key was for the list


def test_speed_and_emphasis_never_clip_and_volume_says_where_it_stops(page, server):
    open_page(page, server)
    choose_example(page, "Coarse crackles")
    table(page)
    page.wait_for_selector(f"{AUDIO}[src]", state="attached")
    volume = page.locator("#player output")
    assert volume.inner_text() == "100 %"
    page.get_by_label(texts.player.EMPHASIS).select_option("bell")
    page.get_by_label(texts.player.VOLUME).fill("300")
    assert texts.player.LIMITED in volume.inner_text()
    for value, tape in (("0.5", False), ("0.75 tape", True)):
        page.get_by_label(texts.player.SPEED).select_option(value)
        rate, kept = page.locator(AUDIO).evaluate("audio => [audio.playbackRate, audio.preservesPitch]")
        assert (rate, kept) == (float(value.split()[0]), not tape)
    page.add_script_tag(content=TAP)
    page.locator("#player .player-play").click()
    wait_until_it_moves(page)
    loudest = page.evaluate(
        """async () => { const samples = new Float32Array(2048); let most = 0;
          for (let i = 0; i < 60; i++) {
            await new Promise(requestAnimationFrame);
            window.tap.getFloatTimeDomainData(samples);
            most = Math.max(most, ...samples.map(Math.abs));
          }
          return most; }"""
    )
    assert 0 < loudest <= 1
