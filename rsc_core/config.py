"""What can be chosen, as small frozen dataclasses.

A run is a preset (``rsc_core.presets``) on a corpus, with options overridden. Options of a tuning or an objective live
in its own ``Config`` (see ``rsc_core.tuning``, ``rsc_core.objectives``).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from rsc_core.options import check, option
from rsc_core.presets import PRESETS

CLASSES = ("normal", "crackle", "wheeze", "both")
"""The four classes of a respiratory cycle, in label order (0 to 3)."""

NORMAL_CLASSES = ("normal", "healthy")
"""Names of a class that stands for nothing found; it comes first where there is one."""

PROTOCOLS = {
    "validated": "epoch chosen on validation patients carved from train",
    "last": "all of train, last epoch",
    "paper": "PAPER PROTOCOL: epoch chosen on the TEST split, as published; do not quote it as a result",
}
"""Protocol -> what everything printed and stored says of it."""

AUGMENTATIONS = (
    "one_of",
    "speed",
    "pitch",
    "roll",
    "equalise",
    "band_limit",
    "gain",
    "noise",
    "vtlp",
    "spec_augment",
)
"""In the order they are applied: eight of the waveform, two of the features. See ``rsc_core.augment``."""

SPEC_POLICIES = ("mild", "patch_mix", "patch_mix_cnn", "LB", "LD", "SM", "SS", "cycle_guardian")
"""How much SpecAugment hides. See ``rsc_core.spec_augment``."""

SCHEDULES = ("cosine", "steps")
"""How the rate falls: to zero, or in four steps as CycleGuardian's. See ``rsc_core.optimizer``."""

INITIALISATIONS = ("xavier", "mimetic", "structured")
"""Of a fresh transformer's attention weights. See ``rsc_core.models.spectrogram_transformer``."""

LABEL_NAMES = ("four", "binary", "diagnosis3", "diagnosis2", "seven", "table")
SPLIT_NAMES = ("official", "repaired", "fold0", "fold1", "fold2", "fold3", "fold4", "patient_keyed")


@dataclass(frozen=True)
class AudioConfig:
    """How a file becomes the waveform a model sees."""

    sample_rate: int = option(16000, low=1)  # Hz
    level: str = option("rms", choices=("rms", "none"))  # "rms": scaled to RMS 0.1; "none": as stored
    window_s: float = option(5.0, positive=True)  # a shorter clip is padded, a longer one read in several windows
    # "zero": silence behind a short clip; "tile": as CycleGuardian, a clip as annotated and repeated without joining
    # the ends, and of one longer than the window its end alone
    padding: str = option("repeat", choices=("repeat", "zero", "tile"))
    fade: str = option("none", choices=("none", "cycle", "recording"))  # whose first and last 62.5 ms fade

    def __post_init__(self):
        check(self)

    @property
    def window_samples(self) -> int:
        """Samples in one window."""
        return round(self.window_s * self.sample_rate)


@dataclass(frozen=True)
class DataConfig:
    """Which clips of a corpus, under which labels and split."""

    labels: str = option("four", choices=LABEL_NAMES)  # a key of rsc_core.data.labels.LABEL_SETS
    split: str = option("official", choices=SPLIT_NAMES)
    fold_file: str | None = None  # lines of PATIENT FOLD for fold0 to fold4; without one, our own folds
    stethoscope: str | None = None  # clips of this device only
    shots: int = option(0, low=0)  # few-shot: training clips a class; 0 takes all
    faithful: bool = False  # allows "patient_keyed", which trains on test clips

    def __post_init__(self):
        check(self)
        if self.split == "patient_keyed" and not self.faithful:
            raise ValueError(
                "the patient_keyed split trains on clips it also tests on; it exists to reproduce CycleGuardian's "
                "published numbers only. Pass faithful (--faithful) if that is what you want, or split repaired"
            )
        if self.fold_file is not None and not self.split.startswith("fold"):
            raise ValueError(f"fold_file goes with split fold0 to fold4, got split {self.split!r}")


