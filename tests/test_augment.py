import pytest
import torch

from rsc_core import augment
from rsc_core.config import AUGMENTATIONS, run_config
from rsc_core.data.labels import LABEL_SETS
from rsc_core.features import extract
from rsc_core.features.log_mel import center_frequencies_hz
from rsc_core.spec_augment import POLICIES


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


WAVEFORM_STEPS = list(augment.OF_WAVEFORMS.values())


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


def test_a_share_of_the_clips_is_rolled():
    clips = torch.arange(50.0).expand(2000, -1)
    rolled = augment.roll(clips, generator(), share=0.5)
    moved = (rolled != clips).any(dim=1).float().mean()
    assert moved == pytest.approx(0.5 * 49 / 50, abs=0.04)  # one shift in 50 is by nothing
    config = run_config("cycle_guardian", "icbhi", "small", {"augment": ("roll",), "roll_share": 0.0})
    sound = torch.randn(2, config.audio.window_samples, generator=generator())
    still = extract(sound, config.audio, config.features)
    assert torch.equal(augment.features_of(sound, config, generator()), still)


def tone(hz, clips=40, samples=16000):
    return torch.sin(2 * torch.pi * hz * torch.arange(samples) / 16000).repeat(clips, 1)


def heights(clips):
    """The strongest frequency of each clip, in Hz."""
    return torch.fft.rfft(clips).abs().argmax(dim=1) * 16000 / clips.shape[1]


def test_speed_multiplies_frequencies_by_one_of_its_factors():
    found = heights(augment.speed(tone(1000), generator()))
    near = (found.unsqueeze(1) / 1000 - torch.tensor([1.0, *augment.SPEEDS])).abs()
    assert near.amin(dim=1).max() < 0.002
    assert near.argmin(dim=1).unique().numel() == 5


def test_a_faster_clip_begins_anew_and_a_slower_one_is_cut():
    ramp = torch.linspace(0, 1, 16000).repeat(60, 1)
    played = augment.speed(ramp, generator())
    ends = played[:, 15000]
    for factor in (1.0, *augment.SPEEDS):
        expected = factor * 15000 / 16000
        assert ((ends - expected % 1.0).abs() < 0.01).any(), factor


def test_pitch_shifts_by_semitones_and_keeps_time():
    clips = tone(1000)
    clips[:, 8000:] = 0  # a sound of half a second
    shifted = augment.pitch(clips, generator())
    found = 12 * (heights(shifted) / 1000).log2()
    near = (found.unsqueeze(1) - torch.tensor([0, *augment.SEMITONES])).abs()
    assert near.amin(dim=1).max() < 0.1  # semitones
    assert near.argmin(dim=1).unique().numel() == 5
    assert (shifted[:, 9000:].square().mean(1) < 0.01 * shifted[:, :7000].square().mean(1)).all()


def test_vtlp_moves_a_peak_by_its_draw_and_keeps_both_ends():
    """A ridge at f lands at factor x f below the knee; the factors are drawn evenly between 0.9 and 1.1."""
    hz = torch.from_numpy(center_frequencies_hz()).float()
    ridge = torch.exp(-((torch.arange(128.0) - 60) ** 2) / 18).expand(200, 5, 128).contiguous()
    before = ridge.clone()
    warped = augment.vtlp(ridge, generator())
    assert torch.equal(ridge, before)
    factor = hz[warped[:, 0].argmax(dim=1)] / hz[60]
    assert 0.87 < factor.min() < 0.92 and 1.08 < factor.max() < 1.13
    assert abs(factor.mean().item() - 1) < 0.02
    edges = torch.zeros(200, 5, 128)
    edges[..., -1] = 1
    assert (augment.vtlp(edges, generator()).argmax(dim=2) == 127).all()
    with pytest.raises(ValueError, match="vtlp warps log-mel spectrograms"):
        augment.vtlp(torch.randn(2, 16000), generator())


def test_a_run_applies_what_it_chose_in_order(monkeypatch):
    called = []
    for name in augment.OF_WAVEFORMS:
        monkeypatch.setitem(
            augment.OF_WAVEFORMS,
            name,
            lambda x, g, name=name, **given: (called.append((name, given) if given else name), x)[1],
        )
    monkeypatch.setattr(augment, "vtlp", lambda x, g, rate: (called.append("vtlp"), x)[1])
    monkeypatch.setattr(augment, "spec_augment", lambda x, g, p, f: (called.append((p, f)), x)[1])
    options = {"augment": AUGMENTATIONS[::-1], "spec_policy": "LD", "faithful": True}
    augment.features_of(torch.randn(2, 16000), run_config("patch_mix_ce", "icbhi", "small", options), generator())
    given = {**dict.fromkeys(augment.AT_A_RATE, {"sample_rate": 16000}), "roll": {"share": 1.0}}
    wanted = [(name, given[name]) if name in given else name for name in AUGMENTATIONS[:-1]]
    assert called == [*wanted, (POLICIES["LD"], True)]
    called.clear()
    augment.features_of(torch.randn(1, 176000), run_config("cycle_guardian", "icbhi", "small", options), generator())
    assert called[-1] == (POLICIES["LD"], False)  # sparing clips is a slip of Patch-Mix's code alone


def test_half_of_the_clips_are_changed_in_one_way():
    clips = torch.randn(1000, 400, generator=generator(1))
    changed = augment.one_of(clips, generator(), sample_rate=22000)
    share = (changed != clips).any(dim=1).float().mean()
    assert 0.45 < share < 0.55
    factor = changed[:, 0] / clips[:, 0]
    louder = (changed - factor.unsqueeze(1) * clips).abs().amax(dim=1) < 1e-5
    assert (louder & (factor != 1)).any() and ((factor[louder] >= 0.5) & (factor[louder] <= 2)).all()


@pytest.mark.parametrize("moving", augment.MOVES_SOUNDS)
def test_what_moves_sounds_is_refused_where_that_tells_classes_apart(moving):
    for classes in (LABEL_SETS["seven"], ("normal", "fine crackle", "coarse crackle"), ("wheeze", "rhonchus")):
        with pytest.raises(ValueError, match=f"{moving} would turn a sound of one class into another's"):
            augment.refuse_lost_labels((moving, "gain"), classes)
        augment.refuse_lost_labels(("gain", "roll"), classes)
    for name in ("four", "binary", "diagnosis3", "diagnosis2"):
        augment.refuse_lost_labels((moving,), LABEL_SETS[name])


def test_mixup_blends_features_and_targets_alike():
    features = torch.randn(64, 10, 4, generator=generator(1))
    targets = torch.eye(64)
    mixed, blended = augment.mixup(features, targets, 0.4, generator())
    torch.testing.assert_close(blended.sum(1), torch.ones(64))
    torch.testing.assert_close(mixed, torch.einsum("bc,cft->bft", blended, features))
    assert (blended.diag() >= 0.5 - 1e-6).all()  # a clip stays the larger part of itself
    assert augment.mixup(features, targets, 0.0, generator()) == (features, targets)
