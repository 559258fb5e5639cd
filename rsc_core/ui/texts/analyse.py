"""What the tab Analyse says."""

WELCOME = "Record a breath, upload a file or pick an example: the result appears here."
RECORDER = (
    "Models learned from contact stethoscopes; a phone or laptop microphone is untested. Record only yourself or with "
    "consent; no names in file names; the audio goes to this server."
)
NO_AUDIO = "There is no recording yet. Record, upload or pick an example first."
NO_EXAMPLE = "There is no such example. Choose one from the list."
WORKING = "Analysing …"
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
CHOOSE = "Choose a cycle in the table or on the waveform."
CYCLE = "Cycle {number}: {start:.2f} to {end:.2f} s"
VALUES = {"db": "in dB", "model": "as a model sees it"}
VALUES_NOTE = (
    "CycleGuardian reads the hybrid maps, standardised row by row; every other model reads the log-mel, normalised by "
    "its training set's mean and 2 SD."
)
ATTENTION = "Attention shows where information is read, not why the model decided"
NO_ATTENTION = "This model is a convolutional network: it has no attention to show. Choose a transformer to see some."
