"""Recordings made with a phone: what the server cannot read, the browser decodes; a meter watches the microphone.

Both are scripts of the page's head. Here stand their places on the page and the numbers they share with the server, so
that the browser decodes what ``audio`` refuses and the meter calls quiet what ``audio`` warns of.
"""

from __future__ import annotations

import json
from pathlib import Path

from rsc_core import audio
from rsc_core.ui import texts

HERE = Path(__file__).parent
LARGEST_MB = 120  # of what a visitor sends
RATE_HZ = 48000  # what browsers record at, and decode to
LOWEST_DB = -80  # end of the meter's scale, of full scale
ACCEPT = "audio/*,.wav,.flac,.ogg,.opus,.mp3,.m4a,.mp4,.mov,.aac,.3gp,.3gpp,.amr,.webm,.mka,.mkv,.wma"
"""What a file chooser offers: by extension too, since phones call many of these a video or nothing at all."""

CHANGED = """(sound) => {
  document.dispatchEvent(new CustomEvent("sound-changed", { detail: sound ? sound.orig_name : null }));
  return [];
}"""
"""Script of a change of the sound: tells phone.js the name of the new one."""


def places() -> str:
    """Return the meter and the note, for the two scripts to fill."""
    words = texts.phone
    return (
        '<div id="level" hidden>'
        f'<div class="scale" role="meter" aria-label="{words.LEVEL}" aria-valuemin="{LOWEST_DB}" aria-valuemax="0"'
        ' aria-describedby="level-verdict"><i class="rms"></i><i class="peak"></i></div>'
        '<p class="note"><strong id="level-verdict" aria-live="polite"></strong> <span></span></p></div>'
        f'<div id="decoded"><progress aria-label="{words.PROGRESS}" hidden></progress>'
        f'<p class="note" aria-live="polite">{words.DECODING["before"]}</p></div>'
    )


def scripts() -> str:
    """Return both scripts with what they know of the server, for the page's head after recorder.js."""
    unreadable = [
        {"offset": offset, "magic": list(magic), "what": what} for (offset, magic), what in audio.UNREADABLE.items()
    ]
    decoding = {
        "words": texts.phone.DECODING,
        "unreadable": unreadable,
        "accept": ACCEPT,
        "rate": RATE_HZ,
        "longest_s": audio.LONGEST_S,
        "largest_mb": LARGEST_MB,
    }
    meter = {"words": texts.phone.METER, "quiet": audio.NEAR_SILENT_RMS, "lowest_db": LOWEST_DB}
    return _script("PHONE", decoding, "phone.js") + _script("METER", meter, "meter.js")


def _script(name: str, known: dict, file: str) -> str:
    return f"<script>const {name} = {json.dumps(known)};\n{(HERE / file).read_text()}</script>"
