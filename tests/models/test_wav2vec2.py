"""wav2vec 2.0: equal to transformers' own, complete on the way to a file and back, trained like any other model."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

import train
from rsc_core import augment, checkpoint, data, engine, evaluate, models
from rsc_core.config import CLASSES, FeatureConfig, ModelConfig, run_config
from rsc_core.explain import score
from rsc_core.inference import Analyser
from rsc_core.spec_augment import spec_augment

TINY = ModelConfig("wav2vec2", hidden_size=32, layers=2, heads=2, intermediate_size=64, frames=100)
CLIPS = torch.randn(2, 16000, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return models.build(TINY).eval()


def test_the_four_steps_equal_transformers_own_network(tiny):
    with torch.no_grad():
        tokens = tiny.embed(CLIPS)
        assert tokens.shape == (2, tiny.layout(16000).patches, 32) == (2, 49, 32)
        encoded = tiny.encode(tokens)
        torch.testing.assert_close(encoded, tiny.backbone(CLIPS).last_hidden_state, atol=1e-5, rtol=0)
        assert torch.equal(tiny(CLIPS), tiny.head(encoded.mean(dim=1)))
    assert tiny(CLIPS).shape == (2, 4) and tiny.input_shape == (16000,)


@pytest.mark.parametrize("samples", [400, 719, 720, 16000, 79999])
def test_any_length_has_the_tokens_its_layout_says(tiny, samples):
    with torch.no_grad():
        assert tiny.embed(torch.zeros(1, samples)).shape[1] == tiny.layout(samples).patches
    with pytest.raises(ValueError, match="at least 400 samples"):
        tiny.layout(399)


def test_a_frozen_network_builds_no_graph(tiny):
    tiny.train().requires_grad_(False)
    assert not tiny.embed(CLIPS).requires_grad


def test_nothing_is_lost_on_the_way_to_a_file(tiny, tmp_path):
    models.save(tmp_path, tiny, TINY, torch.float32)
    torch.manual_seed(99)
    again = models.load(str(tmp_path), TINY).eval()
    again.classify_into(CLASSES)
    with torch.no_grad():
        torch.testing.assert_close(again(CLIPS), tiny(CLIPS), atol=1e-6, rtol=0)
    models.save(tmp_path, tiny, TINY, torch.float16)
    assert {p.dtype for p in models.load(str(tmp_path), TINY).parameters()} == {torch.float32}


def test_an_incomplete_file_is_refused(tiny, tmp_path):
    models.save(tmp_path, tiny, TINY, torch.float32)
    state = load_file(tmp_path / "model.safetensors")
    for gone in ("classifier.dense.bias", "wav2vec2.encoder.layers.1.feed_forward.output_dense.weight"):
        left = {name: tensor for name, tensor in state.items() if name != gone}
        save_file(left, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ValueError, match=f"it lacks {gone}"):
            models.load(str(tmp_path), TINY)


@pytest.mark.parametrize("stable", [False, True])
def test_pretrained_weights_get_a_fresh_head(tmp_path, stable):
    """A folder as the hub's: with a quantiser, a mask token and no head."""
    config = Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=[16] * 7,
        codevector_dim=32,
        proj_codevector_dim=32,
        num_codevectors_per_group=8,
        do_stable_layer_norm=stable,
    )
    pretrained = Wav2Vec2ForPreTraining(config).eval()
    pretrained.save_pretrained(tmp_path)
    if stable:
        with pytest.raises(ValueError, match="use one of the base kind"):
            models.load(str(tmp_path), TINY)
        return
    model = models.load(str(tmp_path), TINY).eval()
    model.classify_into(CLASSES)
    with torch.no_grad():
        expected = pretrained.wav2vec2(CLIPS).last_hidden_state
        torch.testing.assert_close(model.encode(model.embed(CLIPS)), expected, atol=1e-5, rtol=0)
    assert model(CLIPS).shape == (2, 4)
    # None that no forward pass reaches, such as the mask token.
    model(CLIPS).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_it_is_tuned_and_evaluated_and_not_shown(tiny, tiny_icbhi, tmp_path, capsys):
    shelf = tmp_path / "shelf"
    config = run_config("full", "icbhi", "small")
    audio = replace(config.audio, window_s=1.0)
    config = replace(config, model=TINY, audio=audio, features=FeatureConfig("waveform"))
    facts = {"corpus": "LibriSpeech", "protocol": "last", "learned_from": ["LibriSpeech"]}
    base = checkpoint.save(shelf / "base", tiny, config, facts)
    where = ["--corpus", "icbhi", "--data", str(tiny_icbhi)]
    fast = ["--epochs", "1", "--device", "cpu", "--precision", "fp32", "--validation-share", "0.3", "--mixup", "0.3"]
    command = [*where, "--backbone", str(base), "--out", str(shelf / "tuned"), *fast]
    assert train.main(["ipet_wav2vec2", *command]) == 0
    tuned = checkpoint.load(shelf / "tuned")
    assert tuned.config.model.name == "wav2vec2" and tuned.config.features.name == "waveform"
    assert evaluate.main([str(shelf / "tuned"), *where, "--test-log", str(tmp_path / "log.csv")]) == 0
    assert json.loads((shelf / "tuned" / "metrics.json").read_text())["icbhi test"]["cycles"] == 9
    assert not Analyser(shelf).cards
    with pytest.raises(ValueError, match="expected a model that reads log-mel, got one that reads waveform"):
        score.score(shelf / "tuned", None)
    capsys.readouterr()
    assert train.main(["ipet", *command]) == 1  # its augmentation masks spectrograms
    assert "leave it out of augment" in capsys.readouterr().err


def test_a_fresh_one_learns_in_full_without_log_mel_statistics(tiny_icbhi, tmp_path):
    train_options = {"epochs": 1, "device": "cpu", "precision": "fp32", "validation_share": 0.3}
    config = run_config("ipet_wav2vec2", "icbhi", "small", train_options)
    config = replace(config, model=TINY, tuning="full", tuning_options={})
    run = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert run.config.features == FeatureConfig("waveform")
    again = checkpoint.load(engine.save(tmp_path / "run", run)).model
    with torch.no_grad():
        torch.testing.assert_close(again(CLIPS), run.model(CLIPS), atol=1e-6, rtol=0)


def test_waveforms_are_mixed_like_spectrograms():
    targets = torch.eye(2)
    mixed, blend = augment.mixup(CLIPS, targets, 1.0, torch.Generator().manual_seed(4))
    torch.testing.assert_close(mixed, blend @ CLIPS)
    with pytest.raises(ValueError, match="leave it out of augment"):
        spec_augment(CLIPS, torch.Generator())
    with pytest.raises(ValueError, match="name must be one of log_mel, waveform"):
        FeatureConfig("mfcc")
