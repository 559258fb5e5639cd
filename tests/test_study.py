"""A study end to end on a tiny corpus, killed at any moment, and the studies that come with the project."""

import csv
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from rsc_core import atomic, objectives, study, test_log
from rsc_core.config import AudioConfig, to_json

STUDIES = Path(study.__file__).parent / "studies"
TINY_STUDY = {
    "title": "tiny",
    "backbone": "given by the test",
    "seeds": [0, 1],
    "protocols": ["validated", "paper"],
    "train": {"epochs": 3, "batch_size": 8, "device": "cpu", "precision": "fp32", "validation_share": 0.3},
    "rows": [
        {"name": "low_rank", "preset": "lora", "train": {"lr": 0.01}, "tuning_options": {"dropout": 0.2}},
    ],
}


@pytest.fixture
def start(tmp_path, tiny_icbhi, base):
    """Return a function that runs the tiny study, with fields replaced, into tmp_path/NAME."""

    def run(name, *more, **fields):
        return study.main([*command(name, **fields), *more])

    def command(name, **fields):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**TINY_STUDY, "backbone": str(base), **fields}))
        log = tmp_path / f"{name}.csv"
        return [str(path), "--out", str(tmp_path / name), "--data", f"icbhi={tiny_icbhi}", "--test-log", str(log)]

    run.command = command
    return run


def outcome(folder):
    """What a study ended with: records and logs without what the clock says, the bytes of weights and predictions."""
    results = json.loads((folder / "results.json").read_text())
    for record in results["records"]:
        record.pop("cost")
    files = [p for pattern in ("*.safetensors", "predictions_*.csv") for p in folder.glob(f"runs/*/{pattern}")]
    logs = {p.parent.name: list(csv.DictReader(p.open())) for p in sorted(folder.glob("runs/*/log.csv"))}
    for row in (row for rows in logs.values() for row in rows):
        del row["clips_per_s"], row["seconds"]
    return results, logs, {str(p.relative_to(folder)): p.read_bytes() for p in files if p.name != "resume.safetensors"}


def test_every_run_is_trained_evaluated_once_and_recorded(start, tmp_path, capsys):
    assert start("study") == 0
    printed = capsys.readouterr().out
    assert "[1 of 4] low_rank-icbhi-validated-0; 4 to train\n" in printed
    assert "[4 of 4] low_rank-icbhi-paper-1; 1 to train, about 0 h 00 min" in printed
    records = json.loads((tmp_path / "study" / "results.json").read_text())["records"]
    assert [(r["protocol"], r["seed"]) for r in records] == [
        ("validated", 0),
        ("validated", 1),
        ("paper", 0),
        ("paper", 1),
    ]
    for r in records:
        stored = json.loads((tmp_path / "study" / "runs" / r["run"] / "metrics.json").read_text())["icbhi test"]
        assert r["metrics"] == stored and r["split"] == "test"
        assert r["cost"]["wall_s"] > 0 and r["cost"]["clips_per_s"] > 0 and r["cost"]["parts"] == 1
        assert r["cost"]["peak_memory_bytes"] > 50e6  # torch alone takes more
        assert {"python", "torch", "transformers", "peft", "processor", "threads"} <= set(r["environment"])
        assert r["settings"]["train"]["lr"] == 0.01 and r["settings"]["tuning_options"]["dropout"] == 0.2
        assert r["trainable"] == 2 * 2 * 2 * 8 * 32 + 2 * 32 + 32 * 4 + 4  # LoRA on two blocks, the head
    assert [r["selection_gap"] is None for r in records] == [True, True, False, False]
    assert test_log.touches(tmp_path / "study.csv") == {
        ("ICBHI subset (0 %)", "test"): {"evaluation": 4, "paper protocol": 6}
    }

    before = outcome(tmp_path / "study")
    assert start("study") == 0
    assert "to train" not in capsys.readouterr().out  # all is skipped
    assert outcome(tmp_path / "study") == before
    assert test_log.touches(tmp_path / "study.csv").popitem()[1]["evaluation"] == 4


