"""What the player says."""

GROUP = "Player"
PLAY, PAUSE = "Play", "Pause"
LOOP = "Loop"
LOOP_CYCLE = "Loop the cycle"
PLACE = "Place in the sound"
VERSION = "Version"
BLEND = "Between the versions"
SPEED = "Speed"
SPEEDS = {
    "1": "normal",
    "0.75": "3/4, same pitch",
    "0.5": "half, same pitch",
    "0.75 tape": "3/4, as a slow tape",
    "0.5 tape": "half, as a slow tape",
}
"""By playback rate; with "tape" the pitch falls along."""
EMPHASIS = "Emphasis"
EMPHASES = {"none": "none", "bell": "bell", "diaphragm": "diaphragm"}
VOLUME = "Volume"
LIMITED = "as loud as it goes"
GONE = "This sound cannot be played. The server deletes sounds after an hour: analyse the recording again."
HELP = "Keys and filters"
KEYS = "Space plays and pauses, left and right go 0.5 s, L loops. A click on a picture goes to its moment."
FILTERS = (
    "Bell: up to {db:g} dB more below {low:g} Hz, up to {db:g} dB less above {high:g} Hz. Diaphragm: the same amounts "
    "the other way round. These are gentle slopes for listening, no copy of a stethoscope; nothing is cut off, and "
    "models hear the sound without them. The volume stops where a peak could clip."
)
DOWNLOAD = "Download: {label}"
RECORDING, CYCLE = "the recording", "the cycle"
