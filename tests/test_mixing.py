"""Two cycles mixed: whose patches, whose sound, whose answer."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, mixing, models
from rsc_core.analysis import Analysis, Cycle, Recording
from rsc_core.config import CLASSES
from rsc_core.inference import DB_PER_NATURAL_LOG, Analyser
from rsc_core.mixing import Recipe
from rsc_core.ui import markup, texts
from tests.conftest import TINY, transformer_and_cnn

RATE = 16000
SHARES = [0, 0.05, 0.3, 0.5, 0.7, 0.95, 1]


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    """A transformer and a network of convolutions with windows of 1 s, whose answers depend on what they hear."""
    return transformer_and_cnn(tmp_path_factory.mktemp("checkpoints"))


def tones(*cycles, seconds=6.0):
    """A recording with a tone in noise in each (start_s, end_s, hz, amplitude)."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = 0.002 * np.random.default_rng(0).standard_normal(len(t))
    for start, end, hz, amplitude in cycles:
        inside = (t >= start) & (t < end)
        sound[inside] += amplitude * np.sin(2 * np.pi * hz * t[inside])
    return Recording(sound.astype(np.float32), RATE, RATE, 1, seconds, 1.0)


@pytest.fixture(scope="module")
def analysis(analyser):
    """Two cycles of different length that fit a window, and one of two windows."""
    recording = tones((0.5, 0.92, 300, 0.1), (1.5, 2.2, 2000, 0.3), (3.0, 4.6, 900, 0.1))
    cut = (Cycle(0.5, 0.92), Cycle(1.5, 2.2), Cycle(3.0, 4.6))
    return analyser.relabel(Analysis(recording, cut, False, CLASSES, np.eye(4)[:3], analyser.cards["base"]), "base")


def answers(analyser, analysis, recipe, first=0, second=1):
    return {a.model: a for a in mixing.answers(analyser, (analysis, first), (analysis, second), recipe)}


@pytest.mark.parametrize("domain", ["patch", "time"])
@pytest.mark.parametrize("kept", SHARES)
def test_the_share_asked_for_is_kept(analyser, analysis, kept, domain):
    for answer in answers(analyser, analysis, Recipe(kept, domain)).values():
        places = answer.grid[1] if domain == "time" else answer.grid[0] * answer.grid[1]
        assert kept - 1e-9 <= answer.kept <= kept + 1 / places + 1e-9
    shown = mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(kept, domain))
    assert shown.kept == pytest.approx(answers(analyser, analysis, Recipe(kept, domain))["base"].kept)
    if domain == "time":
        assert (shown.replaced == shown.replaced[:1]).all()


def test_keeping_all_gives_the_first_cycle_s_own_answer_and_keeping_none_the_second_s(analyser, analysis):
    for kept, index in ((1, 0), (0, 1)):
        found = answers(analyser, analysis, Recipe(kept))
        for name in ("base", "cnn"):
            own = analyser.relabel(analysis, name).probabilities
            np.testing.assert_allclose(found[name].mixed, own[index], atol=1e-5)
            np.testing.assert_allclose(found[name].first, own[0], atol=1e-5)
            np.testing.assert_allclose(found[name].second, own[1], atol=1e-5)
            assert found[name].gap == pytest.approx(0, abs=1e-5)
            assert np.abs(own[0] - own[1]).max() > 1e-4  # ten tolerances, or nothing is shown by this


def test_the_spectrogram_between_is_what_the_model_answers_to(analyser, analysis):
    """Patches that do not overlap can be exchanged before they are embedded, too."""
    recipe = Recipe(0.4, seed=3)
    shown = mixing.mix(analyser, (analysis, 0), (analysis, 1), recipe)
    with analyser.alone_with("base") as (loaded,), torch.inference_mode():
        statistics = loaded.config.features
        features = (shown.spectrograms[1].values.T / DB_PER_NATURAL_LOG - statistics.mean) / (2 * statistics.std)
        logits = loaded.model(torch.from_numpy(features[None].astype(np.float32)))
        said = models.probabilities(logits, loaded.config.model)[0].numpy()
    answer = answers(analyser, analysis, recipe)["base"]
    np.testing.assert_allclose(answer.mixed, said, atol=1e-5)
    assert np.abs(answer.mixed - answer.first).max() > 1e-3 < np.abs(answer.mixed - answer.second).max()


