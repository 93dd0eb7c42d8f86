"""Which of the encodings from before Unicode a few lines are written in."""

from collections.abc import Sequence

# Windows-1252 leaves these five bytes without a character.
_UNDEFINED_IN_WINDOWS_1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


def guess_legacy_encoding(lines: Sequence[bytes]) -> tuple[str, float]:
    """The name of the likeliest encoding and how likely it is, from 0 to 1; Windows-1252 where nothing tells."""
    undefined = any(byte in line for line in lines for byte in _UNDEFINED_IN_WINDOWS_1252)
    return "windows-1252", 0.5 if undefined else 0.7
