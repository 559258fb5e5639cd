"""CycleGuardian: published sizes and shapes, windows in one batch as one by one, clusters that may be empty."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import train
from rsc_core import checkpoint, data, engine, lineage, models, objectives, parameters, synth, tuning
from rsc_core.config import CLASSES, ModelConfig, run_config
from rsc_core.features import extract
from rsc_core.inference import Analyser
from rsc_core.models.clustering import CENTRES, CODE, Clustering, clustering_loss, sharpened
from rsc_core.models.cycle_guardian import STRIDE, WINDOW, WindowEncoder, window_count
from rsc_core.objectives import Batch, Task

PUBLISHED = ModelConfig("cycle_guardian", hidden_size=768, frames=688)
TINY = ModelConfig("cycle_guardian", hidden_size=12, frames=86)


def built(config):
    torch.manual_seed(0)
    return models.build(config)


def maps(clips=3, seed=0):
    return torch.randn(clips, 3, 84, 86, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("faithful", "count"), [(False, 6_626_359), (True, 6_790_967)])
def test_it_has_as_many_parameters_as_the_published_network(faithful, count):
    with torch.device("meta"):
        model = models.build(replace(PUBLISHED, faithful=faithful))
    assert sum(p.numel() for p in model.parameters()) == count == parameters.cycle_guardian(768, 688, 4, faithful)
    assert sum(p.numel() for p in model.window_encoder.parameters()) == 6_409_984
    assert sum(p.numel() for p in model.summary.parameters()) == 100_270
    model.classify_into(("normal", "abnormal"))
    assert sum(p.numel() for p in model.parameters()) == parameters.cycle_guardian(768, 688, 2, faithful)


def test_eight_seconds_are_45_windows():
    with torch.device("meta"):
        assert models.build(PUBLISHED).embed(torch.randn(2, 3, 84, 688)).shape == (2, 45, 768)
    assert window_count(688) == 45 and window_count(20) == 1


def test_all_windows_in_one_batch_equal_one_after_another():
    model, clips = built(TINY).eval(), maps()
    one_by_one = [
        model.window_encoder(clips[..., STRIDE * i : STRIDE * i + WINDOW]) for i in range(window_count(TINY.frames))
    ]
    torch.testing.assert_close(model.embed(clips), torch.stack(one_by_one, dim=1), atol=1e-6, rtol=0)


def test_faithful_statistics_are_those_of_each_position_by_itself():
    model, clips = built(replace(TINY, faithful=True)).train(), maps()
    plain = WindowEncoder(TINY.hidden_size).train()
    plain.load_state_dict(model.window_encoder.state_dict())
    one_by_one = [plain(clips[..., STRIDE * i : STRIDE * i + WINDOW]) for i in range(window_count(TINY.frames))]
    torch.testing.assert_close(model.embed(clips), torch.stack(one_by_one, dim=1), atol=1e-5, rtol=1e-4)
    for name, value in plain.named_buffers():
        torch.testing.assert_close(dict(model.window_encoder.named_buffers())[name], value, msg=name)
    assert torch.isfinite(model.embed(maps(1))).all()  # of one clip the last norm has no statistics


def test_assignments_are_student_s_t_over_the_centres():
    torch.manual_seed(0)
    clustering, vectors = Clustering(12), torch.randn(2, 5, 12)
    codes = clustering.encoder(vectors)
    kernel = 1 / (1 + torch.cdist(codes, clustering.centres.expand(2, -1, -1)).square())
    torch.testing.assert_close(clustering(vectors), kernel / kernel.sum(dim=2, keepdim=True))


def test_targets_are_sharper_and_sum_to_one():
    soft = torch.randn(2, 45, CENTRES, generator=torch.Generator().manual_seed(0)).softmax(dim=2)
    target = sharpened(soft)
    torch.testing.assert_close(target.sum(dim=2), torch.ones(2, 45))
    assert -(target * target.log()).sum() < -(soft * soft.log()).sum()
    uniform = torch.full((2, 45, CENTRES), 0.25)
    assert clustering_loss(uniform).abs() < 1e-6


def test_targets_and_loss_are_those_of_a_small_example():
    """Two windows of one clip, (0.8, 0.2) and (0.4, 0.6), beside a clip that must not matter to them."""
    soft = torch.tensor([[[0.8, 0.2], [0.4, 0.6]], [[0.9, 0.1], [0.9, 0.1]]])
    # Clusters hold 1.2 and 0.8 windows: (0.64 / 1.2, 0.04 / 0.8) and (0.16 / 1.2, 0.36 / 0.8), each to a sum of 1.
    target = torch.tensor([[0.914286, 0.085714], [0.228571, 0.771429]])
    torch.testing.assert_close(sharpened(soft)[0], target, atol=1e-6, rtol=0)
    divergences = 0.914286 * math.log(0.914286 / 0.8) + 0.085714 * math.log(0.085714 / 0.2)
    divergences += 0.228571 * math.log(0.228571 / 0.4) + 0.771429 * math.log(0.771429 / 0.6)
    assert clustering_loss(soft[:1]).item() == pytest.approx(divergences / 2, abs=1e-5)


def test_more_clips_change_the_clustering_loss_in_the_published_form_alone():
    soft = torch.randn(2, 45, CENTRES, generator=torch.Generator().manual_seed(0)).softmax(dim=2)
    twice = torch.cat([soft, soft])
    torch.testing.assert_close(clustering_loss(twice), clustering_loss(soft))
    torch.testing.assert_close(clustering_loss(twice, faithful=True), 2 * clustering_loss(soft, faithful=True))
    torch.testing.assert_close(clustering_loss(soft, faithful=True), 90 * clustering_loss(soft))


def test_centres_without_windows_take_half_of_the_fullest_cluster():
    torch.manual_seed(0)
    clustering = Clustering(12)
    groups = 20 * torch.randn(CENTRES, 12)
    vectors = groups.repeat(8, 1) + 0.01 * torch.randn(8 * CENTRES, 12)
    assert len(clustering(vectors).argmax(dim=1).unique()) < CENTRES
    clustering.revive(vectors.unsqueeze(0))
    found = clustering(vectors).argmax(dim=1).view(8, CENTRES)
    assert (found == found[0]).all() and len(found[0].unique()) == CENTRES
    means = clustering.encoder(vectors).view(8, CENTRES, CODE).mean(dim=0)
    torch.testing.assert_close(clustering.centres[found[0]], means, atol=1e-4, rtol=0)
    alive = clustering.centres.clone()
    clustering.revive(vectors)
    assert torch.equal(clustering.centres, alive)
    clustering.revive(torch.zeros(1, 6, 12))  # silence: all codes are the same, and nothing can be parted
    assert torch.equal(clustering.centres, alive)


@pytest.mark.parametrize("faithful", [False, True])
def test_a_cluster_without_windows_tells_nothing_unless_faithful(faithful):
    model, windows = built(replace(TINY, faithful=faithful)).eval(), torch.rand(2, 5, 12)
    with torch.no_grad():
        model.summary.projection.bias[: CODE // 2] = 1
        model.clustering.centres[0] = model.clustering.encoder(windows).mean(dim=(0, 1))
        model.clustering.centres[1:] += 100
        vectors = model.cluster(windows).vectors
    assert vectors[:, 0].abs().sum() > 0
    empty = vectors[:, 1:]
    assert torch.equal(empty[0], empty[1]) and (empty.abs().sum() > 0) == faithful


def test_likeness_is_the_cosine_of_every_pair():
    model = built(TINY)
    vectors = torch.randn(3, CENTRES, CODE, generator=torch.Generator().manual_seed(0))
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    wanted = sum(F.cosine_similarity(vectors[:, i], vectors[:, j], dim=1).abs().mean() for i, j in pairs)
    torch.testing.assert_close(model.likeness(vectors), wanted)
    torch.testing.assert_close(model.likeness(vectors[:, :1].expand(-1, CENTRES, -1)), torch.tensor(6.0))
    vectors[:, 1:] = 0
    assert model.likeness(vectors) == 0


def test_likeness_compares_what_the_matrix_maps():
    generator = torch.Generator().manual_seed(0)
    vectors, mapping = torch.randn(1, CENTRES, CODE, generator=generator), torch.randn(CODE, CODE, generator=generator)
    model, mapped = built(TINY), vectors[0] @ mapping
    with torch.no_grad():
        model.similarity.copy_(mapping)
    wanted = sum(F.cosine_similarity(a, b, dim=0).abs() for a, b in itertools.combinations(mapped, 2))
    torch.testing.assert_close(model.likeness(vectors), wanted, atol=1e-4, rtol=0)
    before = model.likeness(vectors)
    with torch.no_grad():
        model.similarity *= -5
    torch.testing.assert_close(model.likeness(vectors), before)


def test_faithful_likeness_falls_as_its_matrix_grows():
    generator = torch.Generator().manual_seed(0)
    vectors, mapping = torch.randn(2, CENTRES, CODE, generator=generator), torch.randn(CODE, CODE, generator=generator)
    model = built(replace(TINY, faithful=True))
    plain = model.likeness(vectors)
    torch.testing.assert_close(plain, built(TINY).likeness(vectors))
    for factor in (2, -1):
        with torch.no_grad():
            model.similarity.copy_(factor * torch.eye(CODE))
        torch.testing.assert_close(model.likeness(vectors), plain / abs(factor))
    with torch.no_grad():
        model.similarity.copy_(mapping)
    pairs = itertools.combinations(vectors.transpose(0, 1), 2)
    wanted = sum(
        ((a * (b @ mapping)).sum(dim=1) / ((a @ mapping).norm(dim=1) * (b @ mapping).norm(dim=1))).abs().mean()
        for a, b in pairs
    )
    torch.testing.assert_close(model.likeness(vectors), wanted)


def test_the_faithful_network_begins_with_the_published_weights():
    """Kaiming's for convolutions, outputs counted; the code sums positions and clusters up by convolutions too."""
    model = built(replace(PUBLISHED, faithful=True))
    deviations = {
        "window_encoder.0": (2 / 16) ** 0.5,
        "window_encoder.12": (2 / (256 * 9)) ** 0.5,
        "window_encoder.16": 0.01,
        "clustering.encoder.0": 0.01,
        "summary.positions": 2**0.5,
        "summary.projection": 0.01,
        "classifier": 0.01,
    }
    for name, deviation in deviations.items():
        module = model.get_submodule(name)
        assert module.weight.std().item() == pytest.approx(deviation, rel=0.25), name
        assert not module.bias.any(), name
    fusions = torch.cat([built(replace(TINY, faithful=True)).fusion.weight] + [model.fusion.weight]).flatten()
    assert fusions.abs().max() > 0.5 and not model.fusion.bias.any()  # of a linear layer's own draw at most 0.5


