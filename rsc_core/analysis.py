"""What the app shows, as plain numpy: no torch, so pages and figures can import it cheaply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Recording:
    """A decoded sound file: mono, resampled, level-scaled."""

    waveform: np.ndarray  # (samples,) float32
    sample_rate: int  # Hz, of ``waveform``
    source_rate: int  # Hz, of the file
    channels: int  # of the file, averaged into one
    seconds: float
    gain: float  # what the file's samples were multiplied with
    warnings: tuple[str, ...] = ()  # sentences for the reader: clipped, near-silent, …


@dataclass(frozen=True)
class Cycle:
    """One stretch of a recording: an annotated or found respiratory cycle, an annotated event, or a window."""

    start_s: float
    end_s: float
    label: str | None = None  # the annotation's class, where there is one
    inspiration_end_s: float | None = None  # where it was heard

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class ModelCard:
    """What a visitor must know of a model before believing it."""

    name: str  # folder under checkpoints/
    title: str
    preset: str
    parameters: int
    trainable: int
    corpus: str  # e.g. "ICBHI subset (39 %), official test"
    protocol: str
    specificity: float  # percent
    sensitivity: float  # percent
    score: float  # percent
    score_interval: tuple[float, float]  # percent, patient bootstrap, 95 %
    base: str  # "" or e.g. "base learned from children's lungs (SPRSound)"
    model: str = "spectrogram_transformer"  # key of rsc_core.models.MODELS
    tuning: str = "full"  # key of rsc_core.tuning.TUNINGS
    elsewhere: tuple[tuple[str, float], ...] = ()  # other corpora it was evaluated on, and its Score there, percent


@dataclass(frozen=True)
class Analysis:
    """One recording as one model labels it."""

    recording: Recording
    cycles: tuple[Cycle, ...]
    annotated: bool  # True: cycles come from an annotation file; False: found in the sound, or windows
    classes: tuple[str, ...]
    probabilities: np.ndarray  # (cycle, class) float32, rows sum to 1
    model: ModelCard
    events: tuple[Cycle, ...] = ()  # adventitious sounds the annotation marks, labelled with its own words
    segmented: bool = False  # True: cycles were found in the sound (rsc_core.segmentation)

    @property
    def labels(self) -> tuple[str, ...]:
        """The most probable class of each cycle."""
        return tuple(self.classes[i] for i in self.probabilities.argmax(axis=1))

    @property
    def crackle_present(self) -> np.ndarray:
        """(cycle,) P(crackle) + P(both)."""
        return self.probabilities[:, self.classes.index("crackle")] + self.probabilities[:, self.classes.index("both")]

    @property
    def wheeze_present(self) -> np.ndarray:
        """(cycle,) P(wheeze) + P(both)."""
        return self.probabilities[:, self.classes.index("wheeze")] + self.probabilities[:, self.classes.index("both")]


@dataclass(frozen=True)
class Spectrogram:
    """A time-frequency picture of one cycle: rows rise in frequency, columns run from ``start_s`` to ``end_s``."""

    name: str  # "Log-mel", "CQT", "Gammatone", "Mel"
    values: np.ndarray  # (bins, frames) float32
    unit: str  # "dB", "SD per row" or "2 SD of the training set"
    frequencies_hz: np.ndarray  # (bins,) rising centre frequencies
    start_s: float
    end_s: float


@dataclass(frozen=True)
class AttentionMap:
    """Where CLS and DIST read from, on the cycle's own time axis (copies from repetition are folded back)."""

    name: str  # "last layer" or "rollout"
    values: np.ndarray  # (patch rows, frames) float32, sums to 1; row r covers ``edges_hz[r:r + 2]``
    edges_hz: np.ndarray  # (patch rows + 1,) rising
    patch_s: float  # duration of one patch
    start_s: float
    end_s: float


@dataclass(frozen=True)
class CycleView:
    """Everything drawn of one cycle."""

    cycle: Cycle
    waveform: np.ndarray  # (samples,) float32
    sample_rate: int
    log_mel: dict[str, Spectrogram] = field(default_factory=dict)  # keys "db" and "model"
    hybrid: dict[str, tuple[Spectrogram, ...]] = field(default_factory=dict)  # CQT, Gammatone, Mel under each key
    attention: tuple[AttentionMap, ...] = ()


