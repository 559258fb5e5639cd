"""What the tab Look inside says."""

FIRST = "Analyse a recording in the first tab: what its model reads appears here."
CHOOSE = "Cycle"
CHOICE = "{number}: {start:.2f} to {end:.2f} s, {label}"
CYCLE = (
    "Model {model}, {start:.2f} to {end:.2f} s, labelled {label} in the first tab. Other models and recordings are "
    "chosen there."
)
WINDOW = (
    "The cycle is longer than the model's window of {seconds:.1f} s: this is window {number} of {count}, the one with "
    "the highest probability of {label}."
)
REPEATED = "Repeated audio is shown once: maps are folded back onto the cycle."
NO_ATTENTION = (
    "This model is a convolutional network: it has no attention heads. Gradient x input, integrated gradients and "
    "occlusion explain it below; choose a transformer in the first tab to see heads."
)
HEADS_TITLE = "What each head reads"
HEADS_NOTE = (
    "Click a patch on the spectrogram to see what it reads, or a head in the picture of all heads to enlarge it. "
    "Colour begins at an even spread and is full at six times that. Reading is not deciding."
)
QUERY = "Read from"
QUERIES = {"mean": "mean of CLS and DIST", "cls": "CLS", "dist": "DIST", "patch": "one patch"}
"""Which token's reading is shown; all but "patch" are keys of ``rsc_core.explain.heads.QUERIES``."""
HEAD = (
    "<b>Layer {layer}, head {head}</b>, read from {query}. Over all patches: entropy {entropy:.2f} nats ({share:.0%} "
    "of even attention), mean distance {distance_s:.2f} s and {distance_hz:,.0f} Hz. Of this reading {special:.1%} "
    "falls on CLS and DIST{virtual}."
)
VIRTUAL = ", {share:.1%} on tokens that tuning added"
PATCH = "the patch at {start:.2f} to {end:.2f} s, {low:,.0f} to {high:,.0f} Hz"
RESTS_TITLE = "What the label rests on"
METHOD, WHY, RATHER = "Method", "Why", "rather than"
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
NO_STANDING = "Its faithfulness was not measured over a corpus with this model: test it on this cycle below."
STANDING_SHORT = {True: "beats the baselines", False: "does not beat the baselines", None: "not measured"}
"""Beside a method's name, over all corpora it was scored on; None: over none."""
EVENTS = "{count} x {label}"
TRUTH = "Bracketed: {events}. {inside:.0%} of the relevance lies in their time; an even map would have {chance:.0%}."
TRUTH_WHOLE = "The annotated {events} fills all that is shown: nothing can lie outside."
FORGET_TITLE = "When the model forgets"
FORGET_NOTE = (
    "A map of what the model has learned must change when the model forgets. Its weights are put into a random order, "
    "layer by layer from the head down, and each map is compared with the first one by rank (1: the same, 0: unlike)."
)
FORGET_RUN = "Make the model forget"
FORGET_STARTS = "Forgetting …"
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
HEAR_TITLE = "Hear it"
HEAR_NOTE = (
    "The map as a filter on the sound itself: what is attended and the rest add up to the original, and nothing is "
    "made louder."
)
HEAR = {"rest": "everything but", "original": "original", "attended": "only the attended"}
BELIEVE_TITLE = "Believe it or not"
BELIEVE_NOTE = (
    "Parts are taken away in the map's order, highest first, and the class's probability is followed (deletion: it "
    "should fall soon); then they are brought back (insertion: it should rise soon). Random orders show what chance "
    "does on this cycle. Nothing is neutral to a network, so parts are replaced in two ways."
)
SCORED = "How all methods did over a corpus"
SCORED_NOTES = {
    "deletion": (
        "Deletion and insertion are mean areas under the curves, in brackets what is gained over random tiles."
    ),
    "pointing game": (
        "The pointing game asks whether the map's highest tile touches a known sound, the next column how much "
        "relevance lies in it; in brackets what chance gives and what is gained over it."
    ),
    "": "Intervals hold 95 % of bootstraps over patients.",
}
"""Of a table with a column whose heading begins so."""
NOT_SCORED = "No method was scored over a corpus with this model. To do so: "
SCORE_COMMAND = "python -m rsc_core.explain score --corpus sprsound --data SPRSOUND --model {folder}/{model}"
ORDERS = "Random orders"
SECOND = "Does another method agree?"
BELIEVE_RUN = "Test this map"
BELIEVE_STOP = "Stop"
BELIEVE_STOPPED = "Stopped. What was drawn counts the orders up to here."
FORGET_STOPPED = "Stopped. What was drawn shows the layers forgotten up to here."
BELIEVE_STARTS = "Testing …"
BELIEVING = "Testing: {done} of {total} orders"
VERDICT = "{kind}, replaced by {filling}:"
AREAS = ("area under", "this map", "random tiles", "smooth blocks", "loudest first")
AREA = "{kind} ({better} is faithful), {filling}"
BETTER = {"deletion": "low", "insertion": "high"}
RANGE = "{low:.3f} to {high:.3f}"
MAPS_AGREE = (
    "{first} and {second}: {sentence} ({overlap:.0%} of the highest tiles are the same; unrelated maps stay within "
    "{chance:.0%})."
)
