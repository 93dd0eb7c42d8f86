import json
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.lyric_text import SPECIAL_TOKENS, canonical, normalise
from training.language_model.tokenizers import UNKNOWN_TEXT, Conditions, TextStream, Tokenizer, tokenizer_from_dict

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
CONDITIONS = Conditions({"genre": ["Folk", "Hip hop"], "artist": []})
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


def tokenizer(kind, songs=SONGS, *, conditions=None, **values):
    settings = {"minimum_count": 1, "vocabulary_limit": 1000, "case": "lower"}
    settings |= {"lines_right_to_left": False, "with_title": False}
    return Tokenizer.train(songs, SimpleNamespace(tokenizer=kind, **settings | values), conditions=conditions)


EVERY = pytest.mark.parametrize("kind", ["char", "word", "bpe"])


# Both have read other songs than they are asked to spell.
EXACT = {
    (kind, right_to_left): tokenizer(kind, lines_right_to_left=right_to_left)
    for kind in ("char", "bpe")
    for right_to_left in (False, True)
}
TOKENIZERS = {kind: tokenizer(kind) for kind in ("char", "word", "bpe")}


@pytest.mark.parametrize("right_to_left", [False, True])
@pytest.mark.parametrize("kind", ["char", "bpe"])
@given(text=LYRICS | st.text())
def test_any_song_comes_back_exactly_from_characters_and_from_pieces(kind, right_to_left, text):
    trained = EXACT[kind, right_to_left]
    assert trained.decode(trained.encode(text)) == canonical(text)
    assert trained.decode(trained.encode_song(text)) == canonical(text)


@pytest.mark.parametrize("right_to_left", [False, True])
@pytest.mark.parametrize("kind", ["char", "bpe"])
@given(text=LYRICS)
def test_what_a_tokenizer_learnt_from_comes_back_exactly_too(kind, right_to_left, text):
    trained = tokenizer(kind, [text], lines_right_to_left=right_to_left, minimum_count=2)
    assert trained.decode(trained.encode(text)) == canonical(text)


@EVERY
@given(text=SET_LYRICS)
def test_lines_read_from_their_end_hold_the_same_tokens_the_other_way_round(kind, text):
    forwards, backwards = tokenizer(kind), tokenizer(kind, lines_right_to_left=True)
    line: list[int] = []
    expected: list[int] = []
    for token_id in [*forwards.encode_song(text)]:
        if forwards.is_text(token_id):
            line.insert(0, token_id)
        else:
            expected += [*line, token_id]
            line = []
    assert backwards.encode_song(text) == expected
    assert backwards.decode(expected) == forwards.decode(forwards.encode_song(text))


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


@EVERY
@given(text=LYRICS)
def test_encoding_ignores_what_normalising_removes(kind, text):
    trained = tokenizer(kind)
    assert trained.encode(text) == trained.encode(normalise(text)) == trained.encode(canonical(text))


@pytest.mark.parametrize("right_to_left", [False, True])
@EVERY
@given(data=st.data())
def test_streamed_pieces_joined_are_the_decoded_text(kind, right_to_left, data):
    trained = tokenizer(kind, lines_right_to_left=right_to_left, conditions=CONDITIONS, with_title=True)
    ids = data.draw(st.lists(st.integers(0, trained.vocabulary_size - 1), max_size=60))
    stream = TextStream(trained)
    text = "".join(stream.push(token_id) for token_id in ids) + stream.rest()
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


def test_a_character_is_shown_when_all_its_bytes_are_there():
    for kind in ("char", "bpe"):
        stream = TextStream(trained := EXACT[kind, False])
        pieces = [stream.push(token_id) for token_id in trained.encode("é 🎵")]
        assert "".join(pieces) == "é 🎵"
        assert not any(UNKNOWN_TEXT in piece for piece in pieces)


@EVERY
def test_a_line_written_from_its_end_is_shown_when_it_is_complete(kind):
    trained = tokenizer(kind, lines_right_to_left=True)
    stream = TextStream(trained)
    ids = trained.encode_song("the river\nI know\n\n[Chorus]\nOh Mary")
    pieces = [piece for token_id in ids if (piece := stream.push(token_id))]
    decoded = trained.decode(ids)
    first, second, chorus = decoded.split("\n")[0], decoded.split("\n")[1], decoded.split("\n\n")[1].split("\n")
    assert pieces == [first, f"\n{second}\n\n{chorus[0]}", f"\n{chorus[1]}"]


