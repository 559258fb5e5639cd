"""The scoring run as a whole, on toy models and few cycles."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rsc_core import checkpoint, data, models
from rsc_core.config import ModelConfig, run_config
from rsc_core.data import sprsound
from rsc_core.data.corpus import Clip
from rsc_core.explain import __main__ as command
from rsc_core.explain import faithfulness, ground_truth, score, standing
from rsc_core.explain.perturb import FILLS
from rsc_core.explain.relevance import METHODS
from tests.conftest import TINY


@pytest.fixture
def decided(tmp_path):
    """A run folder of a toy model whose answer depends on what it hears."""
    torch.manual_seed(0)
    config = run_config("full", "icbhi", "small")
    config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
    model = checkpoint.build(config)
    with torch.no_grad():
        model.hf.classifier.dense.weight.normal_(std=0.5)
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    return checkpoint.save(tmp_path / "decided", model, config, facts)


def losses(model, features, target):
    """(1, freq, time): what the target loses with each tile."""
    divided = faithfulness.parts(model, *features.shape[1:])
    filled = faithfulness.filling(features, "local_mean")
    with torch.no_grad():
        whole = faithfulness.probability(model(features), target)
        taken = divided.replace(features.expand(divided.count, -1, -1), filled, torch.eye(divided.count).bool())
        return (whole - faithfulness.probability(model(taken), target)).unflatten(0, divided.grid)[None]


@pytest.fixture
def oracle(monkeypatch):
    """One method that tries every tile, and its opposite, in place of all."""

    def tried(model, features, name, target, period=None):
        lost = losses(model, features, target)
        return lost if name == "rollout" else -lost

    monkeypatch.setattr(score, "relevance", tried)
    monkeypatch.setattr(score, "METHODS", {name: METHODS[name] for name in ("rollout", "gradient_input")})


def test_a_faithful_method_beats_the_baselines_and_its_opposite_does_not(decided, oracle):
    loaded = checkpoint.load(decided)
    cases = ground_truth.synthetic_cases(4, loaded.config.audio, seed=1)
    records = [
        score.measure(loaded, score.Item(case.patient, case.waveform, case.label, case.patient, True), i)
        for i, case in enumerate(cases)
    ]
    settings = {"methods": score.methods(loaded.model), "corpus": "synthesised", "split": "all"}
    result = standing.summarise(settings, records)
    told = result["standing"]
    assert told["rollout"]["beats_baselines"] and not told["gradient_input"]["beats_baselines"]
    assert told["rollout"]["wins"]["estimate"] == 1 and told["gradient_input"]["wins"]["estimate"] == 0
    assert set(result["faithfulness"]["fills"]) == set(FILLS)
    for orders in result["faithfulness"]["fills"].values():
        assert set(orders) == {*faithfulness.BASELINES, "rollout", "gradient_input"}
        good, bad, random = (orders[name] for name in ("rollout", "gradient_input", "random"))
        assert good["deletion_gain"]["low"] > 0 and good["insertion_gain"]["low"] > 0
        assert bad["deletion_gain"]["high"] < 0 and bad["insertion_gain"]["high"] < 0
        assert good["deletion_gain"]["estimate"] == pytest.approx(random["deletion"] - good["deletion"])
        assert random["deletion"] == pytest.approx(random["insertion"])  # as likely as its reverse
        gap = good["insertion"] - good["deletion"]
        assert good["over"]["random"]["estimate"] == pytest.approx(gap)
    shown = {
        line.split(" | ")[0]: line for line in standing.markdown("decided", standing.tabulate(result)).splitlines()
    }
    assert shown["| Rollout, mean over heads"].endswith("| yes |") and shown["| Gradient x input"].endswith("| no |")
    assert "100%, 100% to 100%" in shown["| Rollout, mean over heads"]


def test_who_beats_random_tiles_but_one_baseline_not_does_not_beat_the_baselines():
    areas = {"random": [0.5, 0.5], "smooth": [0.5, 0.5], "loudest": [0.3, 0.7], "rollout": [0.3, 0.7]}
    records = [{"patient": str(i), "right": True, "areas": dict.fromkeys(FILLS, areas)} for i in range(4)]
    result = standing.summarise({"methods": ["rollout"]}, records)
    over = result["faithfulness"]["fills"]["local_mean"]["rollout"]["over"]
    assert over["random"]["low"] > 0 and over["loudest"] == {"estimate": 0, "low": 0, "high": 0}
    assert not result["standing"]["rollout"]["beats_baselines"]
    assert result["standing"]["rollout"]["wins"] == {"estimate": 1, "low": 1, "high": 1}


def test_a_cycle_is_won_only_where_both_fillings_say_so():
    good, bad = ({"random": [0.5, 0.5], "smooth": [0.5, 0.5], "loudest": [0.5, 0.5], "a": a} for a in ([0, 1], [1, 0]))
    records = [
        {"patient": str(i), "right": True, "areas": dict(zip(FILLS, areas, strict=True))}
        for i, areas in enumerate([(good, good), (good, bad), (bad, good), (bad, bad)])
    ]
    assert standing.summarise({"methods": ["a"]}, records)["standing"]["a"]["wins"]["estimate"] == 0.25


def test_ground_truth_tells_who_points_at_the_sound(decided):
    """A map that is shown the truth, and its opposite."""
    loaded, records, shares = checkpoint.load(decided), [], []
    for i, case in enumerate(ground_truth.synthetic_cases(4, loaded.config.audio)):
        features = torch.zeros(1, 98, 128)
        divided = faithfulness.parts(loaded.model, 98, 128)
        held = torch.tensor(ground_truth.mask(case.spans, 98, 128, 16000)).float()
        told = divided.mean(held[None]).unflatten(1, divided.grid)
        points = score.pointing(loaded, features, {"rollout": told, "gradient_input": -told}, case.spans)
        records.append({"patient": case.patient, "right": i < 3, "pointing": points})
        shares.append(float(held[:96].mean()))  # within the tiles, up to the two frames behind the last
    areas = dict.fromkeys(FILLS, dict.fromkeys([*faithfulness.BASELINES, "rollout", "gradient_input"], [0.5, 0.5]))
    records.append({"patient": "other", "right": True, "areas": areas})
    result = standing.summarise({"methods": ["rollout", "gradient_input"]}, records)
    assert result["faithfulness"]["cycles"] == 1 and result["ground_truth"]["labelled_right"]["windows"] == 3
    truth = result["ground_truth"]["all"]
    assert truth["windows"] == truth["patients"] == 4
    for kind in ("time", "band"):
        good, even = (truth["methods"][name][kind] for name in ("rollout", "gradient_input"))
        assert good["hit"] == 1 and good["hit_gain"]["low"] > 0 and good["inside"] > even["inside"]
        assert good["inside_gain"]["estimate"] == pytest.approx(good["inside"] - good["inside_chance"])
    methods = truth["methods"]["rollout"]
    assert methods["band"]["inside_chance"] == pytest.approx(float(np.mean(shares)), rel=0.1)
    assert methods["time"]["hit_chance"] > methods["band"]["hit_chance"]


@pytest.fixture
def tiny_sprsound(tmp_path):
    """Four patients with a recording of 3 s each, one to learn from; in each a short wheeze and a normal sound."""
    root, rng = tmp_path / "sprsound", np.random.default_rng(0)
    for i, split in enumerate(("train", "intra", "inter", "inter")):
        name = f"{40 + i}_5.2_0_p1_{i}"
        audio, annotations = (root / folder for folder in sprsound.SPLITS[split])
        for folder in (audio, annotations):
            folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(audio / f"{name}.wav", 0.05 * rng.standard_normal(24000), 8000)
        events = [("500", "900", "Wheeze"), ("1200", "2500", "Normal")]
        events = [dict(zip(("start", "end", "type"), event, strict=True)) for event in events]
        record = {"record_annotation": "CAS", "event_annotation": events}
        (annotations / f"{name}.json").write_text(json.dumps(record))
    return root


def test_the_command_scores_every_method_and_adds_to_the_file(decided, tiny_sprsound, own_test_log, capsys):
    args = ["score", "--model", str(decided), "--cycles", "2", "--device", "cpu"]
    assert command.main([*args, "--corpus", "sprsound", "--data", str(tiny_sprsound)]) == 0
    assert command.main([*args, "--corpus", "synthetic"]) == 0
    capsys.readouterr()
    assert command.main(["table", str(decided)]) == 0
    shown = capsys.readouterr().out
    written = json.loads((decided / "explain.json").read_text())
    assert list(written) == ["sprsound", "synthetic"]
    for result in written.values():
        assert result["methods"] == list(METHODS) == list(result["ground_truth"]["all"]["methods"])
    assert "faithfulness" not in written["synthetic"] and "standing" not in written["synthetic"]
    real = written["sprsound"]
    for orders in real["faithfulness"]["fills"].values():
        assert all(np.isfinite([areas["deletion"], areas["insertion"]]).all() for areas in orders.values())
    assert list(real["standing"]) == list(METHODS)
    assert real["model"] == checkpoint.run_digest(decided) and len(real["sample"]) == 2
    assert (real["faithfulness"]["cycles"], real["ground_truth"]["all"]["windows"]) == (2, 2)
    assert set(real["ground_truth"]["all"]["methods"]["rollout"]) == {"time"}
    assert set(written["synthetic"]["ground_truth"]["all"]["methods"]["rollout"]) == {"time", "band"}
    assert [shown.count(f"| {words} |") for words in faithfulness.BASELINE_TITLES.values()] == [1, 1, 1]
    assert {shown.count(f"| {method.title} |") for method in METHODS.values()} == {2}
    assert not own_test_log.exists()


def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_numbers(decided, tmp_path, monkeypatch):
    whole = score.score(decided, None, cycles=3, device="cpu", out=tmp_path / "whole")
    measure, asked = score.measure, []

    def killed(loaded, item, seed):
        asked.append(item.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return measure(loaded, item, seed)

    monkeypatch.setattr(score, "measure", killed)
    with pytest.raises(KeyboardInterrupt):
        score.score(decided, None, cycles=3, device="cpu", out=tmp_path / "cut")
    kept = tmp_path / "cut" / "explain_synthetic.jsonl"
    kept.write_bytes(kept.read_bytes() + b'{"synthetic 2": {"pat')  # a kill in the middle of a line
    assert not (tmp_path / "cut" / "explain.json").exists()
    assert score.score(decided, None, cycles=3, device="cpu", out=tmp_path / "cut") == whole
    assert asked == ["synthetic 0", "synthetic 1", "synthetic 2", "synthetic 2"]
    more = score.score(decided, None, cycles=4, device="cpu", out=tmp_path / "cut")
    assert asked[4:] == ["synthetic 3"] and more["ground_truth"]["all"]["windows"] == 4
    assert score.score(decided, None, cycles=3, device="cpu", out=tmp_path / "cut") == whole
    with pytest.raises(ValueError, match=r"other settings \(seed\)"):
        score.score(decided, None, cycles=3, seed=1, device="cpu", out=tmp_path / "cut")


def test_results_of_other_weights_are_not_shown(decided, tiny_sprsound):
    score.score(decided, None, cycles=2, device="cpu")
    assert standing.standings(standing.read(decided)) == {}  # no cycle was followed
    score.score(decided, data.load("sprsound", tiny_sprsound), cycles=2, device="cpu")
    assert set(standing.standings(standing.read(decided))) == set(METHODS)
    torch.manual_seed(1)
    config = checkpoint.load(decided).config
    checkpoint.save(decided, checkpoint.build(config), config, checkpoint.read_facts(decided))
    assert standing.standings(standing.read(decided)) == {}
    assert command.main(["table", str(decided)]) == 1


def test_the_sample_is_balanced_and_grows():
    clips = [Clip(f"r{i}", None, 0, 1, (int(i > 49),), "p", "", "", "test", "") for i in range(53)]
    drawn = score.sample(clips, 10, seed=0)
    assert sorted(clip.label for clip in drawn) == [0] * 7 + [1] * 3
    assert set(drawn) <= set(score.sample(clips, 20, seed=0)) and drawn != score.sample(clips, 10, seed=1)
    assert len(score.sample(clips, 100, seed=0)) == 53


def test_copies_of_a_short_cycle_are_explained_and_replaced_together(decided, monkeypatch):
    """0.4 s less the crossfade come again after 39.5 frames; 1.3 s fill the window of 1 s and do not."""
    explained, replaced = [], []
    relevance, follow = score.relevance, faithfulness.follow
    monkeypatch.setattr(score, "relevance", lambda *args: explained.append(args[4]) or relevance(*args))
    monkeypatch.setattr(
        faithfulness, "follow", lambda *args, **named: replaced.append(args[6]) or follow(*args, **named)
    )
    loaded, rng = checkpoint.load(decided), np.random.default_rng(0)
    for seconds in (0.4, 1.3):
        noise = 0.1 * rng.standard_normal(round(16000 * seconds)).astype(np.float32)
        score.measure(loaded, score.Item("a", noise, "normal", "p", True), seed=0)
    assert explained == len(METHODS) * [39.5] + len(METHODS) * [None]
    assert replaced == 2 * [39.5] + 2 * [None]


def test_a_network_without_attention_is_asked_what_it_can_answer(tiny_model):
    cnn = models.build(ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98))
    assert score.methods(tiny_model) == list(METHODS)
    assert score.methods(cnn) == [name for name, method in METHODS.items() if not method.needs_attention] != []


def test_errors_say_what_to_do(decided, tmp_path, capsys):
    assert command.main(["score", "--corpus", "synthetic", "--model", str(tmp_path / "none")]) == 1
    assert "error:" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["score", "--corpus", "icbhi", "--model", str(decided)])
    assert "--data is needed: the folder of icbhi" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["score", "--corpus", "synthetic", "--model", str(decided), "--cycles", "0"])
    assert "--cycles must be at least 1, got 0" in capsys.readouterr().err


def test_a_multi_label_model_is_refused(tmp_path):
    config = run_config("full", "table", "small")
    config = replace(config, model=replace(TINY, multi_label=True), data=replace(config.data, labels="table"))
    facts = {"corpus": "table", "protocol": "last", "learned_from": ["table"]}
    run = checkpoint.save(tmp_path / "multi", checkpoint.build(config), config, facts)
    with pytest.raises(ValueError, match="one label a clip, got a multi-label one"):
        score.score(run, None, cycles=1, device="cpu")
