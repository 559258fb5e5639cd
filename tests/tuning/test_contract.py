"""Every tuning keeps the same contract."""

import copy
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import ASTConfig, ASTForAudioClassification

from rsc_core import checkpoint, tuning
from rsc_core.config import PRESETS, run_config
from rsc_core.explain.attention import record_attention
from rsc_core.models import spectrogram_transformer
from rsc_core.models.spectrogram_transformer import SpectrogramTransformer
from tests.conftest import TINY

# name, options, trainable parameters on AST-base geometry (1,024 frames) with four classes
CASES = [
    ("linear", {}, 4_612),
    ("lora", {"rank": 8, "targets": ("k", "v")}, 299_524),
    ("lora", {"rank": 12, "targets": ("q", "v")}, 446_980),
    ("lora", {"rank": 8, "targets": ("q", "k", "v", "o")}, 594_436),
    ("adapter", {"bottleneck": 12}, 253_588),
    ("adapter", {"bottleneck": 24, "order": "parallel"}, 474_916),
    ("adapter", {"bottleneck": 12, "placement": "houlsby"}, 502_564),
    ("adapter", {"bottleneck": 12, "placement": "houlsby", "order": "parallel"}, 502_564),
    ("adapter", {"bottleneck": 12, "placement": "hydra"}, 484_132),
    ("adapter", {"bottleneck": 12, "train_layernorm": False}, 235_156),
    ("adapter", {"bottleneck": 12, "place": "attention", "side": "before"}, 253_588),
    ("adapter", {"bottleneck": 12, "residual": "off"}, 253_588),
    ("adapter", {"bottleneck": 12, "order": "parallel", "residual": "on"}, 253_588),
    ("adapter", {"kind": "convpass", "bottleneck": 12}, 258_916),
    ("adapter", {"kind": "convpass", "bottleneck": 12, "placement": "houlsby"}, 513_220),
    ("adapter", {"kind": "convpass", "bottleneck": 12, "placement": "hydra"}, 494_788),
    ("adapter", {"kind": "convpass", "bottleneck": 12, "placement": "hydra", "place": "attention"}, 494_788),
    ("adapter", {"kind": "conformer", "bottleneck": 8, "order": "parallel"}, 275_332),
    ("adapter", {"kind": "conformer", "bottleneck": 8, "placement": "houlsby"}, 546_052),
    ("mixture", {"kind": "dense"}, 926_800),
    ("mixture", {"kind": "dense", "place": "mlp"}, 926_800),
    ("mixture", {"kind": "soft"}, 926_716),
    ("mixture", {"kind": "soft", "slots": 1, "normalize": True}, 926_728),
    ("mixture", {"kind": "soft", "place": "both"}, 1_848_820),
    ("mixture", {"kind": "soft", "train_layernorm": False}, 908_284),
    ("full", {}, 86_191_876),  # without the head's LayerNorm 86,190,340
]
SIZES = [
    *CASES,
    ("adapter", {"kind": "conformer", "bottleneck": 12, "order": "parallel"}, 387_652),
    ("adapter", {"kind": "conformer", "bottleneck": 6, "order": "parallel"}, 219_172),
    ("adapter", {"kind": "conformer", "bottleneck": 12, "placement": "houlsby"}, 770_692),
    ("adapter", {"kind": "conformer", "bottleneck": 6, "placement": "houlsby"}, 433_732),
]
"""And more of the same, published in other sizes."""
NAMES = ["-".join(map(str, [name, *options.values()])) for name, options, _ in CASES]


@pytest.fixture(params=CASES, ids=NAMES)
def case(request):
    name, options, count = request.param
    return name, tuning.configure(name, options), count


