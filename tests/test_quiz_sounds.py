"""Where a quiz's sounds come from: synthesised ones, and a teacher's files."""

import shutil

import numpy as np
import pytest
import soundfile

from rsc_core import audio, quiz_sounds, synth
from rsc_core.analysis import Analysis
from rsc_core.audio import AudioError
from rsc_core.config import CLASSES
from rsc_core.cycles import AnnotationError, read_icbhi
from rsc_core.quiz import LEVELS
from rsc_core.quiz_sounds import Synthesised, annotated
from tests.conftest import transformer_and_cnn


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three synthesised recordings with ICBHI annotations, two of them abnormal."""
    folder = tmp_path_factory.mktemp("ward")
    for number, name in enumerate(("Normal breathing", "Coarse crackles", "Wheeze")):
        synth.write(folder / f"{number}.wav", synth.example(name, 12.0))
    return sorted(folder.iterdir())


def labels(questions):
    return [question.cycle.label for question in questions]


def test_the_same_seed_gives_the_same_round_and_more_sounds_only_add_to_it():
    first, again, longer, other = (Synthesised(n, "rising", seed) for n, seed in ((5, 3), (5, 3), (6, 3), (5, 4)))
    for index in (4, 0):  # in whatever order they are asked for
        assert first[index].recording.waveform.tobytes() == again[index].recording.waveform.tobytes()
        assert first[index].marks == longer[index].marks
        assert first[index].recording.waveform.tobytes() != other[index].recording.waveform.tobytes()
    assert first[2] is first[2] and len(longer) == 6
    with pytest.raises(IndexError):
        first[5]


def test_every_ten_synthesised_sounds_hold_every_class_and_kind_in_an_order_of_their_own():
    orders = set()
    for seed in range(2):
        dealt = list(Synthesised(10, "rising", seed))
        assert sorted(labels(dealt)) == ["both"] + 2 * ["crackle"] + 4 * ["normal"] + 3 * ["wheeze"]
        assert {kind for question in dealt for kind in question.kinds} >= set(LEVELS["fine"])
        for question in dealt:
            assert {mark.kind for mark in question.marks} == set(question.kinds)
            assert question.cycle.label == synth.label(question.kinds) and question.source == ""
        orders.add(tuple(labels(dealt)))
    assert len(orders) == 2


def test_at_the_fine_level_alone_every_sound_is_of_one_kind():
    assert sorted(question.kinds[0] for question in Synthesised(5, "fine")) == sorted(LEVELS["fine"])


def test_soft_sounds_are_raised_until_they_can_be_heard(monkeypatch):
    made = list(Synthesised(10, "rising", 2))
    monkeypatch.setattr(quiz_sounds, "LEAST_DB", -100.0)
    soft = list(Synthesised(10, "rising", 2))
    raised = [
        a.recording.waveform.tobytes() != b.recording.waveform.tobytes() for a, b in zip(made, soft, strict=True)
    ]
    assert any(raised) and not any(r for r, question in zip(raised, made, strict=True) if not question.kinds)


def test_every_annotated_cycle_can_be_asked_once(files):
    asked = annotated(files, 30, "four")
    expected = [label for path in files[::2] for label in (cycle.label for cycle in read_icbhi(path))]
    assert sorted(labels(asked)) == sorted(expected)
    assert len({question.source for question in asked}) == len(asked)


def test_order_of_upload_does_not_matter_but_the_seed_does(files):
    rounds = [[q.source for q in annotated(order, 6, "four", seed)] for order, seed in ((files, 1), (files[::-1], 1))]
    assert rounds[0] == rounds[1] and rounds[0] != [q.source for q in annotated(files, 6, "four", 2)]
    assert {"normal", "crackle", "wheeze"} >= set(labels(annotated(files, 6, "four", 1)))


def test_a_cut_cycle_sounds_and_is_labelled_as_in_its_recording(files, tmp_path_factory):
    analyser = transformer_and_cnn(tmp_path_factory.mktemp("checkpoints"))
    for question in annotated(files[2:4], 3, "coarse"):  # the crackles
        analysis = Analysis(
            question.recording, (question.cycle,), True, CLASSES, np.zeros((1, 4)), analyser.cards["base"]
        )
        (cut,) = analyser.relabel(analysis, "base").probabilities
        whole = analyser.analyse(files[3], "base", files[2])
        start_s = float(question.source.split()[1])
        index = next(i for i, cycle in enumerate(whole.cycles) if abs(cycle.start_s - start_s) < 0.006)
        np.testing.assert_allclose(cut, whole.probabilities[index], atol=1e-5)
        samples = audio.load(files[3]).waveform[round(whole.cycles[index].start_s * 16000) :]
        np.testing.assert_allclose(question.sound[200:400], samples[200:400], atol=1e-6)


def test_an_annotation_with_events_tells_their_kinds_and_places(tmp_path):
    made = synth.example("Fine crackles", 12.0)
    synth.write_wav(tmp_path / "a.wav", made)
    synth.annotate(tmp_path / "a.json", made)
    asked = annotated(tmp_path.iterdir(), 2, "fine")
    assert all(question.kinds == ("fine crackle",) for question in asked)
    placed = {round(event.start_s, 3) for event in made.events}
    for question in asked:
        start_s = float(question.source.split()[1])
        for mark in question.marks:
            assert question.cycle.start_s <= mark.start_s < question.cycle.end_s
            assert any(abs(start_s + mark.start_s - question.cycle.start_s - at) < 0.01 for at in placed)


def test_what_is_missing_is_said_by_name(files, tmp_path):
    with pytest.raises(AnnotationError, match="1.wav has no annotation; expected 1.txt"):
        annotated([path for path in files if path.name != "1.txt"], 5, "four")
    with pytest.raises(AudioError, match="no sound file"):
        annotated(files[::2], 5, "four")
    with pytest.raises(AnnotationError, match="does not tell kinds"):
        annotated(files, 5, "fine")
    shutil.copy(files[0], tmp_path / "b.txt")
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match="^b.wav: "):
        annotated(tmp_path.iterdir(), 5, "four")
    soundfile.write(tmp_path / "b.wav", np.zeros(1600), 16000)
    with pytest.raises(AnnotationError, match="another recording"):
        annotated(tmp_path.iterdir(), 5, "four")
