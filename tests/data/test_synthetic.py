import numpy as np
import pytest
import soundfile

from rsc_core import data
from rsc_core.config import CLASSES
from rsc_core.data import __main__ as command
from rsc_core.data import synthetic


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
