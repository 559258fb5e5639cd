"""train.py, evaluate and predict, end to end on a tiny corpus laid out as ICBHI."""

import csv
import json
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

import train
from rsc_core import augment, board, checkpoint, data, engine, evaluate, lineage, objectives, predict, resume, test_log
from rsc_core.config import TrainConfig, run_config, to_json
from rsc_core.features import extract
from rsc_core.objectives import Batch, Task
from rsc_core.optimizer import build_optimizer, rate
from rsc_core.presets import PRESETS
from tests.conftest import TINY

FAST = ["--epochs", "2", "--batch-size", "8", "--device", "cpu", "--precision", "fp32", "--validation-share", "0.3"]


def run(preset, corpus, base, out, *more):
    if PRESETS[preset].objective == "distillation":
        more = "--teacher", str(base.parent / "teacher"), "--block", "2", *more
    command = [preset, "--corpus", "icbhi", "--data", str(corpus), "--backbone", str(base), "--out", str(out)]
    return train.main([*command, *FAST, *more])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_evaluates_and_repeats_itself(
    preset, tiny_icbhi, base, teacher, speech, guardian, tmp_path, capsys
):
    base = {"cnn": teacher, "wav2vec2": speech, "cycle_guardian": guardian}.get(PRESETS[preset].model, base)
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
    """Dropout included, whose draws come from the global generator; the time of both parts is summed."""
    more = "--epochs", "3", "--dropout", "0.3", "--test-curve"
    assert run("lora", tiny_icbhi, base, tmp_path / "whole", *more) == 0

    store = engine.store

    def stop_in_epoch_3(path, config, model, objective, optimizer, progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt
        progress.cost["wall_s"] += 1000
        store(path, config, model, objective, optimizer, progress)

    monkeypatch.setattr(engine, "store", stop_in_epoch_3)
    assert run("lora", tiny_icbhi, base, tmp_path / "cut", *more) == 130
    assert not (tmp_path / "cut" / "rsc.json").exists()
    monkeypatch.undo()
    assert run("lora", tiny_icbhi, base, tmp_path / "cut", *more, "--resume") == 0

    whole, cut = (checkpoint.load(tmp_path / name) for name in ("whole", "cut"))
    assert whole.facts["best_epoch"] == cut.facts["best_epoch"]
    assert whole.facts["selection_gap"] == cut.facts["selection_gap"]
    assert (whole.facts["cost"]["parts"], cut.facts["cost"]["parts"]) == (1, 2)
    assert whole.facts["cost"]["wall_s"] < 1000 < cut.facts["cost"]["wall_s"]
    for a, b in zip(whole.model.parameters(), cut.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")


def curve(folder):
    """log.csv without what depends on the clock."""
    rows = list(csv.DictReader((folder / "log.csv").open()))
    return [{k: v for k, v in row.items() if k not in ("clips_per_s", "seconds")} for row in rows]


def test_what_an_objective_learns_is_resumed(tiny_model, tmp_path):
    config = run_config("full", "icbhi", "small")
    objective = torch.nn.Linear(2, 2)
    optimizer = build_optimizer(tiny_model, objective, config.train)
    progress = resume.Progress("float32", resume.copy(tiny_model), epoch=4)
    resume.store(tmp_path / "state", config, tiny_model, objective, optimizer, progress)
    other = torch.nn.Linear(2, 2)
    assert resume.restore(tmp_path / "state", config, tiny_model, other, optimizer).epoch == 4
    assert torch.equal(objective.weight, other.weight)


def test_a_resumed_run_keeps_the_precision_it_began_with(tiny_icbhi, base, tmp_path, monkeypatch):
    """Which one is faster may come out otherwise the second time."""
    monkeypatch.setattr(engine, "choose_precision", lambda *_: torch.bfloat16)
    command = "linear", tiny_icbhi, base, tmp_path / "run"
    assert run(*command) == 0
    monkeypatch.setattr(engine, "choose_precision", lambda *_: torch.float32)
    assert run(*command, "--resume") == 0
    assert checkpoint.read_facts(tmp_path / "run")["precision"] == "bfloat16"


def test_a_state_from_before_an_option_was_there_can_be_resumed(tiny_model, tmp_path, monkeypatch):
    config = run_config("full", "icbhi", "small")
    objective = torch.nn.Linear(2, 2)
    optimizer = build_optimizer(tiny_model, objective, config.train)
    progress = resume.Progress("float32", resume.copy(tiny_model), epoch=4)
    older = to_json(config)
    del older["train"]["faithful"], older["audio"]["fade"]
    monkeypatch.setattr(resume, "to_json", lambda _config: older)
    resume.store(tmp_path / "state", config, tiny_model, objective, optimizer, progress)
    monkeypatch.undo()
    assert resume.restore(tmp_path / "state", config, tiny_model, objective, optimizer).epoch == 4


def test_what_patch_mix_learns_is_resumed_and_trained(tiny_icbhi, base, tmp_path, monkeypatch):
    """The projector is in the optimizer and in the stored state: stopped and resumed equals undisturbed."""
    more = "--epochs", "3", "--domain", "time"
    assert run("patch_mix_cl", tiny_icbhi, base, tmp_path / "whole", *more) == 0
    store, projectors = engine.store, []

    def stop_in_epoch_3(path, config, model, objective, optimizer, progress):
        projectors.append({n: p.detach().clone() for n, p in objective.named_parameters()})
        if progress.epoch == 3:
            raise KeyboardInterrupt
        store(path, config, model, objective, optimizer, progress)

    monkeypatch.setattr(engine, "store", stop_in_epoch_3)
    assert run("patch_mix_cl", tiny_icbhi, base, tmp_path / "cut", *more) == 130
    monkeypatch.undo()
    still = {name for name, p in projectors[1].items() if torch.equal(projectors[0][name], p)}
    assert still <= {"projector.0.bias"}  # the BatchNorm behind it takes it away again
    assert run("patch_mix_cl", tiny_icbhi, base, tmp_path / "cut", *more, "--resume") == 0
    whole, cut = (checkpoint.load(tmp_path / name).model for name in ("whole", "cut"))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), cut.parameters(), strict=True))


