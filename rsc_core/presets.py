"""The presets: each names one member of each choice.

A preset is a row: one model, one tuning, one objective, one kind of features, and the hyper-parameters they were
published with or that we found to work. The command line, the app's model list and the tests all read ``PRESETS``.
Options of a tuning or an objective live in its own ``Config`` (see ``rsc_core.tuning``, ``rsc_core.objectives``); a
preset only overrides them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """One named combination of the four choices, with what it overrides of their defaults."""

    summary: str
    tuning: str
    model: str = "spectrogram_transformer"
    objective: str = "cross_entropy"
    features: str = "log_mel"
    backbone: str = "checkpoints/sprsound-base"  # to start from where none is named; "small": a fresh model
    tuning_options: dict[str, Any] = field(default_factory=dict)
    objective_options: dict[str, Any] = field(default_factory=dict)
    model_options: dict[str, Any] = field(default_factory=dict)  # of a fresh model
    audio: dict[str, Any] = field(default_factory=dict)  # of a fresh model
    train: dict[str, Any] = field(default_factory=dict)
    faithful: dict[str, dict[str, Any]] = field(default_factory=dict)  # group -> what --faithful overrides in it


PETL = {"lr": 5e-3, "weight_decay": 0.1, "betas": (0.9, 0.98), "eps": 1e-6}
IPET = {"lr": 1e-3, "weight_decay": 5e-7, "betas": (0.95, 0.999)}
PATCH_MIX = {"lr": 5e-5, "weight_decay": 1e-6}
"""Optimisers of the papers' own code."""

