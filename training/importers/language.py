"""Which language a song is in: heard from its words, and settled against what its file says."""

from functools import cache

CHARACTERS_HEARD = 600  # more of a song changes nothing but the time it takes
FEWEST_LETTERS = 12
SURE = 0.8

# What files write in a language column, besides the two letters of ISO 639-1.
_CODES = {
    "english": "en",
    "eng": "en",
    "german": "de",
    "deutsch": "de",
    "ger": "de",
    "deu": "de",
    "french": "fr",
    "francais": "fr",
    "français": "fr",
    "fre": "fr",
    "fra": "fr",
    "spanish": "es",
    "espanol": "es",
    "español": "es",
    "spa": "es",
    "portuguese": "pt",
    "portugues": "pt",
    "português": "pt",
    "por": "pt",
    "italian": "it",
    "italiano": "it",
    "ita": "it",
    "dutch": "nl",
    "nederlands": "nl",
    "nld": "nl",
    "dut": "nl",
    "swedish": "sv",
    "swe": "sv",
    "norwegian": "no",
    "nor": "no",
    "danish": "da",
    "dan": "da",
    "finnish": "fi",
    "fin": "fi",
    "polish": "pl",
    "pol": "pl",
    "czech": "cs",
    "ces": "cs",
    "cze": "cs",
    "russian": "ru",
    "rus": "ru",
    "ukrainian": "uk",
    "ukr": "uk",
    "turkish": "tr",
    "tur": "tr",
    "greek": "el",
    "ell": "el",
    "gre": "el",
    "hungarian": "hu",
    "hun": "hu",
    "romanian": "ro",
    "ron": "ro",
    "japanese": "ja",
    "jpn": "ja",
    "korean": "ko",
    "kor": "ko",
    "chinese": "zh",
    "zho": "zh",
    "chi": "zh",
    "arabic": "ar",
    "ara": "ar",
    "hebrew": "he",
    "heb": "he",
    "hindi": "hi",
    "hin": "hi",
}


def detect_language(text: str) -> tuple[str, float]:
    """The ISO 639-1 code of a lyric's language and how sure that is (0 to 1); ``("", 0.0)`` if it is too short."""
    heard = text[:CHARACTERS_HEARD]
    if sum(map(str.isalpha, heard)) < FEWEST_LETTERS:
        return "", 0.0
    language, confidence = _identifier().classify(heard)
    return str(language), round(float(confidence), 3)


def settled_language(detected: str, confidence: float, in_file: str) -> str:
    """The language to go by: the detected one where it is sure, otherwise what the file says, as a code if known."""
    said = language_code(in_file)
    return detected if detected and (confidence >= SURE or not said) else said


def language_code(name: str) -> str:
    """``name`` as a code of two letters where it is known ("ENGLISH", "eng", "en-GB" are "en"), otherwise unchanged."""
    plain = name.strip().casefold()
    short = plain.replace("_", "-").partition("-")[0]
    return _CODES.get(plain) or (short if len(short) == 2 else name.strip())


@cache
def _identifier():
    """The model, loaded when it is first asked: it takes half a second, and few processes need it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
