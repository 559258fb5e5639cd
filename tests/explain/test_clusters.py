"""Clusters of windows: what is read from the network, and what silence takes from its answer."""

import numpy as np
import pytest
import torch

from rsc_core import models
from rsc_core.config import CLASSES, ModelConfig
from rsc_core.explain import clusters
from rsc_core.models.clustering import CENTRES


def network(faithful=False):
    torch.manual_seed(0)
    config = ModelConfig("cycle_guardian", hidden_size=12, frames=188, faithful=faithful)
    model = models.build(config)
    features = torch.randn(3, 3, 84, 188, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.classifier.weight.normal_(std=0.1)
        model.clustering.revive(model.eval().embed(features))
    return model, features, config


def test_nothing_silenced_is_the_networks_own_answer():
    model, features, config = network()
    found = clusters.cluster(model, features, config)
    own = models.probabilities(model(features), config).detach().numpy()
    assert found.answers.shape == (3, 2**CENTRES, len(CLASSES))
    np.testing.assert_allclose(found.answers[:, 0], own, rtol=1e-5)
    assert found.soft.shape == found.distances.shape == (3, 12, CENTRES)
    np.testing.assert_allclose(found.soft.sum(axis=2), 1, rtol=1e-5)
    assert (found.soft.argmax(axis=2) == found.distances.argmin(axis=2)).all()


@pytest.mark.parametrize("faithful", [False, True])
def test_a_silenced_cluster_is_as_one_without_windows(faithful):
    """Where it has none already, silence changes nothing; where it has some, their content no longer matters."""
    model, features, config = network(faithful)
    found = clusters.cluster(model, features, config)
    members = found.soft.argmax(axis=2)
    assert len(np.unique(members)) == CENTRES  # the centres were put apart
    for index, own in enumerate(members):
        for number in range(CENTRES):
            changed = not np.allclose(found.answers[index, 1 << number], found.answers[index, 0], atol=1e-7)
            assert changed == (number in own)
    tokens = model.embed(features)
    other = torch.where(torch.from_numpy(members == 2).unsqueeze(2), tokens + 1, tokens)
    hot = torch.nn.functional.one_hot(torch.from_numpy(members), CENTRES)
    hot[..., 2] = 0
    same = [model.head(model.pool(model.summarise(windows, hot))) for windows in (tokens, other)]
    torch.testing.assert_close(*same)
    answers = models.probabilities(same[0], config).detach().numpy()
    np.testing.assert_allclose(found.answers[:, 1 << 2], answers, rtol=1e-5)


def test_with_all_silenced_every_clip_has_one_answer():
    model, features, config = network()
    last = clusters.cluster(model, features, config).answers[:, -1]
    np.testing.assert_allclose(last, last[:1].repeat(3, axis=0), rtol=1e-5)


def test_windows_overlap_by_five_frames():
    edges = clusters.edges_s(45, 256 / 22000)
    np.testing.assert_allclose(edges[0], [0, 20 * 256 / 22000])
    np.testing.assert_allclose(edges[:-1, 1] - edges[1:, 0], 5 * 256 / 22000)
    assert edges[-1, 1] <= 688 * 256 / 22000
