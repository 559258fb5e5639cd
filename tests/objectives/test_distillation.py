import pytest
import torch
from torch.nn import functional as F

from rsc_core import checkpoint, lineage, objectives, resume
from rsc_core.config import CLASSES, FeatureConfig, run_config
from rsc_core.data import load, select, splits
from rsc_core.models import cnn, spectrogram_transformer
from rsc_core.objectives import Batch, Task
from rsc_core.optimizer import build_optimizer
from tests.conftest import TINY

FEATURES = torch.randn(6, 98, 128, generator=torch.Generator().manual_seed(3))
TARGETS = torch.eye(4)[[0, 1, 2, 3, 0, 1]]


OFF = {"label_weight": 0.0, "feature_weight": 0.0, "embedding_weight": 0.0}


def distil(teacher, model, features=FEATURES, task=None, **options):
    """The objective and the parts of its loss on one batch."""
    options = {"teacher": str(teacher), "block": 2, **options}
    objective = objectives.build("distillation", options, task or Task(CLASSES), model)
    return objective, objective.loss(model, Batch(features, TARGETS), torch.Generator().manual_seed(0))


def test_the_parts_are_their_formulas(teacher, tiny_model):
    weights = {"label_weight": 0.7, "feature_weight": 2.0, "embedding_weight": 0.3}
    objective, loss = distil(teacher, tiny_model, temperature=3.0, block=1, **weights)
    layout = tiny_model.layout(98)
    tokens = tiny_model.encode(tiny_model.embed(FEATURES), layout)
    local, pooled, taught = checkpoint.load(teacher).model.look(FEATURES)
    special = [t.expand(6, -1, -1) for name, t in tiny_model.backbone.embeddings.named_parameters() if "token" in name]
    start = torch.cat([*special, tiny_model.embed(FEATURES)], dim=1) + tiny_model.positions(layout)
    middle = tiny_model.blocks[0](start)
    labels = F.cross_entropy(tiny_model(FEATURES), TARGETS)
    said = tiny_model.head(tokens[:, 1])
    p, q = (taught / 3).softmax(1), (said / 3).softmax(1)
    divergence = 9 * (p * (p / q).log()).sum(1).mean()
    held = local[:, :, :8, :6].permute(0, 2, 3, 1).reshape(-1, 16)
    held = (held - held.mean(0)) / (held.var(0, unbiased=False) + 1e-5).sqrt()
    huber = distance(objective.features.projector(middle[:, 2:]).reshape(-1, 16) - held)
    pooled = (pooled - pooled.mean(0)) / (pooled.var(0, unbiased=False) + 1e-5).sqrt()
    embedding = distance(objective.embedding.projector(tokens[:, 1]) - pooled)
    assert loss.parts == {
        "cross_entropy": pytest.approx(labels.item(), rel=1e-4),
        "teacher_labels": pytest.approx(divergence.item(), rel=1e-3),
        "teacher_features": pytest.approx(huber.item(), rel=1e-4),
        "teacher_embedding": pytest.approx(embedding.item(), rel=1e-3),
    }
    expected = labels + 0.7 * divergence + 2 * huber + 0.3 * embedding
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-4)


def distance(error):
    return torch.where(error.abs() < 1, error.square() / 2, error.abs() - 0.5).mean()


def test_a_weight_of_zero_leaves_its_part_out(teacher, tiny_model):
    _, loss = distil(teacher, tiny_model, **OFF)
    assert set(loss.parts) == {"cross_entropy"}
    assert loss.total.item() == pytest.approx(F.cross_entropy(tiny_model(FEATURES), TARGETS).item(), rel=1e-5)


def test_the_teacher_neither_learns_nor_is_stored(teacher, tiny_model):
    objective, loss = distil(teacher, tiny_model)
    loss.total.backward()
    names = {f"{hint}.projector.{kind}" for hint in ("features", "embedding") for kind in ("weight", "bias")}
    assert {name for name, _ in objective.named_parameters()} == names
    assert all(p.grad is not None for p in objective.parameters())
    assert not any("teacher" in name for name in objective.state_dict())
    assert tiny_model.backbone.embeddings.distillation_token.grad.abs().sum() > 0


