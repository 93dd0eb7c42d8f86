"""One token for each character; one that the songs hardly hold is spelled by its bytes."""

from collections import Counter
from collections.abc import Iterable

from training.language_model.config import CHARACTER_LIMIT
from training.language_model.lyric_text import marked_lines
from training.language_model.tokenizers.base import (
    Tokenizer,
    VocabularySettings,
    learnt_reading,
    marks_before_text,
    most_frequent,
    reading_of,
)
from training.language_model.tokenizers.conditions import Conditions
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, Place, as_in_songs
from training.language_model.tokenizers.utf8 import ASCII_CHARACTERS, BEYOND_ASCII

BYTE_MARKS = {byte: f"<0x{byte:02X}>" for byte in BEYOND_ASCII}


class CharTokenizer(Tokenizer):
    """One token for each character that the songs hold, case and punctuation as they are.

    Whatever else there is comes as the bytes of its UTF-8, so that any text comes back. Models from before there
    were byte tokens have none: there it is unknown.
    Args:
        writes_bytes: whether the songs held characters that were spelled so; otherwise the model never learnt how,
            and must not try.
    """

    kind = "char"

    def __init__(self, tokens: list[str], *, writes_bytes: bool = False, **reading):
        super().__init__(tokens, **reading)
        self.writes_bytes = writes_bytes
        self._byte_ids = {byte: self.id_of[mark] for byte, mark in BYTE_MARKS.items() if mark in self.id_of}
        self._spelled = {token_id: bytes([byte]) for byte, token_id in self._byte_ids.items()}
        self._texts = {
            index: as_in_songs(token)
            for token, index in self.id_of.items()
            if index >= self.mark_count and index not in self._spelled
        }
        self._texts[self.unknown_id] = UNKNOWN_TEXT

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings, conditions: Conditions) -> "CharTokenizer":
        counts = Counter(dict.fromkeys(ASCII_CHARACTERS, 0))
        for text in texts:
            for _, line in marked_lines(text):
                counts.update(line)
        beyond = Counter({character: count for character, count in counts.items() if not character.isascii()})
        limit = min(config.vocabulary_limit, CHARACTER_LIMIT)
        known = most_frequent(beyond, config.minimum_count, max(limit - len(ASCII_CHARACTERS), 0))
        return cls(
            [
                *marks_before_text(conditions, with_title=config.with_title),
                *BYTE_MARKS.values(),
                *ASCII_CHARACTERS,
                *known,
            ],
            writes_bytes=bool(beyond.keys() - {*known, UNKNOWN_TEXT}),
            **learnt_reading(config, conditions),
        )

    @classmethod
    def from_dict(cls, values: dict) -> "CharTokenizer":
        return cls(values["tokens"], writes_bytes=bool(values.get("writes_bytes", False)), **reading_of(values))

    def to_dict(self) -> dict:
        return super().to_dict() | {"writes_bytes": self.writes_bytes}

    @property
    def never_generated_ids(self) -> tuple[int, ...]:
        return super().never_generated_ids + (() if self.writes_bytes else tuple(self._spelled))

    def encode_line(self, line: str) -> list[int]:
        ids: list[int] = []
        for character in line:
            token_id = self.id_of.get(character)
            ids += [token_id] if token_id is not None else self._bytes_of(character)
        return ids

    def _bytes_of(self, character: str) -> list[int]:
        if character == UNKNOWN_TEXT or not self._byte_ids:
            return [self.unknown_id]
        return [self._byte_ids[byte] for byte in character.encode()]

    def spell(self, token_id: int, place: Place) -> str:
        text = self._texts.get(token_id)
        if text is not None and not place.holds_half:
            return text
        return place.whole_characters(self._spelled.get(token_id) or text.encode())