def test_resume_refuses_other_settings(tiny_icbhi, base, tmp_path, capsys):
    assert run("linear", tiny_icbhi, base, tmp_path / "run") == 0
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--lr", "0.1", "--resume") == 1
    assert "belongs to a run with other settings" in capsys.readouterr().err


def test_best_weights_are_those_of_the_best_epoch_not_the_last(tiny_icbhi, base, tmp_path, monkeypatch):
    """Validation prefers epoch 1; the weights returned must be what they were then."""
    scores = iter([80.0, 10.0])
    seen = []

    def judge(clips, probabilities, config):
        seen.append({n: p.clone() for n, p in watched[0].named_parameters() if p.requires_grad})
        return {"specificity": 0.0, "sensitivity": 0.0, "score": next(scores)}

    watched = []
    build = checkpoint.build
    monkeypatch.setattr(checkpoint, "build", lambda config: watched.append(build(config)) or watched[-1])
    monkeypatch.setattr(engine.scoring, "evaluate", judge)
    config = lineage.inherit(
        run_config("lora", "icbhi", str(base), {"epochs": 2, "validation_share": 0.3, "lr": 0.05})
    )
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.facts["best_epoch"] == 1
    final = dict(result.model.named_parameters())
    assert all(torch.equal(final[n], p) for n, p in seen[0].items())
    assert any(not torch.equal(final[n], p) for n, p in seen[1].items())


@pytest.mark.parametrize("protocol", ["paper", "last"])
def test_protocols(protocol, tiny_icbhi, base, tmp_path, capsys, own_test_log):
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--protocol", protocol, "--epochs", "3") == 0
    assert capsys.readouterr().out.count("PAPER PROTOCOL") == (2 if protocol == "paper" else 0)
    facts = checkpoint.read_facts(tmp_path / "run")
    assert facts["split"]["training_clips"] == 15 and facts["split"]["validation_clips"] == 0  # all of train
    assert facts["protocol"] == protocol and facts["validation"] is None
    rows = curve(tmp_path / "run")
    if protocol == "last":
        assert facts["best_epoch"] == 3 and facts["selection_gap"] is None
        assert "test_score" not in rows[0] and not own_test_log.exists()
    else:
        scores = [float(row["test_score"]) for row in rows]
        assert facts["best_epoch"] == scores.index(max(scores)) + 1
        assert facts["protocol_label"].startswith("PAPER PROTOCOL")
        assert test_log.touches(own_test_log) == {("ICBHI subset (0 %)", "test"): {"paper protocol": 3}}