@dataclass(frozen=True)
class FeatureConfig:
    """Which features, and the statistics log-mel is normalised with: the model sees (x - mean) / (2 std)."""

    name: str = option(
        "log_mel", choices=("log_mel", "waveform", "hybrid")
    )  # the last two are normalised by themselves
    mean: float = -4.2677393  # AudioSet, natural log; our own models store their training set's
    std: float = option(4.5689974, positive=True)

    def __post_init__(self):
        check(self)

    def translate(self, other: FeatureConfig) -> tuple[float, float]:
        """Return (scale, shift) that turn features normalised as ``other``'s into ones normalised as these."""
        return other.std / self.std, (other.mean - self.mean) / (2 * self.std)


@dataclass(frozen=True)
class ModelConfig:
    """Which network and, for a fresh one, its geometry. The defaults are our small AST: 5,437,636 parameters."""

    name: str = "spectrogram_transformer"
    classes: tuple[str, ...] = CLASSES  # training takes them from its corpus
    multi_label: bool = False  # several classes may hold at once: a sigmoid each instead of one softmax
    hidden_size: int = 192
    layers: int = 12
    heads: int = 3
    intermediate_size: int = 768
    patch: int = 16  # frames and mel bins a patch covers
    stride: int = 16
    mel_bins: int = 128
    frames: int = 498  # length of the position grid: 5 s at 10 ms, Kaldi's snip_edges
    initialisation: str = option("xavier", choices=INITIALISATIONS)  # of a fresh transformer
    faithful: bool = False  # CycleGuardian as its published code has it, defects and all

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(self.classes))
        check(self)
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not divisible by heads {self.heads}")


AST_BASE = ModelConfig(hidden_size=768, heads=12, intermediate_size=3072, stride=10, frames=1024)
"""The geometry of the published Audio Spectrogram Transformer, on which methods' parameters are counted."""


@dataclass(frozen=True)
class TrainConfig:
    """How long, how fast and by which protocol a model learns."""

    epochs: int = option(10, low=1)
    batch_size: int = option(32, low=1)
    lr: float = option(5e-4, positive=True)  # peak of the schedule
    weight_decay: float = option(0.05, low=0)
    decay_all: bool = False  # decay biases, norms, tokens and positions too
    betas: tuple[float, float] = option((0.9, 0.999), numbers=2, low=0, below=1)  # AdamW's
    eps: float = option(1e-8, positive=True)  # AdamW's
    warmup: float = option(0.1, low=0, high=1)  # share of all steps with a rising rate; the schedule follows
    schedule: str = option("cosine", choices=SCHEDULES)
    label_smoothing: float = option(0.0, low=0, high=1)
    epoch_clips: int = option(0, low=0)  # clips drawn for an epoch; 0: as many as there are
    balance: float = option(0.5, low=0, high=1)  # a class is drawn by count ** (1 - balance); 1: all alike
    logit_adjustment: bool = False  # undo the balance: probabilities are of classes as frequent as they are
    mixup: float = option(0.0, low=0)  # Beta(mixup, mixup) on normalised features; 0 switches it off
    augment: tuple[str, ...] = option(
        ("roll", "band_limit", "gain", "spec_augment"), choices=AUGMENTATIONS, several=True, none=True
    )
    spec_policy: str = option("mild", choices=SPEC_POLICIES)  # of the augmentation spec_augment
    roll_share: float = option(1.0, low=0, high=1)  # of the clips, which the augmentation roll rotates
    synthetic: float = option(0.0, low=0, high=1)  # share of drawn clips that synthesised breaths replace
    events: float = option(0.0, low=0, high=1)  # share of normal clips that get synthesised crackles or musical sounds
    events_db: float = option(0.0, low=-20, high=20)  # how much louder these are than they would be beside a breath
    class_weight: float = option(0.0, low=0, high=1)  # a clip's loss weighs count ** -class_weight of its class
    average: float = option(0.0, low=0, below=1)  # decay of a moving average of the weights, which is kept; 0: none
    faithful: bool = False  # what the published code of Patch-Mix or CycleGuardian does, defects and all
    seed: int = 0
    protocol: str = option("validated", choices=tuple(PROTOCOLS))
    choose_after: int = option(0, low=0)  # epochs that are not chosen, unless there are no later ones
    test_curve: bool = False  # label the test split after every epoch without choosing by it
    device: str = "auto"
    precision: str = option("auto", choices=("auto", "fp32", "bf16"))  # "auto" probes whether bf16 is faster here
    extent_s: tuple[float, float] = option((0.8, 4.0), numbers=2, positive=True)  # rising; duration of a training clip
    validation_share: float = option(0.15, low=0, high=1)  # of the training patients
    clip_gradient: float = option(1.0, low=0)  # largest gradient norm; 0 does not clip

    def __post_init__(self):
        object.__setattr__(self, "extent_s", tuple(self.extent_s))
        object.__setattr__(self, "betas", tuple(self.betas))
        object.__setattr__(self, "augment", tuple(self.augment))
        check(self)
        if self.epoch_clips and not self.balance:
            raise ValueError(f"epoch_clips goes with a balance above 0, got {self.epoch_clips} with balance 0")
        if self.extent_s[0] > self.extent_s[1]:
            raise ValueError(f"extent_s must rise, got {self.extent_s}")

    @property
    def labels_test(self) -> bool:
        """Whether the test split is labelled after every epoch."""
        return self.test_curve or self.protocol == "paper"


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run learns; stored with its weights."""

    preset: str
    corpus: str  # key of rsc_core.data.CORPORA
    backbone: str  # "small" (a fresh model), a checkpoint folder, or a name on the Hugging Face hub
    tuning: str
    tuning_options: dict[str, Any] = field(default_factory=dict)
    objective: str = "cross_entropy"
    objective_options: dict[str, Any] = field(default_factory=dict)
    audio: AudioConfig = AudioConfig()
    features: FeatureConfig = FeatureConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    data: DataConfig = DataConfig()

    def __post_init__(self):
        for kind in ("tuning_options", "objective_options"):
            options = {name: tuple(v) if isinstance(v, list) else v for name, v in getattr(self, kind).items()}
            object.__setattr__(self, kind, options)

    @property
    def follows(self) -> str | None:
        """Whose published code the run follows, defects and all: "cycle_guardian", "patch_mix" or nobody's."""
        if not self.train.faithful:
            return None
        return "cycle_guardian" if self.model.faithful else "patch_mix"


