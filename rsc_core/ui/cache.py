"""Keeps visitors' files in a folder of our own, and deletes them after an hour, or sooner where they take too much.

Gradio's ``delete_cache`` forgets the files of every component that a callback has updated or skipped (seen in 6.31),
which are nearly all of ours: so we look at the folder itself. Age is that of the copy in the folder (``st_ctime``),
since Gradio's copies keep their original's time of modification.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

PREFIX = "lung-sound-lab-"
KEEP_S = 3600
EVERY_S = 60
LIMIT_BYTES = 4 * 10**9  # on the disk, of all visitors
SPARED_S = 600  # younger files are in use, whatever they take


def make_folder() -> Path:
    """Make the folder Gradio keeps files in until the program ends; to be called before any component is built."""
    parent = os.environ.get("GRADIO_TEMP_DIR")
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    os.environ["GRADIO_TEMP_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def fresh(name: str) -> Path:
    """Return where a file of this name can be written for one visitor, beside no other and swept with the rest."""
    return Path(tempfile.mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR"))) / name


def sweep(parent: Path, keep_s: float = KEEP_S, limit_bytes: int = LIMIT_BYTES, spared_s: float = SPARED_S) -> None:
    """Delete what is older than ``keep_s`` in the folders made here, those of crashed servers included.

    Where what is left takes more than ``limit_bytes``, the oldest files go too, unless younger than ``spared_s``.
    """
    now, files = time.time(), []
    # Deepest first, so that folders are empty when their turn comes.
    for path in sorted(parent.glob(f"{PREFIX}*/**/*"), key=lambda path: -len(path.parts)):
        with suppress(OSError):  # in use, already gone, or a folder that is not empty
            told = path.lstat()
            if now - told.st_ctime >= keep_s:
                path.rmdir() if path.is_dir() else path.unlink()
            elif not path.is_dir():
                files.append((told.st_ctime, told.st_size, path))
    left = sum(size for _, size, _ in files)
    for changed, size, path in sorted(files):
        if left <= limit_bytes or now - changed < spared_s:
            break
        with suppress(OSError):
            path.unlink()
            left -= size


def sweeping(
    parent: Path, every_s: float = EVERY_S, keep_s: float = KEEP_S
) -> Callable[[Any], AbstractAsyncContextManager]:
    """Return a lifespan for the server: sweeps again and again while it runs."""

    async def forever() -> None:
        while True:
            await asyncio.to_thread(sweep, parent, keep_s)
            await asyncio.sleep(every_s)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(forever())
        try:
            yield
        finally:
            task.cancel()

    return lifespan
