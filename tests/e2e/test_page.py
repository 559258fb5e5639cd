"""What a visitor does, in a real browser against the real app."""

import io
import re

import numpy as np
import pytest
import soundfile

from rsc_core import audio, segmentation, synth
from rsc_core.config import PROTOCOLS
from rsc_core.ui import cache, texts

WAIT_MS = 60_000
LOOKS = ("#cycles-picture", "#log-mel", "#hybrid", "#attention")


def open_page(page, server):
    """Open the page and choose a model that has attention to show."""
    page.set_default_timeout(WAIT_MS)
    page.goto(server.url)
    page.wait_for_selector("#model input")
    if page.locator("#model label", has_text="sprsound-base").count():
        choose_model(page, "sprsound-base")


def choose_model(page, name):
    page.locator("#model label", has_text=name).click()
    page.locator("#card h2").get_by_text(name, exact=True).wait_for()


def upload(page, path):
    page.locator("#sound").get_by_label("Upload file").first.click()
    page.locator("#sound input[type=file]").set_input_files(path)


def choose_example(page, name):
    page.locator("#example input").click()
    page.get_by_role("option", name=name).click()


def asked_of(page):
    """The names of the callbacks that the page will ask for, as it does, each with its inputs."""
    asked = []

    def note(request):
        if "queue/join" in request.url:
            sent = request.post_data_json
            names = {d["id"]: d["api_name"] for d in page.evaluate("window.gradio_config.dependencies")}
            asked.append((names[sent["fn_index"]], sent["data"]))

    page.on("request", note)
    return asked


def sources(page):
    """The addresses of the four pictures, once all are there."""
    for place in LOOKS:
        page.wait_for_selector(f"{place} img", state="attached")
    return {place: page.locator(f"{place} img").get_attribute("src") for place in LOOKS}


def wait_for_new(page, place, old):
    page.wait_for_function(
        "([place, old]) => { const img = document.querySelector(place + ' img'); return img && img.src !== old; }",
        arg=[place, old],
    )


def table(page):
    page.wait_for_selector(".cycles tr[data-cycle]")
    return [row.locator("td").all_inner_texts() for row in page.locator(".cycles tr[data-cycle]").all()]


def starts(path):
    """What the table shows of the cycles found in a recording: when each starts."""
    heard = audio.load(path)
    return [f"{cycle.start_s:.2f}" for cycle in segmentation.breaths(heard.waveform, heard.sample_rate)]


def test_upload_read_the_table_and_switch_the_model(page, server, breath):
    open_page(page, server)
    upload(page, breath[0])
    rows = table(page)
    assert [row[1] for row in rows] == starts(breath[0])
    for row in rows:
        crackle_present, wheeze_present, *classes = (float(cell) for cell in row[-6:])
        assert sum(classes) == pytest.approx(1, abs=0.025)
        assert crackle_present == pytest.approx(classes[1] + classes[3], abs=0.025)
        assert wheeze_present == pytest.approx(classes[2] + classes[3], abs=0.025)
        assert row[3] == ("normal", "crackle", "wheeze", "both")[int(np.argmax(classes))] or max(classes) < 0.5
    assert page.locator(".caution").inner_text() == texts.page.CAUTION
    page.wait_for_selector("#player audio[src]", state="attached")

    before = sources(page)
    assert all(cache.PREFIX in address for address in before.values())  # where it is swept
    card = page.locator("#card").inner_text()
    assert f"last: {PROTOCOLS['last']}" in card
    assert "On the same clips sprsound-cnn scores higher" in card
    choose_model(page, "icbhi-lora")
    wait_for_new(page, "#attention", before["#attention"])
    assert table(page) != rows
    assert sources(page)["#log-mel"] == before["#log-mel"]  # the sound is the same

    assert page.locator("#values label").nth(1).inner_text().strip() == "as a model sees it"
    assert page.locator("#values-note").inner_text() == texts.analyse.VALUES_NOTE
    page.locator("#values label").nth(1).click()
    wait_for_new(page, "#log-mel", before["#log-mel"])
    wait_for_new(page, "#hybrid", before["#hybrid"])
    assert "patient_jane_doe" not in server.log


