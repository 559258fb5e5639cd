"""What the tab Atlas says: a page for each sound, as a table.

Numbers are those of ``rsc_core.synth``, with the sources named there. Sentences are from memory of the sources named
beside them, and were not checked against them word by word: the page says so.
"""

from dataclasses import dataclass

BOHADANA = "Bohadana, Izbicki and Kraman, N Engl J Med 2014;370:744"
PASTERKAMP = "Pasterkamp, Kraman and Wodicka, Am J Respir Crit Care Med 1997;156:974"
TASK_FORCE = "Pasterkamp et al., ERS task force, Eur Respir J 2016;47:724"
ATS = "American Thoracic Society, 1977"
CORSA = "CORSA: Sovijärvi et al., Eur Respir Rev 2000"
SQUAWKS = "Japanese Journal of Thoracic Diseases 1987;25(8), 29 patients"

LUNGS = ("Al", "Ar", "Pl", "Pr", "Ll", "Lr")
BASES = ("Pl", "Pr", "Ll", "Lr")


@dataclass(frozen=True)
class Entry:
    """One sound's page."""

    title: str
    definition: str
    sources: tuple[str, ...]
    mechanism: str  # two sentences
    confused: dict[str, str]  # other entry -> how to tell them apart
    codes: tuple[str, ...]  # places on the chest where it is mostly heard
    where: str
    spans: dict[str, tuple[float, float]]  # phase -> from and to, as shares of it
    when: str


