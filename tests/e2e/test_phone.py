"""Recordings made with a phone, and the level of an open microphone, in a real browser.

``phone/chirp.m4a`` (mono) and ``phone/chirp.webm`` (stereo, the right side at half the level) hold ``chirp()``, first
written at 44.1 kHz, then encoded with ``ffmpeg -i mono.wav -c:a aac -b:a 32k -map_metadata -1 -fflags +bitexact
chirp.m4a`` and ``ffmpeg -i stereo.wav -c:a libopus -b:a 24k -map_metadata -1 -fflags +bitexact chirp.webm``.
"""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rsc_core import audio
from rsc_core.ui import phone, texts
from tests.e2e.test_page import WAIT_MS, choose_example, open_page, table, upload

FILES = Path(__file__).parent / "phone"
SECONDS = 4.0


def chirp(rate=44100, amplitude=0.3):
    """(samples,) rising from 200 to 800 Hz in four seconds."""
    t = np.arange(round(SECONDS * rate)) / rate
    return amplitude * np.sin(2 * np.pi * (200 * t + 75 * t**2))


def heard(page):
    """((samples, channels), rate) of the sound the server holds."""
    page.wait_for_selector("#sound a[download]")
    address = page.locator("#sound a[download]").get_attribute("href")
    return soundfile.read(io.BytesIO(page.request.get(address).body()), always_2d=True)


def level_and_likeness(samples, rate):
    """(level of ``samples`` beside the chirp's, Pearson correlation), where they fit best."""
    expected = chirp(rate)
    size = 1 << (len(samples) + len(expected)).bit_length()
    products = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(expected, size)), size)
    power = np.square(expected).sum()
    return products.max() / power, products.max() / np.sqrt(power * np.square(samples).sum())


def note(page):
    return page.locator("#decoded")


@pytest.mark.parametrize(
    ("name", "levels", "channels"), [("chirp.m4a", [1], "mono"), ("chirp.webm", [1, 0.5], "stereo")]
)
def test_what_the_server_cannot_read_is_decoded_by_the_browser(page, server, name, levels, channels):
    with pytest.raises(audio.AudioError, match="On the page your browser decodes it"):
        audio.load(FILES / name)
    open_page(page, server)
    upload(page, FILES / name)
    table(page)
    samples, rate = heard(page)
    assert rate == phone.RATE_HZ and samples.shape[1] == len(levels)
    assert len(samples) / rate == pytest.approx(SECONDS, abs=0.05)
    for side, level in zip(samples.T, levels, strict=True):
        found, likeness = level_and_likeness(side, rate)
        assert likeness > 0.98 and found == pytest.approx(level, rel=0.05)
    said = note(page).inner_text()
    assert re.fullmatch(rf"Decoded in your browser and sent as WAV: 4\.0 s, {channels}, 48,000 Hz\.", said)
    assert "chirp" not in server.log

    choose_example(page, "Fine crackles")
    note(page).get_by_text(texts.phone.DECODING["before"]).wait_for()


def test_a_dropped_file_is_decoded_too(page, server):
    open_page(page, server)
    page.locator("#sound").get_by_label("Upload file").first.click()
    page.locator("#sound input[type=file]").wait_for(state="attached")
    page.evaluate(
        """(bytes) => {
          const list = new DataTransfer();
          list.items.add(new File([new Uint8Array(bytes)], "voice.m4a", { type: "video/mp4" }));
          const place = document.querySelector("#sound input[type=file]").parentNode;
          for (const kind of ["dragenter", "dragover", "drop"]) {
            place.dispatchEvent(new DragEvent(kind, { dataTransfer: list, bubbles: true, cancelable: true }));
          }
        }""",
        list((FILES / "chirp.m4a").read_bytes()),
    )
    note(page).get_by_text("Decoded in your browser").wait_for()
    samples, rate = heard(page)
    assert level_and_likeness(samples[:, 0], rate)[1] > 0.98


def test_the_chooser_offers_what_phones_record(page, server):
    open_page(page, server)
    page.locator("#sound").get_by_label("Upload file").first.click()
    with page.expect_file_chooser() as chooser:
        page.locator("#sound").get_by_label("Drop").or_(page.locator("#sound .upload-container")).first.click()
    offered = chooser.value.element.get_attribute("accept").split(",")
    assert {"audio/*", ".m4a", ".mp4", ".webm", ".3gp", ".opus", ".wav"} <= set(offered)


