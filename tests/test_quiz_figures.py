"""The picture after an answer: events are marked where they are."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from rsc_core import quiz_figures
from rsc_core.analysis import Cycle, Recording, Spectrogram
from rsc_core.features.log_mel import center_frequencies_hz
from rsc_core.figures import row_of
from rsc_core.quiz import Mark, Question

HZ = center_frequencies_hz()
WHEEZE = Mark("wheeze", 1.6, 1.9, (300.0, 500.0))
CLICKS = tuple(Mark("fine crackle", s, s + 0.005, (200.0, 900.0)) for s in (1.1, 1.2))


def drawn(*marks, width=820):
    recording = Recording(np.zeros(48000, np.float32), 16000, 16000, 1, 3.0, 1.0)
    values = np.random.default_rng(0).uniform(-60, -40, (128, 98)).astype(np.float32)
    question = Question(recording, Cycle(1.0, 2.0, "both"), marks=marks)
    return quiz_figures.revealed(question, Spectrogram("Log-mel", values, "dB", HZ, 1.0, 2.0), width)


def boxes(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_a_sound_is_boxed_around_its_band_and_a_click_has_an_arrow():
    axes = drawn(*CLICKS, WHEEZE).figure.axes[0]
    box = boxes(axes)[0]
    assert box.get_x() == 1.6 and box.get_width() == pytest.approx(0.3)
    low, high = row_of(np.array(WHEEZE.band_hz), HZ)
    assert box.get_y() < low and box.get_y() + box.get_height() > high and box.get_height() < high - low + 8
    assert [float(line.get_xdata()[0]) for line in axes.lines] == pytest.approx([1.1025, 1.2025])
    assert [text.get_text() for text in axes.texts if text.get_text() != "Hz"] == ["fine crackle", "wheeze"]
    assert axes.get_xlim() == (1.0, 2.0)


def test_a_sound_of_unknown_band_is_boxed_from_bottom_to_top():
    axes = drawn(Mark("coarse crackle", 1.2, 1.7)).figure.axes[0]
    assert boxes(axes)[0].get_height() > 120 and not axes.lines


def test_a_cycle_without_marks_is_drawn_plain():
    axes = drawn().figure.axes[0]
    assert not boxes(axes) and not axes.lines


@pytest.mark.parametrize("width", [300, 1200])
def test_names_stay_in_the_picture(width):
    picture = drawn(Mark("coarse crackle", 1.97, 1.99), Mark("rhonchus", 1.01, 1.3), width=width)
    image = picture.pixels()
    for edge in (image[:1], image[-1:], image[:, :1], image[:, -1:]):
        assert (edge == 255).all()