def run_config(
    preset: str,
    corpus: str,
    backbone: str,
    train: dict[str, Any] | None = None,
    tuning_options: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    objective_options: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
) -> RunConfig:
    """Return a preset's run on a corpus, with options overridden.

    Raises:
        ValueError: there is no such preset, or an option is unknown or out of range.
    """
    if preset not in PRESETS:
        raise ValueError(f"there is no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    row = PRESETS[preset]
    published = row.faithful if (train or {}).get("faithful") else {}
    return RunConfig(
        preset=preset,
        corpus=corpus,
        backbone=backbone,
        tuning=row.tuning,
        tuning_options={**row.tuning_options, **(tuning_options or {})},
        objective=row.objective,
        objective_options={**row.objective_options, **published.get("objective", {}), **(objective_options or {})},
        audio=from_json(AudioConfig, {**row.audio, **published.get("audio", {})}),
        features=FeatureConfig(name=row.features),
        model=from_json(
            ModelConfig, {"name": row.model, **row.model_options, **published.get("model", {}), **(model or {})}
        ),
        train=from_json(TrainConfig, {**row.train, **published.get("train", {}), **(train or {})}),
        data=from_json(DataConfig, {**({"labels": "table"} if corpus == "table" else {}), **(data or {})}),
    )


def to_json(config: Any) -> dict[str, Any]:
    """Return a config dataclass as plain JSON values."""
    return dataclasses.asdict(config)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return a stored run config as it would be stored now: an option it does not know has its default.

    Raises:
        ValueError: a key is unknown.
    """
    return json.loads(json.dumps(to_json(from_json(RunConfig, values))))


def from_json(kind: type, values: dict[str, Any]) -> Any:
    """Rebuild a config dataclass from JSON values.

    Raises:
        ValueError: a key is unknown, which a misspelt option or a newer file would cause.
    """
    nested = {
        "audio": AudioConfig,
        "features": FeatureConfig,
        "model": ModelConfig,
        "train": TrainConfig,
        "data": DataConfig,
    }
    known = {f.name for f in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
    return kind(
        **{
            name: from_json(nested[name], value) if kind is RunConfig and name in nested else value
            for name, value in values.items()
        }
    )
