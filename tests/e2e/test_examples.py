"""Examples: synthesised ones, and those of a folder with their annotations."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rsc_core import cycles, synth
from rsc_core.ui.examples import Examples


@pytest.fixture
def folder(tmp_path, breath):
    shutil.copy(breath[0], tmp_path / "a.wav")
    shutil.copy(breath[1], tmp_path / "a.txt")
    shutil.copy(breath[0], tmp_path / "b.WAV")
    (tmp_path / "notes.md").write_text("not a sound")
    return tmp_path


def test_a_folder_adds_its_recordings(folder, monkeypatch):
    monkeypatch.setenv("RSC_EXAMPLES", str(folder))
    assert Examples().names == [*(f"{name} (synthesised)" for name in synth.EXAMPLES), "a.wav", "b.WAV"]


def test_an_example_comes_with_its_annotation_and_leaves_the_folder_alone(folder):
    examples = Examples(str(folder))  # its copies end with it
    sound, annotation = examples.open("a.wav")
    assert Path(sound).read_bytes() == (folder / "a.wav").read_bytes()
    assert cycles.read_annotation(annotation) == cycles.read_annotation(folder / "a.txt")
    assert folder not in Path(sound).parents
    assert examples.open("b.WAV")[1] is None


@pytest.mark.parametrize("name", synth.EXAMPLES)
def test_a_synthesised_example_is_annotated_with_what_it_holds(name, monkeypatch):
    monkeypatch.delenv("RSC_EXAMPLES", raising=False)
    examples = Examples()
    _, annotation = examples.open(f"{name} (synthesised)")
    assert [c.label for c in cycles.read_annotation(annotation)] == [c.label for c in synth.example(name).cycles]


def test_visitors_who_open_an_example_at_once_get_it_whole(monkeypatch):
    written = []

    def slowly(path, synthetic, write=synth.write):
        written.append(path)
        path.write_bytes(b"")
        time.sleep(0.2)
        return write(path, synthetic)

    monkeypatch.setattr(synth, "write", slowly)
    examples = Examples()

    def visit(wait_s):
        time.sleep(wait_s)
        return [Path(path).stat().st_size for path in examples.open("Normal breathing (synthesised)")]

    with ThreadPoolExecutor(4) as visitors:
        sizes = list(visitors.map(visit, (0, 0, 0.1, 0.5)))
    assert sizes == [sizes[-1]] * 4 and all(sizes[-1])
    assert len(written) == 1


def test_a_recording_named_like_a_synthesised_example_stays_apart(folder):
    shutil.copy(folder / "a.wav", folder / "Normal breathing.wav")
    examples = Examples(str(folder))
    synthesised, _ = examples.open("Normal breathing (synthesised)")
    sound, annotation = examples.open("Normal breathing.wav")
    assert Path(sound).read_bytes() == (folder / "a.wav").read_bytes() != Path(synthesised).read_bytes()
    assert annotation is None


def test_an_unknown_example_is_refused(folder):
    with pytest.raises(KeyError):
        Examples(str(folder)).open("c.wav")
