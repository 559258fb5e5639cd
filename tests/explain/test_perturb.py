import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rsc_core import cycles, models
from rsc_core.config import ModelConfig
from rsc_core.explain import perturb
from rsc_core.models import spectrogram_transformer

CNN = ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98)


def test_parts_are_the_tiles_and_the_rest_belongs_to_the_last(tiny_model):
    divided = perturb.parts(tiny_model, 98, 128)
    assert divided.grid == divided.shape == (8, 6) and divided.count == 48
    frame, bin_ = np.mgrid[:98, :128]
    expected = bin_ // 16 * 6 + np.minimum(frame // 16, 5)
    np.testing.assert_array_equal(divided.part, expected)
    np.testing.assert_array_equal(divided.tile, expected)


def test_where_patches_overlap_a_point_belongs_to_the_nearest_middle():
    config = ModelConfig(hidden_size=32, layers=1, heads=2, intermediate_size=64, frames=98, stride=10)
    model = spectrogram_transformer.build(config)
    divided = perturb.parts(model, 98, 128)
    middles = [10 * np.arange(n) + 7.5 for n in divided.grid]
    row, column = np.divmod(divided.tile.numpy(), divided.grid[1])
    for axis, index, size in ((0, row[0], 128), (1, column[:, 0], 98)):
        distance = np.abs(np.arange(size)[:, None] - middles[axis])
        chosen = distance[np.arange(size), index]
        np.testing.assert_array_equal(chosen, distance.min(axis=1))


def test_a_model_without_patches_gets_tiles_of_16():
    assert perturb.parts(models.build(CNN), 98, 128).grid == (8, 6)


def test_copies_of_a_moment_are_one_part(tiny_model):
    """40 frames, two and a half times: two moments, whose parts hold the same frames of every copy."""
    divided = perturb.parts(tiny_model, 98, 128, period=40)
    assert divided.grid == (8, 6) and divided.shape == (8, 2)
    moment = (np.arange(98) % 40 >= 16).astype(int)
    np.testing.assert_array_equal(divided.part, np.arange(128) // 16 * 2 + moment[:, None])


def test_a_period_in_fractions_does_not_drift(tiny_model):
    """Against where cycles.fill puts twelve copies: frame f shows the clip's frame f mod 40.125."""
    samples = 6500
    divided = perturb.parts(tiny_model, 498, 128, cycles.period_samples(samples) / 160)
    shown = cycles.fill(np.arange(samples, dtype=np.float32), 80000)[np.arange(498) * 160] / 160
    inside = (shown % 16 > 0.01) & (np.arange(498) * 160 % 6420 >= 80)  # a seam shows two moments
    np.testing.assert_array_equal(divided.part[inside, 0], np.minimum(shown[inside] // 16, 1))


def test_a_part_reads_the_mean_of_its_points(tiny_model):
    divided = perturb.parts(tiny_model, 98, 128, period=40)
    patch_map = torch.rand(2, 8, 6)
    points = patch_map.repeat_interleave(16, 1).repeat_interleave(16, 2)
    points = torch.cat([points, points[..., -1:].expand(-1, -1, 2)], dim=2)
    late = np.arange(98) % 40 >= 16
    expected = torch.stack([points[:, 32:48, ~late].mean((1, 2)), points[:, 32:48, late].mean((1, 2))], dim=1)
    torch.testing.assert_close(divided.read(patch_map)[:, 4:6], expected)
    with pytest.raises(ValueError, match=r"expected a patch map of \(8, 6\) tiles, got \(6, 8\)"):
        divided.read(torch.rand(1, 6, 8))


def test_only_chosen_parts_are_replaced(tiny_model):
    divided = perturb.parts(tiny_model, 98, 128)
    features, filled = torch.zeros(2, 98, 128), torch.ones(2, 98, 128)
    chosen = torch.zeros(2, 48, dtype=bool)
    chosen[1, 6 * 3 + 2] = True  # fourth row, third column
    expected = torch.zeros(2, 98, 128)
    expected[1, 32:48, 48:64] = 1
    assert torch.equal(divided.replace(features, filled, chosen), expected)


def test_blur_is_a_gaussian_over_what_there_is():
    values = torch.randn(2, 60, 128)
    weight = gaussian_filter(np.ones((60, 128)), 5, mode="constant", truncate=3)
    for got, own in zip(perturb.blur(values, 5), values.double().numpy(), strict=True):
        expected = gaussian_filter(own, 5, mode="constant", truncate=3) / weight
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_the_local_mean_keeps_the_course_and_loses_what_is_small():
    slope = torch.linspace(-1, 1, 498)[None, :, None].expand(1, 498, 128)
    click = slope.clone()
    click[:, 200:204] += 3
    filled = perturb.filling(click, "local_mean")
    assert (filled - slope)[:, 60:-60].abs().max() < 0.35
    torch.testing.assert_close(perturb.filling(slope, "local_mean")[:, 60:-60], slope[:, 60:-60], atol=1e-4, rtol=0)


def test_matched_noise_has_each_bins_mean_and_deviation_and_its_own_seed():
    features = torch.randn(1, 4000, 8) * torch.arange(1, 9) + torch.arange(8)
    filled = perturb.filling(features, "matched_noise", seed=3)
    torch.testing.assert_close(filled.mean(1), features.mean(1), atol=0.5, rtol=0)
    torch.testing.assert_close(filled.std(1), features.std(1), atol=0, rtol=0.05)
    assert np.abs(np.corrcoef(filled[0].T, features[0].T)[:8, 8:]).max() < 0.1, "no shape is left"
    assert torch.equal(filled, perturb.filling(features, "matched_noise", seed=3))
    assert not torch.equal(filled, perturb.filling(features, "matched_noise", seed=4))


def test_noise_is_the_same_in_all_copies():
    filled = perturb.filling(torch.randn(2, 98, 128), "matched_noise", period=30)
    assert torch.equal(filled[:, :30], filled[:, 30:60]) and not torch.equal(filled[:, :30], filled[:, 1:31])


def test_what_does_not_exist_is_refused(tiny_model):
    with pytest.raises(ValueError, match="no replacement 'zero'; choose one of local_mean, matched_noise"):
        perturb.filling(torch.zeros(1, 98, 128), "zero")
    with pytest.raises(ValueError, match="period of 1 frame or more"):
        perturb.parts(tiny_model, 98, 128, period=0)
    assert set(perturb.FILL_TITLES) == set(perturb.FILLS)
