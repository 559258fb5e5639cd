import numpy as np
import pytest
import torch

from rsc_core.explain.rollout import rollout
from rsc_core.models.spectrogram_transformer import TokenLayout

LAYOUT = TokenLayout((2, 3))
FUSE = {"mean": np.mean, "max": np.max, "min": np.min}


def independent(blocks, fusion, discard):
    """One window's (layers, heads, 8, 8) in numpy, after Gildenblat; entries of CLS's and DIST's columns are kept."""
    flow = np.eye(8)
    for block in blocks:
        fused = FUSE[fusion](block, axis=0)
        for place in np.argsort(fused, axis=None)[: int(64 * discard)]:
            row, column = divmod(place, 8)
            if column > 1:
                fused[row, column] = 0
        step = 0.5 * fused + 0.5 * np.eye(8)
        flow = np.diag(1 / step.sum(axis=1)) @ step @ flow
    rows = ((flow[0] + flow[1]) / 2)[2:]
    return (rows / rows.sum()).reshape(2, 3)


@pytest.fixture
def blocks():
    """Four blocks of three heads for two windows."""
    return (3 * torch.randn(4, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0))).softmax(dim=-1).double()


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("discard", [0.0, 0.3, 0.9])
def test_equals_an_independent_version(blocks, fusion, discard):
    found = rollout(list(blocks), LAYOUT, fusion, discard)
    for window in range(2):
        expected = independent(blocks[:, window].numpy().copy(), fusion, discard)
        np.testing.assert_allclose(found[window], expected, atol=1e-9)


def test_follows_two_blocks():
    """CLS reads token 2 in the last block, token 2 read token 3 in the first: both get their share."""
    first, last = torch.eye(5).repeat(1, 1, 1, 1), torch.eye(5).repeat(1, 1, 1, 1)
    first[0, 0, 2], last[0, 0, 0] = torch.eye(5)[3], torch.eye(5)[2]
    torch.testing.assert_close(rollout([first, last], TokenLayout((1, 3))), torch.tensor([[[0.5, 0.5, 0.0]]]))


def test_virtual_tokens_are_left_out_and_rows_rescaled(blocks):
    """Two tokens behind the patches that take half of every row change nothing."""
    wider = torch.full((4, 2, 3, 10, 10), 0.25).double()
    wider[..., :8, :8] = blocks / 2
    torch.testing.assert_close(rollout(list(wider), LAYOUT), rollout(list(blocks), LAYOUT))


def test_what_discards_everything_is_an_empty_map():
    """CLS and DIST read only each other, strongly, and patches weakly."""
    block = torch.full((1, 1, 8, 8), 1e-3)
    block[..., :2] = 0.5 - 3e-3
    assert rollout([block], LAYOUT, discard=0.9).abs().sum() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"fusion": "median"}, "no fusion 'median'; choose one of mean, max, min"), ({"discard": 1.0}, "got 1.0")],
)
def test_bad_options_are_refused(blocks, options, message):
    with pytest.raises(ValueError, match=message):
        rollout(list(blocks), LAYOUT, **options)
