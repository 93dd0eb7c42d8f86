"""The Kaggle poetry folder: one text for each artist, named like the artist and often under two or three spellings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from .joins import Join
from .limits import Limits
from .members import TEXT_EXTENSIONS, Member, extension_of
from .presets import OTHER_TITLES, name_from_slug
from .records import ParsedSong
from .values import folded

# The files of paultimothymooney/poetry, folded as `values.folded` does.
_FILES = frozenset(
    {
        *("adele", "algreen", "aliciakeys", "amywinehouse", "beatles", "bieber", "bjork", "blink182", "bobdylan"),
        *("bobmarley", "britneyspears", "brucespringsteen", "brunomars", "cake", "dickinson", "disney", "djkhaled"),
        *("dollyparton", "drseuss", "drake", "eminem", "janisjoplin", "jimihendrix", "johnnycash", "jonimitchell"),
        *("kanye", "kanyewest", "ladygaga", "leonardcohen", "lilwayne", "linmanuelmiranda", "lorde", "ludacris"),
        *("michaeljackson", "missyelliott", "nickelback", "nickiminaj", "nirvana", "notoriousbig", "nurseryrhymes"),
        *("pattismith", "paulsimon", "prince", "radiohead", "rkelly", "rihanna"),
    }
)
_FEWEST_FILES = 4  # a few artists of the same names are in anybody's folder
# One artist under two names; the spellings of one name are made the same by their slug.
_OTHER_NAMES = {"kanye": "Kanye West", "bieber": "Justin Bieber", "janisjoplin": "Janis Joplin"}


class PoetryFolder(Join):
    """Texts whose file's name is the artist's."""

    title = OTHER_TITLES["kaggle_poetry"]

    @classmethod
    def find(cls, members: Sequence[Member], limits: Limits) -> "PoetryFolder | None":
        """The join, if these members are mostly files of that folder."""
        stems = [_stem(member.name) for member in members if not member.problem]
        known = sum(folded(stem) in _FILES for stem in stems)
        return cls((), limits) if known >= _FEWEST_FILES and 2 * known >= len(stems) else None

    def complete(self, song: ParsedSong, member_name: str) -> ParsedSong:
        """The song by the artist after whom its file is named; that name is no title."""
        if extension_of(member_name) not in TEXT_EXTENSIONS:
            return song
        stem = _stem(member_name)
        artist = _OTHER_NAMES.get(folded(stem)) or name_from_slug(stem.replace("_", "-").lower())
        return replace(song, artist=artist, title="" if song.title == stem else song.title)


def _stem(member_name: str) -> str:
    return PurePosixPath(member_name).stem
