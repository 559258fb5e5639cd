import dataclasses

import numpy as np
import pytest
import soundfile

from rsc_core import data, metrics, sprsound_tasks, trivial
from rsc_core.config import CLASSES
from rsc_core.data import splits
from rsc_core.data.corpus import Clip
from rsc_core.data.loader import equalised

RATE = 4000
RECORDING_S = 3.0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Recordings of noise, one clip each; make(...) says what duration, level and device go with a label."""
    root = tmp_path_factory.mktemp("cohort")

    def make(name, size=48, seconds=lambda label: 1.0, level=lambda label: 0.1, device=lambda label: "A"):
        rng = np.random.default_rng(0)
        clips = []
        for i in range(size):
            label = i % 4
            path = root / f"{name}{i}.wav"
            soundfile.write(path, level(label) * rng.standard_normal(int(RATE * RECORDING_S)) / 4, RATE)
            start_s = rng.uniform(0, 1)
            clips.append(
                Clip(
                    recording=f"{name}{i}",
                    path=path,
                    start_s=start_s,
                    end_s=start_s + seconds(label),
                    labels=(label,),
                    patient=str(i),
                    device=device(label),
                    location="Al",
                    split="train",
                    kind="normal",
                )
            )
        return clips[: 2 * size // 3], clips[2 * size // 3 :]

    return make


def scores(train, test, **options):
    labels = [clip.label for clip in test]
    return {
        name: metrics.evaluate(labels, predictions)["score"]
        for name, predictions in trivial.rows(train, test, **options).items()
    }


def test_duration_is_found_by_its_row_alone_and_gone_once_equalised(cohort):
    train, test = cohort("duration", 240, seconds=lambda label: 0.5 + 0.5 * label)
    found = scores(train, test)
    assert found["duration only"] == 100
    assert found["always normal"] == found["device only"] == 50
    assert found["loudness and bandwidth only"] < 80
    recut = []
    for clips in (train, test):
        times = [equalised(clip, RECORDING_S, 2.0) for clip in clips]
        recut.append([dataclasses.replace(c, start_s=a, end_s=b) for c, (a, b) in zip(clips, times, strict=True)])
    assert set(trivial.measure(recut[1])[:, 0]) == {2.0}
    assert set(trivial.rows(*recut)["duration only"]) == {0}


def test_level_as_stored_is_found_by_its_row_alone(cohort):
    found = scores(*cohort("level", 240, level=lambda label: 0.03 * 3**label))
    assert found["loudness and bandwidth only"] == 100
    assert found["duration only"] == found["device only"] == 50


def test_device_is_found_by_its_row_alone(cohort):
    train, test = cohort("device", device=lambda label: "ABCD"[label])
    found = scores(train, test)
    assert found["device only"] == 100
    assert found["duration only"] == 50
    stranger = [dataclasses.replace(clip, device="E") for clip in test]
    assert set(trivial.rows(train, stranger)["device only"]) == {0}


def test_device_row_weighs_normal_and_abnormal_alike(cohort):
    """Device A holds 10 of 24 normal clips and all 8 crackles: calling A crackle gains more Score than it costs."""
    train, test = cohort("pair")
    kinds = [(0, "A")] * 10 + [(0, "B")] * 14 + [(1, "A")] * 8
    train = [dataclasses.replace(c, labels=(k,), device=d) for c, (k, d) in zip(train, kinds, strict=True)]
    test = [dataclasses.replace(c, device=d) for c, d in zip(test, "AB" * 8, strict=True)]
    assert trivial.rows(train, test)["device only"].tolist() == [1, 0] * 8


def test_rows_weigh_normal_and_abnormal_alike(cohort):
    """Every duration is the same and 3 of 4 clips are abnormal, of three classes: normal is the heaviest answer."""
    train, test = cohort("weights")
    uneven = [c for c in train if c.label in (1, 0)] + [c for c in train if c.label == 1]
    uneven += [c for c in train if c.label == 2]
    assert set(trivial.rows(uneven, test)["duration only"]) == {0}


def test_constant_row_follows_the_label_set(cohort):
    train, test = cohort("set")
    train = train + [clip for clip in train if clip.label == 2]
    assert set(trivial.rows(train, test)["always normal"]) == {0}
    assert "always healthy" in trivial.rows(train, test, ("healthy", "chronic", "non-chronic", "other"))
    rows = trivial.rows(train, test, ("cat", "cow", "dog", "hen"))
    assert set(rows["always dog"]) == {2}
    assert set(rows["device only"]) == {2}  # one device: the most frequent class


def test_same_seed_same_rows_and_nothing_to_label(cohort):
    rng = np.random.default_rng(1)
    train, test = cohort("seed", 240, level=lambda label: 0.03 * rng.lognormal(0.5 * label, 0.6))
    first, again = trivial.rows(train, test, seed=3), trivial.rows(train, test, seed=3)
    assert all((first[name] == again[name]).all() for name in first)
    assert len(set(first["loudness and bandwidth only"])) > 1
    assert all(len(predictions) == 0 for predictions in trivial.rows(train, []).values())
    with pytest.raises(ValueError, match="expected clips to learn from, got none"):
        trivial.rows([], test)


def test_measures_of_a_known_sound(tmp_path):
    """A recording at 8 kHz with nothing above 1 kHz; RMS 0.1, then silence: -20 dB in the clip, -23 dB overall."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(32000))
    spectrum[np.fft.rfftfreq(32000, 1 / 8000) > 1000] = 0
    loud = np.fft.irfft(spectrum)[:16000] * np.hanning(16000) ** 0.1  # no click at its ends
    loud = 0.1 * loud / loud.std()
    path = tmp_path / "r.wav"
    soundfile.write(path, np.concatenate([loud, np.zeros(16000)]), 8000, subtype="FLOAT")
    clip = Clip("r", path, 0.0, 2.0, (0,), "p", "A", "Al", "train", "normal")
    after = dataclasses.replace(clip, start_s=2.0, end_s=9.0)
    table = trivial.measure([clip, after])
    assert table[0, :3] == pytest.approx([2.0, -23.0, -20.0], abs=0.05)
    assert table[1, :3] == pytest.approx([7.0, -23.0, -140.0], abs=0.05)
    assert table[:, 3] == pytest.approx([1000, 1000], abs=200)  # what a short window smears


@pytest.mark.slow
def test_duration_leaks_sprsounds_label_until_equalised(real_data):
    """Task 1-1 on the patients not in train; always normal scores 25."""
    sides = splits.official(data.load("sprsound", real_data / "sprsound"))
    train, test = sides["train"], sides["inter"]
    kinds = [clip.kind for clip in test]

    def score(train, test):
        predictions = trivial.rows(train, test)["duration only"]
        return sprsound_tasks.evaluate("1-1", kinds, [CLASSES[k] for k in predictions])["score"]

    lengths = {clip.path: soundfile.info(clip.path).duration for clip in (*train, *test)}

    def recut(clip):
        start_s, end_s = equalised(clip, lengths[clip.path], 2.0)
        return dataclasses.replace(clip, start_s=start_s, end_s=end_s)

    assert score(train, test) > 70
    assert score([recut(c) for c in train], [recut(c) for c in test]) == 25
