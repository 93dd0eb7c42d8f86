import pytest

from .reading import look, read, songs_of
from .test_joins import packed

NAMES = ["adele_txt", "kanye_txt", "lil-wayne_txt", "dr-seuss_txt"]


def test_an_artist_is_one_whatever_spelling_the_file_has():
    spellings = ["Kanye_West.txt", "kanye-west.txt", "kanye.txt", "Lil_Wayne.txt", "lil-wayne.txt", "notorious_big.txt"]
    content = packed(**{name: f"la {name}\nla" for name in spellings})
    assert [song.artist for song in songs_of(read(content))] == [
        *["Kanye West"] * 3,
        *["Lil Wayne"] * 2,
        "Notorious Big",
    ]
    assert look(content).looks_like == "Kaggle poetry folder"


@pytest.mark.parametrize("others", [["mine_txt"], ["a_txt", "b_txt", "c_txt"]])
def test_a_few_files_of_ones_own_may_lie_among_them(others):
    content = packed(**{name: f"la {name}\nla" for name in [*NAMES, *others]})
    assert look(content).looks_like == "Kaggle poetry folder"


def test_a_folder_of_other_files_is_another_folder():
    content = packed(**{f"poems__{name}": f"la {name}\nla" for name in ["adele_txt", "x_txt", "y_txt", "drake_txt"]})
    assert look(content).looks_like == ""
    assert {song.artist for song in songs_of(read(content))} == {"poems"}
