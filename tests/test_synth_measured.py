"""What the dry sounds measure, by estimators that know nothing of how they were made."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks

from rsc_core import synth
from rsc_core.synth import (
    COARSE,
    FINE,
    KINDS,
    Breath,
    Crackles,
    Rhonchus,
    Rub,
    Squawk,
    Stridor,
    Transmission,
    Wheeze,
)

SLOW = Breath(rate_per_min=12)
EVERY = (FINE, COARSE, Wheeze(voices=3), Rhonchus(), Stridor(phase="both"), Squawk(), Rub())


def dry(sound, rate=16000, seconds=5.0, seed=0):
    return synth.compose(SLOW, [sound], seconds, rate, seed)


def stretches(samples, rate, silence_s=0.0025):
    """(first, behind the last) sample of whatever is not silent, parted by at least so much silence."""
    heard = np.flatnonzero(np.abs(samples) > 1e-4 * np.abs(samples).max())
    breaks = np.flatnonzero(np.diff(heard) > silence_s * rate)
    return list(zip(heard[np.r_[0, breaks + 1]], heard[np.r_[breaks, -1]] + 1, strict=True))


def peaks_hz(samples, rate, least=0.1):
    """Frequencies of the spectrum's peaks above a share of the highest, rising, by a padded Fourier transform."""
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    found, _ = find_peaks(spectrum, height=least * spectrum.max())
    return found * rate / size


def rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


@pytest.mark.parametrize("sound", EVERY, ids=lambda s: s.kind)
def test_ground_truth_is_what_is_in_the_sound(sound):
    layers = dry(sound, 44100)
    found = stretches(layers.sounds, 44100)
    assert len(found) == len(layers.events)
    for (first, last), event in zip(found, layers.events, strict=True):
        assert event.kind == sound.kind
        assert first / 44100 == pytest.approx(event.start_s, abs=0.005)
        assert last / 44100 == pytest.approx(event.end_s, abs=0.005)
        power = np.abs(np.fft.rfft(layers.sounds[first:last], 44100)) ** 2  # bins of 1 Hz
        low, high = np.round(event.band_hz).astype(int)
        assert power[low : high + 1].sum() / power.sum() == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("sound", EVERY, ids=lambda s: s.kind)
def test_the_same_seed_gives_the_same_sound(sound):
    first, again, other = (dry(sound, 8000, seed=seed) for seed in (1, 1, 2))
    assert first.sounds.tobytes() == again.sounds.tobytes() and first.events == again.events
    assert first.sounds.tobytes() != other.sounds.tobytes()


def test_every_kind_is_made():
    assert [sound.kind for sound in EVERY] == list(KINDS)


@pytest.mark.parametrize(("idw_ms", "two_cycle_ms"), [(0.7, 5), (0.5, 4), (1.5, 10), (2.5, 15), (1.0, 18)])
def test_a_crackle_has_its_widths(idw_ms, two_cycle_ms):
    rate = 44100
    layers = dry(Crackles(idw_ms, two_cycle_ms, inspiratory=4, expiratory=2), rate)
    for first, last in stretches(layers.sounds, rate):
        wave = layers.sounds[first:last]
        crossings = np.flatnonzero(np.diff(np.sign(wave))) + 1
        assert len(crossings) == 3, "two cycles"
        assert crossings[0] / rate * 1000 == pytest.approx(idw_ms, rel=0.1)
        assert len(wave) / rate * 1000 == pytest.approx(two_cycle_ms, rel=0.1)


def test_the_loudest_crackle_of_a_cycle_has_the_level():
    layers = synth.compose(Breath(), [replace(FINE, level_db=9)], 12, 44100)
    for cycle in layers.cycles:
        peak = np.abs(layers.sounds[int(cycle.start_s * 44100) : int(cycle.end_s * 44100)]).max()
        assert 20 * np.log10(peak) == pytest.approx(9, abs=0.05)


@pytest.mark.parametrize(
    "sound",
    [
        Wheeze(120, 0.08, 0),
        Wheeze(950, 1.5, 0),
        Rhonchus(70, 0.6, 0),
        Rhonchus(250, 0.3, 0),
        Stridor(500, 0.3, 0),
        Stridor(1000, 1.0, 0),
        Squawk(300, 0.11),
        Squawk(780, 0.05),
    ],
    ids=lambda s: f"{s.kind} {s.pitch_hz}",
)
def test_a_tone_has_its_pitch_duration_and_level(sound):
    layers = dry(sound)
    for first, last in stretches(layers.sounds, 16000):
        wave = layers.sounds[first:last]
        assert peaks_hz(wave, 16000)[0] == pytest.approx(sound.pitch_hz, rel=0.02)
        assert len(wave) / 16000 == pytest.approx(sound.duration_s, abs=0.005)
        quarter = len(wave) // 4
        assert rms_db(wave[quarter:-quarter]) == pytest.approx(sound.level_db, abs=0.5)


@pytest.mark.parametrize("phase", ["inspiration", "expiration", "both"])
def test_a_tone_lies_in_its_phase(phase):
    layers = synth.compose(Breath(), [Stridor(phase=phase)], 12, 8000)
    spans = ("inspiration", "expiration") if phase == "both" else (phase,)
    assert len(layers.events) == len(spans) * len(layers.phases)
    for event, (phases, name) in zip(layers.events, ((p, n) for p in layers.phases for n in spans), strict=True):
        start_s, end_s = phases.span(name)
        assert start_s <= event.start_s < event.end_s <= end_s


