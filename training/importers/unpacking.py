"""What every unpacked stream has in common: it is read in pieces, counted, and rewound by starting again."""

PIECE_BYTES = 64 * 1024


class UnpackedStream:
    """A readable stream of bytes that are unpacked as they are asked for.

    ``seek`` goes back by starting again and forward by reading on. Subclasses say what one piece is (`_piece`) and
    how to start again (`_restart`).
    """

    def __init__(self) -> None:
        self._place = 0

    def __enter__(self) -> "UnpackedStream":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def read(self, size: int = PIECE_BYTES) -> bytes:
        """``size`` bytes, fewer only at the end."""
        if size < 1:
            return b""  # zlib takes a length of nothing for "everything"
        found = self._piece(size)
        while found and len(found) < size and (more := self._piece(size - len(found))):
            found += more
        self._place += len(found)
        return found

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> int:
        """Go to ``place``, or to the end where that comes first."""
        if place < self._place:
            self._restart()
            self._place = 0
        while self._place < place and self.read(min(PIECE_BYTES, place - self._place)):
            pass
        return self._place

    def close(self) -> None:
        """Nothing is held open here; what stands behind is closed by whoever opened it."""

    def _piece(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end."""
        raise NotImplementedError

    def _restart(self) -> None:
        raise NotImplementedError