def test_the_teacher_hears_the_student_s_clips_on_its_own_scale(teacher, tiny_model):
    """A student with other feature statistics is given the same sound, so the teacher says the same of it."""
    own = checkpoint.load(teacher).config.features
    other = FeatureConfig(mean=own.mean + 2, std=own.std / 3)
    raw = FEATURES * 2 * own.std + own.mean
    rescaled = (raw - other.mean) / (2 * other.std)
    objective, _ = distil(teacher, tiny_model, rescaled, Task(CLASSES, other))
    reference, _ = distil(teacher, tiny_model, task=Task(CLASSES, own))
    for ours, theirs in zip(objective._ask(rescaled), reference._ask(FEATURES), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)


def test_dropped_patches_are_never_read(teacher, tiny_model):
    """Half of the patches: what stands at the others changes neither the transformer's part nor its gradient."""
    options = {"patch_dropout": 0.5, **OFF}
    count = tiny_model.layout(98).patches
    kept = torch.randperm(count, generator=torch.Generator().manual_seed(0))[: count // 2]
    _, loss = distil(teacher, tiny_model, **options)
    changed = FEATURES.clone()
    for patch in set(range(count)) - set(kept.tolist()):
        freq, time = divmod(patch, 6)
        changed[:, 16 * time : 16 * time + 16, 16 * freq : 16 * freq + 16] = 9
    _, same = distil(teacher, tiny_model, changed, **options)
    assert same.total.item() == pytest.approx(loss.total.item(), abs=1e-6)
    _, whole = distil(teacher, tiny_model, changed, **OFF)
    assert abs(whole.total.item() - loss.total.item()) > 1e-4


def test_what_cannot_be_taught_is_refused(teacher, base, tiny_model):
    with pytest.raises(ValueError, match="teaches an Audio Spectrogram Transformer by a CNN"):
        distil(base, tiny_model)
    with pytest.raises(ValueError, match="teaches an Audio Spectrogram Transformer by a CNN"):
        distil(teacher, checkpoint.load(teacher).model)
    with pytest.raises(ValueError, match="train a teacher on the run's labels"):
        distil(teacher, tiny_model, task=Task(("normal", "abnormal")))
    with pytest.raises(ValueError, match="block must be one of the student's 2, got 3"):
        distil(teacher, tiny_model, block=3)
    with pytest.raises(ValueError, match="patch_dropout must be at least 0 and below 1"):
        distil(teacher, tiny_model, patch_dropout=1.0)


def test_a_teacher_that_knows_the_validation_patients_is_refused(tiny_icbhi, teacher, tmp_path):
    corpus = load("icbhi", tiny_icbhi)
    config = run_config("distilled", "icbhi", "small", {"epochs": 1}, objective_options={"teacher": str(teacher)})
    selection = select(corpus, config.data, 0.3, 0, "validated")
    lineage.refuse_leaks(config, selection, corpus.title)  # it learned from another corpus
    loaded = checkpoint.load(teacher)
    facts = {**loaded.facts, "corpus": corpus.title, "split": {"validation_patients": "0" * 16}}
    checkpoint.save(teacher, loaded.model, loaded.config, facts)
    with pytest.raises(ValueError, match="the teacher .* learned from patients this run chooses by"):
        lineage.refuse_leaks(config, selection, corpus.title)
    facts["split"]["validation_patients"] = splits.patients_digest(selection.validation)
    checkpoint.save(teacher, loaded.model, loaded.config, facts)
    lineage.refuse_leaks(config, selection, corpus.title)


def test_the_objective_s_state_survives_a_resume(teacher, tiny_model, tmp_path):
    objective, _ = distil(teacher, tiny_model)
    config = run_config("distilled", "icbhi", "small")
    optimizer = build_optimizer(tiny_model, objective, config.train)
    resume.store(tmp_path / "s", config, tiny_model, objective, optimizer, resume.Progress("float32", {}))
    other, _ = distil(teacher, spectrogram_transformer.build(TINY))
    resume.restore(tmp_path / "s", config, tiny_model, other, optimizer)
    assert torch.equal(other.features.standardise.running_mean, objective.features.standardise.running_mean)


def test_look_is_the_forward_pass(teacher):
    model = checkpoint.load(teacher).model
    local, pooled, logits = model.look(FEATURES)
    torch.testing.assert_close(logits, model(FEATURES))
    torch.testing.assert_close(pooled, model.embedding(FEATURES))
    assert local.shape == (6, model.local_channels, 8, 7)
    bright = FEATURES.clone()
    bright[:, :16, 64:80] += 5  # the first tile in time, the fifth in frequency
    change = (model.look(bright)[0] - local).abs().mean(dim=(0, 1))
    assert change.argmax().item() == 4 * 7
    assert isinstance(model, cnn.CNN)
