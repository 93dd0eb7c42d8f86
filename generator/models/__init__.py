"""Everything that is kept of what was written, with its names in one place."""

from generator.models.collections import Collection, CollectionEntry
from generator.models.lyrics import Lyric
from generator.models.search import LyricWords

__all__ = ["Collection", "CollectionEntry", "Lyric", "LyricWords"]
