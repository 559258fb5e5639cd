import json
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForAudioClassification

from rsc_core import checkpoint
from rsc_core.checkpoint import CheckpointError
from rsc_core.config import run_config
from tests.conftest import TINY

FACTS = {"corpus": "ICBHI 2017", "protocol": "validated", "learned_from": ["ICBHI 2017"]}
PEFT = ["lora", "lora_qv", "dora", "pissa", "ia3"]
TUNED = ["linear", *PEFT, "adapter", "adapter_houlsby", "ln_tuning", "bitfit", "conformer", "soft_moa"]


def features():
    return torch.randn(2, 98, 128, generator=torch.Generator().manual_seed(1))


def logits(model):
    with torch.no_grad():
        return model.eval()(features())


def disturb(model):
    """Stand-in for training: every learning parameter moves."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture
def base(tmp_path):
    """A saved full model."""
    torch.manual_seed(0)
    config = replace(run_config("full", "icbhi", "small"), model=TINY)
    return checkpoint.save(tmp_path / "base", disturb(checkpoint.build(config)), config, FACTS)


def tuned_run(preset, base, folder, half=False, options=None):
    config = replace(run_config(preset, "icbhi", str(base), tuning_options=options), model=TINY)
    model = disturb(checkpoint.build(config))
    return model, checkpoint.save(folder, model, config, FACTS, half)


@pytest.mark.parametrize("preset", ["full", *TUNED])
def test_round_trip_under_another_seed(preset, base, tmp_path):
    model, folder = tuned_run(preset, base, tmp_path / "run")
    torch.manual_seed(99)
    loaded = checkpoint.load(folder)
    torch.testing.assert_close(logits(loaded.model), logits(model), atol=1e-6, rtol=0)
    assert not torch.allclose(logits(loaded.model), logits(checkpoint.load(base).model), atol=1e-3)
    assert loaded.facts["trainable"] == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert loaded.config == replace(run_config(preset, "icbhi", str(base)), model=TINY)
    assert not list(folder.glob(".partial"))


@pytest.mark.parametrize("preset", TUNED)
def test_exactly_the_trained_tensors_are_saved(preset, base, tmp_path):
    model, folder = tuned_run(preset, base, tmp_path / "run")
    saved = load_file(next(folder.glob("*.safetensors")))
    expected = {n: p for n, p in model.named_parameters() if p.requires_grad}
    expected |= {n: b for n, b in model.named_buffers() if ".batch_norm." in n}
    if preset in PEFT:
        spelling = {"hf.": "base_model.model.", ".default": "", "magnitude_vector.weight": "magnitude_vector"}
        for ours, theirs in spelling.items():
            expected = {n.replace(ours, theirs, 1): p for n, p in expected.items()}
    assert set(saved) == set(expected)
    if preset == "pissa":  # joined with its first factors, which stand behind
        saved = {n: t[:8] if "lora_A" in n else t[:, :8] if "lora_B" in n else t for n, t in saved.items()}
    assert all(torch.equal(saved[n], p) for n, p in expected.items())


def test_full_run_is_a_transformers_folder(base):
    hf = AutoModelForAudioClassification.from_pretrained(base)
    with torch.no_grad():
        torch.testing.assert_close(hf(features()).logits, logits(checkpoint.load(base).model), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        *((preset, {}) for preset in PEFT),
        ("lora", {"scaling": "sqrt_rank", "alpha": 2.0, "targets": ("o", "fc1", "fc2")}),
        ("dora", {"scaling": "sqrt_rank", "alpha": 2.0}),
        ("pissa", {"scaling": "sqrt_rank", "alpha": 2.0, "rank": 3, "targets": ("q", "fc1", "fc2")}),
    ],
)
def test_a_run_of_pefts_layers_is_a_peft_folder(preset, options, base, tmp_path):
    model, folder = tuned_run(preset, base, tmp_path / "run", options=options)
    torch.testing.assert_close(logits(checkpoint.load(folder).model), logits(model), atol=1e-6, rtol=0)
    hf = PeftModel.from_pretrained(AutoModelForAudioClassification.from_pretrained(base), folder).eval()
    with torch.no_grad():
        torch.testing.assert_close(hf(features()).logits, logits(model), atol=1e-6, rtol=0)
        if preset != "ia3":  # peft's IA3 cannot be unloaded beside a saved head
            merged = hf.merge_and_unload()
            torch.testing.assert_close(merged(features()).logits, logits(model), atol=1e-5, rtol=0)


def test_pissa_does_not_depend_on_the_decomposition_it_is_loaded_with(base, tmp_path, monkeypatch):
    """Singular values may coincide; here the other directions come first."""
    model, folder = tuned_run("pissa", base, tmp_path / "run")
    svd = torch.linalg.svd
    monkeypatch.setattr(torch.linalg, "svd", lambda w, full_matrices: tuple(t.flip(-1) for t in svd(w)))
    torch.testing.assert_close(logits(checkpoint.load(folder).model), logits(model), atol=1e-6, rtol=0)


def test_pissa_leaves_the_bases_weights_alone(base, tmp_path):
    model, _ = tuned_run("pissa", base, tmp_path / "run")
    state = checkpoint.load(base).model.state_dict()
    tuned = {n.replace(".base_layer.", "."): t for n, t in model.state_dict().items()}
    assert all(torch.equal(tuned[n], t) for n, t in state.items() if "classifier" not in n)


@pytest.mark.parametrize("preset", ["full", "lora", "adapter", "pissa"])
def test_half_precision_loads_as_float32_and_stays_close(preset, base, tmp_path):
    model, folder = tuned_run(preset, base, tmp_path / "run", half=True)
    assert {t.dtype for t in load_file(next(folder.glob("*.safetensors"))).values()} == {torch.float16}
    loaded = checkpoint.load(folder).model
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(loaded), logits(model), atol=2e-2, rtol=0)


def test_shipping_halves_a_run(base, tmp_path):
    model, folder = tuned_run("lora", base, tmp_path / "run")
    assert checkpoint.main([str(folder), str(tmp_path / "deep" / "shipped")]) == 0
    shipped = checkpoint.load(tmp_path / "deep" / "shipped")
    torch.testing.assert_close(logits(shipped.model), logits(model), atol=2e-2, rtol=0)
    assert shipped.facts["corpus"] == "ICBHI 2017"
    assert checkpoint.main([str(tmp_path), str(tmp_path / "nothing")]) == 1


def test_a_run_moved_with_its_base_still_loads(base, tmp_path):
    model, folder = tuned_run("lora", base, tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    for path in (base, folder):
        path.rename(tmp_path / "elsewhere" / path.name)
    moved = checkpoint.load(tmp_path / "elsewhere" / "run").model
    torch.testing.assert_close(logits(moved), logits(model), atol=1e-6, rtol=0)


def test_another_base_is_refused(base, tmp_path):
    _, folder = tuned_run("lora", base, tmp_path / "run")
    config = replace(run_config("full", "icbhi", "small"), model=TINY)
    torch.manual_seed(5)
    checkpoint.save(base, checkpoint.build(config), config, FACTS)
    with pytest.raises(CheckpointError, match="was trained on other weights than"):
        checkpoint.load(folder)


def test_a_missing_base_is_named(base, tmp_path):
    _, folder = tuned_run("adapter", base, tmp_path / "run")
    base.rename(tmp_path / "away")
    with pytest.raises(CheckpointError, match="needs its base model at .*base, which is not there"):
        checkpoint.load(folder)


def test_missing_and_damaged_files_are_named(base, tmp_path):
    with pytest.raises(CheckpointError, match="holds no rsc.json, so it is not a run folder"):
        checkpoint.load(tmp_path)
    _, folder = tuned_run("adapter", base, tmp_path / "run")
    (folder / "weights.safetensors").rename(tmp_path / "kept.safetensors")
    with pytest.raises(CheckpointError, match="weights.safetensors is missing"):
        checkpoint.load(folder)
    facts = json.loads((folder / "rsc.json").read_text())
    facts["config"]["train"]["unheard_of"] = 1
    (folder / "rsc.json").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match="written by another version .*has no unheard_of"):
        checkpoint.load(folder)
    (folder / "rsc.json").write_text("{")
    with pytest.raises(CheckpointError, match="rsc.json is damaged"):
        checkpoint.load(folder)


def test_tensors_of_another_tuning_are_refused(base, tmp_path):
    _, folder = tuned_run("adapter", base, tmp_path / "run")
    _, other = tuned_run("adapter_houlsby", base, tmp_path / "other")
    (other / "weights.safetensors").rename(folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match="does not hold the tensors its tuning trains"):
        checkpoint.load(folder)


def test_a_tuning_needs_a_full_base(base, tmp_path):
    _, folder = tuned_run("lora", base, tmp_path / "run")
    with pytest.raises(CheckpointError, match="a tuning is laid over a full model only"):
        tuned_run("adapter", folder, tmp_path / "second")


def test_a_backbone_that_is_nowhere_is_named():
    with pytest.raises(CheckpointError, match='"no/such" is neither a checkpoint folder nor a model'):
        checkpoint.build(run_config("lora", "icbhi", "no/such"))


def test_facts_are_plain_json_with_versions(base):
    facts = json.loads((base / "rsc.json").read_text())
    assert facts["corpus"] == "ICBHI 2017"
    assert set(facts["versions"]) == {"python", "torch", "transformers", "peft"}