@EVERY
def test_tokens_cut_off_anywhere_give_whole_lines_where_lines_are_written_from_their_end(kind):
    forwards, backwards = tokenizer(kind), tokenizer(kind, lines_right_to_left=True)
    song = "the river\ncalled me home"
    assert forwards.decode(forwards.encode(song), is_cut=True) == forwards.decode(forwards.encode(song))
    cut = backwards.encode(song)[:-1]
    assert backwards.decode(cut, is_cut=True) == backwards.decode(backwards.encode("the river"))
    assert EXACT["char", False].decode(EXACT["char", False].encode("é")[:-1], is_cut=True) == ""


@EVERY
def test_marks_are_tokens_of_their_own(kind):
    trained = tokenizer(kind)
    ids = trained.encode_song("[Chorus 2]\na\na\n\na")
    a = trained.encode("a")
    chorus = trained.section_ids["chorus"]
    assert ids == [trained.begin_id, chorus, *a, trained.line_id, *a, trained.stanza_id, *a, trained.end_id]


@EVERY
def test_a_prompt_keeps_the_break_at_its_end(kind):
    trained = tokenizer(kind)
    line = trained.encode("I know")
    assert trained.encode_prompt("I know") == line
    assert trained.encode_prompt("I know\n") == [*line, trained.line_id]
    assert trained.encode_prompt("I know\r\n\r\n") == [*line, trained.stanza_id]
    assert trained.encode_prompt("I know\n\n[Chorus]\n") == [*line, trained.section_ids["chorus"]]
    assert trained.encode_prompt("\n\n") == []


@EVERY
def test_an_opening_is_made_of_whole_lines_where_lines_are_read_from_their_end(kind):
    trained = tokenizer(kind, lines_right_to_left=True)
    line = trained.encode("I know")
    assert trained.encode_prompt("I know") == trained.encode_prompt("I know\n") == [*line, trained.line_id]
    assert trained.encode_prompt("I know\n\n") == [*line, trained.stanza_id]
    assert trained.encode_prompt("I know\n\n[Chorus]") == [*line, trained.section_ids["chorus"]]
    assert trained.encode_prompt("\n") == []


@EVERY
def test_what_was_never_seen_is_unknown_and_counted(kind):
    trained = tokenizer(kind)
    known, strange = trained.encode("know"), [trained.unknown_id]
    if kind == "word":
        assert trained.encode("ж") == strange
    else:
        assert trained.unknown_id not in trained.encode("ж")
        assert trained.unknown_share(Counter(trained.encode(f"a{UNKNOWN_TEXT}"))) > 0
    assert strange == [trained.unknown_id]
    assert trained.decode(strange) == UNKNOWN_TEXT
    written = Counter([trained.begin_id, *known, *known, *strange, trained.line_id])
    assert trained.unknown_share(written) == 1 / (2 * len(known) + 1)
    assert trained.unknown_share({}) == 0.0


def test_rare_words_and_words_beyond_the_limit_are_left_out():
    songs = ["a a a b b c"]
    assert tokenizer("word", songs, minimum_count=2).tokens[-2:] == ["a", "b"]
    assert tokenizer("word", songs, vocabulary_limit=1).tokens[-1] == "a"


def test_words_in_the_case_that_songs_have_come_back_in_it():
    words = tokenizer("word", ["Love is God\nand I love god"], case="keep")
    assert {"Love", "love", "God", "god", "I"} <= set(words.tokens)
    assert words.decode(words.encode("love is Love\n'Tis god")) == f"love is Love\n{UNKNOWN_TEXT} god"
    assert tokenizer_from_dict(words.to_dict()).encode("Love love") == words.encode("Love love")


def test_characters_seen_too_rarely_are_spelled_in_bytes_and_only_then_written_so():
    songs = ["é é ñ"]
    often, once = tokenizer("char", songs), tokenizer("char", songs, minimum_count=2)
    assert [len(often.encode("ñ")), len(once.encode("ñ")), len(once.encode("é"))] == [1, 2, 1]
    assert once.encode("ñ")[0] in often.never_generated_ids
    assert once.encode("ñ")[0] not in once.never_generated_ids


def test_bytes_that_are_no_character_or_a_hidden_one_are_shown_as_unknown():
    chars = EXACT["char", False]
    first, second = chars.encode("é")
    turned_round = [chars.id_of[f"<0x{byte:02X}>"] for byte in "\u202e".encode()]
    assert chars.decode([first, *chars.encode("a")]) == f"{UNKNOWN_TEXT}a"
    assert chars.decode([second]) == UNKNOWN_TEXT
    assert chars.decode([first]) == UNKNOWN_TEXT
    assert chars.decode(turned_round) == UNKNOWN_TEXT


