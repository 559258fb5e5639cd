"""Tables: what they say, and that the committed ones are what the committed results give."""

import json
import shutil

import pytest

from rsc_core import report, test_log
from rsc_core.config import run_config


@pytest.mark.parametrize("name", report.README_FILES)
def test_the_committed_tables_are_what_the_results_give(name):
    text = (report.ROOT / name).read_text()
    assert "<!-- table: " in text
    assert report.fill(text) == text, "run: python -m rsc_core.report"


@pytest.fixture
def shipped(tmp_path):
    """A copy of four models' committed facts, to change one and see the tables follow."""
    models = ("sprsound-base", "icbhi-full", "icbhi-lora", "icbhi-adapter")
    for path in (path for model in models for path in (report.ROOT / "checkpoints" / model).glob("*.json")):
        copy = tmp_path / path.relative_to(report.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    path = tmp_path / "checkpoints" / "sprsound-base" / "metrics.json"
    results = json.loads(path.read_text())
    path.write_text(json.dumps({"sprsound test": results["sprsound test"]}))
    return tmp_path


def change(root, model, **fields):
    path = root / "checkpoints" / model / "metrics.json"
    results = json.loads(path.read_text())
    for result in results.values():
        result |= fields
    path.write_text(json.dumps(results))


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_models_table_follows_the_results(shipped):
    change(shipped, "icbhi-full", specificity=12.34, sensitivity=float("nan"), score_interval=[1, 2.26])
    rows = cells(report.models_table(shipped))
    assert rows[0][-4:] == ["Se", "Score", "95 % over patients", "Score, equal lengths"]
    by_name = {row[0]: row for row in rows}
    assert by_name["`icbhi-full`"][6:8] == ["12.3", "-"] and by_name["`icbhi-full`"][9] == "1.0 to 2.3"
    trivial = [
        "*always normal*",
        "*duration only*",
        "*loudness and bandwidth only*",
        "*device only*",
    ]
    models = ["`icbhi-full`", "`icbhi-lora`", "`icbhi-adapter`"]
    base = ["`sprsound-base`"] * 3  # all, inter, intra
    assert [row[0] for row in rows[2:]] == [*base, *trivial, *models, *trivial]
    assert [row[4].split(",")[0] for row in rows[2:5]] == ["official test", "of these inter", "of these intra"]
    assert by_name["*always normal*"][6:9] == ["100.0", "0.0", "50.0"]


def test_the_models_table_shows_trivial_rows_and_equal_lengths_where_they_were_measured(shipped):
    rule = {"specificity": 70.0, "sensitivity": 20.0, "score": 45.0}
    equal = {"score": 33.3, "trivial": {"duration only": {"score": 25.0}}}
    change(shipped, "sprsound-base", trivial={"duration only": rule}, equalised=equal, per_split={})
    rows = cells(report.models_table(shipped))
    assert rows[0][-1] == "Score, equal lengths"
    assert rows[2][0] == "`sprsound-base`" and rows[2][-1] == "33.3"
    assert rows[3][0] == "*duration only*" and rows[3][6:9] == ["70.0", "20.0", "45.0"] and rows[3][-1] == "25.0"
    assert rows[4][-1] == "-" and {len(row) for row in rows} == {11}


@pytest.mark.parametrize("name", ["device", "location"])
def test_tables_by_group(name, shipped):
    table = {"device": report.devices_table, "location": report.locations_table}[name]
    for model in ("sprsound-base", "icbhi-full", "icbhi-lora", "icbhi-adapter"):
        change(shipped, model, **{f"per_{name}": {}})
    assert cells(table(shipped))[2] == ["-"] * 7
    scores = {"specificity": 1.0, "sensitivity": 2.0, "score": 1.5}
    change(shipped, "icbhi-lora", **{f"per_{name}": {"A": {**scores, "cycles": 5}, "B": {**scores, "cycles": 4}}})
    assert cells(table(shipped))[2:] == [
        ["`icbhi-lora`", "ICBHI subset (39 %)", "A", "5", "1.0", "2.0", "1.5"],
        ["`icbhi-lora`", "ICBHI subset (39 %)", "B", "4", "-", "-", "-"],
    ]


def test_the_tasks_table_lists_every_model_that_answers_one(shipped):
    part = {"inter": {"score": 81.26}, "intra": {"score": float("nan")}, "pooled": {"score": 7.0}}
    change(shipped, "sprsound-base", measure="balanced_accuracy", tasks={"1-1": part, "1-2": part})
    rows = cells(report.tasks_table(shipped))
    assert [row[3:] for row in rows[2:]] == [[task, "81.3", "-", "7.0"] for task in ("1-1", "1-2")]
    assert {row[0] for row in rows[2:]} == {"`sprsound-base`"} and rows[2][2] == "4"
    assert "sprsound-base" not in report.models_table(shipped)  # it has no Score


def test_the_test_log_is_counted_by_kind(tmp_path):
    config = run_config("lora", "icbhi", "small", {"seed": 3})
    path = tmp_path / "checkpoints" / "test_log.csv"
    result = {"measure": "score", "specificity": 81.237, "sensitivity": 4.0, "score": 42.6}
    test_log.append(path, "a", config, "evaluation", "ICBHI", "test", 9, result=result)
    test_log.append(path, "a", config, "evaluation", "ICBHI", "test", 9, result=result)
    test_log.append(path, "b", config, "test curve", "ICBHI", "test", 9, looks=1500)
    test_log.append(path, "b", config, "paper protocol", "SPRSound", "intra", 9, looks=7)
    assert cells(report.touches_table(tmp_path))[2:] == [
        ["ICBHI", "test", "2", "1,500", "0", "1,502"],
        ["SPRSound", "intra", "0", "0", "7", "7"],
    ]
    line = path.read_text().splitlines()[1].split(",")
    assert line[1:-1] == "a lora 3 validated evaluation 1 ICBHI test 9 81.24 4.00 42.60".split() + [""]
    with pytest.raises(ValueError, match="evaluation must be one of evaluation, test curve, paper protocol"):
        test_log.append(path, "a", config, "peek", "ICBHI", "test", 9)
    path.write_text("utc,run\n")
    with pytest.raises(ValueError, match="restore it from git"):
        test_log.touches(path)
    assert test_log.touches(tmp_path / "none.csv") == {}


def test_mistakes_in_markers_are_answered(tmp_path):
    with pytest.raises(ValueError, match="there is no table 'model'; choose one of models"):
        report.fill("<!-- table: model -->\n<!-- /table -->", tmp_path)
    with pytest.raises(ValueError, match="1 tables begin and 0 end"):
        report.fill("<!-- table: models -->\n", tmp_path)


def record(row, protocol, score, published=None, gap=None):
    metrics = {
        "specificity": score + 20,
        "sensitivity": score - 20,
        "score": score,
        "score_interval": [score - 5, score + 5],
        "trivial": {"always normal": {"specificity": 100.0, "sensitivity": 0.0, "score": 50.0}},
    }
    return {
        "row": row,
        "protocol": protocol,
        "corpus": "ICBHI 2017",
        "split": "test",
        "trainable": 299524,
        "metrics": metrics,
        "published": published or {},
        "selection_gap": gap and {"gap": gap},
    }


def study_results(*records):
    return {"title": "LoRA", "source": "the paper", "differs": ["the head"], "planned": 9, "records": list(records)}


def test_a_study_keeps_published_reproduced_and_validated_apart():
    published = {"specificity": 85.31, "sensitivity": 36.11, "score": 60.71}
    text = report.study_report(
        study_results(
            record("lora", "validated", 50.0, published, gap=2.0),
            record("lora", "validated", 54.0, published, gap=4.0),
            record("lora", "paper", 60.0, published, gap=0.0),
            record("linear", "paper", 40.0, gap=0.0),
        )
    )
    assert "4 of 9 runs" in text and "Source: the paper" in text
    assert "reproduced: PAPER PROTOCOL: epoch chosen on the TEST split" in text and "* the head" in text
    table = cells("\n".join(line for line in text.splitlines() if line.startswith("|")))
    assert table[0] == ["model", "trained parameters", "published", "reproduced", "validated", "selection gap"]
    assert table[2] == [
        "lora",
        "299,524",
        "85.3 / 36.1 / **60.7**",
        "80.0 / 40.0 / **60.0** (55.0 to 65.0, n 1)",
        "72.0 ± 2.8 / 32.0 ± 2.8 / **52.0 ± 2.8** (n 2)",  # standard deviation of 50 and 54, n - 1
        "3.0 ± 1.4",
    ]
    assert table[3] == ["linear", "299,524", "-", "60.0 / 20.0 / **40.0** (35.0 to 45.0, n 1)", "-", "-"]
    assert table[4][:5] == ["*always normal*", "", "", "100.0 / 0.0 / **50.0**", "100.0 / 0.0 / **50.0**"]


def test_what_needs_no_threshold_stands_beside_the_score():
    records = [record("lora", "validated", score) for score in (50.0, 54.0)]
    for one, auroc in zip(records, (70.0, 74.0), strict=True):
        one["metrics"]["auroc"] = {"abnormal": auroc}
    text = report.study_report(study_results(*records))
    table = cells("\n".join(line for line in text.splitlines() if line.startswith("|")))
    assert [row[-1] for row in table if "---" not in row[0]] == ["AUROC of abnormal", "72.0 ± 2.8", ""]


def test_a_gap_of_another_measure_says_so():
    one = record("guardian", "validated", 50.0, gap=2.0)
    one["selection_gap"]["measure"] = "accuracy"
    assert "| 2.0 (accuracy) |" in report.study_report(study_results(one))


def test_classes_without_a_normal_one_are_told_by_their_own_measure():
    one = record("full", "validated", 50.0)
    one["metrics"] = {
        "measure": "balanced_accuracy",
        "balanced_accuracy": 91.25,
        "specificity": 3.0,
        "trivial": {"always dog": {"balanced_accuracy": 2.0}},
    }
    text = report.study_report(study_results(one))
    assert "Percent: balanced_accuracy" in text and "3.0" not in text
    table = cells("\n".join(line for line in text.splitlines() if line.startswith("|")))
    assert [row[0::3] for row in table[2:]] == [["full", "**91.2** (n 1)"], ["*always dog*", "**2.0**"]]


def test_a_study_without_runs_says_so(tmp_path, capsys):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(study_results()))
    assert report.main(["--study", str(path)]) == 0
    assert "No run is done yet, of 9." in capsys.readouterr().out
    assert report.main(["--study", str(tmp_path / "no.json")]) == 1
    assert "no.json" in capsys.readouterr().err


def test_the_command_rewrites_the_files(shipped, monkeypatch, capsys):
    monkeypatch.setattr(report, "ROOT", shipped)
    monkeypatch.setattr(report, "fill", lambda text: text.replace("old", "new"))
    (shipped / "README.md").write_text("old\n")
    (shipped / "checkpoints" / "README.md").write_text("same\n")
    assert report.main([]) == 0
    assert (shipped / "README.md").read_text() == "new\n"
    assert capsys.readouterr().out == "README.md: rewritten\ncheckpoints/README.md: as it was\n"
