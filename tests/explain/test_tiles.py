import numpy as np
import pytest
import torch

from rsc_core import models
from rsc_core.config import ModelConfig
from rsc_core.explain import tiles
from rsc_core.features.log_mel import center_frequencies_hz

CNN = models.build(ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98))


def test_grids(tiny_model):
    assert tiles.grid(tiny_model, 98) == (8, 6) and tiles.size(tiny_model) == (16, 16)
    assert tiles.grid(CNN, 98) == (8, 6) and tiles.size(CNN) == (16, 16)


def test_one_stride_for_both_axes(tiny_model):
    tiny_model.hf.config.time_stride = 10
    with pytest.raises(ValueError, match="expected one patch stride for both axes, got 10 frames and 16 mel bins"):
        tiles.size(tiny_model)


def test_pooling_sums_each_tile_and_means_are_means():
    """One clip of 5 frames x 4 bins, tiles of 2: the fifth frame lies behind the last tile."""
    values = torch.arange(20.0).view(1, 5, 4)
    expected = torch.tensor([[[0 + 1 + 4 + 5, 8 + 9 + 12 + 13], [2 + 3 + 6 + 7, 10 + 11 + 14 + 15]]]).float()
    torch.testing.assert_close(tiles.pool_tiles(values, (2, 2), 2, 2), expected)
    torch.testing.assert_close(tiles.mean_tiles(values, (2, 2), 2, 2), expected / 4)


def test_points_under_several_tiles_are_shared():
    """Tiles of 2 frames every frame, one mel row: the middle point belongs to both."""
    values = torch.tensor([[[1.0, 1], [4, 4], [16, 16]]])
    torch.testing.assert_close(tiles.pool_tiles(values, (1, 2), 2, 1), torch.tensor([[[2.0 + 4, 4 + 32]]]))


@pytest.mark.parametrize(("patch", "stride"), [(4, 4), (4, 3), (4, 2)])
def test_sums_survive_pooling_and_spreading(patch, stride):
    grid = (3, 5)
    frames, bins = (4 * stride + patch, 2 * stride + patch)
    values = torch.randn(2, frames, bins, generator=torch.Generator().manual_seed(0))
    pooled = tiles.pool_tiles(values, grid, patch, stride)
    torch.testing.assert_close(pooled.sum(dim=(1, 2)), values.sum(dim=(1, 2)), atol=1e-4, rtol=0)
    back = tiles.spread(pooled, frames + 2, bins + 1, patch, stride)
    assert back.shape == (2, frames + 2, bins + 1) and not back[:, frames:].any() and not back[:, :, bins:].any()
    torch.testing.assert_close(back.sum(dim=(1, 2)), values.sum(dim=(1, 2)), atol=1e-4, rtol=0)
    ones = torch.ones(1, frames, bins)
    even = tiles.spread(tiles.pool_tiles(ones, grid, patch, stride), frames, bins, patch, stride)
    torch.testing.assert_close(even, ones)


def test_spreading_is_the_way_back_where_tiles_do_not_overlap():
    patch_map = torch.arange(6.0).view(1, 2, 3)
    back = tiles.spread(patch_map, 12, 8, 4, 4)
    assert back[0, 5, 6] == patch_map[0, 1, 1] / 16
    torch.testing.assert_close(tiles.pool_tiles(back, (2, 3), 4, 4), patch_map)


def test_copies_get_the_mean_of_their_moment():
    """A clip of 2.5 frames: frames 0, 3 and 5 begin copies; 0, 5 and 3 (half a frame later) show the first moment."""
    values = torch.tensor([1.0, 10, 100, 3, 20, 5, 30]).view(1, 7, 1)
    folded = tiles.fold_copies(values, 2.5)
    torch.testing.assert_close(folded.flatten(), torch.tensor([3.0, 20, 100, 3, 20, 3, 20]))
    assert tiles.fold_copies(values, None) is values
    with pytest.raises(ValueError, match="expected a period of 1 frame or more"):
        tiles.fold_copies(values, 0.5)


def test_folded_maps_keep_their_sum_and_repeat(tiny_model):
    patch_map = torch.rand(2, 8, 6, generator=torch.Generator().manual_seed(0))
    folded = tiles.fold_map(tiny_model, patch_map, 98, 32.0)
    torch.testing.assert_close(folded.sum(dim=(1, 2)), patch_map.sum(dim=(1, 2)))
    torch.testing.assert_close(folded[..., 0::2], patch_map[..., 0::2].mean(dim=2, keepdim=True).expand(2, 8, 3))
    assert tiles.fold_map(tiny_model, patch_map, 98, 98.0) is patch_map


def test_places_of_tiles():
    """AST-base: a patch of 16 every 10."""
    grid = (12, 48)
    seconds, hz = tiles.centres_s(grid, 16, 10), tiles.centres_hz(grid, 16, 10)
    assert seconds[0] == pytest.approx(0.08) and np.diff(seconds) == pytest.approx(0.1)
    bins = center_frequencies_hz()
    assert hz[0] == pytest.approx((bins[7] + bins[8]) / 2) and hz[11] == pytest.approx((bins[117] + bins[118]) / 2)


def test_a_click_finds_the_tile_it_falls_on():
    grid = (8, 31)
    seconds, hz = tiles.centres_s(grid, 16, 16), tiles.centres_hz(grid, 16, 16)
    for freq, time in ((0, 0), (3, 7), (7, 30)):
        assert tiles.tile_at(grid, 16, 16, seconds[time], hz[freq]) == freq * 31 + time
    assert tiles.tile_at(grid, 16, 16, 0.159, 0.0) == 0 and tiles.tile_at(grid, 16, 16, 0.161, 9000.0) == 7 * 31 + 1
