"""Records of a long measurement, a line of JSON each, so that a killed run loses at most the case it was at.

The first line holds the settings that all records share; records of other settings are not mixed with them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rsc_core import atomic


class Records:
    """Records by name, kept in a file as they come.

    Args:
        path: of the file; made where it is missing.
        settings: plain JSON values.

    Attributes:
        found: name -> record.

    Raises:
        ValueError: the file holds records of other settings.
    """

    def __init__(self, path: str | Path, settings: dict[str, Any]):
        self.path = Path(path)
        self.found: dict[str, Any] = {}
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self.path, json.dumps(settings) + "\n")
            return
        kept = self.path.read_bytes()
        whole = kept[: kept.rfind(b"\n") + 1]
        first, *lines = whole.splitlines()
        known = json.loads(first)
        if differing := sorted(key for key in {*known, *settings} if known.get(key) != settings.get(key)):
            raise ValueError(
                f"{self.path} holds records of other settings ({', '.join(differing)}). Go on with those, or "
                "delete it or pass another --out to begin anew"
            )
        if whole != kept:  # a kill in the middle of a line
            os.truncate(self.path, len(whole))
        for line in lines:
            self.found |= json.loads(line)

    def add(self, name: str, record: Any) -> None:
        """Keep one more record, on the disk when this returns."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: record}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.found[name] = json.loads(json.dumps(record))
