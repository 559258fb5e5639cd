"""Every sentence the page says of itself, in one place.

Wording: sounds are "labelled", never "detected"; P(crackle present) and P(wheeze present) include the class "both".
"""

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
KEPT = "The server deletes the audio after an hour."

WELCOME = "Record a breath, upload a file or pick an example: the result appears here."
WORKING = "Analysing …"
BROKEN = (
    "Something went wrong on the server; nothing was labelled. Try again, and if it stays, tell who runs this page."
)
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
WINDOWS = "No annotation: the recording is labelled in windows of about {seconds:.0f} s, not in respiratory cycles."
ANNOTATED = "Cycles are those of the annotation."
PLAYED = "Played as the models hear it: one channel, {rate:,} Hz, scaled to an even level."
CHOOSE = "Choose a cycle in the table or on the waveform."

NO_MODEL = (
    "There is no model in the folder {folder}. Train one, then start the page again (SPRSOUND is the corpus's folder):"
)
TRAIN_COMMAND = "python train.py full --corpus sprsound --data SPRSOUND --out {folder}/sprsound-base --backbone small"
NO_AUDIO = "There is no recording yet. Record, upload or pick an example first."

VALUES = {"db": "in dB", "model": "as a model sees it"}
VALUES_NOTE = (
    "These models read the log-mel, normalised by the training set's mean and 2 SD; the hybrid maps are "
    "CycleGuardian's input, standardised row by row."
)

MICROPHONE = {
    "before": (
        "Echo cancellation, noise suppression and automatic gain are switched off before the recorder opens: they "
        "erase lung sounds."
    ),
    "off": "off",
    "on": "on",
    "unknown": "not reported",
    "echoCancellation": "echo cancellation",
    "noiseSuppression": "noise suppression",
    "autoGainControl": "automatic gain",
    "granted": "The browser opened the microphone with",
    "clean": "The sound arrives unprocessed.",
    "altered": "What is on may erase lung sounds: try another browser, or record with an app and upload the file.",
    "missing": "This browser offers no microphone here (it needs HTTPS or localhost). Upload a file instead.",
    "NotAllowedError": "The browser refused the microphone. Allow it in the address bar, or upload a file instead.",
    "NotFoundError": "No microphone was found. Plug one in, or upload a file instead.",
    "failed": "The microphone could not be opened. Close other programs that use it, or upload a file instead.",
}
"""What recorder.js says; the keys are the browser's own names where it has one."""
