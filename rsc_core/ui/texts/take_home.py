"""What downloads and the report say."""

TITLE = "Take it home"
NOTE = "Files of this analysis and its chosen cycle, made when you ask. The report opens without a network."
NAMED = "Write the recording's file name into the report and the JSON"
READY = "Ready to download"
NOT_YET = "The pictures of this cycle are still being made. Try again in a moment."
FILES = {
    "report": "Report (HTML)",
    "png": "Pictures (PNG)",
    "svg": "Pictures (SVG)",
    "npz": "Maps (NPZ)",
    "json": "Analysis (JSON)",
}
REPORT = "Lung Sound Lab: report of one recording"
REPORT_SECTIONS = {
    "recording": "The recording",
    "cycles": "Cycles",
    "hybrid": "Hybrid spectrogram",
    "attention": "Where the model reads",
    "model": "Model",
    "compared": "Models beside each other",
    "settings": "Settings",
}
COMPARED_CYCLE = "Where these models read in cycle {number}, {start:.2f} to {end:.2f} s"
NAME = "File"
SETTINGS = {
    "made": "made (UTC)",
    "model": "model",
    "cycles": "cycles",
    "chosen": "chosen cycle",
    "spectrograms": "spectrograms",
    "rate": "sample rate (Hz)",
    "gain": "gain applied",
}
"""What made an analysis, in the report and in the JSON."""
CYCLES = {"annotated": "annotated", "found": "found in the sound", "windows": "windows"}
