"""What the tab Build says."""

NOTE = (
    "A lung sound from physical parameters: choose what is heard, change a number, and hear and see what it does. "
    "Under each number stands where its range comes from. Synthesised sounds are cleaner than patients': they show "
    "what words mean, not how a patient sounds."
)
SOUNDS = "Sounds over the breath"
SOUNDS_NOTE = "One or two, or none; a third one takes the place of the first."
BREATH = "Breath"
TRANSMISSION = "Chest wall, stethoscope, heart, room"
SECONDS = "Duration of the recording, s"
SEED = "Seed"
SEED_NOTE = "The same number gives the same sound; another one, other breaths and places."
SOURCE = "Source: {source}."
FROM_TO = ("{name} from, share {unit}", "{name} to, share {unit}")
FIELDS = {
    "rate_per_min": "Rate",
    "tidal_volume_l": "Depth: tidal volume",
    "inspiration_share": "Inspiration's share",
    "idw_ms": "Initial deflection width (IDW)",
    "two_cycle_ms": "Two-cycle duration (2CD)",
    "inspiratory": "Number",
    "expiratory": "Number",
    "inspiratory_span": "They lie",
    "expiratory_span": "They lie",
    "level_db": "Level",
    "pitch_hz": "Pitch",
    "duration_s": "Duration",
    "glide_semitones": "Glide",
    "voices": "Voices",
    "phase": "Phase",
    "position": "Place",
    "creaks": "Creaks",
    "creak_ms": "Duration of a creak",
    "centre_hz": "Centre of its band",
    "wall_db": "Chest wall",
    "stethoscope": "Stethoscope",
    "heart_rate_per_min": "Heart rate",
    "heart_db": "Heart sounds",
    "room_db": "Room noise",
    "floor_db": "Own noise",
    "seconds": "Duration of the recording",
}
"""Field of a dataclass of rsc_core.synth -> what the page calls it."""
CONVENTIONS = {"ATS": "ATS (1977)", "CORSA": "CORSA (2000)"}
CALLED = "{convention}: {names}"
UNNAMED = "no name fits"
BREATHS = {True: "1 whole breath", False: "{count} whole breaths"}
HEARD = "{breaths} in {seconds:g} s. {sounds}."
PLACED = "{count} × {kind}"
ALONE = "Breathing alone"
MISFIT = "This does not fit together: {reason}. The sound below is the last one that fitted."
NOT_BUILT = "This does not fit together: {reason}."
TIMES = "Exact times of all events"
HEADS = ("sound", "start (s)", "end (s)", "level (dB)", "band (Hz)")
BAND = "{:.0f} to {:.0f}"
LEVELS = "Levels are above the RMS of inspiration at 1 L/s; a band holds the middle 90 % of an event's energy."
SEND = "Label it in the first tab"
DOWNLOAD = "Prepare the files"
FILES = "WAV and annotation (ICBHI .txt, SPRSound .json)"
FILES_NOTE = (
    "The first tab takes the sound and its annotation; every model there, and in Compare, labels it. A pleural rub "
    "has no class in ICBHI or SPRSound, so its recording comes without an annotation."
)
