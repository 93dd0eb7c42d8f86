"""Links by which others read: given, and taken back."""

from generator.models import Collection, Lyric
from generator.services.lyrics import keep_lyric


def share(thing: Lyric | Collection) -> None:
    """Give a lyric or a collection a link, unless it has one; one that was taken back never comes again."""
    if isinstance(thing, Lyric):
        keep_lyric(lyric=thing)
    thing.share()


def stop_sharing(thing: Lyric | Collection) -> None:
    """Take the link back: it shows nothing any more."""
    thing.stop_sharing()
