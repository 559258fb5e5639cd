"""train.py as it is typed: lists, help, mistakes, options from a file."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import train
from rsc_core import checkpoint, models, parameters, tuning
from rsc_core.config import AST_BASE, ModelConfig
from rsc_core.presets import PRESETS
from rsc_core.tuning import TUNINGS
from tests.test_train import FAST, run

ROOT = Path(__file__).parents[1]


def test_mistakes_on_the_command_line_are_answered(tiny_icbhi, base, tmp_path, capsys):
    assert train.main(["loar"]) == 2
    assert "presets: full, distilled, masked" in capsys.readouterr().err
    assert run("lora", tmp_path, base, tmp_path / "run") == 1
    assert "ICBHI_final_database is not there" in capsys.readouterr().err
    assert run("lora", tiny_icbhi, base, tmp_path / "run", "--rank", "0") == 1
    assert "rank must be 1 or more, got 0" in capsys.readouterr().err
    assert run("lora", tiny_icbhi, tmp_path / "no", tmp_path / "run") == 1
    assert "is neither a checkpoint folder nor a model" in capsys.readouterr().err
    assert train.main(["--list"]) == 0
    assert "spectrogram_transformer + lora + cross_entropy + log_mel" in capsys.readouterr().out


def test_a_backbone_of_another_network_is_refused(tiny_icbhi, base, teacher, speech, tmp_path, capsys):
    for preset, backbone, message in (
        ("cnn", base, "preset cnn trains a cnn, and .* holds a spectrogram_transformer. .* leave it out for small"),
        (
            "ipet_wav2vec2",
            teacher,
            "trains a wav2vec2, and .* holds a cnn. .* leave it out for facebook/wav2vec2-base",
        ),
        ("adapter", speech, "tuning 'adapter' does not go onto a wav2vec2; choose one of full, linear, lora, prefix"),
        ("lora", teacher, "tuning 'lora' does not go onto a cnn; choose one of full, linear, or a spectrogram_trans"),
        ("lora", "small", "preset lora leaves a fresh model's random weights frozen. Pass --backbone a trained run"),
    ):
        assert run(preset, tiny_icbhi, backbone, tmp_path / "run") == 1
        assert re.search(message, capsys.readouterr().err), preset
    assert not (tmp_path / "run").exists()


def test_a_preset_of_another_network_brings_its_own_backbone(tiny_icbhi, tmp_path):
    where = ["--corpus", "icbhi", "--data", str(tiny_icbhi), "--out", str(tmp_path / "run")]
    assert train.main(["cnn", *where, *FAST, "--epochs", "1"]) == 0
    config = checkpoint.load(tmp_path / "run").config
    assert (config.model.name, config.backbone) == ("cnn", "small")
    assert {row.backbone for row in PRESETS.values() if row.model == "wav2vec2"} == {"facebook/wav2vec2-base"}


def test_the_list_asks_no_network(capsys):
    code = "import sys, train; train.main(['--list']); assert not {'torch', 'peft', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_listed_count_is_the_built_models(preset):
    row = PRESETS[preset]
    geometry = AST_BASE if row.model == "spectrogram_transformer" else ModelConfig(hidden_size=768, heads=12)
    with torch.device("meta"):
        model = models.build(replace(geometry, name=row.model, **row.model_options))
        tuning.apply(model, row.tuning, tuning.configure(row.tuning, row.tuning_options))
    assert tuning.count_trainable(model) == parameters.trained_on_ast_base(preset)


def test_the_list_counts_what_each_preset_trains_on_ast_base(capsys):
    assert train.main(["--list"]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    counts = {name: int(count.replace(",", "")) for count, name in rows}
    assert list(counts) == list(PRESETS)
    known = {
        "full": 86_191_876,
        "linear": 4_612,
        "lora": 299_524,
        "lora_qv": 446_980,
        "bitfit": 105_220,
        "adapter": 253_588,
        "cnn": 1_578_940,
        "cycle_guardian": 6_626_359,
    }
    assert {name: counts[name] for name in known} == known


@pytest.mark.parametrize("preset", PRESETS)
def test_help_of_every_preset(preset, capsys):
    with pytest.raises(SystemExit, match="0"):
        train.main([preset, "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--epochs INT" in printed
    for option in TUNINGS[PRESETS[preset].tuning].Config.__dataclass_fields__:
        assert f"--{option.replace('_', '-')} " in printed


def test_help_shows_and_refusal_repeats_what_is_allowed(tiny_icbhi, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["lora", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--rank INT 1 or more; default 8" in printed
    assert "--dropout FLOAT at least 0 and below 1; default 0.0" in printed
    assert "some of q, k, v, o, fc1, fc2; default k v" in printed
    assert "--variant STR one of lora, dora, pissa; default lora" in printed
    assert "--window-s WINDOW_S positive; default" in printed
    assert "2 numbers, each at least 0 and below 1; default 0.9 0.999" in printed
    for flag, value, message in (
        ("--rank", "0", "rank must be 1 or more, got 0"),
        ("--targets", "z", "targets must be some of q, k, v, o, fc1, fc2, got z"),
        ("--variant", "vera", "variant must be one of lora, dora, pissa, got 'vera'"),
        ("--window-s", "0", "window_s must be positive, got 0.0"),
        ("--betas", "0.9", "betas must be 2 numbers, each at least 0 and below 1, got 0.9"),
        ("--epochs", "0", "epochs must be 1 or more, got 0"),
        ("--label-smoothing", "2", "label_smoothing must be between 0 and 1, got 2.0"),
    ):
        assert run("lora", tmp_path / "no corpus", tmp_path / "no base", tmp_path / "run", flag, value) == 1
        assert message in capsys.readouterr().err


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
