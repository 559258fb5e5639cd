"""What is played: filters as stated, files that never clip, and the way from a second to its place in a picture."""

import wave

import numpy as np
import pytest

from rsc_core import figures
from rsc_core.playback import EMPHASES, GENTLE_DB, Emphasis, Playback, Sound, Version, time_axes_of
from tests.test_figures import analysis, cycle_view

RATES = (44100, 48000)


def gain_db(emphasis, hz, sample_rate=48000):
    """Gain at a frequency, from the filters' transfer functions."""
    z = np.exp(-2j * np.pi * hz / sample_rate)
    gain = np.prod([np.polyval(b[::-1], z) / np.polyval(a[::-1], z) for b, a in emphasis.filters(sample_rate)])
    return 20 * np.log10(abs(gain))


@pytest.mark.parametrize("rate", RATES)
def test_a_shelf_has_its_gain_far_off_half_of_it_at_its_frequency_and_none_on_the_other_side(rate):
    low, high = Emphasis(200, 6, 500, 0), Emphasis(200, 0, 500, -6)
    assert [gain_db(low, hz, rate) for hz in (1, 200, 20000)] == pytest.approx([6, 3, 0], abs=0.05)
    assert [gain_db(high, hz, rate) for hz in (1, 500, 22000)] == pytest.approx([0, -3, -6], abs=0.05)


def test_bell_and_diaphragm_are_opposites_and_no_more_than_gentle():
    hz = np.geomspace(20, 8000, 60)
    bell, diaphragm = ([gain_db(EMPHASES[name], f) for f in hz] for name in ("bell", "diaphragm"))
    np.testing.assert_allclose(bell, -np.array(diaphragm), atol=1e-9)
    assert np.all(np.diff(bell) < 0) and max(np.abs(bell)) <= GENTLE_DB
    assert np.allclose([gain_db(EMPHASES["none"], f) for f in hz], 0)


@pytest.mark.parametrize("name", EMPHASES)
def test_no_sound_comes_out_of_a_filter_louder_than_its_bound_and_one_comes_close(name):
    emphasis, rng = EMPHASES[name], np.random.default_rng(0)
    for sound in (rng.choice([-1.0, 1.0], 48000), np.sign(np.sin(np.arange(48000) * 2 * np.pi * 60 / 48000))):
        assert np.abs(emphasis.apply(sound, 48000)).max() <= emphasis.most + 1e-9
    answer = emphasis.apply(np.eye(1, 4800)[0], 48000)
    worst = np.sign(answer[::-1])
    assert np.abs(emphasis.apply(worst, 48000)).max() == pytest.approx(emphasis.most, rel=1e-3)


def read(path):
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return samples / 32767, file.getframerate()


@pytest.mark.parametrize("loudest", [0.2, 1.0, 1.7])
def test_a_file_holds_the_sound_and_only_what_would_clip_is_made_quieter(tmp_path, loudest):
    waveform = np.sin(np.linspace(0, 50, 8000)).astype(np.float32)
    waveform *= loudest / np.abs(waveform).max()
    sound = Sound(waveform, 16000)
    samples, rate = read(sound.write(tmp_path))
    assert (rate, sound.seconds) == (16000, 0.5)
    np.testing.assert_allclose(samples[:, 0], waveform / max(loudest, 1), atol=1 / 32767)
    assert sound.peak == pytest.approx(min(loudest, 1), rel=1e-4)


def test_two_channels_stay_apart_and_their_sum_has_a_bound(tmp_path):
    both = np.random.default_rng(0).uniform(-0.9, 0.9, (4000, 2)).astype(np.float32)
    sound = Sound(both, 16000)
    np.testing.assert_allclose(read(sound.write(tmp_path))[0], both, atol=1 / 32767)
    gains = np.random.default_rng(1).uniform(0, 1, (20, 2))
    assert np.abs(both @ gains.T).max() <= sound.peak


def test_files_are_named_by_their_content_alone(tmp_path):
    one = np.linspace(-0.5, 0.5, 100, dtype=np.float32)
    path = Sound(one, 16000).write(tmp_path)
    assert Sound(one.copy(), 16000).write(tmp_path) == path
    others = (Sound(one[::-1], 16000), Sound(one, 8000), Sound(one.reshape(-1, 2), 16000))
    assert len({path, *(sound.write(tmp_path) for sound in others)}) == 4
    assert len(list(tmp_path.iterdir())) == 4  # no drafts are left


@pytest.mark.parametrize(("width", "scale"), [(330, 2.0), (820, 1.5), (1200, 1.0)])
def test_shares_of_a_picture_lead_to_the_pixels_of_its_axes(width, scale):
    for picture in (figures.waveform(analysis(), 1, width, scale), figures.attention(cycle_view(), width, scale)):
        height_px, width_px, _ = picture.pixels().shape
        shares = time_axes_of(picture)
        assert len(shares) == len(picture.axes)
        for share, axes in zip(shares, picture.axes, strict=True):
            middle = (share.left + share.right) / 2 * width_px, (share.top + share.bottom) / 2 * height_px
            s, _ = axes.at(*middle)
            assert s == pytest.approx((share.start_s + share.end_s) / 2, abs=0.01)
            assert 0 < share.left < share.right < 1 and 0 < share.top < share.bottom < 1
            assert all(type(value) is float for value in vars(share).values())  # Gradio sends others as text


def test_only_versions_of_one_sound_have_something_between_them():
    sound = Sound(np.zeros(10, np.float32), 16000)
    two = (Version("a"), Version("b", gains=(0.5, 0.0)))
    assert Playback("", (sound,), two).blends
    assert not Playback("", (sound, sound), (Version("a"), Version("b", 1))).blends
    assert not Playback("", (sound,)).blends
