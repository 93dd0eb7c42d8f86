"""Links by which others read: given, and taken back."""

from django.core.exceptions import ObjectDoesNotExist

from generator.models import Collection, Lyric
from generator.services.lyrics import keep_lyric
from training.errors import Conflict


def share(thing: Lyric | Collection) -> None:
    """Give a lyric or a collection a link, unless it has one; one that was taken back never comes again.

    Raises: Conflict when it was deleted meanwhile.
    """
    if isinstance(thing, Lyric):
        keep_lyric(lyric=thing)
    try:
        thing.share()
    except ObjectDoesNotExist:
        raise Conflict("This was deleted meanwhile.", state="deleted") from None


def stop_sharing(thing: Lyric | Collection) -> None:
    """Take the link back: it shows nothing any more."""
    thing.stop_sharing()
