"""Pictures: what stands where, and that a pixel leads back to the second and the Hz it shows."""

import time
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from rsc_core import figures
from rsc_core.analysis import Analysis, AttentionMap, Cycle, CycleView, ModelCard, Recording, Spectrogram
from rsc_core.config import CLASSES

WIDTHS = [(330, 2.0), (820, 1.5), (1200, 1.0)]
MEL_HZ = np.geomspace(40, 7900, 128)
CARD = ModelCard("lora", "", "lora", 10, 1, "", "", 50, 50, 50, (40, 60), "")


def spectrogram(name, hz, unit="dB", point=None, frames=200):
    values = np.random.default_rng(0).uniform(-60, -40, (len(hz), frames)).astype(np.float32)
    if point:
        values[:] = -60
        values[point] = 0
    return Spectrogram(name, values, unit, hz, 4.0, 6.0)


def cycle_view(point=None):
    cqt, mel = 32.7 * 2 ** (np.arange(84) / 12), np.linspace(40, 3000, 84)
    maps = {
        key: tuple(spectrogram(n, hz, unit) for n, hz in (("CQT", cqt), ("Gammatone", mel), ("Mel", mel)))
        for key, unit in (("db", "dB"), ("model", "SD per row"))
    }
    log_mel = {"db": spectrogram("Log-mel", MEL_HZ, point=point), "model": spectrogram("Log-mel", MEL_HZ, "2 SD")}
    rng = np.random.default_rng(1)
    edges = np.interp(np.arange(0, 129, 16), np.arange(128), MEL_HZ)
    looks = tuple(
        AttentionMap(name, (w := rng.random((8, 200)).astype(np.float32)) / w.sum(), edges, 0.16, 4.0, 6.0)
        for name in ("last layer", "rollout")
    )
    return CycleView(Cycle(4.0, 6.0), np.zeros(32000, np.float32), 16000, log_mel, maps, looks)


def analysis(annotated=True, seconds=12.0):
    sound = 0.1 * np.random.default_rng(0).standard_normal(int(16000 * seconds)).astype(np.float32)
    recording = Recording(sound, 16000, 16000, 1, seconds, 1.0)
    cycles = tuple(Cycle(3.0 * i, 3.0 * i + 3, c if annotated else None) for i, c in enumerate(CLASSES))
    probabilities = (np.eye(4) * 0.6 + 0.1).astype(np.float32)
    return Analysis(recording, cycles, annotated, CLASSES, probabilities, CARD)


@cache
def pictures(width, scale):
    view = cycle_view()
    return {
        "waveform": figures.waveform(analysis(), 1, width, scale),
        "log_mel": figures.log_mel(view, "db", width, scale),
        "hybrid": figures.hybrid(view, "model", width, scale),
        "attention": figures.attention(view, width, scale),
    }


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_a_point_goes_to_its_pixel_and_back(width, scale):
    for name, picture in pictures(width, scale).items():
        for axes in picture.axes:
            for s in np.linspace(axes.start_s, axes.end_s, 7)[1:-1]:
                if axes.frequencies_hz is None:
                    x = axes.left + (s - axes.start_s) / (axes.end_s - axes.start_s) * (axes.right - axes.left)
                    assert picture.at(x, axes.top + 1) == (pytest.approx(s), None)
                    continue
                for hz in (100, 500, 1000, 2500):
                    assert picture.at(*axes.pixel(s, hz)) == (pytest.approx(s), pytest.approx(hz)), name


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_the_map_is_where_matplotlib_drew_the_axes(width, scale):
    for picture in pictures(width, scale).values():
        height, shown_width, _ = picture.pixels().shape
        assert shown_width == pytest.approx(width * scale, abs=1)
        drawn = [axes for axes in picture.figure.axes if axes.get_label() != figures.COLOUR_BAR]
        assert len(drawn) == len(picture.axes)
        for axes, known in zip(drawn, picture.axes, strict=True):
            box = axes.get_window_extent()
            expected = (box.x0, height - box.y1, box.x1, height - box.y0)
            assert (known.left, known.top, known.right, known.bottom) == pytest.approx(expected, abs=0.6)
            assert axes.get_xlim() == pytest.approx((known.start_s, known.end_s))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (30, 150), (64, 100), (127, 199)])
def test_the_brightest_pixel_leads_back_to_the_loudest_bin(row, column):
    picture = figures.log_mel(cycle_view((row, column)), "db", 820, 2.0)
    axes = picture.axes[0]
    top, left = int(axes.top) + 2, int(axes.left) + 2  # past the axes' own lines
    inside = picture.pixels()[top : int(axes.bottom) - 2, left : int(axes.right) - 2].astype(int).sum(axis=2)
    y, x = (ends.mean() for ends in np.nonzero(inside > 0.97 * inside.max()))
    s, hz = picture.at(left + x + 0.5, top + y + 0.5)
    assert s == pytest.approx(4 + (column + 0.5) / 200 * 2, abs=0.01)
    assert hz == pytest.approx(MEL_HZ[row], rel=0.03)


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_nothing_is_cut_off_or_overlaps_the_neighbour(width, scale):
    for name, picture in pictures(width, scale).items():
        image = picture.pixels()
        edges = {"top": image[0], "bottom": image[-1], "left": image[:, 0], "right": image[:, -1]}
        for side, edge in edges.items():
            assert (edge == 255).all(), f"{name} touches the {side} edge"
        renderer = picture.figure.canvas.get_renderer()
        for axes in picture.figure.axes:
            labels = [t.get_window_extent(renderer) for t in axes.get_yticklabels() if t.get_text()]
            labels.sort(key=lambda box: box.y0)
            assert all(a.y1 <= b.y0 + 2 for a, b in pairwise(labels)), name