def features(batch=3, seed=1):
    return torch.randn(batch, 98, 128, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def ast_base():
    """AST-base with four classes, without memory for its weights."""
    with torch.device("meta"):
        return SpectrogramTransformer(ASTForAudioClassification(ASTConfig(num_labels=4)))


@pytest.mark.parametrize(("name", "options", "count"), SIZES)
def test_trainable_count_on_ast_base(name, options, count, ast_base):
    model = copy.deepcopy(ast_base)
    with torch.device("meta"):
        tuning.apply(model, name, tuning.configure(name, options))
    assert tuning.count_trainable(model) == count


def test_count_equals_the_closed_formula(case, tiny_model):
    name, config, _ = case
    total = sum(p.numel() for p in tiny_model.parameters())
    tuning.apply(tiny_model, name, config)
    d, layers, head = TINY.hidden_size, TINY.layers, 2 * TINY.hidden_size + 4 * (TINY.hidden_size + 1)
    expected = {
        "full": lambda: total,
        "linear": lambda: head,
        "lora": lambda: head + layers * len(config.targets) * 2 * d * config.rank,
        "adapter": lambda: head + layers * per_block_of_adapters(config, d),
        "mixture": lambda: head + layers * per_block_of_mixtures(config, d),
    }
    assert tuning.count_trainable(tiny_model) == expected[name]()


def per_block_of_adapters(config, d):
    m = config.bottleneck
    branch = {
        "bottleneck": 2 * d * m + m + d,
        "convpass": 2 * d * m + 2 * m + d + 3 * m * m,
        "conformer": 3 * d * m + 36 * m + 3 * d,
    }[config.kind]
    places = 2 if config.placement == "houlsby" else 1
    branches = 2 if config.placement == "hydra" else places
    return branches * branch + places * 2 * d * config.train_layernorm


def per_block_of_mixtures(config, d):
    n, m = config.adapters, config.bottleneck
    weighing = n * (d + 1) if config.kind == "dense" else n * config.slots * d + config.normalize
    places = 2 if config.place == "both" else 1
    return places * (n * (2 * d * m + m + d) + weighing + 2 * d * config.train_layernorm)


def test_equals_the_base_model_at_step_0(case, tiny_model):
    """But for the two adapters that leave out, or add once more, what they read."""
    name, config, _ = case
    with torch.no_grad():
        before = tiny_model(features())
        tuning.apply(tiny_model, name, config)
        equal = torch.equal(tiny_model.eval()(features()), before)
    assert equal == (getattr(config, "residual", "auto") == "auto")


def test_exactly_the_declared_parameters_move(case, tiny_model):
    name, config, _ = case
    tuning.apply(tiny_model, name, config)
    before = {n: p.detach().clone() for n, p in tiny_model.named_parameters()}
    declared = {n for n, p in tiny_model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD([p for p in tiny_model.parameters() if p.requires_grad], lr=0.5)
    tiny_model.train()
    for step in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(tiny_model(features(seed=step)), torch.tensor([0, 1, 2])).backward()
        optimizer.step()
    moved = {n for n, p in tiny_model.named_parameters() if not torch.equal(p, before[n])}
    # A key's bias shifts all scores of a query alike, so softmax leaves it without a gradient; BatchNorm takes off
    # what the bias in front of it adds.
    conformers = getattr(config, "kind", "") == "conformer"
    still = {n for n in declared - moved if n.endswith("k_proj.bias") or conformers and n.endswith(".conv.bias")}
    assert moved | still == declared


def test_saved_keys_and_logits_under_another_seed(case, base, tmp_path):
    """One forward pass in training mode moves running statistics too."""
    name, config, _ = case
    run = replace(run_config("full", "icbhi", str(base)), tuning=name, tuning_options=asdict(config), model=TINY)
    model = checkpoint.build(run)
    declared = {n for n, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter)
        model.train()(features())
    checkpoint.save(tmp_path / "run", model, run, {"corpus": "ICBHI 2017", "learned_from": ["ICBHI 2017"]})
    torch.manual_seed(99)
    loaded = checkpoint.load(tmp_path / "run").model
    with torch.no_grad():
        torch.testing.assert_close(loaded(features()), model.eval()(features()), atol=1e-6, rtol=0)
    statistics = {n for n, _ in model.named_buffers() if ".adapter." in n}
    assert set(tuning.trainable_state(model)) == declared | statistics
    if name not in ("full", "lora"):  # those are folders of transformers and peft
        assert set(load_file(tmp_path / "run" / checkpoint.OWN_WEIGHTS)) == declared | statistics


def test_attention_can_be_recorded_and_patches_keep_their_places(case, tiny_model):
    name, config, _ = case
    tuning.apply(tiny_model, name, config)
    with torch.no_grad():
        expected = tiny_model(features())
        with record_attention(tiny_model) as maps:
            logits = tiny_model(features())
    tokens = 2 + tiny_model.layout(98).patches
    assert [m.shape for m in maps] == [(3, TINY.heads, tokens, tokens)] * TINY.layers
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lora", {"rank": 0}, "rank must be 1 or more, got 0"),
        ("lora", {"targets": ("x",)}, "targets must be some of q, k, v, o, got x"),
        ("lora", {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ("adapter", {"bottleneck": 0}, "bottleneck must be 1 or more, got 0"),
        ("adapter", {"placement": "everywhere"}, 'placement must be "pfeiffer" or "houlsby"'),
        ("adapter", {"order": "both"}, 'order must be "sequential" or "parallel"'),
        ("adapter", {"rank": 3}, "has no option rank; its options: bottleneck, placement, order"),
        ("adapter", {"kind": "transformer"}, 'kind must be "bottleneck" or "convpass" or "conformer"'),
        ("adapter", {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ("adapter", {"placement": "houlsby", "place": "attention"}, "houlsby adapts attention and MLP"),
        ("adapter", {"placement": "hydra", "order": "parallel"}, "hydra is sequential and parallel at once"),
        ("adapter", {"order": "parallel", "side": "before"}, "a parallel adapter stands beside its sub-layer"),
        ("mixture", {"adapters": 0}, "adapters must be 1 or more, got 0"),
        ("mixture", {"kind": "sparse"}, 'kind must be "dense" or "soft"'),
        ("mixture", {"place": "head"}, 'place must be "attention", "mlp" or "both"'),
        ("mixture", {"kind": "dense", "slots": 2}, "a dense mixture has no slots"),
        ("loar", {}, "there is no tuning 'loar'"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        tuning.configure(name, options)


def test_a_pattern_that_matches_nothing_is_an_error(tiny_model):
    with pytest.raises(ValueError, match="no parameter of the model matches"):
        tuning.freeze(tiny_model, ("*.nowhere.*",))


def test_every_tuning_and_preset_is_in_the_table():
    assert {name for name, _, _ in CASES} == set(tuning.TUNINGS)
    for preset in PRESETS.values():
        tuning.configure(preset.tuning, preset.tuning_options)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_lora_equals_its_merged_weights(tiny_model, scale):
    config = tuning.configure("lora", {"rank": 4, "alpha": 4 * scale, "targets": ("k", "v")})
    tuning.apply(tiny_model, "lora", config)
    torch.manual_seed(3)
    for name, parameter in tiny_model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    torch.manual_seed(0)
    merged = spectrogram_transformer.build(TINY).eval()
    for tuned, plain in zip(tiny_model.blocks, merged.blocks, strict=True):
        for part in ("k_proj", "v_proj"):
            wrapped = getattr(tuned.attention, part)
            update = wrapped.lora_B["default"].weight @ wrapped.lora_A["default"].weight
            with torch.no_grad():
                getattr(plain.attention, part).weight += scale * update
    merged.hf.classifier.load_state_dict(tiny_model.hf.classifier.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(tiny_model.eval()(features()), merged(features()), atol=1e-5, rtol=0)


@pytest.mark.parametrize("placement", ["pfeiffer", "houlsby"])
def test_adapter_orders_follow_their_equations(tiny_model, placement):
    """One block by hand: h + S(n) + A(S(n)) and h + S(n) + A(n)."""
    block = tiny_model.blocks[0]
    hidden = torch.randn(2, 5, 32)
    for order in ("sequential", "parallel"):
        torch.manual_seed(0)
        model = spectrogram_transformer.build(TINY).eval()
        tuning.apply(model, "adapter", tuning.configure("adapter", {"placement": placement, "order": order}))
        adapted = model.blocks[0]
        for name, p in adapted.named_parameters():
            if ".adapter." in name:
                torch.nn.init.normal_(p, std=0.3)

        def add(module, normed, output, order=order):
            return output + module.adapter(normed if order == "parallel" else output)

        with torch.no_grad():
            normed = block.layernorm_before(hidden)
            attended = block.attention(normed)[0]
            if placement == "houlsby":
                attended = add(adapted.attention, normed, attended)
            middle = hidden + attended
            normed = block.layernorm_after(middle)
            expected = middle + add(adapted.mlp, normed, block.mlp(normed))
            torch.testing.assert_close(adapted(hidden), expected, atol=1e-5, rtol=0)
