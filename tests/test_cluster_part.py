"""What the part of Look inside for clusters does where there is nothing to show, and how it lines windows up."""

import gradio as gr
import numpy as np
import pytest
import soundfile

from rsc_core.analysis import TypicalWindow
from rsc_core.ui import texts
from rsc_core.ui.clusters import PAUSE_S, ClusterPart, one_after_another

RATE = 22000


def test_a_cycle_that_is_no_longer_known_cannot_be_silenced():
    with gr.Blocks():
        part = ClusterPart(analyser=None)
    with pytest.raises(gr.Error, match=texts.page.FORGOTTEN):
        part.silence(None, [0])


def test_typical_windows_are_played_with_silence_between_them():
    first, second = (np.full(2200, level, np.float32) for level in (0.25, -0.5))
    windows = [TypicalWindow(0, 1.0, 1.1, 0.0, waveform, RATE) for waveform in (first, second)]
    played = one_after_another(windows)
    path = played["sounds"][0]["file"]["path"]
    waveform, rate = soundfile.read(path, dtype="float32")
    silence = np.zeros(round(PAUSE_S * RATE), np.float32)
    assert rate == RATE
    np.testing.assert_allclose(waveform, np.concatenate([first, silence, second, silence]), atol=1e-4)
    assert one_after_another(()) is None
