"""What phone.js and meter.js say."""

from rsc_core.audio import FORMATS, TOO_LONG

DECODING = {
    "before": "Phone recordings (M4A, MP4, WebM, 3GP, AAC) are welcome too: your browser turns them into WAV.",
    "working": "Your browser is decoding {size} MB …",
    "done": "Decoded in your browser and sent as WAV: {seconds} s, {channels}, {rate} Hz.",
    "mono": "mono",
    "stereo": "stereo",
    "channels": "{count} channels",
    "failed": (
        f"This is {{what}}, and your browser cannot decode its sound. Try another browser, or convert it to {FORMATS}."
    ),
    "long": TOO_LONG,
    "broken": "Your browser could not read this file. Choose it again; if that does not help, convert it to WAV.",
    "large": "This recording is larger than {largest} MB. Cut out the part that matters and try again.",
}
"""What phone.js says; braces are filled in by it."""

PROGRESS = "Decoding"

LEVEL = "Recording level"
METER = {
    "listening": "Listening …",
    "quiet": "Too quiet: hold the microphone closer.",
    "good": "Good level.",
    "clipping": "Clipping: record at a lower level.",
    "value": "RMS {rms}, peak {peak} dBFS",
}
"""What meter.js says; the first four keys are its states."""
