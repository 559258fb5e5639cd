import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import ASTConfig, ASTForAudioClassification

from rsc_core.config import ModelConfig
from rsc_core.models import spectrogram_transformer
from rsc_core.models.spectrogram_transformer import SpectrogramTransformer, TokenLayout


def hugging_face_model(frames=98):
    """A random AST as Hugging Face makes it, with positions that are not its zeros."""
    torch.manual_seed(0)
    config = ASTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_length=frames,
        num_labels=4,
        initializer_range=0.3,
    )
    hf = ASTForAudioClassification(config).eval()
    torch.nn.init.normal_(hf.audio_spectrogram_transformer.embeddings.position_embeddings)
    return hf


def test_equals_hugging_face_at_its_own_length():
    hf = hugging_face_model()
    features = torch.randn(3, 98, 128)
    with torch.no_grad():
        torch.testing.assert_close(SpectrogramTransformer(hf)(features), hf(features).logits, atol=1e-5, rtol=0)


def test_loads_a_folder_and_equals_it(tmp_path):
    hf = hugging_face_model()
    hf.save_pretrained(tmp_path)
    features = torch.randn(3, 98, 128)
    with torch.no_grad():
        torch.testing.assert_close(
            spectrogram_transformer.load(str(tmp_path)).eval()(features), hf(features).logits, atol=1e-5, rtol=0
        )


def test_weights_that_lack_a_tensor_are_refused(tmp_path):
    hf = hugging_face_model()
    state = hf.state_dict()
    del state["audio_spectrogram_transformer.layers.1.mlp.fc1.weight"]
    hf.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ValueError, match="not hold a complete Audio Spectrogram Transformer: missing keys .*fc1"):
        spectrogram_transformer.load(str(tmp_path))


def test_geometry_that_does_not_fit_the_weights_is_refused(tmp_path):
    hugging_face_model().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["max_length"] = 200
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises((ValueError, RuntimeError), match="size mismatch|mismatched"):
        spectrogram_transformer.load(str(tmp_path))


def test_small_geometry_has_the_documented_size():
    with torch.device("meta"):
        model = SpectrogramTransformer(spectrogram_transformer.build(ModelConfig()).hf)
    assert sum(p.numel() for p in model.parameters()) == 5_437_636
    assert model.layout(498) == TokenLayout((8, 31))


@pytest.mark.parametrize(("frames", "grid"), [(400, (12, 39)), (500, (12, 49)), (798, (12, 79)), (1024, (12, 101))])
def test_patches_of_ast_base(frames, grid):
    with torch.device("meta"):
        model = SpectrogramTransformer(ASTForAudioClassification(ASTConfig()))
    assert model.layout(frames).grid == grid


def test_positions_are_cropped_from_the_middle_of_time():
    model = SpectrogramTransformer(hugging_face_model(frames=98))  # stride 10: 12 x 9 patches
    own = model.layout(98)
    short = model.layout(66)  # 12 x 6
    assert (own.grid, short.grid) == ((12, 9), (12, 6))
    stored = model.positions(own)
    fitted = model.positions(short)
    assert torch.equal(fitted[:, :2], stored[:, :2])
    grid = stored[0, 2:].T.reshape(32, 12, 9)
    assert torch.equal(fitted[0, 2:].T.reshape(32, 12, 6), grid[:, :, 1:7])


def test_positions_are_interpolated_for_a_longer_clip():
    model = SpectrogramTransformer(hugging_face_model(frames=98))
    with torch.no_grad():  # a ramp over time stays a ramp
        ramp = torch.arange(9.0).repeat(12).view(1, -1, 1).expand(-1, -1, 32)
        model.backbone.embeddings.position_embeddings[:, 2:] = ramp
    fitted = model.positions(model.layout(188))[0, 2:, 0].view(12, 18)
    assert (fitted.diff(dim=1) >= 0).all()
    torch.testing.assert_close(fitted[:, 1:-1].diff(dim=1), torch.full((12, 15), 0.5))
    assert model(torch.randn(1, 188, 128)).shape == (1, 4)


def test_a_fresh_model_tells_places_apart(tiny_model):
    """Zero positions would give the same logits for any order of the patches."""
    layout = tiny_model.layout(98)
    tokens = tiny_model.embed(torch.randn(1, 98, 128))
    assert (tiny_model.positions(layout)[0, 2:].diff(dim=0).norm(dim=1) > 0.1).all()
    with torch.no_grad():
        assert not torch.allclose(
            tiny_model.encode(tokens)[:, :2], tiny_model.encode(tokens.flip(1))[:, :2], atol=1e-4
        )


def test_layout_folds_frequency_major_and_drops_other_tokens():
    layout = TokenLayout((2, 3))
    patches = torch.arange(6.0)
    expected = torch.tensor([[0.0, 1, 2], [3, 4, 5]])
    assert torch.equal(layout.fold(patches), expected)
    tokens = torch.cat([torch.tensor([-1.0, -2]), patches, torch.tensor([-3.0])])  # special first, virtual last
    assert torch.equal(layout.fold(tokens), expected)


