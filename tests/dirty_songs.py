"""A table as people really have them: markup, broken letters, a site's own words, copies, other languages, no words."""

import csv
import io

LANTERN = (
    "[Verse 1]\nI walked the lantern road alone  \nthe gravel knew my name\nI left my mother&#39;s house of stone\n"
    "and nothing stayed the same\n\n\n\n[Chorus]\nOh lantern, lantern burn for me\nI&#39;m halfway to the shore"
)
LIVE = (
    "I walked the lantern road alone\nthe gravel knew my name\nI left my mother's house of stone\n"
    "and nothing stayed the same\nthank you, thank you all tonight"
)
CORNER = (
    "Thereâ€™s a table on the corner of the square\nand nobody there knows me\nI order rain and a slice of air\n"
    "and I pay for the company"
)
BOATS = (
    "We fold the bills to paper boats\nand float them down the drain\nthe landlord wears a summer coat\n"
    "and whistles in the rain"
)
ORCHARD = (
    "12 Contributors\nIron Orchard Lyrics\n[Intro]\nThe apples rust upon the bough<br>the ladder leans on rain\n"
    "we were the children of the plough\nwe will not plough again (x2)\n\n[Chorus]\nEmbed"
)
NACHTZUG = (
    "Der Nachtzug fährt durch meine Stadt\nund keiner steigt hier aus\nich hab die lange Nacht so satt\n"
    "und finde nicht nach Haus"
)

# Three in use, two copies, one without words.
FEW = [
    ("Lantern Road", "Mira Holt", "Folk", LANTERN),
    ("Lantern Road (Live)", "Mira Holt", "Folk", LIVE),
    ("Corner", "José Vega", "Pop", CORNER),
    ("Paper Boats", "Ada Quill", "Pop", BOATS),
    ("Paper Boats", "Ada Quill", "Pop", BOATS),
    ("Silence", "Nobody", "Pop", ""),
]
ALL = [
    *FEW,
    ("Iron Orchard", "The Millrace", "Rock", ORCHARD),
    ("Nachtzug", "Lene Brandt", "Chanson", NACHTZUG),
    ("Interlude", "Nobody", "Pop", "[Instrumental]"),
]


def dirty_table(rows=FEW, header=("title", "artist", "genre", "lyrics"), encoding="utf-8") -> bytes:
    """The songs as a CSV file; what the encoding lacks becomes a question mark."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue().encode(encoding, errors="replace")
