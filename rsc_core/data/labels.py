"""Label sets: the same clips asked another question.

The diagnosis sets are per patient, as ICBHI 2017 gives them: every clip carries its patient's class. Chronic is COPD,
bronchiectasis and asthma, non-chronic URTI, LRTI, pneumonia and bronchiolitis (the grouping of Bae et al. 2023,
Patch-Mix). They are for training and evaluation; nothing here is a diagnosis of anyone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rsc_core.config import CLASSES
from rsc_core.cycles import SPRSOUND_CLASSES
from rsc_core.data.corpus import Clip, Corpus, CorpusError

LABEL_SETS = {
    "four": CLASSES,
    "binary": ("normal", "abnormal"),
    "diagnosis3": ("healthy", "chronic", "non-chronic"),
    "diagnosis2": ("healthy", "unhealthy"),
    "seven": tuple(SPRSOUND_CLASSES),
}
"""Name -> classes in label order, the normal one first. A table's own classes are the set "table"."""

DIAGNOSES = {
    "Healthy": "healthy",
    "COPD": "chronic",
    "Bronchiectasis": "chronic",
    "Asthma": "chronic",
    "URTI": "non-chronic",
    "LRTI": "non-chronic",
    "Pneumonia": "non-chronic",
    "Bronchiolitis": "non-chronic",
}
DIAGNOSIS_FILES = ("patient_diagnosis.csv", "patient_diagnosis.txt")

_FOUR = {name: name for name in CLASSES} | SPRSOUND_CLASSES  # kind of sound -> one of the four classes


def relabel(corpus: Corpus, name: str) -> Corpus:
    """Return the corpus under another label set, whichever it carries now.

    Args:
        corpus: as loaded, or relabelled before.
        name: key of ``LABEL_SETS``, or "table" for a table's own classes.

    Raises:
        ValueError: there is no such set, or this corpus lacks it.
        CorpusError: the diagnoses are missing or malformed.
    """
    if name == "table":
        if corpus.name != "table":
            raise ValueError(f'"table" names a table\'s own classes; {corpus.title} has {", ".join(LABEL_SETS)}')
        return corpus
    if name not in LABEL_SETS:
        raise ValueError(f"there is no label set {name!r}; choose one of {', '.join(LABEL_SETS)}, table")
    if name.startswith("diagnosis"):
        found = _diagnosed(corpus, name)
    elif name == "seven":
        found = _sounds(corpus, name, {kind: kind for kind in SPRSOUND_CLASSES})
    elif name == "binary":
        found = _sounds(corpus, name, {kind: "normal" if c == "normal" else "abnormal" for kind, c in _FOUR.items()})
    else:
        found = _sounds(corpus, name, _FOUR)
    classes = LABEL_SETS[name]
    clips = tuple(replace(c, labels=(classes.index(new),)) for c, new in zip(corpus.clips, found, strict=True))
    return replace(corpus, clips=clips, classes=classes, multi_label=False)


def read_diagnoses(root: Path) -> dict[str, str]:
    """Patient -> disease, from ``patient_diagnosis.csv`` (commas) or ``.txt`` (tabs) in a corpus folder.

    Raises:
        CorpusError: neither file is there, or a line names no patient or an unknown disease.
    """
    path = next((root / name for name in DIAGNOSIS_FILES if (root / name).exists()), None)
    if path is None:
        raise CorpusError(
            f"{root} holds no {' or '.join(DIAGNOSIS_FILES)}; the diagnosis label sets need ICBHI's list, published "
            "beside the database"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        patient, *rest = line.replace(",", " ").split() or [""]
        if not patient or not patient.isdigit() and number == 1:  # an empty line, or the header
            continue
        if len(rest) != 1 or rest[0] not in DIAGNOSES:
            raise CorpusError(
                f"{path}, line {number}: expected a patient and one of {', '.join(DIAGNOSES)}, got {line!r}"
            )
        found[patient] = rest[0]
    return found


def _sounds(corpus: Corpus, name: str, classes: dict[str, str]) -> list[str]:
    unknown = sorted({clip.kind for clip in corpus.clips} - classes.keys())
    if unknown:
        hint = '; a table with classes of its own is read with labels "table"' if corpus.name == "table" else ""
        raise ValueError(
            f"{corpus.title} has no label set {name!r}: expected sounds among {', '.join(classes)}, got "
            f"{', '.join(unknown[:5])}{hint}"
        )
    return [classes[clip.kind] for clip in corpus.clips]


def _diagnosed(corpus: Corpus, name: str) -> list[str]:
    if corpus.name != "icbhi":
        raise ValueError(f"{corpus.title} has no label set {name!r}: only ICBHI 2017 gives its patients' diagnoses")
    diseases = read_diagnoses(corpus.root)
    missing = sorted({clip.patient for clip in corpus.clips} - diseases.keys())
    if missing:
        raise CorpusError(f"{corpus.root}: {len(missing)} patients have no diagnosis: {', '.join(missing[:5])}")

    def new(clip: Clip) -> str:
        found = DIAGNOSES[diseases[clip.patient]]
        return found if name == "diagnosis3" or found == "healthy" else "unhealthy"

    return [new(clip) for clip in corpus.clips]
