"""An analysis as files to keep: maps as NPZ, pictures as PNG and SVG, numbers as JSON, one page as HTML.

No file holds the recording's name unless it is handed in. The page is one file: pictures lie in it, and its content
security policy forbids a browser to fetch anything.
"""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import numpy as np

from rsc_core import figures
from rsc_core.analysis import Analysis, AttentionMap, CycleView, Spectrogram
from rsc_core.figures import Picture

WIDTH_PX, SCALE = 1000, 1.5
SIZE = {"width_px": WIDTH_PX, "scale": SCALE}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1000px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin: 1.6rem 0 0.4rem; } h3 { font-size: 1rem; margin: 0.8rem 0 0; }
.caution { border-left: 4px solid #e69f00; background: #fdf6e7; padding: 0.6rem 0.9rem; font-weight: 500; }
.note { font-size: 0.85rem; color: #52606d; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid #d5dbe1; }
tr[aria-current] { background: #e6f4f1; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 0.8rem; font-size: 0.9rem; } dd { margin: 0; }
.card h2 { font-size: 1rem; margin: 0; }
img { width: 100%; height: auto; }
"""


def pictures(analysis: Analysis, chosen: int, view: CycleView, values: str) -> dict[str, Picture]:
    """Return the pictures of an analysis by name; ``values`` is "db" or "model", for the spectrograms."""
    drawn = {
        "cycles": figures.waveform(analysis, chosen, **SIZE),
        "log-mel": figures.log_mel(view, values, **SIZE),
        "hybrid": figures.hybrid(view, values, **SIZE),
    }
    return drawn | ({"attention": figures.attention(view, **SIZE)} if view.attention else {})


def picture_file(picture: Picture, kind: str) -> bytes:
    """Return a picture as a "png" or "svg" file without a date, so the same picture is the same file."""
    held = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    picture.figure.savefig(held, format=kind, dpi="figure", metadata=metadata)
    return held.getvalue()


def picture_archive(drawn: Mapping[str, Picture], kind: str) -> bytes:
    """Return a ZIP archive of pictures, each a "png" or "svg" file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in drawn.items():
            archive.writestr(f"{name}.{kind}", picture_file(picture, kind))
    return held.getvalue()


def maps_archive(view: CycleView) -> bytes:
    """Return the maps of a cycle as NPZ: spectrograms and attention, rows by rising frequency, columns in time.

    ``X`` is a map, ``X_hz`` the centre frequencies of a spectrogram's rows or the edges of an attention map's, and
    ``X_s`` the start and the end of its columns within the recording.
    """
    arrays: dict[str, np.ndarray] = {}

    def add(name: str, one: Spectrogram | AttentionMap, hz: np.ndarray) -> None:
        arrays[name], arrays[f"{name}_hz"] = one.values, hz
        arrays[f"{name}_s"] = np.array([one.start_s, one.end_s])

    for values in view.log_mel:
        for one in (view.log_mel[values], *view.hybrid.get(values, ())):
            add(f"{one.name.lower().replace('-', '_')}_{values}", one, one.frequencies_hz)
    for look in view.attention:
        add(f"attention_{look.name.replace(' ', '_')}", look, look.edges_hz)
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)
    return held.getvalue()


def as_json(
    analysis: Analysis, settings: Mapping[str, Any], notice: str, measured: Mapping[str, Any], name: str | None = None
) -> str:
    """Return the numbers of an analysis as JSON text; what is unknown is null.

    Args:
        analysis: what to write.
        settings: what made it.
        notice: what the reader must know of such labels.
        measured: in the chosen cycle, without a network.
        name: of the recording's file, if it is to be in there.
    """
    recording = analysis.recording
    cycles = [
        {
            "start_s": cycle.start_s,
            "end_s": cycle.end_s,
            "annotated": cycle.label,
            "label": label,
            "probabilities": dict(zip(analysis.classes, probabilities.tolist(), strict=True)),
            "crackle_present": float(crackle),
            "wheeze_present": float(wheeze),
        }
        for cycle, label, probabilities, crackle, wheeze in zip(
            analysis.cycles,
            analysis.labels,
            analysis.probabilities,
            analysis.crackle_present,
            analysis.wheeze_present,
            strict=True,
        )
    ]
    content = {
        "notice": notice,
        **({"file": name} if name else {}),
        "settings": dict(settings),
        "model": asdict(analysis.model),
        "recording": {
            "seconds": recording.seconds,
            "source_rate_hz": recording.source_rate,
            "channels": recording.channels,
            "gain": recording.gain,
            "warnings": list(recording.warnings),
        },
        "cycles": cycles,
        "measured": dict(measured),
    }
    return json.dumps(_known(content), indent=2, allow_nan=False) + "\n"


def cycle_rows(analysis: Analysis, chosen: int) -> str:
    """Return all cycles as an HTML table."""
    heads = ["cycle", "start (s)", "end (s)", *(["annotated"] if analysis.annotated else []), "label"]
    heads += ["P(crackle present)", "P(wheeze present)", *(f"P({name})" for name in analysis.classes)]
    rows = []
    for i, (cycle, label) in enumerate(zip(analysis.cycles, analysis.labels, strict=True)):
        cells = [str(i + 1), f"{cycle.start_s:.2f}", f"{cycle.end_s:.2f}"]
        cells += [cycle.label] if analysis.annotated else []
        numbers = (analysis.crackle_present[i], analysis.wheeze_present[i], *analysis.probabilities[i])
        cells += [label, *(f"{p:.2f}" for p in numbers)]
        rows.append(cells)
    return _table(heads, rows, chosen)


def compared_rows(analyses: Sequence[Analysis], chosen: int) -> str:
    """Return all cycles of one recording as several models label them, as an HTML table."""
    heads = ["cycle"]
    for one in analyses:
        heads += [one.model.name, "P(crackle present)", "P(wheeze present)"]
    rows = []
    for i in range(len(analyses[0].cycles)):
        cells = [str(i + 1)]
        for one in analyses:
            cells += [one.labels[i], f"{one.crackle_present[i]:.2f}", f"{one.wheeze_present[i]:.2f}"]
        rows.append(cells)
    return _table(heads, rows, chosen)


def facts(rows: Mapping[str, Any]) -> str:
    """Return names and values as an HTML list."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in rows.items()) + "</dl>"


def image(picture: Picture, alt: str) -> str:
    """Return a picture as HTML that needs no other file."""
    data = base64.b64encode(picture_file(picture, "png")).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def page(title: str, notice: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return an HTML page: the notice first, then sections of (heading, HTML)."""
    body = "".join(f"<section><h2>{escape(heading)}</h2>{html}</section>" for heading, html in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<p class="caution" role="note">{escape(notice, quote=False)}</p><h1>{escape(title)}</h1>{body}'
        "</body></html>\n"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], chosen: int) -> str:
    """Return an HTML table, one row of it marked."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = ""
    for i, cells in enumerate(rows):
        mark = ' aria-current="true"' if i == chosen else ""
        body += f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _known(value: Any) -> Any:
    """JSON has no NaN: null instead."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
