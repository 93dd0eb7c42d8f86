"""Which characters a file's bytes mean: found by reading all of it once, in bounded memory."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import BinaryIO

from .encoding_evidence import Evidence
from .legacy_encodings import guess_legacy_encoding
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
# UTF-8 with a few broken places is still UTF-8: this many sound characters for each broken byte.
_SOUND_FOR_EACH_BROKEN = 4
# A quick look: this much of the beginning, and this many windows of one chunk each spread over the rest.
QUICK_HEAD_BYTES = 8 * 1024 * 1024
QUICK_WINDOWS = 16
_BLANK = re.compile(rb"[ \n]")


@dataclass(frozen=True, slots=True)
class DetectedEncoding:
    """An encoding's name and what a person needs to judge it.

    ``confidence`` runs from 0 to 1; ``replaced`` counts the characters that could not be read and became U+FFFD;
    ``samples`` are up to three lines with letters beyond ASCII, as decoded.
    """

    name: str
    confidence: float
    replaced: int = 0
    samples: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        return {**asdict(self), "samples": list(self.samples)}


def encoding_name(name: str) -> str:
    """The name under which we know an encoding. Raises: ImportRefused if it is not one we read."""
    try:
        return _CHOICES[codecs.lookup(name).name]
    except (LookupError, ValueError):
        raise ImportRefused(f"The encoding has to be one of {', '.join(ENCODINGS)}.") from None


def detect_encoding(stream: BinaryIO, chosen: str = "", *, quick: bool = False) -> DetectedEncoding:
    """Read ``stream`` to its end and say how to decode it; ``chosen`` overrides the guess and is only checked.

    A byte order mark decides, then the pattern of NUL bytes that UTF-16 leaves. Otherwise every byte is checked
    as UTF-8, so that one Latin-1 letter at the end of a gigabyte is noticed; what is not UTF-8 is guessed from the
    lines that are not ASCII.

    Args:
        stream: stands at its beginning and is left anywhere; for a quick look it has to be seekable.
        quick: look only at the first 8 MB and at 16 windows of 256 kB spread over the rest, and count only there.
    """
    head = stream.read(CHUNK_BYTES)
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark) and name.startswith(chosen[:6]):
            return _checked(head, stream, name, 1.0, quick)
    if chosen:
        return _checked(head, stream, chosen, 1.0, quick)
    if name := _utf_16_without_mark(head):
        return _checked(head, stream, name, 0.9, quick)
    return _utf_8_or_guess(head, stream, quick)


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


def _stretches(head: bytes, stream: BinaryIO, *, quick: bool, is_wide: bool = False) -> Iterator[Iterable[bytes]]:
    """The chunks of the file as one stretch, or in a quick look its beginning and each window as a stretch."""
    step = (stream.seek(0, io.SEEK_END) - QUICK_HEAD_BYTES) // QUICK_WINDOWS if quick else 0
    if quick:
        stream.seek(len(head))
    if step < CHUNK_BYTES:
        yield _chunks(head, stream)
        return
    yield _beginning(head, stream, is_wide)
    for window in range(1, QUICK_WINDOWS + 1):
        # The last window ends with the file; a place divisible by four keeps UTF-16 and UTF-32 in step.
        stream.seek((QUICK_HEAD_BYTES + window * step - CHUNK_BYTES) // 4 * 4)
        yield [_whole_characters(stream.read(CHUNK_BYTES), is_wide)]


def _beginning(head: bytes, stream: BinaryIO, is_wide: bool) -> Iterator[bytes]:
    yield from islice(_chunks(head, stream), QUICK_HEAD_BYTES // CHUNK_BYTES - 1)
    yield _whole_characters(stream.read(CHUNK_BYTES), is_wide, begins=True)


def _whole_characters(chunk: bytes, is_wide: bool, *, begins: bool = False) -> bytes:
    """``chunk`` cut at its first and last blank, where no character of our encodings is cut in two.

    ``begins`` says that its first byte is a character's; wide encodings are in step already.
    """
    blank = _BLANK.search(chunk)
    if is_wide or not blank:
        return chunk
    return chunk[0 if begins else blank.start() : max(chunk.rfind(b" "), chunk.rfind(b"\n")) + 1]


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(CHUNK_BYTES)


def _checked(head: bytes, stream: BinaryIO, name: str, confidence: float, quick: bool) -> DetectedEncoding:
    """How ``name`` reads the file: how many U+FFFD it gives, those that stood in the file already included."""
    is_wide = name.startswith(("utf-16", "utf-32"))
    replaced, evidence = 0, Evidence()
    for stretch in _stretches(head, stream, quick=quick, is_wide=is_wide):
        decoder = codecs.getincrementaldecoder(name)("replace")
        for chunk in stretch:
            text = decoder.decode(chunk)
            replaced += text.count(REPLACEMENT)
            evidence.add(text.encode("utf-8", "replace") if is_wide else chunk)
        replaced += decoder.decode(b"", final=True).count(REPLACEMENT)
    return DetectedEncoding(name, confidence, replaced, evidence.samples("utf-8" if is_wide else name))


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


def _utf_8_or_guess(head: bytes, stream: BinaryIO, quick: bool) -> DetectedEncoding:
    size = characters = broken = replaced = 0
    evidence = Evidence()
    for stretch in _stretches(head, stream, quick=quick):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for chunk in stretch:
            if chunk.isascii() and not decoder.getstate()[0]:
                continue  # nearly every chunk of nearly every file; at memory speed
            text = decoder.decode(chunk)
            size += len(chunk)
            characters += len(text)
            already = chunk.count(REPLACEMENT.encode())
            broken += text.count(REPLACEMENT) - already
            replaced += already
            evidence.add(chunk)
        tail = decoder.decode(b"", final=True)
        characters, broken = characters + len(tail), broken + len(tail)
    # A sound character of n bytes leaves n - 1 over; a broken byte leaves none, as it becomes a character itself.
    sound = size - characters
    if not broken:
        return DetectedEncoding("utf-8", 1.0, replaced, evidence.samples("utf-8"))
    if sound >= _SOUND_FOR_EACH_BROKEN * broken:
        confidence = round(sound / (sound + broken), 2)
        return DetectedEncoding("utf-8", confidence, broken + replaced, evidence.samples("utf-8"))
    name, confidence = guess_legacy_encoding(evidence.lines)
    return _guessed(stream, name, confidence, evidence, quick)


def _guessed(stream: BinaryIO, name: str, confidence: float, evidence: Evidence, quick: bool) -> DetectedEncoding:
    """The guess, with its losses counted: in the whole file where it can be read again, otherwise in the evidence."""
    if getattr(stream, "seekable", bool)():
        stream.seek(0)
        return _checked(stream.read(CHUNK_BYTES), stream, name, confidence, quick)
    replaced = sum(line.decode(name, "replace").count(REPLACEMENT) for line in evidence.lines)
    return DetectedEncoding(name, confidence, replaced, evidence.samples(name))
