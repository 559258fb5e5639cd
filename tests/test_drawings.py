"""The drawings of the tunings: one for each, that say what the tuning trains."""

import re
from xml.etree import ElementTree

import pytest

from rsc_core import tuning
from rsc_core.analysis import ModelCard
from rsc_core.tuning import TUNINGS
from rsc_core.ui import markup, texts
from rsc_core.ui.drawings import NETWORKS, PARTS, drawing

NORMS = {
    "norm before attention": ".layernorm_before.",
    "norm before MLP": ".layernorm_after.",
    "last norm": "transformer.layernorm.",
}
MATRICES = {"q": ".q_proj.", "k": ".k_proj.", "v": ".v_proj.", "o": ".o_proj.", "fc1": ".fc1.", "fc2": ".fc2."}


def shapes(kind, learns):
    root = ElementTree.fromstring(drawing(kind))
    found = [rect.attrib for rect in root.iter("rect") if rect.attrib["class"] == ("learns" if learns else "frozen")]
    return {tuple(float(box[name]) for name in ("x", "y", "width", "height")) for box in found}


def test_there_is_a_drawing_for_every_tuning_and_every_other_network():
    assert set(texts.tunings.TUNINGS) == {*TUNINGS, *NETWORKS}
    for kind, words in texts.tunings.TUNINGS.items():
        assert ElementTree.fromstring(drawing(kind)).attrib["aria-label"] == words.alt
        assert words.sentence.endswith(".") and words.alt.endswith(".")


@pytest.mark.parametrize("name", TUNINGS)
def test_a_part_is_filled_where_its_own_parameters_learn(name, tiny_model):
    tuning.apply(tiny_model, name, tuning.configure(name))
    learning, drawn = [n for n, p in tiny_model.named_parameters() if p.requires_grad], shapes(name, True)
    for part, pattern in {**NORMS, **MATRICES, "patches": ".projection.", "head": ".classifier."}.items():
        whole = any(pattern + "weight" in n or pattern + "base_layer.weight" in n for n in learning)
        if part == "head":
            whole = any(".classifier." in n for n in learning)
        assert (PARTS[part] in drawn) == whole, part
    added = any(n for n in learning if re.search("lora|ia3|adapter|virtual|bias", n))
    assert bool(drawn - set(PARTS.values())) == (added and name not in ("full", "linear", "layer_norm"))


def card(name, kind, model="spectrogram_transformer"):
    return ModelCard(name, "", kind, 10, 1234, "", "", 50, 50, 50, (40, 60), "", model, kind)


def test_models_are_grouped_by_tuning_and_one_is_chosen():
    cards = [
        card("windows", "full", "cycle_guardian"),
        card("net", "full", "cnn"),
        card("probe", "linear", "cnn"),
        card("b<", "lora"),
        card("a", "full"),
        card("c", "lora"),
    ]
    html = markup.model_list(cards, "c")
    titles = [texts.tunings.TUNINGS[kind].title for kind in ("full", "linear", "lora", "cnn", "cycle_guardian")]
    assert re.findall("<legend>(.*?)</legend>", html) == titles
    assert re.findall('value="(.*?)"', html) == ["a", "probe", "b&lt;", "c", "net", "windows"]
    assert re.findall('value="([^"]*)" checked', html) == ["c"]
    assert html.count("1,234 learn") == 6 and texts.tunings.TUNINGS["lora"].sentence in html
