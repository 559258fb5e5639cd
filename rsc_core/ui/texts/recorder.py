"""What recorder.js says."""

MICROPHONE = {
    "before": (
        "Echo cancellation, noise suppression and automatic gain are switched off before the recorder opens: they "
        "erase lung sounds."
    ),
    "off": "off",
    "on": "on",
    "unknown": "not reported",
    "echoCancellation": "echo cancellation",
    "noiseSuppression": "noise suppression",
    "autoGainControl": "automatic gain",
    "granted": "The browser opened the microphone with",
    "clean": "The sound arrives unprocessed.",
    "altered": "What is on may erase lung sounds: try another browser, or record with an app and upload the file.",
    "missing": "This browser offers no microphone here (it needs HTTPS or localhost). Upload a file instead.",
    "NotAllowedError": "The browser refused the microphone. Allow it in the address bar, or upload a file instead.",
    "NotFoundError": "No microphone was found. Plug one in, or upload a file instead.",
    "failed": "The microphone could not be opened. Close other programs that use it, or upload a file instead.",
}
"""What recorder.js says; the keys are the browser's own names where it has one."""