@dataclass(frozen=True)
class Look:
    """The part of a cycle that is looked into: all of it, or of a cycle longer than a model's window one window."""

    spectrogram: Spectrogram  # log-mel in dB
    waveform: np.ndarray  # (samples,) float32
    sample_rate: int  # Hz
    number: int  # of the window, counted from 1
    count: int  # windows of the cycle
    classes: tuple[str, ...]
    probabilities: np.ndarray  # (class,) float32, of the window
    methods: dict[str, str]  # name -> title of the ways to explain this model, in display order
    attends: bool  # whether there are heads to show
    tile_s: float  # extent of a patch, or of a tile where the model has no patches
    tile_bins: int  # mel bins


@dataclass(frozen=True)
class Tile:
    """A place on the grid of maps."""

    index: int  # row-major, rows rising in frequency
    start_s: float
    end_s: float
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class TileMap:
    """Values over a look's own time axis; copies from repetition are folded back."""

    values: np.ndarray  # (tile rows, frames) float32; row r covers ``edges_hz[r:r + 2]``
    edges_hz: np.ndarray  # (tile rows + 1,) rising
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Heads:
    """What kind of reader each head is, over all patches that read; arrays are (layers, heads) float32."""

    entropy: np.ndarray  # nats, mean over patches; even attention has log(tokens)
    entropy_share: np.ndarray  # of log(tokens): 1 is even attention, 0 one token only
    distance_s: np.ndarray  # mean distance in time between a patch and those it reads; NaN if it reads none
    distance_hz: np.ndarray  # the same in frequency
    special: np.ndarray  # share of what they read that falls on CLS and DIST
    virtual: np.ndarray  # share on tokens that a tuning added


@dataclass(frozen=True)
class Montage:
    """What one token reads, in every head."""

    maps: np.ndarray  # (layers, heads, tile rows, frames) float32: times what even attention to the patches gives
    edges_hz: np.ndarray  # (tile rows + 1,) rising
    start_s: float
    end_s: float
    tile: Tile | None  # the patch that reads; None: CLS, DIST or their mean
    special: np.ndarray  # (layers, heads) share of this reading that falls on CLS and DIST
    virtual: np.ndarray  # (layers, heads) share on tokens that a tuning added
    heads: Heads  # the same whichever token reads


@dataclass(frozen=True)
class Standing:
    """How a method of explaining a model stood its test over a corpus, against orders that know nothing of it."""

    where: str  # cycles, corpus and part
    wins: float  # share of the cycles on which it beats random orders, 0 to 1
    low: float  # 95 % over patients; NaN where there are fewer than two
    high: float
    beats: bool  # every baseline, whatever parts are replaced by


@dataclass(frozen=True)
class ScoreTable:
    """How all ways of explaining a model did over one corpus."""

    about: str  # corpus, part, how many cycles and windows
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # a cell a head, the order's title first; "" where nothing was measured


@dataclass(frozen=True)
class Truth:
    """The annotated sounds within a look, and what share of a map lies in their time."""

    events: tuple[Cycle, ...]  # as far as they are shown; the label is the annotation's word
    inside: float  # share of the positive relevance, 0 to 1
    chance: float  # the sounds' share of the time


@dataclass(frozen=True)
class RelevanceMap:
    """What a decision rests on, as one method says."""

    method: str
    title: str
    signed: bool  # values are in logits, below 0 where a place speaks against the class; else times an even spread
    by_class: bool  # False: the map is the same for every class
    tiles: TileMap
    standings: tuple[Standing, ...] = ()  # one a corpus that the method was scored over
    truth: Truth | None = None  # None: no sound is annotated within what is shown


@dataclass(frozen=True)
class Followed:
    """A class's probability while parts are taken away (row 0) and brought back (row 1), in one kind of filling."""

    filling: str  # by what parts are replaced
    fraction: np.ndarray  # (steps + 1,) 0 to 1
    own: np.ndarray  # (2, steps + 1), in the map's order
    random: np.ndarray  # (orders, 2, steps + 1)
    smooth: np.ndarray  # (orders, 2, steps + 1), smooth random blocks
    loudest: np.ndarray  # (2, steps + 1)
    sentences: tuple[str, str]  # where the areas of deletion and insertion lie among those of random orders

    def areas(self, curves: np.ndarray) -> np.ndarray:
        """(…, 2, steps + 1) -> (…, 2): mean heights of deletion and insertion curves."""
        return np.trapezoid(curves, self.fraction, axis=-1)


