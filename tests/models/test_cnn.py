"""The residual network: shapes, size, and that nothing of it is lost on the way to a file and back."""

from dataclasses import replace

import pytest
import torch

import train
from rsc_core import checkpoint, models, tuning
from rsc_core.config import ModelConfig, run_config
from rsc_core.models import cnn

SMALL = ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return models.build(SMALL)


def test_the_preset_has_as_many_parameters_as_its_layers_add_up_to():
    """3x3 convolutions without bias, two norms a block, 1x1 where a stage begins."""
    model = checkpoint.build(run_config("cnn", "icbhi", "small"))
    widths = (24, 48, 96, 192)
    stem = 9 * 24 + 2 * 24 + 9 * 24 * 24
    count, before = stem, 24
    for width in widths:
        for channels in (before, width):
            count += 2 * channels + 9 * channels * width + 2 * width + 9 * width * width
            count += channels * width if channels != width else 0
        before = width
    count += 2 * 192 + 384 * 4 + 4
    assert sum(p.numel() for p in model.parameters()) == tuning.count_trainable(model) == count == 1_578_940


@pytest.mark.parametrize("frames", [16, 98, 131, 498])
def test_any_length_goes_through_the_four_steps(small, frames):
    features = torch.randn(3, frames, 128)
    layout = small.layout(frames)
    tokens = small.eval().embed(features)
    assert tokens.shape == (3, layout.patches, 2)
    logits = small.head(small.pool(small.encode(tokens, layout)))
    torch.testing.assert_close(logits, small(features))
    assert logits.shape == (3, 4) and small.embedding(features).shape == (3, small.width)


def test_tokens_fold_back_onto_the_spectrogram():
    """A patch far from a change of the input does not feel it."""
    torch.manual_seed(0)
    model = models.build(replace(SMALL, hidden_size=128)).eval()
    features = torch.zeros(1, 98, 128)
    changed = features.clone()
    changed[:, 80:, 100:] = torch.randn(18, 28)
    with torch.no_grad():
        difference = (model.embed(changed) - model.embed(features)).abs().sum(dim=2)
    felt = model.layout(98).fold(difference)[0] > 0  # patches of 4 frames and 4 bins: the change begins at (25, 20)
    assert felt[26:, 21:].all() and not felt[:24].any() and not felt[:, :19].any()


def test_all_of_it_is_stored_statistics_included(small, tmp_path):
    small(torch.randn(8, 98, 128))  # moves the running statistics
    small.eval()
    models.save(tmp_path, small, SMALL, torch.float32)
    loaded = models.load(str(tmp_path), SMALL).eval()
    features = torch.randn(2, 98, 128)
    torch.testing.assert_close(loaded(features), small(features), rtol=0, atol=0)
    models.save(tmp_path, small, SMALL, torch.float16)
    torch.testing.assert_close(
        models.load(str(tmp_path), SMALL).eval()(features), small(features), rtol=1e-2, atol=1e-2
    )
    with pytest.raises(ValueError, match="does not hold a CNN of this geometry"):
        models.load(str(tmp_path), replace(SMALL, hidden_size=32))


def test_width_must_divide():
    with pytest.raises(ValueError, match="divisible by 16, got 40"):
        cnn.CNN(ModelConfig(name="cnn", hidden_size=40, heads=1))


def test_a_run_is_trained_stored_and_tuned_further(tiny_icbhi, tmp_path):
    """The head alone learns on a frozen network: its statistics must not move, or the base would not be the base."""
    common = ["--corpus", "icbhi", "--data", str(tiny_icbhi), "--device", "cpu", "--batch-size", "4"]
    common += ["--epochs", "1", "--validation-share", "0.3"]
    fresh = ["cnn", *common, "--out", str(tmp_path / "base"), "--backbone", "small", "--window-s", "1"]
    assert train.main(fresh) == 0
    base = checkpoint.load(tmp_path / "base")
    assert base.model.stages[0].norm1.num_batches_tracked > 0
    assert train.main(["linear", *common, "--out", str(tmp_path / "head"), "--backbone", str(tmp_path / "base")]) == 0
    tuned = checkpoint.load(tmp_path / "head")
    assert tuning.count_trainable(tuned.model) == 384 * 4 + 4
    features = torch.randn(2, 98, 128)
    torch.testing.assert_close(tuned.model.embedding(features), base.model.embedding(features), rtol=0, atol=0)
    assert not torch.equal(tuned.model(features), base.model(features))


@pytest.mark.parametrize("name", tuning.GOES_ONTO["cnn"])
def test_its_tunings_train_all_or_the_head(name):
    model = cnn.build(ModelConfig(name="cnn", hidden_size=16, heads=1))
    tuning.apply(model, name, tuning.configure(name))
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    every = {n for n, _ in model.named_parameters()}
    assert learning == (every if name == "full" else {"classifier.weight", "classifier.bias"})
