"""Visitors' files: kept in a folder of their own, deleted when their time has come."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rsc_core.ui import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    made = cache.make_folder()
    assert os.environ["GRADIO_TEMP_DIR"] == str(made)
    return made


def leave(folder):
    path = folder / "hash" / "breath.wav"
    path.parent.mkdir()
    path.write_bytes(b"RIFF")
    os.utime(path, (0, 0))  # as a copy of an old file has it
    return path


def test_a_young_copy_of_an_old_file_stays(folder):
    path = leave(folder)
    cache.sweep(folder.parent, keep_s=60)
    assert path.exists()


def test_what_is_old_goes_with_its_folder_and_crashed_servers_files_too(folder):
    path = leave(folder)
    crashed = folder.with_name(f"{cache.PREFIX}crashed")
    crashed.mkdir()
    other = leave(crashed)
    foreign = leave(folder.parent)
    time.sleep(0.05)
    cache.sweep(folder.parent, keep_s=0.01)
    cache.sweep(folder.parent, keep_s=0)  # a folder is as old as its last change
    assert not path.parent.exists() and not other.exists()
    assert foreign.exists()


def test_where_files_take_too_much_the_oldest_go_first(folder):
    paths = [folder / name for name in ("c", "a", "b")]
    for path in paths:
        path.write_bytes(bytes(10))
        time.sleep(0.02)
    cache.sweep(folder.parent, limit_bytes=25, spared_s=0)
    assert [path.exists() for path in paths] == [False, True, True]
    cache.sweep(folder.parent, limit_bytes=20, spared_s=0)
    assert paths[1].exists()
    cache.sweep(folder.parent, limit_bytes=0, spared_s=0)
    assert not any(path.exists() for path in paths)
    paths[0].write_bytes(bytes(10))
    cache.sweep(folder.parent, limit_bytes=0)
    assert paths[0].exists()  # somebody may be listening to it


def test_the_server_sweeps_while_it_runs(folder):
    path = leave(folder)

    async def run():
        async with cache.sweeping(folder.parent, every_s=0.02, keep_s=0.1)(None):
            assert path.exists()
            await asyncio.sleep(1)

    with ThreadPoolExecutor() as pool:  # the browser's own loop may run in this thread
        pool.submit(asyncio.run, run()).result()
    assert not path.exists()


def test_an_hour_is_what_the_page_promises():
    assert cache.KEEP_S == 3600
    assert cache.EVERY_S <= 60