def test_axes_are_in_s_and_round_hz_and_colour_bars_carry_their_unit():
    for name, picture in pictures(820, 1.0).items():
        assert any(axes.get_xlabel() == "Time (s)" for axes in picture.figure.axes), name
        if name == "waveform":
            continue
        bars = [axes.get_ylabel() for axes in picture.figure.axes if axes.get_label() == figures.COLOUR_BAR]
        unit = {"log_mel": "dB", "hybrid": "SD per row", "attention": "times an even spread"}[name]
        assert bars == [unit] * len(picture.axes)
        for axes in picture.figure.axes:
            if axes.get_label() != figures.COLOUR_BAR:
                ticks = {label.get_text() for label in axes.get_yticklabels()}
                assert "1,000" in ticks and ticks <= {f"{hz:,}" for hz in figures.ROUND_HZ}


def test_the_three_maps_keep_their_own_frequency_axes():
    picture = figures.hybrid(cycle_view(), "db", 820)
    assert [axes.name for axes in picture.axes] == ["CQT", "Gammatone", "Mel"]
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes if axes.get_title(loc="left")]
    assert titles[0] == "CQT, 33 to 3,951 Hz" and titles[2] == "Mel, 40 to 3,000 Hz"


def test_cycles_wear_their_label_and_the_chosen_one_a_frame():
    plain = figures.waveform(analysis(annotated=False), None, 820).pixels().astype(int)
    framed = figures.waveform(analysis(annotated=False), 2, 820).pixels().astype(int)
    axes = figures.waveform(analysis(annotated=False), 2, 820).axes[0]
    for i, name in enumerate(CLASSES):
        x = int(axes.left + (3 * i + 0.3) / 12 * (axes.right - axes.left))  # in the strip, beside its word
        colour = [int(figures.CLASS_COLOURS[name][k : k + 2], 16) for k in (1, 3, 5)]
        assert np.abs(plain[int(axes.bottom) - 10, x] - colour).max() <= 2, name
    changed = np.nonzero((plain != framed).any(axis=(0, 2)))[0]
    seconds = [axes.at(x, axes.top)[0] for x in (changed[0], changed[-1])]
    assert seconds == [pytest.approx(6, abs=0.1), pytest.approx(9, abs=0.1)]


def test_attention_shows_where_it_is_high_and_how_large_a_patch_is():
    view = cycle_view()
    values = np.full((8, 200), 1e-4, np.float32)
    values[5, 80:96] = 1
    peaked = [AttentionMap(a.name, values / values.sum(), a.edges_hz, 0.16, 4.0, 6.0) for a in view.attention]
    view = CycleView(view.cycle, view.waveform, 16000, view.log_mel, view.hybrid, tuple(peaked))
    picture = figures.attention(view, 820)
    pixels = picture.pixels().astype(int)
    redness = (pixels[..., 0] - pixels[..., 2])[:, : int(picture.axes[0].right)]
    y, x = np.unravel_index(redness.argmax(), redness.shape)
    s, hz = picture.at(x + 0.5, y + 0.5)
    assert 4.8 <= s <= 4.97
    assert peaked[0].edges_hz[5] * 0.97 <= hz <= peaked[0].edges_hz[6] * 1.03
    assert any("0.16 s" in text.get_text() for text in picture.figure.findobj(lambda a: hasattr(a, "get_text")))


def test_silence_and_very_short_cycles_can_be_drawn():
    flat = Spectrogram("Log-mel", np.full((128, 1), -100, np.float32), "dB", MEL_HZ, 0.0, 0.01)
    view = CycleView(Cycle(0, 0.01), np.zeros(160, np.float32), 16000, {"db": flat})
    assert figures.log_mel(view, "db", 330).pixels().std() > 0
    silent = analysis(annotated=False)
    silent.recording.waveform[:] = 0
    assert isinstance(figures.waveform(silent, 0, 330).figure, Figure)


def test_a_picture_of_ten_minutes_is_drawn_from_its_envelope():
    long = analysis(annotated=False, seconds=600.0)
    started = time.process_time()
    figures.waveform(long, 0, 820, 1.5).pixels()
    assert time.process_time() - started < 1.0
    _, lowest, highest = figures.envelope(long.recording.waveform, 600.0, 820)
    assert lowest.min() == long.recording.waveform.min() and highest.max() == long.recording.waveform.max()
