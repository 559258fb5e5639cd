"""SPRSound 2022 as published (Zhang et al. 2022): children's lungs, sounds marked as events.

Layout: ``train_wav`` and ``train_json``, ``test_wav`` and ``test_json/{intra,inter}_test_json``; audio as WAV or FLAC.
File name: PATIENT_AGE_SEX_PLACE_RECORD. The intra-test patients also occur in train, the inter-test patients do not.
Many recordings hold no event; they are counted and stay in ``Corpus.recordings``.
"""

from __future__ import annotations

from pathlib import Path

from rsc_core.config import CLASSES
from rsc_core.cycles import SPRSOUND_CLASSES, read_sprsound
from rsc_core.data.corpus import Clip, Corpus, CorpusError, audio_files

SPLITS = {
    "train": ("train_wav", "train_json"),
    "intra": ("test_wav", "test_json/intra_test_json"),
    "inter": ("test_wav", "test_json/inter_test_json"),
}
DEVICE = "Yunting II"


def load(root: str | Path) -> Corpus:
    """Return the corpus in a folder laid out as published.

    Raises:
        CorpusError: audio lacks its annotation, an annotation its audio, a recording stands in both tests, or a name
            has another form.
        AnnotationError: an annotation is malformed.
    """
    root = Path(root)
    files = {folder: audio_files(root / folder) for folder in ("train_wav", "test_wav")}
    unused = {folder: dict(names) for folder, names in files.items()}
    clips: list[Clip] = []
    recordings: list[str] = []
    silent = 0
    for split, (audio_folder, annotation_folder) in SPLITS.items():
        annotations = sorted((root / annotation_folder).glob("*.json"))
        if not annotations:
            raise CorpusError(
                f"{root / annotation_folder} holds no .json file; expected the {split} annotations there"
            )
        for annotation in annotations:
            if annotation.stem not in files[audio_folder]:
                raise CorpusError(
                    f"{annotation} has no audio; expected {annotation.stem}.wav in {root / audio_folder}"
                )
            if unused[audio_folder].pop(annotation.stem, None) is None:
                raise CorpusError(f"{annotation} stands in both tests; expected it in one of them")
            events = _events(annotation, files[audio_folder][annotation.stem], split)
            recordings.append(annotation.stem)
            silent += not events
            clips.extend(events)
    for names in unused.values():
        for path in names.values():
            raise CorpusError(f"{path} has no annotation; expected {path.stem}.json in one of the json folders")
    note = f"{silent} of {len(recordings):,} SPRSound recordings hold no marked event and give no clip."
    return Corpus("sprsound", "SPRSound", root, tuple(clips), tuple(recordings), (note,))


def _events(annotation: Path, audio: Path, split: str) -> list[Clip]:
    parts = annotation.stem.split("_")
    if len(parts) != 5:
        raise CorpusError(f"{annotation}: expected a name PATIENT_AGE_SEX_PLACE_RECORD")
    return [
        Clip(
            recording=annotation.stem,
            path=audio,
            start_s=event.start_s,
            end_s=event.end_s,
            labels=(CLASSES.index(SPRSOUND_CLASSES[event.label]),),
            patient=parts[0],
            device=DEVICE,
            location=parts[3],
            split=split,
            kind=event.label,
        )
        for event in read_sprsound(annotation)[1]
    ]
