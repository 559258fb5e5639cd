"""What the tab Analyse says."""

WELCOME = "Record a breath, upload a file or pick an example: the result appears here."
RECORDER = (
    "Models learned from contact stethoscopes; a phone or laptop microphone is untested. Record only yourself or with "
    "consent; no names in file names; the audio goes to this server."
)
SOUND = "Breath sound"
EXAMPLE = "Or an example"
SYNTHESISED = "{kind} (synthesised)"
ANNOTATION = "Annotation (optional)"
ANNOTATION_FILE = "ICBHI .txt or SPRSound .json"
RUN = "Analyse"
NO_AUDIO = "There is no recording yet. Record, upload or pick an example first."
NO_EXAMPLE = "There is no such example. Choose one from the list."
WORKING = "Analysing …"
LABELLING = "Labelling: {done} of {total} windows"
FACTS = "{seconds:.1f} s, {rate:,} Hz, {channels}. {cycles}"
"""Of a recording; the last are the sentences on where its cycles come from."""
CHANNELS = {1: "mono", 2: "stereo"}
MORE_CHANNELS = "{count} channels"
QUALITY = "Quality"
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
CYCLES = "Cycles"
CHOOSE = "Choose a cycle in the table or on the waveform."
SHOW_CYCLE = "Show cycle {number}"
HEADS = {
    "cycle": "cycle",
    "start": "start (s)",
    "end": "end (s)",
    "annotated": "annotated",
    "label": "label",
    "crackle": "P(crackle present)",
    "wheeze": "P(wheeze present)",
    "classes": "P(class)",
}
"""Of the table's columns; "classes" stands over those of single classes."""
CYCLE = "Cycle {number}: {start:.2f} to {end:.2f} s"
VALUES = {"db": "in dB", "model": "as a model sees it"}
VALUES_NOTE = (
    "CycleGuardian reads the hybrid maps, standardised row by row; every other model reads the log-mel, normalised by "
    "its training set's mean and 2 SD."
)
READS = "Where the model reads"
ATTENTION = "Attention shows where information is read, not why the model decided"
NO_ATTENTION = (
    "This model is not a transformer: it has no attention to show. Look inside shows what it reads; choose a "
    "transformer to see attention."
)