def test_the_test_curve_changes_nothing_but_what_is_reported(tiny_icbhi, base, tmp_path, own_test_log):
    for name, more in (("without", []), ("with", ["--test-curve"])):
        assert run("linear", tiny_icbhi, base, tmp_path / name, "--epochs", "3", "--lr", "0.05", *more) == 0
    without, curved = (checkpoint.load(tmp_path / name) for name in ("without", "with"))
    for a, b in zip(without.model.parameters(), curved.model.parameters(), strict=True):
        assert torch.equal(a, b)
    scores = [float(row["test_score"]) for row in curve(tmp_path / "with")]
    gap = curved.facts["selection_gap"]
    assert (gap["last"], gap["best"]) == (scores[-1], max(scores))
    assert gap["chosen"] == scores[curved.facts["best_epoch"] - 1]
    assert test_log.touches(own_test_log) == {("ICBHI subset (0 %)", "test"): {"test curve": 3}}


@pytest.mark.parametrize(("passed", "chosen"), [(0, 1), (1, 2), (5, 3)])
def test_the_first_epochs_may_be_passed_over(passed, chosen, tiny_icbhi, base, tmp_path, monkeypatch):
    falling = iter([90.0, 80.0, 70.0])
    monkeypatch.setattr(
        engine.scoring,
        "evaluate",
        lambda *_: dict.fromkeys(("specificity", "sensitivity", "score"), next(falling)),
    )
    options = {"epochs": 3, "choose_after": passed, "validation_share": 0.3, "precision": "fp32"}
    config = lineage.inherit(run_config("linear", "icbhi", str(base), options))
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.facts["best_epoch"] == chosen


def test_selection_gap_by_hand():
    history = [{"epoch": e, "test_score": s} for e, s in [(1, 50.0), (2, 61.5), (3, 55.25)]]
    found = {"measure": "score", "chosen": 55.25, "last": 55.25, "best": 61.5, "gap": 6.25}
    assert engine.selection_gap(history, 3) == found
    assert engine.selection_gap(history, 2)["gap"] == 0


def test_a_fresh_model_measures_its_features(tiny_icbhi, tmp_path):
    config = run_config("full", "icbhi", "small", {"epochs": 1, "validation_share": 0.3})
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.config.features.mean != config.features.mean
    assert 1 < result.config.features.std < 10


def test_without_augmentation_the_features_are_the_clips_own():
    clips = torch.randn(3, 16000, generator=torch.Generator().manual_seed(0))
    config = run_config("linear", "icbhi", "small", {"augment": ()})
    plain = extract(clips, config.audio, config.features)
    assert torch.equal(augment.features_of(clips, config, torch.Generator().manual_seed(0)), plain)
    config = run_config("full", "icbhi", "small")
    assert not torch.allclose(augment.features_of(clips, config, torch.Generator().manual_seed(0)), plain)


@pytest.mark.parametrize(("clip", "moved"), [("0", True), ("1e-9", False)])
def test_clip_gradient_0_does_not_clip(clip, moved, tiny_icbhi, base, tmp_path):
    """With eps 1 a step is in proportion to the gradient, so that a clipped one moves nothing."""
    more = "--clip-gradient", clip, "--eps", "1", "--lr", "1", "--weight-decay", "0"
    assert run("linear", tiny_icbhi, base, tmp_path / "run", *more) == 0
    start, end = (checkpoint.load(f).model.hf.classifier.dense.weight for f in (base, tmp_path / "run"))
    assert (not torch.allclose(start, end, atol=1e-4)) == moved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": [0.9, 1.0]}, "betas must be 2 numbers, each at least 0 and below 1, got 0.9, 1.0"),
        ({"eps": 0.0}, "eps must be positive"),
        ({"clip_gradient": -1.0}, "clip_gradient must be 0 or more, got -1.0"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        run_config("linear", "icbhi", "small", options)


def test_every_step_is_taken_at_the_schedules_rate(tiny_icbhi, base, tmp_path, monkeypatch):
    taken, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self: taken.append([g["lr"] for g in self.param_groups]) or step(self)
    )
    more = "--lr", "0.01", "--warmup", "0.5"
    assert run("linear", tiny_icbhi, base, tmp_path / "run", *more) == 0
    assert len(taken) == 4  # two epochs of two batches
    assert taken == [[0.01 * rate(i, 4, TrainConfig(warmup=0.5))] * 2 for i in range(4)]
    assert [float(row["lr"]) for row in curve(tmp_path / "run")] == [taken[1][0], taken[3][0]]


