"""The player in a real browser: alone on a page, its clock, line, clicks, loop and keys; in the app, its place."""

import json
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from matplotlib.image import imsave

from rsc_core import figures
from rsc_core.analysis import Recording
from rsc_core.playback import Playback, Sound, Version, time_axes_of
from rsc_core.ui import HERE, cache, player, texts
from tests.e2e.test_page import choose_example, choose_model, open_page, sources, table, wait_for_new
from tests.test_figures import analysis

WAIT_MS = 60_000
CLOSE_S = 0.06
RATE, SECONDS = 16000, 12.0
FROM_HZ, HZ_PER_S = 300.0, 200.0
WIDTH_PX = 800
SPAN = (3.0, 6.0)  # the second cycle

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
async (audio, seconds) => {
  const seen = [], line = document.querySelector('.playhead'), img = document.querySelector('img');
  const bins = new Float32Array(tap.frequencyBinCount), rate = tap.context.sampleRate;
  for (const until = performance.now() + 1000 * seconds; performance.now() < until;) {
    await new Promise(requestAnimationFrame);
    const clock = audio.currentTime, box = line.getBoundingClientRect();
    tap.getFloatFrequencyData(bins);
    seen.push({
      share: (box.left + box.width / 2 - img.getBoundingClientRect().left) / img.width,
      clock,
      hz: bins.indexOf(Math.max(...bins)) * rate / tap.fftSize,
      middle: tap.fftSize / 2 / rate,  // of what was heard for this frequency
    });
  }
  return seen;
}
"""

LOUDEST = """
async () => {
  const samples = new Float32Array(2048);
  let most = 0;
  for (let i = 0; i < 40; i++) {
    await new Promise(requestAnimationFrame);
    tap.getFloatTimeDomainData(samples);
    most = Math.max(most, ...samples.map(Math.abs));
  }
  return most;
}
"""


def chirp():
    """A sound whose pitch tells the time."""
    s = np.arange(int(SECONDS * RATE)) / RATE
    return np.sin(2 * np.pi * (FROM_HZ * s + HZ_PER_S * s**2 / 2)).astype(np.float32)


class Alone:
    """A page with one player and one picture, as Gradio would build it."""

    def __init__(self, page, address, picture):
        self.page, self.axes = page, picture.axes[0]
        self.image_px = picture.pixels().shape[1]
        self.audio, self.loop = page.locator("audio"), page.locator(".player-loop")
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(TAP)
        page.goto(address)
        page.wait_for_selector(".playhead", state="attached")
        page.wait_for_function("document.querySelector('audio').readyState >= 4")

    @property
    def now(self):
        return self.audio.evaluate("audio => audio.currentTime")

    @property
    def paused(self):
        return self.audio.evaluate("audio => audio.paused")

    def seconds_at(self, share):
        """The moment at a share of the picture's width."""
        return self.axes.at(share * self.image_px, 0)[0]

    def seek(self, s):
        self.audio.evaluate("(audio, s) => { audio.currentTime = s; }", s)

    def wait_past(self, s):
        self.page.wait_for_function("s => document.querySelector('audio').currentTime > s", arg=s)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder served over HTTP; yields it, its address, and the picture in it."""
    folder = tmp_path_factory.mktemp("alone")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranged, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sound = chirp()
        shown = replace(analysis(), recording=Recording(sound, RATE, RATE, 1, SECONDS, 1.0))
        picture = figures.waveform(shown, 1, WIDTH_PX, 1.5)
        imsave(folder / "picture.png", picture.pixels())
        yield folder, f"http://127.0.0.1:{server.server_port}", picture
        server.shutdown()


class Ranged(SimpleHTTPRequestHandler):
    """Serves parts of files, as Gradio does: without them a browser cannot seek."""

    def do_GET(self):
        path = self.translate_path(self.path)
        if "Range" not in self.headers or not path.endswith(".wav"):
            return super().do_GET()
        data = open(path, "rb").read()
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        first, last = int(first), int(last or len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(data[first : last + 1])

    def log_message(self, *args):
        pass


@pytest.fixture
def alone(page, files, monkeypatch):
    folder, address, picture = files
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    sounds = (Sound(chirp(), RATE), Sound(-chirp(), RATE))
    versions = (Version("one"), Version("other", 1))
    axes = {"place": time_axes_of(picture)}
    value = player.served(Playback("chirp", sounds, versions, span=SPAN, pictures=axes))
    for file in [one["file"] for one in value["sounds"]]:
        file["url"] = f"{address}/{file['path'].rsplit('/', 1)[1]}"
    place = player.player_place("player", texts.player.LOOP_CYCLE, looping=False)
    script = f"const props = {{ value: {json.dumps(value)} }};\n{(HERE / 'player.js').read_text()}"
    start = f"const element = document.getElementById('player'), watch = () => {{}};\n{place.js_on_load}"
    (folder / "index.html").write_text(
        f"<!doctype html><style>{(HERE / 'style.css').read_text()}</style>"
        '<div id="place" class="picture" style="width: 640px"><button><img src="picture.png"></button></div>'
        f'<div id="player">{place.html_template}</div><input id="other" value="text">'
        f"<script>{script}</script><script>{start}</script>"
    )
    return Alone(page, f"{address}/index.html", picture)


def test_the_line_stands_where_the_clock_is_and_where_the_sound_is(alone):
    alone.page.locator(".player-play").click()
    alone.wait_past(0.3)
    seen = alone.audio.evaluate(WATCH, 1.5)
    line = np.array([alone.seconds_at(one["share"]) for one in seen])
    clock = np.array([one["clock"] for one in seen])
    heard = np.array([(one["hz"] - FROM_HZ) / HZ_PER_S + one["middle"] for one in seen])
    assert clock[-1] - clock[0] > 1
    assert np.quantile(np.abs(line - clock), 0.9) <= CLOSE_S  # a busy machine may pause between the two looks
    assert np.median(np.abs(line - clock)) <= CLOSE_S / 4
    assert abs(np.median(line - heard)) <= CLOSE_S
    assert alone.page.locator(".player-time").inner_text().endswith(f" / {SECONDS:.2f} s")


def test_a_click_goes_to_its_moment_and_versions_keep_the_place(alone):
    picture = alone.page.locator("img")
    size = picture.bounding_box()
    picture.click(position={"x": 0.4 * size["width"], "y": 0.4 * size["height"]})
    there = alone.seconds_at(0.4)
    assert alone.now == pytest.approx(there, abs=0.03) and alone.paused
    address = alone.audio.get_attribute("src")
    alone.page.get_by_role("button", name="other").click()
    assert alone.audio.get_attribute("src") != address
    assert alone.now == pytest.approx(there, abs=0.03)
    picture.click(position={"x": 3, "y": 3})  # beside the axes
    assert alone.now == pytest.approx(there, abs=0.03)


def test_a_loop_stays_within_its_span_and_a_place_beyond_it_plays_on(alone):
    first, last = SPAN
    alone.loop.click()
    assert alone.now == first  # it was not in there
    alone.seek(last - 0.3)
    alone.page.locator(".player-play").click()
    alone.page.wait_for_function("s => document.querySelector('audio').currentTime < s", arg=last - 0.5)
    times = [one["clock"] for one in alone.audio.evaluate(WATCH, 1)]
    assert first <= min(times) and max(times) <= last + 0.1 and not alone.paused
    share = next(share for share in np.linspace(0, 1, 200) if alone.seconds_at(share) > last + 1)
    size = alone.page.locator("img").bounding_box()
    alone.page.locator("img").click(position={"x": share * size["width"], "y": 0.4 * size["height"]})
    alone.wait_past(last + 1.3)


def test_keys_are_the_player_s_unless_another_control_has_the_focus(alone):
    press = alone.page.keyboard.press
    press("Space")
    alone.wait_past(0.1)
    press("Space")
    assert alone.paused
    alone.seek(2.0)
    press("ArrowRight")
    assert alone.now == pytest.approx(2.5)
    press("ArrowLeft")
    press("ArrowLeft")
    assert alone.now == pytest.approx(1.5)
    press("l")
    assert alone.loop.get_attribute("aria-pressed") == "true" and alone.now == SPAN[0]
    alone.page.locator("#other").focus()
    for key in ("ArrowLeft", "l", "Space"):
        press(key)
    assert alone.loop.get_attribute("aria-pressed") == "true" and alone.now == SPAN[0] and alone.paused


def test_speed_keeps_the_pitch_or_not_and_no_setting_clips(alone):
    volume = alone.page.locator("output")
    assert volume.inner_text() == "100 %"
    for value, tape in (("0.5", False), ("0.75 tape", True)):
        alone.page.get_by_label(texts.player.SPEED).select_option(value)
        rate, kept = alone.audio.evaluate("audio => [audio.playbackRate, audio.preservesPitch]")
        assert (rate, kept) == (float(value.split()[0]), not tape)
    alone.page.get_by_label(texts.player.EMPHASIS).select_option("diaphragm")
    alone.page.get_by_label(texts.player.VOLUME).fill("300")
    assert texts.player.LIMITED in volume.inner_text()
    alone.seek(9.0)  # where the emphasis adds most to this sound
    alone.page.locator(".player-play").click()
    alone.wait_past(9.2)
    assert 0.5 < alone.page.evaluate(LOUDEST) <= 1


@pytest.mark.slow
def test_another_cycle_moves_the_place_and_another_model_does_not(page, server):
    open_page(page, server)
    choose_example(page, "Crackles and wheeze")
    rows = table(page)
    before = sources(page)
    audio = page.locator("#player audio")
    address = audio.get_attribute("src")
    assert cache.PREFIX in address  # where it is swept
    page.get_by_label("Show cycle 2").click()
    wait_for_new(page, "#log-mel", before["#log-mel"])
    start = float(rows[1][1])
    page.wait_for_function(
        "start => Math.abs(document.querySelector('#player audio').currentTime - start) < 0.01", arg=start
    )
    attention = sources(page)["#attention"]
    page.locator("#player .player-play").click()
    choose_model(page, "icbhi-lora")
    wait_for_new(page, "#attention", attention)
    assert audio.evaluate("audio => !audio.paused || audio.ended")  # it plays on
    assert audio.evaluate("audio => audio.currentTime") > start
    assert audio.get_attribute("src") == address
