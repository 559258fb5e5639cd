"""The synthesised sounds measured like real ones: what was asked for must be found in the samples."""

import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, find_peaks, hilbert, sosfiltfilt, welch

from rsc_core import synth
from rsc_core.cycles import read_annotation, read_events, read_icbhi
from rsc_core.synth import (
    COARSE,
    EXAMPLES,
    FINE,
    Breath,
    Crackles,
    Rhonchus,
    Rub,
    Squawk,
    Stridor,
    Transmission,
    Wheeze,
)

QUIET = Breath(rate_per_min=8, tidal_volume_l=0.05)  # next to silent: what is laid over it stands alone


def make(sounds=(), breath=None, seconds=20.0, sample_rate=16000, seed=0):
    return synth.synthesise(breath or Breath(), sounds, seconds, sample_rate, seed)


def cut(made, start_s, end_s):
    return made.waveform[round(start_s * made.sample_rate) : round(end_s * made.sample_rate)].astype(float)


def phases(made, breath):
    """Samples of all inspirations, expirations and pauses."""
    found = [breath.phases(c.start_s, c.end_s) for c in made.cycles]
    ends = [c.end_s for c in made.cycles]
    return (
        np.concatenate([cut(made, p.start_s, p.inspiration_end_s) for p in found]),
        np.concatenate([cut(made, p.inspiration_end_s, p.expiration_end_s) for p in found]),
        np.concatenate([cut(made, p.expiration_end_s, e) for p, e in zip(found, ends, strict=True)]),
    )


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=float))))


def band_power(samples, sample_rate, low_hz, high_hz):
    hz, power = welch(samples, sample_rate, nperseg=min(2048, len(samples)))
    return power[(hz >= low_hz) & (hz <= high_hz)].mean()


def test_same_seed_same_bytes():
    first, again, other = (make([FINE, Wheeze()], seed=seed) for seed in (3, 3, 4))
    assert first.waveform.tobytes() == again.waveform.tobytes()
    assert (first.cycles, first.events) == (again.cycles, again.events)
    assert abs(np.corrcoef(first.waveform, other.waveform)[0, 1]) < 0.2
    assert first.events != other.events
    starts = [e.start_s for e in first.events]
    assert starts == sorted(starts)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    made = synth.example(name)
    labels = {"Normal breathing": "normal", "Crackles and wheeze": "both"}
    musical = "crackle" if "crackles" in name else "wheeze"
    assert {c.label for c in made.cycles} == {labels.get(name, musical)}
    assert made.waveform.dtype == np.float32
    assert (made.sample_rate, made.waveform.shape) == (44100, (882000,))
    assert np.abs(made.waveform).max() == pytest.approx(0.5)
    assert 0.01 < rms(made.waveform) < 0.2
    assert abs(made.waveform.mean()) < 1e-3


def test_example_has_the_length_asked_for_and_refuses_unknown_names():
    assert len(synth.example("Wheeze", seconds=6.0).waveform) == 6 * 44100
    with pytest.raises(ValueError, match="no example 'Stertor'.*Normal breathing"):
        synth.example("Stertor")


@pytest.mark.parametrize("rate", [8, 15, 33])
def test_cycles_are_contiguous_at_the_rate_asked_for(rate):
    cycles = make(breath=Breath(rate_per_min=rate, tidal_volume_l=0.5), seconds=30, sample_rate=8000).cycles
    assert len(cycles) == int(30 * rate / 60)
    assert cycles[0].start_s == 0
    assert cycles[-1].end_s == pytest.approx(len(cycles) * 60 / rate, abs=0.001)
    assert all(a.end_s == b.start_s for a, b in zip(cycles[:-1], cycles[1:], strict=True))
    durations = [c.seconds for c in cycles]
    assert 0.01 < np.std(durations) / np.mean(durations) < 0.1


def test_cut_off_cycle_is_heard_but_not_annotated():
    made = make([FINE, Wheeze()], seconds=7)
    assert [c.end_s for c in made.cycles] == [4.0]
    assert all(0 <= e.start_s < e.end_s <= 4 for e in made.events)
    assert rms(cut(made, 4.4, 5.2)) > 20 * rms(cut(made, 3.8, 4.0))


