"""The bytes that songs are made of, for tokenizers that can spell any character."""

ASCII_CHARACTERS = tuple(map(chr, range(0x20, 0x7F)))
# All other bytes of UTF-8: those that go on, and those that open a character of two to four (RFC 3629).
BEYOND_ASCII = (*range(0x80, 0xC0), *range(0xC2, 0xF5))