def test_the_strongest_model_labels_first_and_says_what_it_cannot_show(page, server, breath):
    page.set_default_timeout(WAIT_MS)
    page.goto(server.url)
    page.wait_for_selector("#model input")
    assert page.locator("#card h2").inner_text() == "sprsound-cnn"
    upload(page, breath[0])
    assert [row[1] for row in table(page)] == starts(breath[0])
    page.locator("#reading").get_by_text(texts.analyse.NO_ATTENTION).wait_for()
    assert not page.locator("#attention").is_visible()


def test_choose_a_cycle_in_the_table_and_on_the_waveform(page, server):
    open_page(page, server)
    choose_example(page, "Crackles and wheeze")
    rows = table(page)
    assert len(rows) == 5
    assert {row[3] for row in rows} == {"both"}  # as annotated
    before = sources(page)
    page.get_by_label("Show cycle 3").click()
    wait_for_new(page, "#attention", before["#attention"])
    assert page.locator(".cycles tr[aria-current]").get_attribute("data-cycle") == "2"

    old = sources(page)["#attention"]
    picture = page.locator("#cycles-picture img")
    size = picture.bounding_box()
    picture.click(position={"x": 0.95 * size["width"], "y": 0.3 * size["height"]})
    wait_for_new(page, "#attention", old)
    assert page.locator(".cycles tr[aria-current]").get_attribute("data-cycle") == "4"


@pytest.mark.parametrize("how", ["mouse", pytest.param("keyboard", marks=pytest.mark.slow)])
def test_an_example_is_analysed_once_and_can_be_analysed_again(page, server, how):
    open_page(page, server)
    asked = asked_of(page)
    if how == "mouse":
        choose_example(page, "Fine crackles")
    else:
        page.locator("#example input").focus()
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            page.keyboard.press(key)
    assert {row[3] for row in table(page)} == {"crackle"}  # as annotated
    sources(page)
    page.locator("#example input").focus()
    page.keyboard.press("Tab")  # leaving the list asks for nothing
    page.wait_for_timeout(1000)
    assert [name for name, _ in asked] == ["open_example", "analyse_example", "go_on"]
    assert page.locator("#example input").input_value() == "Fine crackles (synthesised)"

    page.locator("#attention img").evaluate("img => img.remove()")
    page.locator("#analyse").click()
    sources(page)
    assert {row[3] for row in table(page)} == {"crackle"}
    name, (_, audio, annotation, *_) = asked[-1]
    assert name == "analyse" and audio["path"].endswith(".wav") and annotation["path"].endswith(".json")
    assert "Error" not in server.log


@pytest.mark.slow
def test_of_two_examples_in_a_row_the_second_stays(page, server):
    open_page(page, server)
    asked = asked_of(page)
    choose_example(page, "Normal breathing")
    choose_example(page, "Fine crackles")
    page.wait_for_selector(".cycles td:nth-child(4) .chip.crackle")
    page.wait_for_timeout(1000)  # nothing older comes after it
    assert {row[3] for row in table(page)} == {"crackle"}
    assert [name for name, _ in asked].count("analyse_example") == 2
    assert page.locator("#example input").input_value() == "Fine crackles (synthesised)"


@pytest.mark.slow
def test_an_upload_takes_the_place_of_an_example_and_its_annotation(page, server, breath):
    open_page(page, server)
    choose_example(page, "Fine crackles")
    old = sources(page)
    asked = asked_of(page)
    upload(page, breath[0])
    wait_for_new(page, "#attention", old["#attention"])
    assert [row[1] for row in table(page)] == starts(breath[0])  # found in the sound
    assert page.locator("#example input").input_value() == ""
    assert page.get_by_role("alert").count() == 0

    page.locator("#analyse").click()
    page.wait_for_timeout(2000)
    assert [row[1] for row in table(page)] == starts(breath[0])
    name, (_, _, annotation, *_) = asked[-1]
    assert name == "analyse" and annotation is None