def test_tensorboard_holds_every_step_and_epoch(tiny_icbhi, base, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--test-curve", "--tensorboard") == 0
    events = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    tags = set(events.Tags()["scalars"])
    assert {f"train/{name}" for name in ("loss", "cross_entropy", "lr", "gradient_norm")} <= tags
    assert {f"epoch/{name}" for name in board.CURVES} <= tags
    rows = curve(tmp_path / "run")
    losses = [e.value for e in events.Scalars("train/loss")]
    steps = len(losses) // 2
    assert [e.step for e in events.Scalars("train/loss")] == list(range(2 * steps))
    assert np.mean(losses[steps:]) == pytest.approx(float(rows[1]["loss"]), abs=1e-4)
    assert [e.value for e in events.Scalars("epoch/score")] == pytest.approx([float(r["score"]) for r in rows])


def test_tensorboard_missing_is_answered(tiny_icbhi, base, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert run("linear", tiny_icbhi, base, tmp_path / "run", "--tensorboard") == 1
    assert "pip install tensorboard" in capsys.readouterr().err


def test_predict_scores_the_good_files_and_names_the_bad(tiny_icbhi, base, tmp_path, capsys):
    assert run("lora", tiny_icbhi, base, tmp_path / "run") == 0
    capsys.readouterr()
    good = tiny_icbhi / "ICBHI_final_database" / "101_1b1_Al_sc_Meditron.wav"
    bad = tmp_path / "bad.wav"
    bad.write_text("not audio")
    command = [str(bad), str(good), "--checkpoints", str(tmp_path), "--model", "run"]
    assert predict.main(command) == 1
    printed = capsys.readouterr()
    refused, *rows = csv.DictReader(printed.out.splitlines())
    assert refused["file"] == str(bad) and refused["error"].startswith("This is not an audio file")
    assert not refused["cycle"] and not refused["class"]
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


@pytest.mark.parametrize(("slow", "chosen"), [(False, torch.bfloat16), (True, torch.float32)])
def test_bf16_is_taken_where_the_probe_finds_it_faster(slow, chosen, tiny_model):
    """A model that dawdles in one of the two precisions."""

    def dawdle(features):
        if torch.is_autocast_enabled("cpu") == slow:
            time.sleep(0.05)
        return features

    tiny_model.forward = dawdle
    assert engine.choose_precision("auto", tiny_model, torch.device("cpu")) == chosen
    assert engine.choose_precision("fp32", tiny_model, torch.device("cpu")) == torch.float32
    assert engine.choose_precision("bf16", tiny_model, torch.device("cpu")) == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.parametrize("preset", PRESETS)
def test_one_step_on_cuda_equals_one_on_cpu(preset, base, teacher, speech, guardian):
    base = {"cnn": teacher, "wav2vec2": speech, "cycle_guardian": guardian}.get(PRESETS[preset].model, base)
    config = lineage.inherit(run_config(preset, "icbhi", str(base)))
    options = {"teacher": str(teacher), "block": 2} if config.objective == "distillation" else {}
    clips = 0.1 * torch.randn(4, 16000, generator=torch.Generator().manual_seed(0))
    targets = torch.eye(4)
    moved = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)  # what a tuning adds starts at random
        model = checkpoint.build(config)
        before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        model.to(device).train()
        objective = objectives.build(config.objective, options, Task(config.model.classes), model).to(device)
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        batch = Batch(extract(clips.to(device), config.audio, config.features), targets.to(device))
        objective.loss(model, batch, torch.Generator()).total.backward()
        optimizer.step()
        after = {n: p.detach().cpu() for n, p in model.named_parameters()}
        moved[device] = {n: after[n] - start for n, start in before.items()}
    assert any(step.abs().max() > 0 for step in moved["cpu"].values())
    for name, step in moved["cpu"].items():
        torch.testing.assert_close(moved["cuda"][name], step, rtol=1e-2, atol=1e-2 * step.abs().max().item() + 1e-7)


def test_the_selection_gap_leaves_out_epochs_that_could_not_be_chosen():
    history = [{"epoch": epoch, "test_score": score} for epoch, score in enumerate((60.0, 40.0, 50.0), start=1)]
    assert engine.selection_gap(history, 2)["gap"] == 20.0
    assert engine.selection_gap(history, 2, after=1)["gap"] == 10.0
    assert engine.selection_gap(history, 2, after=3)["gap"] == 20.0
