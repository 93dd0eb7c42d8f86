import math

import pytest

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import SongText, build_corpus
from training.language_model.evaluation import count_songs, evaluate_counts
from training.language_model.spelling import NATS_OF_A_STRANGE_CHARACTER, Spelling, spelling_nats, unknown_words
from training.language_model.tokenizers import Tokenizer

TEXT = "[Verse]\nDown to the river\n\n[Chorus]\nOh the river, oh the lantern"


def tokenizer_of(text: str, **values) -> Tokenizer:
    return Tokenizer.train([text], make_config(**values))


def test_a_text_whose_words_are_all_known_costs_no_spelling():
    assert spelling_nats([TEXT], tokenizer_of(TEXT)) == 0.0


def test_letters_that_are_spelt_by_their_bytes_are_paid_for_already():
    assert spelling_nats(["Жук, 夜"], tokenizer_of(TEXT, tokenizer="char")) == 0.0


def test_every_unknown_word_is_spelt_as_often_as_it_is_sung():
    tokenizer = tokenizer_of(TEXT)
    heard = "[Verse]\nThe lanterns went down\nlanterns, oh lanterns"
    assert unknown_words(heard, tokenizer) == ["lanterns", "went", "lanterns", "lanterns"]
    once = spelling_nats(["lanterns"], tokenizer)
    assert spelling_nats([heard], tokenizer) == pytest.approx(3 * once + spelling_nats(["went"], tokenizer))


def test_a_word_like_those_that_are_known_is_cheaper_than_one_that_is_not():
    spelling = Spelling(["singing", "ringing", "bringing", "swinging", "sing", "ring"])
    assert 0 < spelling.nats(["stringing"]) < spelling.nats(["xylophone"])


def test_a_letter_that_no_word_has_costs_a_choice_among_all_there_are():
    spelling = Spelling(["sing", "ring"])
    assert spelling.nats(["Ж"]) > NATS_OF_A_STRANGE_CHARACTER
    tokenizer = tokenizer_of(TEXT, minimum_count=1)
    assert spelling_nats(["Ж"], tokenizer) > math.log(0x110000)


def test_knowing_fewer_words_makes_no_model_look_better():
    """Without the spelling it would: the fewer words a vocabulary holds, the easier is the next of them to guess."""
    songs = [*make_songs(), SongText(text="A sailor's yarn\nwith many rare and curious words to tell")]
    per_character, nats = [], []
    for limit in (10, 60):
        corpus = build_corpus(songs, make_config(vocabulary_limit=limit))
        judged = evaluate_counts(count_songs(corpus), corpus.validation)
        nats.append(judged.nats)
        per_character.append(judged.nats_per_character)
    assert nats[0] < nats[1]
    assert per_character[0] > per_character[1]