def test_an_annotation_decides_the_cycles(page, server, breath):
    open_page(page, server)
    upload(page, breath[0])
    assert [row[1] for row in table(page)] == starts(breath[0])
    page.get_by_text("Annotation (optional)").click()
    page.locator("#annotation input[type=file]").set_input_files(breath[1])
    page.locator(".cycles th", has_text="annotated").wait_for()
    assert {row[3] for row in table(page)} == {"both"}


def test_a_text_file_named_wav_is_refused_with_a_sentence(page, server, tmp_path):
    path = tmp_path / "patient_john_roe.wav"
    path.write_text("This is a letter, not a sound. " * 100)
    open_page(page, server)
    upload(page, path)
    sentence = page.get_by_role("alert").filter(has_text="not an audio file").first.inner_text()
    assert sentence.startswith("This is not an audio file")
    assert not page.locator(".cycles").is_visible()
    assert "patient_john_roe" not in server.log


def test_without_a_recording_the_button_says_what_to_do(page, server):
    open_page(page, server)
    page.locator("#analyse").click()
    page.get_by_text(texts.analyse.NO_AUDIO).wait_for()


@pytest.mark.slow
def test_without_a_model_the_page_shows_the_command(page, empty_server):
    page.goto(empty_server.url)
    page.wait_for_selector(".notice", timeout=WAIT_MS)
    command = page.locator(".notice pre").inner_text()
    assert re.fullmatch(r"python train\.py full --corpus sprsound --data SPRSOUND --out \S+/sprsound-base .*", command)
    assert page.locator("#analyse").is_disabled()


@pytest.fixture
def phone(browser):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    yield context.new_page()
    context.close()


def test_a_phone_needs_no_horizontal_scrolling(phone, server):
    page = phone
    open_page(page, server)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    choose_example(page, "Coarse crackles")
    for place in LOOKS:
        page.wait_for_selector(f"{place} img", state="attached")
        page.locator(place).scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.wait_for_function(
        """() => { const img = document.querySelector('#attention img');
          return img && img.complete && img.naturalWidth > 0
            && Math.abs(img.naturalWidth - 2 * img.getBoundingClientRect().width) < 4; }"""
    )  # drawn for this screen, so its text is as large as intended


def test_a_phone_shows_label_and_probabilities_of_a_cycle(phone, server):
    open_page(phone, server)
    choose_example(phone, "Crackles and wheeze")  # annotated: the widest table
    table(phone)
    frame = phone.locator(".cycles").bounding_box()
    right = min(360, frame["x"] + frame["width"])
    row = phone.locator(".cycles tr[data-cycle='0']")
    for part in [*row.locator(".chip").all(), *row.locator(".bar").all()]:
        box = part.bounding_box()
        assert frame["x"] <= box["x"] and box["x"] + box["width"] <= right
    assert row.locator(".chip").count() == row.locator(".bar").count() == 2
    place, group = phone.locator(".cycles th", has_text="normal"), phone.locator(".cycles th", has_text="P(class)")
    assert place.bounding_box()["x"] == pytest.approx(group.bounding_box()["x"], abs=1)


def test_a_phone_scrolls_to_the_result_and_a_wide_screen_stays(phone, page, server):
    top = "document.getElementById('results').getBoundingClientRect().top"
    open_page(phone, server)
    assert phone.evaluate(top) > 600
    phone.locator("#analyse").click()
    phone.get_by_text(texts.analyse.NO_AUDIO).wait_for()
    assert phone.evaluate(top) > 300  # there is nothing to see
    choose_example(phone, "Coarse crackles")
    sources(phone)
    phone.wait_for_function(f"Math.abs({top}) < 40")

    open_page(page, server)
    choose_example(page, "Coarse crackles")
    chosen = page.evaluate("scrollY")  # a list that opens may move the page a little
    sources(page)
    assert page.evaluate("scrollY") == chosen