PRESETS: dict[str, Preset] = {
    "full": Preset("every parameter learns", tuning="full", train={"lr": 2e-4}),
    "distilled": Preset(
        "every parameter learns, from the labels and from a convolutional teacher",
        tuning="full",
        objective="distillation",
        train={"lr": 1e-3, "mixup": 0.2, "average": 0.999},
    ),
    "masked": Preset(
        "pre-training without labels: hidden patches are filled in",
        tuning="full",
        objective="masked_patches",
        train={"lr": 1e-3, "augment": ("roll", "band_limit", "gain")},
    ),
    "linear": Preset(
        "only the head learns, on embeddings that are kept: a linear probe",
        tuning="linear",
        train={"lr": 5e-3, "augment": ()},
    ),
    "lora": Preset(
        "low-rank updates of keys and values, rank 8 (LoRA-RSC's targets)",
        tuning="lora",
        tuning_options={"rank": 8, "targets": ("k", "v")},
        train={"lr": 3e-3},
    ),
    "adapter": Preset(
        "a bottleneck of 12 behind every MLP (Pfeiffer)",
        tuning="adapter",
        tuning_options={"bottleneck": 12, "placement": "pfeiffer"},
        train={"lr": 3e-3},
    ),
    "cnn": Preset(
        "a small residual network instead of a transformer, every parameter learns",
        tuning="full",
        model="cnn",
        backbone="small",
        model_options={"hidden_size": 192},
        train={"lr": 1e-3},
    ),
    "adapter_houlsby": Preset(
        "a bottleneck of 12 behind every attention and every MLP (Houlsby)",
        tuning="adapter",
        tuning_options={"bottleneck": 12, "placement": "houlsby"},
        train={"lr": 3e-3},
    ),
    "lora_qv": Preset(
        "low-rank updates of queries and values, rank 12, scaled by 1/8 (PETL's and ast-LoRA's)",
        tuning="lora",
        tuning_options={"rank": 12, "alpha": 1.5, "targets": ("q", "v")},
        train=PETL,
    ),
    "dora": Preset(
        "low-rank updates of keys and values, rank 8, and the length of each row learned beside (DoRA)",
        tuning="lora",
        tuning_options={"rank": 8, "targets": ("k", "v"), "variant": "dora"},
        train={"lr": 3e-3},
    ),
    "pissa": Preset(
        "keys and values learn along their 8 largest singular directions (PiSSA)",
        tuning="lora",
        tuning_options={"rank": 8, "alpha": 8.0, "targets": ("k", "v"), "variant": "pissa"},
        train={"lr": 5e-4, "weight_decay": 0.0},
    ),
    "ia3": Preset("keys, values and the MLP's inner activations are rescaled", tuning="ia3", train={"lr": 3e-3}),
    "ln_tuning": Preset("every LayerNorm learns", tuning="layer_norm", train={"lr": 3e-3}),
    "bitfit": Preset(
        "the biases learn (PETL's BitFit)",
        tuning="bitfit",
        train=PETL,
    ),
    "prefix": Preset(
        "12 learned keys and 12 learned values in every attention (PETL's prefix)",
        tuning="prefix",
        tuning_options={"tokens": 24},
        train={"lr": 1e-2},
    ),
    "prompt": Preset(
        "25 learned tokens beside the patches, new ones in every block (PETL's deep prompts)",
        tuning="prompt",
        tuning_options={"tokens": 25, "deep": True, "pooling": "all"},
        train={"lr": 1e-2},
    ),
    "ipet": Preset(
        "4 prompts and an adapter of rank 32 beside the MLP, in every block (IPET)",
        tuning="ipet",
        tuning_options={"prompts": 4, "rank": 32},
        train=IPET,
    ),
    "ipet_wav2vec2": Preset(
        "the same on wav2vec 2.0, which reads the waveform",
        tuning="ipet",
        model="wav2vec2",
        features="waveform",
        backbone="facebook/wav2vec2-base",
        tuning_options={"prompts": 4, "rank": 32},
        model_options={"hidden_size": 768, "layers": 12, "heads": 12, "intermediate_size": 3072},
        train={**IPET, "augment": ("roll", "band_limit", "gain")},
    ),
    "convpass": Preset(
        "a bottleneck of 12 with a convolution over time behind every MLP (LoRA-RSC's adapter)",
        tuning="adapter",
        tuning_options={"bottleneck": 12, "kind": "convpass"},
        train={"lr": 5e-3},
    ),
    "conformer": Preset(
        "a Conformer's convolution module of 8 beside every MLP (PETL_AST's adapter)",
        tuning="adapter",
        tuning_options={"bottleneck": 8, "kind": "conformer", "order": "parallel"},
        train={"lr": 5e-3},
    ),
    "hydra": Preset(
        "two bottlenecks of 12 at every MLP, one behind it and one beside it (Hydra)",
        tuning="adapter",
        tuning_options={"bottleneck": 12, "placement": "hydra"},
        train={"lr": 5e-3},
    ),
    "dense_moa": Preset(
        "seven bottlenecks of 6 beside every attention, weighted for each token (Dense-MoA)",
        tuning="mixture",
        tuning_options={"kind": "dense", "adapters": 7, "bottleneck": 6},
        train={"lr": 5e-3},
    ),
    "soft_moa": Preset(
        "seven bottlenecks of 6 beside every attention, each for a mean of the tokens (Soft-MoA)",
        tuning="mixture",
        tuning_options={"kind": "soft", "adapters": 7, "bottleneck": 6, "slots": 1},
        train={"lr": 5e-3},
    ),
    "ce": Preset(
        "every parameter learns, by Patch-Mix's recipe without the mixing",
        tuning="full",
        train={**PATCH_MIX, "average": 0.99},
    ),
    "patch_mix_ce": Preset(
        "every parameter learns from clips with mixed patches and labels (Patch-Mix)",
        tuning="full",
        objective="patch_mix",
        objective_options={"loss": "cross_entropy"},
        train={**PATCH_MIX, "average": 0.99},
    ),
    "patch_mix_cl": Preset(
        "every parameter learns, from labels and by comparing clips with mixed ones (Patch-Mix contrastive learning)",
        tuning="full",
        objective="patch_mix",
        train={**PATCH_MIX, "average": 0.99},
    ),
    "patch_mix_cl_lora": Preset(
        "low-rank updates of keys and values, rank 8, learned by Patch-Mix contrastive learning",
        tuning="lora",
        objective="patch_mix",
        tuning_options={"rank": 8, "targets": ("k", "v")},
        train={"lr": 3e-3, "average": 0.99},
    ),
    "cycle_guardian": Preset(
        "a clip's windows are clustered by a convolutional network, and each cluster tells its part (CycleGuardian)",
        tuning="full",
        model="cycle_guardian",
        objective="cycle_guardian",
        features="hybrid",
        backbone="small",
        model_options={"hidden_size": 768, "frames": 688},
        audio={"sample_rate": 22000, "window_s": 8.0},
        train={
            "lr": 1e-3,
            "average": 0.99,
            "augment": ("roll", "band_limit", "noise", "spec_augment"),
            "spec_policy": "cycle_guardian",
        },
        faithful={
            "audio": {"level": "none", "padding": "tile"},
            "model": {"faithful": True},
            "objective": {"negatives": "all"},
            "train": {
                "epochs": 600,
                "batch_size": 128,
                "weight_decay": 0.0,
                "warmup": 0.0,
                "schedule": "steps",
                "balance": 0.0,
                "clip_gradient": 0.0,
                "average": 0.1,
                "precision": "fp32",
                "augment": ("one_of", "roll", "spec_augment"),
                "roll_share": 0.5,
                "choose_after": 11,
            },
        },
    ),
}
