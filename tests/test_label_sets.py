"""Whole runs under every label set: trained, stored, evaluated."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional as F

import train
from rsc_core import checkpoint, compare, data, engine, evaluate, objectives, scoring, verification
from rsc_core.config import ModelConfig, run_config
from rsc_core.data import sprsound
from rsc_core.data.corpus import Clip
from rsc_core.data.loader import class_weights
from rsc_core.inference import Analyser
from rsc_core.objectives import Batch, Task


def run(root, base, out, corpus="icbhi", *options, preset="linear"):
    folder = ["--corpus", corpus, "--data", str(root), "--out", str(out), "--backbone", str(base)]
    quick = ["--epochs", "1", "--batch-size", "4", "--validation-share", "0.3", "--device", "cpu"]
    return train.main([preset, *folder, *quick, *options])


@pytest.fixture
def ward(tmp_path):
    """Twelve files of two tones that may sound together, as a table."""
    rng = np.random.default_rng(0)
    lines = ["path,label,split"]
    for i in range(12):
        names = [name for bit, name in enumerate(("high", "low")) if (i % 3 + 1) >> bit & 1]
        t = np.arange(16000) / 16000
        sound = sum(np.sin(2 * np.pi * {"high": 2000, "low": 300}[name] * t) for name in names)
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * sound + 0.01 * rng.standard_normal(16000), 16000)
        lines.append(f"{i}.wav,{';'.join(names)},{'test' if i > 7 else 'train'}")
    (tmp_path / "ward.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "ward.csv"


@pytest.fixture
def heard_sprsound(tmp_path):
    """A folder laid out as SPRSound: six children to learn from, one again in intra, one new in inter."""
    rng = np.random.default_rng(0)
    kinds = [("Normal", 1500), ("Fine Crackle", 400), ("Wheeze", 700)]
    places = [(str(10 + i), "train") for i in range(6)] + [("10", "intra"), ("90", "inter")]
    for i, (patient, split) in enumerate(places):
        name = f"{patient}_5.0_0_p1_{i}"
        audio, annotation = (tmp_path / folder for folder in sprsound.SPLITS[split])
        for folder in (audio, annotation):
            folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(audio / f"{name}.wav", 0.05 * rng.standard_normal(8000 * 9), 8000)
        events = [
            {"start": str(3000 * k), "end": str(3000 * k + ms), "type": kind} for k, (kind, ms) in enumerate(kinds)
        ]
        text = json.dumps({"record_annotation": "Normal", "event_annotation": events})
        (annotation / f"{name}.json").write_text(text)
    return tmp_path


def test_normal_against_abnormal(tiny_icbhi, base, tmp_path):
    assert run(tiny_icbhi, base, tmp_path / "run", "icbhi", "--labels", "binary") == 0
    loaded = checkpoint.load(tmp_path / "run")
    assert loaded.config.model.classes == ("normal", "abnormal")
    result = evaluate.evaluate(tmp_path / "run", data.load("icbhi", tiny_icbhi), device="cpu")
    assert set(result["recall"]) == {"normal", "abnormal"}
    assert set(result["trivial"]) == {
        "always normal",
        "duration only",
        "loudness and bandwidth only",
        "device only",
    }
    assert result["two_class"]["score"] == result["score"]  # with two classes strict and lenient are one


def test_diagnoses_are_scored_per_patient(tiny_icbhi, base, tmp_path):
    diseases = ["Healthy", "COPD", "URTI", "Healthy", "Asthma", "Healthy", "COPD", "LRTI"]
    lines = [f"{101 + i},{disease}" for i, disease in enumerate(diseases)]
    (tiny_icbhi / "patient_diagnosis.csv").write_text("\n".join(lines) + "\n")
    assert run(tiny_icbhi, base, tmp_path / "run", "icbhi", "--labels", "diagnosis3", "--protocol", "last") == 0
    result = evaluate.evaluate(tmp_path / "run", data.load("icbhi", tiny_icbhi), device="cpu")
    assert (result["cycles"], result["patients"]) == (3, 3)  # nine cycles of three patients
    assert np.sum(result["confusion"], axis=1).tolist() == [1, 1, 1]
    assert "per_device" not in result  # a device has cycles, and cycles are not scored


def test_other_label_sets_are_neither_shown_nor_diagnoses_shipped(tiny_icbhi, base, tmp_path):
    (tiny_icbhi / "patient_diagnosis.csv").write_text("".join(f"{101 + i},COPD\n" for i in range(8)))
    runs = tmp_path / "runs"
    for name, labels in (("four", "four"), ("binary", "binary"), ("ill", "diagnosis2")):
        assert run(tiny_icbhi, base, runs / name, "icbhi", "--labels", labels) == 0
    assert list(Analyser(runs).cards) == ["four"]
    checkpoint.ship(runs / "binary", tmp_path / "shipped")
    with pytest.raises(checkpoint.CheckpointError, match="names diagnoses.* not shipped"):
        checkpoint.ship(runs / "ill", tmp_path / "shipped")


def test_a_patients_answer_is_the_mean_over_clips():
    config = run_config("full", "icbhi", "small", data={"labels": "diagnosis2"})
    config = replace(config, model=ModelConfig(classes=("healthy", "unhealthy")))
    clips = [
        Clip("r", None, 0.0, 1.0, (label,), patient, "A", "Al", "test", "normal")
        for patient, label in (("p", 1), ("q", 0), ("p", 1), ("p", 1))
    ]
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]])
    found = scoring.cases(clips, probabilities, config)
    assert found.patients.tolist() == ["p", "q"] and found.labels.tolist() == [1, 0]
    assert found.probabilities == pytest.approx(np.array([[1.3 / 3, 1.7 / 3], [0.3, 0.7]]))
    result = scoring.evaluate(clips, probabilities, config)
    assert (result["sensitivity"], result["specificity"], result["cycles"]) == (100, 0, 2)


def test_several_labels_a_clip(ward, base, tmp_path, own_test_log):
    assert run(ward, base, tmp_path / "run", "table", "--balance", "0.5") == 0
    config = checkpoint.load(tmp_path / "run").config
    assert (config.model.classes, config.model.multi_label) == (("high", "low"), True)
    assert config.objective == "binary_cross_entropy"
    result = evaluate.evaluate(tmp_path / "run", data.load("table", ward), device="cpu")
    assert result["measure"] == "mean_average_precision" and 0 <= result["mean_average_precision"] <= 100
    assert result["clips"] == 4 and "trivial" not in result
    assert evaluate.summary(result).splitlines()[2].startswith("mAP ")
    with (tmp_path / "run" / "predictions_table_test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"high", "low", "high;low"}
    assert any(float(row["high"]) + float(row["low"]) != pytest.approx(1, abs=1e-3) for row in rows)  # not a softmax
    assert own_test_log.read_text().splitlines()[-1].split(",")[-2].startswith("mean_average_precision ")


def test_classes_without_a_normal_one_are_chosen_by_balanced_accuracy(ward, base, tmp_path):
    text = ward.read_text().replace("high;low", "high")
    ward.write_text(text)
    assert run(ward, base, tmp_path / "run", "table") == 0
    result = evaluate.evaluate(tmp_path / "run", data.load("table", ward), device="cpu")
    assert result["measure"] == "balanced_accuracy" and "score_interval" not in result
    assert "balanced_accuracy" in (tmp_path / "run" / "log.csv").read_text().splitlines()[0]


def test_a_clip_with_two_labels_weighs_for_both():
    weights = class_weights([(0,), (0,), (0, 1), (1,)], 1.0)
    assert weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3 + 1 / 2, 1 / 2])


def test_binary_cross_entropy_is_the_formula():
    features = torch.randn(3, 4)
    targets = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    model = torch.nn.Linear(4, 2)
    task = Task(("a", "b"), label_smoothing=0.2)
    objective = objectives.build("binary_cross_entropy", {}, task, model)
    parts = objective.loss(model, Batch(features, targets), torch.Generator())
    smooth = targets * 0.8 + 0.1
    p = model(features).sigmoid()
    expected = -(smooth * p.log() + (1 - smooth) * (1 - p).log()).mean()
    assert parts.total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert parts.parts == {"binary_cross_entropy": pytest.approx(parts.total.item())}
    assert F.binary_cross_entropy(p, smooth).item() == pytest.approx(expected.item(), rel=1e-5)


def test_few_shot_and_split_reach_the_run(tiny_icbhi, base, tmp_path, capsys):
    assert run(tiny_icbhi, base, tmp_path / "run", "icbhi", "--shots", "1", "--split", "fold1") == 0
    facts = checkpoint.read_facts(tmp_path / "run")
    assert facts["config"]["data"]["shots"] == 1 and facts["split"]["training_clips"] <= 4
    assert run(tiny_icbhi, base, tmp_path / "other", "icbhi", "--split", "patient_keyed") == 1
    assert "Pass faithful" in capsys.readouterr().err


def test_two_runs_are_compared_without_looking_at_test_again(tiny_icbhi, base, tmp_path, own_test_log, capsys):
    corpus = data.load("icbhi", tiny_icbhi)
    for name, lr in (("a", "0.001"), ("b", "0.5")):
        assert run(tiny_icbhi, base, tmp_path / name, "icbhi", "--lr", lr) == 0
        evaluate.evaluate(tmp_path / name, corpus, device="cpu")
    looks = own_test_log.read_text()
    first, second = (json.loads((tmp_path / n / "metrics.json").read_text())["icbhi test"] for n in "ab")
    result = compare.compare(tmp_path / "a", tmp_path / "b", "icbhi")
    assert result["score"]["estimate"] == pytest.approx(second["score"] - first["score"])
    assert compare.compare(tmp_path / "a", tmp_path / "a", "icbhi")["score"]["p"] == 1
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b"), "--corpus", "icbhi"]) == 0
    assert "9 clips" in capsys.readouterr().out and own_test_log.read_text() == looks
    assert compare.main([str(tmp_path / "a"), str(base), "--corpus", "icbhi"]) == 1
    assert "evaluate that run first" in capsys.readouterr().err


def test_trials_of_the_same_recording_are_told_from_others(ward, base, tmp_path, capsys):
    """The same file twice has cosine 1, so no other pair can stand above it."""
    trials = [f"1 {i}.wav {i}.wav" for i in range(4)] + [f"0 {i}.wav {i + 1}.wav" for i in range(4)]
    (tmp_path / "trials.txt").write_text("\n".join(trials) + "\n")
    result = verification.verify(base, tmp_path / "trials.txt", tmp_path, "cpu")
    assert result == {"equal_error_rate": 0, "min_dcf": 0, "trials": 8, "recordings": 5}
    command = [str(base), "--trials", str(tmp_path / "trials.txt"), "--data", str(tmp_path), "--device", "cpu"]
    assert evaluate.main(command) == 0
    assert "8 trials of 5 recordings: EER 0.00 %" in capsys.readouterr().out
    (tmp_path / "trials.txt").write_text("1 nowhere.wav 0.wav\n")
    assert evaluate.main(command) == 1
    assert "nowhere.wav" in capsys.readouterr().err


def test_sprsound_has_tasks_and_equal_lengths(heard_sprsound, base, tmp_path):
    corpus = data.load("sprsound", heard_sprsound)
    assert run(heard_sprsound, base, tmp_path / "run", "sprsound") == 0
    result = evaluate.evaluate(tmp_path / "run", corpus, device="cpu")
    assert set(result["tasks"]["1-1"]) == {"intra", "inter", "pooled"}
    same = result["equalised"]
    assert same["extent_s"] == 2.0 and same["cycles"] == result["cycles"]
    assert same["trivial"]["duration only"] == same["trivial"]["always normal"]  # nothing is left of the lengths
    assert f"re-cut to {evaluate.EQUAL_S} s" in evaluate.summary(result)


def test_a_model_takes_its_classes_from_the_corpus(tiny_icbhi, tmp_path):
    config = run_config("full", "icbhi", "small", {"epochs": 1, "validation_share": 0.3}, data={"labels": "binary"})
    assert engine._answer(config, data.select(data.load("icbhi", tiny_icbhi), config.data)).model.classes == (
        "normal",
        "abnormal",
    )


@pytest.mark.parametrize(
    ("labels", "classes"),
    [("binary", ("normal", "abnormal")), ("diagnosis3", ("healthy", "chronic", "non-chronic"))],
)
def test_patch_mix_learns_other_label_sets(labels, classes, tiny_icbhi, base, tmp_path):
    diseases = ["Healthy", "COPD", "URTI", "Healthy", "Asthma", "COPD", "Healthy", "URTI"]
    (tiny_icbhi / "patient_diagnosis.txt").write_text("".join(f"{101 + i}\t{d}\n" for i, d in enumerate(diseases)))
    options = "--labels", labels, "--class-weight", "1", "--augment", "speed", "pitch", "vtlp", "spec_augment"
    assert run(tiny_icbhi, base, tmp_path / "run", "icbhi", *options, preset="patch_mix_cl_lora") == 0
    assert checkpoint.load(tmp_path / "run").config.model.classes == classes


def test_what_is_for_clips_of_one_label_is_refused_for_several(ward, base, tmp_path, capsys):
    for preset, options in (("patch_mix_ce", ()), ("linear", ("--class-weight", "0.5"))):
        assert run(ward, base, tmp_path / "run", "table", *options, preset=preset) == 1
        assert "several labels each" in capsys.readouterr().err


def test_augmentation_that_would_change_a_label_is_refused_before_training(heard_sprsound, base, tmp_path, capsys):
    options = "--labels", "seven", "--augment", "gain", "speed"
    assert run(heard_sprsound, base, tmp_path / "run", "sprsound", *options) == 1
    assert "speed would turn a sound of one class into another's" in capsys.readouterr().err
    assert run(heard_sprsound, base, tmp_path / "run", "sprsound", "--labels", "four", "--augment", "speed") == 0
