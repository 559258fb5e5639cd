"""Every sentence the page says of itself, in one place.

Wording: sounds are "labelled", never "detected"; P(crackle present) and P(wheeze present) include the class "both".
"""

from rsc_core.ui.texts import (
    annotate,
    atlas,
    build,
    clusters,
    compare,
    evidence,
    inside,
    many,
    mix,
    phone,
    player,
    quiz,
    recorder,
    take_home,
    threshold,
    tunings,
)

__all__ = [
    "annotate",
    "atlas",
    "build",
    "clusters",
    "compare",
    "evidence",
    "inside",
    "many",
    "mix",
    "phone",
    "player",
    "quiz",
    "recorder",
    "take_home",
    "threshold",
    "tunings",
]

TITLE = "Lung Sound Lab"
SUBTITLE = "Record or upload a breath sound, hear it, see it, and read how differently tuned models label every cycle."
CAUTION = (
    "Labels sounds; does not detect disease. Not a medical device. A 'normal' label does not rule out illness: if "
    "someone is unwell, seek care."
)
RECORDER = (
    "Models learned from contact stethoscopes; a phone or laptop microphone is untested. Record only yourself or with "
    "consent; no names in file names; the audio goes to this server."
)
PROJECTOR = "Projector"
PROJECTOR_NOTE = "Larger text, for a class"
DARK = "Dark"
KEPT = "The server deletes the audio an hour after it was last used."
WELCOME = "Record a breath, upload a file or pick an example: the result appears here."
WORKING = "Analysing …"
BROKEN = "Something went wrong on the server; nothing was labelled. Try again; if it stays, tell who runs this page."
FORGOTTEN = "The server forgets a recording after an hour. Analyse it again."
NO_EXAMPLE = "There is no such example. Choose one from the list."
LOADING = "Models are being loaded; this takes a few seconds after a start."
ATTENTION = "Attention shows where information is read, not why the model decided"
NO_ATTENTION = "This model is a convolutional network: it has no attention to show. Choose a transformer to see some."
BASE = (
    "The base had seen the same four labels, so this comparison says little about how the tunings compare on a model "
    "that learned from general sound."
)
BETTER = "On the same clips {name} scores higher: {score:.1f}."
TRIVIAL = "Always saying 'normal' scores 50."
WINDOWS = (
    "No annotation, and no clear breathing was found: the recording is labelled in windows of about {seconds:.0f} s, "
    "not in respiratory cycles."
)
FOUND = (
    "Cycles were found in the sound, not annotated: on recordings they were not tuned on, about half of the "
    "boundaries lie within 0.3 s of an annotator's."
)
TURNS = "A dotted line marks where an inspiration seems to end."
ANNOTATED = "Cycles are those of the annotation."
PLAYED = "Played as the models hear it: one channel, {rate:,} Hz, scaled to an even level."
CYCLE = "Cycle {number}: {start:.2f} to {end:.2f} s"
CHOOSE = "Choose a cycle in the table or on the waveform."
MODEL = "Model"
NO_MODEL = (
    "There is no model in the folder {folder}. Train one, then start the page again (SPRSOUND is the corpus's folder):"
)
TRAIN_COMMAND = "python train.py full --corpus sprsound --data SPRSOUND --out {folder}/sprsound-base --backbone small"
NO_AUDIO = "There is no recording yet. Record, upload or pick an example first."
VALUES = {"db": "in dB", "model": "as a model sees it"}
VALUES_NOTE = (
    "CycleGuardian reads the hybrid maps, standardised row by row; every other model reads the log-mel, normalised by "
    "its training set's mean and 2 SD."
)
ALT = {
    "atlas": "Waveform of the synthesised sound, its breaths and events on one time axis, and its log-mel spectrogram",
    "atlas-hybrid": "Hybrid spectrogram of the same sound: CQT, Gammatone, Mel",
    "namings": "Probability that each model gives the sound, over its level against the breath",
    "built": "Waveform of the built sound, its breaths and events on one time axis, and its log-mel spectrogram",
    "cycles": "Waveform with its cycles coloured by label",
    "log-mel": "Log-mel spectrogram of the chosen cycle",
    "hybrid": "Hybrid spectrogram of the chosen cycle: CQT, Gammatone, Mel",
    "attention": "Attention of the last layer and rollout over the log-mel spectrogram",
    "maps": "Attention of each model over the same spectrogram",
    "difference": "What the tuned model reads more or less than its base",
    "dial": "Probability of each class over the share of the tuning",
    "changes": "Change of each matrix, by block and projection",
    "spectra": "Singular values of the chosen change",
    "quiz": "Log-mel spectrogram of the sound with its events marked",
    "mix": "Log-mel spectrograms of two cycles and, between them, of their mix; exchanged patches are outlined",
}
ANALYSE_TAB = "Analyse"
COMPARE_TAB = "Compare"
INSIDE_TAB = "Look inside"
MIX_TAB = "Mix"
QUIZ_TAB = "Quiz"
ANNOTATE_TAB = "Annotate"
MANY_TAB = "Many files"
BUILD_TAB = "Build"
ATLAS_TAB = "Atlas"
