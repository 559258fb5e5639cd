import numpy as np
import torch
from transformers import Wav2Vec2FeatureExtractor

from rsc_core.config import AudioConfig, FeatureConfig
from rsc_core.features import extract


def test_equals_transformers_own_normalisation():
    clips = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[0.01], [1.0], [9.0]]) + 2
    clips[2] = 0.5  # no variance at all
    expected = Wav2Vec2FeatureExtractor()(list(clips.numpy()), sampling_rate=16000)["input_values"]
    found = extract(clips, AudioConfig(), FeatureConfig("waveform"))
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-4)
    assert found.dtype == torch.float32 and (found[2] == 0).all()
