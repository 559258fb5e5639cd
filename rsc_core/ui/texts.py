"""Every sentence a visitor reads that is not a result."""

TITLE = "Lung Sound Lab"
INTRO = (
    "Record or upload a breath sound, hear it, see it, and read how different models label every cycle and where they "
    "look."
)
NOTICE = (
    "**Labels sounds; does not detect disease. Not a medical device. A 'normal' label does not rule out illness: if "
    "someone is unwell, seek care.**"
)
CONSENT = (
    "Models learned from contact stethoscopes; a phone or laptop microphone is untested. Record only yourself or with "
    "consent; no names in file names; the audio goes to this server."
)
MICROPHONE = "Microphone: not opened yet. Processing by the browser will be switched off, since it erases lung sounds."
ATTENTION = "Attention shows where information is read, not why the model decided."
WINDOWS = "No annotation: the recording is cut into 5 s windows, which are not breaths."
ANNOTATED = "Cycles and labels are the annotation's."
CHOOSE = "Choose a cycle in the table or by a click on the waveform."
UNITS = {"in dB": "db", "as the model sees it (SD per row)": "model"}
HYBRID = (
    "The hybrid spectrogram is CycleGuardian's; the models in this list see the log-mel. CQT ends at 3,951 Hz, the "
    "other two at 3,000 Hz."
)
NO_MODELS = (
    "**There is no model in {folder}.** Train one and start again:\n\n"
    "```\npython train.py full --corpus sprsound --data SPRSOUND --out {folder}/sprsound-base --backbone small\n```"
)
COLUMNS = ("cycle", "start (s)", "end (s)", "annotated", "labelled", "P(crackle)", "P(wheeze)")
COLUMNS_HELP = (
    "P(crackle) = crackle + both, P(wheeze) = wheeze + both: the probability that the sound is present. Then the four "
    "classes, which sum to 1."
)
