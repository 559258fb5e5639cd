"""Where the sounds of a quiz come from: synthesised ones, or a teacher's annotated recordings.

Classes are dealt like cards, shuffled anew whenever the pack is used up, so that every class comes and none can be
counted on. The same seed and the same files give the same round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rsc_core import audio, cycles, synth, threshold
from rsc_core.analysis import Cycle, Recording
from rsc_core.audio import AudioError
from rsc_core.config import CLASSES, AudioConfig
from rsc_core.cycles import AnnotationError
from rsc_core.data import synthetic
from rsc_core.quiz import LEVELS, PLANS, Mark, Question
from rsc_core.synth import KINDS

CRACKLES = tuple(kind for kind in LEVELS["fine"] if KINDS[kind].label == "crackle")
TONES = ("wheeze", "rhonchus")  # beside crackles; stridor comes from elsewhere
PACK: tuple[tuple[str, tuple[Sequence[str], ...]], ...] = (
    *4 * [("normal", ())],
    *((KINDS[kind].label, ((kind,),)) for kind in LEVELS["fine"]),
    ("both", (CRACKLES, TONES)),
)
"""What is dealt: a class, and kinds of sounds to take one from each."""
LEAST_DB = 3.0  # against the breath (``threshold``); softer sounds are raised to it, for what is asked must be audible
AROUND_S = 0.2  # kept around a cycle, beyond any fade at a recording's ends
SAMPLE_RATE = AudioConfig().sample_rate  # learners hear what the models hear
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
ANNOTATIONS = (".txt", ".json")
KIND_OF = {KINDS[kind].sprsound: kind for kind in LEVELS["fine"]}
"""SPRSound's event types that name one kind of sound."""


class Synthesised(Sequence[Question]):
    """Questions about synthesised respiratory cycles, each made when it is first asked for.

    Args:
        count: of questions.
        plan: key of ``quiz.PLANS``; at the fine level alone every sound is one of its kinds.
        seed: the same seed gives the same questions; with a higher count, more of them.
    """

    def __init__(self, count: int, plan: str, seed: int = 0):
        dealer, *self._streams = np.random.SeedSequence(seed).spawn(count + 1)
        pack = [card for card in PACK if len(card[1]) == 1] if PLANS[plan] == ("fine",) else PACK
        dealt = _deal(len(pack), np.random.default_rng(dealer))
        self._groups = [pack[next(dealt)][1] for _ in range(count)]
        self._made: dict[int, Question] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, index: int) -> Question:
        if index not in self._made:
            self._made[index] = _synthesise(self._groups[index], np.random.default_rng(self._streams[index]))
        return self._made[index]


def annotated(paths: Iterable[str | Path], count: int, plan: str, seed: int = 0) -> tuple[Question, ...]:
    """Return questions about annotated cycles; fewer than ``count`` where there are no more that the plan can ask.

    Args:
        paths: of sound files and of an ICBHI ``.txt`` or SPRSound ``.json`` annotation for each, by the same name.
            Annotations without a sound are passed over.
        count: of questions.
        plan: key of ``quiz.PLANS``.
        seed: the same seed and files give the same questions, whatever the files' order.

    Raises:
        AudioError: there is no sound file, or a chosen one cannot be used.
        AnnotationError: a sound has no annotation, one is malformed or of another recording, or none of the cycles
            can be asked about.
    """
    places = [place for sound, annotation in _pairs(paths) for place in _places(sound, annotation)]
    askable = [place for place in places if place.question.levels(plan)]
    if not askable:
        raise AnnotationError(
            f"none of the {len(places)} annotated cycles can be asked about at this level: an ICBHI .txt does not "
            "tell kinds of crackles or of musical sounds apart. Choose another level."
        )
    chosen = _choose(askable, count, np.random.default_rng(seed))
    cut: dict[int, Question] = {}
    for path in dict.fromkeys(place.path for place in chosen):
        recording = _load(path)  # one at a time: long ones take 40 MB each
        cut |= {i: _cut(place, recording) for i, place in enumerate(chosen) if place.path == path}
    return tuple(cut[i] for i in range(len(chosen)))


@dataclass(frozen=True)
class _Place:
    """A cycle of a teacher's recording, not yet decoded."""

    path: Path
    question: Question  # about a recording without samples, in seconds of the file


