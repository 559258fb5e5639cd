"""Models beside each other, and a tuned model beside its base."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rsc_core import checkpoint, comparison, comparison_figures
from rsc_core.comparison import Comparison
from rsc_core.config import run_config
from rsc_core.inference import Analyser
from tests.conftest import TINY

TUNINGS = {"tuned-full": "full", "tuned-lora": "lora", "tuned-adapter": "adapter"}


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    """A base, one model of each tuning that moved from it, a stranger of its geometry and a CNN; windows of 1 s."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    backbones = {"base": "small", **dict.fromkeys(TUNINGS, str(folder / "base")), "stranger": "small"}
    for name, backbone in backbones.items():
        config = run_config(TUNINGS.get(name, "full"), "icbhi", backbone)
        config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
        model = checkpoint.build(config)
        with torch.no_grad():
            model.hf.classifier.dense.weight.normal_(std=0.5)
            for parameter in model.parameters():
                if name in TUNINGS and parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        learned = ["SPRSound", "ICBHI 2017"] if name in TUNINGS else ["SPRSound"]
        facts = {"corpus": learned[-1], "protocol": "last", "learned_from": learned}
        checkpoint.save(folder / name, model, config, facts)
    config = run_config("cnn", "icbhi", "small", model={"hidden_size": 16, "heads": 1})
    facts = {"corpus": "SPRSound", "protocol": "last", "learned_from": ["SPRSound"]}
    checkpoint.save(folder / "cnn", checkpoint.build(config), config, facts)
    return Analyser(folder)


@pytest.fixture(scope="module")
def analysis(analyser, tmp_path_factory):
    """Four windows of 1 s: no breath is found in noise."""
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(64000), 16000)
    return analyser.analyse(path, "base")


def labelled(analysis, rows):
    """An analysis whose cycles have these probabilities of normal and crackle."""
    probabilities = np.array([[p, 1 - p, 0, 0] for p in rows], np.float32)
    return replace(analysis, cycles=analysis.cycles[: len(rows)], probabilities=probabilities)


def test_disagreements_come_first_and_the_largest_on_top(analysis):
    made = Comparison((labelled(analysis, [0.9, 0.6, 0.9, 0.6]), labelled(analysis, [0.9, 0.45, 0.1, 0.95])))
    assert made.differs.tolist() == [False, True, True, False]
    np.testing.assert_allclose(made.gaps, [0, 0.15, 0.8, 0.35], atol=1e-6)
    assert made.order(True) == [2, 1, 3, 0]  # cycle 4 differs more than cycle 2, but not in its label
    assert made.order(False) == [0, 1, 2, 3]


def test_each_model_says_what_it_says_alone(analyser, analysis):
    made = comparison.compare(analyser, analysis, ["cnn", "tuned-lora"])
    for one in made.analyses:
        expected = analyser.relabel(analysis, one.model.name).probabilities
        np.testing.assert_array_equal(one.probabilities, expected)
        assert one.recording is analysis.recording
    assert [one.model.name for one in made.analyses] == ["cnn", "tuned-lora"]


@pytest.mark.parametrize("names", [[], ["base"], ["base", "base"], ["base", "cnn", *TUNINGS]])
def test_two_to_four_models_are_compared(analyser, analysis, names):
    with pytest.raises(ValueError, match="expected 2 to 4 different models"):
        comparison.compare(analyser, analysis, names)


def test_only_what_was_tuned_from_a_model_at_hand_has_a_base(analyser):
    assert comparison.bases(analyser) == dict.fromkeys(TUNINGS, "base")


@pytest.mark.parametrize("name", TUNINGS)
def test_the_dial_runs_from_the_base_to_the_tuned_model_and_leaves_it_as_it_was(analyser, analysis, name):
    before = analyser.relabel(analysis, name).probabilities
    tuned = comparison.what_tuning_changed(analyser, analysis, 1, name)
    assert tuned.factors == (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5)
    np.testing.assert_allclose(tuned.probabilities[4], before[1], atol=1e-5)
    assert np.abs(tuned.probabilities[0] - before[1]).max() > 1e-3
    assert tuned.label == analyser.relabel(analysis, name).labels[1]
    np.testing.assert_array_equal(analyser.relabel(analysis, name).probabilities, before)


