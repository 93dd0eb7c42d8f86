"""What a person should know about a dataset before training on it: sentences, from its counts and its report."""

from training.findings import Finding
from training.language_model.config import TrainingConfig, count_parameters
from training.language_model.estimates import WEIGHTS_PER_WORD
from training.language_model.presets import PRESETS, Preset
from training.language_model.recipes import usual_recipes

# A line of this many words is a verse that lost its line breaks.
LONG_LINE_WORDS = 25
MANY_COPIES = 0.25
COPIES_IN_WORDS = ((0.6, "Most of the"), (0.5, "Half of the"), (0, "Many"))
MANY_IN_OTHER_LANGUAGES = 0.05
MANY_REPEATS = 0.6
FEW_SECTIONS = 0.02
SONGS_TO_JUDGE = 10


def dataset_findings(statistics: dict, report: dict) -> list[Finding]:
    """Return what is worth knowing about a dataset, the gravest first; [] where there are no songs.

    Args:
        statistics: what `SongStatistics.to_dict` gave.
        report: the report of its import; {} where it was made in another way.
    """
    if not statistics.get("songs"):
        return []
    found = [
        _size(statistics),
        _line_breaks(statistics),
        _letters(report),
        _copies(report),
        _languages(statistics),
        _repeats(statistics),
        _sections(statistics),
    ]
    return sorted((finding for finding in found if finding), key=lambda finding: finding.tone != "warn")


def words_wanted(preset: Preset, statistics: dict) -> int:
    """How many words the preset's usual network needs to learn more than the songs by heart."""
    config = TrainingConfig.from_dict(usual_recipes(preset.name)["word"])
    vocabulary = min(max(statistics.get("different_words", 0), 1), config.vocabulary_limit)
    return count_parameters(config, vocabulary) // WEIGHTS_PER_WORD


def _size(statistics: dict) -> Finding:
    words = statistics.get("words", 0)
    wanted = {preset.title: words_wanted(preset, statistics) for preset in PRESETS.values()}
    too_large = {title: count for title, count in wanted.items() if count > words}
    if not too_large:
        return Finding(f"Enough for {_listed(list(wanted))}.", f"{words:,} words can fill every network on offer.")
    evidence = "; ".join(f"{title} wants about {_rounded(count):,} words" for title, count in too_large.items())
    evidence += f"; there are {words:,}."
    if len(too_large) == len(wanted):
        return Finding(
            "Too small for every preset.",
            "A network this large would learn the songs by heart. Add songs, or let it read characters: that makes "
            "more of few songs.",
            evidence,
            tone="warn",
        )
    enough = [title for title in wanted if title not in too_large]
    text = (
        f"{_listed(list(too_large))} would take a network that learns these songs by heart, so there they take a "
        "smaller one than usual."
    )
    return Finding(f"Enough for {_listed(enough)}.", text, evidence)


def _line_breaks(statistics: dict) -> Finding | None:
    lines, words = statistics.get("lines", 0), statistics.get("words", 0)
    if not lines or words / lines < LONG_LINE_WORDS:
        return None
    return Finding(
        "No line breaks.",
        "Most songs stand here as one long line, so a network cannot learn where a line ends. The file may have lost "
        "its line breaks on the way; look for one that has them.",
        f"A line has {round(words / lines):,} words on average.",
        tone="warn",
    )


def _letters(report: dict) -> Finding | None:
    replaced = report.get("replaced_characters", 0)
    if not replaced:
        return None
    return Finding(
        "Broken letters.",
        "Some characters of the file could not be read and stand as � now. Another encoding may read them.",
        f"{replaced:,} {'character' if replaced == 1 else 'characters'} replaced.",
        tone="warn",
    )


def _copies(report: dict) -> Finding | None:
    copies = sum((report.get("duplicates") or {}).values())
    songs = copies + report.get("accepted", 0)
    if copies < MANY_COPIES * songs or not copies:
        return None
    how_many = next(word for share, word in COPIES_IN_WORDS if copies >= share * songs)
    return Finding(
        f"{how_many} songs are copies.",
        "They are kept aside, so no song counts twice; the dataset is smaller than its file looked.",
        f"{copies:,} of {songs:,} songs.",
        tone="warn",
    )


def _languages(statistics: dict) -> Finding | None:
    counts = [count for _, count in statistics.get("languages", [])]
    if len(counts) < 2:
        return None
    others = sum(counts[1:])
    if others < MANY_IN_OTHER_LANGUAGES * sum(counts):
        return None
    return Finding(
        "Several languages.",
        "A network mixes what it reads. For lyrics in one language, import again and keep only that.",
        f"{_percent(others, sum(counts))} of the songs are in another language than most.",
        tone="warn",
    )


def _repeats(statistics: dict) -> Finding | None:
    share = statistics.get("repeated_line_share", 0)
    if share < MANY_REPEATS:
        return None
    return Finding(
        "Mostly repeats.",
        "A network learns from it to say the same line again and again.",
        f"{round(100 * share)} % of the lines stand more than once in their song.",
        tone="warn",
    )


def _sections(statistics: dict) -> Finding | None:
    songs, named = statistics["songs"], statistics.get("with_sections", 0)
    if songs < SONGS_TO_JUDGE or named > FEW_SECTIONS * songs:
        return None
    title = "Hardly any song names its sections." if named else "No sections."
    return Finding(title, "Verse and chorus are told apart by blank lines alone, so none can be asked for by its name.")


def _listed(titles: list[str]) -> str:
    *first, last = titles
    return f"{', '.join(first)} and {last}" if first else last


def _rounded(count: int) -> int:
    """Two digits are all that is known of it."""
    digits = max(len(str(count)) - 2, 0)
    return round(count, -digits)


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %"
