"""From one record to one row: cleaned, normalised, counted, its language told."""

import json
from functools import lru_cache

from training import duplicates
from training.importers import ImportOptions, ParsedSong
from training.importers.cleaning import Cleaned, clean
from training.importers.language import SURE, detect_language, settled_language
from training.ingest.counts import LANGUAGE, Counts
from training.ingest.rows import SongRow
from training.language_model import lyric_text
from training.models import Import, Song
from training.outline import count_words, outline

LONGEST_NAME, LONGEST_GENRE, LONGEST_LANGUAGE = 300, 100, 35


class Preparation:
    """Makes rows of an import's records, and counts what it did to them."""

    def __init__(self, job: Import, options: ImportOptions) -> None:
        self.job = job
        self.options = options
        self.kept_languages = frozenset(options.language)

    def prepare(self, record: ParsedSong, counts: Counts) -> SongRow | None:
        """Return the song's row with the next free place, or None if no word is left; ``counts`` takes it in."""
        cleaned = clean(record.text, self.options.cleaning)
        text = lyric_text.normalise(cleaned.text)
        sections, lines = outline(text)
        word_count = count_words(lines)
        if not word_count:
            return None
        language, confidence = self._language(text, record.language)
        is_kept = self._is_wanted(language, confidence, record.language)
        counts.stored += 1
        self._count(record, cleaned, language, is_kept, counts)
        return SongRow(
            dataset_id=self.job.dataset_id,
            imported_by_id=self.job.pk,
            record_number=record.record_number,
            line_number=record.line,
            ordinal=counts.stored,
            added_in=self.job.version,
            title=record.title[:LONGEST_NAME],
            artist=record.artist[:LONGEST_NAME],
            genre=record.genre[:LONGEST_GENRE],
            year=record.year,
            language=language[:LONGEST_LANGUAGE],
            language_confidence=confidence,
            language_in_file=record.language[:LONGEST_LANGUAGE],
            text=text,
            raw_text="" if record.text == text else record.text,
            sections=f"[{', '.join([_section_as_json(**section) for section in sections])}]",
            marks=json.dumps(cleaned.marks) if cleaned.marks else "[]",
            line_count=len(lines),
            word_count=word_count,
            character_count=len(text),
            text_hash=duplicates.text_hash(text),
            normalised_hash=duplicates.normalised_hash(text) if self.options.duplicates else "",
            excluded_as=None if is_kept else Song.Excluded.LANGUAGE.value,
        )

    def _language(self, text: str, in_file: str) -> tuple[str, float | None]:
        if not self.options.detect_language:
            return settled_language("", 0.0, in_file), None
        detected, confidence = detect_language(text)
        return settled_language(detected, confidence, in_file), confidence

    def _is_wanted(self, language: str, confidence: float | None, in_file: str) -> bool:
        """Whether the language filter keeps a song; one whose language nobody can tell for sure stays."""
        if not self.kept_languages or language in self.kept_languages:
            return True
        return not in_file and confidence is not None and confidence < SURE

    def _count(self, record: ParsedSong, cleaned: Cleaned, language: str, is_kept: bool, counts: Counts) -> None:
        if not is_kept:
            counts.rejected[LANGUAGE] += 1
        if language:
            counts.languages[language] += 1
            counts.non_english += not language.lower().startswith("en")
        if not record.artist:
            counts.missing_artist += 1
        if not record.text.isascii():
            counts.replaced_characters += record.text.count("\ufffd")
        for switch, places in cleaned.changes.items():
            counts.cleaned_songs[switch] += 1
            counts.cleaned_places[switch] += places
        for mark in cleaned.marks:
            counts.marks[mark] += 1


@lru_cache(maxsize=4096)
def _section_as_json(name: str, lines: int) -> str:
    """One of `Outline.sections`; nearly all are a few lines without a name."""
    return json.dumps({"name": name, "lines": lines})
