"""What the list of models says of each tuning, to a class."""

from typing import NamedTuple


class Tuning(NamedTuple):
    """What is said of a tuning."""

    title: str
    sentence: str  # of a teacher, to a class
    alt: str  # of its drawing


LEARNS = "Orange: learns. Outlined in grey: frozen."
COUNT = "{count:,} learn"
PARTS = {
    "patches": "patches",
    "attention": "attention",
    "mlp": "MLP",
    "head": "head",
    "blocks": "every block",
    "convolutions": "convolutions, in four stages",
    "windows": "every window",
    "clusters": "four clusters",
}
"""What the drawings name."""
TUNINGS = {
    "full": Tuning(
        "Full fine-tuning",
        "Every weight of the network may change: nothing stands in its way, and a whole new network is to be stored.",
        "All parts of the network learn: patches, attention, MLP, LayerNorms and head.",
    ),
    "linear": Tuning(
        "Linear probe",
        "The network stays as it is and only the last layer learns: a test of what it knows already.",
        "Only the head learns; all else is frozen.",
    ),
    "lora": Tuning(
        "LoRA",
        "The large tables of attention stay as they are; each of two gets a small correction, the product of two thin "
        "tables.",
        "Thin additions to the keys' and values' tables of attention learn, and the head; all else is frozen.",
    ),
    "adapter": Tuning(
        "Adapter",
        "A narrow detour behind the MLP of every block learns to adjust what passes; the block itself stays as it is.",
        "A small layer behind the MLP learns, the LayerNorm in front of the MLP and the head; all else is frozen.",
    ),
    "mixture": Tuning(
        "Mixture of adapters",
        "Several narrow detours stand beside attention, and the network learns how much to listen to each.",
        "Several small layers beside attention learn, the LayerNorm in front of it and the head; all else is frozen.",
    ),
    "bitfit": Tuning(
        "BitFit",
        "Every connection keeps its strength; only the offsets, one number for each neuron, learn.",
        "The biases of attention, MLP and LayerNorms learn, and the head; all else is frozen.",
    ),
    "ia3": Tuning(
        "IA3",
        "Nothing is rewired: learned factors turn keys, values and the inside of the MLP up or down.",
        "Factors on keys, on values and inside the MLP learn, and the head; all else is frozen.",
    ),
    "layer_norm": Tuning(
        "LayerNorm tuning",
        "Only the levels between the layers learn, like the faders of a mixing desk.",
        "The LayerNorms and the head learn; all else is frozen.",
    ),
    "prefix": Tuning(
        "Prefix tuning",
        "Attention gets a few learned notes to read beside the sound, in every block.",
        "Added keys and values of attention learn, and the head; all else is frozen.",
    ),
    "prompt": Tuning(
        "Prompt tuning",
        "A few learned pieces are put beside the pieces of the sound, as if they had been heard too.",
        "Added tokens at the entrance of the blocks learn, and the head; all else is frozen.",
    ),
    "ipet": Tuning(
        "IPET",
        "Learned pieces beside the sound and a narrow detour beside the MLP learn together.",
        "Added tokens at the entrance of the blocks and a small layer beside the MLP learn, and the head; all else is "
        "frozen.",
    ),
    "cnn": Tuning(
        "Convolutional network",
        "A smaller network of another kind, trained from the start: filters slide over the picture of the sound.",
        "Four stages of convolutions and the head, all of which learn.",
    ),
    "cycle_guardian": Tuning(
        "Clustered windows (CycleGuardian)",
        "A network of another kind, trained from the start, hears a quarter of a second at a time: it sorts these "
        "windows into four clusters, sums each cluster up and answers from the four.",
        "Convolutions that read every window, four clusters, their fusion and the head, all of which learn.",
    ),
}
"""Tuning, or network that is no transformer -> what the list of models says of it."""