def test_what_is_asked_for_is_the_mean_by_shares(analyser, analysis):
    answer = answers(analyser, analysis, Recipe(0.25, "time"))["base"]
    assert answer.kept == pytest.approx(1 - 4 / 6)  # four of six moments are replaced
    np.testing.assert_allclose(answer.asked, answer.first / 3 + 2 * answer.second / 3, atol=1e-6)
    assert answer.asked.sum() == pytest.approx(1, abs=1e-5)
    other = replace(answer, mixed=np.array([1, 0, 0, 0]), first=np.array([0, 1, 0, 0]), second=np.array([0, 0, 1, 0]))
    assert other.gap == pytest.approx(1)


def test_the_sound_of_the_ends(analyser, analysis):
    own, same, _ = mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(1)).sounds
    np.testing.assert_array_equal(same, own)
    own, other, second = mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(0)).sounds
    np.testing.assert_allclose(other, second, atol=1e-5)
    assert np.square(second).mean() == pytest.approx(np.square(own).mean(), rel=1e-3)


def test_each_moment_sounds_like_the_cycle_it_is_taken_from(analyser, analysis):
    shown = mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(0.5, "time", seed=1))
    for column, replaced in enumerate(shown.replaced[0]):
        middle = round((shown.edges_s[column] + 0.08) * RATE)
        piece = shown.sounds[1][middle - 400 : middle + 400]
        spectrum, hz = np.abs(np.fft.rfft(piece * np.hanning(800))), np.fft.rfftfreq(800, 1 / RATE)
        assert hz[spectrum.argmax()] == pytest.approx(2000 if replaced else 300, abs=40)


def test_a_tone_stays_where_only_other_frequencies_are_exchanged():
    t = np.arange(RATE) / RATE
    low, high = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (300, 4000))
    upper_half, edges = np.array([[False] * 6, [True] * 6]), np.array([20, 1200, 8000])
    inside = slice(1000, -1000)  # where a tone begins and ends, it has all frequencies
    without = mixing.exchanged(low, 0 * low, RATE, upper_half, edges, 0.16)
    np.testing.assert_allclose(without[inside], low[inside], atol=1e-3)
    taken = mixing.exchanged(0 * low, high, RATE, upper_half, edges, 0.16)
    np.testing.assert_allclose(taken[inside], high[inside], atol=1e-3)


def test_silence_stays_silence():
    silent, loud = np.zeros(RATE, np.float32), np.ones(RATE, np.float32)
    assert not mixing.levelled(silent, loud).any() and not mixing.levelled(loud, silent).any()


def test_a_recipe_can_be_repeated_and_a_smaller_share_takes_more_of_the_same(analyser, analysis):
    def replaced(*recipe):
        return mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(*recipe)).replaced

    np.testing.assert_array_equal(replaced(0.5, "patch", 7), replaced(0.5, "patch", 7))
    assert (replaced(0.5, "patch", 7) != replaced(0.5, "patch", 8)).any()
    assert replaced(0.3, "patch", 7)[replaced(0.5, "patch", 7)].all()


def test_of_a_longer_cycle_the_first_window_is_mixed(analyser, analysis):
    shown = mixing.mix(analyser, (analysis, 2), (analysis, 0), Recipe(1))
    assert shown.windows == (2, 1)
    np.testing.assert_array_equal(shown.sounds[0], analysis.recording.waveform[3 * RATE : 4 * RATE])
    answer = answers(analyser, analysis, Recipe(1), first=2)["base"]
    alone = analyser.relabel(replace(analysis, cycles=(Cycle(3.0, 4.0),), probabilities=np.eye(4)[:1]), "base")
    np.testing.assert_allclose(answer.mixed, alone.probabilities[0], atol=1e-5)


