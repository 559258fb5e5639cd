"""Short clips are padded and faded as the settings say, in training, evaluation and the app alike."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, cycles, data
from rsc_core.analysis import Analysis, Cycle, Recording
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.data.loader import Waveforms, faded, repeats_after, training_windows, whole, window_starts, windows
from rsc_core.inference import Analyser, heard
from tests.test_train import run

SHORT = np.linspace(1, 2, 4000, dtype=np.float32)
SECOND = AudioConfig(window_s=1.0)


def test_a_short_clip_is_repeated_or_stands_before_silence():
    (repeated,), (silent,) = windows(SHORT, SECOND), windows(SHORT, replace(SECOND, padding="zero"))
    assert np.array_equal(repeated, cycles.fill(SHORT, 16000))
    assert np.array_equal(silent[:4000], SHORT) and not silent[4000:].any()
    assert repeats_after(4000, SECOND) == cycles.period_samples(4000)
    assert repeats_after(4000, replace(SECOND, padding="zero")) is None
    assert repeats_after(16000, SECOND) is None


def test_cycle_guardian_tiles_a_short_clip_and_keeps_the_end_of_a_long_one():
    tile, long = replace(SECOND, padding="tile"), np.arange(20000, dtype=np.float32)
    (tiled,), (end,) = windows(SHORT, tile), windows(long, tile)
    assert np.array_equal(tiled, np.tile(SHORT, 4)) and np.array_equal(end, long[-16000:])
    assert repeats_after(4000, tile) == 4000 and repeats_after(20000, tile) is None
    assert window_starts(20000, tile) == [4000]


def test_cycle_guardian_trains_on_clips_as_annotated(tiny_icbhi):
    tile = replace(SECOND, padding="tile")
    clips = data.load("icbhi", tiny_icbhi).clips[:2]
    waveforms = Waveforms(clips, tile, progress=False)
    drawn = training_windows(clips, waveforms, 1.0, (0.8, 4.0), np.random.default_rng(0)).numpy()
    assert np.array_equal(drawn, np.concatenate([windows(waveforms.cut(c, c.start_s, c.end_s), tile) for c in clips]))


@pytest.mark.parametrize("samples", [1, 2, 3, 1500, 2000, 40000])
def test_fades_are_linear_over_a_sixteenth_of_a_second(samples):
    clip = np.ones(samples, dtype=np.float32)
    result = faded(clip, 16000)
    count = min(1000, samples // 2)
    assert result.dtype == np.float32 and (clip == 1).all()
    np.testing.assert_allclose(result[:count], np.arange(count) / max(count, 1), atol=1e-6)
    np.testing.assert_array_equal(result, result[::-1])
    assert (result[count : samples - count] == 1).all()


@pytest.mark.parametrize("padding", ["repeat", "zero"])
def test_a_cycle_fades_before_it_is_padded_and_a_long_one_at_its_ends_alone(padding):
    config = replace(SECOND, fade="cycle", padding=padding)
    unfaded = replace(SECOND, padding=padding)
    for clip in (SHORT, np.linspace(1, 2, 40000, dtype=np.float32)):
        np.testing.assert_array_equal(windows(clip, config), windows(faded(clip, 16000), unfaded))


def test_a_recording_fades_at_its_ends_wherever_it_is_cut(tiny_icbhi):
    clips = data.load("icbhi", tiny_icbhi).clips[:3]  # 0 to 2, 2 to 4 and 4 to 6 s of one recording
    plain, fading = (Waveforms(clips, replace(SECOND, fade=fade), False) for fade in ("none", "recording"))
    first, middle, last = ([w.cut(c, c.start_s, c.end_s) for w in (plain, fading)] for c in clips)
    assert np.array_equal(*middle)
    np.testing.assert_array_equal(first[1][1000:], first[0][1000:])
    np.testing.assert_allclose(first[1][:1000], first[0][:1000] * np.arange(1000) / 1000, rtol=1e-5)
    np.testing.assert_allclose(last[1][-1000:], last[0][-1000:] * np.arange(1000)[::-1] / 1000, rtol=1e-5)


@pytest.mark.parametrize("fade", ["none", "cycle", "recording"])
@pytest.mark.parametrize("padding", ["repeat", "zero"])
def test_training_and_the_app_hear_the_same(padding, fade, tiny_icbhi):
    """The first cycle of a recording, shorter than a window, drawn at exactly its extent."""
    config = AudioConfig(window_s=3.0, padding=padding, fade=fade)
    (clip, *_) = data.load("icbhi", tiny_icbhi).clips
    waveforms, unfaded = (Waveforms([clip], c, False) for c in (config, replace(config, fade="none")))
    trained = training_windows([clip], waveforms, 3.0, (2.0, 2.0), np.random.default_rng(0))
    recording = Recording(unfaded.cut(clip, 0, 6), 16000, 4000, 1, 6.0, 1.0)
    shown = heard(recording, Cycle(clip.start_s, clip.end_s), config)
    torch.testing.assert_close(trained, torch.from_numpy(shown), atol=1e-5, rtol=0)
    assert np.array_equal(whole(recording.waveform, config), waveforms.cut(clip, 0, 6))


def test_a_run_keeps_its_padding_and_the_app_folds_no_silence(tiny_icbhi, base, tmp_path):
    out = tmp_path / "runs" / "zero"
    assert run("linear", tiny_icbhi, base, out, "--padding", "zero", "--fade", "cycle") == 0
    audio = checkpoint.load(out).config.audio
    assert (audio.window_s, audio.padding, audio.fade) == (1.0, "zero", "cycle")  # the window is the base's
    analyser = Analyser(out.parent)
    recording = Recording(np.random.default_rng(0).standard_normal(16000).astype(np.float32), 16000, 16000, 1, 1.0, 1)
    blank = Analysis(recording, (Cycle(0.0, 0.3),), True, CLASSES, np.eye(4)[:1], analyser.cards["zero"])
    analysis = analyser.relabel(blank, "zero")
    for look in analyser.attention(analysis, 0, "zero"):
        assert look.values.shape[1] == 30
        assert look.values.sum() == pytest.approx(1, abs=1e-4)
