"""Which characters a file's bytes mean: found by reading all of it once, in bounded memory."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

from .records import ImportRefused

CHUNK_BYTES = 256 * 1024
REPLACEMENT = "\ufffd"

# The encodings a person may choose. A closed list: Python also has codecs that are no text encodings at all.
ENCODINGS = (
    *("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "ascii"),
    *("windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "iso-8859-2", "windows-1251", "koi8-r"),
    *("windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "mac-roman", "cp437", "cp850"),
    *("shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"),
)
_CHOICES = {codecs.lookup(name).name: name for name in ENCODINGS} | {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}

# The longer marks first: UTF-32's begins with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Windows-1252 leaves these five bytes without a character.
_UNDEFINED_IN_WINDOWS_1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
# UTF-8 with a few broken places is still UTF-8: this many sound characters for each broken byte.
_SOUND_FOR_EACH_BROKEN = 4


@dataclass(frozen=True, slots=True)
class DetectedEncoding:
    """An encoding's name, how sure we are (0 to 1), and how many characters could not be read and became U+FFFD."""

    name: str
    confidence: float
    replaced: int = 0

    def to_dict(self) -> dict:
        return asdict(self)


def encoding_name(name: str) -> str:
    """The name under which we know an encoding. Raises: ImportRefused if it is not one we read."""
    try:
        return _CHOICES[codecs.lookup(name).name]
    except (LookupError, ValueError):
        raise ImportRefused(f"The encoding has to be one of {', '.join(ENCODINGS)}.") from None


def detect_encoding(stream: BinaryIO, chosen: str = "") -> DetectedEncoding:
    """Read ``stream`` to its end and say how to decode it; ``chosen`` overrides the guess and is only checked.

    A byte order mark decides, then the pattern of NUL bytes that UTF-16 leaves. Otherwise every byte is checked
    as UTF-8, so that one Latin-1 letter at the end of a gigabyte is noticed; what is not UTF-8 is Windows-1252.
    """
    head = stream.read(CHUNK_BYTES)
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark) and name.startswith(chosen[:6]):
            return DetectedEncoding(name, 1.0, _count_replaced(head, stream, name))
    if chosen:
        return DetectedEncoding(chosen, 1.0, _count_replaced(head, stream, chosen))
    if name := _utf_16_without_mark(head):
        return DetectedEncoding(name, 0.9, _count_replaced(head, stream, name))
    return _utf_8_or_windows(head, stream)


def decoded_chunks(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text of ``stream`` piece by piece: newlines as ``\\n``, without byte order mark and NUL characters.

    What cannot be decoded becomes U+FFFD; nothing is raised.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)
    at_start = True
    while chunk := stream.read(CHUNK_BYTES):
        text = decoder.decode(chunk)
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        yield text.replace("\0", "")
    yield decoder.decode(b"", final=True).replace("\0", "")


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(CHUNK_BYTES)


def _count_replaced(head: bytes, stream: BinaryIO, encoding: str) -> int:
    """How many U+FFFD decoding gives, those that stood in the file already included."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    replaced = sum(decoder.decode(chunk).count(REPLACEMENT) for chunk in _chunks(head, stream))
    return replaced + decoder.decode(b"", final=True).count(REPLACEMENT)


def _utf_16_without_mark(head: bytes) -> str:
    """UTF-16's name if the bytes pair up as they do in UTF-16, otherwise the empty string."""
    pairs = len(head) // 2 * 2
    first, second = head[0:pairs:2], head[1:pairs:2]
    if _are_halves(low=first, high=second):
        return "utf-16-le"
    return "utf-16-be" if _are_halves(low=second, high=first) else ""


def _are_halves(*, low: bytes, high: bytes) -> bool:
    """Whether these can be the low and high bytes of UTF-16: blanks with a NUL above them, hardly a NUL below."""
    nuls = high.count(0)
    # Blanks alone make a few per cent of any script; stray NULs fall on both sides.
    if nuls <= 0.03 * len(high) or low.count(0) > 0.02 * nuls:
        return False
    above_blanks = [above for below, above in zip(low, high, strict=True) if below in b" \n\r"]
    return above_blanks.count(0) > 0.9 * len(above_blanks) if above_blanks else nuls > 0.5 * len(high)


def _utf_8_or_windows(head: bytes, stream: BinaryIO) -> DetectedEncoding:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    size = characters = broken = replaced = undefined = 0
    for chunk in _chunks(head, stream):
        if chunk.isascii() and not decoder.getstate()[0]:
            continue  # nearly every chunk of nearly every file; at memory speed
        text = decoder.decode(chunk)
        size += len(chunk)
        characters += len(text)
        already = chunk.count(REPLACEMENT.encode())
        broken += text.count(REPLACEMENT) - already
        replaced += already
        undefined += sum(map(chunk.count, _UNDEFINED_IN_WINDOWS_1252))
    tail = decoder.decode(b"", final=True)
    characters, broken = characters + len(tail), broken + len(tail)
    # A sound character of n bytes leaves n - 1 over; a broken byte leaves none, as it becomes a character itself.
    sound = size - characters
    if not broken:
        return DetectedEncoding("utf-8", 1.0, replaced)
    if sound >= _SOUND_FOR_EACH_BROKEN * broken:
        return DetectedEncoding("utf-8", round(sound / (sound + broken), 2), broken + replaced)
    return DetectedEncoding("windows-1252", 0.5 if undefined else 0.7, undefined)