def test_no_cycle_ends_behind_the_recording():
    made = make(breath=Breath(rate_per_min=18, tidal_volume_l=0.5), seconds=2 * 60 / 18)
    assert len(made.cycles) == 2
    assert made.cycles[-1].end_s <= len(made.waveform) / 16000


def test_inspiration_is_louder_than_expiration_and_both_than_the_floor():
    inspiration, expiration, pause = map(rms, phases(make(), Breath()))
    assert 1.5 < inspiration / expiration < 4
    assert 20 < 20 * np.log10(expiration / pause) < 40


def test_nothing_below_what_a_chest_piece_passes():
    power = np.abs(np.fft.rfft(make(sample_rate=8000).waveform)) ** 2  # bins of 0.05 Hz
    assert power[: 18 * 20].mean() < 1e-2 * power[22 * 20 : 40 * 20].mean()


def test_loudness_follows_flow():
    """Twice the volume in the same time is twice the flow: 1.66 * 6.02 = 10 dB over the floor."""
    level_db = []
    for volume in (0.5, 1.0):
        breath = Breath(tidal_volume_l=volume)
        inspiration, _, pause = phases(make(breath=breath), breath)
        level_db.append(20 * np.log10(rms(inspiration) / rms(pause)))
    assert np.diff(level_db) == pytest.approx(10, abs=0.5)


def test_chest_wall_spectrum():
    breath = Breath(tidal_volume_l=2)  # well above the floor up to 1 kHz
    inspiration, expiration, _ = phases(make(breath=breath, seconds=60), breath)
    for samples, slope_db in ((inspiration, -14), (expiration, -17)):
        octave_db = 10 * np.log10(band_power(samples, 16000, 780, 820) / band_power(samples, 16000, 380, 420))
        assert octave_db == pytest.approx(slope_db, abs=1.5)
        assert band_power(samples, 16000, 100, 1000) > 100 * band_power(samples, 16000, 1000, 4000)


@pytest.mark.parametrize(("idw_ms", "two_cycle_ms"), [(0.5, 5), (0.7, 5), (1.0, 8), (1.5, 10), (1.5, 15)])
def test_isolated_crackle_measures_as_asked(idw_ms, two_cycle_ms):
    """IDW and 2CD by their definition: from the onset to the first crossing of zero, and over four half-cycles."""
    crackle = Crackles(idw_ms, two_cycle_ms, inspiratory=1, level_db=30)
    made = make([crackle], QUIET, seconds=30, sample_rate=44100)
    assert len(made.events) == 4
    for event in made.events:
        assert event.end_s - event.start_s == pytest.approx(two_cycle_ms / 1000)
        around = cut(made, event.start_s - 0.01, event.end_s + 0.01)
        around -= cut(made, event.start_s - 0.01, event.start_s - 0.001).mean()
        heard = np.flatnonzero(np.abs(around) > 0.01 * np.abs(around).max())
        wave = around[heard[0] : heard[-1] + 1]
        crossings = np.flatnonzero(np.diff(np.sign(wave)))
        assert len(crossings) == 3, "four half-cycles"
        assert (crossings[0] + 1) / 44.1 == pytest.approx(idw_ms, rel=0.15)
        assert len(wave) / 44.1 == pytest.approx(two_cycle_ms, rel=0.15)
        assert heard[0] / 44100 - 0.01 == pytest.approx(0, abs=3e-4)


@pytest.mark.parametrize(("name", "highpass_hz"), [("Fine crackles", 1000), ("Coarse crackles", 400)])
def test_crackles_can_be_counted(name, highpass_hz):
    made = synth.example(name)
    high = sosfiltfilt(butter(4, highpass_hz, "high", fs=44100, output="sos"), made.waveform)
    envelope = np.abs(hilbert(high))
    peaks, _ = find_peaks(envelope, height=0.02, distance=round(0.008 * 44100))
    assert len(peaks) == pytest.approx(len(made.events), rel=0.1)
    near = [np.abs(peaks / 44100 - (e.start_s + e.end_s) / 2).min() < 0.008 for e in made.events]
    assert np.mean(near) > 0.95


