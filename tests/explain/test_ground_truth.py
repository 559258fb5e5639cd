from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rsc_core import data
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.data.corpus import Clip
from rsc_core.data.loader import Waveforms
from rsc_core.explain import ground_truth
from rsc_core.explain.ground_truth import Span
from rsc_core.features.log_mel import center_frequencies_hz

AUDIO = AudioConfig()
TILE = np.arange(128)[None, :] // 16 * 6 + np.arange(96)[:, None] // 16  # 8 x 6 tiles


def test_the_mask_covers_the_frames_and_bins_that_hold_the_sound():
    held = ground_truth.mask([Span(0.5, 0.6, (300.0, 500.0))], 98, 128, 16000)
    # Frame f hears from 10 f to 10 f + 25 ms: 48 is the first to reach past 500 ms, 59 the last to begin before 600.
    assert np.flatnonzero(held.any(axis=1)).tolist() == list(range(48, 60))
    hz = center_frequencies_hz()
    inside = (hz > 300) & (hz < 500)
    assert held[50][inside].all() and abs(int(held[50].sum()) - int(inside.sum())) <= 2
    assert ground_truth.mask([Span(0.5, 0.6, (300.0, 500.0))], 98, 128, 16000, band=False)[50].all()
    two = [Span(0.0, 0.1), Span(0.9, 1.0)]
    assert set(np.flatnonzero(ground_truth.mask(two, 98, 128, 16000)[:, 0])) == {*range(10), *range(88, 98)}


def held_tile():
    held = np.zeros((96, 128), dtype=bool)
    held[32:40, 48:64] = True  # the earlier half of tile (3, 2)
    return held


def test_pointing_and_inside_by_hand():
    on, off = np.zeros((8, 6)), np.zeros((8, 6))
    on[3, 2], on[0, 0] = 3.0, 1.0
    off[3, 2], off[0, 0] = 1.0, 3.0
    chances = {"hit_chance": pytest.approx(1 / 48), "inside_chance": pytest.approx(1 / 96)}
    for patch_map, hit, inside in ((on, 1, 3 / 4 / 2), (off, 0, 1 / 4 / 2)):
        found = ground_truth.point(patch_map, held_tile(), TILE)
        assert vars(found) == {"hit": hit, "inside": pytest.approx(inside), **chances}


def test_an_even_map_is_chance_and_negative_relevance_is_left_out():
    even = ground_truth.point(np.ones((8, 6)), held_tile(), TILE)
    assert (even.hit, even.inside) == (even.hit_chance, even.inside_chance)
    assert ground_truth.point(-np.ones((8, 6)), held_tile(), TILE) == even
    signed = np.full((8, 6), -5.0)
    signed[3, 2] = 0.1
    assert ground_truth.point(signed, held_tile(), TILE).inside == pytest.approx(0.5)
    with pytest.raises(ValueError, match="a window with a sound in it"):
        ground_truth.point(even.hit * np.ones((8, 6)), np.zeros((96, 128), dtype=bool), TILE)


def test_random_maps_come_to_chance():
    rng = np.random.default_rng(0)
    found = [ground_truth.point(rng.random((8, 6)), held_tile(), TILE) for _ in range(2000)]
    assert np.mean([f.hit for f in found]) == pytest.approx(1 / 48, abs=0.01)
    assert np.mean([f.inside for f in found]) == pytest.approx(1 / 96, rel=0.05)


def test_synthetic_windows_hold_their_sound_where_they_say():
    cases = list(ground_truth.synthetic_cases(9, AUDIO))
    assert [c.label for c in cases] == 3 * ["crackle", "crackle", "wheeze"]
    assert len({c.patient for c in cases}) == 9
    for case in cases:
        assert case.waveform.shape == (80000,) and case.waveform.dtype == np.float32
        assert case.spans and all(0 <= s.start_s < s.end_s <= 5 for s in case.spans)
    for case in cases[2::3]:  # the wheeze's band is louder inside its span than outside
        (low, high), found = case.spans[0].band_hz, []
        span = max(case.spans, key=lambda s: s.end_s - s.start_s)
        n = slice(int(span.start_s * 16000), int(span.end_s * 16000))
        for part in (case.waveform[n], np.delete(case.waveform, n)):
            power, hz = np.abs(np.fft.rfft(part)) ** 2 / len(part), np.fft.rfftfreq(len(part), 1 / 16000)
            found.append(power[(hz > low) & (hz < high)].mean())
        assert found[0] > found[1]
    again = list(ground_truth.synthetic_cases(9, AUDIO))
    assert all(
        np.array_equal(a.waveform, b.waveform) and a.spans == b.spans for a, b in zip(cases, again, strict=True)
    )


def clip(path, start_s, end_s, label, recording="r"):
    return Clip(recording, path, start_s, end_s, (CLASSES.index(label),), "p", "d", "l", "test", label)


def test_events_stand_in_real_context_at_a_random_place(tmp_path):
    """A ramp as the recording: each sample tells where it was cut from."""
    path = tmp_path / "r.wav"
    soundfile.write(path, np.arange(10 * 16000) / 160000, 16000, subtype="FLOAT")
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(16000), 16000)
    clips = [
        clip(path, 4.0, 4.5, "wheeze"),
        clip(path, 1.0, 2.0, "normal"),
        clip(path, 5.0, 5.4, "wheeze"),
        clip(path, 6.0, 6.5, "crackle"),
        clip(path, 0.0, 6.0, "crackle"),
        clip(short, 0.1, 0.5, "crackle", "short"),
    ]
    waveforms = Waveforms(clips, replace(AUDIO, level="none"), progress=False)
    starts = []
    for seed in range(20):
        cases = list(ground_truth.event_cases(clips, waveforms, 10, seed=seed))
        assert sorted(c.label for c in cases) == ["crackle", "wheeze", "wheeze"], (
            "no normal, too long or too short one"
        )
        for case in cases:
            start_s = float(case.waveform[0]) * 10
            assert len(case.waveform) == 80000 and 0 <= start_s <= 5
            truth = [(c.start_s - start_s, c.end_s - start_s) for c in clips[:5] if CLASSES[c.label] == case.label]
            seen = [(max(a, 0), min(b, 5)) for a, b in truth if b > 0 and a < 5]
            np.testing.assert_allclose([(s.start_s, s.end_s) for s in case.spans], seen, atol=1e-3)
            assert all(s.band_hz is None for s in case.spans)
            starts.append(start_s)
    assert np.std(starts) > 0.5
    assert len(list(ground_truth.event_cases(clips, waveforms, 2))) == 2


def test_windows_of_the_real_corpus(real_data: Path):
    corpus = data.load("sprsound", real_data / "sprsound")
    first = [c.recording for c in corpus.clips if c.split == "inter" and c.label][:12]
    clips = [c for c in corpus.clips if c.recording in first]
    cases = list(ground_truth.event_cases(clips, Waveforms(clips, AUDIO, progress=False), 10))
    assert len(cases) == 10 and all(c.waveform.shape == (80000,) for c in cases)
    share = np.mean([ground_truth.mask(c.spans, 498, 128, 16000).mean() for c in cases])
    assert 0.05 < share < 0.7, "there is context around the events"
