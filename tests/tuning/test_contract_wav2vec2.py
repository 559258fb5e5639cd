"""The contract of ``test_contract.py`` for the tunings that apply to wav2vec 2.0."""

from dataclasses import replace

import pytest
import torch
from transformers import Wav2Vec2Config

from rsc_core import checkpoint, models, tuning
from rsc_core.config import FeatureConfig, ModelConfig, run_config, to_json
from rsc_core.explain.attention import attends
from rsc_core.models.wav2vec2 import UNMASKED, Classifier, Wav2Vec2

TINY = ModelConfig("wav2vec2", hidden_size=32, layers=2, heads=2, intermediate_size=64, frames=20)
WIDTH, LAYERS = 768, 12
HEAD = 2 * WIDTH + 4 * (WIDTH + 1)

# name, options, trainable parameters on the base geometry with four classes
CASES = [
    ("linear", {}, HEAD),
    ("lora", {"rank": 8, "targets": ("k", "v")}, HEAD + LAYERS * 2 * 2 * WIDTH * 8),
    ("prefix", {"tokens": 24}, HEAD + LAYERS * 24 * WIDTH),
    ("prompt", {"tokens": 25}, HEAD + LAYERS * 25 * WIDTH),
    ("prompt", {"tokens": 200, "deep": False, "pooling": "prompts"}, HEAD + 200 * WIDTH),
    ("ipet", {"prompts": 4, "rank": 32}, 640_900),
    ("ipet", {"prompts": 0, "rank": 64, "learn_scale": True}, HEAD + LAYERS * (2 * WIDTH * 64 + 64 + WIDTH + 1)),
    ("full", {}, 94_371_712 - WIDTH + HEAD),  # transformers' own, without its mask token
]
VIRTUAL = ("prefix", "prompt")  # these do not start as the base
NAMES = ["-".join(map(str, [name, *options.values()])) for name, options, _ in CASES]
CLIPS = torch.randn(3, 3200, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=CASES, ids=NAMES)
def case(request):
    name, options, count = request.param
    return name, tuning.configure(name, options), count


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return models.build(TINY).eval()


def test_trainable_count_on_the_base_geometry(case):
    name, config, count = case
    with torch.device("meta"):
        model = Wav2Vec2(Classifier(Wav2Vec2Config(num_labels=4, **UNMASKED)), 80000)
        tuning.apply(model, name, config)
    assert tuning.count_trainable(model) == count


def test_equals_the_base_model_at_step_0_where_it_starts_at_zero(case, tiny):
    name, config, _ = case
    with torch.no_grad():
        before = tiny(CLIPS)
        tuning.apply(tiny, name, config)
        virtual = name in VIRTUAL or getattr(config, "prompts", 0) > 0
        assert torch.equal(tiny.eval()(CLIPS), before) != virtual


def test_exactly_the_declared_parameters_move(case, tiny):
    name, config, _ = case
    tuning.apply(tiny, name, config)
    before = {n: p.detach().clone() for n, p in tiny.named_parameters()}
    declared = {n for n, p in tiny.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD([p for p in tiny.parameters() if p.requires_grad], lr=0.5)
    tiny.train()
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(tiny(CLIPS), torch.tensor([0, 1, 2])).backward()
        optimizer.step()
    moved = {n for n, p in tiny.named_parameters() if not torch.equal(p, before[n])}
    # A key's bias shifts all scores of a query alike, so softmax leaves it without a gradient.
    assert moved | {n for n in declared - moved if n.endswith("k_proj.bias")} == declared


def test_a_saved_run_loads_under_another_seed(case, tiny, tmp_path):
    name, config, _ = case
    run = replace(run_config("full", "icbhi", "small"), model=TINY, features=FeatureConfig("waveform"))
    facts = {"learned_from": [], "corpus": "", "protocol": "last"}
    base = checkpoint.save(tmp_path / "base", tiny, run, facts)
    run = replace(run, backbone=str(base), tuning=name, tuning_options=to_json(config))
    model = checkpoint.build(run).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in (p for p in model.parameters() if p.requires_grad):
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
        expected = model(CLIPS)
        folder = checkpoint.save(tmp_path / "run", model, run, facts)
        torch.manual_seed(99)
        torch.testing.assert_close(checkpoint.load(folder).model(CLIPS), expected, atol=1e-6, rtol=0)


def test_every_tuning_that_goes_onto_it_is_in_the_table():
    assert {name for name, _, _ in CASES} == set(tuning.GOES_ONTO["wav2vec2"])


def test_what_needs_a_spectrogram_or_special_tokens_is_refused(tiny):
    assert not attends(tiny)
    with pytest.raises(ValueError, match="border of a spectrogram"):
        tuning.apply(tiny, "ipet", tuning.configure("ipet", {"border": 4}))
    with pytest.raises(ValueError, match="choose one of all, prompts, patches, prompts_patches"):
        tuning.apply(tiny, "prompt", tuning.configure("prompt", {"pooling": "cls"}))
