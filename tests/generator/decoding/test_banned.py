"""Words that are never written, and songs that are not over too soon."""

import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.decoding.banned import Bans, goes_on
from generator.decoding.batch import write
from generator.decoding.model_file import WritingModel
from generator.decoding.writer import HeldText
from generator.recipe import Recipe
from tests.generator.decoding.test_writer import SONG, scripted, texts_of
from tests.generator.tiny_models import tiny_model, tiny_tokenizer
from training.language_model.tokenizers import TextStream

KINDS = pytest.mark.parametrize("kind", ["char", "word", "bpe"])
DIRECTIONS = pytest.mark.parametrize("backwards", [False, True])
GREEDY = Recipe(seed=41, temperature=0.0, max_tokens=1024)


def holds(text: str, word: str) -> bool:
    """Whether a word stands in the text, letter case aside, and is part of no longer one: written out slowly."""
    folded, sought = text.casefold(), word.casefold()
    for found in re.finditer(f"(?={re.escape(sought)})", folded):
        before, after = folded[: found.start()][-1:], folded[found.start() + len(sought) :][:1]
        is_cut = before and goes_on(before) and goes_on(sought[0])
        if not is_cut and not (after and goes_on(after) and goes_on(sought[-1])):
            return True
    return False


class Noise:
    """Scores that differ at every step and for every seed, by whole numbers alone."""

    def __init__(self, tokenizer, seed, favoured=()):
        self.size, self.seed, self.favoured = tokenizer.vocabulary_size, seed, list(favoured)

    def first_memory(self, rows):
        return [np.zeros((rows, 1), np.int64)]

    def step(self, tokens, memory):
        (read,) = memory
        keys = zip(read[:, 0].tolist(), tokens.tolist(), strict=True)
        rows = [np.random.default_rng((self.seed, *key)).normal(0, 2, self.size) for key in keys]
        scores = np.array(rows, np.float32)
        scores[:, self.favoured] += 4
        return scores, [read + 1]


def noisy(kind, seed=0, words=(), **reading):
    """A model that likes to write these words."""
    tokenizer = tiny_tokenizer(kind, **reading)
    favoured = {token for word in words for token in tokenizer.encode(f"oh {word}")}
    return WritingModel(Noise(tokenizer, seed, favoured), tokenizer, size_bytes=0)


@KINDS
@DIRECTIONS
@pytest.mark.parametrize("word", ["river", "RIVER", "letter", "oh my home", "my letter", ",", "down to"])
def test_a_banned_word_is_left_out_of_what_would_have_been_written(kind, backwards, word):
    model = scripted(kind, SONG, lines_right_to_left=backwards)
    assert holds(texts_of(model, "", GREEDY)[0], word)
    assert not holds(texts_of(model, "", replace(GREEDY, banned=(word,)))[0], word)


@KINDS
@DIRECTIONS
@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from(["a", "i", "the", "oh", "my home", "kettle", "light", "to the", ",", "no"]), min_size=1),
    st.integers(1, 40),
    st.sampled_from([(), ("e",), ("\n",), ("he", "t")]),
)
def test_no_text_holds_a_banned_word_however_it_ends(kind, backwards, seed, words, tokens, stop):
    model = noisy(kind, seed, words, lines_right_to_left=backwards)
    recipe = Recipe(seed=seed, banned=tuple(dict.fromkeys(words)), max_tokens=tokens, stop=stop, n=2)
    for text in texts_of(model, "", recipe):
        assert not [word for word in words if holds(text, word)]


@KINDS
def test_no_part_of_a_text_that_was_let_out_ends_in_a_banned_word(kind):
    model = noisy(kind, 3, ["the", "oh"])
    text = ""
    for step in write(model, "", Recipe(seed=1, banned=("the", "oh", "t", "o"), max_tokens=200)):
        text += "".join(piece.text for piece in step)
        assert not [word for word in ("the", "oh", "t", "o") if holds(text, word)]


@KINDS
@DIRECTIONS
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_token_is_forbidden_exactly_if_with_it_the_line_holds_a_banned_word(kind, backwards, data):
    tokenizer = tiny_tokenizer(kind, lines_right_to_left=backwards)
    words = data.draw(st.lists(st.sampled_from(["the", "my home", "ohm", "é", "ß", "to", "a", "night,"]), min_size=1))
    bans = Bans(tokenizer, words)
    favoured = sorted({token for word in words for token in tokenizer.encode(f"oh {word} my")})
    texts = st.integers(tokenizer.mark_count, tokenizer.vocabulary_size - 1)
    line, state = [], bans.opening([tokenizer.line_id])
    for token in data.draw(st.lists(st.sampled_from(favoured) | texts, max_size=8)):
        forbidden = {*state.forbidden.tolist()}
        if token in forbidden:
            continue
        line, state = [*line, token], state.after(token)
    forbidden = {*state.forbidden.tolist()} - {*range(tokenizer.mark_count)}
    for token in range(tokenizer.mark_count, tokenizer.vocabulary_size):
        text = line_text(tokenizer, [*line, token])
        if kind == "char":  # the last word may go on
            text = "q" + text if backwards else text + "q"
        assert (token in forbidden) == any(holds(text, word) for word in words), (line, token, text)


def line_text(tokenizer, tokens) -> str:
    stream = TextStream(tokenizer)
    text = "".join(stream.push(token) for token in [tokenizer.begin_id, *tokens])
    return text + stream.rest()


