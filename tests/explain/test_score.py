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
from rsc_core.data.loader import Waveforms
from rsc_core.explain import __main__ as command
from rsc_core.explain import faithfulness, ground_truth, score
from rsc_core.explain.relevance import METHODS
from rsc_core.explain.target import Target
from rsc_core.features import extract
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
    result = score.score(decided, None, cycles=4, device="cpu")
    good, bad = (result["faithfulness"]["methods"][name] for name in ("rollout", "gradient_input"))
    assert good["beats_baselines"] and not bad["beats_baselines"]
    assert good["deletion_gain"]["low"] > 0 and good["insertion_gain"]["low"] > 0
    assert bad["deletion_gain"]["high"] < 0 and bad["insertion_gain"]["high"] < 0
    orders = result["faithfulness"]["orders"]
    assert set(orders) == {*faithfulness.BASELINES, "rollout", "gradient_input"}
    random = orders["random"]
    gains = orders["rollout"]["insertion"] - orders["rollout"]["deletion"] - random["insertion"] + random["deletion"]
    assert good["over"]["random"]["estimate"] == pytest.approx(gains)
    assert good["deletion_gain"]["estimate"] == pytest.approx(random["deletion"] - orders["rollout"]["deletion"])
    text = score.table(result)
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(("rollout", "gradient"))][:2] == [
        "yes",
        "no",
    ]


def test_who_beats_random_tiles_but_one_baseline_not_does_not_beat_the_baselines(decided, oracle, monkeypatch):
    loaded = checkpoint.load(decided)
    clips = [(case.waveform, case.patient) for case in ground_truth.synthetic_cases(4, loaded.config.audio)]

    def as_good(features, divided, generator):
        with torch.no_grad():
            target = Target(int(loaded.model(features).argmax()))
        return losses(loaded.model, features, target).flatten(1)

    monkeypatch.setitem(faithfulness.BASELINES, "loudest", as_good)
    method = score.faithful(loaded, clips, "local_mean", seed=0)["methods"]["rollout"]
    assert method["over"]["random"]["low"] > 0
    assert method["over"]["loudest"] == {"estimate": 0, "low": 0, "high": 0} and not method["beats_baselines"]


def test_ground_truth_tells_who_points_at_the_sound(decided, monkeypatch):
    """A method that is shown the truth, and one that looks away from it."""
    loaded = checkpoint.load(decided)
    cases = []
    for i, case in enumerate(ground_truth.synthetic_cases(6, loaded.config.audio)):
        with torch.no_grad():
            features = extract(torch.tensor(case.waveform)[None], loaded.config.audio, loaded.config.features)
            said = loaded.config.model.classes[int(loaded.model(features).argmax())]
        cases.append(replace(case, label=said if i < 4 else f"not {said}"))
    held = [torch.tensor(ground_truth.mask(c.spans, 98, 128, 16000)) for c in cases]
    turn = iter([h for h in held for _ in range(2)])

    def told(model, features, name, target, period=None):
        divided = faithfulness.parts(model, 98, 128)
        values = divided.mean(next(turn)[None].float()).unflatten(1, divided.grid)
        return values if name == "rollout" else -values

    monkeypatch.setattr(score, "relevance", told)
    monkeypatch.setattr(score, "METHODS", {name: METHODS[name] for name in ("rollout", "gradient_input")})
    result = score.grounded(loaded, cases)
    assert result["all"]["windows"] == result["all"]["patients"] == 6
    assert result["labelled_right"]["windows"] == 4
    share = [h[:96].float().mean() for h in held]  # within the tiles, up to the two frames behind the last
    for part, shares in (("all", share), ("labelled_right", share[:4])):
        found = result[part]["methods"]["rollout"]["band"]["inside_chance"]
        assert found == pytest.approx(float(np.mean(shares)), rel=0.05)
    for kind in ("time", "band"):
        good, even = (result["all"]["methods"][name][kind] for name in ("rollout", "gradient_input"))
        assert good["hit"] == 1 and good["hit_gain"]["low"] > 0
        assert (
            good["inside_gain"]["estimate"] == pytest.approx(good["inside"] - good["inside_chance"])
            and good["inside"] > even["inside"]
        )
    assert (
        result["all"]["methods"]["rollout"]["time"]["hit_chance"]
        > result["all"]["methods"]["rollout"]["band"]["hit_chance"]
    )


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
    shown = capsys.readouterr().out
    assert command.main([*args, "--corpus", "synthetic", "--fill", "matched_noise"]) == 0
    written = json.loads((decided / "explain.json").read_text())
    assert list(written) == ["sprsound local_mean", "synthetic matched_noise"]
    for result in written.values():
        assert set(result["faithfulness"]["methods"]) == set(METHODS)
        assert set(result["ground_truth"]["all"]["methods"]) == set(METHODS)
        assert all(np.isfinite(list(areas.values())).all() for areas in result["faithfulness"]["orders"].values())
    real = written["sprsound local_mean"]
    assert (real["faithfulness"]["cycles"], real["ground_truth"]["all"]["windows"]) == (2, 2)
    assert set(real["ground_truth"]["all"]["methods"]["rollout"]) == {"time"}
    assert set(written["synthetic matched_noise"]["ground_truth"]["all"]["methods"]["rollout"]) == {"time", "band"}
    assert all(name in shown for name in METHODS) and "the local mean" in shown
    assert not own_test_log.exists()


def test_copies_of_a_short_cycle_are_explained_and_replaced_together(decided, tiny_sprsound, monkeypatch):
    """0.4 s less the crossfade come again after 39.5 frames; 1.3 s fill the window of 1 s and do not."""
    explained, replaced = [], []
    relevance, curves = score.relevance, faithfulness.curves

    def listen(kept, function, place):
        def heard(*args, **named):
            kept.append(args[place] if len(args) > place else named["period"])
            return function(*args, **named)

        return heard

    monkeypatch.setattr(score, "relevance", listen(explained, relevance, 4))
    monkeypatch.setattr(faithfulness, "curves", listen(replaced, curves, 6))
    corpus = data.load("sprsound", tiny_sprsound)
    loaded, clips = checkpoint.load(decided), [c for c in corpus.clips if c.split == "intra"]
    waveforms = Waveforms(clips, loaded.config.audio, progress=False)
    cut = [(waveforms.cut(c, c.start_s, c.end_s), c.patient) for c in clips]
    score.faithful(loaded, cut, "local_mean", seed=0)
    assert (explained, replaced) == (
        len(METHODS) * [39.5] + len(METHODS) * [None],
        (len(METHODS) + 11) * [39.5] + (len(METHODS) + 11) * [None],
    )


def test_the_same_seed_gives_the_same_file(decided, tiny_icbhi, tmp_path):
    """On a corpus without marked events there is no ground truth; its cycles are longer than the window."""
    args = ["score", "--corpus", "icbhi", "--data", str(tiny_icbhi), "--model", str(decided), "--cycles", "1"]
    for name in "ab":
        assert command.main([*args, "--device", "cpu", "--out", str(tmp_path / name)]) == 0
    first, again = ((tmp_path / name).read_text() for name in "ab")
    assert first == again and "ground_truth" not in json.loads(first)["icbhi local_mean"]
    assert not (decided / "explain.json").exists()


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