def test_it_answers_as_one_window_and_one_cluster_after_another_would():
    model, clips = built(TINY).eval(), maps(2)
    with torch.no_grad():
        model.clustering.revive(model.embed(clips))
        for name, tensor in model.state_dict().items():  # nothing is left at 0 or 1, where it could be forgotten
            if name.endswith(("bias", "running_mean")) or "norm" in name:
                tensor += 0.1 * torch.rand(tensor.shape, generator=torch.Generator().manual_seed(len(name)))
        model.classifier.weight.normal_(generator=torch.Generator().manual_seed(0))
        alone = torch.stack([answer(model.state_dict(), clip) for clip in clips])
        torch.testing.assert_close(model(clips), alone, atol=1e-4, rtol=1e-4)


def answer(weights, clip):
    """(3, 84, frames) -> (classes,) logits, from the paper's description and nothing but the weights."""

    def linear(values, name):
        return weights[f"{name}.weight"] @ values + weights[f"{name}.bias"]

    def batch_norm(values, name):
        mean, variance, scale, shift = (
            weights[f"{name}.{kind}"].view(-1, *[1] * (values.dim() - 1))
            for kind in ("running_mean", "running_var", "weight", "bias")
        )
        return (values - mean) / (variance + 1e-5).sqrt() * scale + shift

    def layer_norm(values, name):
        centred = values - values.mean()
        return centred / (centred.square().mean() + 1e-5).sqrt() * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def gelu(values):
        return values * (1 + torch.erf(values / 2**0.5)) / 2

    windows = []
    for start in range(0, clip.shape[2] - 19, 15):
        maps = clip[:, :, start : start + 20]
        for layer, stride in ((0, 1), (3, 2), (6, 1), (9, 2), (12, 2)):
            if layer == 12:
                maps = torch.from_numpy(np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="wrap"))
            name = f"window_encoder.{layer}"
            maps = F.conv2d(maps[None], weights[f"{name}.weight"], weights[f"{name}.bias"], stride)[0]
            maps = batch_norm(maps, f"window_encoder.{layer + 1}").clamp_min(0)
        hidden = batch_norm(linear(maps.flatten(), "window_encoder.16"), "window_encoder.17").clamp_min(0)
        windows.append(linear(hidden, "window_encoder.19").exp().log1p())
    codes = [linear(window, "clustering.encoder.0").clamp_min(0) for window in windows]
    own = [int((weights["clustering.centres"] - code).square().sum(dim=1).argmin()) for code in codes]
    told = []
    for cluster in range(CENTRES):
        members = [index for index, number in enumerate(own) if number == cluster]
        if not members:
            told.append(torch.zeros(CODE))
            continue
        places = weights["summary.positions.weight"][0]
        total = sum(places[index] * windows[index] for index in members) + weights["summary.positions.bias"]
        hidden = layer_norm(gelu(total), "summary.position_norm")
        told.append(layer_norm(gelu(linear(hidden, "summary.projection")), "summary.norm"))
    fused = sum(weight * vector for weight, vector in zip(weights["fusion.weight"][0], told, strict=True))
    return linear(layer_norm(gelu(fused + weights["fusion.bias"]), "fusion_norm"), "classifier")


