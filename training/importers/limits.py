"""How much an importer takes before it says no, in decoded characters and in bytes that were counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one import; the defaults are those of an upload (reliability R20).

    An operator who imports from the command line passes wider ones.
    """

    song_characters: int = 200_000
    # A song of the limit written in JSON escapes (\\u00e9: six characters for one) has to fit in one record.
    record_characters: int = 1_500_000
    name_characters: int = 500
    archive_members: int = 1_000
    archive_bytes: int = 1_000_000_000
    archive_ratio: int = 100
    archive_ratio_floor_bytes: int = 1024 * 1024
    # What a companion table may hold in memory while songs are joined with it.
    joined_rows: int = 500_000
    joined_characters: int = 50_000_000


UPLOAD_LIMITS = Limits()
