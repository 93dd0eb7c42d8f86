"""Files that are no song files at all, told by their first bytes, each with a sentence what to do."""

import re

from .records import ImportRefused, Reason

_ARCHIVE_ADVICE = "Unpack it, or pack the texts as an ordinary ZIP, and upload that."
_TEXT_ADVICE = "Upload lyrics as CSV, TSV, JSON Lines, plain text or a ZIP of text files."
_OFFICE_ADVICE = "Save it as CSV or as plain text and upload that."

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _TEXT_ADVICE),
    (b"\xff\xd8\xff", "a JPEG picture", _TEXT_ADVICE),
    (b"GIF8", "a GIF picture", _TEXT_ADVICE),
    (b"II*\0", "a TIFF picture", _TEXT_ADVICE),
    (b"MM\0*", "a TIFF picture", _TEXT_ADVICE),
    (b"\0\0\1\0", "an icon", _TEXT_ADVICE),
    (b"RIFF", "a sound, picture or video file", _TEXT_ADVICE),
    (b"OggS", "a sound file", _TEXT_ADVICE),
    (b"ID3", "a sound file", _TEXT_ADVICE),
    (b"fLaC", "a sound file", _TEXT_ADVICE),
    (b"MThd", "a MIDI file", _TEXT_ADVICE),
    (b"\x7fELF", "a program", _TEXT_ADVICE),
    (b"\xca\xfe\xba\xbe", "a program", _TEXT_ADVICE),
    (b"\xcf\xfa\xed\xfe", "a program", _TEXT_ADVICE),
    (b"SQLite format 3\0", "an SQLite database", "Export its songs as CSV and upload that."),
    (b"PAR1", "a Parquet file", "Export its songs as CSV and upload that."),
    (b"\x93NUMPY", "a NumPy array", _TEXT_ADVICE),
    (b"\x89HDF", "an HDF5 file", _TEXT_ADVICE),
    (b"%PDF-", "a PDF document", _OFFICE_ADVICE),
    (b"{\\rtf", "a rich text document", _OFFICE_ADVICE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word or Excel document", _OFFICE_ADVICE),
    (b"\x1f\x8b", "a gzip file inside another", "Unpack it once, and upload that."),
    (b"PK\3\4", "an archive inside another", "Unpack it first."),
    (b"PK\5\6", "an archive inside another", "Unpack it first."),
    (b"BZh", "a bzip2 archive", _ARCHIVE_ADVICE),
    (b"\xfd7zXZ\0", "an xz archive", _ARCHIVE_ADVICE),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive", _ARCHIVE_ADVICE),
    (b"Rar!\x1a\x07", "a RAR archive", _ARCHIVE_ADVICE),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _ARCHIVE_ADVICE),
)
_PROGRAM = re.compile(rb"MZ.{58}", re.DOTALL)  # MZ alone could begin a song
_MARKUP = re.compile(r"\s*<(!doctype|html|head|body|svg|\?xml|script|!--)", re.IGNORECASE)
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.02
_FEWEST_TO_JUDGE = 4


def signature_of(head: bytes) -> tuple[str, str] | None:
    """What a file with these first bytes is and what to do with it, or None if the bytes say nothing."""
    for signature, kind, advice in _SIGNATURES:
        if head.startswith(signature) and not (signature.isalnum() and _reads_as_text(head)):
            return kind, advice
    if _PROGRAM.match(head) and b"\0" in head[:64]:
        return "a program", _TEXT_ADVICE
    if head[257:262] == b"ustar":
        return "a tar archive", _ARCHIVE_ADVICE
    if head[4:8] == b"ftyp":
        return "a video or sound file", _TEXT_ADVICE
    return None


def is_markup(text: str) -> bool:
    """Whether the text is a web page or another XML document."""
    return _MARKUP.match(text) is not None


def is_binary(head: bytes, text: str, encoding: str) -> bool:
    """Whether ``text``, decoded from ``head``, is full of control characters and NULs as no song is."""
    # Two- and four-byte encodings are full of NUL bytes that mean nothing.
    nuls = 0 if encoding.startswith(("utf-16", "utf-32")) else head.count(0)
    strange = nuls + len(_CONTROLS.findall(text))
    return strange >= _FEWEST_TO_JUDGE and strange > _MOST_CONTROLS * (nuls + len(text))


def refuse_binary(head: bytes) -> None:
    """Raises: ImportRefused if the first bytes are those of a picture, a program, an archive we cannot open …"""
    if found := signature_of(head):
        kind, advice = found
        raise ImportRefused(f"This is {kind}, not a file of songs. {advice}", reason=Reason.BINARY)


def refuse_unreadable_text(head: bytes, text: str, encoding: str) -> None:
    """Raises: ImportRefused if the decoded beginning of a file is a web page or no text."""
    if is_markup(text):
        message = f"This is a web page or an XML document, not a file of songs. {_TEXT_ADVICE}"
        raise ImportRefused(message, reason=Reason.JUNK)
    if is_binary(head, text, encoding):
        message = f"This is not a text file. {_TEXT_ADVICE} If it is text, choose its encoding."
        raise ImportRefused(message, reason=Reason.BINARY)


def _reads_as_text(head: bytes) -> bool:
    return b"\0" not in head[:512] and head[:512].isascii()
