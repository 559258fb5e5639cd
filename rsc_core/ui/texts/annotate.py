"""What the tab Annotate says."""

from rsc_core.config import CLASSES

FIRST = "Analyse a recording in the first tab, then correct its cycles here."
NOTE = (
    "Choose a cycle with a click, or with the arrow keys; n, c, w and b label the chosen one. Drag its edges, or move "
    "them with the arrow keys by 0.01 s, with Shift by 0.1 s. Each label has its letter, colour and height."
)
DRAFT = {
    True: "Labels to start from are the annotation's.",
    False: "Labels to start from are the model's, and it is often wrong: listen before you keep one.",
}
BELONGS = "What you change belongs to this recording: export it before you analyse another one."
CUT = (
    "{count} of the cycles overlapped others, or lasted beyond the recording or less than {shortest} s: they were cut."
)
COUNT = "{count} cycles: {labels}."
COUNTED = "{count} {label} ({letter})"
NO_CYCLES = "No cycles. Add one."
UNSAVED = "Changes not exported yet."
SAVED = "No changes to export."
TIMELINE = "Timeline"
LETTERS = {label: label[0].upper() for label in CLASSES}
BLOCK = "Cycle {number}, {start:.2f} to {end:.2f} s, {label}"
EDGES = {"start": "Start of cycle {number}", "end": "End of cycle {number}"}
EDGE_VALUE = "{seconds:.2f} s"
ZOOM = "Seen at once"
ZOOMS = {10: "10 s", 30: "30 s", 120: "2 min", 0: "All"}
JUMPS = {-1: "Previous abnormal", 1: "Next abnormal"}
NO_MORE = {
    -1: "No cycle before this one is labelled other than normal.",
    1: "No cycle after this one is labelled other than normal.",
}
UNDO, REDO = "Undo", "Redo"
CHOSEN = "Cycle {number} of {count}"
NONE_CHOSEN = "No cycle is chosen."
LABEL = "Label"
TIMES = {"start": "Start (s)", "end": "End (s)"}
SET_TIMES = "Set times"
FOLLOW = "A neighbour that touches follows"
CHANGES = {"split": "Split in two", "merge": "Merge with next", "delete": "Delete"}
ADD = "Add in the next gap"
NO_GAP = "There is no gap to put a cycle in. Shorten, split or delete one instead."
NO_TIMES = "Give a start and an end in seconds."
FILES = "Files"
EXPORT = "Export as ICBHI .txt"
EXPORTED = "Ready to download"
FILE = "annotation.txt"
NAMED = "Call the file as the recording is called"
IMPORT = "Import an ICBHI .txt or SPRSound .json"
IMPORTED = "The cycles are the file's. Undo brings back those before."
FIRST_TAB = "Take the first tab's cycles"
TAKEN = "The cycles are those of the first tab. Undo brings back those before."
OTHER = "The first tab shows no recording, or another one. Analyse this one there again."
USE = "Use these cycles"
USE_NOTE = "The model of the first tab labels the cycles as they stand here; every tab then shows them."
USED = "{model} labels {same} of {count} cycles as you do: agreement, which makes neither of you right."
NOTHING = "There are no cycles yet: add one first."
