"""Pieces of words, joined from bytes in the order in which the songs teach it: byte pair encoding.

Sources: Sennrich et al. 2016, arXiv:1508.07909; on bytes, Radford et al. 2019, "Language Models are Unsupervised
Multitask Learners". Learning and joining are huggingface's `tokenizers`; its hub is never asked for anything.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import repeat

import tokenizers

from training.language_model.lyric_text import marked_lines
from training.language_model.tokenizers.base import (
    Tokenizer,
    VocabularySettings,
    learnt_reading,
    marks_before_text,
    reading_of,
)
from training.language_model.tokenizers.conditions import Conditions
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, Place, whole_text
from training.language_model.tokenizers.utf8 import ASCII_CHARACTERS, BEYOND_ASCII

# One thread: the same work in any process, and none to be lost where a process forks. Read at the first call.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Tokens are texts, in JSON too, so a byte that is no ASCII character goes by a letter that is one beyond doubt.
LETTER_OF_BYTE = {ord(character): character for character in ASCII_CHARACTERS} | {
    byte: chr(0x100 + byte) for byte in BEYOND_ASCII
}
BYTE_OF_LETTER = {letter: byte for byte, letter in LETTER_OF_BYTE.items()}
ALPHABET = [*BYTE_OF_LETTER]

# Letters, and what stands above and below them in many scripts: all beyond Latin but punctuation and symbols.
_LETTER = r"(?:[^\W\d_]|[^\x00-\u02ff\u2000-\u2bff\u3000-\u303f\s])"
# What may be joined: a word with its contraction, a number, signs, each with the blank before it. So no token holds
# both "<" and a letter, and none can be mistaken for a mark.
PIECE = re.compile(rf" ?(?:{_LETTER}+(?:'{_LETTER}+)*'?|\d+|(?:(?!{_LETTER}|\d)\S)+)|\s")
PIECES_KEPT = 50_000


class BpeTokenizer(Tokenizer):
    """Frequent words whole, rare ones in pieces, anything else in bytes; case and punctuation as they are.

    A line is read with a blank before it, so that a word is the same at its head and inside it.
    Args:
        merges: the pairs of tokens that are joined, the first learnt first.
    """

    kind = "bpe"

    def __init__(self, tokens: list[str], *, merges: list[tuple[str, str]], **reading):
        super().__init__(tokens, **reading)
        joined = {left + right for left, right in merges}
        parts = {part for pair in merges for part in pair}
        if set(tokens[self.mark_count :]) != {*ALPHABET, *joined} or not parts <= {*ALPHABET, *joined}:
            raise ValueError("The pieces of a vocabulary are the bytes, and what is joined of them.")
        self.merges = [(left, right) for left, right in merges]
        vocabulary = {token: index for token, index in self.id_of.items() if index >= self.mark_count}
        self._model = tokenizers.models.BPE(vocab=vocabulary, merges=self.merges)
        self._spelled = {index: bytes(map(BYTE_OF_LETTER.get, token)) for token, index in vocabulary.items()}
        self._spelled[self.unknown_id] = UNKNOWN_TEXT.encode()
        self._texts = {index: whole_text(spelled) for index, spelled in self._spelled.items()}
        self._ids_of_piece = lru_cache(maxsize=PIECES_KEPT)(self._join)  # songs say the same words again and again

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings, conditions: Conditions) -> "BpeTokenizer":
        counts = Counter(
            piece
            for text in texts
            for _, line in marked_lines(text)
            for known in known_parts(line)
            for piece in PIECE.findall(known)
        )
        pipeline = tokenizers.Tokenizer(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=config.vocabulary_limit,
            min_frequency=config.minimum_count,
            initial_alphabet=ALPHABET,
            show_progress=False,
        )
        batches = (list(repeat(in_letters(piece), count)) for piece, count in sorted(counts.items()))
        pipeline.train_from_iterator(batches, trainer)
        model = json.loads(pipeline.to_str())["model"]
        pieces = sorted(model["vocab"], key=model["vocab"].get)
        return cls(
            [*marks_before_text(conditions, with_title=config.with_title), *pieces],
            merges=model["merges"],
            **learnt_reading(config, conditions),
        )

    @classmethod
    def from_dict(cls, values: dict) -> "BpeTokenizer":
        return cls(values["tokens"], merges=values["merges"], **reading_of(values))

    def to_dict(self) -> dict:
        return super().to_dict() | {"merges": [list(pair) for pair in self.merges]}

    def encode_line(self, line: str) -> list[int]:
        ids: list[int] = []
        for place, known in enumerate(known_parts(line)):
            ids += [self.unknown_id] if place else []
            for piece in PIECE.findall(known):
                ids += self._ids_of_piece(piece)
        return ids

    def _join(self, piece: str) -> tuple[int, ...]:
        return tuple(token.id for token in self._model.tokenize(in_letters(piece)))

    def spell(self, token_id: int, place: Place) -> str:
        text = self._texts[token_id]
        if text is not None and not place.holds_half:
            if not place.is_glued:
                return text
            place.is_glued = False
            return text.removeprefix(" ")
        spelled = self._spelled[token_id]
        if place.is_glued:  # the blank that the line was read with
            spelled = spelled.removeprefix(b" ")
        place.is_glued = False
        return place.whole_characters(spelled)


def known_parts(line: str) -> list[str]:
    """A line with a blank before it, parted where an unknown character stands."""
    return f" {line}".split(UNKNOWN_TEXT) if line else []


def in_letters(text: str) -> str:
    """The bytes of a text, each by its letter of `ALPHABET`."""
    return text if text.isascii() else "".join(LETTER_OF_BYTE[byte] for byte in text.encode())
