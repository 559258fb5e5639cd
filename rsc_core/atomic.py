"""Files that are whole or not there: written beside their place, then moved into it.

A process killed at any moment leaves the old file or the new one, never a part of one.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_text(path: str | Path, text: str) -> None:
    """Replace a file's text."""
    path = Path(path)
    draft = path.with_name(path.name + ".partial")
    draft.write_text(text, encoding="utf-8", newline="")
    os.replace(draft, path)


def write_json(path: str | Path, values: Any) -> None:
    """Replace a file by JSON values, indented."""
    write_text(path, json.dumps(values, indent=2) + "\n")


def write_csv(path: str | Path, rows: Sequence[dict[str, Any]]) -> None:
    """Replace a table; its columns are the keys of the first row, which every row shares."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
