"""How a file is to be read: what a person chose, completed by what inspection found."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from .cleaning import SWITCHES
from .encoding import encoding_name
from .presets import PRESET_NAMES
from .records import ImportRefused, InvalidOptions

ROLES = ("lyrics", "title", "artist", "genre", "year", "language")
DELIMITERS = (",", "\t", ";", "|")
DELIMITER_NAMES = {"comma": ",", "tab": "\t", "\\t": "\t", "semicolon": ";", "pipe": "|"}
FORMAT_NAMES = ("csv", "tsv", "jsonl", "json", "txt", "zip")
# How songs follow each other in a text file; any other separator is a line that stands between two songs.
SEPARATORS = ("none", "rule", "blank", "heads")
SEPARATOR_CHARACTERS = 100
SHOWN_CHARACTERS = 40  # of a name that is not known
_LANGUAGE_CODE = re.compile("[a-z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Every choice about reading one file; what is empty is found out by looking at the file.

    ``mapping`` names the column of each role (lyrics, title, artist, genre, year, language).
    ``has_header`` says whether a table's first row names its columns, None means: look.
    ``separator`` says what stands between the songs of a text file: "none" (the file is one song), "rule" (a line
    of dashes, equals signs or asterisks), "blank" (three empty lines or more), "heads" (``-Title-`` or
    ``[Song 1: Title]`` lines), or any other line taken literally. ``title_line`` says that each song of a text file
    begins with its title.

    What is done with the songs: ``cleaning`` turns switches of `cleaning.SWITCHES` on or off (those not named are on);
    ``language`` keeps only songs in these languages (ISO 639-1 codes; empty keeps all); ``detect_language``,
    ``duplicates`` (exact and normalised), ``near_duplicates`` and ``full_text`` leave a whole step out when false.
    """

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    has_header: bool | None = None
    separator: str = ""
    title_line: bool = False
    preset: str = ""
    cleaning: Mapping[str, bool] = field(default_factory=dict)
    language: tuple[str, ...] = ()
    detect_language: bool = True
    duplicates: bool = True
    near_duplicates: bool = True
    full_text: bool = True

    @classmethod
    def from_dict(cls, values: Mapping | None) -> "ImportOptions":
        """Options out of JSON that a person sent or that ``to_dict`` made.

        Raises: InvalidOptions naming every option that makes no sense or does not exist: nobody would notice a typing
            mistake in a name that is left alone.
        """
        values = dict(values or {})
        known = [option.name for option in fields(cls)]
        chosen, errors = {}, {}
        for name in values.keys() - known:
            errors[str(name)[:SHOWN_CHARACTERS]] = [f"There is no such option, but {', '.join(known)}."]
        for name in known:
            value = values.get(name)
            if value is None or value == "":
                continue
            try:
                chosen[name] = _CHECKS[name](value)
            except ImportRefused as refusal:
                errors[name] = [str(refusal)]
        if errors:
            raise InvalidOptions(errors)
        return cls(**chosen)

    def to_dict(self) -> dict:
        """JSON-safe values from which ``from_dict`` makes equal options."""
        return {
            **asdict(self),
            "mapping": dict(self.mapping),
            "cleaning": dict(self.cleaning),
            "language": list(self.language),
        }

    def completed(self, **found) -> "ImportOptions":
        """These options with everything still open filled from ``found``."""
        return replace(
            self, **{name: value for name, value in found.items() if getattr(self, name) in ("", None, {}, ())}
        )


def _format(value) -> str:
    if value not in FORMAT_NAMES:
        raise ImportRefused(f"The format has to be one of {', '.join(FORMAT_NAMES)}.")
    return value


def _encoding(value) -> str:
    if not isinstance(value, str):
        raise ImportRefused("The encoding has to be a name such as utf-8.")
    return encoding_name(value)


def _delimiter(value) -> str:
    delimiter = DELIMITER_NAMES.get(value, value) if isinstance(value, str) else None
    if delimiter not in DELIMITERS:
        raise ImportRefused("The delimiter has to be a comma, a tab, a semicolon or a pipe.")
    return delimiter


def _mapping(value) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ImportRefused("The mapping has to name a column for each role.")
    if unknown := [str(role)[:SHOWN_CHARACTERS] for role in value if role not in ROLES]:
        raise ImportRefused(f"The mapping knows {', '.join(ROLES)}, not {', '.join(unknown)}.")
    if not all(column is None or isinstance(column, str) for column in value.values()):
        raise ImportRefused("Each column in the mapping has to be given by its name.")
    return {role: column for role, column in value.items() if column}


def _flag(value) -> bool:
    if not isinstance(value, bool):
        raise ImportRefused("This option is either true or false.")
    return value


def _separator(value) -> str:
    if not isinstance(value, str) or len(value) > SEPARATOR_CHARACTERS or "\n" in value.strip():
        raise ImportRefused(f"The separator has to be one line of at most {SEPARATOR_CHARACTERS} characters.")
    return value.strip()


def _preset(value) -> str:
    if value not in PRESET_NAMES:
        raise ImportRefused(f"The preset has to be one of {', '.join(PRESET_NAMES)}.")
    return value


def _cleaning(value) -> dict[str, bool]:
    if not isinstance(value, Mapping) or not all(isinstance(is_on, bool) for is_on in value.values()):
        raise ImportRefused("Cleaning has to say true or false for each of its switches.")
    if unknown := [str(switch)[:SHOWN_CHARACTERS] for switch in value if switch not in SWITCHES]:
        raise ImportRefused(f"Cleaning knows {', '.join(SWITCHES)}, not {', '.join(unknown)}.")
    return dict(value)


def _languages(value) -> tuple[str, ...]:
    codes = [value] if isinstance(value, str) else value
    if not isinstance(codes, list | tuple) or not all(isinstance(code, str) for code in codes):
        raise ImportRefused("The language has to be a code such as en, or a list of them.")
    codes = tuple(dict.fromkeys(code.strip().lower() for code in codes if code.strip()))
    if not all(_LANGUAGE_CODE.fullmatch(code) for code in codes):
        raise ImportRefused("Each language has to be a code of two letters, such as en.")
    return codes


_CHECKS = {
    "format": _format,
    "encoding": _encoding,
    "delimiter": _delimiter,
    "mapping": _mapping,
    "has_header": _flag,
    "separator": _separator,
    "title_line": _flag,
    "preset": _preset,
    "cleaning": _cleaning,
    "language": _languages,
    "detect_language": _flag,
    "duplicates": _flag,
    "near_duplicates": _flag,
    "full_text": _flag,
}
