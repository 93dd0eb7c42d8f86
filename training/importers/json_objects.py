"""The song objects of a JSON document in bounded memory, told apart by their braces; strings hide theirs.

    [ {song}, {song} ]      {song}{song}      {"data": [ {song}, {song} ], "page": 1}
    {"name": "An Artist", "songs": [ {song}, {song} ]}       and an array of such artists

An object that never closes, or grows beyond its limit, ends where the next one begins. An object that holds a list of
songs is none itself: its songs are handed out one by one, with the artist it names.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A key before a list of objects; a whole string; a quote whose string ends neither here nor on this line; or what
# gives a document its shape.
_STRING = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_TOKEN = re.compile(rf'(?P<key>{_STRING})\s*+:\s*+\[(?=\s*+\{{)|{_STRING}|["{{}}\[\]]')
_NEXT_OBJECT = re.compile(r'\}\s*+,?\s*+(?=\{\s*+")')
_OBJECT_OR_END_OF_LIST = re.compile(r"[{\]]")
_BEHIND_A_LIST = re.compile(r"\s*+[,}\]]")
_LYRICS_KEY = re.compile(r'"(?:song[_ ]?)?lyrics?"\s*+:', re.IGNORECASE)
_KEPT_WHILE_LOST = 200  # an end and a beginning may stand in two pieces of the file
_SONGS = "songs"
# What the list is called where a document is one object around it.
_LISTS_OF_A_DOCUMENT = frozenset({"data", "items", "poems", "records", "results", "rows", "tracks", "train"})


class ObjectText(NamedTuple):
    """The text of one song's object, where it begins, and whose song it is if what stands around it says so."""

    line: int
    text: str
    is_oversized: bool = False
    artist: str = ""


class _End(NamedTuple):
    """How an object goes on from where we looked: it ends at ``place``, or holds a list of songs that begins there."""

    place: int
    list_key: str = ""
    key_start: int = 0
    depth: int = 0  # how many objects are open where the list begins


class _OpenList(NamedTuple):
    depth: int
    artist: str


def object_texts(chunks: Iterable[str], longest: int) -> Iterator[ObjectText]:
    """The objects of a document in their order, each of at most ``longest`` characters."""
    document = _Document(longest)
    for chunk in chunks:
        document.read(chunk)
        yield from document.objects(is_last=False)
    yield from document.objects(is_last=True)


def holds_songs(text: str) -> bool:
    """Whether this text begins with an object that is none of a song, but of a list of them."""
    start = text.find("{")
    end, _ = _look(text, start, is_root=True) if start >= 0 else (None, False)
    return end is not None and bool(end.list_key)


class _Document:
    """What has been read of a document and not been handed out, and the lists of songs we are inside of."""

    def __init__(self, longest: int):
        self.longest = longest
        self.text, self.place, self.line = "", 0, 1
        self.is_lost = False
        self.is_root = True  # nothing was met so far
        self.lists: list[_OpenList] = []

    def read(self, chunk: str) -> None:
        self.text, self.place = self.text[self.place :] + chunk, 0

    def objects(self, *, is_last: bool) -> Iterator[ObjectText]:
        while self._find_object(is_last):
            end, is_broken = _look(self.text, self.place, is_root=self.is_root)
            if end is not None and end.list_key:
                self._enter_list(end)
                continue
            extent = self._extent(end and end.place, is_broken, is_last)
            if extent is None:
                return
            behind, is_oversized, self.is_lost = extent
            artist = self.lists[-1].artist if self.lists else ""
            text = self.text[self.place : min(behind, self.place + self.longest)]
            yield ObjectText(self.line, text, is_oversized, artist)
            self._go_to(behind)
            self.is_root = False

    def _go_to(self, place: int) -> None:
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def _find_object(self, is_last: bool) -> bool:
        """Go to where the next object begins; False if it has not come. Once lost, only behind the end of another."""
        if self.is_lost:
            return self._find_way()
        while self.lists and (found := _OBJECT_OR_END_OF_LIST.search(self.text, self.place)):
            if found[0] == "{":
                self._go_to(found.start())
                return True
            if not self._leave_list(found.end(), is_last):
                return False
        start = self.text.find("{", self.place)
        self.is_root = self.is_root and not self.text[self.place : start if start >= 0 else None].strip()
        self._go_to(start if start >= 0 else len(self.text))
        return start >= 0

    def _find_way(self) -> bool:
        found = _NEXT_OBJECT.search(self.text, self.place)
        self.is_lost = found is None
        self._go_to(found.end() if found else max(self.place, len(self.text) - _KEPT_WHILE_LOST))
        return not self.is_lost

    def _enter_list(self, end: _End) -> None:
        """Go into the list of songs that begins at ``end``."""
        artist = _artist(self.text[self.place : end.key_start], end)
        self.lists.append(_OpenList(end.depth, artist))
        self._go_to(end.place)
        self.is_root = False

    def _leave_list(self, place: int, is_last: bool) -> bool:
        """Go behind the objects around the list that ended, or into their next one; False if more text is needed."""
        left = self.lists[-1]
        end, is_broken = _look(self.text, place, depth=left.depth)
        if end is None and not (is_last or is_broken or len(self.text) - place > self.longest):
            return False
        self.lists.pop()
        if end is not None and end.list_key:
            self.lists.append(_OpenList(end.depth, left.artist))
        self._go_to(place if end is None else end.place)
        return True

    def _extent(self, end: int | None, is_broken: bool, is_last: bool) -> tuple[int, bool, bool] | None:
        """Where the object ends, whether it is oversized, and whether we lost our way; None if more text is needed."""
        start, longest = self.place, self.longest
        size = (len(self.text) if end is None else end) - start
        if end is not None and size <= longest:
            return end, False, False
        if not (is_last or is_broken or size > longest):
            return None
        if found := _NEXT_OBJECT.search(self.text, start + 1, start + size):
            return found.end(), found.end() - start > longest, False
        if end is not None:
            return end, True, False
        if not is_last and size <= longest:
            return None
        return len(self.text), size > longest, True


