"""A CycleGuardian's windows on the seconds of a recording, and how they sound."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, guardian, synth
from rsc_core.explain import clusters
from rsc_core.inference import Analyser


@pytest.fixture
def analyser(guardian_with_clusters):
    return Analyser(guardian_with_clusters.parent)


@pytest.fixture
def guardian_with_clusters(guardian):
    """Its centres stand on windows of a sound, so that there is more than one cluster."""
    loaded = checkpoint.load(guardian)
    features = torch.randn(2, 3, 84, 86, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loaded.model.clustering.revive(loaded.model.embed(features))
        loaded.model.classifier.weight.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
    return checkpoint.save(guardian, loaded.model, loaded.config, loaded.facts)


@pytest.fixture
def analysis(analyser, tmp_path):
    """Cycles of 0.6 s, repeated to fill the clip of 1 s, and of 2.5 s, which takes three clips."""
    path = tmp_path / "breath.wav"
    synth.write(path, synth.example("Crackles and wheeze", 4.0))
    path.with_suffix(".txt").write_text("0.5\t1.1\t1\t0\n1.1\t3.6\t0\t1\n")
    return analyser.analyse(path, annotation=path.with_suffix(".txt"))


def test_a_short_cycle_is_shown_as_often_as_the_network_reads_it(analyser, analysis):
    shown = guardian.look(analyser, analysis, 0)
    assert [one.name for one in shown.maps] == ["CQT", "Gammatone", "Mel"]
    assert all(
        one.values.shape == (84, 86) and (one.start_s, one.end_s) == (0, 86 * 256 / 22000) for one in shown.maps
    )
    assert (shown.number, shown.count) == (1, 1)
    assert len(shown.repeats_s) == 1 and shown.repeats_s[0] == pytest.approx(0.6, abs=0.05)
    assert shown.soft.shape == (5, 4) and shown.weights.shape == (5,) and shown.fusion.shape == (4,)
    assert shown.sizes.sum() == 5 and (shown.clusters == shown.soft.argmax(axis=1)).all()
    np.testing.assert_allclose(shown.answer(), analysis.probabilities[0], rtol=1e-4)
    assert (shown.answer([2, 0]) == shown.answers[0b101]).all()


def test_of_a_long_cycle_the_clip_that_speaks_loudest_is_shown(analyser, analysis):
    shown = guardian.look(analyser, analysis, 1)
    assert shown.count == 3 and not len(shown.repeats_s)
    label = int(analysis.probabilities[1].argmax())
    assert shown.answer()[label] >= analysis.probabilities[1][label] - 1e-6  # a mean over the clips


def test_a_network_that_reads_the_end_of_a_long_cycle_says_so(analyser, analysis):
    assert not any(guardian.look(analyser, analysis, index).ending for index in (0, 1))
    folder = analyser.folder / analysis.model.name
    loaded = checkpoint.load(folder)
    tiled = replace(loaded.config, audio=replace(loaded.config.audio, padding="tile"))
    checkpoint.save(folder, loaded.model, tiled, loaded.facts)
    reading = Analyser(analyser.folder)
    assert [guardian.look(reading, analysis, index).ending for index in (0, 1)] == [False, True]


def test_typical_windows_are_the_nearest_of_the_whole_recording(analyser, analysis):
    with analyser.alone_with(analysis.model.name) as (loaded,):
        nearest = {}
        for index, cycle in enumerate(analysis.cycles):
            found = clusters.cluster(
                loaded.model, analyser.inputs(analysis.recording, cycle, loaded), loaded.config.model
            )
            for clip in range(len(found.soft)):
                for window in range(5 if index else 3):  # later windows of the short cycle are of its copy too
                    own = int(found.soft[clip, window].argmax())
                    distance = float(found.distances[clip, window, own])
                    nearest[own] = min(distance, nearest.get(own, np.inf))
    typical = guardian.typical(analyser, analysis)
    assert len(typical) == 4
    assert {i: windows[0].distance for i, windows in enumerate(typical) if windows} == pytest.approx(nearest)
    for windows in typical:
        assert len(windows) <= guardian.EACH
        assert [w.distance for w in windows] == sorted(w.distance for w in windows)
        for window in windows:
            cycle = analysis.cycles[window.cycle]
            assert cycle.start_s <= window.start_s and window.end_s <= cycle.end_s + 1e-3
            assert window.end_s - window.start_s == pytest.approx(20 * 256 / 22000)
            assert len(window.waveform) == pytest.approx(20 * 256, abs=1) and window.waveform.any()
        starts = sorted(w.start_s for w in windows)
        assert all(
            later - earlier >= 20 * 256 / 22000 - 1e-9 for earlier, later in zip(starts, starts[1:], strict=False)
        )


def test_the_sound_of_a_window_holds_what_the_maps_hold():
    time = np.arange(22000) / 22000
    kept, gone = (np.sin(2 * np.pi * hz * time) for hz in (400, 9000))
    heard = guardian._band(kept + gone, 22000)
    np.testing.assert_allclose(heard[4000:-4000], kept[4000:-4000], atol=0.02)
    faded = guardian._faded(np.ones(2200), 22000)
    assert faded[0] == faded[-1] == 0 and (faded[220:-220] == 1).all()
