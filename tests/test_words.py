"""The page's words stand in rsc_core/ui/texts; its stylesheet takes the pictures' colours from their tables."""

import ast
import re
from pathlib import Path

import pytest

from rsc_core import cluster_figures, figures
from rsc_core.ui import HERE
from rsc_core.ui.theme import colours

MODULES = sorted(HERE.glob("*.py"))
NAMED = {"label", "placeholder", "info", "alt_text"}  # keywords of Gradio's components that the page shows
FIRST = {
    "Button",
    "DownloadButton",
    "Tab",
    "Accordion",
    "Error",
    "Warning",
    "Info",
}  # whose first argument is what they say
HEADING = re.compile(r"<(h[1-6]|th|caption|legend|summary)\b[^>]*>\s*\w|(aria-label|alt|title)=\"\s*\w")
STYLE = (HERE / "style.css").read_text()


def is_text(node: ast.AST) -> bool:
    """Whether an expression holds words of its own: a literal, or an f-string with letters between its braces."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(re.search("[A-Za-z]", text) for text in said)


def hidden(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return isinstance(given.get("visible"), ast.Constant) and given["visible"].value is False


def literals(source: str) -> list[str]:
    """Words that a module shows, each with its line: of Gradio's components, of headings, of names in markup."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("gr.") and not hidden(node):
            said = [keyword.value for keyword in node.keywords if keyword.arg in NAMED]
            said += node.args[:1] if node.func.attr in FIRST else []
            found += [f"{one.lineno}: {ast.unparse(one)}" for one in said if is_text(one)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "picture_place" and is_text(node.args[0]):
            found.append(f"{node.lineno}: {ast.unparse(node.args[0])}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and HEADING.search(node.value):
            found.append(f"{node.lineno}: {node.value[:60]}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_words_outside_texts(path: Path):
    assert not literals(path.read_text()), "move them to rsc_core/ui/texts"


@pytest.mark.parametrize(
    "source",
    [
        'gr.Dropdown([], label="Method")',
        'gr.Button("Stop")',
        'gr.Tab(f"Part {number}")',
        'gr.HTML("<h2>Cycles</h2>" + note)',
        "f'<th scope=\"col\">start</th>{more}'",
        'f\'<div role="region" aria-label="Cycles">{table}</div>\'',
        'picture_place("The chosen head", "inside-head")',
    ],
)
def test_words_are_found(source):
    assert literals(source)


@pytest.mark.parametrize(
    "source",
    [
        'gr.Number(800, visible=False, label="width in pixels")',
        "gr.Button(texts.many.STOP)",
        'gr.HTML(f"<h2>{texts.analyse.READS}</h2>")',
        'gr.Column(elem_id="input")',
    ],
)
def test_what_nobody_reads_may_stay(source):
    assert not literals(source)


def test_style_takes_its_colours_from_the_pictures():
    given = dict(re.findall(r"--([\w-]+): (#\w+);", colours()))
    assert given.items() >= figures.CLASS_COLOURS.items()
    assert not {colour.lower() for colour in given.values()} & set(re.findall(r"#[0-9a-f]{6}\b", STYLE.lower()))
    chips = dict(re.findall(r"\.chip\.([\w-]+) { --chip: var\(--([\w-]+)\); }", STYLE))
    clusters = {f"cluster-{i}" for i in range(1, len(cluster_figures.CLUSTER_COLOURS) + 1)}
    assert chips == {name: name for name in {*figures.CLASS_COLOURS, *clusters}}
    used = set(re.findall(r"var\(--([a-z]+)[,)]", STYLE))  # Gradio's own have dashes
    assert used <= {*given, *re.findall(r"--([a-z]+):", STYLE), "rms", "peak", "share"}, "the last are set by markup"
