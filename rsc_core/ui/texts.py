"""Every sentence the page says of itself, in one place.

Wording: sounds are "labelled", never "detected"; P(crackle present) and P(wheeze present) include the class "both".
"""

from typing import NamedTuple


class Tuning(NamedTuple):
    """What is said of a tuning."""

    title: str
    sentence: str  # of a teacher, to a class
    alt: str  # of its drawing


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
LEARNS = "Orange: learns. Outlined in grey: frozen."
COUNT = "{count:,} learn"
TUNINGS = {
    "full": Tuning(
        "Full fine-tuning",
        "Every weight of the network may change: nothing stands in its way, and a whole new network is to be stored.",
        "All parts of the network learn: patches, attention, MLP, LayerNorms and head.",
    ),
    "linear": Tuning(
        "Linear probe",
        "The network stays as it is and only the last layer learns: a test of what it knows already.",
        "Only the head learns; all else is frozen.",
    ),
    "lora": Tuning(
        "LoRA",
        "The large tables of attention stay as they are; each of two gets a small correction, the product of two thin "
        "tables.",
        "Thin additions to the keys' and values' tables of attention learn, and the head; all else is frozen.",
    ),
    "adapter": Tuning(
        "Adapter",
        "A narrow detour behind the MLP of every block learns to adjust what passes; the block itself stays as it is.",
        "A small layer behind the MLP learns, the LayerNorm in front of the MLP and the head; all else is frozen.",
    ),
    "mixture": Tuning(
        "Mixture of adapters",
        "Several narrow detours stand beside attention, and the network learns how much to listen to each.",
        "Several small layers beside attention learn, the LayerNorm in front of it and the head; all else is frozen.",
    ),
    "bitfit": Tuning(
        "BitFit",
        "Every connection keeps its strength; only the offsets, one number for each neuron, learn.",
        "The biases of attention, MLP and LayerNorms learn, and the head; all else is frozen.",
    ),
    "ia3": Tuning(
        "IA3",
        "Nothing is rewired: learned factors turn keys, values and the inside of the MLP up or down.",
        "Factors on keys, on values and inside the MLP learn, and the head; all else is frozen.",
    ),
    "layer_norm": Tuning(
        "LayerNorm tuning",
        "Only the levels between the layers learn, like the faders of a mixing desk.",
        "The LayerNorms and the head learn; all else is frozen.",
    ),
    "prefix": Tuning(
        "Prefix tuning",
        "Attention gets a few learned notes to read beside the sound, in every block.",
        "Added keys and values of attention learn, and the head; all else is frozen.",
    ),
    "prompt": Tuning(
        "Prompt tuning",
        "A few learned pieces are put beside the pieces of the sound, as if they had been heard too.",
        "Added tokens at the entrance of the blocks learn, and the head; all else is frozen.",
    ),
    "ipet": Tuning(
        "IPET",
        "Learned pieces beside the sound and a narrow detour beside the MLP learn together.",
        "Added tokens at the entrance of the blocks and a small layer beside the MLP learn, and the head; all else is "
        "frozen.",
    ),
    "cnn": Tuning(
        "Convolutional network",
        "A smaller network of another kind, trained from the start: filters slide over the picture of the sound.",
        "Four stages of convolutions and the head, all of which learn.",
    ),
}
"""Tuning, or "cnn" -> what the list of models says of it."""

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
    "two rates": "Two measurements of the rate disagree, so none is given: a heartbeat may stand out, or a pause.",
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
REPORT_SECTIONS = {
    "recording": "The recording",
    "cycles": "Cycles",
    "hybrid": "Hybrid spectrogram",
    "attention": "Where the model reads",
    "model": "Model",
    "compared": "Models beside each other",
    "settings": "Settings",
}
COMPARED_CYCLE = "Where these models read in cycle {number}, {start:.2f} to {end:.2f} s"
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
    "mix": "Log-mel spectrograms of two cycles and, between them, of their mix; exchanged patches are outlined",
}

COMPARE = "Two to four models on the recording of the first tab, cycle by cycle."
COMPARE_RUN = "Compare"
MODELS = "Models"
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
MAPS = ("last layer", "rollout")
"""The kinds of map to compare, in the order in which attention is drawn."""
NO_MAP = "No attention to show: {names}."
NO_MAPS = "None of these models has attention to show."

TUNED = "What tuning changed"
TUNED_NOTE = "A tuned model beside the base it was tuned from, on the chosen cycle."
TUNED_MODEL = "Tuned model"
TUNED_RUN = "Show what tuning changed"
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

