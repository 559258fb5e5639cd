"""Every tuning keeps the same contract."""

import copy

import pytest
import torch
from safetensors import safe_open
from transformers import ASTConfig, ASTForAudioClassification

from rsc_core import checkpoint, lineage, parameters, tuning
from rsc_core.config import run_config, to_json
from rsc_core.explain.attention import record_attention
from rsc_core.models import spectrogram_transformer
from rsc_core.models.spectrogram_transformer import SpectrogramTransformer
from rsc_core.presets import PRESETS
from tests.conftest import TINY
from tests.tuning.stored import expected_keys, full_keys

# name, options, trainable parameters on AST-base geometry (1,024 frames) with four classes
CASES = [
    ("linear", {}, 4_612),
    ("lora", {"rank": 8, "targets": ("k", "v")}, 299_524),
    ("lora", {"rank": 12, "targets": ("q", "v")}, 446_980),
    ("lora", {"rank": 4, "targets": ("q", "v")}, 152_068),
    ("lora", {"rank": 16, "targets": ("k", "v"), "scaling": "sqrt_rank"}, 594_436),
    ("lora", {"rank": 8, "targets": ("q",)}, 152_068),
    ("lora", {"rank": 8, "targets": ("q", "k", "v", "o")}, 594_436),
    ("lora", {"rank": 8, "targets": ("fc1", "fc2")}, 741_892),
    ("lora", {"rank": 8, "targets": ("k", "v"), "variant": "dora"}, 317_956),
    ("lora", {"rank": 8, "targets": ("k", "v"), "variant": "pissa"}, 299_524),
    ("lora", {"rank": 2, "targets": ("q", "fc2"), "variant": "pissa", "scaling": "sqrt_rank"}, 133_636),
    ("ia3", {}, 59_908),
    ("layer_norm", {}, 43_012),
    ("bitfit", {}, 105_220),
    ("adapter", {"bottleneck": 12}, 253_588),
    ("adapter", {"bottleneck": 24, "order": "parallel"}, 474_916),
    ("adapter", {"bottleneck": 12, "placement": "houlsby"}, 502_564),
    ("adapter", {"bottleneck": 12, "placement": "houlsby", "order": "parallel"}, 502_564),
    ("prefix", {"tokens": 24}, 225_796),
    ("prefix", {"tokens": 96}, 889_348),
    ("prompt", {"tokens": 25, "deep": True, "pooling": "all"}, 235_012),
    ("prompt", {"tokens": 200, "deep": True, "pooling": "special"}, 1_847_812),
    ("prompt", {"tokens": 200, "deep": False, "pooling": "prompts_patches"}, 158_212),
    ("ipet", {"prompts": 4, "rank": 32, "dropout": 0.1}, 640_900),
    ("ipet", {"prompts": 32, "rank": 32, "dropout": 0.0}, 898_948),
    ("ipet", {"prompts": 8, "rank": 64, "dropout": 0.0}, 1_267_972),
    ("ipet", {"prompts": 4, "rank": 128, "dropout": 0.0}, 2_411_524),
    ("ipet", {"prompts": 4, "rank": 64, "dropout": 0.0}, 1_231_108),
    ("ipet", {"prompts": 0, "rank": 32, "learn_scale": True, "border": 4}, 613_200),
    ("ipet", {"prompts": 0, "rank": 0, "border": 4}, 13_764),
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
NOT_ZERO_INITIALISED = ("prefix", "prompt")  # virtual tokens take a share of the attention from the start
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


@pytest.mark.parametrize(("name", "options", "count"), SIZES)
def test_count_equals_the_closed_formula(name, options, count, tiny_model):
    assert parameters.trained(name, options) == count
    tuning.apply(tiny_model, name, tuning.configure(name, options))
    assert tuning.count_trainable(tiny_model) == parameters.trained(name, options, TINY)


def test_equals_the_base_model_at_step_0_where_it_starts_at_zero(case, tiny_model):
    """But for virtual tokens, and the two adapters that leave out, or add once more, what they read."""
    name, config, _ = case
    with torch.no_grad():
        before = tiny_model(features())
        tuning.apply(tiny_model, name, config)
        after = tiny_model.eval()(features())
    virtual = name in NOT_ZERO_INITIALISED or getattr(config, "prompts", 0) > 0
    differs = virtual or getattr(config, "residual", "auto") != "auto"
    # PiSSA adds its first product and takes it away again.
    assert torch.equal(after, before) != differs or getattr(config, "variant", None) == "pissa"
    if not differs:
        torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


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


def test_attention_can_be_recorded_and_patches_keep_their_places(case, tiny_model):
    name, config, _ = case
    tuning.apply(tiny_model, name, config)
    with torch.no_grad():
        expected = tiny_model(features())
        with record_attention(tiny_model) as maps:
            logits = tiny_model(features())
    layout = tiny_model.layout(98)
    virtual = {
        "prefix": lambda: config.tokens // 2,
        "prompt": lambda: config.tokens,
        "ipet": lambda: config.prompts,
    }
    tokens = layout.special + layout.patches + virtual.get(name, lambda: 0)()
    assert [m.shape for m in maps] == [(3, TINY.heads, tokens, tokens)] * TINY.layers
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    ours = maps[-1][0, 0, 0, layout.special : layout.special + layout.patches].reshape(layout.grid)
    assert torch.equal(layout.fold(maps[-1][0, 0, 0]), ours)


def test_a_saved_run_loads_under_another_seed(case, base, tmp_path):
    """One forward pass in training mode moves running statistics too."""
    name, config, _ = case
    preset = next(preset for preset, row in PRESETS.items() if row.tuning == name)
    run = lineage.inherit(run_config(preset, "icbhi", str(base), tuning_options=to_json(config)))
    model = checkpoint.build(run)
    learning = {n: p for n, p in model.named_parameters() if p.requires_grad}
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in learning.values():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
        model.train()(features())
        expected = model.eval()(features())
        folder = checkpoint.save(tmp_path / "run", model, run, {"learned_from": [], "corpus": "", "protocol": "last"})
        torch.manual_seed(99)
        torch.testing.assert_close(checkpoint.load(folder).model(features()), expected, atol=1e-6, rtol=0)
    if name == "full":
        assert stored(folder / checkpoint.FULL_WEIGHTS) == full_keys()
    elif name in ("lora", "ia3"):
        keys = stored(folder / checkpoint.PEFT_WEIGHTS)
        assert keys == {f"base_model.model.{key}" for key in expected_keys(name, config)}
    else:
        assert stored(folder / checkpoint.OWN_WEIGHTS) == {f"hf.{key}" for key in expected_keys(name, config)}


def stored(path):
    with safe_open(path, "pt") as file:
        return set(file.keys())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lora", {"rank": 0}, "rank must be 1 or more, got 0"),
        ("lora", {"targets": ("x",)}, "targets must be some of q, k, v, o, fc1, fc2, got x"),
        ("lora", {"targets": ("k", "k")}, "targets must be some of q, k, v, o, fc1, fc2, got k, k"),
        ("lora", {"targets": ()}, "targets must be some of q, k, v, o, fc1, fc2, got none"),
        ("lora", {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ("lora", {"dropout": -0.1}, "dropout must be at least 0 and below 1, got -0.1"),
        ("lora", {"alpha": 0.0}, "alpha must be positive, got 0.0"),
        ("lora", {"scaling": "alpha"}, "scaling must be one of rank, sqrt_rank, got 'alpha'"),
        ("lora", {"variant": "vera"}, "variant must be one of lora, dora, pissa, got 'vera'"),
        ("adapter", {"bottleneck": 0}, "bottleneck must be 1 or more, got 0"),
        ("adapter", {"placement": "everywhere"}, "placement must be one of pfeiffer, houlsby, hydra"),
        ("adapter", {"order": "both"}, "order must be one of sequential, parallel"),
        ("adapter", {"rank": 3}, "has no option rank; its options: bottleneck, placement, order"),
        ("prefix", {"tokens": 7}, "tokens must be a multiple of 2, 2 or more, got 7"),
        ("prefix", {"tokens": 0}, "tokens must be a multiple of 2, 2 or more, got 0"),
        ("prompt", {"tokens": 0}, "tokens must be 1 or more, got 0"),
        ("prompt", {"pooling": "max"}, "pooling must be one of special, cls, all, prompts, patches, prompts_patches"),
        ("ipet", {"prompts": -1}, "prompts must be 0 or more, got -1"),
        ("ipet", {"rank": -1}, "rank must be 0 or more, got -1"),
        ("ipet", {"border": -1}, "border must be 0 or more, got -1"),
        ("ipet", {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ("ipet", {"scale": 0.0}, "scale must be positive, got 0.0"),
        ("ipet", {"rank": 0, "learn_scale": True}, "got rank 0"),
        ("adapter", {"kind": "transformer"}, "kind must be one of bottleneck, convpass, conformer"),
        ("adapter", {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ("adapter", {"placement": "houlsby", "place": "attention"}, "houlsby adapts attention and MLP"),
        ("adapter", {"placement": "hydra", "order": "parallel"}, "hydra is sequential and parallel at once"),
        ("adapter", {"order": "parallel", "side": "before"}, "a parallel adapter stands beside its sub-layer"),
        ("mixture", {"adapters": 0}, "adapters must be 1 or more, got 0"),
        ("mixture", {"kind": "sparse"}, "kind must be one of soft, dense"),
        ("mixture", {"place": "head"}, "place must be one of attention, mlp, both"),
        ("mixture", {"kind": "dense", "slots": 2}, "a dense mixture has no slots"),
        ("loar", {}, "there is no tuning 'loar'"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        tuning.configure(name, options)


def test_a_pattern_that_matches_nothing_is_an_error(tiny_model):
    for pattern in ("*.nowhere.*", "!*.nowhere.*"):
        with pytest.raises(ValueError, match="no parameter of the model matches"):
            tuning.freeze(tiny_model, ("*.bias", pattern))


def test_a_pattern_takes_back_what_others_give(tiny_model):
    tuning.freeze(tiny_model, ("!*.layernorm.*", "hf.classifier.*"))
    learning = {n for n, p in tiny_model.named_parameters() if p.requires_grad}
    assert learning == {"hf.classifier.dense.weight", "hf.classifier.dense.bias"}


def test_bitfit_trains_biases_and_the_heads_linear(tiny_model):
    tuning.apply(tiny_model, "bitfit", tuning.configure("bitfit"))
    learning = {n for n, p in tiny_model.named_parameters() if p.requires_grad}
    biases = {n for n, _ in tiny_model.named_parameters() if n.endswith(".bias")}
    frozen = {"hf.audio_spectrogram_transformer.embeddings.patch_embeddings.projection.bias"}
    assert learning == biases - frozen - {"hf.classifier.layernorm.bias"} | {"hf.classifier.dense.weight"}


def test_every_tuning_and_preset_is_in_the_table():
    assert {name for name, _, _ in CASES} == set(tuning.TUNINGS)
    for preset in PRESETS.values():
        tuning.configure(preset.tuning, preset.tuning_options)


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
