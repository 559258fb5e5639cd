"""The shape of the code: who may import whom, and what stands where."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rsc_core import data, models, objectives, tuning
from rsc_core.presets import PRESETS

ROOT = Path(__file__).parents[1]
CORE = ROOT / "rsc_core"

LAYERS = [
    "options",
    "presets",
    "config",
    "parameters",
    "published",
    "atomic",
    "fair_lock",
    "test_log",
    "environment",
    "analysis",
    "audio",
    "cycles",
    "annotation",
    "segmentation",
    "synth",
    "controls",
    "conventions",
    "threshold",
    "features",
    "spec_augment",
    "augment",
    "data",
    "metrics",
    "sprsound_tasks",
    "significance",
    "trials",
    "trivial",
    "scoring",
    "models",
    "tuning",
    "checkpoint",
    "objectives",
    "optimizer",
    "resume",
    "average",
    "lineage",
    "board",
    "probe",
    "engine",
    "verification",
    "soundcheck",
    "evaluate",
    "compare",
    "half_precision",
    "study",
    "report",
    "explain",
    "inference",
    "inspector",
    "predict",
    "comparison",
    "mixing",
    "guardian",
    "quiz",
    "quiz_sounds",
    "building",
    "naming",
    "figures",
    "comparison_figures",
    "takeaway",
    "belief_figures",
    "map_figures",
    "head_figures",
    "mix_figures",
    "cluster_figures",
    "quiz_figures",
    "build_figures",
    "playback",
    "ui",
    "benchmark",
]
"""Top to bottom; a module imports only from its own place or above."""

TOP_LEVEL = {"app.py", "rsc_core", "checkpoints", "train.py", "tests", "requirements.txt", "README.md"}
DRAWN = [
    CORE / f"{name}.py"
    for name in (
        "analysis",
        "annotation",
        "figures",
        "belief_figures",
        "map_figures",
        "head_figures",
        "mix_figures",
        "cluster_figures",
        "quiz",
        "quiz_sounds",
        "quiz_figures",
        "build_figures",
        "comparison_figures",
        "takeaway",
        "playback",
    )
]
TORCH_FREE = [ROOT / "app.py", *DRAWN, *sorted((CORE / "ui").glob("*.py"))]
SOURCES = sorted(p for p in [ROOT / "app.py", ROOT / "train.py", *CORE.rglob("*.py")] if "__pycache__" not in p.parts)


def imports(path: Path) -> set[str]:
    """Absolute dotted names a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(CORE)))
def test_imports_point_up(path):
    if path == CORE / "__init__.py":
        return
    own = LAYERS.index(layer(path))
    for name in imports(path):
        if name.startswith("rsc_core."):
            other = name.split(".")[1]
            assert LAYERS.index(other) <= own, f"{path.name} imports rsc_core.{other}, which stands below it"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_gradio_only_in_ui(path):
    if path.parent != CORE / "ui":
        assert not {n for n in imports(path) if n.split(".")[0] == "gradio"}


@pytest.mark.parametrize("path", TORCH_FREE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_torch_where_pages_are_drawn(path):
    assert not {n for n in imports(path) if n.split(".")[0] in ("torch", "torchaudio", "transformers", "peft")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_readable(path):
    text = path.read_text()
    assert text.count("\n") <= 400, "split it"
    assert path.stem not in ("utils", "common", "base", "ast")
    assert ast.get_docstring(ast.parse(text)), "a module says what it is"


def test_training_imports_without_the_packages_a_gpu_machine_lacks():
    """soundfile, librosa and gradio are imported where they are used, not when the core is."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['soundfile', 'librosa', 'gradio']))"
    code = f"{blocked}; import train, rsc_core.engine, rsc_core.evaluate, rsc_core.data"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_top_level_holds_what_it_should():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {Path(f).parts[0] for f in listed if not f.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize(
    ("folder", "table"), [("tuning", tuning.TUNINGS), ("objectives", objectives.OBJECTIVES), ("models", models.MODELS)]
)
def test_tables_equal_files(folder, table):
    files = {p.stem for p in (CORE / folder).glob("*.py")} - {
        "__init__",
        "batch",
        "branches",
        "contrastive",
        "clustering",
        "own",
        "position_norm",
    }
    assert set(table) == files


def test_presets_name_members_that_exist():
    for preset in PRESETS.values():
        assert preset.model in models.MODELS
        assert preset.tuning in tuning.TUNINGS
        assert preset.objective in objectives.OBJECTIVES
    assert set(data.CORPORA) == {"icbhi", "sprsound", "table"}


def test_readme_tree_equals_the_disk():
    readme = (ROOT / "README.md").read_text()
    tree = re.search(r"```\n(app\.py.*?)```", readme, re.S).group(1)
    named = re.findall(r"^\s*([\w./]+\.py)\b", tree, re.M)
    assert len(named) == len(set(named))
    modules = {str(p.relative_to(CORE)) for p in CORE.rglob("*.py") if p.name != "__init__.py"}
    assert set(named) == modules | {"app.py", "train.py"}


def test_ci_runs_the_readme_s_test_command():
    command = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", (ROOT / "README.md").read_text()).group(1)
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("path", sorted((ROOT / "rsc_core" / "ui").glob("*.py")), ids=lambda path: path.name)
def test_a_callback_that_changes_nothing_skips(path):
    """Of an empty dict Gradio says that outputs are missing."""
    assert not re.search(r"(return|yield|else) \{\}$|return \{\} if", path.read_text(), re.MULTILINE)
