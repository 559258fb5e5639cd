import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rsc_core import audio, checkpoint, inference, segmentation, synth
from rsc_core.audio import AudioError
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import run_config
from rsc_core.cycles import AnnotationError
from rsc_core.data.loader import windows
from rsc_core.features import extract
from rsc_core.inference import Analyser, annotation_beside
from rsc_core.ui import markup, texts
from tests.conftest import TINY


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    """A base, a full and a LoRA model that differ, with windows of 1 s."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    base = ["SPRSound"]
    for name, preset, backbone, lineage in [
        ("base", "full", "small", base),
        ("tuned-full", "full", str(folder / "base"), [*base, "ICBHI 2017"]),
        ("tuned-lora", "lora", str(folder / "base"), [*base, "ICBHI 2017"]),
    ]:
        config = run_config(preset, "icbhi", backbone)
        config = replace(config, model=TINY, audio=replace(config.audio, window_s=1.0))
        model = checkpoint.build(config)
        with torch.no_grad():
            model.hf.classifier.dense.weight.normal_(std=0.5)
        checkpoint.save(
            folder / name, model, config, {"corpus": lineage[-1], "protocol": "last", "learned_from": lineage}
        )
    return Analyser(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A synthesised 8 s recording with its annotation beside it."""
    path = tmp_path_factory.mktemp("sound") / "breath.wav"
    synth.write(path, synth.example("Fine crackles", 8.0))
    return path


def test_tuned_models_come_first_and_cards_say_where_the_base_is_from(analyser):
    assert list(analyser.cards) == ["tuned-full", "tuned-lora", "base"]
    assert analyser.default == "tuned-full"
    assert analyser.cards["tuned-lora"].base == "base learned from children's lungs (SPRSound)"
    assert analyser.cards["base"].base == "learned from children's lungs (SPRSound)"
    card = analyser.cards["tuned-lora"]
    assert card.trainable < card.parameters and np.isnan(card.score)


