"""What the threshold view in the tab Build says."""

TITLE = "How loud must it be?"
NOTE = (
    "One sound over one breath, as the sliders above make both, from 20 dB softer than the breath to 10 dB louder. "
    "How loud must it be for each model to label it? The sound's own level slider does not count here. A model that "
    "labels breathing alone the same way has not heard the sound. These sounds are synthesised: what a model makes of "
    "them says little of patients."
)
KIND = "Sound"
NAMELESS = "A pleural rub has no class in these models, so it is not offered."
RUN = "Find the levels"
STOP = "Stop"
STARTED = "Models are being asked …"
PROGRESS = "Level {done} of {all}: {level:+g} dB"
STOPPED = "Stopped; what is drawn is what was found so far."
READ = (
    "In the picture P(sound present) adds the sound's class and 'both'. Filled: it is the most probable label; "
    "hollow: it is not. The large mark is the level from which on it stays so, which may lie above or below the "
    "dotted 0.5, since four classes compete. 'none': breathing alone."
)
TABLE = "From which level on each model labels a {kind}"
HEADS = ("model", "breathing alone", "labelled {label}", "P at +{level:g} dB")
ALONE = {True: "labelled {label} too", False: "not labelled {label}"}
FROM = "from {level:+g} dB on"
ALWAYS = "at every level tried, from {level:+g} dB on"
NEVER = "never within this range"
UNSTABLE = "not at the loudest level; now and then below it"
EMPTY = "There is no model to ask."
