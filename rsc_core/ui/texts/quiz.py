"""What the tab Quiz says.

Sources of what to listen for are those of ``rsc_core.synth``: ATS 1977, CORSA (Sovijarvi et al. 2000), Bohadana et al.
2014.
"""

NOTE = (
    "Listen, answer, then see the sound, its true label and what a model says. Headphones help: the loudspeakers of "
    "phones and laptops hardly play what lies below 200 Hz."
)
SOURCE = "Sounds"
SOURCES = {"synthesised": "synthesised", "annotated": "my annotated recordings"}
FILES = "Recordings with their annotations, by the same names: ICBHI .txt or SPRSound .json"
FILES_NOTE = "Every annotated cycle can become a question. The files are deleted from the server after an hour."
UNSEEN = "No model learned from these recordings (a test split, or my own): set a model beside the answers"
COUNT = "How many sounds"
PLAN = "Level"
PLANS = {
    "rising": "rising: finer after each right answer",
    "coarse": "normal, continuous, discontinuous",
    "four": "normal, crackle, wheeze, both",
    "fine": "kinds of crackles and musical sounds",
}
SEED = "Number of the round"
SEED_NOTE = "The same number gives a class the same sounds."
MODEL = "Model beside the answers"
START = "Start"
NO_FILES = "Choose the recordings and their annotations first."
UNKNOWN = "Choose a level from the list, and a whole number of sounds from 5 to 30."

FORGOTTEN = "The server forgets a round after an hour. Start it again with its number."

PROGRESS = "Sound {number} of {count}"
ROUND = "Round {seed}"
FEWER = "Only {count} of the annotated cycles fit this level."
ASK = {
    "coarse": "What do you hear?",
    "four": "Which of the four classes is it?",
    "fine": "Which kind is it?",
}
CLOSER = "Now closer: is it {options}?"
KEYS = "Keys 1 to {count} answer."
ANSWERS = {"continuous": "continuous (musical)", "discontinuous": "discontinuous (clicks)"}
RIGHT = "Right: {truth}."
WRONG = "Not right: you said {given}, it is {truth}."
NEXT = "Next sound"
LAST = "See the result"
END = "End the round here"

TRUTH = "True label:"
MODEL_SAYS = "{model} labels it"
MODEL_SURE = "with a probability of {probability:.0%}"
AGREES = {True: "as it should.", False: "which is not right."}
NO_MODEL = "No model is asked, since it may have learned from these recordings."
LISTEN = "What to listen for"
LISTEN_FOR = {
    "normal": "A soft rush without pitch or clicks, louder and longer in inspiration than in expiration.",
    "crackle": "Short clicks, each over within 20 ms; they tend to come at the same time in every breath.",
    "fine crackle": "Soft, high, very short clicks (about 5 ms), many in a row late in inspiration, like Velcro.",
    "coarse crackle": "Lower, longer clicks (about 10 ms or more), few, early in inspiration and in expiration.",
    "wheeze": "A musical tone above about 100 Hz, mostly in expiration: a line on the spectrogram, perhaps gliding.",
    "rhonchus": "A low snore (below about 300 Hz), mostly in expiration: stacked lines at the bottom.",
    "stridor": "A loud, harsh tone (mostly above 500 Hz) in inspiration, from larynx or trachea: stacked lines.",
}
MARKED = "On the spectrogram sounds are boxed, and single clicks have an arrow over them."
NOT_MARKED = "The annotation labels the whole cycle, not single sounds: none can be marked."
NOTHING_TO_MARK = "There is nothing to mark in a normal cycle."

RESULT = "Your round"
COUNTED = "You answered {answered} of {count} sounds to their end."
NOTHING = "No sound was answered to its end, so there is nothing to count."
LEVELS = {"coarse": "Normal, continuous, discontinuous", "four": "The four classes", "fine": "Kinds"}
CORRECT = "{who}: {right} of {count} right"
YOU = "You"
TRUE_ANSWER = "true \\ said"
RIGHT_MARK = "right"
SCORE_HEADS = ("", "Specificity (Sp)", "Sensitivity (Se)", "Score")
SHARE = "{percent} % ({right} of {count})"
UNMEASURED = "- (no such sound)"
FEW = "With so few sounds one answer moves these numbers by many points."
IMPLIED = (
    "Where the first answer settled it, it counts here as its class: continuous as wheeze, discontinuous as crackle."
)
HALF = "At this level a model's 'both' counts as the likelier of wheeze and crackle."
NO_FINE = "The models tell only the four classes apart, so none stands beside you here."
PUBLISHED = (
    "Published, 7 physicians, other sounds: Sp 72.32 %, Se 23.23 %, Score 47.77 (a quarter of the ICBHI test; Tzeng "
    "et al., JMIR AI 2025, e67239). Not to be compared with a round of this quiz."
)
WEAK = {
    "synthesised": (
        "These sounds are synthesised, and the models learned from recordings: what a model says of them says little "
        "about how it labels patients."
    ),
    "annotated": (
        "A model labels recordings of another device or place worse than those of its own test; so few sounds do not "
        "measure it."
    ),
}
DOWNLOAD = "Answers as CSV"
AGAIN = "Same sounds again"
NEW = "New sounds"
SETTINGS = "Change the settings"
