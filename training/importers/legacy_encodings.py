"""Which of the encodings from before Unicode a few lines are written in.

Each candidate decodes the lines; the one under which their characters surprise least wins. How much a character
surprises comes from its place among a language's letters beyond ASCII, the most frequent first; a letter among letters
of another script, a symbol inside a word or a capital after a small letter surprise more.

Most lyrics have one accent in a line, which is too little for detectors made for pages. Measured on sentences of
Django's translations in 28 languages and 17 encodings, 504 samples each of one, three and ten lines: this reads 87, 97
and 99.8 % rightly, charset-normalizer 3.5.3 with the same choices 55, 65 and 73 %.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log2

# Letters beyond ASCII, the most frequent first, as small letters where there are two cases.
ALPHABETS = {
    "english": "éïèñöüáç",
    "german": "üäöß",
    "french": "éèàêçôûîùâœëï",
    "spanish": "óáéíñúü",
    "portuguese": "ãéçáóêíõúàôâ",
    "italian": "èàùòéì",
    "swedish": "äåöé",
    "danish": "åøæé",
    "icelandic": "íáðóþúéýöæ",
    "polish": "łęąśżóćńź",
    "czech": "íáéěšřžčýůúťňďľôä",
    "hungarian": "áéöőóüíúű",
    "croatian": "šžčćđ",
    "romanian": "ăîâşţșț",
    "russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "ukrainian": "оанівиретслкмдпуязьбгйчхїжшюцєщфґ",
    "bulgarian": "аеоитнрсвлкдпмзъгуябчщшцйжхюфь",
    "serbian": "аоиенрстјувкмдплзбгшчцјњхљжћђфџ",
    "greek": "αοιετσνηυρπκμλςωάγήόίέδχθύφβώξζψϊϋ",
    "turkish": "ıüşğçöâî",
    "hebrew": "יוהלאמרתבשנםחדעקפצגטכסזןךץף",
    "arabic": "اليمونرتبهعدسفكقحةجشأطصخىغئزذظضإآءثؤ",
    "lithuanian": "ėšųžąįčūę",
    "latvian": "āīšēņūļžčķģ",
    "estonian": "äõüöšž",
}
KANA = (
    "いのなかにてをとるしたはれがうらもくまこあよりきでつんすさだえみそめどやけせおわちへろねほじゆひばむふぎげずぼびべごぶぐ"
    "ざぞぜづぬょゃゅっ"
)
KANJI = "人一日時愛夢今君僕私何手目心夜空花風月星海雨春夏秋冬会来見言思出生世界行前中上下涙笑歌声光道好"
HANZI = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好"
    "都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把"
    "花春夏秋冬月等唱歌首爱梦夜风雨星泪海山走光"
)
HANZI_TRADITIONAL = (
    "的一是不了人我在有他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好"
    "都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把"
    "花春夏秋冬月等唱歌首愛夢夜風雨星淚海山走光"
)
HANGUL = (
    "이다는을가의에하고지나너사랑도를한은리기서어그내라만아시있해인자로대수보게정오니들일마음거없우말날부여무제면상전주네"
    "러난모조비장과신선구눈원안세미당동소연스르바생려까요같길야저었울못진할더때손빛별밤늘잊걸간람꿈노래"
)
# Marks that every language uses, by how often.
PUNCTUATION = "’“”\xa0–…—‘„«»¿¡´·•°€©®ªº"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoding, the languages kept in it, and how many bits of evidence it takes to believe in it."""

    encoding: str
    languages: tuple[str, ...]
    doubt: float


WESTERN = ("english", "german", "french", "spanish", "portuguese", "italian", "swedish", "danish", "icelandic")
CENTRAL = ("polish", "czech", "hungarian", "croatian", "romanian", "german")
CYRILLIC = ("russian", "ukrainian", "bulgarian", "serbian")
BALTIC = ("lithuanian", "latvian", "estonian")

# ISO-8859-1 is no candidate: Windows-1252 reads all of it.
CANDIDATES = (
    Candidate("windows-1252", WESTERN, 0),
    Candidate("windows-1250", CENTRAL, 3),
    Candidate("iso-8859-2", CENTRAL, 4),
    Candidate("windows-1251", CYRILLIC, 3),
    Candidate("koi8-r", ("russian",), 4),
    Candidate("windows-1253", ("greek",), 4),
    Candidate("windows-1254", ("turkish",), 4),
    Candidate("windows-1255", ("hebrew",), 4),
    Candidate("windows-1256", ("arabic",), 4),
    Candidate("windows-1257", BALTIC, 5),
    Candidate("iso-8859-15", WESTERN, 6),
    Candidate("mac-roman", WESTERN, 6),
    Candidate("cp850", WESTERN, 7),
    Candidate("cp437", WESTERN, 8),
    Candidate("shift_jis", ("japanese",), 4),
    Candidate("euc-jp", ("japanese",), 5),
    Candidate("gb18030", ("chinese",), 4),
    Candidate("big5", ("taiwanese",), 5),
    Candidate("euc-kr", ("korean",), 5),
)

# Bits: what an impossible thing costs a candidate.
UNREADABLE, UNKNOWN_CHARACTER, ODD_NEIGHBOUR, TWO_ACCENTS = 20.0, 11.0, 5.0, 4.0
ANOTHER_LANGUAGE = 6.0
LINES = 60
CHARACTERS_OF_A_LINE = 60

