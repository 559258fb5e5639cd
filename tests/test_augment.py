import pytest
import torch

from rsc_core import augment


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


WAVEFORM_STEPS = [augment.gain, augment.band_limit, augment.roll, augment.noise, augment.equalise]


@pytest.mark.parametrize("step", WAVEFORM_STEPS)
def test_same_seed_same_clips_and_the_input_stays(step):
    clips = torch.randn(4, 8000, generator=generator(1))
    before = clips.clone()
    first = step(clips, generator())
    assert torch.equal(first, step(clips, generator()))
    assert not torch.equal(first, step(clips, generator(5)))
    assert torch.equal(clips, before)
    assert first.shape == clips.shape


def test_gain_scales_and_differs_between_clips():
    clips = torch.ones(1000, 4)
    db = 20 * augment.gain(clips, generator(), spread_db=6.0)[:, 0].log10()
    assert abs(db.std().item() - 6) < 0.5


def test_band_limit_removes_what_is_above_and_keeps_what_is_below():
    clips = torch.randn(200, 16000, generator=generator(1))
    before, after = (torch.fft.rfft(x).abs().square() for x in (clips, augment.band_limit(clips, generator())))
    hz = torch.fft.rfftfreq(16000, 1 / 16000)
    kept = (after[:, hz < 1700] / before[:, hz < 1700].clamp_min(1e-9)).mean(dim=1)
    torch.testing.assert_close(kept, torch.ones(200), atol=1e-3, rtol=0)
    ceilings = {limit: (after[:, hz > limit * 1.001].sum(1) < 1e-3).sum().item() for limit in (2000.0, 4000.0)}
    assert 8 <= ceilings[2000.0] <= 36
    assert 20 <= ceilings[4000.0] - ceilings[2000.0] <= 64
    assert (after[:, hz > 4100].sum(1) > 1).sum() >= 110  # the rest is left alone


def test_equalise_draws_a_response_for_every_octave_and_keeps_the_level():
    clips = torch.randn(300, 16000, generator=generator(1))
    filtered = augment.equalise(clips, generator(), spread_db=6.0)
    torch.testing.assert_close(filtered.square().mean(1), clips.square().mean(1), rtol=1e-4, atol=0)
    before, after = (torch.fft.rfft(x).abs() for x in (clips, filtered))
    db = 20 * (after[:, 1:] / before[:, 1:].clamp_min(1e-9)).log10()  # from 1 Hz
    hz = torch.arange(1.0, 8001)
    below, at, above = (db[:, hz == f].squeeze(1) for f in (500, 707, 1000))
    torch.testing.assert_close(at, (below + above) / 2, atol=0.05, rtol=0)  # half an octave on: straight between
    difference = above - below  # of two independent draws; the kept level cancels
    assert abs(difference.std().item() - 6 * 2**0.5) < 1
    torch.testing.assert_close(db[:, 0], db[:, 61], atol=0.01, rtol=0)  # nothing changes below the first octave


def test_noise_lies_10_to_40_db_below_half_of_the_clips():
    clips = 0.3 * torch.sin(torch.arange(8000.0)).expand(400, -1)
    added = augment.noise(clips, generator()) - clips
    db = 20 * (clips.square().mean(1) / added.square().mean(1).clamp_min(1e-30)).sqrt().log10()
    noisy = added.abs().amax(1) > 0
    assert 160 < noisy.sum() < 240
    assert 9.5 < db[noisy].min() < 12 and 38 < db[noisy].max() < 40.5
    assert abs(db[noisy].mean().item() - 25) < 2


def test_roll_rotates():
    clips = torch.arange(100.0).repeat(5, 1)
    rolled = augment.roll(clips, generator())
    assert torch.equal(rolled.sort(dim=1).values, clips)
    assert set(((rolled[:, 1:] - rolled[:, :-1]) % 100).flatten().tolist()) == {1.0}


def test_spec_augment_hides_stripes_only():
    features = torch.randn(50, 100, 128, generator=generator(1))
    masked = augment.spec_augment(features, generator(), frequency=24, time_share=0.15, masks=1)
    hidden = masked != features
    for clip in hidden:
        rows, columns = clip.all(dim=1), clip.all(dim=0)
        assert rows.sum() <= 15 and columns.sum() <= 24
        assert torch.equal(clip, rows.unsqueeze(1) | columns.unsqueeze(0))
    assert 0.02 < hidden.float().mean() < 0.25
    fill = masked[hidden].mean().item()
    assert abs(fill) < 0.1


def test_mixup_blends_features_and_targets_alike():
    features = torch.randn(64, 10, 4, generator=generator(1))
    targets = torch.eye(64)
    mixed, blended = augment.mixup(features, targets, 0.4, generator())
    torch.testing.assert_close(blended.sum(1), torch.ones(64))
    torch.testing.assert_close(mixed, torch.einsum("bc,cft->bft", blended, features))
    assert (blended.diag() >= 0.5 - 1e-6).all()  # a clip stays the larger part of itself
    assert augment.mixup(features, targets, 0.0, generator()) == (features, targets)