ENTRIES: dict[str, Entry] = {
    "normal": Entry(
        "Normal breathing",
        "A soft rustle without pitch: heard all through inspiration, and in the first part of expiration, where it "
        "is softer. It is strongest at low frequencies and fades quickly above them.",
        (BOHADANA, PASTERKAMP),
        "Fast air in the larger airways becomes turbulent and makes noise; lung and chest wall take away its high "
        "frequencies. Inspiration makes its noise nearer to the chest wall, expiration more centrally, so expiration "
        "is the softer one.",
        {
            "fine crackle": "Crackles are separate clicks in the rustle. Hair or cloth under the chest piece clicks "
            "too, without keeping to a phase.",
            "rhonchus": "The rustle has no pitch; a rhonchus could be hummed.",
        },
        LUNGS,
        "Over the whole chest. Over the trachea (Tc) breathing is louder and harsher, and both phases are alike.",
        {"inspiration": (0.0, 1.0), "expiration": (0.0, 0.45)},
        "All of inspiration and the beginning of expiration.",
    ),
    "fine crackle": Entry(
        "Fine crackle",
        "A very short, high click, like Velcro pulled apart, mostly many in a row. ATS: typically an initial "
        "deflection of 0.7 ms and two cycles in 5 ms; CORSA: two cycles in less than 10 ms.",
        (ATS, CORSA, BOHADANA),
        "Small airways that closed in the expiration before snap open, each with one click. They open at about the "
        "same volume in every breath, so the crackles come back at the same moment.",
        {
            "coarse crackle": "Coarse ones are lower, longer and fewer, and come earlier in inspiration.",
            "pleural rub": "A rub creaks in both phases; fine crackles mostly keep to inspiration.",
        },
        BASES,
        "Mostly at the bases of the lungs, behind and at the sides.",
        {"inspiration": (0.5, 0.95)},
        "Mid to late inspiration.",
    ),
    "coarse crackle": Entry(
        "Coarse crackle",
        "A short, low pop, fewer than fine ones. ATS: typically an initial deflection of 1.5 ms and two cycles in "
        "10 ms; CORSA: two cycles in more than 10 ms, and less than 20 ms.",
        (ATS, CORSA, BOHADANA),
        "Gas passes in gulps through larger airways that open and close, often with secretions in them. A cough moves "
        "the secretions, so it may change the crackles or end them.",
        {
            "fine crackle": "Fine ones are higher, shorter and many, and come late in inspiration.",
            "pleural rub": "A rub's creaks last longer, over 15 ms, and no cough changes them.",
        },
        LUNGS,
        "Anywhere over the chest; loud ones can be heard at the mouth.",
        {"inspiration": (0.05, 0.45), "expiration": (0.1, 0.6)},
        "Early inspiration, and expiration.",
    ),
    "wheeze": Entry(
        "Wheeze",
        "A musical sound, a whistle with a pitch. Bohadana: over 80 ms long; CORSA: over 100 ms and above 100 Hz; "
        "ATS: over 250 ms and 400 Hz or more.",
        (BOHADANA, CORSA, ATS),
        "The walls of an airway narrowed almost to closing flutter in the air that flows through. The pitch comes "
        "from the wall's mass and stiffness and from the flow, not from the airway's length.",
        {
            "rhonchus": "A rhonchus is lower and rougher, like snoring.",
            "stridor": "Stridor is loudest over the neck and mostly in inspiration.",
            "squawk": "A squawk is a wheeze cut short: some tens of milliseconds, in inspiration.",
        },
        ("Tc", *LUNGS),
        "Anywhere over the chest; often clearest over the trachea (Tc), since the lung muffles high sounds.",
        {"expiration": (0.0, 0.75)},
        "Mostly expiration; with stronger narrowing in inspiration too.",
    ),
    "rhonchus": Entry(
        "Rhonchus",
        "A low musical sound, like snoring. ATS: 200 Hz or less and over 250 ms; CORSA: below about 300 Hz and over "
        "100 ms. Some call it a low-pitched wheeze.",
        (ATS, CORSA, TASK_FORCE),
        "Secretions and the walls of larger airways vibrate as air passes. A cough may clear it away.",
        {
            "wheeze": "A wheeze is higher and purer, a whistle.",
            "coarse crackle": "Coarse crackles are separate pops; a rhonchus goes on.",
        },
        ("Tc", "Al", "Ar"),
        "Mostly over the large airways in front; a loud one everywhere.",
        {"expiration": (0.0, 0.7)},
        "Mostly expiration; often both phases.",
    ),
    "stridor": Entry(
        "Stridor",
        "A loud musical sound of high pitch, above 500 Hz, over 250 ms long; it can be heard without a stethoscope.",
        (BOHADANA, "a review, PMC10521503, table 1"),
        "Air rushes through a narrowed larynx or trachea and makes its walls vibrate. Above the thorax the narrow "
        "place is sucked together by inspiration, so that is when it sounds.",
        {
            "wheeze": "A wheeze is softer, mostly in expiration, and louder over the chest than over the neck.",
            "rhonchus": "A rhonchus is low, and changes with a cough.",
        },
        ("Tc",),
        "Loudest over the neck (Tc).",
        {"inspiration": (0.05, 0.95)},
        "Inspiration when the narrow place is above the thorax, expiration when it is inside, both when it is fixed.",
    ),
    "squawk": Entry(
        "Squawk",
        "A short wheeze in inspiration, often right after a crackle: in 29 patients 68 ± 40 ms long, at 530 ± 256 Hz.",
        (SQUAWKS, BOHADANA),
        "A small airway snaps open late, which may be heard as a crackle. Its walls then go on vibrating in the air "
        "that flows in, for a moment.",
        {
            "wheeze": "A wheeze lasts longer and mostly comes in expiration.",
            "fine crackle": "A crackle is a click without pitch, a squawk a chirp.",
        },
        BASES,
        "Mostly where fine crackles are: at the bases, behind and at the sides.",
        {"inspiration": (0.5, 0.75)},
        "Mid to late inspiration.",
    ),
    "pleural rub": Entry(
        "Pleural rub",
        "A row of short creaks, like leather, each over 15 ms long and below 350 Hz, in both phases. The models here "
        "have no class for it.",
        (BOHADANA,),
        "Inflamed pleurae stick and slip as lung and chest wall move past each other. The same places pass again on "
        "the way back, so expiration repeats the creaks of inspiration in the opposite order.",
        {
            "coarse crackle": "Crackles are shorter, and a cough may change them.",
            "fine crackle": "Fine crackles are higher, shorter, and mostly in inspiration only.",
        },
        ("Ll", "Lr"),
        "In one small area, mostly low at the sides.",
        {"inspiration": (0.1, 0.9), "expiration": (0.1, 0.9)},
        "Both phases.",
    ),
}
"""Entry -> its page; beside "normal" the keys are those of rsc_core.synth.KINDS."""

PLACES = {
    "Tc": "trachea",
    "Al": "anterior left",
    "Ar": "anterior right",
    "Pl": "posterior left",
    "Pr": "posterior right",
    "Ll": "lateral left",
    "Lr": "lateral right",
}
"""ICBHI's codes of the chest's places."""

NOTE = (
    "Eight sounds: what each word means, how the sound arises, and what it is mistaken for. All sounds here are "
    "synthesised over the same breath, cleaner than any patient's."
)
CHOOSE = "Sound"
DEFINITION = "What it is"
MECHANISM = "How it arises"
WHERE = "Where on the chest"
WHEN = "When in the breath"
CONFUSED = "What it is confused with"
HEAR = "Hear it"
HEAR_NOTE = "Synthesised. Switch to another sound while it plays: it goes on at the same place, over the same breath."
SEE = "See it"
SOURCES = "Sources: {names}. Written from memory of them, unverified."
PHASES = ("inspiration", "expiration")
VIEWS = ("front", "back")
CHEST_ALT = "Chest from the front and from the back; marked: {places}."
BREATH_ALT = "One breath, inspiration then expiration; marked: {when}"
