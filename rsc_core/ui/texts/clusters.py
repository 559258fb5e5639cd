"""What the tab Look inside says of a CycleGuardian."""

WINDOWS = "Which windows go together"
WINDOWS_NOTE = (
    "CycleGuardian cuts what it hears into short windows that overlap and sorts them into four clusters, named by "
    "number here. A cluster gathers windows that look alike to the network; it is not a kind of sound that a person "
    "named. Colours on the maps: each window's cluster, stronger where the network multiplies that place in time by a "
    "larger number. These weights were learned once and are the same for every sound: they do not say which part of "
    "this sound the answer rests on."
)
REPEATED = (
    "The cycle is shorter than the {seconds:.1f} s the network reads, so it is repeated; dotted lines mark where."
)
PART = (
    "The cycle is longer than the {seconds:.1f} s the network reads at once: this is part {number} of {count}, the "
    "one with the highest probability of {label}."
)
ENDING = "The cycle is longer than the {seconds:.1f} s the network reads: only its end is read, as in training."
ALT = "The three maps with each window's cluster and weight"
SILENCE = "Silence a cluster"
SILENCE_NOTE = (
    "Windows of a silenced cluster are taken out before the clusters are put together; no other window changes its "
    "cluster. A large change shows that the answer depends on these windows, not that it is right."
)
CHOICE = "Silenced"
NAME = "cluster {number}"
SIZE, SIZES = "{name} (1 window)", "{name} ({count} windows)"
NOTHING = "nothing silenced"
WITHOUT = "without {names}"
COUNT, FUSION = "windows", "weight where clusters are fused"
PROBABILITY = "P({name})"
STAYS = "Without {names}, {label} stays the most likely label: P({label}) {before:.2f} → {after:.2f}."
CHANGES = (
    "Without {names} the label changes from {label} to {other}: P({label}) {before:.2f} → {after:.2f}, "
    "P({other}) {other_before:.2f} → {other_after:.2f}."
)
UNTOUCHED = (
    "Tick clusters to silence several at once. With none silenced the label is {label}, P({label}) {before:.2f}."
)
HEAR = "Hear what is typical"
HEAR_NOTE = (
    "For each cluster the windows of this recording that lie nearest to its centre, one after another. The sound is "
    "approximate: {seconds:.2f} s of what the network heard, between {low:,.0f} and {high:,.0f} Hz, which is about "
    "what its maps hold."
)
TYPICAL = "Cluster {number}"
PLACES = "Cluster {number}: {places}."
PLACE = "cycle {cycle} at {start:.2f} s"
EMPTY = "Cluster {number}: no window of this recording belongs to it."