_NOT_ASCII_BYTE = re.compile(rb"[\x80-\xff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def guess_legacy_encoding(lines: Sequence[bytes]) -> tuple[str, float]:
    """The name of the likeliest encoding and how likely it is, from 0 to 1; Windows-1252 where nothing tells."""
    chosen = lines[:: len(lines) // LINES + 1]
    costs = {candidate.encoding: candidate.doubt + surprise(chosen, candidate) for candidate in CANDIDATES}
    name = min(costs, key=costs.__getitem__)
    # Many encodings read the same text out of the same bytes; only one that reads another is an alternative.
    others = (other for other in sorted(costs, key=costs.__getitem__) if _differ(chosen, name, other))
    margin = costs[next(others, name)] - costs[name]
    return name, _confidence(margin, sum(len(_NOT_ASCII_BYTE.findall(line)) for line in chosen))


def _confidence(margin: float, letters: int) -> float:
    """How often a guess that is ``margin`` bits better than the next one is right; a few letters prove little.

    The two bits were measured: of 1,512 samples those with a margin of 3 bits were right in 70 %, 5 in 85 %, 7 in 95 %.
    """
    return round(min(1 / (1 + 2 ** (-margin / 2)), 0.7 + 0.29 * letters / (letters + 4)), 2)


def _differ(lines: Sequence[bytes], one: str, other: str) -> bool:
    return any(line.decode(one, "replace") != line.decode(other, "replace") for line in lines)


def surprise(lines: Sequence[bytes], candidate: Candidate) -> float:
    """How many bits the characters beyond ASCII cost if the lines are written as the candidate says.

    A file is mostly in one language; each line may be in another, at a price.
    """
    oddities, by_language = 0.0, []
    for line in lines:
        text = line.decode(candidate.encoding, "replace")
        places = [found.start() for found in _NOT_ASCII.finditer(text)][:CHARACTERS_OF_A_LINE]
        oddities += sum(_oddity(text, place) for place in places)
        characters = [text[place] for place in places]
        by_language.append([_cost(characters, language) for language in candidate.languages])
    return oddities + min(
        (
            sum(min(costs[main], min(costs) + ANOTHER_LANGUAGE) for costs in by_language)
            for main in range(len(candidate.languages))
        ),
        default=0.0,
    )


def _cost(characters: list[str], language: str) -> float:
    costs = _costs(language)
    unknown = 2 * UNKNOWN_CHARACTER if language in _WIDE else UNKNOWN_CHARACTER
    return sum([costs.get(character, unknown) for character in characters])


def _oddity(text: str, place: int) -> float:
    character = text[place]
    if character == "\ufffd" or "\x80" <= character < "\xa0":
        return UNREADABLE
    before, after = text[place - 1] if place else " ", text[place + 1 : place + 2] or " "
    if not character.isalpha():
        return ODD_NEIGHBOUR if before.isalpha() and after.isalpha() and character not in "’‘´\xa0" else 0.0
    if character >= "\u0370":
        return ODD_NEIGHBOUR * (_is_ascii_letter(before) + _is_ascii_letter(after))
    return ODD_NEIGHBOUR * (character.isupper() and before.islower()) + TWO_ACCENTS * (
        before > "\x7f" and before.isalpha()
    )


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


@cache
def _costs(language: str) -> dict[str, float]:
    """The bits that each character costs in a language."""
    letters_share = 0.4 if language == "english" else 0.85
    punctuation = {mark: 1 / (rank + 1) for rank, mark in enumerate(PUNCTUATION)}
    letters = _WIDE[language]() if language in _WIDE else _letters(ALPHABETS[language], letters_share)
    shares = _shares(punctuation, 1 - letters_share) | letters
    return {character: -log2(share) for character, share in shares.items()}


def _letters(alphabet: str, total: float) -> dict[str, float]:
    """The share of each letter: one in twelve is a capital, where there are such."""
    small = {letter: 1 / (rank + 2) for rank, letter in enumerate(alphabet)}
    capitals = {letter.upper(): share for letter, share in small.items() if len(letter.upper()) == 1}
    return _shares(capitals, 0.08 * total) | _shares(small, 0.92 * total)


def _shares(weights: dict[str, float], total: float) -> dict[str, float]:
    whole = sum(weights.values())
    return {character: total * weight / whole for character, weight in weights.items()}


def _even(first: int, last: int, total: float) -> dict[str, float]:
    return {chr(point): total / (last - first + 1) for point in range(first, last + 1)}


def _ideographs(total: float) -> dict[str, float]:
    # Songs use no more than a quarter of them, so each that is used is four times as likely.
    return {character: 4 * share for character, share in _even(0x4E00, 0x9FA5, total).items()}


def _japanese() -> dict[str, float]:
    kana = {letter: 1 / (rank + 8) for rank, letter in enumerate(KANA)}
    return (
        _even(0x3000, 0x303F, 0.04)
        | _even(0xFF01, 0xFF5E, 0.02)
        | _ideographs(0.15)
        | _even(0x30A1, 0x30FC, 0.12)
        | _even(0x3041, 0x3096, 0.02)
        | _shares(kana, 0.5)
        | _shares(dict.fromkeys(KANJI, 1.0), 0.12)
    )


def _chinese_with(common: str) -> dict[str, float]:
    return (
        _even(0x3000, 0x303F, 0.04)
        | _even(0xFF01, 0xFF5E, 0.05)
        | _ideographs(0.4)
        | _shares(dict.fromkeys(common, 1.0), 0.5)
    )


def _korean() -> dict[str, float]:
    return (
        _even(0x3000, 0x303F, 0.02)
        | _even(0xAC00, 0xD7A3, 0.4)
        | _ideographs(0.02)
        | _shares(dict.fromkeys(HANGUL, 1.0), 0.55)
    )


_WIDE = {
    "japanese": _japanese,
    "chinese": lambda: _chinese_with(HANZI),
    "taiwanese": lambda: _chinese_with(HANZI_TRADITIONAL),
    "korean": _korean,
}
