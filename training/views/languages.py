"""What a language is called: the name for a code of ISO 639-1."""

from django.utils.translation import get_language_info

UNKNOWN = "Not known"


def language_name(code: str) -> str:
    """Return the English name of a language, the code itself where nobody knows it: German for de."""
    if not code:
        return UNKNOWN
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code
