"""The language of a song: read off its words, and weighed against what the file's own column says.

py3langid's model costs some 75 MB and seconds to load, so it is loaded by the first song that asks. It is not told
which languages to expect.

Measured on invented verses in sixteen languages: right for 93 % of single lines, 97 % of two or three lines, all of
six and more; of what is answered with these limits nothing was wrong. Of 3,597 English, Scots and Tyneside songs none
was called anything but English.
"""

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from training.language_model.lyric_text import section_name

# About six lines. More changes hardly an answer and costs time in proportion.
READ_CHARACTERS = 240
# Every second of these lines is asked first, in half the time: where that is this sure, all of them say the same.
SURE_OF_HALF = 0.95
# Fewer letters than this (about three words) say nothing; names of places and "la la la" decide.
FEWEST_LETTERS = 12
LEAST_CONFIDENCE = 0.5
# Neighbours are taken for each other below this (Malay for Indonesian, Bulgarian for Russian: at most 0.62).
LEAST_CONFIDENCE_OF_OTHERS = 0.7
# From here on the words are believed against the column.
SURE = 0.9

NO_LANGUAGE = "zxx"  # what the model calls text without any
WORDLESS = re.compile(r"[\W\d_]+")
CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*")
NAMES = {
    "english": "en", "inglês": "en", "ingles": "en", "anglais": "en", "englisch": "en",
    "portuguese": "pt", "português": "pt", "portugues": "pt", "brazilian portuguese": "pt",
    "spanish": "es", "español": "es", "espanol": "es", "castilian": "es",
    "french": "fr", "français": "fr", "francais": "fr",
    "german": "de", "deutsch": "de", "italian": "it", "italiano": "it", "dutch": "nl", "nederlands": "nl",
    "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "icelandic": "is", "polish": "pl",
    "czech": "cs", "slovak": "sk", "hungarian": "hu", "romanian": "ro", "bulgarian": "bg", "greek": "el",
    "russian": "ru", "ukrainian": "uk", "serbian": "sr", "croatian": "hr", "slovenian": "sl", "turkish": "tr",
    "arabic": "ar", "hebrew": "he", "persian": "fa", "hindi": "hi", "bengali": "bn", "tamil": "ta", "telugu": "te",
    "chinese": "zh", "mandarin": "zh", "japanese": "ja", "korean": "ko", "vietnamese": "vi", "thai": "th",
    "indonesian": "id", "malay": "ms", "filipino": "tl", "tagalog": "tl", "swahili": "sw", "latin": "la",
    "irish": "ga", "welsh": "cy", "catalan": "ca", "galician": "gl", "basque": "eu", "estonian": "et",
    "latvian": "lv", "lithuanian": "lt", "afrikaans": "af", "esperanto": "eo", "haitian creole": "ht",
}  # fmt: skip
THREE_LETTERS = {
    "eng": "en", "por": "pt", "spa": "es", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "ita": "it",
    "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "nor": "no", "nob": "no", "nno": "no", "fin": "fi",
    "isl": "is", "ice": "is", "pol": "pl", "ces": "cs", "cze": "cs", "slk": "sk", "slo": "sk", "hun": "hu",
    "ron": "ro", "rum": "ro", "bul": "bg", "ell": "el", "gre": "el", "rus": "ru", "ukr": "uk", "srp": "sr",
    "hrv": "hr", "slv": "sl", "tur": "tr", "ara": "ar", "heb": "he", "fas": "fa", "per": "fa", "hin": "hi",
    "ben": "bn", "tam": "ta", "tel": "te", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "vie": "vi",
    "tha": "th", "ind": "id", "msa": "ms", "may": "ms", "fil": "tl", "tgl": "tl", "swa": "sw", "lat": "la",
    "gle": "ga", "cym": "cy", "wel": "cy", "cat": "ca", "glg": "gl", "eus": "eu", "baq": "eu", "est": "et",
    "lav": "lv", "lit": "lt", "afr": "af", "epo": "eo", "hat": "ht",
}  # fmt: skip
OLD_CODES = {"iw": "he", "in": "id", "nb": "no", "nn": "no", "fil": "tl"}


def detect_language(text: str) -> tuple[str, float]:
    """The language a song is sung in, with how sure that is.

    Returns: (ISO 639-1 code, confidence 0 … 1), or ("", 0.0) where the words are too few or too mixed to say.
    """
    lines = _first_lines(text)
    words = _as_one(lines)
    if len(WORDLESS.sub("", words)) < FEWEST_LETTERS and words.isascii():
        return "", 0.0
    language, confidence = _identifier().classify(_as_one(lines[::2]))
    if confidence < SURE_OF_HALF and len(lines) > 1:
        language, confidence = _identifier().classify(words)
    if language == NO_LANGUAGE or confidence < (LEAST_CONFIDENCE if language == "en" else LEAST_CONFIDENCE_OF_OTHERS):
        return "", 0.0
    return OLD_CODES.get(language, language), round(float(confidence), 4)


def sung_words(text: str) -> str:
    """The first different lines of a song, without its section tags, as one lower-case line of bounded length."""
    return _as_one(_first_lines(text))


def _first_lines(text: str) -> list[str]:
    lines: dict[str, None] = {}
    length = 0
    for line in text.split("\n"):
        line = line.strip().lower()
        if line and line not in lines and section_name(line) is None:
            lines[line] = None
            length += len(line)
            if length >= READ_CHARACTERS:
                break
    return list(lines)


def _as_one(lines: list[str]) -> str:
    return " ".join(lines)[:READ_CHARACTERS]


def settled_language(detected: str, confidence: float, in_file: str) -> str:
    """The language to believe: the words' where they are clear, else the column's, else what the words suggest.

    Args:
        detected, confidence: as `detect_language` gave them.
        in_file: what the file's column says, in any form: "ENGLISH", "eng", "pt-BR", "".
    Returns: a lower-case ISO 639-1 code where the language is known, else the column's own word, "" for unknown.
    """
    column = language_code(in_file)
    if not column or (detected and confidence >= SURE):
        return detected or column
    return column


def language_code(name: str) -> str:
    """The ISO 639-1 code that a column's word means ("Portuguese" -> "pt"), the word in lower case if none is known."""
    name = name.strip().lower()
    if name in NAMES:
        return NAMES[name]
    found = CODE.fullmatch(name)
    code = found[1] if found else name
    code = THREE_LETTERS.get(code, code)
    code = OLD_CODES.get(code, code)
    return "" if code in ("un", "und", "unknown", "none", "nan", "n/a", "null", "zxx", "mul") else code


def let_go() -> None:
    """Give the memory of the model back, until a song asks again."""
    _identifier.cache_clear()


@functools.cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
