"""A synthesised recording on disk: sound, and ground truth in the formats of the corpora."""

from __future__ import annotations

import json
from pathlib import Path

from rsc_core.cycles import icbhi_text
from rsc_core.synth.event import KINDS
from rsc_core.synth.recording import Synthetic


def write_wav(path: str | Path, synthetic: Synthetic) -> Path:
    """Write a 16-bit WAV and return its path.

    Raises:
        ValueError: the path does not end in .wav.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise ValueError(f"expected a path that ends in .wav, got {path.suffix!r}; other formats are not written")
    soundfile.write(path, synthetic.waveform, synthetic.sample_rate, subtype="PCM_16", format="WAV")
    return path


def write(path: str | Path, synthetic: Synthetic) -> Path:
    """Write a 16-bit WAV and, beside it, its ICBHI annotation; return the annotation's path.

    The annotation is a ``.txt`` with one line per cycle, tab separated: start_s, end_s, crackles 0/1, wheezes 0/1.

    Raises:
        ValueError: the path does not end in .wav, or a sound has no class there.
    """
    _check_named(synthetic)
    path = write_wav(path, synthetic)
    annotation = path.with_suffix(".txt")
    annotation.write_text(icbhi_text(synthetic.cycles))
    return annotation


def annotate(path: str | Path, synthetic: Synthetic) -> Path:
    """Write a SPRSound annotation, with the respiratory cycles beside the events, and return its path.

    "event_annotation" and "cycle_annotation" hold "start" and "end" in ms and "type": SPRSound's, or a class.

    Raises:
        ValueError: SPRSound has no type for a sound.
    """
    _check_named(synthetic)
    path = Path(path)
    events = [
        {"start": 1000 * e.start_s, "end": 1000 * e.end_s, "type": KINDS[e.kind].sprsound} for e in synthetic.events
    ]
    breaths = [{"start": 1000 * c.start_s, "end": 1000 * c.end_s, "type": c.label} for c in synthetic.cycles]
    content = {"record_annotation": "Synthesised", "event_annotation": events, "cycle_annotation": breaths}
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _check_named(synthetic: Synthetic) -> None:
    nameless = sorted({e.kind for e in synthetic.events if KINDS[e.kind].label is None})
    if nameless:
        raise ValueError(
            f"expected sounds that ICBHI and SPRSound have a class for, got {', '.join(nameless)}; "
            "write the sound alone with write_wav"
        )
