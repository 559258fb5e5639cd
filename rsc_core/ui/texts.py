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

EVIDENCE = "Measured without a network"
RIDGE = "A ridge at {hz:.0f} Hz lasts {seconds:.2f} s."
NO_RIDGE = "No ridge of 80 ms or more."
CRACKLES = "{count} crackle{plural}, median two-cycle duration {ms:.1f} ms."
NO_CRACKLES = "No crackles."
AGREEMENT = {
    "both have it": "The label agrees: {sound}.",
    "neither has it": "The label agrees: no {sound}.",
    "label only": "The label disagrees: it says {sound}.",
    "measurement only": "The label disagrees: it says no {sound}.",
}
BREATHING = "About {rate:.0f} breaths a minute in this recording."
NO_BREATHING = {
    "too short": "The recording is too short to tell a rate.",
    "no rhythm": "No steady rhythm in this recording.",
}
WEAK = (
    "Weak evidence. In SPRSound, on patients its thresholds were not chosen on, a ridge is found in 57 % of wheezes "
    "and 7 % of normal events, two crackles or more (fewer count as none) in 81 % of crackle and 33 % of normal "
    "events. A disagreement is a reason to listen again, nothing more."
)

TAKE_HOME = "Take it home"
TAKE_HOME_NOTE = "Files of this analysis and its chosen cycle, made when you ask. The report opens without a network."
NAMED = "Write the recording's file name into the report and the JSON"
READY = "Ready to download"
NOT_YET = "The pictures of this cycle are still being made. Try again in a moment."
FILES = {
    "report": "Report (HTML)",
    "png": "Pictures (PNG)",
    "svg": "Pictures (SVG)",
    "npz": "Maps (NPZ)",
    "json": "Analysis (JSON)",
}
REPORT = "Lung Sound Lab: report of one recording"
ALT = {
    "cycles": "Waveform with its cycles coloured by label",
    "log-mel": "Log-mel spectrogram of the chosen cycle",
    "hybrid": "Hybrid spectrogram of the chosen cycle: CQT, Gammatone, Mel",
    "attention": "Attention of the last layer and rollout over the log-mel spectrogram",
    "maps": "Attention of each model over the same spectrogram",
    "difference": "What the tuned model reads more or less than its base",
    "dial": "Probability of each class over the share of the tuning",
    "changes": "Change of each matrix, by block and projection",
    "spectra": "Singular values of the chosen change",
}

COMPARE = "Two to four models on the recording of the first tab, cycle by cycle."
COMPARE_FIRST = "There is nothing to compare yet. Analyse a recording in the tab Analyse, then come back."
COMPARE_NEW = "There is another recording in the tab Analyse now: press Compare."
MODELS_ASKED = "Choose two to four models; {count} are chosen."
DIFFERENT = "{count} of {all} cycles are labelled differently."
DIFFERENT_NONE = "All {all} cycles get the same label from every model."
FIRST = "Disagreements first, the largest difference in probability on top"
PRESENT = "Bars: P(crackle present) and P(wheeze present)."
SAME_SCALE = (
    "One colour scale for all maps. A transparent place gets no more attention than if it were spread evenly. "
    "Attention shows where information is read, not why the model decided."
)
NO_MAP = "No attention to show: {names}."
NO_MAPS = "None of these models has attention to show."

TUNED = "What tuning changed"
TUNED_NOTE = "A tuned model beside the base it was tuned from, on the chosen cycle."
NO_TUNED = "No model here was tuned from another model that is here too."
TUNED_ABOUT = "{name} against its base {base}, cycle {cycle}."
DIAL_NOTE = (
    "How much of the change is applied: 0 is the base's body under the tuned head, 1 the model as tuned, more goes on "
    "in the same direction. As tuned, this cycle is labelled {label}."
)
DIAL = "Share of the tuning"
MORE = "Red: the tuned model reads more here than its base; blue: less."
CHANGED_NOTE = (
    "How far each matrix moved (attention and mlp: the size of an added branch). Choose a cell to see how many "
    "directions its change uses, beside the other models tuned from the same base."
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
