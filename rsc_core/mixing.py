"""Two cycles mixed as Patch-Mix mixes clips: to be seen, heard, and labelled by every model that has patches.

A model mixes the patches that its ``embed`` returns (``objectives.patch_mix``), each on its own grid. A cycle shorter
than its window is repeated to fill it, of a longer one the first window is taken. The picture shows the spectrograms
those patches are cut from. The sound is an approximation, for no sound has such patches: where the second cycle's
patches stand, its short-time Fourier transform replaces the first one's, after its level was set to the first one's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from rsc_core import checkpoint, models
from rsc_core.analysis import Analysis, Cycle, CycleMix, MixAnswer
from rsc_core.checkpoint import Checkpoint, CheckpointError
from rsc_core.explain import attention, listen, tiles
from rsc_core.features import extract
from rsc_core.features.log_mel import HOP_MS, edge_frequencies_hz, frame_count
from rsc_core.inference import Analyser, heard, log_mel_pictures
from rsc_core.models import cnn
from rsc_core.models.spectrogram_transformer import TokenLayout
from rsc_core.objectives.patch_mix import Mix, choose_patches

SEEDS = 2**31

Place = tuple[Analysis, int]
"""An analysis and the index of one of its cycles."""


@dataclass(frozen=True)
class Recipe:
    """How two cycles are mixed; the same recipe gives the same mix."""

    kept: float  # share of the patches that stay the first cycle's, 0 to 1
    domain: str = "patch"  # "time": all patches of a moment are replaced at once
    seed: int = 0  # which patches

    def __post_init__(self):
        if not 0 <= self.kept <= 1:
            raise ValueError(f"expected a share from 0 to 1 to keep, got {self.kept}")
        if self.domain not in ("patch", "time"):
            raise ValueError(f'expected the domain "patch" or "time", got {self.domain!r}')
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"expected a seed from 0 to {SEEDS - 1}, got {self.seed}")

    def replaced(self, layout: TokenLayout) -> torch.Tensor:
        """(patches,) bool; of two recipes with one seed, the one that keeps less replaces what the other does too."""
        return choose_patches(layout, self.kept, self.domain, torch.Generator().manual_seed(self.seed))


def labels(analysis: Analysis) -> tuple[str, ...]:
    """Return the cycles' annotated labels, or the model's where there is no annotation."""
    return tuple(cycle.label for cycle in analysis.cycles) if analysis.annotated else analysis.labels


def first_pair(analysis: Analysis) -> tuple[int, int]:
    """Return the first two cycles with different ``labels``, or the first two where all have the same.

    Raises:
        ValueError: there are fewer than two cycles.
    """
    known = labels(analysis)
    if len(known) < 2:
        raise ValueError(f"expected two cycles or more to mix, got {len(known)}")
    return 0, next((i for i, label in enumerate(known) if label != known[0]), 1)


def mix(analyser: Analyser, first: Place, second: Place, recipe: Recipe) -> CycleMix:
    """Mix two cycles on the grid of the model that labelled the first one.

    Where that one does not read log-mel patches, which alone are drawn and heard, the first model that does gives the
    grid.

    Raises:
        IndexError: there is no such cycle.
        CheckpointError: the model cannot be loaded, or none reads log-mel.
    """
    name = _reads_log_mel(analyser, first[0].model.name)
    with analyser.alone_with(name) as (loaded,):
        config, stride = loaded.config.audio, patch_stride(loaded.model)
        layout = loaded.model.layout(frame_count(config.window_samples, config.sample_rate))
        waves = [_windows(place, loaded) for place in (first, second)]
        whole = Cycle(0.0, config.window_s)
        shown = [log_mel_pictures(own[0], whole, loaded)["db"] for own in waves]
    replaced = layout.fold(recipe.replaced(layout)).numpy()
    bins, frames = shown[0].values.shape
    # What lies behind the last patch goes with it.
    edges = [np.append(np.arange(cells) * stride, end) for cells, end in zip(layout.grid, (bins, frames), strict=True)]
    points = replaced.repeat(np.diff(edges[0]), axis=0).repeat(np.diff(edges[1]), axis=1)
    mixed = replace(shown[0], values=np.where(points, shown[1].values, shown[0].values))
    edges_hz = edge_frequencies_hz(config.sample_rate)[edges[0]]
    own, other = waves[0][0], levelled(waves[1][0], waves[0][0])
    heard_mix = exchanged(own, other, config.sample_rate, replaced, edges_hz, stride * HOP_MS / 1000)
    return CycleMix(
        model=name,
        replaced=replaced,
        edges_bins=edges[0],
        edges_s=edges[1] * config.window_s / frames,
        spectrograms=(shown[0], mixed, shown[1]),
        sounds=(own, heard_mix, other),
        sample_rate=config.sample_rate,
        windows=(len(waves[0]), len(waves[1])),
    )


def answers(analyser: Analyser, first: Place, second: Place, recipe: Recipe) -> Iterator[MixAnswer]:
    """Yield what each model that has patches says of the two cycles and of their mix, in display order.

    The models are lent one at a time, so other visitors are served in between. Errors as of ``mix``.
    """
    for name in analyser.cards:
        answer = None
        with analyser.alone_with(name) as (loaded,):
            if hasattr(loaded.model, "embed"):
                answer = _answer(name, loaded, analyser.device, first, second, recipe)
        if answer:
            yield answer


def _reads_log_mel(analyser: Analyser, name: str) -> str:
    """The model, or else the first in display order, that reads log-mel patches."""
    for candidate in (name, *analyser.cards):
        if checkpoint.read_facts(analyser.folder / candidate)["config"]["features"]["name"] == "log_mel":
            return candidate
    raise CheckpointError(f"no model here reads patches of log-mel, which alone are drawn and heard; {name} does not")


def patch_stride(model: nn.Module) -> int:
    """Frames, and mel bins, from one patch that a model embeds to the next."""
    return tiles.size(model)[1] if attention.attends(model) else cnn.REDUCTION


def levelled(waveform: np.ndarray, like: np.ndarray) -> np.ndarray:
    """(samples,) -> the same, as loud (RMS) as another sound; silence stays silence."""
    own, wanted = (float(np.sqrt(np.square(wave, dtype=float).mean())) for wave in (waveform, like))
    return waveform * np.float32(wanted / own) if own else waveform


def exchanged(
    waveform: np.ndarray,
    other: np.ndarray,
    sample_rate: int,
    replaced: np.ndarray,
    edges_hz: np.ndarray,
    column_s: float,
) -> np.ndarray:
    """Return a sound with another's in some tiles of time and frequency.

    Args:
        waveform: (samples,) float32.
        other: (samples,) float32.
        sample_rate: Hz.
        replaced: (freq, time) bool, the tiles that are the other's; rows rise in frequency.
        edges_hz: (freq + 1,) rising; row r covers ``edges_hz[r:r + 2]``.
        column_s: seconds from one column to the next.

    Returns:
        (samples,) float32; exactly ``waveform`` where nothing is replaced.

    Raises:
        ValueError: the tiles do not fit the sound.
    """
    return waveform + listen.masked(other - waveform, sample_rate, replaced, edges_hz, column_s)


def _windows(place: Place, loaded: Checkpoint) -> np.ndarray:
    """(windows, samples) of a cycle as a model hears it."""
    analysis, index = place
    return heard(analysis.recording, analysis.cycles[index], loaded.config.audio)


def _answer(
    name: str, loaded: Checkpoint, device: torch.device, first: Place, second: Place, recipe: Recipe
) -> MixAnswer:
    config, model = loaded.config, loaded.model
    waves = torch.from_numpy(np.stack([_windows(place, loaded)[0] for place in (first, second)])).to(device)
    with torch.inference_mode():
        features = extract(waves, config.audio, config.features)
        layout, tokens = models.layout_of(model, features), model.embed(features)
        made = Mix(recipe.replaced(layout), torch.tensor([1, 0]))
        logits = model.head(model.pool(model.encode(torch.cat([tokens, made.tokens(tokens)[:1]]), layout)))
        probabilities = models.probabilities(logits, config.model).cpu().numpy()
    return MixAnswer(name, config.model.classes, layout.grid, config.audio.window_s, made.kept, *probabilities)
