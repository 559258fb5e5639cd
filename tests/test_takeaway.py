"""Files to take home hold what the page showed, and nothing that was not asked for."""

import io
import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rsc_core import takeaway
from tests.test_figures import analysis, cycle_view


@pytest.fixture(scope="module")
def drawn():
    return takeaway.pictures(analysis(), 1, cycle_view(), "db")


def test_the_json_holds_every_cycle_and_no_name_unless_asked():
    one = analysis()
    content = json.loads(takeaway.as_json(one, {"model": "lora"}, "a notice", {"crackles": float("nan")}))
    assert content["notice"] == "a notice" and "file" not in content
    assert content["measured"] == {"crackles": None}
    assert [cycle["label"] for cycle in content["cycles"]] == list(one.labels)
    assert content["cycles"][2]["probabilities"]["wheeze"] == pytest.approx(0.7)
    assert content["cycles"][2]["wheeze_present"] == pytest.approx(0.8)
    assert json.loads(takeaway.as_json(one, {}, "", {}, "jane.wav"))["file"] == "jane.wav"


def test_the_maps_come_back_with_their_axes():
    view = cycle_view()
    with np.load(io.BytesIO(takeaway.maps_archive(view))) as maps:
        np.testing.assert_array_equal(maps["log_mel_db"], view.log_mel["db"].values)
        np.testing.assert_array_equal(maps["cqt_model"], view.hybrid["model"][0].values)
        np.testing.assert_array_equal(maps["attention_last_layer"], view.attention[0].values)
        for name in ("log_mel_db", "gammatone_db", "mel_model"):
            assert len(maps[f"{name}_hz"]) == len(maps[name])
        assert len(maps["attention_rollout_hz"]) == len(maps["attention_rollout"]) + 1
        np.testing.assert_array_equal(maps["attention_rollout_s"], (4, 6))


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_archives_hold_every_picture(drawn, kind):
    archive = zipfile.ZipFile(io.BytesIO(takeaway.picture_archive(drawn, kind)))
    assert archive.namelist() == [f"{name}.{kind}" for name in ("cycles", "log-mel", "hybrid", "attention")]
    first = archive.read(archive.namelist()[0])
    if kind == "png":
        size = (takeaway.WIDTH_PX * takeaway.SCALE, drawn["cycles"].pixels().shape[0])
        assert Image.open(io.BytesIO(first)).size == size
    else:
        assert b"<svg" in first and b"<dc:date>" not in first


def test_the_page_needs_no_network_and_begins_with_the_notice(drawn):
    rows = takeaway.cycle_rows(analysis(), 1)
    assert rows.count("<tr") == 1 + len(analysis().cycles) and rows.count("aria-current") == 1
    html = takeaway.page(
        "A title", "Labels <sounds>", [("Cycles", rows), ("See", takeaway.image(drawn["log-mel"], "x"))]
    )
    body = html[html.index("<body>") :]
    assert body.startswith('<body><p class="caution" role="note">Labels &lt;sounds&gt;</p>')
    assert "http:" not in html and "https:" not in html and "default-src 'none'" in html
    assert {source[:22] for source in re.findall(r'src="([^"]+)"', html)} == {"data:image/png;base64,"}


def test_models_stand_beside_each_other_cycle_by_cycle():
    one = analysis()
    other = replace(one, model=replace(one.model, name="<other>"), probabilities=one.probabilities[:, ::-1])
    rows = re.findall("<tr.*?</tr>", takeaway.compared_rows((one, other), 1))
    assert '<th scope="col">&lt;other&gt;</th>' in rows[0] and len(rows) == 1 + len(one.cycles)
    assert ["aria-current" in row for row in rows[1:]] == [i == 1 for i in range(len(one.cycles))]
    cells = re.findall("<td>(.*?)</td>", rows[3])
    assert (cells[1], cells[4]) == (one.labels[2], other.labels[2]) and cells[3] == f"{one.wheeze_present[2]:.2f}"


def test_facts_are_escaped():
    assert takeaway.facts({"File": "<jane>.wav"}) == "<dl><dt>File</dt><dd>&lt;jane&gt;.wav</dd></dl>"
