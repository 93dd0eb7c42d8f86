import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.lyric_text import canonical, normalise
from training.language_model.tokenizers import UNKNOWN_TEXT, TextStream, Tokenizer, tokenizer_from_dict

SONGS = [
    """[Verse 1]
I don't know why, I don't know when
The river called me home again

[Chorus]
Oh, Mary, don't you weep""",
    """[Verse 1]
Runnin' down the line - 'tis late
"Come home," said Mary, "I can't wait!"
the fire-side glows; I know I know""",
]
# Everything lyrics are made of, arranged by chance: words, contractions, quotes, dashes, tags, breaks.
SIGNS = [*"abI'\"-—.,;:!?()[] \n…", "\n\n", " - ", "--", "...", "[Verse]", "[Chorus 2]", "&", "$5", UNKNOWN_TEXT]
WORDS = ["don't", "'tis", "runnin'", "'hello'", "love", "Mary", "1,000", "o'er", "God", "é", "世界"]
PIECES = st.sampled_from([*SIGNS, *WORDS])
LYRICS = st.lists(PIECES, max_size=40).map("".join)
# Words as people set them: signs stand at words, not alone. (Quotes heaped upon quotes have no one reading.)
SET_WORDS = st.tuples(
    st.sampled_from(["", "("]), st.sampled_from(WORDS), st.sampled_from(["", ",", ".", "!", "...", ")"])
)
SET_LINES = st.lists(SET_WORDS.map("".join) | st.sampled_from(["-", "--", "—"]), min_size=1, max_size=8).map(" ".join)
SET_LYRICS = st.lists(SET_LINES | st.sampled_from(["", "[Verse]", "[Chorus 2]"]), max_size=8).map("\n".join)


def tokenizer(kind, songs=SONGS, minimum_count=1, vocabulary_limit=1000):
    settings = SimpleNamespace(tokenizer=kind, minimum_count=minimum_count, vocabulary_limit=vocabulary_limit)
    return Tokenizer.train(songs, settings)


BOTH = pytest.mark.parametrize("kind", ["char", "word"])


@given(LYRICS)
def test_characters_decode_to_the_canonical_song(text):
    chars = tokenizer("char", [text])
    assert chars.decode(chars.encode(text)) == canonical(text)


@given(SET_LYRICS)
def test_words_decoded_and_read_again_are_the_same_words(text):
    words = tokenizer("word", [text])
    decoded = words.decode(words.encode(text))
    assert words.decode(words.encode(decoded)) == decoded


@given(LYRICS)
def test_whatever_is_decoded_is_normalised(text):
    words = tokenizer("word", [text])
    decoded = words.decode(words.encode(text))
    assert normalise(decoded) == decoded


@pytest.mark.parametrize(
    "text",
    [
        *SONGS,
        '"\' - "',  # a quote and a dash with a blank between them, which decoding takes away
        "... .",
        ". ... . .",
        "a '",
        "'Hello,' he said - \"it's me . . .\"",
    ],
)
def test_signs_decoded_and_read_again_are_the_same_signs(text):
    words = tokenizer("word", [text])
    decoded = words.decode(words.encode(text))
    assert words.decode(words.encode(decoded)) == decoded


@BOTH
@given(text=LYRICS)
def test_encoding_ignores_what_normalising_removes(kind, text):
    trained = tokenizer(kind)
    assert trained.encode(text) == trained.encode(normalise(text)) == trained.encode(canonical(text))


@BOTH
@given(data=st.data())
def test_streamed_pieces_joined_are_the_decoded_text(kind, data):
    trained = tokenizer(kind)
    ids = data.draw(st.lists(st.integers(0, trained.vocabulary_size - 1), max_size=60))
    stream = TextStream(trained)
    text = "".join(stream.push(token_id) for token_id in ids)
    assert text == trained.decode(ids)
    assert "\n\n\n" not in text
    assert not text.startswith("\n")
    assert not text.endswith("\n")


