"""The real app as a subprocess, and a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from rsc_core import synth

ROOT = Path(__file__).parents[2]
CHECKPOINTS = Path(os.environ.get("RSC_CHECKPOINTS", ROOT / "checkpoints"))
START_S = 120
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


class Server:
    """A running app: its address, how long it took to serve its page, and what it has logged so far."""

    def __init__(self, url, start_s, log):
        self.url, self.start_s, self._log = url, start_s, log

    @property
    def log(self):
        return self._log.read_text()


def serve(folder, checkpoints, **environment):
    """Start app.py and wait until it serves; yields a Server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "app.log"
    command = [sys.executable, "app.py", "--checkpoints", str(checkpoints), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "cache"), **environment}
    url = f"http://127.0.0.1:{port}/"
    started = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = started + START_S
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, f"the app ended:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"no page after {START_S} s:\n{log.read_text()}"
                time.sleep(0.1)
        yield Server(url, time.monotonic() - started, log)
    finally:
        process.terminate()
        process.wait(30)
    for sign in ("Traceback", "enough output values"):
        assert sign not in log.read_text(), f"a callback failed:\n{log.read_text()}"
    assert not list((folder / "cache").glob("lung-sound-lab-*")), "the app left its visitors' files"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    yield from serve(tmp_path_factory.mktemp("app"), CHECKPOINTS)


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory):
    yield from serve(tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="session")
def playwright():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: tests/requirements.txt")
    with api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def launch(playwright):
    """Start Chromium with extra flags."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return lambda *flags: playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def browser(launch):
    opened = launch()
    yield opened
    opened.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def breath(tmp_path_factory):
    """A synthesised recording of 12 s with crackles and wheezes, and its annotation."""
    path = tmp_path_factory.mktemp("breath") / "patient_jane_doe.wav"
    return path, synth.write(path, synth.example("Crackles and wheeze", 12.0))
