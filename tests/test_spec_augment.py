from dataclasses import replace

import pytest
import torch

from rsc_core.config import SPEC_POLICIES
from rsc_core.spec_augment import POLICIES, Policy, spec_augment, time_warp


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def hidden_by(policy, batch=60, frames=798, **more):
    """What a policy without warping replaced, by clip."""
    features = torch.randn(batch, frames, 128, generator=generator(1))
    return spec_augment(features, generator(), replace(policy, warp=0, clips=1.0), **more) != features


def test_every_policy_can_be_chosen():
    assert tuple(POLICIES) == SPEC_POLICIES


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_hides_as_many_stripes_as_wide_as_it_says(name):
    policy = POLICIES[name]
    hidden = hidden_by(policy)
    rows, columns = hidden.all(dim=2), hidden.all(dim=1)
    assert torch.equal(hidden, rows.unsqueeze(2) | columns.unsqueeze(1))
    widest = min(policy.time, int(798 * policy.time_share))
    for lines, count, most in (
        (rows, policy.time_masks, widest),
        (columns, policy.frequency_masks, policy.frequency),
    ):
        per_clip = lines.sum(dim=1)
        assert per_clip.max() <= count * most
        assert per_clip.float().mean() == pytest.approx(count * most / 2, rel=0.25)  # overlaps take a little
        runs = (lines[:, 1:] & ~lines[:, :-1]).sum(dim=1) + lines[:, 0]
        assert runs.max() <= count


def test_the_published_code_leaves_a_sixth_of_the_clips_alone():
    """Phi(1) = 0.8413; mended, next to every clip is changed: both widths of two masks may be drawn as zero."""
    policy = Policy(48, 2, 160, 2)
    for faithful, share in ((True, 0.8413), (False, 1.0)):
        changed = hidden_by(policy, batch=3000, frames=20, faithful=faithful).flatten(1).any(dim=1)
        assert changed.float().mean().item() == pytest.approx(share, abs=0.02)


def test_stripes_are_filled_with_the_clips_mean_and_the_input_stays():
    features = torch.randn(8, 100, 128, generator=generator(1)) + torch.arange(8.0).view(8, 1, 1)
    before = features.clone()
    masked = spec_augment(features, generator(), POLICIES["patch_mix"])
    assert torch.equal(features, before)
    for clip, own in zip(masked, features, strict=True):
        torch.testing.assert_close(clip[clip != own], own.mean().expand((clip != own).sum()))


def test_warping_moves_one_moment_and_keeps_ends_and_order():
    ramp = torch.arange(200.0).view(1, 200, 1).expand(64, 200, 3).contiguous()
    warped = time_warp(ramp, generator(), 40)
    assert torch.equal(warped[..., 0], warped[..., 2])
    steps = warped[:, 1:, 0] - warped[:, :-1, 0]
    assert (steps >= 0).all()
    torch.testing.assert_close(warped[:, [0, -1]], ramp[:, [0, -1]])
    moved = (warped - ramp)[..., 0].abs().amax(dim=1)
    assert 35 < moved.max() <= 40 and moved.min() < 5
    bends = (steps[:, 1:] - steps[:, :-1]).abs() > 1e-3
    assert bends.sum(dim=1).max() == 2  # two slopes and the step in which they meet
    assert torch.equal(time_warp(ramp[:, :3], generator(), 40), ramp[:, :3])  # too short to be warped


def test_each_map_of_half_of_the_clips_is_masked_by_itself():
    maps = torch.randn(200, 3, 84, 688, generator=generator(1))
    hidden = spec_augment(maps, generator(), POLICIES["cycle_guardian"]) != maps
    rows, columns = hidden.all(dim=3), hidden.all(dim=2)
    assert torch.equal(hidden, rows.unsqueeze(3) | columns.unsqueeze(2))
    assert rows.sum(dim=2).max() <= 2 * 9 and columns.sum(dim=2).max() <= 10 * 4
    changed = hidden.flatten(1).any(dim=1)
    assert 0.4 < changed.float().mean() < 0.6
    assert not torch.equal(columns[changed][:, 0], columns[changed][:, 1])


def test_waveforms_are_refused():
    with pytest.raises(ValueError, match="leave it out of augment"):
        spec_augment(torch.randn(2, 16000), generator())
