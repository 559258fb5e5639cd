"""Fixtures every test may use."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when transformers is imported: no test asks a hub

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rsc_core import checkpoint, test_log
from rsc_core.config import FeatureConfig, ModelConfig, run_config
from rsc_core.inference import Analyser
from rsc_core.models import spectrogram_transformer

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores

TINY = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=64, frames=98)


SECRET = "Jane Doe 1970"
"""Stands in the path of every sound file of ``folder``: no message may repeat it."""


@pytest.fixture
def folder(tmp_path):
    """A folder with a name that must stay secret."""
    path = tmp_path / SECRET
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def own_test_log(monkeypatch, tmp_path_factory):
    """No test writes to the committed log."""
    path = tmp_path_factory.getbasetemp() / "test_log.csv"
    path.unlink(missing_ok=True)
    monkeypatch.setattr(test_log, "PATH", path)
    return path


@pytest.fixture
def tiny_model():
    """A random two-block AST of width 32 for 98 frames: 8 x 6 patches."""
    torch.manual_seed(0)
    return spectrogram_transformer.build(TINY).eval()


@pytest.fixture
def base(tmp_path):
    """A run folder of a tiny full model to tune from, for windows of 1 s."""
    torch.manual_seed(0)
    config = run_config("full", "icbhi", "small")
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "base", checkpoint.build(config), config, facts)


@pytest.fixture
def teacher(tmp_path):
    """A run folder of a tiny convolutional network, beside ``base``."""
    torch.manual_seed(1)
    config = run_config("cnn", "icbhi", "small", model={"hidden_size": 32, "heads": 2})
    config = replace(config, audio=replace(config.audio, window_s=1.0))
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "teacher", checkpoint.build(config), config, facts)


@pytest.fixture
def speech(tmp_path):
    """A run folder of a tiny wav2vec 2.0, beside ``base``."""
    torch.manual_seed(2)
    config = run_config("full", "icbhi", "small")
    model = ModelConfig("wav2vec2", hidden_size=32, layers=2, heads=2, intermediate_size=64, frames=100)
    audio = replace(config.audio, window_s=1.0)
    config = replace(config, model=model, audio=audio, features=FeatureConfig("waveform"))
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "speech", checkpoint.build(config), config, facts)


@pytest.fixture
def guardian(tmp_path):
    """A run folder of a CycleGuardian of five windows of narrow vectors, beside ``base``."""
    torch.manual_seed(3)
    config = run_config("cycle_guardian", "icbhi", "small", model={"hidden_size": 12, "frames": 86})
    config = replace(config, audio=replace(config.audio, window_s=1.0))
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "guardian", checkpoint.build(config), config, facts)


@pytest.fixture(scope="session")
def real_data():
    """The folder with the real corpora."""
    if not os.environ.get("RSC_DATA"):
        pytest.skip("RSC_DATA is not set: name the folder that holds icbhi_subset, icbhi_annotations and sprsound")
    return Path(os.environ["RSC_DATA"])


@pytest.fixture
def tiny_icbhi(tmp_path):
    """A folder laid out as ICBHI: 8 patients, one 6 s recording and three cycles each, train and test."""
    root = tmp_path / "icbhi"
    audio = root / "ICBHI_final_database"
    audio.mkdir(parents=True)
    rng = np.random.default_rng(0)
    split = []
    for i in range(8):
        name = f"{101 + i}_1b1_Al_sc_Meditron"
        soundfile.write(audio / f"{name}.wav", 0.05 * rng.standard_normal(24000), 4000)
        flags = [(i // 2 & 1, i & 1), (0, 0), (1 - (i & 1), i // 2 & 1)]
        lines = [f"{2 * k}.0\t{2 * k + 2}.0\t{c}\t{w}" for k, (c, w) in enumerate(flags)]
        (audio / f"{name}.txt").write_text("\n".join(lines) + "\n")
        split.append(f"{name}\t{'train' if i < 5 else 'test'}")
    (root / "ICBHI_challenge_train_test.txt").write_text("\n".join(split) + "\n")
    return root


def transformer_and_cnn(folder):
    """An Analyser of both, with windows of 1 s, whose answers depend on what they hear; written into a folder."""
    torch.manual_seed(0)
    for name, preset, model in [
        ("base", "full", TINY),
        ("cnn", "cnn", replace(TINY, name="cnn", hidden_size=16, heads=1)),
    ]:
        config = run_config(preset, "icbhi", "small")
        config = replace(config, model=model, audio=replace(config.audio, window_s=1.0))
        built = checkpoint.build(config)
        with torch.no_grad():
            for parameter_name, parameter in built.named_parameters():
                if "classifier" in parameter_name or "q_proj" in parameter_name:
                    parameter.normal_(std=0.5)
        facts = {"corpus": "SPRSound", "protocol": "last", "learned_from": ["SPRSound"]}
        checkpoint.save(folder / name, built, config, facts)
    return Analyser(folder)
