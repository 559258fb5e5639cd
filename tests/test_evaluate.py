"""Which clips a run is evaluated on, and which it refuses."""

from dataclasses import replace

import pytest
import soundfile
import torch

from rsc_core import checkpoint, data, evaluate
from rsc_core.config import DataConfig, TrainConfig, run_config
from tests.conftest import TINY


@pytest.fixture
def tiny_run(tmp_path):
    """Write a tiny run that learned from ICBHI under some settings, and return its folder."""

    def write(**options):
        torch.manual_seed(0)
        config = run_config("full", "icbhi", "small")
        config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0), **options)
        facts = {"split": {"validation_digest": "0" * 16}, "protocol": "validated", "learned_from": []}
        return checkpoint.save(tmp_path / "run", checkpoint.build(config), config, facts)

    return write


def test_test_clips_follow_the_runs_own_split(tiny_icbhi, tiny_run, tmp_path):
    corpus = data.load("icbhi", tiny_icbhi)
    for chosen in (DataConfig(), DataConfig(split="fold0")):
        run = tiny_run(data=chosen, train=TrainConfig(protocol="last"))
        result = evaluate.evaluate(run, corpus, log=tmp_path / "log.csv", device="cpu")
        expected = data.select(corpus, chosen, protocol="last").test
        assert result["digest"] == data.splits.digest(expected)
    assert result["cycles"] != 9  # the official test split's


def test_another_corpus_is_tested_whole_whatever_the_run_was_trained_on(tiny_icbhi, tiny_run, tmp_path):
    run = tiny_run(data=DataConfig(split="fold0", stethoscope="Meditron"))
    soundfile.write(tmp_path / "a.wav", torch.randn(8000).numpy() / 10, 8000)
    (tmp_path / "ward.csv").write_text("path,label,split\na.wav,normal,test\na.wav,wheeze,test\n")
    corpus = data.load("table", tmp_path / "ward.csv")
    result = evaluate.evaluate(run, corpus, log=tmp_path / "log.csv", device="cpu")
    assert (result["cycles"], result["recall"]["crackle"]) == (2, None)


def test_clips_a_run_was_not_chosen_by_are_refused(tiny_icbhi, tiny_run):
    with pytest.raises(ValueError, match="not the clips the run was chosen by.* expected 0000000000000000"):
        evaluate.evaluate(tiny_run(), data.load("icbhi", tiny_icbhi), "validation")
    with pytest.raises(ValueError, match="the validation split holds no clip"):
        evaluate.evaluate(tiny_run(train=TrainConfig(protocol="last")), data.load("icbhi", tiny_icbhi), "validation")


def test_other_classes_than_the_models_are_refused(tiny_icbhi, tiny_run, tmp_path):
    binary = {"data": DataConfig(labels="binary")}
    with pytest.raises(ValueError, match="tells normal, crackle, wheeze, both apart, .* holds normal, abnormal"):
        evaluate.evaluate(tiny_run(**binary), data.load("icbhi", tiny_icbhi))


def test_rows_without_a_model_are_told_by_the_run_s_own_measure():
    rows = {"always dog": {"balanced_accuracy": 25.0}}
    same = {"extent_s": 2.0, "measure": "balanced_accuracy", "balanced_accuracy": 31.0, "trivial": rows}
    result = {"protocol_label": "", "corpus": "c", "split": "test", "cycles": 9, "patients": 2, "equalised": same}
    lines = evaluate.summary({**result, "measure": "balanced_accuracy", "balanced_accuracy": 40.0, "trivial": rows})
    assert "\nalways dog: balanced accuracy 25.00\n" in lines
    assert lines.endswith("  always dog: balanced accuracy 25.00")
