from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rsc_core import data
from rsc_core.data import audit
from rsc_core.data.__main__ import main
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.levels import Sound, measure

RATE = 8000


def tone(hz, amplitude, seconds=1.0):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def clip(recording, patient, label, split, seconds, device="A"):
    return Clip(recording, None, 1.0, 1.0 + seconds, (label,), patient, device, "Al", split, "kind")


@pytest.fixture
def small():
    """Three recordings: two of device A, one of B; patient p1 in train and test."""
    clips = (
        clip("r1", "p1", 0, "train", 1.0),
        clip("r1", "p1", 1, "train", 2.0),
        clip("r2", "p2", 0, "train", 3.0, "B"),
        clip("r3", "p1", 0, "test", 2.0),
    )
    corpus = Corpus("table", "Small", Path(), clips, ("r1", "r2", "r3", "r4"), ("A note.",), ("normal", "crackle"))
    return corpus, {"r1": Sound(-20, 2000), "r2": Sound(-40, 1000), "r3": Sound(-30, 4000)}


def test_level_of_a_sine_is_its_rms_whatever_the_offset():
    assert measure(tone(500, 0.5), RATE).rms_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=1e-3)
    assert measure(tone(500, 0.5) + 0.3, RATE).rms_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=1e-3)


@pytest.mark.parametrize(("quiet_db", "highest_hz"), [(-50, 3000), (-70, 500)])
def test_bandwidth_is_the_highest_frequency_within_60_db(quiet_db, highest_hz):
    found = measure(tone(500, 0.5) + tone(3000, 0.5 * 10 ** (quiet_db / 20)), RATE).bandwidth_hz
    assert highest_hz <= found < highest_hz + 150


@pytest.mark.parametrize("seconds", [0.01, 1.0, 90.0])
def test_short_and_long_recordings_are_measured(seconds):
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    found = measure(noise, RATE)
    assert found.bandwidth_hz > 0.95 * RATE / 2 and abs(found.rms_db) < 2


def test_digital_silence_is_defined():
    assert measure(np.zeros(RATE), RATE) == Sound(-200.0, 0.0)


def test_report_counts(small):
    corpus, sounds = small
    lines = [line.split() for line in audit.report(corpus, sounds).splitlines()]
    assert "Small: 4 clips of 2 patients, 4 recordings".split() in lines and ["A", "note."] in lines
    assert ["train", "2", "1", "3", "2"] in lines and ["test", "1", "0", "1", "1"] in lines  # by class, all, patients
    assert "1 patients in train and test: p1".split() in lines
    assert ["A", "2", "1"] in lines and ["B", "1", "0"] in lines  # clips by device
    assert ["crackle", "2.00", "2.00", "2.00"] in lines
    assert "A 2 -25 (-30 to -20) 3,000 (2,100 to 3,900)".split() in lines
    assert "test 1 -30 (-30 to -30) 4,000 (4,000 to 4,000)".split() in lines


def test_overlaps_name_every_pair(small):
    assert audit.overlaps(small[0]) == [("train", "test", ("p1",))]


def test_picture_shows_each_part(small):
    figure = audit.draw(*small)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split(" (")[0] for title in titles] == [
        "classes by split",
        "devices by split",
        "patients in two splits",
        "durations",
        "levels of recordings",
        "bandwidths of recordings",
    ]
    heights = [[round(bar.get_height(), 1) for bar in bars] for bars in figure.axes[0].containers]
    assert heights == [[66.7, 100.0], [33.3, 0.0]]  # normal and crackle, in train and test
    assert [text.get_text() for text in figure.axes[2].texts] == ["2", "1", "1", "1"]


def test_many_classes_and_one_device_can_be_drawn(small):
    corpus = small[0]
    clips = tuple(clip(f"r{i}", f"p{i}", i % 50, "train", 1.0) for i in range(150))
    many = Corpus("table", "Many", Path(), clips, (), (), tuple(f"class {i}" for i in range(50)))
    sounds = {c.recording: Sound(-20, 1000) for c in clips}
    assert len(audit.draw(many, sounds).axes[0].containers) == audit.DRAWN
    assert len(audit.report(many, sounds).split("class ")) > 50 and corpus


def test_command_prints_and_draws(tiny_icbhi, tmp_path, capsys):
    out = tmp_path / "audit.png"
    assert main(["audit", "--corpus", "icbhi", "--data", str(tiny_icbhi), "--out", str(out)]) == 0
    assert "24 clips of 8 patients, 8 recordings" in capsys.readouterr().out
    picture = np.asarray(Image.open(out).convert("L"))
    assert picture.shape == (700, 1300) and picture.std() > 20


def test_command_names_what_is_wrong(tmp_path, capsys):
    assert main(["audit", "--corpus", "table", "--data", str(tmp_path)]) == 1
    assert "error:" in capsys.readouterr().err


def test_sprsounds_overlap_of_patients_with_events(real_data):
    pairs = {(a, b): len(shared) for a, b, shared in audit.overlaps(data.load("sprsound", real_data / "sprsound"))}
    assert pairs == {("train", "inter"): 0, ("train", "intra"): 156, ("inter", "intra"): 0}