def _look(text: str, start: int, *, depth: int = 0, is_root: bool = False) -> tuple[_End | None, bool]:
    """How the object at ``start`` ends, None if that has not come; and whether a string in it breaks off.

    Args:
        depth: how many objects are open at ``start`` already.
        is_root: the document begins with this object.
    """
    open_brackets = ["{"] * depth
    for token in _TOKEN.finditer(text, start):
        kind, innermost = token[0], open_brackets[-1:]
        if kind == "{":
            if innermost == ["{"] and _character_before(text, token.start()) != ":":
                return _End(token.start()), False  # no object stands there: this one never closed, another begins
            open_brackets.append("{")
        elif kind == "}":
            while open_brackets and open_brackets.pop() != "{":
                pass
            if not open_brackets:
                return _End(token.end()), False
        elif token["key"]:
            if "[" not in open_brackets and _is_list_of_songs(text, start, token, is_root):
                return _End(token.end(), token["key"][1:-1], token.start(), len(open_brackets)), False
            open_brackets.append("[")
        elif kind == "[":
            open_brackets.append("[")
        elif kind == "]" and innermost == ["["]:
            open_brackets.pop()
        elif kind == "]" and _BEHIND_A_LIST.match(text, token.end()):
            return _End(token.start()), False  # the list around this object ended, so it never closed
        elif kind == '"':
            return None, "\n" in text[token.end() :]
    return None, False


def _character_before(text: str, place: int) -> str:
    """The last character before ``place`` that is no white space."""
    place -= 1
    while place >= 0 and text[place].isspace():
        place -= 1
    return text[place : place + 1]


def _is_list_of_songs(text: str, start: int, token: re.Match, is_root: bool) -> bool:
    """Whether songs follow this key: its name says so, or they have lyrics; an object with lyrics is a song itself."""
    key = token["key"][1:-1].lower()
    if _LYRICS_KEY.search(text, start, token.start()):
        return False
    if key == _SONGS or (is_root and key in _LISTS_OF_A_DOCUMENT):
        return True
    return _LYRICS_KEY.search(text, token.end(), _end_of_first(text, token.end())) is not None


def _end_of_first(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += (token[0] == "{") - (token[0] == "}")
        if token[0] == "}" and depth == 0:
            return token.end()
    return len(text)


def _artist(beginning: str, end: _End) -> str:
    """The artist that an object names before its list of songs, the empty string if it names none."""
    try:
        values = json.loads(beginning.rstrip().rstrip(",") + "}" * end.depth)
    except (ValueError, RecursionError):
        return ""
    for _ in range(end.depth - 1):
        values = next(reversed(values.values()), None) if isinstance(values, dict) else None
    if not isinstance(values, dict):
        return ""
    found = values.get("artist") or values.get("artist_name") or (values.get("name") if end.list_key == _SONGS else "")
    found = found.get("name") if isinstance(found, dict) else found
    return found if isinstance(found, str) else ""