@pytest.mark.parametrize("model", ["base", "cnn"])
def test_patches_cover_the_whole_picture(analyser, analysis, model):
    place = analyser.relabel(analysis, model)
    shown = mixing.mix(analyser, (place, 0), (place, 1), Recipe(0))
    first, mixed, second = shown.spectrograms
    assert shown.replaced.shape == {"base": (8, 6), "cnn": (32, 25)}[model]
    assert (len(shown.edges_bins), len(shown.edges_s)) == tuple(n + 1 for n in shown.replaced.shape)
    assert (shown.edges_bins[-1], shown.edges_s[-1]) == (128, 1.0)
    assert (np.diff(shown.edges_bins) > 0).all() and (np.diff(shown.edges_s) > 0).all()
    np.testing.assert_array_equal(mixed.values, second.values)
    assert (first.values != second.values).any()


def test_the_first_pair_differs_in_label_if_any_does(analysis):
    one, other = np.eye(4, dtype=np.float32)[:2]

    def pair(*rows):
        cut = tuple(Cycle(i, i + 1.0) for i in range(len(rows)))
        return mixing.first_pair(replace(analysis, cycles=cut, probabilities=np.stack(rows)))

    assert pair(one, one, other, one) == (0, 2)
    assert pair(one, one, one) == (0, 1)
    with pytest.raises(ValueError, match="two cycles or more"):
        pair(one)
    annotated = tuple(Cycle(i, i + 1.0, label) for i, label in enumerate(("crackle", "crackle", "wheeze")))
    known = replace(analysis, cycles=annotated, annotated=True, probabilities=np.stack([one, other, one]))
    assert mixing.first_pair(known) == (0, 2)


@pytest.mark.parametrize("wrong", [{"kept": -0.1}, {"kept": 1.5}, {"kept": 0.5, "domain": "frequency"}])
def test_a_recipe_says_what_it_expects(wrong):
    with pytest.raises(ValueError, match="expected"):
        Recipe(**wrong)


def test_other_visitors_are_served_between_two_models(analyser, analysis):
    for _ in mixing.answers(analyser, (analysis, 0), (analysis, 1), Recipe(0.5)):
        with analyser.alone_with("base") as (loaded,):
            assert loaded.config.model == TINY


def test_a_network_of_hybrid_maps_answers_to_its_own_windows_and_another_is_drawn(guardian, analysis, analyser):
    alone = Analyser(guardian.parent)
    own = alone.relabel(analysis, "guardian")
    (answer,) = mixing.answers(alone, (own, 0), (own, 1), Recipe(0.4))
    assert answer.grid == (1, 5) and answer.kept == pytest.approx(0.4)
    # Another batch, and so another order of sums.
    assert answer.first == pytest.approx(own.probabilities[0], abs=1e-4)
    with pytest.raises(checkpoint.CheckpointError, match="no model here reads patches of log-mel"):
        mixing.mix(alone, (own, 0), (own, 1), Recipe(0.4))
    shutil.copytree(analyser.folder / "base", guardian.parent / "base")
    shown = mixing.mix(Analyser(guardian.parent), (own, 0), (own, 1), Recipe(0.4))
    wanted = mixing.mix(analyser, (analysis, 0), (analysis, 1), Recipe(0.4))
    assert shown.model == "base" and (shown.replaced == wanted.replaced).all()
    assert all((a == b).all() for a, b in zip(shown.sounds, wanted.sounds, strict=True))
    said = texts.mix.ELSEWHERE.format(chosen="guardian", model="base")
    assert said in markup.mix_remarks(shown, "guardian", 1.0, False)
    assert said not in markup.mix_remarks(shown, "base", 1.0, False)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=f"a seed from 0 to 2147483647, got {seed}"):
        Recipe(0.5, seed=seed)
