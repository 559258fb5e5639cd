"""What a model makes of synthesised sounds: the counts, the words for them, and the command."""

import numpy as np
import pytest
import torch

from rsc_core import audio, checkpoint, soundcheck
from rsc_core.config import CLASSES
from rsc_core.cycles import SPRSOUND_CLASSES
from rsc_core.data import synthetic
from rsc_core.data.loader import windows
from rsc_core.features import extract
from rsc_core.synth import KINDS


def test_every_kind_has_a_row_and_every_sound_is_counted(teacher):
    loaded = checkpoint.load(teacher)
    matrix = soundcheck.check(loaded, count=17)
    assert matrix.kinds == (synthetic.NORMAL, *KINDS) and matrix.classes == CLASSES
    assert matrix.counts.sum(axis=1).tolist() == [3, 2, 2, 2, 2, 2, 2, 2]
    assert np.array_equal(matrix.counts, soundcheck.check(loaded, count=17).counts)


def test_a_sound_is_labelled_by_the_mean_over_its_windows(teacher):
    loaded = checkpoint.load(teacher)
    config = loaded.config
    waveform = audio.scale(next(synthetic.sounds_of_every_kind(1))[1].waveform, config.audio.level)[0]
    rows = torch.from_numpy(windows(waveform, config.audio))
    assert len(rows) > 1
    with torch.inference_mode():
        each = loaded.model.eval()(extract(rows, config.audio, config.features)).softmax(dim=1)
    assert soundcheck.labeller(loaded)(waveform) == pytest.approx(each.mean(dim=0).numpy(), abs=1e-5)


def test_a_kind_is_right_where_the_model_has_a_class_for_it():
    seven = tuple(SPRSOUND_CLASSES)
    assert soundcheck.expected_class("rhonchus", CLASSES) == "wheeze"
    assert soundcheck.expected_class("rhonchus", seven) == "Rhonchi"
    assert soundcheck.expected_class(synthetic.NORMAL, seven) == "Normal"
    assert soundcheck.expected_class("pleural rub", CLASSES) is None
    kinds = (synthetic.NORMAL, *KINDS)
    counts = np.zeros((len(kinds), 4), int)
    counts[kinds.index("stridor")] = 1, 0, 3, 0
    counts[kinds.index("pleural rub")] = 4, 0, 0, 0
    matrix = soundcheck.Matrix(kinds, CLASSES, counts)
    assert matrix.right("stridor") == 75
    assert matrix.right("pleural rub") is None and matrix.right("wheeze") is None
    lines = soundcheck.report(matrix).splitlines()
    assert lines[0].split() == [*CLASSES, "given", "its", "class"]
    assert lines[1 + kinds.index("stridor")].split() == ["stridor", "1", "0", "3", "0", "75", "%"]
    assert lines[-1].split() == ["pleural", "rub", "4", "0", "0", "0", "no", "class"]


def test_command(teacher, tmp_path, capsys):
    assert soundcheck.main([str(teacher), "--count", "8"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 8
    assert soundcheck.main([str(teacher), "--count", "0"]) == 1
    assert "count must be 1 or more sounds, got 0" in capsys.readouterr().err
    assert soundcheck.main([str(tmp_path / "none")]) == 1
    assert "error: " in capsys.readouterr().err