def test_a_recipe_is_chosen_on_validation_and_a_row_may_come_after_another(start, tmp_path, teacher):
    rows = [
        {"name": "masked", "preset": "masked"},
        {
            "name": "distilled",
            "preset": "distilled",
            "after": "masked",
            "objective_options": {"block": 1},
            "train": {"epoch_clips": 8},
            "audio": {"fade": "cycle"},
        },
    ]
    shared = {"distillation": {"teacher": str(teacher), "block": 2}}
    fields = {
        "objective_options": shared,
        "seeds": [0],
        "protocols": ["validated"],
        "part": "validation",
        "audio": {"window_s": 0.5},
        "rows": rows,
    }
    assert start("study", **fields) == 0
    (only,) = json.loads((tmp_path / "study" / "results.json").read_text())["records"]  # masked patches label nothing
    assert only["row"] == "distilled" and only["split"] == "validation"
    assert only["settings"]["backbone"].endswith("runs/masked-icbhi-validated-0")
    assert only["settings"]["objective_options"] == {"teacher": str(teacher), "block": 1}
    assert only["settings"]["audio"]["window_s"] == 0.5 and only["settings"]["audio"]["fade"] == "cycle"
    assert not (tmp_path / "study.csv").exists()  # nobody looked at test
    assert start("study", "--list", **fields) == 0
    assert start("wrong", "--list", rows=rows[::-1]) == 1
    assert start("wrong", "--list", part="train") == 1


@pytest.mark.parametrize(("name", "corpus"), [("cycle_guardian", "icbhi"), ("cycle_guardian_sprsound", "sprsound")])
def test_cycle_guardian_is_compared_in_both_forms_alike(name, corpus, tmp_path):
    rows = {
        "default": (False, "official", 0.0),
        "default_patient_keyed": (False, "patient_keyed", 0.0),
        "default_events": (False, "official", 0.25),
        "faithful": (True, "official", 0.0),
        "faithful_patient_keyed": (True, "patient_keyed", 0.0),
    }
    runs = study.plan(study.read(STUDIES / f"{name}.json"), tmp_path)
    found = {p.row.name: (p.config.train.faithful, p.config.data.split, p.config.train.events) for p in runs}
    missing = set() if corpus == "icbhi" else {"default_events"}
    assert found == {row: rows[row] for row in rows if row not in missing}
    assert {p.config.corpus for p in runs} == {corpus}
    assert all(p.config.model.faithful == p.config.train.faithful for p in runs)
    assert {p.config.model.frames for p in runs} == {688} and {p.config.train.protocol for p in runs} == {"last"}
    steps = {(p.config.train.epochs, p.config.train.batch_size) for p in runs}
    assert len(steps) == 1  # the presets' own 600 epochs of 128 are for a GPU


def test_a_rows_clips_go_over_the_studys(tmp_path):
    rows = ({"name": "both", "preset": "full"}, {"name": "own", "preset": "full", "data": {"split": "fold1"}})
    asked = study.Study("two splits", rows, "small", (0,), data={"split": "repaired", "labels": "binary"})
    found = [planned.config.data for planned in study.plan(asked, tmp_path)]
    assert [(one.split, one.labels) for one in found] == [("repaired", "binary"), ("fold1", "binary")]


def test_list_tells_the_state_of_every_run(start, tmp_path, monkeypatch, capsys):
    assert start("study", "--list") == 0
    assert capsys.readouterr().out.count("waiting ") == 4
    looks = iter([study.evaluate.evaluate, interrupt])
    monkeypatch.setattr(study.evaluate, "evaluate", lambda *a: next(looks)(*a))
    assert start("study") == 130
    monkeypatch.undo()
    assert start("study", "--list") == 0
    states = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "low_rank-" in line]
    assert states[-4:] == ["done", "trained", "waiting", "waiting"]


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_run_stopped_after_every_atomic_write_ends_as_an_undisturbed_one(start, tmp_path, monkeypatch):
    """Each attempt dies right after one file was replaced: between any two writes of a study of one epoch."""
    fields = {"seeds": [0], "protocols": ["paper"], "train": {**TINY_STUDY["train"], "epochs": 1}}
    assert start("whole", **fields) == 0

    class Death(BaseException):
        pass

    replace, attempts = os.replace, 0

    def dying(source, destination):
        replace(source, destination)
        if (fresh := str(destination)) not in seen:
            seen.add(fresh)
            raise Death

    seen = set()
    monkeypatch.setattr(os, "replace", dying)
    while attempts < 20:
        attempts += 1
        try:
            assert start("cut", **fields) == 0
        except Death:
            continue
        break
    # resume, log, the LoRA's three files, metrics and results are replaced at least once
    assert attempts == len(seen) + 1 == 8
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


