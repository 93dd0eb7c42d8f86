import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import SongText, build_corpus, windows
from training.language_model.errors import CorpusTooSmall


def test_about_the_wanted_share_is_held_back():
    corpus = build_corpus(make_songs(), make_config(validation_fraction=0.2))
    assert 3 <= len(corpus.validation.songs) <= 6
    assert corpus.songs == 24


def test_the_split_does_not_depend_on_the_order_of_songs():
    config = make_config()
    one, other = build_corpus(make_songs(), config), build_corpus(make_songs()[::-1], config)
    assert torch.equal(one.tokens, other.tokens)
    assert one.content_hash == other.content_hash
    assert one.tokenizer.tokens == other.tokenizer.tokens


def test_runs_with_different_seeds_are_judged_by_the_same_songs():
    one, other = (build_corpus(make_songs(), make_config(seed=seed)) for seed in (1, 2))
    assert held_out(one) == held_out(other)
    assert torch.equal(one.tokens, other.tokens)


def test_another_dataset_hash_holds_other_songs_back():
    one, other = (build_corpus(make_songs(), make_config(), dataset_hash=name) for name in ("a1", "b2"))
    assert held_out(one) != held_out(other)
    assert one.content_hash == other.content_hash


def test_songs_kept_for_the_test_are_neither_learnt_from_nor_judged_by():
    corpus = build_corpus(make_songs(), make_config(test_fraction=0.2))
    assert 3 <= len(corpus.test.songs) <= 6
    sides = [corpus.tokens.split(corpus.song_lengths), corpus.validation.songs, corpus.test.songs]
    texts = [{corpus.tokenizer.decode(song.tolist()) for song in side} for side in sides]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]
    assert corpus.songs == 24


def held_out(corpus):
    return [
        [corpus.tokenizer.decode(song.tolist()) for song in side.songs] for side in (corpus.validation, corpus.test)
    ]


@pytest.mark.parametrize("songs", [[], [SongText(text="la la la")], [SongText(text="la"), SongText(text="la\n")]])
def test_fewer_than_two_different_songs_are_too_few(songs):
    with pytest.raises(CorpusTooSmall, match="two different songs"):
        build_corpus(songs, make_config())


def test_songs_shorter_than_a_window_are_too_few():
    songs = [SongText(text=word) for word in ("one", "two", "three")]
    with pytest.raises(CorpusTooSmall, match="one window needs"):
        build_corpus(songs, make_config(sequence_length=100))


@settings(max_examples=25)
@given(batch_size=st.integers(1, 9), sequence_length=st.integers(4, 30), epoch=st.integers(0, 3))
def test_windows_cover_each_column_once_and_targets_are_one_step_ahead(batch_size, sequence_length, epoch):
    corpus = CORPUS
    columns = corpus.columns(batch_size=batch_size, seed=1, epoch=epoch)
    pairs = list(windows(columns, sequence_length))
    assert torch.equal(torch.cat([inputs for inputs, _ in pairs]), columns[:-1].long())
    assert torch.equal(torch.cat([targets for _, targets in pairs]), columns[1:].long())
    assert len(pairs) == corpus.steps_per_epoch(batch_size=batch_size, sequence_length=sequence_length)


def test_each_epoch_reads_the_same_songs_in_another_order():
    first, second, again = (CORPUS.columns(batch_size=1, seed=1, epoch=epoch)[:, 0] for epoch in (0, 1, 0))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)
    assert first[0] == CORPUS.tokenizer.begin_id


def test_the_hash_tells_batches_apart_by_songs_width_and_order():
    same = {"batch_size": 4, "seed": 1, "epoch": 0}
    first = CORPUS.batch_hash(**same)
    assert build_corpus(make_songs()[::-1], make_config()).batch_hash(**same) == first
    others = [
        CORPUS.batch_hash(**same | {"seed": 2}),
        CORPUS.batch_hash(**same | {"epoch": 1}),
        CORPUS.batch_hash(**same | {"batch_size": 2}),
        build_corpus(make_songs(23), make_config()).batch_hash(**same),
    ]
    assert len({first, *others}) == 5


def test_tokens_to_learn_from_take_two_bytes_each_on_disk(tmp_path):
    corpus = build_corpus(make_songs(), make_config(), folder=tmp_path)
    assert corpus.tokens.dtype == torch.uint16
    assert list(tmp_path.iterdir()) == []  # the file has no name
    assert torch.equal(corpus.tokens, CORPUS.tokens)


def test_characters_held_out_are_the_same_number_for_both_tokenizers():
    chars = build_corpus(make_songs(), make_config(tokenizer="char"))
    words = build_corpus(make_songs(), make_config(tokenizer="word"))
    assert chars.validation.characters == words.validation.characters
    decoded = [chars.tokenizer.decode(song.tolist()) for song in chars.validation.songs]
    assert chars.validation.characters == sum(len(text) + 1 for text in decoded)


CORPUS = build_corpus(make_songs(), make_config())