@pytest.mark.parametrize(
    ("script", "line", "slow"),
    [
        # A value that came before its component was mounted is handed over afterwards.
        ("core", "this.#l.delete(e),x().then(()=>{", "this.#l.delete(e),x().then(()=>WAITED).then(()=>{"),
        # One step of a callback is shown after the other, and the next may have come by then.
        ("Blocks", "async handle_data(e,t){", "async handle_data(e,t){await WAITED;"),
    ],
    ids=["mounting", "showing"],
)
def test_no_picture_is_lost_in_a_slow_browser(page, server, script, line, slow):
    """Gradio 6.31 loses values in both cases, unless the page sees to it."""
    waited = "new Promise((on)=>setTimeout(on,1500))"
    slowed = []

    def serve(route):
        answer = route.fetch()
        text = answer.text()
        slowed.append(line in text)
        route.fulfill(response=answer, body=text.replace(line, slow.replace("WAITED", waited)))

    page.route(re.compile(rf"/{script}-[^/]*\.js$"), serve)
    open_page(page, server)
    assert slowed == [True], "another Gradio: find where it does this, and whether it still loses anything"
    choose_model(page, "sprsound-cnn")  # which has no attention to show
    choose_example(page, "Coarse crackles")
    page.wait_for_selector("#evidence .evidence")
    page.wait_for_timeout(2500)  # what comes late takes nothing away
    for place in set(LOOKS) - {"#attention"}:
        assert page.locator(f"{place}:visible img").count() == 1, place
    assert not page.locator("#attention").is_visible()
    choose_model(page, "sprsound-base")
    page.wait_for_selector("#attention:has(img)")


def test_the_page_asks_nobody_but_its_server(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, server)
    foreign = [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]
    assert foreign == []


def test_recording_is_raw_and_arrives_as_played(launch, server, tmp_path):
    played = synth.synthesise(*synth.EXAMPLES["Crackles and wheeze"], seconds=6.0, sample_rate=48000)
    path = tmp_path / "played.wav"
    synth.write(path, played)
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
        "--autoplay-policy=no-user-gesture-required",
    )
    page = browser.new_page()
    # Stands between the page's script and the browser, to see what the browser grants.
    page.add_init_script(
        """const open = MediaDevices.prototype.getUserMedia;
        window.granted = [];
        MediaDevices.prototype.getUserMedia = async function (constraints) {
          const stream = await open.call(this, constraints);
          window.granted.push(...stream.getAudioTracks().map((track) => track.getSettings()));
          return stream;
        };"""
    )
    open_page(page, server)
    page.locator("#sound").get_by_text("Record", exact=True).click()
    page.wait_for_timeout(5000)
    page.locator("#sound").get_by_text("Stop", exact=True).first.click()
    table(page)
    granted = page.evaluate("window.granted")
    assert granted
    for settings in granted:
        assert [settings[name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")] == [False] * 3
    said = page.locator("#microphone-state").inner_text()
    assert "echo cancellation off, noise suppression off, automatic gain off" in said

    address = page.locator("#sound a[download]").get_attribute("href")
    arrived, rate = soundfile.read(io.BytesIO(page.request.get(address).body()))
    browser.close()
    assert rate == 48000
    arrived = arrived if arrived.ndim == 1 else arrived.mean(axis=1)
    assert len(arrived) / rate > 4.5
    pieces = arrived[rate // 2 :][: 4 * rate].reshape(4, -1)
    assert np.median([correlation(piece, played.waveform) for piece in pieces]) > 0.9


def correlation(heard, looped):
    """Pearson correlation of ``heard`` with the stretch of the endlessly repeated ``looped`` that fits best.

    It is taken second by second, since the browser's fake microphone skips a little when the processor is busy.
    """
    source = np.tile(looped, 2)
    heard = heard - heard.mean()
    size = 1 << (len(source) + len(heard)).bit_length()
    products = np.fft.irfft(np.fft.rfft(source, size) * np.conj(np.fft.rfft(heard, size)), size)
    start = int(products[: len(source) - len(heard)].argmax())
    return float(np.corrcoef(heard, source[start : start + len(heard)])[0, 1])
