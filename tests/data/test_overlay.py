from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import data, engine, synth
from rsc_core.config import CLASSES, AudioConfig, run_config
from rsc_core.data import overlay, synthetic
from rsc_core.lineage import inherit
from rsc_core.synth import Event

RATE = 16000


def config(**train):
    return run_config("full", "icbhi", "small", train={"extent_s": (0.8, 2.5), **train})


def batch(labels, seconds=5):
    """Noise with these labels."""
    noise = 0.1 * torch.randn(len(labels), seconds * RATE, generator=torch.Generator().manual_seed(0))
    return noise, torch.eye(4)[[CLASSES.index(label) for label in labels]]


def laid_over(config, labels, seed=0):
    given = batch(labels)
    (found,) = overlay.overlaid([given], config, seed)
    return given, found


def test_without_either_option_a_batch_stays_as_it_is():
    (waveforms, targets), (same_waveforms, same_targets) = laid_over(config(), CLASSES)
    assert torch.equal(waveforms, same_waveforms) and torch.equal(targets, same_targets)


def test_sounds_are_laid_over_normal_clips_alone_and_give_them_their_label():
    labels = ["normal"] * 6 + list(CLASSES[1:])
    (waveforms, targets), (changed, relabelled) = laid_over(config(events=1.0), labels)
    assert targets[:6, 0].all(), "what was given stays"
    assert not torch.equal(waveforms[:6], changed[:6]) and torch.equal(waveforms[6:], changed[6:])
    assert torch.equal(targets[6:], relabelled[6:])
    assert not relabelled[:6, 0].any() and (relabelled.sum(dim=1) == 1).all()
    assert len(set(relabelled[:6].argmax(dim=1).tolist())) > 1


def test_a_share_of_the_clips_is_changed_and_the_same_for_the_same_seed():
    labels = ["normal"] * 60
    (waveforms, _), (some, _) = laid_over(config(events=0.3), labels)
    changed = (waveforms != some).any(dim=1).float().mean()
    assert 0.15 < changed < 0.45
    _, (again, _) = laid_over(config(events=0.3), labels)
    _, (other, _) = laid_over(config(events=0.3), labels, seed=1)
    assert torch.equal(some, again) and not torch.equal(some, other)


def test_silence_gets_no_sounds():
    silent = torch.zeros(2, 5 * RATE), batch(["normal", "normal"])[1]
    ((waveforms, targets),) = overlay.overlaid([silent], config(events=1.0), 0)
    assert not waveforms.any() and targets[:, 0].all()


def test_sounds_are_louder_by_the_decibels_asked_for():
    clip = batch(["normal"])[0][0].numpy()
    plain, louder = (
        overlay.events("wheeze", clip, config(events_db=db), np.random.default_rng(3))[0] for db in (0.0, 6.0)
    )
    assert np.sqrt(np.mean(louder**2) / np.mean(plain**2)) == pytest.approx(10 ** (6 / 20), rel=1e-4)
    twice, _ = overlay.events("wheeze", 2 * clip, config(), np.random.default_rng(3))
    np.testing.assert_allclose(twice, 2 * plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("label", CLASSES)
def test_breaths_take_a_clips_place_with_its_class(label):
    found = [overlay.breath(label, config(), np.random.default_rng(seed)) for seed in range(8)]
    assert all(samples.shape == (5 * RATE,) and np.isfinite(samples).all() for samples, _ in found)
    labels = {held for _, held in found}
    assert label in labels and labels <= {"both", "crackle", "wheeze"} if label == "both" else labels == {label}


def test_breaths_replace_clips_of_every_class():
    (waveforms, _), (replaced, targets) = laid_over(config(synthetic=1.0), CLASSES * 4)
    assert (waveforms != replaced).any(dim=1).all() and (targets.sum(dim=1) == 1).all()
    assert (targets.argmax(dim=1)[::4] == 0).all() and (targets.argmax(dim=1)[1::4] == 1).all()


def test_at_another_rate_and_window():
    run = replace(config(synthetic=0.5, events=1.0), audio=AudioConfig(sample_rate=22000, window_s=2.5))
    given = torch.randn(8, 55000), torch.eye(4)[torch.arange(8) % 2]
    ((waveforms, _),) = overlay.overlaid([given], run, 0)
    assert waveforms.shape == (8, 55000) and (waveforms != given[0]).any(dim=1).sum() >= 4


def test_a_stretch_holds_the_sounds_that_can_be_heard_in_it():
    crackle, wheeze = Event("fine crackle", 1.0, 1.01, 0.0), Event("wheeze", 1.5, 2.5, 0.0)
    sounds = [crackle, wheeze]
    assert overlay.held(sounds, 0.0, 3.0) == "both"
    assert overlay.held(sounds, 0.0, 1.5) == "crackle"
    assert overlay.held(sounds, 1.005, 2.0) == "wheeze", "half a crackle is none"
    assert overlay.held(sounds, 0.0, 1.55) == "crackle", "50 ms of a wheeze are none"
    assert overlay.held(sounds, 2.4, 3.0) == "wheeze"
    assert overlay.held(sounds, 0.0, 0.9) == "normal"


def test_a_recording_is_its_dry_layers_recorded():
    drawn = synthetic.draw("both", np.random.default_rng(5))
    recorded = synth.record(synthetic.dry("both", np.random.default_rng(5)))
    np.testing.assert_array_equal(drawn.waveform, recorded.waveform)
    assert drawn.events == recorded.events


@pytest.mark.parametrize(
    ("train", "audio", "sentence"),
    [
        ({"events": 0.5}, {"padding": "zero"}, "go with padding repeat, got zero"),
        ({"synthetic": 0.5, "logit_adjustment": True}, {}, "change how frequent classes are"),
        ({"events": 0.5, "class_weight": 0.5}, {}, "change how frequent classes are"),
    ],
)
def test_what_does_not_go_with_synthesised_sound_is_refused(train, audio, sentence):
    run = config(**train)
    with pytest.raises(ValueError, match=sentence):
        overlay.refuse_misfits(replace(run, audio=replace(run.audio, **audio)), CLASSES)


def test_a_run_learns_from_synthesised_sound_and_goes_on_where_it_was_stopped(tiny_icbhi, base, tmp_path):
    corpus, train = data.load("icbhi", tiny_icbhi), {"batch_size": 4, "device": "cpu", "precision": "fp32"}

    def fit(name, **options):
        wanted = run_config("full", "icbhi", str(base), train={**train, "epochs": 2, **options})
        return engine.fit(inherit(wanted), corpus, tmp_path / name, resume=True, progress=False).model.state_dict()

    mixed = {"synthetic": 0.5, "events": 0.5}
    whole, plain = fit("whole", **mixed), fit("plain")
    assert any(not torch.equal(whole[key], plain[key]) for key in whole)
    again = fit("again", **mixed)
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_other_classes_are_refused_before_training(tiny_icbhi, base, tmp_path):
    wanted = inherit(run_config("full", "icbhi", str(base), train={"synthetic": 0.5}, data={"labels": "binary"}))
    with pytest.raises(ValueError, match="options synthetic and events know the classes normal, crackle"):
        engine.fit(wanted, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