@pytest.mark.slow
def test_killed_ten_times_at_random_moments_a_study_ends_as_an_undisturbed_one(start, tmp_path):
    """By kill -9; a study that ends before its next kill is compared, and another one begun."""
    fields = {"seeds": [0]}
    assert start("whole", **fields) == 0

    context = multiprocessing.get_context("forkserver")  # killed processes start without importing torch again
    context.set_forkserver_preload(["rsc_core.study"])
    for name in ("warm", "timed"):  # the server imports before a whole life is timed
        began = time.perf_counter()
        life = context.Process(target=study.main, args=(start.command(name, **fields),))
        life.start()
        life.join()
        span = time.perf_counter() - began
        assert outcome(tmp_path / name) == outcome(tmp_path / "whole")
    seed = time.time_ns()
    rng, kills, studies, moments = random.Random(seed), 0, 0, set()
    while kills < 10:
        studies += 1
        cut = tmp_path / f"cut{studies}"
        while kills < 10:
            process = context.Process(target=study.main, args=(start.command(cut.name, **fields),))
            process.start()
            process.join(rng.uniform(0, span))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            kills += process.exitcode == -signal.SIGKILL
            moments.add(tuple(sorted(str(path.relative_to(cut)) for path in cut.glob("runs/*/*"))))
        assert start(cut.name, **fields) == 0
        assert outcome(cut) == outcome(tmp_path / "whole"), f"seed {seed}"
    assert len(moments) > 1


def test_a_run_with_other_settings_is_not_taken_for_done(start, capsys):
    one = {"seeds": [0], "protocols": ["last"]}
    assert start("study", **one) == 0
    assert start("study", **one, train={**TINY_STUDY["train"], "epochs": 2}) == 1
    assert "holds a run with other settings (train). Delete the folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rows": []}, "rows must be one or more different values, got \n"),
        ({"seeds": [1, 1]}, "seeds must be one or more different values, got 1, 1"),
        ({"seed": 3}, "Study has no seed; it knows"),
        ({"rows": [{"name": "a"}]}, "Row lacks preset; it needs name, preset"),
        ({"rows": ["lora"]}, "expected an object with the fields of Row, got str"),
        ({"rows": [{"name": "a", "preset": "loar"}]}, "row a: there is no preset 'loar'"),
        ({"rows": [{"name": "a", "preset": "lora", "train": {"lr": -1}}]}, "row a: lr must be positive, got -1"),
        ({"rows": [{"name": "a", "preset": "lora", "tuning_options": {"rank": 0}}]}, "row a: rank must be 1 or more"),
        ({"rows": [{"name": "a", "preset": "lora", "train": {"seed": 1}}]}, "train must not set seed"),
        ({"rows": [{"name": "a", "preset": "lora", "published": {"f1": 1}}]}, "published has no f1"),
        ({"corpora": ["icbhi", "icbi"]}, "corpora: there is no icbi; choose of icbhi"),
        ({"objective_options": {"distilled": {}}}, "objective_options: there is no distilled; choose of"),
        ({"protocols": ["honest"]}, "protocols: there is no honest; choose of validated"),
    ],
)
def test_mistakes_in_a_study_are_answered(fields, message, start, capsys):
    assert start("study", "--list", **fields) == 1
    assert message in capsys.readouterr().err