def test_fine_crackles_come_late_in_inspiration_coarse_ones_early_and_in_expiration():
    for crackles, inspiratory, expiratory in ((FINE, 8, 0), (COARSE, 3, 2)):
        made = make([crackles])
        for cycle in made.cycles:
            p = Breath().phases(cycle.start_s, cycle.end_s)
            inside = [e for e in made.events if cycle.start_s <= e.start_s < cycle.end_s]
            length_s = p.inspiration_end_s - p.start_s
            shares = [(e.start_s - p.start_s) / length_s for e in inside if e.start_s < p.inspiration_end_s]
            assert (len(shares), len(inside) - len(shares)) == (inspiratory, expiratory)
            assert min(shares) > 0.5 if crackles is FINE else max(shares) < 0.45
            assert all(e.end_s < p.expiration_end_s for e in inside)
    assert {e.kind for e in make([FINE]).events} == {"fine crackle"}
    assert {e.kind for e in make([COARSE]).events} == {"coarse crackle"}


def test_crackles_of_a_kind_never_overlap():
    made = make([Crackles(1.5, 10, inspiratory=20, inspiratory_span=(0.1, 0.5))], seconds=60, sample_rate=8000)
    gaps = [b.start_s - a.end_s for a, b in zip(made.events[:-1], made.events[1:], strict=True)]
    assert min(gaps) >= 0.005 - 1e-9


def test_crackles_point_down_in_inspiration_and_up_in_expiration():
    crackles = Crackles(1.5, 10, inspiratory=10, expiratory=10, level_db=30)
    made = make([crackles], QUIET, seconds=120, sample_rate=8000)
    down, peaks = {True: [], False: []}, []
    for event in made.events:
        wave = cut(made, event.start_s, event.end_s)
        cycle = next(c for c in made.cycles if c.start_s <= event.start_s < c.end_s)
        inspiratory = event.start_s < QUIET.phases(cycle.start_s, cycle.end_s).inspiration_end_s
        down[inspiratory].append(wave[np.abs(wave).argmax()] < 0)
        peaks.append(np.abs(wave).max())
    assert np.mean(down[True]) == pytest.approx(0.76, abs=0.12)
    assert np.mean(down[False]) == pytest.approx(0.31, abs=0.12)
    assert 4 < 20 * np.log10(max(peaks) / min(peaks)) < 7, "no two are equally loud"


@pytest.mark.parametrize(("pitch_hz", "least_db"), [(150, 6), (400, 20), (950, 30)])  # breath is loudest below 200 Hz
def test_wheeze_sounds_at_its_pitch_during_its_events_only(pitch_hz, least_db):
    made = make([Wheeze(pitch_hz, duration_s=1.0, glide_semitones=0)])
    assert len(made.events) == len(made.cycles) == 5
    band = pitch_hz - 20, pitch_hz + 20
    outside = make()  # the same breath without it
    scale = rms(cut(made, 0.2, 1.2)) / rms(cut(outside, 0.2, 1.2))
    for event, cycle in zip(made.events, made.cycles, strict=True):
        p = Breath().phases(cycle.start_s, cycle.end_s)
        assert p.inspiration_end_s <= event.start_s < event.end_s <= p.expiration_end_s
        during = cut(made, event.start_s, event.end_s)
        without = scale * cut(outside, event.start_s, event.end_s)
        after = cut(made, event.end_s, cycle.end_s)
        for other in (without, after):
            assert band_power(during, 16000, *band) > 10 ** (least_db / 10) * band_power(other, 16000, *band)
        spectrum = np.abs(np.fft.rfft(during * np.hanning(len(during))))
        found_hz = np.fft.rfftfreq(len(during), 1 / 16000)[spectrum.argmax()]
        assert found_hz == pytest.approx(pitch_hz, rel=0.02)