def _synthesise(groups: Sequence[Sequence[str]], rng: np.random.Generator) -> Question:
    kinds = tuple(str(rng.choice(group)) for group in groups)
    layers = synthetic.dry_cycle(kinds, rng, SAMPLE_RATE)
    raised_db = max(0.0, LEAST_DB - threshold.against_breath_db(layers)) if kinds else 0.0
    made = synth.record(layers, gain_db=raised_db)
    waveform, gain = audio.scale(made.waveform)
    recording = Recording(waveform, SAMPLE_RATE, SAMPLE_RATE, 1, len(waveform) / SAMPLE_RATE, gain)
    marks = tuple(Mark(event.kind, event.start_s, event.end_s, event.band_hz) for event in made.events)
    return Question(recording, made.cycles[0], kinds, marks)


def _pairs(paths: Iterable[str | Path]) -> Iterator[tuple[Path, Path]]:
    """Each sound and its annotation, by name."""
    files = sorted(map(Path, paths), key=lambda path: path.name)
    annotations = {path.stem: path for path in files if path.suffix.lower() in ANNOTATIONS}
    sounds = [path for path in files if path.suffix.lower() in SOUNDS]
    if not sounds:
        raise AudioError(f"There is no sound file among these. Choose recordings ({', '.join(SOUNDS)}) too.")
    for sound in sounds:
        if sound.stem not in annotations:
            raise AnnotationError(f"{sound.name} has no annotation; expected {sound.stem}.txt or .json beside it")
        yield sound, annotations[sound.stem]


def _places(sound: Path, annotation: Path) -> Iterator[_Place]:
    nothing = Recording(np.zeros(0, np.float32), SAMPLE_RATE, SAMPLE_RATE, 1, 0.0, 1.0)
    events = cycles.read_events(annotation)
    for cycle in cycles.read_annotation(annotation):
        inside = [event for event in events if cycle.start_s <= event.start_s < cycle.end_s]
        marks = tuple(
            Mark(KIND_OF[event.label], event.start_s, event.end_s) for event in inside if event.label in KIND_OF
        )
        kinds = tuple(dict.fromkeys(mark.kind for mark in marks)) if len(marks) == len(inside) else ()
        source = f"{sound.name}, {cycle.start_s:.2f} to {cycle.end_s:.2f} s"
        yield _Place(sound, Question(nothing, cycle, kinds, marks, source))


def _choose(places: Sequence[_Place], count: int, rng: np.random.Generator) -> list[_Place]:
    """So many of them, dealt by class; where a class is used up, of any other."""
    pools: dict[str, list[_Place]] = {name: [] for name in CLASSES}
    for index in rng.permutation(len(places)):
        pools[places[index].question.cycle.label].append(places[index])
    dealt, chosen = _deal(len(PACK), rng), []
    while len(chosen) < min(count, len(places)):
        pool = pools[PACK[next(dealt)][0]] or max(pools.values(), key=len)
        chosen.append(pool.pop())
    return chosen


def _deal(cards: int, rng: np.random.Generator) -> Iterator[int]:
    """Indices of cards from a pack that is shuffled again whenever it is used up; without end."""
    while True:
        yield from rng.permutation(cards).tolist()


def _load(path: Path) -> Recording:
    try:
        return audio.load(path, SAMPLE_RATE)
    except AudioError as error:
        raise AudioError(f"{path.name}: {error}") from None


def _cut(place: _Place, whole: Recording) -> Question:
    """The question with its own stretch of the decoded recording, and times that count from there."""
    question = place.question
    (cycle,) = cycles.within((question.cycle,), whole.seconds)
    rate = whole.sample_rate
    first = max(0, round((cycle.start_s - AROUND_S) * rate))
    waveform = whole.waveform[first : round((cycle.end_s + AROUND_S) * rate)].copy()
    before_s = first / rate
    marks = tuple(replace(m, start_s=m.start_s - before_s, end_s=m.end_s - before_s) for m in question.marks)
    return replace(
        question,
        recording=replace(whole, waveform=waveform, seconds=len(waveform) / rate),
        cycle=Cycle(cycle.start_s - before_s, cycle.end_s - before_s, cycle.label),
        marks=marks,
    )
