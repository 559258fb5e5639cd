"""What the tab Compare says."""

COMPARE = "Two to four models on the recording of the first tab, cycle by cycle."
COMPARE_RUN = "Compare"
MODELS = "Models"
COMPARE_FIRST = "There is nothing to compare yet. Analyse a recording in the tab Analyse, then come back."
COMPARE_NEW = "There is another recording in the tab Analyse now: press Compare."
MODELS_ASKED = "Choose two to four models; {count} are chosen."
DIFFERENT = "{count} of {all} cycles are labelled differently."
DIFFERENT_NONE = "All {all} cycles get the same label from every model."
FIRST = "Disagreements first, the largest difference in probability on top"
TABLE = "Cycles by model"
HEADS = {"cycle": "cycle", "time": "time (s)", "annotated": "annotated"}
TIME = "{start:.2f} to {end:.2f}"
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