def test_all_of_it_is_stored_statistics_included(tmp_path):
    model = built(TINY)
    model(maps())  # moves the running statistics
    models.save(tmp_path, model.eval(), TINY, torch.float32)
    loaded = models.load(str(tmp_path), TINY).eval()
    assert torch.equal(loaded(maps()), model(maps()))
    with pytest.raises(ValueError, match="does not hold a CycleGuardian"):
        models.load(str(tmp_path), replace(TINY, hidden_size=24))


def test_another_length_is_refused():
    with pytest.raises(ValueError, match="of 3x84x86, got 3x84x688"):
        built(TINY)(torch.zeros(1, 3, 84, 688))
    with pytest.raises(ValueError, match="frames must be 20 or more, got 19"):
        built(replace(TINY, frames=19))


@pytest.mark.parametrize("name", tuning.GOES_ONTO["cycle_guardian"])
def test_its_tunings_train_all_or_the_head(name):
    model = built(TINY)
    tuning.apply(model, name, tuning.configure(name))
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    every = {n for n, _ in model.named_parameters()}
    assert learning == (every if name == "full" else {"classifier.weight", "classifier.bias"})


@pytest.mark.parametrize("mode", [(), ("--faithful",), ("--labels", "binary"), ("--faithful", "--labels", "binary")])
def test_a_run_is_trained_stored_and_labels_recordings(mode, tiny_icbhi, tmp_path):
    command = ["cycle_guardian", "--corpus", "icbhi", "--data", str(tiny_icbhi), "--out", str(tmp_path / "runs/one")]
    command += ["--device", "cpu", "--precision", "fp32", "--batch-size", "8", "--epochs", "1", "--window-s", "1"]
    assert train.main([*command, "--validation-share", "0.3", *mode]) == 0
    run = checkpoint.load(tmp_path / "runs/one")
    faithful = "--faithful" in mode
    assert run.config.model.frames == 86 and run.config.model.faithful == run.config.train.faithful == faithful
    assert run.config.audio.padding == ("tile" if faithful else "repeat")
    assert ("accuracy" in (tmp_path / "runs/one/log.csv").read_text()) == faithful
    again = checkpoint.load(checkpoint.save(tmp_path / "again", run.model, run.config, {}))
    features = extract(0.1 * torch.randn(2, 22000), run.config.audio, run.config.features)
    assert torch.equal(again.model(features), run.model(features))
    if "binary" in mode:
        assert run.model(features).shape == (2, 2)
        return
    synth.write(tmp_path / "breath.wav", synth.example("Fine crackles", 4.0))
    analyser = Analyser(tmp_path / "runs")
    analysis = analyser.analyse(tmp_path / "breath.wav")
    np.testing.assert_allclose(analysis.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert analysis.probabilities.shape == (2, 4) and analyser.view(analysis, 0).attention == ()


@pytest.mark.parametrize(("faithful", "chosen"), [(True, 3), (False, 1)])
def test_the_published_form_is_chosen_by_accuracy(faithful, chosen, tiny_icbhi, tmp_path, monkeypatch):
    found = iter([(90.0, 10.0), (80.0, 20.0), (70.0, 30.0)])  # Score falls while accuracy rises

    def evaluate(*_):
        score, accuracy = next(found)
        return dict.fromkeys(("specificity", "sensitivity", "score"), score) | {"accuracy": accuracy}

    monkeypatch.setattr(engine.scoring, "evaluate", evaluate)
    options = {"faithful": faithful, "epochs": 3, "choose_after": 0, "validation_share": 0.3, "precision": "fp32"}
    config = run_config("cycle_guardian", "icbhi", "small", {**options, "batch_size": 8})
    config = replace(config, model=replace(TINY, faithful=faithful), audio=replace(config.audio, window_s=1.0))
    result = engine.fit(config, data.load("icbhi", tiny_icbhi), tmp_path / "run", progress=False)
    assert result.facts["best_epoch"] == chosen


def test_a_run_is_as_faithful_as_what_it_starts_from(guardian):
    with pytest.raises(ValueError, match="with its defects mended; train it without --faithful"):
        lineage.inherit(run_config("cycle_guardian", "icbhi", str(guardian), {"faithful": True}))
    assert lineage.inherit(run_config("cycle_guardian", "icbhi", str(guardian))).model.hidden_size == 12


def test_patch_mix_mixes_its_windows():
    model = built(TINY)
    objective = objectives.build("patch_mix", {}, Task(CLASSES), model)
    batch = Batch(maps(4), torch.eye(4))
    parts = objective.loss(model, batch, torch.Generator().manual_seed(0))
    assert torch.isfinite(parts.total) and parts.parts["kept"] * 5 == pytest.approx(round(parts.parts["kept"] * 5))
