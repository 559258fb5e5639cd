"""What a corpus is made of, before anyone believes a score on it: as text and as one picture.

Levels and bandwidths are measured on whole recordings as they are stored (``rsc_core.data.levels``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

from rsc_core import audio
from rsc_core.data.corpus import Clip, Corpus
from rsc_core.data.levels import RANGE_DB, Sound, measure

DRAWN = 12  # classes or devices in the picture; the text lists all
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")


def measure_all(corpus: Corpus, progress: bool = True) -> dict[str, Sound]:
    """Recording -> its measures, for every recording with a clip.

    Raises:
        AudioError: a file cannot be decoded.
    """
    paths = {clip.recording: clip.path for clip in corpus.clips}
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda path: measure(*audio.read(path)), paths.values())
        return dict(zip(paths, tqdm(found, "listening", len(paths), unit=" files", disable=not progress), strict=True))


def report(corpus: Corpus, sounds: dict[str, Sound]) -> str:
    """Return counts, patients, devices, durations, levels and bandwidths as text tables."""
    parts = _split_clips(corpus)
    recordings = {clip.recording: clip for clip in corpus.clips}.values()
    sections = [
        f"{corpus.title}: {len(corpus.clips):,} clips of {len({c.patient for c in corpus.clips}):,} patients, "
        f"{len(corpus.recordings):,} recordings",
        *corpus.notes,
        _table(
            ["clips", *corpus.classes, "all", "patients"],
            [
                [split, *_by_class(clips, corpus), len(clips), len({c.patient for c in clips})]
                for split, clips in parts.items()
            ],
        ),
        "\n".join(
            f"{len(shared):,} patients in {a} and {b}"
            + (f": {', '.join(shared[:10])}" if shared else "")
            + (", …" if len(shared) > 10 else "")
            for a, b, shared in overlaps(corpus)
        ),
        _table(
            ["clips by device", *parts],
            [[device, *row] for device, row in _cross(corpus.clips, parts, lambda clip: clip.device)],
        ),
        _table(
            ["duration (s)", "5 %", "median", "95 %"],
            [
                [name, *(f"{s:.2f}" for s in np.percentile(_durations(corpus, i), [5, 50, 95]))]
                for i, name in enumerate(corpus.classes)
                if len(_durations(corpus, i))
            ],
        ),
        *(
            _table(
                [f"recordings by {name}", "count", "level, median dB (5 to 95 %)", "bandwidth, median Hz (5 to 95 %)"],
                [
                    [group, len(of), _spread([s.rms_db for s in of]), _spread([s.bandwidth_hz for s in of])]
                    for group, of in _grouped(recordings, sounds, key)
                ],
            )
            for name, key in (("device", lambda clip: clip.device), ("split", lambda clip: clip.split))
        ),
    ]
    return "\n\n".join(section for section in sections if section)


def draw(corpus: Corpus, sounds: dict[str, Sound]) -> Figure:
    """Return the same as six panels; classes and devices beyond the twelve most frequent are left to the text."""
    parts = _split_clips(corpus)
    recordings = list({clip.recording: clip for clip in corpus.clips}.values())
    labels = Counter(label for clip in corpus.clips for label in clip.labels)
    common = sorted(label for label, _ in labels.most_common(DRAWN))
    names = [corpus.classes[label] for label in common]
    devices = [device for device, _ in Counter(c.device for c in corpus.clips).most_common(DRAWN)]
    figure = Figure(figsize=(13, 7), layout="constrained")
    figure.suptitle(corpus.title)
    axes = figure.subplots(2, 3)
    shares = [[_by_class(clips, corpus)[label] / len(clips) for clips in parts.values()] for label in common]
    _stacked(axes[0, 0], "classes", [f"{s}\n{len(c):,} clips" for s, c in parts.items()], names, shares)
    shares = [[sum(c.device == d for c in clips) / len(clips) for clips in parts.values()] for d in devices]
    _stacked(axes[0, 1], "devices", list(parts), devices, shares)
    _overlap_map(axes[0, 2], parts)
    axes[1, 0].boxplot([_durations(corpus, label) for label in common], whis=(5, 95), showfliers=False)
    axes[1, 0].set_xticks(range(1, len(names) + 1), names, rotation=30 if len(names) > 4 else 0)
    axes[1, 0].set(title="durations (box: quartiles, whiskers: 5 to 95 %)", ylabel="s")
    grouped = dict(_grouped(recordings, sounds, lambda clip: clip.device))
    for panel, unit, title in ((axes[1, 1], "rms_db", "levels"), (axes[1, 2], "bandwidth_hz", "bandwidths")):
        values = [[getattr(s, unit) for s in grouped[device]] for device in devices]
        colours = [COLOURS[i % len(COLOURS)] for i in range(len(devices))]
        panel.hist(values, bins=30, stacked=True, label=devices, color=colours)
        xlabel = "dB of full scale" if unit == "rms_db" else f"Hz, highest within {RANGE_DB} dB of the loudest"
        panel.set(title=f"{title} of recordings", xlabel=xlabel, ylabel="recordings")
        panel.legend(fontsize="small")
    return figure


def audit(corpus: Corpus, out: str | Path | None = None, progress: bool = True) -> str:
    """Return the report; draw it to a PNG too where ``out`` names one."""
    sounds = measure_all(corpus, progress)
    if out is not None:
        draw(corpus, sounds).savefig(out, format="png", dpi=100)
    return report(corpus, sounds)


def overlaps(corpus: Corpus) -> list[tuple[str, str, tuple[str, ...]]]:
    """(split, other split, patients with clips in both) for every pair of the corpus's own splits."""
    patients = {split: {c.patient for c in clips} for split, clips in _split_clips(corpus).items()}
    return [(a, b, tuple(sorted(patients[a] & patients[b]))) for a, b in combinations(patients, 2)]