def test_a_polyphonic_wheeze_has_its_voices_and_a_monophonic_one_its_own():
    for voices in (1, 2, 3):
        layers = dry(Wheeze(200, 1.5, 0, voices=voices))
        (first, last), *_ = stretches(layers.sounds, 16000)
        assert peaks_hz(layers.sounds[first:last], 16000, least=0.3) == pytest.approx(
            [200, 262, 346][:voices], rel=0.01
        )


def test_no_partial_is_mirrored_at_half_the_sample_rate():
    layers = dry(Wheeze(1000, 1.0, 0, voices=4), 8000)
    (first, last), *_ = stretches(layers.sounds, 8000)
    partials_hz = np.outer([1000, 1310, 1730, 2190], [1, 2, 3]).flatten()
    for hz in peaks_hz(layers.sounds[first:last], 8000, least=0.01):
        assert np.abs(partials_hz - hz).min() < 10


def test_a_rub_creaks_in_both_phases_and_back_again():
    rub = Rub(creaks=5, creak_ms=30, centre_hz=200, level_db=3)
    layers = dry(rub)
    found = stretches(layers.sounds, 16000)
    assert len(found) == 2 * 5
    centres_hz = []
    for first, last in found:
        wave = layers.sounds[first:last]
        assert len(wave) / 16 == pytest.approx(30, rel=0.05)
        assert rms_db(wave) == pytest.approx(3, abs=0.5)
        power = np.abs(np.fft.rfft(wave, 16000)) ** 2
        centres_hz.append((power * np.arange(len(power))).sum() / power.sum())
        assert power[:400].sum() > 0.95 * power.sum()
    assert np.mean(centres_hz) == pytest.approx(200, rel=0.1)
    phases = layers.phases[0]
    shares = []
    for name, events in (("inspiration", layers.events[:5]), ("expiration", layers.events[5:])):
        start_s, end_s = phases.span(name)
        free_s = 0.8 * (end_s - start_s) - 5 * 0.039
        gaps = [(e.start_s - start_s - 0.1 * (end_s - start_s) - 0.039 * n) / free_s for n, e in enumerate(events)]
        shares.append(np.array(gaps))
    assert shares[0] == pytest.approx(1 - shares[1][::-1], abs=1e-6)


@pytest.mark.parametrize("volume_l", [0.5, 1.0, 2.0])
def test_the_breath_is_as_loud_as_its_flow_says(volume_l):
    """0 dB is inspiration at 1 L/s: the mean over a parabola of flow, by its own integral."""
    breath = Breath(tidal_volume_l=volume_l)
    layers = synth.compose(breath, [], 40, 8000)
    u = (np.arange(1000) + 0.5) / 1000
    expected, found = [], []
    for phases in layers.phases:
        start_s, end_s = phases.span("inspiration")
        expected.append(np.mean((volume_l / (end_s - start_s) * 6 * u * (1 - u)) ** 3.32))
        found.append(np.mean(layers.breath[int(start_s * 8000) : int(end_s * 8000)] ** 2))
    assert 10 * np.log10(np.mean(found) / np.mean(expected)) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(
    ("through", "expected_db"),
    [
        (Transmission(wall_db=6.02, floor_db=-60), -7.0),
        (Transmission(wall_db=12, floor_db=-60), -14.0),
        (Transmission(stethoscope="bell", floor_db=-60), -6.7),
        (Transmission(stethoscope="diaphragm", floor_db=-60), -0.4),
    ],
    ids=["wall", "thick wall", "bell", "diaphragm"],
)
def test_what_is_heard_through_keeps_its_time_and_loses_what_it_should(through, expected_db):
    """A tone of 600 Hz: twice the wall's corner, three times the shelf's."""
    layers = dry(Wheeze(600, 0.5, 0, level_db=20))
    lung = layers.sounds
    heard = through.heard(lung, 16000, np.random.default_rng(0))
    (first, last), *_ = stretches(lung, 16000)
    assert rms_db(heard[first:last]) - rms_db(lung[first:last]) == pytest.approx(expected_db, abs=0.3)

    clicks = dry(FINE).sounds
    heard = through.heard(clicks, 16000, np.random.default_rng(0))
    size = 2 * len(clicks)
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clicks, size)))
    lag = int(correlation.argmax())
    assert min(lag, size - lag) <= 1


def test_the_heart_beats_at_its_rate_below_the_breath():
    still = np.zeros(20 * 8000)
    heard = Transmission(heart_rate_per_min=60, heart_db=10, floor_db=-60).heard(still, 8000, np.random.default_rng(0))
    assert 20 * np.log10(np.abs(heard).max()) == pytest.approx(10, abs=0.5)
    found = stretches(np.where(np.abs(heard) > 0.05, heard, 0), 8000, silence_s=0.1)
    assert len(found) == pytest.approx(2 * 20, abs=2), "two sounds a beat"
    power = np.abs(np.fft.rfft(heard)) ** 2
    assert power[: 150 * 20].sum() > 0.99 * power.sum()


def test_the_room_is_as_loud_as_asked_and_leaves_the_rest_alone():
    layers = dry(FINE, 8000)
    quiet, loud = (Transmission(room_db=db).heard(layers.breath, 8000, np.random.default_rng(0)) for db in (-60, -10))
    assert rms_db(loud - quiet) == pytest.approx(-10, abs=0.1)