def test_wheeze_glides_has_overtones_and_lasts_as_asked():
    made = make([Wheeze(400, duration_s=1.0, glide_semitones=-6, level_db=20)], QUIET)
    event = made.events[0]
    wave = cut(made, event.start_s, event.end_s)
    analytic = hilbert(sosfiltfilt(butter(4, (250, 600), "band", fs=16000, output="sos"), wave))
    pitch_hz = np.diff(np.unwrap(np.angle(analytic))) * 16000 / (2 * np.pi)
    for share, expected in ((0.25, 1.5), (0.5, 0), (0.75, -1.5)):
        around = pitch_hz[round((share - 0.02) * 16000) : round((share + 0.02) * 16000)]
        assert 12 * np.log2(np.median(around) / 400) == pytest.approx(expected, abs=0.2)
    middle = cut(made, event.start_s + 0.45, event.start_s + 0.55)
    power = [band_power(middle, 16000, n * 400 - 30, n * 400 + 30) for n in (1, 2, 3)]
    assert 10 * np.log10(power[0] / power[1]) == pytest.approx(16.5, abs=2)
    assert 10 * np.log10(power[0] / power[2]) == pytest.approx(26, abs=3)
    envelope = np.flatnonzero(np.abs(made.waveform[: round(made.cycles[0].end_s * 16000)]) > 0.01) / 16000
    assert envelope[0] == pytest.approx(event.start_s, abs=0.03)
    assert envelope[-1] == pytest.approx(event.end_s, abs=0.03)


def test_levels_are_relative_to_inspiration_at_1_l_per_s():
    """A wheeze 10 dB louder is 10 dB louder, and 20 dB over the reference 60 dB over the stethoscope's floor."""
    found = {}
    for level_db in (10, 20):
        made = make([Wheeze(500, 1.0, 0, level_db)], QUIET)
        event = made.events[0]
        floor = rms(cut(made, made.cycles[0].end_s - 0.3, made.cycles[0].end_s))
        found[level_db] = 20 * np.log10(rms(cut(made, event.start_s + 0.3, event.end_s - 0.3)) / floor)
    assert found[20] - found[10] == pytest.approx(10, abs=0.5)
    assert found[20] == pytest.approx(60, abs=2)


def test_a_sound_leaves_the_breath_as_it_was():
    plain, wheezing = make(), make([Wheeze()])
    assert [(c.start_s, c.end_s) for c in plain.cycles] == [(c.start_s, c.end_s) for c in wheezing.cycles]
    a, b = cut(plain, 0, wheezing.events[0].start_s), cut(wheezing, 0, wheezing.events[0].start_s)
    assert np.corrcoef(a, b)[0, 1] > 0.999999


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Breath(rate_per_min=61), "rate_per_min must be between 8 and 60 breaths per minute, got 61"),
        (lambda: Breath(tidal_volume_l=0), "tidal_volume_l must be between 0.05 and 3 L, got 0"),
        (lambda: Breath(inspiration_share=float("nan")), "inspiration_share must be between 0.2 and 0.6"),
        (lambda: Breath(40, 1.5), "peak inspiratory flow must be between 0 and 3 L/s, got 3.8"),
        (lambda: Crackles(two_cycle_ms=25), "two_cycle_ms must be between 3 and 20 ms, got 25"),
        (lambda: Crackles(idw_ms=0.1), "idw_ms must be between 0.3 and 3 ms, got 0.1"),
        (lambda: Crackles(idw_ms=1.5), "idw_ms must be between 0.3 and 1.25 ms, a quarter of two_cycle_ms, got 1.5"),
        (lambda: Crackles(inspiratory=0), "expected at least 1 crackle per cycle, got 0"),
        (lambda: Crackles(expiratory=21), "expiratory must be between 0 and 20"),
        (
            lambda: Crackles(inspiratory_span=(0.9, 0.5)),
            "inspiratory_span must be two rising shares between 0 and 1, got 0.9 and 0.5",
        ),
        (lambda: Crackles(level_db=40), "level_db must be between 0 and 30 dB"),
        (lambda: Wheeze(phase="pause"), "phase must be one of inspiration, expiration, both, got 'pause'"),
        (lambda: Wheeze(pitch_hz=99), "pitch_hz must be between 100 and 1000 Hz, got 99"),
        (lambda: Wheeze(duration_s=0.05), "duration_s must be between 0.08 and 3 s, got 0.05"),
        (lambda: Wheeze(glide_semitones=12), "glide_semitones must be between -6 and 6 semitones"),
        (
            lambda: make([Wheeze(duration_s=3)]),
            "duration_s must be at most [12].* s, an expiration of this breathing, got 3",
        ),
        (lambda: make([Crackles(2, 20, inspiratory=20, inspiratory_span=(0.5, 0.6))]), "expected at most 6 crackles"),
        (lambda: make([Squawk(duration_s=0.4, position=0.9)]), "duration_s must be at most 0.1.* left of inspiration"),
        (lambda: make([Rub(creaks=12, creak_ms=80)], Breath(40, 0.2)), "expected at most 4 creaks of 80 ms"),
        (lambda: Transmission(wall_db=13), "wall_db must be between 0 and 12 dB per octave above 300 Hz"),
        (lambda: make(seconds=3), r"seconds must be between 4 \(one cycle\) and 120, got 3"),
        (lambda: make(seconds=121), "seconds must be between 4 .* and 120, got 121"),
        (lambda: make(sample_rate=4000), "sample_rate must be between 8000 and 48000 Hz, got 4000"),
    ],
)
def test_refuses_what_no_lung_does_and_names_the_range(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_written_files_follow_the_icbhi_format(tmp_path):
    for sounds, flags in (((), "0\t0"), ([FINE], "1\t0"), ([Wheeze()], "0\t1"), ([COARSE, Wheeze()], "1\t1")):
        made = make(sounds)
        path = tmp_path / "101_1b1_Al_sc_Synthetic.wav"
        annotation = synth.write(path, made)
        assert annotation == path.with_suffix(".txt")
        assert read_icbhi(annotation) == made.cycles
        lines = annotation.read_text().splitlines()
        assert len(lines) == 5
        assert all(re.fullmatch(rf"\d+\.\d+\t\d+\.\d+\t{flags}", line) for line in lines)
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 16000, 1)
        assert np.abs(soundfile.read(path)[0] - made.waveform).max() <= 1 / 32768


