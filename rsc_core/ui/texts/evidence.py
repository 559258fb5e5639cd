"""What is said of the measurements without a network."""

TITLE = "Measured without a network"
RIDGE = "A ridge at {hz:.0f} Hz lasts {seconds:.2f} s."
NO_RIDGE = "No ridge of 80 ms or more."
CRACKLES = {
    True: "{count} crackle, median two-cycle duration {ms:.1f} ms.",
    False: "{count} crackles, median two-cycle duration {ms:.1f} ms.",
}
"""The key says whether the count is 1."""
NO_CRACKLES = "No crackles."
AGREEMENT = {
    "both have it": "The label agrees: {sound}.",
    "neither has it": "The label agrees: no {sound}.",
    "label only": "The label disagrees: it says {sound}.",
    "measurement only": "The label disagrees: it says no {sound}.",
}
BREATH = "Breathing."
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