def test_the_difference_is_the_tuned_models_share_minus_the_bases(analyser, analysis):
    tuned = comparison.what_tuning_changed(analyser, analysis, 0, "tuned-full")
    own, base = (analyser.attention(analysis, 0, name)[0].values for name in ("tuned-full", "base"))
    np.testing.assert_allclose(tuned.more_than_base[0].values, own - base, atol=1e-6)
    assert np.abs(tuned.more_than_base[0].values).max() > 1e-6


def test_a_change_that_other_tunings_share_is_shown_first(analyser, analysis):
    tuned = comparison.what_tuning_changed(analyser, analysis, 0, "tuned-full")
    assert list(tuned.changes) == list(TUNINGS)
    changed = {c.projection for c in tuned.changes["tuned-lora"] if c.norm > 0}
    assert tuned.telling.projection in changed and tuned.telling in tuned.changes["tuned-full"]


def test_a_model_without_a_base_is_refused(analyser, analysis):
    with pytest.raises(ValueError, match="whose base is at hand .*, got stranger"):
        comparison.what_tuning_changed(analyser, analysis, 0, "stranger")


@pytest.mark.parametrize(("width", "scale"), [(330, 2.0), (600, 1.5)])
def test_a_click_on_a_cell_leads_to_its_block_and_projection(analyser, analysis, width, scale):
    """The outline of the chosen cell is drawn where ``Cells`` says that the cell is."""
    changes = comparison.what_tuning_changed(analyser, analysis, 0, "tuned-adapter").changes["tuned-adapter"]
    place = (1, "fc1")
    picture, cells, columns = comparison_figures.weight_changes(changes, place, width, scale)
    pixels = picture.pixels().astype(int)
    outline = np.abs(pixels - (0xD5, 0x5E, 0)).sum(axis=2) < 60
    y, x = np.nonzero(outline)
    row, column = cells.at(x.mean(), y.mean())
    assert (row, columns[column]) == place
    assert cells.at(1, 1) is None


def test_maps_of_all_models_share_one_scale(analyser, analysis):
    looks = {name: analyser.attention(analysis, 0, name)[0] for name in ("base", "tuned-full", "tuned-lora")}
    sharp = looks["base"].values.copy()
    sharp[0, 0] = 1
    looks["base"] = replace(looks["base"], values=sharp / sharp.sum())
    figure = comparison_figures.maps(analyser.log_mel(analysis, 0), looks, 1200).figure
    limits = {axes.images[-1].get_clim() for axes in figure.axes if axes.get_title(loc="left") in looks}
    assert len(limits) == 1


def test_the_difference_is_coloured_around_zero(analyser, analysis):
    tuned = comparison.what_tuning_changed(analyser, analysis, 0, "tuned-lora")
    figure = comparison_figures.difference(analyser.log_mel(analysis, 0), tuned.more_than_base, 1200).figure
    heats = [axes.images[-1] for axes in figure.axes if axes.get_title(loc="left").startswith("Difference")]
    assert len(heats) == 2
    for heat in heats:
        low, high = heat.get_clim()
        assert low == -high < 0 and heat.cmap(0.5)[3] < 0.01


@pytest.mark.parametrize("width", [330, 1200])
def test_the_bars_stand_at_the_dials_factor(width):
    probabilities = np.linspace(0, 1, 28).reshape(7, 4)
    figure = comparison_figures.dial(
        comparison.FACTORS, probabilities, ("normal", "crackle", "wheeze", "both"), 0.5, width
    ).figure
    bars = [patch.get_width() for patch in figure.axes[1].patches]
    np.testing.assert_allclose(bars, probabilities[2])
