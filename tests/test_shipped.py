"""The checkpoints that come with the project."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForAudioClassification

from rsc_core import checkpoint
from rsc_core.explain import standing
from rsc_core.explain.relevance import METHODS
from rsc_core.presets import PRESETS
from rsc_core.tuning import count_trainable

FOLDER = Path(__file__).parents[1] / "checkpoints"
SHIPPED = {
    "icbhi-adapter": 5.0,
    "icbhi-full": 5.0,
    "icbhi-lora": 5.0,
    "sprsound-base": 5.0,
    "sprsound-cnn": 2.5,
    "sprsound-cnn-seven": 2.5,
    "sprsound-guardian": 8.0,
}
"""Name -> window in seconds."""


def features(model):
    return torch.randn(2, *model.input_shape, generator=torch.Generator().manual_seed(0))


def test_exactly_these_are_shipped_and_stay_small():
    assert sorted(p.parent.name for p in FOLDER.glob("*/rsc.json")) == list(SHIPPED)
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) < 60e6


@pytest.mark.parametrize("name, corpus", [("sprsound-base", "sprsound"), ("icbhi-lora", "icbhi")])
def test_its_methods_of_explaining_were_scored_with_these_weights(name, corpus):
    result = standing.read(FOLDER / name)[corpus]
    assert result["faithfulness"]["cycles"] == 200 and set(result["standing"]) == set(METHODS)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_loads_and_its_facts_are_true(name):
    loaded = checkpoint.load(FOLDER / name)
    assert loaded.config.preset in PRESETS
    assert loaded.config.audio.window_s == SHIPPED[name]
    assert loaded.facts["trainable"] == count_trainable(loaded.model)
    assert loaded.facts["parameters"] == sum(p.numel() for p in loaded.model.parameters())
    with torch.no_grad():
        assert torch.isfinite(loaded.model(features(loaded.model))).all()


@pytest.mark.parametrize("name", ["icbhi-full", "sprsound-base"])
def test_transformers_loads_it(name):
    hf = AutoModelForAudioClassification.from_pretrained(FOLDER / name)
    with torch.no_grad():
        ours = checkpoint.load(FOLDER / name).model
        torch.testing.assert_close(hf(features(ours)).logits, ours(features(ours)), atol=1e-5, rtol=0)


def test_peft_loads_the_lora():
    base = AutoModelForAudioClassification.from_pretrained(FOLDER / "sprsound-base")
    hf = PeftModel.from_pretrained(base, FOLDER / "icbhi-lora").eval()
    with torch.no_grad():
        ours = checkpoint.load(FOLDER / "icbhi-lora").model
        torch.testing.assert_close(hf(features(ours)).logits, ours(features(ours)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "sprsound-cnn-seven"])
def test_the_table_says_what_the_evaluation_found(name):
    corpus = "SPRSound" if name.startswith("sprsound") else "ICBHI"
    rows = (FOLDER / "README.md").read_text().splitlines()
    row = next(r for r in rows if r.startswith(f"| `{name}`") and f"| {corpus}" in r)
    facts = checkpoint.read_facts(FOLDER / name)
    assert f"{facts['parameters']:,}" in row and f"{facts['trainable']:,}" in row
    results = json.loads((FOLDER / name / "metrics.json").read_text())
    result = results["sprsound test" if name.startswith("sprsound") else "icbhi test"]
    low, high = result["score_interval"]
    for number in (result["specificity"], result["sensitivity"], result["score"], low, high):
        assert f"{number:.1f}" in row


def test_nothing_shipped_names_a_place_of_one_machine():
    for path in FOLDER.rglob("*.json"):
        assert '"/' not in path.read_text(), path
