import random

from hypothesis import given, settings
from hypothesis import strategies as st

from training.language_model.lyric_text import canonical
from training.language_model.plain_words import plain_lines
from training.language_model.song_groups import RUN_LINES, SongText, content_hash, group_songs, split_groups

SONGS = st.lists(
    st.builds(SongText, text=st.sampled_from("abcdefgh").map(lambda word: word * 3), duplicate_group=st.integers(0, 5))
    | st.builds(SongText, text=st.text("abc \n", max_size=12))
    | st.builds(SongText, text=st.lists(st.sampled_from(("Oh!", "ah", "la")), max_size=16).map("\n".join)),
    max_size=30,
)
FRACTIONS = st.floats(0.01, 0.5)


def runs_of(text: str) -> set[tuple[str, ...]]:
    """The runs of lines as they are, without any hash."""
    lines = plain_lines(text)
    return {tuple(lines[start : start + RUN_LINES]) for start in range(len(lines) - RUN_LINES + 1)}


def shared_runs(one: list[str], other: list[str]) -> set[tuple[str, ...]]:
    return set().union(*map(runs_of, one)) & set().union(*map(runs_of, other))


@settings(deadline=None)
@given(SONGS, st.text("0123456789abcdef", max_size=4), FRACTIONS, st.floats(0, 0.3))
def test_no_song_no_duplicate_group_and_no_run_of_eight_lines_is_on_two_sides(songs, name, validation, test):
    groups = group_songs(songs)
    texts = {canonical(song.text) for song in songs} - {""}
    assert sorted(text for group in groups for text in group) == sorted(texts)
    if len(groups) < 2:
        return
    split = split_groups(groups, validation=validation, test=test, name=name)
    sides = (split.training, split.validation, split.test)
    assert split.training
    assert split.validation
    assert sorted(split.training + split.validation + split.test) == sorted(texts)
    places = {}
    for song in songs:
        if (text := canonical(song.text)) and song.duplicate_group is not None:
            places.setdefault(song.duplicate_group, set()).add([text in side for side in sides].index(True))
    assert all(len(place) == 1 for place in places.values())
    assert not shared_runs(split.training, split.validation)
    assert not shared_runs(split.training, split.test)
    assert not shared_runs(split.validation, split.test)


@settings(deadline=None)
@given(SONGS, st.randoms())
def test_groups_are_the_same_for_songs_in_any_order(songs, chance):
    shuffled = list(songs)
    chance.shuffle(shuffled)
    assert group_songs(shuffled) == group_songs(songs)
    assert content_hash(group_songs(shuffled)) == content_hash(group_songs(songs))


def songs_with_shared_choruses() -> list[SongText]:
    """Sixty songs, each sharing eight lines with one other, written a little differently."""
    songs = []
    for number in range(60):
        own = [f"verse line {line} of song {number}" for line in range(10)]
        chorus = [f"chorus line {line} of pair {number // 2}" for line in range(8)]
        if number % 2:
            chorus = [line.upper() + "!" for line in chorus]
        songs.append(SongText(text="\n".join([*own, "", "[Chorus]", *chorus])))
    return songs


def test_a_split_by_song_would_leak_where_the_split_by_group_does_not():
    songs = songs_with_shared_choruses()
    texts = sorted(canonical(song.text) for song in songs)
    by_song = split_groups([[text] for text in texts], validation=0.2, test=0.1, name="x")
    assert shared_runs(by_song.training, by_song.validation)
    by_group = split_groups(group_songs(songs), validation=0.2, test=0.1, name="x")
    assert not shared_runs(by_group.training, by_group.validation)
    assert not shared_runs(by_group.training, by_group.test)
    assert by_group.test


def test_seven_shared_lines_leave_songs_apart():
    shared = [f"line {number}" for number in range(7)]
    songs = [SongText(text="\n".join([*shared, f"end {number}"])) for number in range(3)]
    assert len(group_songs(songs)) == 3
    together = [SongText(text="\n".join([*shared, "same end", f"end {number}"])) for number in range(3)]
    assert len(group_songs(together)) == 1


def test_a_song_that_two_groups_share_brings_them_together():
    songs = [SongText(text=text, duplicate_group=group) for text, group in [("a", 1), ("b", 2), ("b", 1), ("c", 2)]]
    assert group_songs(songs) == [["a", "b", "c"]]


def test_the_test_keeps_its_songs_when_another_share_is_held_for_validation():
    texts = [[f"song {number} " + "la " * random.Random(number).randrange(5, 30)] for number in range(200)]
    one, other = (split_groups(texts, validation=share, test=0.1, name="x") for share in (0.1, 0.3))
    assert one.test == other.test


def test_two_songs_leave_nothing_for_the_test():
    split = split_groups([["a"], ["b"]], validation=0.5, test=0.3, name="x")
    assert (len(split.training), len(split.validation), split.test) == (1, 1, [])