def test_mistakes_on_the_command_line_are_answered(start, tmp_path, capsys):
    path = start.command("study")[0]
    out = ["--out", str(tmp_path / "study")]
    assert study.main([path, *out]) == 1
    assert "no folder for icbhi; pass --data icbhi=FOLDER" in capsys.readouterr().err
    assert study.main([path, *out, "--data", "icbhi"]) == 1
    assert "--data expects NAME=DIR" in capsys.readouterr().err
    assert study.main(["no.json", *out]) == 1
    assert "no.json is not there" in capsys.readouterr().err


def test_an_atomic_write_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    atomic.write_json(path, {"a": 1})
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic.write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.json")), ids=lambda p: p.stem)
def test_the_studies_that_come_with_the_project_can_be_planned(path, tmp_path, capsys):
    assert study.main([str(path), "--out", str(tmp_path), "--list"]) == 0
    found = study.read(path)
    runs = len(found.rows) * len(found.seeds) * len(found.corpora) * len(found.protocols)
    assert capsys.readouterr().out.count("waiting ") == runs


def optimised(t):
    adamw = t.betas, t.eps, t.weight_decay, t.decay_all
    return *adamw, t.batch_size, t.epochs, t.warmup, t.balance, t.clip_gradient


def test_lora_rsc_has_the_hyper_parameters_of_its_source(tmp_path):
    """main_icbhi.py: AdamW (.9, .98), eps 1e-6, decay 0.1 on all, batch 16, 100 epochs, cosine a step, no warm-up."""
    runs = study.plan(study.read(STUDIES / "lora_rsc.json"), tmp_path)
    assert {p.config.train.protocol for p in runs} == {"paper", "validated"}
    assert {p.config.backbone for p in runs} == {"MIT/ast-finetuned-audioset-10-10-0.4593"}
    for planned in runs:
        t = planned.config.train
        assert optimised(t) == ((0.9, 0.98), 1e-6, 0.1, True, 16, 100, 0, 0, 0)
        assert (t.augment, t.mixup, t.label_smoothing, t.precision) == ((), 0, 0, "fp32")
        assert planned.config.audio == AudioConfig(level="none", window_s=5.015)
        assert 1 + (planned.config.audio.window_samples - 400) // 160 == 500  # frames
    assert {p.row.name: p.config.train.lr for p in runs} == {
        "full": 5e-5,
        "linear": 1e-3,
        "lora": 1e-2,
        "adapter": 5e-3,
    }
    options = {p.row.name: p.config.tuning_options for p in runs}
    assert (options["lora"]["rank"], options["lora"]["targets"]) == (8, ("k", "v"))
    assert options["lora"]["alpha"] / options["lora"]["rank"] == pytest.approx(8 / 96)
    assert options["adapter"] == {"bottleneck": 768 // 64, "placement": "pfeiffer", "order": "sequential"}


def test_the_lora_ablation_is_lora_rscs_run_on_other_projections(tmp_path):
    runs = study.plan(study.read(STUDIES / "lora_ablation.json"), tmp_path)
    (source, *_) = [p for p in study.plan(study.read(STUDIES / "lora_rsc.json"), tmp_path) if p.row.name == "lora"]
    assert {p.row.name: "".join(p.config.tuning_options["targets"]) for p in runs} == {
        f"lora_{targets}": targets for targets in ("q", "qk", "qv", "kv", "qkvo")
    }
    planned = next(p for p in runs if p.row.name == "lora_kv")
    assert planned.config == source.config


def test_lora_rsc_published_numbers_are_counts_of_its_test_split():
    """1,579 normal and 1,177 abnormal cycles: each percentage is a whole number of them, and Score their mean."""
    published = {row.name: row.published for row in study.read(STUDIES / "lora_rsc.json").rows if row.published}
    assert set(published) == {"full", "lora", "adapter"}
    for values in published.values():
        sp, se = round(values["specificity"] * 15.79), round(values["sensitivity"] * 11.77)
        assert (round(sp / 15.79, 2), round(se / 11.77, 2)) == (values["specificity"], values["sensitivity"])
        assert values["score"] == pytest.approx((values["specificity"] + values["sensitivity"]) / 2, abs=0.0051)


def test_petl_ast_has_the_hyper_parameters_of_its_source(tmp_path):
    """main.py: AdamW (.9, .98), eps 1e-6, decay 0.1 on all, batch 32, 50 epochs of ESC-50, cosine a step, seed 10."""
    runs = study.plan(study.read(STUDIES / "petl_ast.json"), tmp_path)
    assert {p.config.data.labels for p in runs} == {"table"}
    for planned in runs:
        t = planned.config.train
        assert (*optimised(t), t.seed) == ((0.9, 0.98), 1e-6, 0.1, True, 32, 50, 0, 0, 0, 10)
    assert {p.row.name: p.config.train.lr for p in runs} == {
        "full": 5e-5,
        "linear": 1e-3,
        "lora_qv": 5e-3,
        "adapter": 5e-3,
    }
    options = {p.row.name: p.config.tuning_options for p in runs}
    assert (options["lora_qv"]["rank"], options["lora_qv"]["targets"]) == (768 // 64, ("q", "v"))
    assert options["lora_qv"]["alpha"] / options["lora_qv"]["rank"] == pytest.approx(8 / 64)
    assert options["adapter"] == {"bottleneck": 768 // 96, "placement": "pfeiffer", "order": "parallel"}


def test_patch_mix_has_the_hyper_parameters_of_its_source(tmp_path):
    """scripts/icbhi_*.sh: batch 8, 50 epochs, rate 5e-5 halved by its average, 8 s, AST's SpecAugment, SL weights."""
    runs = study.plan(study.read(STUDIES / "patch_mix.json"), tmp_path)
    for planned in runs:
        t, audio = planned.config.train, planned.config.audio
        assert optimised(t) == ((0.9, 0.999), 1e-8, 1e-6, True, 8, 50, 0, 0, 0)
        assert (t.lr, t.average, t.faithful) == (5e-5, 0.5, True)
        assert (t.augment, t.spec_policy, t.mixup) == (("spec_augment",), "patch_mix", 0)
        assert t.class_weight == (planned.row.name == "ce")
        assert (audio.level, audio.padding, audio.fade) == ("none", "repeat", "recording")
        assert 1 + (audio.window_samples - 400) // 160 == 798  # frames
    options = {p.row.name: p.config.objective_options for p in runs}
    assert [options[name].get("loss") for name in options] == [None, "cross_entropy", "cross_entropy", None]
    assert options["patch_mix_ce_time"]["domain"] == "time"
    contrastive = objectives.OBJECTIVES["patch_mix"].Config(**options["patch_mix_cl"])
    assert (contrastive.beta, contrastive.temperature, contrastive.weight) == (1.0, 0.06, 1.0)
    assert (contrastive.target, contrastive.negatives) == ("grad_block", "all")
    published = {p.row.name: p.row.published.get("score") for p in runs}
    assert published == {"ce": 59.55, "patch_mix_ce": None, "patch_mix_ce_time": None, "patch_mix_cl": 62.37}


def test_what_patch_mix_is_worth_here_is_asked_of_runs_that_differ_in_the_objective_alone(tmp_path):
    runs = study.plan(study.read(STUDIES / "patch_mix_icbhi.json"), tmp_path)
    assert len(runs) == 3 and len({json.dumps(to_json(p.config.train)) for p in runs}) == 1
    assert {p.part for p in runs} == {"test"} and all(p.config.train.test_curve for p in runs)


def test_a_run_from_before_an_option_was_there_is_still_the_same_run(start, tmp_path):
    assert start("study") == 0
    path = tmp_path / "study" / "runs" / "low_rank-icbhi-validated-0" / "rsc.json"
    facts = json.loads(path.read_text())
    del facts["config"]["train"]["class_weight"], facts["config"]["audio"]["padding"]
    path.write_text(json.dumps(facts))
    assert start("study") == 0
    facts["config"]["train"]["lr"] = 0.5
    path.write_text(json.dumps(facts))
    assert start("study") == 1