# As models of the first version have them.
OLD_CHARACTERS = {"kind": "char", "tokens": [*SPECIAL_TOKENS, "a", "é", " "]}
OLD_WORDS = {"kind": "word", "tokens": [*SPECIAL_TOKENS, "a", "i"], "forms": {"i": "I"}, "capitalises": True}


def test_a_tokenizer_of_the_first_version_reads_and_writes_as_it_did():
    chars, words = tokenizer_from_dict(OLD_CHARACTERS), tokenizer_from_dict(OLD_WORDS)
    assert chars.encode_song("a é\nж") == [1, 12, 14, 13, 3, 0, 2]
    assert chars.decode([12, 14, 13, 3, 0]) == f"a é\n{UNKNOWN_TEXT}"
    assert words.encode_prompt("a I ж\n") == [12, 13, 0, 3]
    assert words.decode([12, 13, 3, 0]) == f"A I\n{UNKNOWN_TEXT}"
    assert chars.never_generated_ids == words.never_generated_ids == (0, 1)


@pytest.mark.parametrize("right_to_left", [False, True])
@EVERY
def test_a_tokenizer_survives_json(kind, right_to_left):
    trained = tokenizer(kind, lines_right_to_left=right_to_left, conditions=CONDITIONS, with_title=True)
    copy = tokenizer_from_dict(json.loads(json.dumps(trained.to_dict())))
    assert copy.to_dict() == trained.to_dict()
    assert copy.tokens == trained.tokens
    assert copy.decode(copy.encode(SONGS[1])) == trained.decode(trained.encode(SONGS[1]))


@EVERY
def test_the_vocabulary_does_not_depend_on_the_order_of_songs(kind):
    assert tokenizer(kind, SONGS).to_dict() == tokenizer(kind, SONGS[::-1]).to_dict()


@EVERY
def test_a_songs_text_cannot_forge_a_special_token(kind):
    trained = tokenizer(kind, ["<end> <begin> <line>"])
    assert trained.end_id not in trained.encode("<end>")
    assert trained.decode(trained.encode("<end>")).replace(" ", "").lower() == "<end>"


@EVERY
@given(text=LYRICS | st.text())
def test_spellings_of_a_song_joined_are_its_text_but_for_breaks_that_nothing_follows(kind, text):
    trained = TOKENIZERS[kind]
    stream, spellings = TextStream(trained), []
    ids = trained.encode(text)
    for token_id in ids:
        spellings.append(stream.spelling(token_id))
        stream.push(token_id)
    assert "".join(spellings).replace("\n", "") == trained.decode(ids).replace("\n", "")


@EVERY
def test_trying_out_a_spelling_changes_nothing_that_comes_after(kind):
    trained = TOKENIZERS[kind]
    ids = trained.encode(SONGS[0])
    tried, stream = TextStream(trained), TextStream(trained)
    for token_id in ids:
        for other in range(trained.vocabulary_size):
            tried.spelling(other)
        assert tried.push(token_id) == stream.push(token_id)


@EVERY
def test_marks_are_spelled_as_the_breaks_they_are_and_ends_as_nothing(kind):
    trained = TOKENIZERS[kind]
    stream = TextStream(trained)
    spelled = {name: stream.spelling(trained.id_of[name]) for name in SPECIAL_TOKENS}
    assert spelled["<line>"] == "\n"
    assert spelled["<stanza>"] == "\n\n"
    assert spelled["<chorus>"] == "[Chorus]"
    assert (spelled["<begin>"], spelled["<end>"], spelled["<unknown>"]) == ("", "", UNKNOWN_TEXT)


def test_half_a_character_is_spelled_with_the_token_that_completes_it():
    trained = TOKENIZERS["char"]
    first, second = trained.encode_line("ж")
    stream = TextStream(trained)
    assert stream.spelling(first) == ""
    stream.push(first)
    assert stream.spelling(second) == "ж"


def test_where_lines_are_written_from_their_end_a_token_is_spelled_alone():
    trained = tokenizer("word", lines_right_to_left=True)
    stream = TextStream(trained)
    for word in ("home", "me"):
        token_id = trained.id_of[word]
        assert stream.spelling(token_id) == word
        stream.push(token_id)