def test_patch_embedding_order_matches_the_layout(tiny_model):
    """A change in one place of the spectrogram changes exactly the patch the layout names."""
    features = torch.zeros(1, 98, 128)
    changed = features.clone()
    changed[0, 16 * 4 : 16 * 5, 16 * 7 : 16 * 8] = 1.0  # time patch 4, frequency patch 7
    with torch.no_grad():
        difference = (tiny_model.embed(changed) - tiny_model.embed(features)).norm(dim=-1)
    folded = tiny_model.layout(98).fold(difference[0])
    assert folded.nonzero().tolist() == [[7, 4]]


def test_new_classes_get_a_fresh_head_and_old_ones_keep_theirs(tiny_model):
    head = tiny_model.hf.classifier.dense
    tiny_model.classify_into(("normal", "crackle", "wheeze", "both"))
    assert tiny_model.hf.classifier.dense is head
    tiny_model.classify_into(("normal", "abnormal"))
    assert tiny_model(torch.randn(1, 98, 128)).shape == (1, 2)
    assert tiny_model.hf.config.id2label == {0: "normal", 1: "abnormal"}


def test_wrong_number_of_patches_is_named(tiny_model):
    with pytest.raises(ValueError, match=r"expected 48 patches for the grid \(8, 6\), got 47"):
        tiny_model.encode(torch.randn(1, 47, 32))
    with pytest.raises(ValueError, match="at least one patch of 16 frames, got 10"):
        tiny_model(torch.randn(1, 10, 128))


def test_mimetic_attention_has_the_products_it_claims():
    """Likes attend to likes; what is read comes back with its sign turned. Not so in a Xavier start."""
    torch.manual_seed(0)
    config = ModelConfig(hidden_size=96, layers=2, heads=3, intermediate_size=64, frames=98)
    signs = {}
    for initialisation in ("mimetic", "xavier"):
        model = spectrogram_transformer.build(replace(config, initialisation=initialisation))
        attention = model.blocks[1].attention
        q, k = (p.weight.unflatten(0, (3, 32)) for p in (attention.q_proj, attention.k_proj))
        alike = torch.einsum("hiw,hiw->h", q, k) / 96
        turned = torch.trace(attention.o_proj.weight @ attention.v_proj.weight) / 96
        signs[initialisation] = alike.min().item(), turned.item()
    assert signs["mimetic"][0] > 0.25 and signs["mimetic"][1] == pytest.approx(-0.4, abs=0.05)
    assert abs(signs["xavier"][0]) < 0.1 and abs(signs["xavier"][1]) < 0.1


def test_structured_attention_reads_one_neighbour():
    """On positions alone, each head of each block reads most from the patch at one offset, whatever the patch."""
    torch.manual_seed(0)
    config = ModelConfig(hidden_size=192, layers=2, heads=3, intermediate_size=64, initialisation="structured")
    model = spectrogram_transformer.build(config)
    layout = model.layout(498)
    freq, time = layout.grid
    positions = F.layer_norm(model.positions(layout)[0, 2:], (192,))
    inner = [f * time + t for f in range(1, freq - 1) for t in range(1, time - 1)]
    offsets = []
    for block in model.blocks:
        q, k = (p(positions).unflatten(1, (3, 64)) for p in (block.attention.q_proj, block.attention.k_proj))
        weights = (torch.einsum("ahd,bhd->hab", q, k) / 8).softmax(-1)
        for head in weights:
            steps = {int(head[patch].argmax()) - patch for patch in inner}
            assert len(steps) == 1
            offsets.append(steps.pop())
            beside = head[inner].sort(dim=1, descending=True).values
            assert (beside[:, 1] < 0.5 * beside[:, 0]).all()
    assert set(offsets) <= {f * time + t for f in (-1, 0, 1) for t in (-1, 0, 1)} and len(set(offsets)) > 2


def test_kept_patches_keep_their_positions(tiny_model):
    """Leaving patches out gives the tokens of a sequence that never had them."""
    features = torch.randn(2, 98, 128)
    layout = tiny_model.layout(98)
    tokens = tiny_model.embed(features)
    everything = tiny_model.encode(tokens, layout)
    torch.testing.assert_close(tiny_model.encode(tokens, layout, torch.arange(48)), everything)
    kept = torch.tensor([3, 20, 41])
    fewer = tiny_model.encode(tokens, layout, kept)
    assert fewer.shape == (2, 5, 32)
    moved = tokens.clone()
    moved[:, 7] += 100
    torch.testing.assert_close(tiny_model.encode(moved, layout, kept), fewer)
    with torch.no_grad():
        tiny_model.backbone.embeddings.position_embeddings[:, 2 + 20] += 1
    assert not torch.allclose(tiny_model.encode(tokens, layout, kept), fewer)