def test_a_rub_is_written_without_an_annotation(tmp_path):
    """Neither corpus has a class for it."""
    made = make([Rub(), Wheeze()], seconds=4, sample_rate=8000)
    assert {c.label for c in made.cycles} == {None}
    for write in (synth.write, synth.annotate):
        with pytest.raises(ValueError, match="class for, got pleural rub; write the sound alone"):
            write(tmp_path / "rub.wav", made)
    assert not list(tmp_path.iterdir())
    assert soundfile.info(synth.write_wav(tmp_path / "rub.wav", made)).frames == 4 * 8000


def test_sprsound_annotation_names_every_kind_in_its_own_words(tmp_path):
    for sound, name in ((Rhonchus(), "Rhonchi"), (Stridor(), "Stridor"), (Squawk(), "Wheeze"), (FINE, "Fine Crackle")):
        made = make([sound], seconds=4, sample_rate=8000)
        path = synth.annotate(tmp_path / "breath.json", made)
        assert {event.label for event in read_events(path)} == {name}
        assert read_annotation(path) == made.cycles


def test_write_refuses_another_format(tmp_path):
    with pytest.raises(ValueError, match="expected a path that ends in .wav, got '.mp3'"):
        synth.write(tmp_path / "breath.mp3", make(seconds=4, sample_rate=8000))
    assert not list(tmp_path.iterdir())


def test_a_wheezes_band_is_its_glide():
    made = make([Wheeze(pitch_hz=400, duration_s=1.0, glide_semitones=-4)])
    low, high = 400 * 2 ** (-2 / 12), 400 * 2 ** (2 / 12)
    for event in made.events:
        assert low - 5 < event.band_hz[0] < 400 < event.band_hz[1] < high + 5
        assert event.band_hz[1] - event.band_hz[0] > 0.6 * (high - low)  # it swells and fades at the ends


@pytest.mark.parametrize("sound", [FINE, COARSE])
def test_a_crackles_band_holds_nine_tenths_of_its_energy(sound):
    made = make([replace(sound, level_db=30)], QUIET, sample_rate=44100)
    event = made.events[0]
    wave = cut(made, event.start_s, event.end_s)
    power = np.abs(np.fft.rfft(wave, 44100)) ** 2  # bins of 1 Hz
    low, high = np.round(event.band_hz).astype(int)
    assert power[low : high + 1].sum() / power.sum() == pytest.approx(0.9, abs=0.03)
    assert power[:low].sum() / power.sum() == pytest.approx(0.05, abs=0.03)