ANALYSE_TAB = "Analyse"
COMPARE_TAB = "Compare"
INSIDE_TAB = "Look inside"
MIX_TAB = "Mix"
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
    True: (
        "Over {where}, it beats random orders on {wins} of cycles, and all of random tiles, smooth random blocks and "
        "loudest first."
    ),
    False: (
        "Over {where}, it does NOT beat the baselines (random tiles, smooth random blocks, loudest first), though "
        "random orders on {wins} of cycles."
    ),
}
WINS = "{wins:.0%}"
WINS_INTERVAL = "{wins:.0%} (95 %: {low:.0%} to {high:.0%})"
NO_STANDING = "Not scored over a corpus with this model: test it on this cycle below."
STANDING_SHORT = {True: "beats the baselines", False: "does not beat the baselines", None: "not scored"}
"""Beside a method's name, over all corpora it was scored on; None: over none."""
TRUTH = "Bracketed: {events}. {inside:.0%} of the relevance lies in their time; an even map would have {chance:.0%}."
TRUTH_WHOLE = "The annotated {events} fills all that is shown: nothing can lie outside."
FORGET_NOTE = (
    "A map of what the model has learned must change when the model forgets. Its weights are put into a random order, "
    "layer by layer from the head down, and each map is compared with the first one by rank (1: the same, 0: unlike)."
)
FORGET_RUN = "Make the model forget"
FORGETTING = "Forgetting: {done} of {total} layers"
FORGOT_ALIKE = 0.5
FORGOT_UNLIKE = 0.2
FORGOT = {
    "alike": (
        "With everything forgotten the map is still much the same (rank correlation {last:.2f}): it draws the sound, "
        "not the model."
    ),
    "between": (
        "With everything forgotten the map is still alike in part (rank correlation {last:.2f}): some of it draws the "
        "sound, not the model."
    ),
    "unlike": "With everything forgotten the map is another (rank correlation {last:.2f}): it depends on the model.",
    "constant": "With everything forgotten the map is the same everywhere, so there is nothing to compare.",
}
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
MAPS_AGREE = (
    "{first} and {second}: {sentence} ({overlap:.0%} of the highest tiles are the same; unrelated maps stay within "
    "{chance:.0%})."
)

MIX_FIRST = "Analyse a recording in the first tab, then mix two of its cycles here."
MIX_NOTE = (
    "Patch-Mix trains a model on clips whose patches are partly another clip's, and asks it for both labels, each by "
    "its share. Here two cycles are mixed the same way. Faded: what does not enter the mix."
)
MIX_ONE_CYCLE = "This recording has only one cycle: it is mixed with a cycle of an example."
MIX_A, MIX_B = "Cycle A", "Cycle B"
MIX_CYCLE = "{number}: {start:.2f} to {end:.2f} s, {how} {label}"
MIX_LABELLED = {True: "annotated", False: "labelled"}
MIX_KEPT = "Share kept of A (λ)"
MIX_DOMAIN = "Exchanged"
MIX_DOMAINS = {"patch": "patches", "time": "whole moments"}
MIX_SET = "Number of the set of patches"
MIX_DRAW = "Draw again"
MIX_TITLES = (
    "A, {length:.2f} s, {how} {label}",
    "Mix: {count} of {all} patches are B's",
    "B, {length:.2f} s, {how} {label}",
)
MIX_SHORT = (
    "A short cycle is filled up to the {window:g} s that {model} reads, in the model's own way: repeated, unless it "
    "was trained otherwise."
)
MIX_CUT = "Of {names}, longer than {window:g} s, the first {window:g} s are mixed."
MIX_HEAR = "Hear it"
MIX_HEAR_NOTE = (
    "An approximation: the model mixes embeddings of patches, which have no sound. Here the parts of B's sound that "
    "lie in exchanged patches replace A's, and B is made as loud as A; the picture and the models keep B's own level."
)
MIX_PLAYERS = ("A", "The mix", "B")
MIX_ANSWERS = "What each model says"
MIX_ANSWERS_NOTE = (
    "Asked for: the model's own answers to A and B, weighted by their shares of its patches, which is what Patch-Mix "
    "trains towards. Off by: the share of probability that the answer to the mix puts elsewhere, 0 to 100 %. Where "
    "the answers to A and B are alike, being close is easy."
)
MIX_TRAINED = "Trained with Patch-Mix: {names}."
MIX_UNTRAINED = "None of these models was trained with Patch-Mix."
MIX_OTHER = "{names}: patches or window differ from those shown, so as large a share of its own is exchanged."
MIX_HEADS = ("model", "A", "B", "mix", "asked for", "off by")
MIX_WAITING = "…"

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
