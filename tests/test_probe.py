"""A linear probe on kept embeddings equals one whose backbone runs at every step."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, data, engine, lineage, objectives, probe, resume
from rsc_core.config import run_config
from rsc_core.data.loader import Waveforms, training_windows
from rsc_core.features import extract
from rsc_core.objectives import Batch, Task

CPU = torch.device("cpu")
OPTIONS = {"epochs": 4, "batch_size": 4, "validation_share": 0.3, "precision": "fp32", "device": "cpu", "lr": 0.05}


@pytest.fixture
def corpus(tiny_icbhi):
    return data.load("icbhi", tiny_icbhi)


@pytest.fixture
def config(base):
    return lineage.inherit(run_config("linear", "icbhi", str(base), {**OPTIONS, "test_curve": True}))


def log(folder):
    rows = list(csv.DictReader((folder / "log.csv").open()))
    return [{k: float(v) for k, v in row.items() if k not in ("clips_per_s", "seconds")} for row in rows]


def test_logits_and_loss_equal_those_of_the_whole_network(config, corpus):
    clips = corpus.clips[:7]
    waveforms = Waveforms(clips, config.audio, progress=False)
    model = checkpoint.build(config).eval()
    kept = probe.Embeddings(model, config, clips, clips, waveforms, CPU, progress=False)
    cut = training_windows(clips, waveforms, 1.0, config.train.extent_s, np.random.default_rng(config.train.seed))
    features = extract(cut, config.audio, config.features)
    torch.testing.assert_close(probe.Head(model)(kept.rows), model(features), atol=1e-6, rtol=0)
    objective = objectives.build("cross_entropy", {}, Task(config.model.classes), model)
    whole, head = (
        objective.loss(network, Batch(inputs, kept.targets), torch.Generator()).total
        for network, inputs in ((model, features), (probe.Head(model), kept.rows))
    )
    torch.testing.assert_close(head, whole, atol=1e-6, rtol=0)
    windows = kept.evaluation_batches(clips[2:])
    answers = engine.mean_over_windows(probe.Head(model), config, windows, 5, CPU)
    np.testing.assert_allclose(answers, engine.predict(model, config, clips[2:], waveforms, CPU), atol=1e-6)


def test_a_run_ends_as_one_that_keeps_nothing(config, corpus, tmp_path, monkeypatch):
    """With windows as long as the recordings there is but one extent to draw."""
    config = replace(config, audio=replace(config.audio, window_s=6.0), train=replace(config.train, extent_s=(6, 6)))
    kept = engine.fit(config, corpus, tmp_path / "kept", progress=False)
    monkeypatch.setattr(probe, "applies", lambda config: False)
    whole = engine.fit(config, corpus, tmp_path / "whole", progress=False)
    for a, b in zip(kept.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    for a, b in zip(log(tmp_path / "kept"), log(tmp_path / "whole"), strict=True):
        assert a == pytest.approx(b, abs=2e-4)


def test_the_backbone_runs_once_for_each_clip_however_many_epochs(config, corpus, tmp_path, monkeypatch):
    seen, build = [], checkpoint.build

    def watched(config):
        model = build(config)
        model.backbone.layernorm.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
        return model

    monkeypatch.setattr(checkpoint, "build", watched)
    counts = []
    for epochs in (1, 4):
        seen.clear()
        run = replace(config, train=replace(config.train, epochs=epochs))
        engine.fit(run, corpus, tmp_path / str(epochs), progress=False)
        counts.append(sum(seen))
    assert counts[0] == counts[1] > 0


def test_stopped_and_resumed_equals_undisturbed(config, corpus, tmp_path, monkeypatch):
    whole = engine.fit(config, corpus, tmp_path / "whole", progress=False)
    store = resume.store

    def stop_after_2(path, config, model, objective, optimizer, progress):
        store(path, config, model, objective, optimizer, progress)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(engine, "store", stop_after_2)
    with pytest.raises(KeyboardInterrupt):
        engine.fit(config, corpus, tmp_path / "cut", progress=False)
    monkeypatch.undo()
    cut = engine.fit(config, corpus, tmp_path / "cut", resume=True, progress=False)
    assert log(tmp_path / "cut") == log(tmp_path / "whole")
    for a, b in zip(cut.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("preset", "options", "kept"),
    [
        ("linear", {}, True),
        ("linear", {"augment": ("roll",)}, False),
        ("linear", {"mixup": 0.2}, False),
        ("linear", {"synthetic": 0.2}, False),
        ("linear", {"events": 0.2}, False),
        ("lora", {"augment": ()}, False),
        ("full", {"augment": ()}, False),
    ],
)
def test_only_what_never_changes_is_kept(preset, options, kept):
    assert probe.applies(run_config(preset, "icbhi", "small", options)) == kept
