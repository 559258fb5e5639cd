"""Which tensors a tuned run stores, written out from what each method trains and not from our patterns."""

from tests.conftest import TINY


def expected_keys(name, config):
    """Names below ``hf`` of all tensors a run stores, written out from what the methods' papers say they train."""
    blocks = [f"audio_spectrogram_transformer.layers.{i}" for i in range(TINY.layers)]
    keys = {f"classifier.{part}.{kind}" for part in ("layernorm", "dense") for kind in ("weight", "bias")}
    if name == "bitfit":
        keys -= {"classifier.layernorm.weight", "classifier.layernorm.bias"}
    norm = "audio_spectrogram_transformer.layernorm"
    keys |= {"layer_norm": {f"{norm}.weight", f"{norm}.bias"}, "bitfit": {f"{norm}.bias"}}.get(name, set())
    if getattr(config, "border", 0):
        prompt = "audio_spectrogram_transformer.embeddings.patch_embeddings"
        keys |= {f"{prompt}.ends", f"{prompt}.bands"}
    for index, block in enumerate(blocks):
        keys |= {f"{block}.{key}" for key in BLOCK_KEYS[name](config, index)} if name in BLOCK_KEYS else set()
    return keys


def matrices(*names):
    places = {"q": "attention.q_proj", "k": "attention.k_proj", "v": "attention.v_proj", "o": "attention.o_proj"}
    return [places.get(name, f"mlp.{name}") for name in names]


def lora_keys(config, index):
    parts = ["lora_A.weight", "lora_B.weight", *(["lora_magnitude_vector"] if config.variant == "dora" else [])]
    return {f"{matrix}.{part}" for matrix in matrices(*config.targets) for part in parts}


def bias_keys(config, index):
    norms = "layernorm_before.bias", "layernorm_after.bias"
    return {*norms, *(f"{matrix}.bias" for matrix in matrices("q", "k", "v", "o", "fc1", "fc2"))}


def norm_keys(*places):
    return {f"layernorm_{place}.{kind}" for place in places for kind in ("weight", "bias")}


def linear_keys(*layers):
    return {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def adapter_keys(config, index):
    places = ("attention", "mlp") if config.placement == "houlsby" else (config.place,)
    branches = ("adapter", "beside") if config.placement == "hydra" else ("adapter",)
    own = linear_keys("down", "up")
    if config.kind != "bottleneck":
        own |= linear_keys("conv")
    if config.kind == "conformer":
        statistics = {f"batch_norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
        own |= linear_keys("norm", "batch_norm") | statistics
    norms = norm_keys(*({"attention": "before", "mlp": "after"}[place] for place in places))
    return {f"{place}.{branch}.{key}" for place in places for branch in branches for key in own} | (
        norms if config.train_layernorm else set()
    )


def mixture_keys(config, index):
    places = ("attention", "mlp") if config.place == "both" else (config.place,)
    own = {f"adapters.{i}.{key}" for i in range(config.adapters) for key in linear_keys("down", "up")}
    own |= linear_keys("router") if config.kind == "dense" else {"phi", *(["scale"] if config.normalize else [])}
    norms = norm_keys(*({"attention": "before", "mlp": "after"}[place] for place in places))
    return {f"{place}.adapter.{key}" for place in places for key in own} | (norms if config.train_layernorm else set())


def ipet_keys(config, index):
    base = "base." if config.prompts else ""
    own = {f"{base}mlp.adapter.{key}" for key in linear_keys("down", "up")} if config.rank else set()
    own |= {f"{base}mlp.adapter.scale"} if config.learn_scale else set()
    return own | ({"virtual"} if config.prompts else set())


BLOCK_KEYS = {
    "lora": lora_keys,
    "ia3": lambda config, index: {f"{matrix}.ia3_l" for matrix in matrices("k", "v", "fc2")},
    "bitfit": bias_keys,
    "layer_norm": lambda config, index: norm_keys("before", "after"),
    "adapter": adapter_keys,
    "mixture": mixture_keys,
    "prefix": lambda config, index: {f"attention.base.{part}_proj.virtual" for part in "kv"},
    "prompt": lambda config, index: {"virtual"} if config.deep or index == 0 else set(),
    "ipet": ipet_keys,
}
"""Tuning -> names, below a block, of what it stores there."""


def full_keys():
    """Names in a whole transformers folder, as transformers writes them."""
    ast = "audio_spectrogram_transformer"
    embeddings = {f"{ast}.embeddings.{name}" for name in ("cls_token", "distillation_token", "position_embeddings")}
    layers = [f"{ast}.embeddings.patch_embeddings.projection", f"{ast}.layernorm"]
    layers += ["classifier.layernorm", "classifier.dense"]
    own = [f"attention.attention.{name}" for name in ("query", "key", "value")]
    own += ["attention.output.dense", "intermediate.dense", "output.dense", "layernorm_before", "layernorm_after"]
    layers += [f"{ast}.encoder.layer.{i}.{name}" for i in range(TINY.layers) for name in own]
    return embeddings | linear_keys(*layers)
