"""What the tab Mix says."""

FIRST = "Analyse a recording in the first tab, then mix two of its cycles here."
NOTE = (
    "Patch-Mix trains a model on clips whose patches are partly another clip's, and asks it for both labels, each by "
    "its share. Here two cycles are mixed the same way. Faded: what does not enter the mix."
)
ONE_CYCLE = "This recording has only one cycle: it is mixed with a cycle of an example."
A, B = "Cycle A", "Cycle B"
CYCLE = "{number}: {start:.2f} to {end:.2f} s, {how} {label}"
LABELLED = {True: "annotated", False: "labelled"}
KEPT = "Share kept of A (λ)"
DOMAIN = "Exchanged"
DOMAINS = {"patch": "patches", "time": "whole moments"}
SET = "Number of the set of patches"
DRAW = "Draw again"
TITLES = (
    "A, {length:.2f} s, {how} {label}",
    "Mix: {count} of {all} patches are B's",
    "B, {length:.2f} s, {how} {label}",
)
ELSEWHERE = (
    "{chosen}, chosen in the first tab, reads no log-mel patches, so those of {model} are drawn and heard. {chosen} "
    "itself answers to a mix of its own windows."
)
SHORT = (
    "A short cycle is filled up to the {window:g} s that {model} reads, in the model's own way: repeated, unless it "
    "was trained otherwise."
)
CUT = "Of {names}, longer than {window:g} s, the first {window:g} s are mixed."
HEAR = "Hear it"
HEAR_NOTE = (
    "An approximation: the model mixes embeddings of patches, which have no sound. Here the parts of B's sound that "
    "lie in exchanged patches replace A's, and B is made as loud as A; the picture and the models keep B's own level."
)
PLAYERS = ("A", "The mix", "B")
ANSWERS = "What each model says"
ANSWERS_NOTE = (
    "Asked for: the model's own answers to A and B, weighted by their shares of its patches, which is what Patch-Mix "
    "trains towards. Off by: the share of probability that the answer to the mix puts elsewhere, 0 to 100 %. Where "
    "the answers to A and B are alike, being close is easy."
)
TRAINED = "Trained with Patch-Mix: {names}."
UNTRAINED = "None of these models was trained with Patch-Mix."
OTHER = "{names}: patches or window differ from those shown, so as large a share of its own is exchanged."
HEADS = ("model", "A", "B", "mix", "asked for", "off by")
WAITING = "…"