def test_real_lines_come_back_from_words_as_they_were_written():
    words = tokenizer("word")
    for song in SONGS:
        expected = canonical(song).replace(" - ", "—").replace("the fire", "The fire")
        assert words.decode(words.encode(song)) == expected


def test_contractions_stay_one_word():
    words = tokenizer("word")
    assert {"don't", "can't", "runnin'", "'tis"} <= set(words.tokens)


def test_single_quotes_around_words_are_no_part_of_them():
    words = tokenizer("word", ["she said 'come home' and 'stay'"])
    assert list(words.split("she said 'come home' and 'stay'")) == (
        ["she", "said", "‘", "come", "home", "’", "and", "‘", "stay", "’"]
    )
    assert words.decode(words.encode("she said 'come home' and 'stay'")) == "she said 'come home' and 'stay'"


def test_words_are_learnt_once_whatever_their_case_and_shown_in_their_usual_one():
    words = tokenizer("word", ["Love is God\nAnd I love God", "Tell, love\nWe sing that to God"])
    assert "love" in words.tokens
    assert "Love" not in words.tokens
    assert words.decode(words.encode("love\ntell god that i love")) == "Love\nTell God that I love"


def test_songs_in_small_letters_stay_in_small_letters():
    words = tokenizer("word", ["love is all\nlove is gone"])
    assert words.decode(words.encode("love is gone")) == "love is gone"


@BOTH
def test_marks_are_tokens_of_their_own(kind):
    trained = tokenizer(kind)
    ids = trained.encode_song("[Chorus 2]\na\na\n\na")
    a = trained.encode("a")[0]
    chorus = trained.section_ids["chorus"]
    expected = [trained.begin_id, chorus, a, trained.line_id, a, trained.stanza_id, a, trained.end_id]
    assert ids == expected


@BOTH
def test_a_prompt_keeps_the_break_at_its_end(kind):
    trained = tokenizer(kind)
    line = trained.encode("I know")
    assert trained.encode_prompt("I know") == line
    assert trained.encode_prompt("I know\n") == [*line, trained.line_id]
    assert trained.encode_prompt("I know\r\n\r\n") == [*line, trained.stanza_id]
    assert trained.encode_prompt("I know\n\n[Chorus]\n") == [*line, trained.section_ids["chorus"]]
    assert trained.encode_prompt("\n\n") == []


@BOTH
def test_what_was_never_seen_is_unknown_and_counted(kind):
    trained = tokenizer(kind)
    known, strange = trained.encode("know"), trained.encode("ж")
    assert strange == [trained.unknown_id]
    assert trained.decode(strange) == UNKNOWN_TEXT
    assert trained.unknown_share([trained.begin_id, *known, *known, *strange, trained.line_id]) == 1 / (
        2 * len(known) + 1
    )
    assert trained.unknown_share([]) == 0.0


def test_rare_words_and_words_beyond_the_limit_are_left_out():
    songs = ["a a a b b c"]
    assert tokenizer("word", songs, minimum_count=2).tokens[-2:] == ["a", "b"]
    assert tokenizer("word", songs, vocabulary_limit=1).tokens[-1] == "a"


@BOTH
def test_a_tokenizer_survives_json(kind):
    trained = tokenizer(kind)
    copy = tokenizer_from_dict(json.loads(json.dumps(trained.to_dict())))
    assert copy.tokens == trained.tokens
    assert copy.decode(copy.encode(SONGS[1])) == trained.decode(trained.encode(SONGS[1]))


@BOTH
def test_the_vocabulary_does_not_depend_on_the_order_of_songs(kind):
    assert tokenizer(kind, SONGS).to_dict() == tokenizer(kind, SONGS[::-1]).to_dict()


@BOTH
def test_a_songs_text_cannot_forge_a_special_token(kind):
    trained = tokenizer(kind, ["<end> <begin> <line>"])
    assert trained.end_id not in trained.encode("<end>")
    assert trained.decode(trained.encode("<end>")).replace(" ", "").lower() == "<end>"
