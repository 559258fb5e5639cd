"""Models that decide by what they hear, for explanations."""

import pytest
import torch

from rsc_core import models, tuning
from rsc_core.config import ModelConfig
from rsc_core.models import spectrogram_transformer
from tests.conftest import TINY

CNN = ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98)


def decided(kind):
    """A toy network of one tuning, or the CNN, with weights large enough that inputs, heads and classes differ."""
    torch.manual_seed(0)
    model = models.build(CNN) if kind == "cnn" else spectrogram_transformer.build(TINY)
    if kind != "cnn":
        options = {"placement": "houlsby"} if kind == "adapter" else {}
        tuning.apply(model, kind, tuning.configure(kind, options))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("q_proj", "k_proj", "lora_B", "adapter.up", "classifier")):
                parameter.normal_(std=0.4)
    return model.eval()


@pytest.fixture(params=["full", "linear", "lora", "adapter"])
def transformer(request):
    """An AST under every tuning."""
    return decided(request.param)


@pytest.fixture(params=["full", "lora", "cnn"])
def network(request):
    """With and without attention."""
    return decided(request.param)


@pytest.fixture
def clips():
    """Two windows of 98 frames."""
    return torch.randn(2, 98, 128, generator=torch.Generator().manual_seed(1))