def test_a_model_of_letters_may_write_longer_words_that_begin_like_a_banned_one():
    model = scripted("char", "the lights lighten")
    assert texts_of(model, "", replace(GREEDY, banned=("light", "lights x")))[0] == "the lights lighten"
    text = texts_of(scripted("char", "the light on"), "", replace(GREEDY, banned=("light",)))[0]
    assert re.match(r"the light\w", text)


def test_the_last_letter_of_a_banned_word_stays_away_where_the_text_is_cut_off():
    model = scripted("char", "the lights")
    assert texts_of(model, "", replace(GREEDY, banned=("light",), max_tokens=9)) == ["the ligh"]
    assert texts_of(model, "", replace(GREEDY, banned=("light",), max_tokens=10)) == ["the lights"]
    assert texts_of(model, "", replace(GREEDY, banned=("light",), stop=("s",))) == ["the ligh"]
    assert texts_of(model, "", replace(GREEDY, banned=("light",), stop=("s ",))) == ["the lights"]


def test_a_word_that_the_prompt_begins_is_not_completed():
    model = scripted("char", "ht and home")
    model.network.script[:0] = [0] * 3  # while the prompt is read
    model = WritingModel(model.network, model.tokenizer, size_bytes=0)
    recipe = replace(GREEDY, banned=("light",), max_tokens=30)
    assert not holds("lig" + texts_of(model, "lig", recipe)[0], "light")


def test_a_prompt_may_hold_what_is_banned():
    model = noisy("char")
    for prompt in ("Light", "light and light", "light\n"):
        assert len(texts_of(model, prompt, replace(GREEDY, banned=("light",), max_tokens=20))[0]) > 5


def test_a_sections_title_can_be_banned():
    model = scripted("word", SONG)
    assert "[Verse]" not in texts_of(model, "", replace(GREEDY, banned=("verse",)))[0]


@pytest.mark.parametrize("kind", ["char", "bpe"])
@DIRECTIONS
@pytest.mark.parametrize("word", ["ωμέγα", "Straße", "naïve"])
def test_a_word_spelled_in_bytes_is_never_written(kind, backwards, word):
    line = f"oh {word} oh"
    model = scripted(kind, line, lines_right_to_left=backwards)
    writable = replace(GREEDY, banned=())
    model.tokenizer.writes_bytes = True
    assert holds(texts_of(model, "", writable)[0], word)
    for spelled in (word, word.upper()):
        assert not holds(texts_of(model, "", replace(GREEDY, banned=(spelled,)))[0], word)
    assert texts_of(model, "", replace(GREEDY, banned=(word[:-1],)))[0].startswith("oh")


def test_where_nothing_is_left_the_song_ends_without_the_banned_word():
    model = noisy("char", 2, ["o"])
    letters = "".join(token for token in model.tokenizer.tokens if len(token) == 1 and goes_on(token) and token != "o")
    # After "o" only a letter could make another word of it, and each was there already.
    recipe = replace(GREEDY, banned=("o",), no_repeat_ngram=1, min_lines=9)
    pieces = [piece for step in write(model, letters + "\n", recipe) for piece in step]
    assert [piece.token for piece in pieces][-2:] == [model.tokenizer.id_of["o"], model.tokenizer.end_id]
    assert "o" not in "".join(piece.text for piece in pieces)
    assert pieces[-1].finish_reason == "end"


@KINDS
@DIRECTIONS
@pytest.mark.parametrize("least", [0, 1, 3, 6])
def test_a_song_does_not_end_before_so_many_lines_with_words(kind, backwards, least):
    model = noisy(kind, 5, lines_right_to_left=backwards)
    model.network.favoured = [model.tokenizer.end_id, model.tokenizer.line_id, model.tokenizer.line_id]
    for text in texts_of(model, "", Recipe(seed=3, min_lines=least, max_tokens=1024, n=4)):
        lines = [line for line in text.splitlines() if line and not re.fullmatch(r"\[[A-Z].*\]", line)]
        assert len(lines) >= least


def test_bans_change_no_draw_that_they_do_not_concern():
    model = tiny_model("lstm", "word")
    recipe = Recipe(seed=7, max_tokens=60)
    assert texts_of(model, "Oh", recipe) == texts_of(model, "Oh", replace(recipe, banned=("zebra crossing",)))


@given(st.text("aéß ,'3", max_size=12), st.lists(st.text("aéß ,'3", min_size=1, max_size=3), max_size=4))
def test_a_text_ends_in_a_banned_word_if_it_would_be_whole_there(text, words):
    words = [" ".join(word.split()) for word in words if word.strip()]
    bans = Bans(tiny_tokenizer("char"), words)
    text = unicodedata.normalize("NFC", text)
    expected = any(
        text.casefold().endswith(word.casefold()) and holds(("x" + text)[-len(word) - 1 :][:1] + word, word)
        for word in words
        if len(word.casefold()) == len(word)
    )
    assert bans.end_in(text) or not expected


def test_held_text_remembers_what_was_let_out():
    held = HeldText((), Bans(tiny_tokenizer("char"), ["light"]), before="the li")
    assert held.push("gh") == ("gh", False)
    assert held.push("t") == ("", False)
    assert held.push("er") == ("ter", False)
