import numpy as np
import pytest

from rsc_core.explain.listen import attended, gains, masked, split
from rsc_core.features.log_mel import edge_frequencies_hz

RATE = 16000
EDGES = edge_frequencies_hz()[::16]
COLUMN_S = 0.16


def noise(samples=5 * RATE, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def random_map(seed=1):
    return np.random.default_rng(seed).random((8, 31))


def energy(wave):
    return float(np.square(wave, dtype=float).sum())


def listen(wave, values, amount):
    return attended(wave, RATE, values, EDGES, COLUMN_S, amount)


def test_slider_ends_add_up_to_the_original_and_the_middle_is_it():
    wave, values = noise(), random_map()
    only, but = listen(wave, values, 1), listen(wave, values, -1)
    assert only.shape == but.shape == wave.shape and only.dtype == np.float32
    np.testing.assert_allclose(only + but, wave, atol=1e-6)
    np.testing.assert_allclose(listen(wave, values, 0), wave, atol=1e-6)
    np.testing.assert_allclose(listen(wave, values, 0.25), only + 0.75 * but, atol=1e-6)
    np.testing.assert_allclose(listen(wave, values, -0.25), 0.75 * only + but, atol=1e-6)
    assert 0.01 < energy(only) / energy(wave) < 0.99


def test_gains_of_one_give_the_sound_back_and_gains_of_zero_silence():
    wave = noise()
    np.testing.assert_allclose(masked(wave, RATE, np.ones((8, 31)), EDGES, COLUMN_S), wave, atol=1e-6)
    assert not masked(wave, RATE, np.zeros((8, 31)), EDGES, COLUMN_S).any()


@pytest.mark.parametrize("samples", [79983, 8000, 1600, 100])
def test_a_uniform_map_gives_the_sound_back(samples):
    wave = noise(samples)
    part, rest = split(wave, RATE, np.full((8, max(1, samples // 2560)), 1 / 248), EDGES, COLUMN_S)
    np.testing.assert_allclose(part, wave, atol=1e-6)
    np.testing.assert_allclose(rest, 0, atol=1e-6)


@pytest.mark.parametrize(("pitch_hz", "row"), [(160, 0), (890, 2), (2250, 4)])
def test_a_map_over_an_event_brings_it_out_of_noise(pitch_hz, row):
    """White noise in 8 x 31 tiles of which the event fills 4; what the rest holds can go."""
    assert EDGES[row] < pitch_hz < EDGES[row + 1]
    t = np.arange(5 * RATE) / RATE
    inside = (t >= 10 * COLUMN_S) & (t < 14 * COLUMN_S)
    event = np.where(inside, np.sin(2 * np.pi * pitch_hz * t), 0).astype(np.float32)
    values = np.zeros((8, 31))
    values[row, 10:14] = 0.25
    gain = {}
    for amount in (1, -1):
        after = energy(listen(event, values, amount)) / energy(listen(noise(), values, amount))
        gain[amount] = 10 * np.log10(after / (energy(event) / energy(noise())))
    least_db = 10 * np.log10(31 / 4 * 8000 / (EDGES[row + 1] - EDGES[row])) - 2
    assert gain[1] > least_db > 15
    assert gain[-1] < -10


def test_energies_add_where_parts_do_not_overlap():
    """A tone in the attended row, another three rows up: each goes to one side, whole."""
    t = np.arange(5 * RATE) / RATE
    low, high = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (890, 3300))
    values = np.zeros((8, 31))
    values[2] = 1
    part, rest = split(low + high, RATE, values, EDGES, COLUMN_S)
    assert energy(part) + energy(rest) == pytest.approx(energy(low + high), rel=1e-3)
    assert energy(part - low) < 1e-3 * energy(low)


def test_what_lies_above_the_last_edge_is_not_attended():
    t = np.arange(2 * 44100) / 44100
    high = np.sin(2 * np.pi * 12000 * t).astype(np.float32)
    part, _ = split(high, 44100, np.ones((8, 12)), EDGES, COLUMN_S)
    assert energy(part) < 1e-5 * energy(high)


def test_gains_silence_the_fair_share_and_keep_the_typical_attended_tile():
    np.testing.assert_allclose(gains(np.array([[0, 0, 0, 2.0], [0, 0, 0, 2]])), [[0, 0, 0, 1], [0, 0, 0, 1]])
    np.testing.assert_allclose(gains(np.array([[1, 1, 1, 1, 3.0, 5]])), [[0, 0, 0, 0, 0.5, 1]])
    np.testing.assert_allclose(gains(np.array([[-5, 0.0, 2]])), [[0, 0, 1]])
    np.testing.assert_allclose(gains(np.zeros((2, 2))), 1)


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"amount must be between -1 .* got 1.5"):
        listen(noise(), random_map(), 1.5)
    with pytest.raises(ValueError, match=r"expected a \(freq, columns\) map and freq \+ 1 edges, got \(7, 31\)"):
        listen(noise(), random_map()[:7], 1)
    with pytest.raises(ValueError, match="covers 4.96 s and the waveform lasts 1.00 s: fold the map back"):
        listen(noise(RATE), random_map(), 1)
