import json
import subprocess
import sys

import pytest

from tests.training.language_model.songs import make_songs
from tests.training.language_model.test_tokenizers import tokenizer
from training.language_model.lyric_text import SPECIAL_TOKENS
from training.language_model.tokenizers import tokenizer_from_dict
from training.language_model.tokenizers.bpe import ALPHABET, PIECE

TEXTS = [song.text for song in make_songs()]


def test_frequent_words_are_one_piece_wherever_they_stand():
    pieces = tokenizer("bpe", TEXTS)
    assert {" I", " river", " don't", " coming"} <= set(pieces.tokens)
    assert len(pieces.encode("river river")) == 2


def test_the_vocabulary_ends_at_its_limit_and_at_pairs_seen_too_rarely():
    assert tokenizer("bpe", TEXTS, vocabulary_limit=250).vocabulary_size == len(SPECIAL_TOKENS) + 250
    assert tokenizer("bpe", ["ab"], minimum_count=2).tokens[len(SPECIAL_TOKENS) :] == ALPHABET


def test_no_songs_leave_the_bytes():
    assert tokenizer("bpe", []).decode(tokenizer("bpe", []).encode("Hé!")) == "Hé!"


def test_the_same_songs_give_the_same_pieces_every_time():
    first = tokenizer("bpe", TEXTS).to_dict()
    assert all(tokenizer("bpe", texts).to_dict() == first for texts in (TEXTS, TEXTS[::-1], sorted(TEXTS)))


def test_no_piece_reaches_from_a_sign_into_a_word():
    assert PIECE.findall(" don't stop-<line> 1990s… हिन्दी") == [
        *(" don't", " stop", "-<", "line", ">", " 1990", "s", "…", " हिन्दी"),
    ]
    pieces = tokenizer("bpe", ["<line><begin> <genre:folk>"] * 9)
    assert pieces.encode_song("<line>").count(pieces.line_id) == 0


def spoiled(**changes) -> dict:
    return tokenizer("bpe", TEXTS, vocabulary_limit=230).to_dict() | changes


@pytest.mark.parametrize(
    "values",
    [
        spoiled(merges=[]),
        spoiled(merges=[["a", "b"]]),
        spoiled(merges=[["a"]]),
        spoiled(merges=7),
        spoiled(merges=[[1, 2]]),
        spoiled(tokens=[*SPECIAL_TOKENS, *ALPHABET[1:]], merges=[]),
        spoiled(tokens=[*SPECIAL_TOKENS, *ALPHABET, "xyz"], merges=[["xy", "z"]]),
        spoiled(lines_right_to_left="yes"),
        spoiled(with_title=True),
        spoiled(with_title=1),
        spoiled(conditions={"mood": ["blue"]}),
        spoiled(conditions={"genre": ["Folk"]}),
        spoiled(conditions=["genre"]),
    ],
)
def test_a_description_that_no_training_wrote_is_refused(values):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        tokenizer_from_dict(json.loads(json.dumps(values)))


def test_pieces_are_learnt_in_one_thread_without_the_hub_and_forks_are_quiet():
    script = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict
settings = SimpleNamespace(
    tokenizer="bpe", minimum_count=1, vocabulary_limit=1000, case="lower", lines_right_to_left=False, with_title=False)
trained = Tokenizer.train([f"line {number} of the river" for number in range(500)], settings)
copy = tokenizer_from_dict(trained.to_dict())
assert copy.decode(copy.encode("the river")) == "the river"
assert len(list(Path("/proc/self/task").iterdir())) == 1
if os.fork() == 0:
    os._exit(len(copy.encode("the river")) == 0)
assert os.wait()[1] == 0
assert not [name for name in sys.modules if name.startswith(("huggingface", "httpx", "torch", "numpy"))]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
