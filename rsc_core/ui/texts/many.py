"""What the tab Many files says."""

NOTE = (
    "Choose recordings, or a folder of them, and get one row for each cycle. A .txt (ICBHI) or .json (SPRSound) of "
    "the same name gives a recording its cycles; otherwise they are found in the sound. The model is the one chosen "
    "in the first tab. Models label recordings of other devices and corpora badly: check some rows by ear."
)
NAMES = "The table holds the files' names: use none that name a person."
FILES = "Recordings and annotations"
FOLDER = "Or a folder"
RUN, STOP = "Label all", "Stop"
CSV = "Make a CSV"
READY = "Ready to download"
FILE = "lung-sound-labels.csv"
NO_FILES = "There are no recordings yet. Choose some, or a folder, first."
TOO_LARGE = "Together these recordings are larger than {most:g} GB. Choose fewer at once."
TOO_MANY = "These are {count} recordings; at most {most} are labelled at once. Choose fewer."
NO_ROWS = "There is nothing to write yet: label some files first."
GOING = "{done} of {total} files labelled: {name} comes next."
DONE = "Files: {done}. Cycles labelled: {cycles}. Files that could not be used: {failed}."
STOPPING = "Stopping with this file …"
STOPPED = "Stopped after {done} of {total} files; what was labelled stays."
LONELY = "Of no recording by their name, so left out: {names}."
TABLE = "Cycles by file"
HEADS = (
    "file",
    "cycle",
    "start (s)",
    "end (s)",
    "label",
    "P(crackle present)",
    "P(wheeze present)",
    "model",
    "warnings",
)
LAST = "The last {shown} of {count} rows; the CSV holds all."
