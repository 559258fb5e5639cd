import numpy as np
import pytest
import soundfile

from rsc_core import data
from rsc_core.config import CLASSES
from rsc_core.cycles import SPRSOUND_CLASSES
from rsc_core.data import __main__ as command
from rsc_core.data import synthetic
from rsc_core.synth import KINDS


@pytest.mark.parametrize("label", CLASSES)
def test_every_cycle_is_what_was_asked_for(label):
    rng = np.random.default_rng(0)
    for _ in range(5):
        recording = synthetic.draw(label, rng)
        assert {cycle.label for cycle in recording.cycles} == {label}


def test_the_corpus_is_a_table_the_same_for_the_same_seed(tmp_path, capsys):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert command.main(["synthesise", "--out", str(tmp_path / name), "--count", "12", "--seed", seed]) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "a" / "table.csv")
    a, b, c = ((tmp_path / name / "synthetic_00003.wav").read_bytes() for name in "abc")
    assert a == b != c
    corpus = data.load("table", tmp_path / "a" / "table.csv")
    assert len({clip.patient for clip in corpus.clips}) == 12
    assert set(corpus.classes) <= set(CLASSES) and corpus.classes[0] == "normal"
    samples, rate = soundfile.read(tmp_path / "a" / "synthetic_00003.wav")
    assert rate == 16000 and len(samples) == 12 * 16000
    with pytest.raises(ValueError, match="count must be 1 or more"):
        synthetic.write(tmp_path, 0)
    with pytest.raises(ValueError, match="labels must be one of four, seven, got 'eight'"):
        synthetic.write(tmp_path, 1, labels="eight")


def test_a_table_of_seven_can_be_read_as_four(tmp_path):
    """SPRSound's names lead to the classes that the same recordings have without them."""
    for name in synthetic.LABELS:
        assert command.main(["synthesise", "--out", str(tmp_path / name), "--count", "12", "--labels", name]) == 0
    four, seven = (data.load("table", tmp_path / name / "table.csv") for name in synthetic.LABELS)
    assert {clip.kind for clip in seven.clips} <= set(SPRSOUND_CLASSES)
    assert [SPRSOUND_CLASSES[clip.kind] for clip in seven.clips] == [clip.kind for clip in four.clips]


def test_every_kind_in_turn_in_one_cycle_each():
    found = list(synthetic.sounds_of_every_kind(16, seed=3))
    assert [kind for kind, _ in found[:8]] == [synthetic.NORMAL, *KINDS] == [kind for kind, _ in found[8:]]
    for kind, recording in found:
        assert len(recording.cycles) == 1
        assert {event.kind for event in recording.events} == {kind} - {synthetic.NORMAL}
    assert all(
        a.waveform.tobytes() != b.waveform.tobytes() for (_, a), (_, b) in zip(found[:8], found[8:], strict=True)
    )
    again = [r.waveform.tobytes() for _, r in synthetic.sounds_of_every_kind(16, seed=3)]
    assert again == [recording.waveform.tobytes() for _, recording in found]
    with pytest.raises(ValueError, match="count must be 1 or more sounds, got 0"):
        next(synthetic.sounds_of_every_kind(0))