def wav(samples, rate=8000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, "PCM_16", format="WAV")
    return file.getvalue()


def test_a_wav_without_a_type_arrives_as_it_is(page, server):
    sent = wav(chirp(8000), 8000)
    open_page(page, server)
    upload(page, {"name": "voice", "mimeType": "application/octet-stream", "buffer": sent})
    page.wait_for_selector("#sound a[download]")
    address = page.locator("#sound a[download]").get_attribute("href")
    assert page.request.get(address).body() == sent
    assert note(page).inner_text() == texts.phone.DECODING["before"]


def test_what_no_one_can_decode_is_refused_before_it_is_sent(page, server):
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/upload" in request.url else None)
    open_page(page, server)
    upload(page, {"name": "voice.amr", "mimeType": "audio/amr", "buffer": b"#!AMR\n" + bytes(range(256)) * 20})
    note(page).get_by_text("This is an AMR file, and your browser cannot decode its sound.").wait_for()
    assert not note(page).locator("progress").is_visible()
    assert sent == []
    upload(page, FILES / "chirp.m4a")  # the next one is welcome
    note(page).get_by_text("Decoded in your browser").wait_for()


def test_what_is_too_long_or_too_large_is_refused_before_it_is_sent(page, server):
    open_page(page, server)
    page.evaluate("() => { PHONE.longest_s = 0.01; }")
    upload(page, FILES / "chirp.m4a")
    note(page).get_by_text(audio.TOO_LONG).wait_for()
    page.evaluate("() => { PHONE.largest_mb = 0.001; }")
    upload(page, FILES / "chirp.webm")  # the same file again would be no change
    note(page).get_by_text("This recording is larger than 0.001 MB.").wait_for()


def test_the_scripts_know_what_the_server_refuses():
    known = json.loads(re.search(r"const PHONE = (.*);\n", phone.scripts())[1])
    assert {(k["offset"], bytes(k["magic"])): k["what"] for k in known["unreadable"]} == audio.UNREADABLE
    assert (known["longest_s"], known["rate"]) == (audio.LONGEST_S, phone.RATE_HZ)


RATE = 48000
PLAYED = {
    "quiet": (np.random.default_rng(0).normal(scale=1e-4, size=6 * RATE), "Near-silent"),
    "good": (np.tile(chirp(RATE, 0.1), 2), None),
    "clipping": (np.clip(np.tile(chirp(RATE, 3.0), 2), -1, 1), "Clipped"),
}


@pytest.mark.parametrize("state", ["good", *(pytest.param(s, marks=pytest.mark.slow) for s in ("quiet", "clipping"))])
def test_the_meter_and_the_note_say_the_same_of_a_recording(launch, server, tmp_path, state):
    played, warning = PLAYED[state]
    path = tmp_path / "played.wav"
    soundfile.write(path, played, RATE, "PCM_16")
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
        "--autoplay-policy=no-user-gesture-required",
    )
    page = browser.new_page()
    open_page(page, server)
    assert not page.locator("#level").is_visible()
    page.locator("#sound").get_by_text("Record", exact=True).click()
    page.locator("#level").get_by_text(texts.phone.METER[state]).wait_for()
    meter = page.get_by_role("meter", name=texts.phone.LEVEL)
    page.wait_for_timeout(2000)
    shown = float(meter.get_attribute("aria-valuenow"))
    assert shown == pytest.approx(max(20 * np.log10(played.std()), phone.LOWEST_DB), abs=3)
    assert meter.get_attribute("aria-valuetext").startswith(f"RMS −{abs(round(shown))}, peak ")
    page.locator("#sound").get_by_text("Stop", exact=True).first.click()
    page.locator("#level").wait_for(state="hidden", timeout=WAIT_MS)
    table(page)
    warnings = page.locator(".warnings li").all_inner_texts()
    kinds = ("Near-silent", "Clipped")
    assert [text.split(":")[0] for text in warnings if text.startswith(kinds)] == [warning] * (warning is not None)
    browser.close()
