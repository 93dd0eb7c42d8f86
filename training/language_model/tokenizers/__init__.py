"""Songs as numbers and back: by characters, by words, or by pieces of words.

Pure Python beside huggingface's `tokenizers`, importable without torch and Django; the generator writes with the same
classes. All tokenizers start with the same special tokens (`lyric_text.SPECIAL_TOKENS`): unknown, begin, end, line,
stanza and one mark for each kind of section, so that a break is one decision of the model in any of them.

song ─▶ marks and lines ─▶ ids of each line, from its end where lines are read right to left ─▶ ids ─▶ `TextStream`
        `marked_lines`     char: characters or bytes, word: words and signs, bpe: pieces
"""

from training.language_model.tokenizers.base import TOKENIZERS, Tokenizer, VocabularySettings, tokenizer_from_dict
from training.language_model.tokenizers.bpe import BpeTokenizer
from training.language_model.tokenizers.char import CharTokenizer
from training.language_model.tokenizers.conditions import NOTHING_SAID, Conditions, SongFacts, learn_conditions
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, TextStream
from training.language_model.tokenizers.word import WordTokenizer

__all__ = [
    "NOTHING_SAID",
    "TOKENIZERS",
    "UNKNOWN_TEXT",
    "BpeTokenizer",
    "CharTokenizer",
    "Conditions",
    "SongFacts",
    "TextStream",
    "Tokenizer",
    "VocabularySettings",
    "WordTokenizer",
    "learn_conditions",
    "tokenizer_from_dict",
]
