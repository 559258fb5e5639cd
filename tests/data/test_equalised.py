from pathlib import Path

import pytest

from rsc_core.data.corpus import Clip
from rsc_core.data.loader import equalised


def clip(start_s, end_s):
    return Clip("r", Path("r.wav"), start_s, end_s, 0, "p", "Meditron", "Al", "train", "normal")


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (4.0, 5.0, (3.5, 5.5)),  # real audio on both sides
        (2.0, 8.0, (4.0, 6.0)),  # a longer clip gives its middle
        (0.0, 0.5, (0.0, 2.0)),  # shifted into the recording at its start
        (9.8, 10.0, (8.0, 10.0)),  # and at its end
        (9.0, 10.4, (8.0, 10.0)),  # an annotation that runs over the end
        (3.0, 5.0, (3.0, 5.0)),
    ],
)
def test_extent_lies_around_the_middle_and_in_the_recording(start_s, end_s, expected):
    assert equalised(clip(start_s, end_s), 10.0, 2.0) == pytest.approx(expected)


def test_recording_shorter_than_the_extent_is_used_whole():
    assert equalised(clip(0.2, 0.4), 1.5, 2.0) == (0.0, 1.5)


@pytest.mark.parametrize("durations", [(0.0, 2.0), (10.0, 0.0), (10.0, -1.0)])
def test_durations_must_be_positive(durations):
    with pytest.raises(ValueError, match="expected positive durations"):
        equalised(clip(0.2, 0.4), *durations)