def test_probabilities_are_the_models_own(analyser, sound):
    analysis = analyser.analyse(sound, "tuned-full", annotation_beside(sound))
    assert analysis.annotated and {c.label for c in analysis.cycles} == {"crackle"}
    loaded = checkpoint.load(analyser.folder / "tuned-full")
    cycle = analysis.cycles[1]
    samples = analysis.recording.waveform[round(cycle.start_s * 16000) : round(cycle.end_s * 16000)]
    starts = np.linspace(0, len(samples) - 16000, int(np.ceil(len(samples) / 16000))).round().astype(int)
    batch = torch.tensor(np.stack([samples[s : s + 16000] for s in starts]))
    with torch.no_grad():
        expected = loaded.model(extract(batch, loaded.config.audio, loaded.config.features)).softmax(1).mean(0)
    np.testing.assert_allclose(analysis.probabilities[1], expected, atol=1e-5)
    np.testing.assert_allclose(analysis.probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(analysis.crackle_present, analysis.probabilities[:, [1, 3]].sum(axis=1), atol=1e-6)


def test_without_an_annotation_cycles_are_found_in_the_sound(analyser, sound):
    analysis = analyser.analyse(sound)
    assert analysis.segmented and not analysis.annotated
    assert analysis.cycles == segmentation.breaths(analysis.recording.waveform, analysis.recording.sample_rate)
    assert len(analysis.probabilities) == len(analysis.cycles) >= 2
    assert analyser.relabel(analysis, "tuned-lora").segmented
    assert texts.analyse.FOUND in markup.remarks(analysis)
    assert (texts.analyse.TURNS in markup.remarks(analysis)) == any(
        c.inspiration_end_s is not None for c in analysis.cycles
    )


def test_where_nobody_breathes_windows_cover_the_recording(analyser, tmp_path):
    soundfile.write(tmp_path / "noise.wav", 0.1 * np.random.default_rng(0).standard_normal(128000), 16000)
    analysis = analyser.analyse(tmp_path / "noise.wav")
    assert not analysis.annotated and not analysis.segmented
    assert [(c.start_s, c.end_s) for c in analysis.cycles] == [(float(i), float(i + 1)) for i in range(8)]
    assert texts.analyse.WINDOWS.format(seconds=1) in markup.remarks(analysis)


def test_level_does_not_decide(analyser, sound, tmp_path):
    """The same sound 30 dB quieter gets the same probabilities."""
    samples, rate = soundfile.read(sound)
    soundfile.write(tmp_path / "quiet.wav", samples * 10 ** (-30 / 20), rate, subtype="FLOAT")
    loud, quiet = analyser.analyse(sound), analyser.analyse(tmp_path / "quiet.wav")
    np.testing.assert_allclose(loud.probabilities, quiet.probabilities, atol=1e-3)


@pytest.mark.parametrize("first", ["base", "as_stored"])
def test_every_model_is_given_its_own_level(analyser, sound, tmp_path, first):
    """One that reads recordings as they are stored, whichever model labelled them before."""
    shutil.copytree(analyser.folder / "base", tmp_path / "base")
    config = checkpoint.load(tmp_path / "base").config
    model = checkpoint.build(config)
    with torch.no_grad():
        model.hf.classifier.dense.weight.normal_(std=0.5)
    stored = replace(config, audio=replace(config.audio, level="none"))
    checkpoint.save(
        tmp_path / "as_stored", model, stored, {"corpus": "SPRSound", "learned_from": ["SPRSound"], "protocol": "last"}
    )
    both = Analyser(tmp_path)
    before = both.analyse(sound, first)
    for name in ("base", "as_stored"):
        found = both.relabel(before, name).probabilities
        config = checkpoint.load(tmp_path / name).config
        recording = audio.load(sound, level=config.audio.level)
        cycle = before.cycles[0]
        samples = recording.waveform[round(cycle.start_s * 16000) : round(cycle.end_s * 16000)]
        features = extract(torch.from_numpy(windows(samples, config.audio)), config.audio, config.features)
        with torch.inference_mode():
            direct = checkpoint.load(tmp_path / name).model(features).softmax(dim=1).mean(dim=0)
        np.testing.assert_allclose(found[0], direct, atol=1e-3)


def test_a_long_recording_says_how_far_its_labelling_has_come(analyser, tmp_path):
    samples = np.tile(synth.example("Wheeze", 10.0).waveform, 5)
    soundfile.write(tmp_path / "long.wav", samples, 44100)
    steps, said = analyser.analysing(tmp_path / "long.wav"), []
    with pytest.raises(StopIteration) as end:
        while True:
            said.append(next(steps))
    total = said[0][1]
    assert total > inference.BATCH and said == [(done, total) for done in range(0, total, inference.BATCH)]
    np.testing.assert_array_equal(end.value.value.probabilities, analyser.analyse(tmp_path / "long.wav").probabilities)
    assert 'value="32" max="64"' in markup.labelling(32, 64)


def test_relabelling_equals_a_new_analysis(analyser, sound):
    first = analyser.analyse(sound, "tuned-full")
    again = analyser.relabel(first, "tuned-lora")
    assert again.model.name == "tuned-lora"
    np.testing.assert_array_equal(again.probabilities, analyser.analyse(sound, "tuned-lora").probabilities)
    assert np.abs(again.probabilities - first.probabilities).max() > 1e-3


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.0, 3.3])
def test_views_of_short_and_long_cycles_lie_on_the_cycle(analyser, sound, tmp_path, seconds):
    """Maps end where the cycle ends, also when the model saw copies of it or several windows."""
    annotation = tmp_path / "cycle.txt"
    annotation.write_text(f"2.0\t{2 + seconds}\t0\t0\n")
    analysis = analyser.analyse(sound, "tuned-lora", annotation)
    view = analyser.view(analysis, 0)
    assert len(view.waveform) == round(seconds * 16000)
    assert view.log_mel["db"].values.shape == (128, max(1, 1 + (round(seconds * 16000) - 400) // 160))
    assert [s.values.shape for s in view.hybrid["model"]] == [(84, 1 + int(seconds * 22000) // 256)] * 3
    for look in view.attention:
        assert look.values.shape == (8, round(seconds * 100))
        assert look.values.sum() == pytest.approx(1, abs=1e-4) and (look.values >= 0).all()
        assert len(look.edges_hz) == 9 and (np.diff(look.edges_hz) > 0).all()
        assert (look.start_s, look.end_s) == (2.0, 2 + seconds)


def test_pictures_in_db_and_as_the_model_sees_them_agree(analyser, sound):
    view = analyser.view(analyser.analyse(sound), 0)
    config = checkpoint.load(analyser.folder / "tuned-full").config.features
    natural = view.log_mel["db"].values * np.log(10) / 10
    np.testing.assert_allclose(view.log_mel["model"].values, (natural - config.mean) / (2 * config.std), atol=1e-4)
    standardised = view.hybrid["model"][0].values
    np.testing.assert_allclose(standardised.std(axis=1, ddof=1), 1, atol=0.05)


def test_mistakes_are_answered(analyser, sound, tmp_path):
    with pytest.raises(CheckpointError, match='no model "nobody" in .*; there are: tuned-full, tuned-lora, base'):
        analyser.analyse(sound, "nobody")
    with pytest.raises(AudioError, match="no such file"):
        analyser.analyse(tmp_path / "none.wav")
    (tmp_path / "late.txt").write_text("100.0\t101.0\t0\t0\n")
    with pytest.raises(AnnotationError, match="belongs to another recording"):
        analyser.analyse(sound, annotation=tmp_path / "late.txt")


def test_an_empty_folder_has_no_models(tmp_path):
    empty = Analyser(tmp_path)
    assert empty.cards == {} and empty.default == ""
    with pytest.raises(CheckpointError, match="none yet"):
        empty.analyse("sound.wav")


def test_a_network_without_attention_labels_and_shows_the_rest(tmp_path, sound):
    torch.manual_seed(0)
    config = run_config("cnn", "icbhi", "small")
    facts = {"corpus": "SPRSound", "protocol": "validated", "learned_from": ["SPRSound"]}
    checkpoint.save(tmp_path / "runs" / "cnn", checkpoint.build(config), config, facts)
    analyser = Analyser(tmp_path / "runs")
    analysis = analyser.analyse(sound)
    view = analyser.view(analysis, 0)
    assert view.attention == () and view.log_mel["db"].values.size and len(view.hybrid["db"]) == 3
    assert analysis.probabilities.sum(axis=1) == pytest.approx(1)


def test_the_default_is_the_model_with_the_highest_score(analyser, tmp_path):
    shutil.copytree(analyser.folder, tmp_path / "runs")
    for name, score in (("base", 60.0), ("tuned-lora", 70.0)):
        result = {"corpus": "SPRSound", "split": "test", "score_interval": [50, 80]}
        result |= {"specificity": score, "sensitivity": score, "score": score}
        (tmp_path / "runs" / name / "metrics.json").write_text(json.dumps({"sprsound test": result}))
    cards = Analyser(tmp_path / "runs").cards
    assert Analyser(tmp_path / "runs").default == "tuned-lora"
    assert "On the same clips tuned-lora scores higher: 70.0." in markup.model_card(cards["base"], cards.values())
    for name in ("tuned-lora", "tuned-full"):  # the best; one that was not evaluated there
        assert "scores higher" not in markup.model_card(cards[name], cards.values())


def test_a_card_tells_how_a_model_does_on_another_corpus(analyser, tmp_path):
    shutil.copytree(analyser.folder / "base", tmp_path / "runs" / "base")
    facts = tmp_path / "runs" / "base" / "rsc.json"
    corpus = json.loads(facts.read_text())["config"]["corpus"]
    found = {}
    for name, title, score in (("elsewhere", "A & B", 41.25), (corpus, "Own", 60.0)):
        found[f"{name} test"] = {"corpus": title, "split": "test", "score_interval": [50, 80], "score": score}
        found[f"{name} test"] |= {"specificity": score, "sensitivity": score}
    found["tasks test"] = {"corpus": "without a Score", "split": "test"}
    (facts.parent / "metrics.json").write_text(json.dumps(found))
    card = Analyser(tmp_path / "runs").cards["base"]
    assert (card.corpus, card.score, card.elsewhere) == ("Own, test", 60.0, (("A & B, test", 41.25),))
    shown = markup.model_card(card, [card])
    assert "<dt>Elsewhere</dt><dd>41.2 on A &amp; B, test</dd>" in shown
    assert "Elsewhere" not in markup.model_card(replace(card, elsewhere=()), [card])
