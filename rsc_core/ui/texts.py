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

ANALYSE_TAB = "Analyse"
INSIDE_TAB = "Look inside"
INSIDE_FIRST = "Analyse a recording in the first tab: what its model reads appears here."
INSIDE_CYCLE = (
    "Model {model}, {start:.2f} to {end:.2f} s, labelled {label} in the first tab. Other models and recordings are "
    "chosen there."
)
INSIDE_WINDOW = (
    "The cycle is longer than the model's window of {seconds:.1f} s: this is window {number} of {count}, the one with "
    "the highest probability of {label}."
)
INSIDE_REPEATED = "Repeated audio is shown once: maps are folded back onto the cycle."
INSIDE_NO_ATTENTION = (
    "This model is a convolutional network: it has no attention heads. Gradient x input, integrated gradients and "
    "occlusion explain it below; choose a transformer in the first tab to see heads."
)
HEADS_NOTE = (
    "Click a patch on the spectrogram to see what it reads, or a head in the picture of all heads to enlarge it. "
    "Colour begins at an even spread and is full at six times that. Reading is not deciding."
)
QUERIES = {"mean": "mean of CLS and DIST", "cls": "CLS", "dist": "DIST", "patch": "one patch"}
"""Which token's reading is shown; all but "patch" are keys of ``rsc_core.explain.heads.QUERIES``."""
HEAD = (
    "<b>Layer {layer}, head {head}</b>, read from {query}. Over all patches: entropy {entropy:.2f} nats ({share:.0%} "
    "of even attention), mean distance {distance_s:.2f} s and {distance_hz:,.0f} Hz. Of this reading {special:.1%} "
    "falls on CLS and DIST{virtual}."
)
VIRTUAL = ", {share:.1%} on tokens that tuning added"
PATCH = "the patch at {start:.2f} to {end:.2f} s, {low:,.0f} to {high:,.0f} Hz"
METHODS = {
    "attention": "What CLS and DIST read in the last block, mean over heads.",
    "rollout": "Attention followed through all blocks, half of each being its residual connection.",
    "rollout_max": "Rollout with the strongest head of each block, the smallest 90 % of weights discarded.",
    "rollout_min": "Rollout with the weakest head of each block, the smallest 90 % of weights discarded.",
    "gradient_attention": "Attention of all blocks, weighted by how much the class's score would rise with it.",
    "gradient_input": "Slope of the class's score by each point, times its distance from the training set's mean.",
    "integrated_gradients": (
        "Slopes averaged on the way from a blurred spectrogram to this one; the points sum to what the score gained."
    ),
    "occlusion": "What the class's score loses when a tile of 0.32 s x 32 mel bins is replaced by the local mean.",
}
"""What each method of ``rsc_core.explain.relevance`` is."""
SIGNED = "Red speaks for the class, blue against it."
CLASSLESS = "It shows where the model looks and is the same for every class."
STANDING = {
    True: "Over {where}, it beat random tiles, smooth random blocks and loudest first.",
    False: "Over {where}, it did NOT beat all of random tiles, smooth random blocks and loudest first.",
}
NO_STANDING = "Not scored over a corpus with this model: test it on this cycle below."
NO_CONTRAST = "the other classes"
SAME_CLASS = "Choose two different classes: a class cannot be more likely than itself."
HEAR_NOTE = (
    "The map as a filter on the sound itself: what is attended and the rest add up to the original, and nothing is "
    "made louder."
)
HEAR = {"-1": "everything but", "0": "original", "1": "only the attended"}
BELIEVE_NOTE = (
    "Parts are taken away in the map's order, highest first, and the class's probability is followed (deletion: it "
    "should fall soon); then they are brought back (insertion: it should rise soon). Random orders show what chance "
    "does on this cycle. Nothing is neutral to a network, so parts are replaced in two ways."
)
BELIEVE_RUN = "Test this map"
BELIEVE_STOP = "Stop"
BELIEVE_STOPPED = "Stopped. What was drawn counts the orders up to here."
BELIEVING = "Testing: {done} of {total} orders"
AGREEMENT = (
    "{first} and {second}: {sentence} ({overlap:.0%} of the highest tiles are the same; unrelated maps stay within "
    "{chance:.0%})."
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
