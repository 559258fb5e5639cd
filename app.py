"""Starts the page: ``python app.py [--checkpoints DIR] [--host HOST] [--port PORT]``.

The page is served first; torch and the models are loaded behind it, so a visitor sees it within seconds.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any


class Later:
    """Stands for the Analyser until it is there: whoever asks it for something waits."""

    def __init__(self, folder: str):
        self.folder = Path(folder)
        self._analyser: Future = Future()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._analyser.result(), name)

    def open(self) -> None:
        """Load the Analyser and label an example with it, so that the first visitor need not wait for imports."""
        try:
            from rsc_core.inference import Analyser

            analyser = Analyser(self.folder)
        except Exception as error:  # it reaches whoever waits
            self._analyser.set_exception(error)
            raise
        self._analyser.set_result(analyser)
        if analyser.cards:
            warm_up(analyser)


def warm_up(analyser: Any) -> None:
    """Analyse a short synthesised sound."""
    from rsc_core import synth

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "breath.wav"
        synth.write(path, synth.example("Normal breathing", 5.0))
        analyser.view(analyser.analyse(path), 0)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted."""
    parser = argparse.ArgumentParser(description="Lung Sound Lab")
    parser.add_argument("--checkpoints", default="checkpoints", help="folder of run folders (default: checkpoints)")
    parser.add_argument("--host", default=None, help="default: GRADIO_SERVER_NAME, or this machine only")
    parser.add_argument("--port", type=int, default=None, help="default: the first free one from 7860")
    options = parser.parse_args(argv)

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    from rsc_core.ui import build_app, cache, launch_options

    # Ended politely, the program takes its visitors' files with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = cache.make_folder()
    analyser = Later(options.checkpoints)
    app = build_app(analyser)
    app.launch(server_name=options.host, server_port=options.port, prevent_thread_lock=True, **launch_options(folder))
    Thread(target=analyser.open, daemon=True).start()
    app.block_thread()


if __name__ == "__main__":
    sys.exit(main())
