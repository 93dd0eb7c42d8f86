from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.language_model.songs import make_config, make_songs
from tests.training.language_model.test_tokenizers import tokenizer
from training.language_model.config import CONDITION_LIMITS
from training.language_model.corpus import build_corpus, windows
from training.language_model.evaluation import evaluate, finish
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.tokenizers import Conditions, SongFacts, learn_conditions


def songs(told):
    return [SongFacts(genre=genre, artist=artist) for genre, artist in told]


def songs_with_genres():
    return [
        replace(song, genre=("Folk", "folk ", "Rock")[number % 3], artist="Ann" if number % 2 else "")
        for number, song in enumerate(make_songs())
    ]


def test_values_that_enough_songs_share_are_learnt_as_they_are_mostly_written():
    told = songs([("Folk", "Ann")] * 3 + [("folk", "Bob")] * 2 + [("FOLK ", "")] + [("Rock", "Ann")] * 4 + [("", "")])
    both = learn_conditions(told, "genre+artist")
    assert both.to_dict() == {"genre": ["Folk"], "artist": ["Ann"]}
    assert both.marks == ("<genre:other>", "<genre:Folk>", "<artist:other>", "<artist:Ann>")
    assert learn_conditions(told[::-1], "genre").to_dict() == {"genre": ["Folk"]}
    assert learn_conditions(told, "").marks == ()


def test_there_are_only_so_many_values_the_frequent_ones():
    told = songs([(f"genre {number}", "") for number in range(80) for _ in range(5 + number)])
    learnt = learn_conditions(told, "genre").values["genre"]
    assert learnt[:2] == ("genre 79", "genre 78")
    assert len(learnt) == CONDITION_LIMITS["genre"]


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=8))
def test_whatever_songs_say_makes_marks_that_can_be_told_apart(told):
    learnt = learn_conditions(songs(told * 5), "genre+artist")
    assert len(set(learnt.marks)) == len(learnt.marks)
    assert Conditions(learnt.to_dict()).marks == learnt.marks
    assert all(len(learnt.marks_of(facts)) == 2 for facts in songs(told))


@pytest.mark.parametrize(
    "values", [{"mood": []}, {"genre": ["Folk", "folk"]}, {"genre": ["other"]}, {"genre": [""]}, {"artist": ["a\nb"]}]
)
def test_marks_that_cannot_be_told_apart_are_refused(values):
    with pytest.raises(ValueError, match=r"\."):
        Conditions(values)


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_song_is_told_what_it_is_right_after_begin(kind):
    trained = tokenizer(kind, conditions=Conditions({"genre": ["Folk"], "artist": ["Ann"]}))
    folk, ann = trained.id_of["<genre:Folk>"], trained.id_of["<artist:Ann>"]
    other, another = trained.id_of["<genre:other>"], trained.id_of["<artist:other>"]
    text = trained.encode("the river")
    assert trained.encode_song("the river", SongFacts(genre="folk", artist="ANN")) == [
        *(trained.begin_id, folk, ann, *text, trained.end_id)
    ]
    assert trained.encode_prompt("the river", genre="Ska") == [other, another, *text]
    assert trained.encode_prompt("") == [other, another]
    assert trained.decode([folk, ann, *text]) == trained.decode(text)
    assert {folk, ann, other, another} <= set(trained.never_generated_ids)
    assert trained.unknown_share({folk: 1, ann: 2}) == 0


@pytest.mark.parametrize("right_to_left", [False, True])
@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_song_is_told_its_title_as_a_line_that_is_no_part_of_its_text(kind, right_to_left):
    trained = tokenizer(kind, with_title=True, lines_right_to_left=right_to_left)
    mark, title, text = trained.id_of["<title>"], trained.encode("home again"), trained.encode("the river")
    song = trained.encode_song("the river", SongFacts(title=" home\n again"))
    assert song == [trained.begin_id, mark, *title, trained.line_id, *text, trained.end_id]
    assert trained.encode_song("the river")[:3] == [trained.begin_id, mark, trained.line_id]
    opening = trained.encode_prompt("the river\n", title="home again")
    assert opening == [mark, *title, trained.line_id, *text, trained.line_id]
    assert trained.decode(song) == trained.decode(text)
    assert mark in trained.never_generated_ids


