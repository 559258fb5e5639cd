"""What is looked into, what is kept of it, and that maps come back onto the cycle's own seconds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, lineage
from rsc_core.analysis import Analysis, Cycle, Recording, TileMap
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import CLASSES, run_config
from rsc_core.explain import heads, standing
from rsc_core.features import extract
from rsc_core.inference import Analyser
from rsc_core.inspector import Inspector, _fold, _truth
from rsc_core.presets import PRESETS
from rsc_core.tuning import TUNINGS
from tests.conftest import TINY, transformer_and_cnn


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    """A transformer and a CNN with windows of 1 s, whose answers depend on what they hear."""
    return transformer_and_cnn(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def inspector(analyser):
    return Inspector(analyser)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """One transformer of every tuning, its own parameters away from where they start."""
    folder = tmp_path_factory.mktemp("tuned")
    facts = {"corpus": "SPRSound", "protocol": "last", "learned_from": ["SPRSound"]}
    torch.manual_seed(0)
    config = run_config("full", "icbhi", "small")
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    checkpoint.save(folder / "full", checkpoint.build(config), config, facts)
    first = {row.tuning: name for name, row in reversed(PRESETS.items()) if row.model == TINY.name}
    for tuning in [name for name in TUNINGS if name != "full"]:
        config = lineage.inherit(run_config(first[tuning], "icbhi", str(folder / "full")))
        built = checkpoint.build(config)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter) * parameter.requires_grad)
        checkpoint.save(folder / tuning, built, config, facts)
    return Analyser(folder)


def labelled(analyser, model="base"):
    """A short cycle that fills a window twice and a bit, and one of three windows."""
    sound = 0.1 * np.random.default_rng(0).standard_normal(80000).astype(np.float32)
    recording = Recording(sound, 16000, 16000, 1, 5.0, 1.0)
    blank = Analysis(
        recording, (Cycle(0.5, 0.92), Cycle(1.5, 4.1)), True, CLASSES, np.eye(4)[:2], analyser.cards[model]
    )
    return analyser.relabel(blank, model)


def test_a_montage_is_the_recorded_attention_on_the_cycles_own_seconds(analyser, inspector):
    analysis = labelled(analyser)
    shown = inspector.montage(analysis, 0, "mean")
    assert shown.maps.shape == (2, 2, 8, 42) and (shown.start_s, shown.end_s) == (0.5, 0.92)
    with analyser.alone_with("base") as (loaded,):
        window = torch.from_numpy(np.tile(np.zeros(1, np.float32), 16000))[None]
        features = extract(window, loaded.config.audio, loaded.config.features)
        silent = heads.record(loaded.model, features)
    assert shown.heads.entropy.shape == silent.heads.entropy.shape
    assert np.abs(shown.heads.entropy - silent.heads.entropy).max() > 1e-3  # of this sound, not of another
    reading = inspector.montage(analysis, 0, 0)
    assert reading.tile.index == 0 and reading.tile.end_s - reading.tile.start_s == pytest.approx(0.16)
    assert np.abs(reading.maps - shown.maps).max() > 1e-3
    assert (shown.virtual == 0).all() and ((shown.special > 0) & (shown.special < 1)).all()


def test_even_attention_is_even_after_folding_and_a_peak_stays_where_it_was():
    for period in (None, 33.4):
        frames = 98 if period is None else 35
        fold = _fold(6, 16, 16, period, frames)
        assert fold.sum(axis=0) == pytest.approx(np.ones(frames))
    peak = np.eye(6)[1] @ _fold(6, 16, 16, None, 98)
    assert (np.flatnonzero(peak) == np.arange(16, 32)).all()
    second_copy = np.eye(6)[3] @ _fold(6, 16, 16, 48.0, 48)  # frames 48 to 63 are a copy of 0 to 15
    assert (np.flatnonzero(second_copy) == np.arange(16)).all()


def test_of_a_long_cycle_the_window_that_speaks_loudest_for_the_label_is_shown(analyser, inspector):
    analysis = labelled(analyser)
    look = inspector.look(analysis, 1)
    assert look.count == 3 and len(look.waveform) == 16000
    first = 24000 + round((look.number - 1) * (41600 - 16000) / 2)
    assert np.array_equal(look.waveform, analysis.recording.waveform[first : first + 16000])
    assert look.spectrogram.start_s == pytest.approx(first / 16000)
    own = CLASSES.index(analysis.labels[1])
    assert look.probabilities[own] >= analysis.probabilities[1, own]  # the cycle's is the mean over windows


def test_a_click_finds_the_patch_and_a_patch_its_place(analyser, inspector):
    analysis = labelled(analyser)
    inspector.montage(analysis, 1, "cls")
    start_s = inspector.look(analysis, 1).spectrogram.start_s
    for index in (0, 13, 47):
        tile = inspector.montage(analysis, 1, index).tile
        middle_hz = np.sqrt(tile.low_hz * tile.high_hz)
        assert inspector.tile_at(analysis, 1, (tile.start_s + tile.end_s) / 2, middle_hz) == tile
        assert tile.start_s == pytest.approx(start_s + index % 6 * 0.16)


@pytest.mark.parametrize("model", ["base", "cnn"])
def test_every_method_a_model_allows_gives_a_map_and_a_sound(analyser, inspector, model):
    analysis = labelled(analyser, model)
    look = inspector.look(analysis, 0)
    assert look.attends == (model == "base")
    assert ("rollout" in look.methods) == look.attends and "occlusion" in look.methods
    for method in look.methods:
        found = inspector.relevance(analysis, 0, method, "wheeze", "crackle")
        assert found.tiles.values.shape == (8, 42) and np.ptp(found.tiles.values) > 0
        assert found.standings == () and found.truth is None
    other = inspector.relevance(analysis, 0, "gradient_input", "crackle", "wheeze")
    own = inspector.relevance(analysis, 0, "gradient_input", "wheeze", "crackle")
    assert other.tiles.values == pytest.approx(-own.tiles.values, abs=1e-6)
    attended, rest = inspector.listen(analysis, 0, "occlusion", "wheeze")
    assert attended + rest == pytest.approx(look.waveform, abs=1e-6) and np.abs(rest).max() > 0


def test_a_model_without_attention_says_so(analyser, inspector):
    with pytest.raises(ValueError, match="has no attention"):
        inspector.montage(labelled(analyser, "cnn"), 0, "mean")


def test_believing_counts_along_and_ends_with_all_orders(analyser, inspector):
    told = list(inspector.believe(labelled(analyser), 0, "occlusion", "wheeze", orders=5))
    assert [belief.done for belief in told] == [8, 12, 14, 16, 18]
    assert all(belief.total == 18 for belief in told)
    assert [f.random.shape for f in told[-1].followed] == [(5, 2, 11)] * 2
    assert [f.smooth.shape for f in told[-1].followed] == [(2, 2, 11)] * 2
    local, noise = told[-1].followed
    assert not np.array_equal(local.own, noise.own)
    assert local.own[0, 0] == pytest.approx(local.random[:, 0, 0])  # nothing replaced yet
    assert all("on this cycle" in sentence for sentence in local.sentences)


def test_two_methods_are_compared_and_one_agrees_with_itself(analyser, inspector):
    analysis = labelled(analyser)
    assert inspector.agreement(analysis, 0, ("occlusion", "occlusion"), "wheeze").overlap == 1
    assert inspector.agreement(analysis, 0, ("occlusion", "rollout"), "wheeze").overlap < 1


def test_what_is_kept_is_bounded_and_the_least_recently_used_goes(analyser):
    inspector = Inspector(analyser, entries=1)
    analysis = labelled(analyser)
    first = inspector.look(analysis, 0)
    assert inspector.look(analysis, 0) is first
    inspector.look(analysis, 1)
    assert inspector.look(analysis, 0) is not first

    roomy = Inspector(analyser, limit_bytes=1)
    kept = roomy.look(analysis, 0)
    assert roomy.look(analysis, 0) is kept  # the last one stays
    roomy.look(analysis, 1)
    assert roomy.look(analysis, 0) is not kept


def test_a_model_that_is_gone_is_named(analyser, inspector):
    analysis = labelled(analyser)
    gone = replace(analysis, model=replace(analysis.model, name="gone"))
    with pytest.raises(CheckpointError, match="gone"):
        inspector.look(gone, 0)


def test_what_was_scored_over_a_corpus_is_a_table(analyser, inspector, monkeypatch):
    result = {"methods": ["rollout", "gone"], "corpus": "c", "split": "all"}
    monkeypatch.setattr(standing, "read", lambda folder: {folder.name: result})
    (table,) = inspector.score_tables("base")
    assert table.heads == ("order",) and table.rows == (("Rollout, mean over heads",),)


def test_the_share_inside_an_even_map_is_chance_and_overlapping_events_count_once():
    even = TileMap(np.ones((8, 50), np.float32), np.arange(9.0), 1.0, 2.0)
    events = (Cycle(0.5, 1.2, "Wheeze"), Cycle(1.1, 1.305, "Fine Crackle"), Cycle(3.0, 4.0, "Wheeze"))
    told = _truth(events, even)
    assert told.inside == pytest.approx(told.chance) == pytest.approx(0.305)
    assert [(e.start_s, e.end_s) for e in told.events] == [(1.0, 1.2), (1.1, 1.305)]
    peaked = replace(even, values=np.where(np.arange(50) < 10, 1.0, -1.0) * np.ones((8, 1)))
    assert _truth(events, peaked).inside == pytest.approx(1) and _truth(events[2:], even) is None
    assert _truth(events, replace(even, values=-even.values)).inside == pytest.approx(0.305)


def test_an_annotated_sound_is_told_with_every_map(analyser, inspector):
    analysis = replace(labelled(analyser), events=(Cycle(0.6, 0.7, "Wheeze"),))
    told = inspector.relevance(analysis, 0, "occlusion", "wheeze").truth
    assert told.chance == pytest.approx(0.1 / 0.42, rel=0.01) and 0 <= told.inside <= 1
    assert inspector.relevance(analysis, 1, "occlusion", "wheeze").truth is None
    assert analyser.relabel(analysis, "cnn").events == analysis.events


@pytest.mark.parametrize("model", ["base", "cnn"])
def test_forgetting_counts_along_and_leaves_the_model_as_it_was(analyser, inspector, model):
    analysis = labelled(analyser, model)
    told = list(inspector.forget(analysis, 0, "gradient_input", "wheeze"))
    assert [len(shown.similarities) for shown in told] == list(range(1, len(told[0].layers) + 1))
    assert abs(told[-1].similarities[-1]) < 0.5
    assert np.array_equal(analyser.relabel(analysis, model).probabilities, analysis.probabilities)


@pytest.mark.parametrize("tuning", TUNINGS)
def test_every_tuning_can_be_looked_into(tuned, tuning):
    inspector = Inspector(tuned)
    analysis = labelled(tuned, tuning)
    look, read = inspector.look(analysis, 1), inspector.montage(analysis, 1, "mean")
    assert read.maps.shape[:3] == (2, 2, 8)
    assert (read.virtual > 0).all() == (tuning in ("prefix", "prompt", "ipet"))
    assert (read.special + read.virtual < 1).all()
    for method in look.methods:
        found = inspector.relevance(analysis, 1, method, "wheeze", "crackle").tiles.values
        assert found.shape == read.maps.shape[2:] and np.isfinite(found).all() and found.std() > 0


def test_a_network_of_hybrid_maps_is_not_looked_into(guardian, analyser):
    hybrid = Analyser(guardian.parent)
    with pytest.raises(checkpoint.CheckpointError, match="guardian reads hybrid features"):
        Inspector(hybrid).look(hybrid.relabel(labelled(analyser, "cnn"), "guardian"), 0)