@dataclass(frozen=True)
class Belief:
    """How far a test of a map has come, and what it says so far."""

    done: int
    total: int
    followed: tuple[Followed, ...]  # one for each filling


@dataclass(frozen=True)
class Forgetting:
    """How alike a map stays to that of the whole model while the model forgets, from the head down."""

    layers: tuple[str, ...]  # all that are randomised, in turn; each with all before it
    similarities: tuple[float, ...]  # as far as it has come; Spearman's rank correlation, NaN where a map is constant


@dataclass(frozen=True)
class CycleMix:
    """Two cycles and their mix, cut into patches as one model cuts them; all of it fills that model's window."""

    model: str  # whose patches
    replaced: np.ndarray  # (freq, time) bool: patches taken from the second cycle
    edges_bins: np.ndarray  # (freq + 1,) rising; row r covers mel bins ``edges_bins[r:r + 2]``
    edges_s: np.ndarray  # (time + 1,) rising, from the window's start
    spectrograms: tuple[Spectrogram, Spectrogram, Spectrogram]  # log-mel: first cycle, mix, second cycle
    sounds: tuple[np.ndarray, np.ndarray, np.ndarray]  # (samples,) float32 each, the second as loud as the first
    sample_rate: int  # Hz
    windows: tuple[int, int]  # of the two cycles; of more than one the first is mixed

    @property
    def kept(self) -> float:
        """Share of the patches that are the first cycle's."""
        return 1 - float(self.replaced.mean())


@dataclass(frozen=True)
class MixAnswer:
    """What one model says of two cycles and of their mix; probabilities are (class,) float32."""

    model: str
    classes: tuple[str, ...]
    grid: tuple[int, int]  # (freq, time) patches
    window_s: float
    kept: float  # share of its patches that are the first cycle's
    first: np.ndarray
    second: np.ndarray
    mixed: np.ndarray

    @property
    def asked(self) -> np.ndarray:
        """(class,) what Patch-Mix asks of the model: its answers to both cycles, each by its share of the patches."""
        return self.kept * self.first + (1 - self.kept) * self.second

    @property
    def gap(self) -> float:
        """How far the answer to the mix is from what is asked, 0 to 1: the probability that stands elsewhere."""
        return float(np.abs(self.mixed - self.asked).sum() / 2)


@dataclass(frozen=True)
class ClusterLook:
    """How a CycleGuardian clusters the windows of one clip: a cycle, repeated where short, or a part of a long one."""

    maps: tuple[Spectrogram, ...]  # CQT, Gammatone, Mel as the network reads them, seconds from the clip's start
    repeats_s: np.ndarray  # (repeats,) where the cycle begins anew in the clip
    edges_s: np.ndarray  # (windows, 2) start and end in the clip; neighbours overlap
    soft: np.ndarray  # (windows, clusters) assignments, rows sum to 1
    weights: np.ndarray  # (windows,) by which each is multiplied in its cluster's sum; the same for every clip
    fusion: np.ndarray  # (clusters,) by which each cluster is multiplied where they are fused; the same for every clip
    classes: tuple[str, ...]
    answers: np.ndarray  # (2 ** clusters, class) probabilities; bit i of the row's number: cluster i is silenced
    number: int  # of the clip, counted from 1
    count: int  # clips of the cycle
    ending: bool = False  # True: the cycle is longer, and its end alone is read

    @property
    def clusters(self) -> np.ndarray:
        """(windows,) the cluster that each belongs to, from 0."""
        return self.soft.argmax(axis=1)

    @property
    def sizes(self) -> np.ndarray:
        """(clusters,) how many windows belong to each."""
        return np.bincount(self.clusters, minlength=self.soft.shape[1])

    def answer(self, silenced: Iterable[int] = ()) -> np.ndarray:
        """(class,) probabilities with some clusters silenced."""
        return self.answers[sum(1 << cluster for cluster in set(silenced))]


@dataclass(frozen=True)
class TypicalWindow:
    """A window that lies near its cluster's centre."""

    cycle: int  # index
    start_s: float  # in the recording
    end_s: float
    distance: float  # of its code from the centre
    waveform: np.ndarray  # (samples,) float32, about what the maps hold of it
    sample_rate: int  # Hz