def _split_clips(corpus: Corpus) -> dict[str, list[Clip]]:
    parts: dict[str, list[Clip]] = {}
    for clip in corpus.clips:
        parts.setdefault(clip.split, []).append(clip)
    return dict(sorted(parts.items(), key=lambda part: (part[0] != "train", part[0])))


def _by_class(clips: Sequence[Clip], corpus: Corpus) -> list[int]:
    counts = Counter(label for clip in clips for label in clip.labels)
    return [counts[label] for label in range(len(corpus.classes))]


def _durations(corpus: Corpus, label: int) -> list[float]:
    return [clip.end_s - clip.start_s for clip in corpus.clips if label in clip.labels]


def _cross(clips, parts, key: Callable[[Clip], str]) -> list[tuple[str, list[int]]]:
    counts = {split: Counter(map(key, members)) for split, members in parts.items()}
    return [(name, [counts[split][name] for split in parts]) for name in sorted(set(map(key, clips)))]


def _grouped(recordings, sounds: dict[str, Sound], key: Callable[[Clip], str]) -> list[tuple[str, list[Sound]]]:
    groups: dict[str, list[Sound]] = {}
    for clip in recordings:
        groups.setdefault(key(clip), []).append(sounds[clip.recording])
    return sorted(groups.items(), key=lambda group: (group[0] != "train", group[0]))


def _spread(values: Sequence[float]) -> str:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lines of aligned columns, the first to the left; nothing without rows."""
    cells = [list(header), *([f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]
    return "\n".join(lines) if rows else ""


def _stacked(axes: Axes, title: str, columns: Sequence[str], names: Sequence[str], shares) -> None:
    bottom = np.zeros(len(columns))
    for i, (name, share) in enumerate(zip(names, shares, strict=True)):
        axes.bar(columns, 100 * np.array(share), bottom=bottom, label=name, color=COLOURS[i % len(COLOURS)])
        bottom += 100 * np.array(share)
    axes.set(title=f"{title} by split", ylabel="% of clips")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))  # beside the bars


def _overlap_map(axes: Axes, parts: dict[str, list[Clip]]) -> None:
    patients = [{c.patient for c in clips} for clips in parts.values()]
    shared = np.array([[len(a & b) for b in patients] for a in patients])
    axes.imshow(np.log1p(shared), cmap="Blues", vmax=2 * np.log1p(shared.max()))
    for (row, column), count in np.ndenumerate(shared):
        axes.text(column, row, f"{count:,}", ha="center", va="center")
    axes.set_xticks(range(len(parts)), parts)
    axes.set_yticks(range(len(parts)), parts)
    axes.set_title("patients in two splits")
