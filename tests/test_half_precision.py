"""How many predictions a checkpoint in half precision changes."""

import pytest
import torch

from rsc_core import checkpoint, data, half_precision
from rsc_core.half_precision import difference


def test_a_shipped_run_answers_as_the_run_does(guardian, tiny_icbhi, tmp_path, capsys, own_test_log):
    shipped = checkpoint.ship(guardian, tmp_path / "shipped")
    command = [str(guardian), str(shipped), "--corpus", "icbhi", "--data", str(tiny_icbhi)]
    assert half_precision.main(command) == 0
    assert "of 9 predictions differ" in capsys.readouterr().out
    found = difference(guardian, shipped, data.load("icbhi", tiny_icbhi))
    assert found.clips == 9 and 0 < found.largest < 0.01
    assert not own_test_log.exists()  # no label was looked at


def test_predictions_that_differ_are_counted(guardian, tiny_icbhi, tmp_path):
    loaded = checkpoint.load(guardian)
    shares = {}
    for name, bias in (("crackle", (0, 99, 0, 0)), ("wheeze", (0, 0, 99, 0))):
        with torch.no_grad():
            loaded.model.classifier.bias.copy_(torch.tensor(bias))
        shares[name] = checkpoint.save(tmp_path / name, loaded.model, loaded.config, loaded.facts)
    found = difference(*shares.values(), data.load("icbhi", tiny_icbhi))
    assert (found.predictions, found.clips) == (9, 9) and found.largest == pytest.approx(1)


def test_another_run_is_refused(guardian, base, tiny_icbhi, capsys):
    command = [str(guardian), str(base), "--corpus", "icbhi", "--data", str(tiny_icbhi)]
    assert half_precision.main(command) == 1
    assert "expected what was shipped of it" in capsys.readouterr().err
