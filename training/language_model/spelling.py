"""What a word costs that a vocabulary does not hold.

A model that writes "unknown" has not said the word. So that it can be compared with one that spells every letter, the
rest of the message is added: the characters of the word, by an n-gram model of how the words of the vocabulary are
spelt. A model cannot look better by knowing fewer words.

Pure numpy, importable without torch and Django.
"""

import math
from collections.abc import Iterable

from training.language_model.lyric_text import marked_lines
from training.language_model.ngram import KneserNey
from training.language_model.tokenizers import Tokenizer

ORDER = 5
BEGIN, END, STRANGE = range(3)
# A character that no word of the vocabulary has is one of all that Unicode has room for.
NATS_OF_A_STRANGE_CHARACTER = math.log(0x110000)


class Spelling:
    """How words are spelt, learnt from ``words``, each counted once; an n-gram model of their characters."""

    def __init__(self, words: Iterable[str]):
        words = sorted(set(words))
        self.id_of = {character: number for number, character in enumerate(sorted(set("".join(words))), start=3)}
        self.characters = KneserNey(order=ORDER, vocabulary_size=len(self.id_of) + 3)
        self.characters.fit([self._encoded(word) for word in words])

    def nats(self, words: Iterable[str]) -> float:
        """The surprise at all of ``words``, each with its end."""
        encoded = [self._encoded(word) for word in words]
        strange = sum(word.count(STRANGE) for word in encoded)
        return float(self.characters.token_nats(encoded).sum()) + strange * NATS_OF_A_STRANGE_CHARACTER

    def _encoded(self, word: str) -> list[int]:
        return [BEGIN, *(self.id_of.get(character, STRANGE) for character in word), END]


def spelling_nats(texts: Iterable[str], tokenizer: Tokenizer) -> float:
    """What it costs to spell all that ``tokenizer`` does not know in canonical ``texts``; 0 where it knows all."""
    unknown = [word for text in texts for word in unknown_words(text, tokenizer)]
    return Spelling(tokenizer.tokens[tokenizer.mark_count :]).nats(unknown) if unknown else 0.0


def unknown_words(text: str, tokenizer: Tokenizer) -> list[str]:
    """The words or characters of a canonical text that ``tokenizer`` reads as unknown, in order."""
    return [word for _, line in marked_lines(text) for word in tokenizer.unknown_in(line)]
