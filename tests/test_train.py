"""train.py, evaluate and predict, end to end on a tiny corpus laid out as ICBHI."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import train
from rsc_core import checkpoint, data, engine, evaluate, predict
from rsc_core.config import PRESETS, run_config
from tests.conftest import TINY

FAST = ["--epochs", "2", "--batch-size", "8", "--device", "cpu", "--precision", "fp32", "--validation-share", "0.3"]


@pytest.fixture
def base(tmp_path):
    """A tiny full model to tune from, for windows of 1 s."""
    torch.manual_seed(0)
    config = run_config("full", "icbhi", "small")
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "base", checkpoint.build(config), config, facts)


def run(preset, corpus, base, out, *more):
    command = [preset, "--corpus", "icbhi", "--data", str(corpus), "--backbone", str(base), "--out", str(out)]
    return train.main([*command, *FAST, *more])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_evaluates_and_repeats_itself(preset, tiny_icbhi, base, tmp_path, capsys):
    outs = tmp_path / "one", tmp_path / "two"
    for out in outs:
        assert run(preset, tiny_icbhi, base, out) == 0
    first, second = (checkpoint.load(out) for out in outs)
    for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert first.facts["learned_from"] == ["SPRSound", "ICBHI subset (0 %)"]
    assert first.config.audio.window_s == 1.0  # taken over from the base
    assert len((outs[0] / "log.csv").read_text().splitlines()) == 3
    capsys.readouterr()

    log = tmp_path / "log.csv"
    command = [str(outs[0]), "--corpus", "icbhi", "--data", str(tiny_icbhi), "--test-log", str(log)]
    assert evaluate.main(command) == 0
    assert evaluate.main([*command, "--split", "validation"]) == 0
    printed = capsys.readouterr().out
    result = json.loads((outs[0] / "metrics.json").read_text())["icbhi test"]
    assert f"Score {result['score']:.2f}" in printed
    assert result["cycles"] == 9 and result["patients"] == 3
    assert len(log.read_text().splitlines()) == 2  # the header and the one look at test
    rows = list(csv.DictReader((outs[0] / "predictions_icbhi_test.csv").open()))
    hits = sum(r["label"] == r["prediction"] == "normal" for r in rows) / sum(r["label"] == "normal" for r in rows)
    assert 100 * hits == pytest.approx(result["specificity"])


def test_interrupted_and_resumed_equals_undisturbed(tiny_icbhi, base, tmp_path, monkeypatch):
    assert run("lora", tiny_icbhi, base, tmp_path / "whole", "--epochs", "3") == 0

    log = engine._log

    def stop_in_epoch_3(path, row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt
        log(path, row)

    monkeypatch.setattr(engine, "_log", stop_in_epoch_3)
    assert run("lora", tiny_icbhi, base, tmp_path / "cut", "--epochs", "3") == 130
    assert not (tmp_path / "cut" / "rsc.json").exists()
    monkeypatch.undo()
    assert run("lora", tiny_icbhi, base, tmp_path / "cut", "--epochs", "3", "--resume") == 0

    whole, cut = (checkpoint.load(tmp_path / name) for name in ("whole", "cut"))
    assert whole.facts["best_epoch"] == cut.facts["best_epoch"]
    for a, b in zip(whole.model.parameters(), cut.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resume_refuses_other_settings(tiny_icbhi, base, tmp_path, capsys):
    assert run("linear", tiny_icbhi, base, tmp_path / "run") == 0
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--lr", "0.1", "--resume") == 1
    assert "belongs to a run with other settings" in capsys.readouterr().err


def test_best_weights_are_those_of_the_best_epoch_not_the_last(tiny_icbhi, base, tmp_path, monkeypatch):
    """Validation prefers epoch 1; the weights returned must be what they were then."""
    scores = iter([80.0, 10.0])
    seen = []

    def judge(labels, predictions, classes):
        seen.append({n: p.clone() for n, p in watched[0].named_parameters() if p.requires_grad})
        return {"specificity": 0.0, "sensitivity": 0.0, "score": next(scores)}

    watched = []
    build = checkpoint.build
    monkeypatch.setattr(checkpoint, "build", lambda config: watched.append(build(config)) or watched[-1])
    monkeypatch.setattr(engine.metrics, "evaluate", judge)
    config = engine.inherit(run_config("lora", "icbhi", str(base), {"epochs": 2, "validation_share": 0.3, "lr": 0.05}))
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.best_epoch == 1
    final = dict(result.model.named_parameters())
    assert all(torch.equal(final[n], p) for n, p in seen[0].items())
    assert any(not torch.equal(final[n], p) for n, p in seen[1].items())


@pytest.mark.parametrize(("protocol", "sentence"), [("paper", "chosen on the TEST split"), ("last", "")])
def test_protocols(protocol, sentence, tiny_icbhi, base, tmp_path, capsys):
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--protocol", protocol) == 0
    assert sentence in capsys.readouterr().out
    facts = checkpoint.read_facts(tmp_path / "run")
    assert facts["split"]["training_clips"] == 15  # all of train
    assert facts["protocol"] == protocol


def test_a_fresh_model_measures_its_features(tiny_icbhi, tmp_path):
    config = run_config("full", "icbhi", "small", {"epochs": 1, "validation_share": 0.3})
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.config.features.mean != config.features.mean
    assert 1 < result.config.features.std < 10


def test_every_learning_parameter_is_optimised(tiny_model):
    optimizer = engine._optimizer(tiny_model, torch.nn.Linear(2, 2), run_config("full", "icbhi", "small").train)
    covered = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert {id(p) for p in tiny_model.parameters()} <= covered
    assert len(covered) == len(list(tiny_model.parameters())) + 2


def test_rate_rises_then_falls_to_zero():
    rates = [engine.rate(step, 100, 0.1) for step in range(101)]
    assert rates[9] == rates[10] == 1
    assert np.all(np.diff(rates[:10]) > 0) and np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_mistakes_on_the_command_line_are_answered(tiny_icbhi, base, tmp_path, capsys):
    assert train.main(["loar"]) == 2
    assert "presets: full, linear, lora" in capsys.readouterr().err
    assert run("lora", tmp_path, base, tmp_path / "run") == 1
    assert "ICBHI_final_database is not there" in capsys.readouterr().err
    assert run("lora", tiny_icbhi, base, tmp_path / "run", "--rank", "0") == 1
    assert "rank must be 1 or more, got 0" in capsys.readouterr().err
    assert run("lora", tiny_icbhi, tmp_path / "no", tmp_path / "run") == 1
    assert "is neither a checkpoint folder nor a model" in capsys.readouterr().err
    assert train.main(["--list"]) == 0
    assert "spectrogram_transformer + lora + cross_entropy + log_mel" in capsys.readouterr().out


def test_help_lists_the_presets_own_options(capsys):
    with pytest.raises(SystemExit):
        train.main(["adapter_houlsby", "--help"])
    printed = capsys.readouterr().out
    assert "--bottleneck" in printed and "default houlsby" in printed and "--rank" not in printed


def test_options_from_a_file_and_the_command_line(tiny_icbhi, base, tmp_path):
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"train": {"lr": 0.01, "extent_s": [0.5, 0.9]}, "tuning_options": {"rank": 2}}))
    assert run("lora", tiny_icbhi, base, tmp_path / "run", "--config", str(options), "--lr", "0.02") == 0
    config = checkpoint.load(tmp_path / "run").config
    assert (config.train.lr, config.train.extent_s, config.tuning_options["rank"]) == (0.02, (0.5, 0.9), 2)


def test_a_window_given_replaces_the_backbones(tiny_icbhi, base, tmp_path):
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--window-s", "0.5") == 0
    assert checkpoint.load(tmp_path / "run").config.audio.window_s == 0.5


def test_predict_scores_the_good_files_and_names_the_bad(tiny_icbhi, base, tmp_path, capsys):
    assert run("lora", tiny_icbhi, base, tmp_path / "run") == 0
    capsys.readouterr()
    good = tiny_icbhi / "ICBHI_final_database" / "101_1b1_Al_sc_Meditron.wav"
    bad = tmp_path / "bad.wav"
    bad.write_text("not audio")
    command = [str(bad), str(good), "--checkpoints", str(tmp_path), "--model", "run"]
    assert predict.main(command) == 1
    printed = capsys.readouterr()
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert [(r["start_s"], r["end_s"], r["model"]) for r in rows] == [
        ("0.0", "2.0", "run"),
        ("2.0", "4.0", "run"),
        ("4.0", "6.0", "run"),
    ]
    classes = ("normal", "crackle", "wheeze", "both")
    for r in rows:
        assert sum(float(r[c]) for c in classes) == pytest.approx(1, abs=1e-4)
        assert r["class"] == max(classes, key=lambda c: float(r[c]))
    assert printed.err.startswith(f"{bad}: This is not an audio file")
    assert predict.main([str(good), *command[2:], "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["file"] == str(good)


@pytest.mark.gpu
@pytest.mark.parametrize("preset", PRESETS)
def test_one_step_on_cuda_equals_one_on_cpu(preset, base):
    config = engine.inherit(run_config(preset, "icbhi", str(base)))
    features = torch.randn(4, 98, 128, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3])
    after = {}
    for device in ("cpu", "cuda"):
        model = checkpoint.build(config).to(device).train()
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        torch.nn.functional.cross_entropy(model(features.to(device)), labels.to(device)).backward()
        optimizer.step()
        after[device] = {n: p.detach().cpu() for n, p in model.named_parameters()}
    for name, value in after["cpu"].items():
        torch.testing.assert_close(after["cuda"][name], value, atol=1e-3, rtol=1e-3)