def test_the_words_of_titles_are_not_judged():
    titled = [replace(song, title=f"Song {'of rivers ' * (number % 3)}") for number, song in enumerate(make_songs())]
    corpus, plain = build_corpus(titled, make_config(with_title=True)), build_corpus(titled, make_config())
    assert corpus.validation.tokens == plain.validation.tokens
    assert corpus.validation.unknown_share == plain.validation.unknown_share
    assert len(set(corpus.validation.given + corpus.test.given)) > 1
    network = LyricNetwork(
        NetworkShape.of(make_config(), corpus.tokenizer.vocabulary_size), generator=torch.Generator().manual_seed(1)
    )
    assert finish(evaluate(network, corpus.validation)).tokens == plain.validation.tokens


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_no_song_can_say_what_it_is_by_its_words(kind):
    conditions = Conditions({"genre": ["Folk", "!!!"], "artist": []})
    trained = tokenizer(kind, ["<genre:Folk> <genre:!!!> <artist:other>"] * 5, conditions=conditions)
    assert not set(trained.encode("<genre:Folk> <genre:!!!> <artist:other>")) & set(trained.condition_ids)


def test_a_corpus_marks_every_song_by_what_the_training_songs_taught():
    corpus = build_corpus(songs_with_genres(), make_config(condition_on="genre+artist"))
    trained = corpus.tokenizer
    assert trained.conditions.to_dict() == {"genre": ["Folk", "Rock"], "artist": ["Ann"]}
    genres = {trained.id_of[f"<genre:{value}>"] for value in ("Folk", "Rock")}
    for song in (*corpus.tokens.split(corpus.song_lengths), *corpus.validation.songs, *corpus.test.songs):
        assert int(song[0]) == trained.begin_id
        assert int(song[1]) in genres
        assert int(song[2]) in trained.condition_ids
    assert build_corpus(songs_with_genres()[::-1], make_config(condition_on="genre+artist")).tokens.equal(corpus.tokens)


def test_songs_of_equal_text_are_told_what_one_of_them_says():
    silent = [replace(song, genre="", artist="") for song in songs_with_genres()]
    one = build_corpus([*silent, *songs_with_genres()], make_config(condition_on="genre"))
    other = build_corpus([*songs_with_genres(), *silent], make_config(condition_on="genre"))
    assert one.tokenizer.conditions.to_dict() == other.tokenizer.conditions.to_dict() == {"genre": ["Folk", "Rock"]}


def test_a_model_is_judged_by_its_songs_and_not_by_what_it_is_told():
    config = make_config(condition_on="genre+artist")
    corpus = build_corpus(songs_with_genres(), config)
    plain = build_corpus(songs_with_genres(), make_config())
    assert corpus.validation.tokens == plain.validation.tokens
    assert corpus.validation.characters == plain.validation.characters
    network = LyricNetwork(
        NetworkShape.of(config, corpus.tokenizer.vocabulary_size), generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        network.decoder_bias[
            list(corpus.tokenizer.condition_ids)
        ] = -30.0  # what is given may be as unlikely as it likes
    result = finish(evaluate(network, corpus.validation))
    assert result.tokens == corpus.validation.tokens
    assert result.nats_per_token < 10


def test_a_network_is_not_asked_to_guess_what_it_is_told():
    corpus = build_corpus(songs_with_genres(), make_config(condition_on="genre"))
    columns = corpus.columns(batch_size=2, seed=1, epoch=0)
    given = set(corpus.tokenizer.condition_ids)
    inputs, targets = zip(*windows(columns, 8, tokenizer=corpus.tokenizer), strict=True)
    assert given & set(torch.cat(inputs).flatten().tolist())
    assert not given & set(torch.cat(targets).flatten().tolist())
    assert corpus.token_counts()[list(given)].sum() == 0
