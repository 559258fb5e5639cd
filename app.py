"""Start the page: ``python app.py [--checkpoints DIR] [--port N]``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

from rsc_core.inference import Analyser  # noqa: E402
from rsc_core.ui import build_app, launch_options  # noqa: E402


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", default="checkpoints", help="folder of run folders (default: checkpoints)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, or GRADIO_SERVER_NAME)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    args = parser.parse_args(argv)
    app = build_app(Analyser(args.checkpoints))
    app.launch(server_name=args.host, server_port=args.port, **launch_options())


if __name__ == "__main__":
    main()
