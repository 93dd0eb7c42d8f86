"""An import's report as a page says it: one equation, the reasons, the languages, what cleaning did."""

from dataclasses import dataclass

from training.importers.cleaning import MARKS, SWITCHES
from training.views import dataset_charts as charts
from training.views.languages import language_name

LANGUAGES_SHOWN = 6
COPY_WORDS = {
    "exact": "Exact copies",
    "normalised": "Spelt otherwise",
    "near": "Near copies",
}
SHORT_REASONS = {"language": "Other language"}


@dataclass(frozen=True)
class Cleaned:
    """What one switch did; ``songs`` is 0 for one that was off."""

    sentence: str
    is_on: bool
    songs: int
    places: int


@dataclass(frozen=True)
class ImportReport:
    """``records`` = ``accepted`` + ``rejected`` + ``copies``."""

    records: int
    accepted: int
    rejected: int
    copies: int
    reasons: list[charts.Bar]
    languages: list[charts.Bar]
    cleaned: list[Cleaned]
    was_clean: bool
    marks: list[tuple[str, int]]
    replaced_characters: int
    missing_artist: int
    non_english: int
    looks_like: str
    warnings: list[str]
    adds_up: bool


def report_of(report: dict, options: dict) -> ImportReport:
    rejected, copies = _counted(report.get("rejected")), _counted(report.get("duplicates"))
    records, accepted = report.get("records", 0), report.get("accepted", 0)
    cleaned = _cleaned(report.get("cleaning") or {}, options.get("cleaning") or {})
    return ImportReport(
        records=records,
        accepted=accepted,
        rejected=sum(rejected.values()),
        copies=sum(copies.values()),
        reasons=_reasons(rejected, copies),
        languages=_languages(_counted(report.get("languages"))),
        cleaned=cleaned,
        was_clean=accepted > 0 and "cleaning" in report and not cleaned,
        marks=[(MARKS.get(mark, mark), songs) for mark, songs in _counted(report.get("marks")).items()],
        replaced_characters=report.get("replaced_characters", 0),
        missing_artist=report.get("missing_artist", 0),
        non_english=report.get("non_english", 0),
        looks_like=report.get("looks_like", ""),
        warnings=report.get("warnings", []),
        adds_up=records == accepted + sum(rejected.values()) + sum(copies.values()),
    )


def _counted(counts: dict | None) -> dict[str, int]:
    return {name: count for name, count in (counts or {}).items() if count}


def _reasons(rejected: dict[str, int], copies: dict[str, int]) -> list[charts.Bar]:
    named = [[SHORT_REASONS.get(name, charts.REASON_WORDS.get(name, name)), count] for name, count in rejected.items()]
    named += [[COPY_WORDS.get(kind, kind), count] for kind, count in copies.items()]
    return charts.bars(_largest_first(named))


def _languages(counts: dict[str, int]) -> list[charts.Bar]:
    """The commonest languages, the others in one bar."""
    ranked = _largest_first([[language_name(code), count] for code, count in counts.items()])
    rest = sum(count for _, count in ranked[LANGUAGES_SHOWN:])
    return charts.bars([*ranked[:LANGUAGES_SHOWN], *([["Others", rest]] if rest else [])])


def _cleaned(done: dict, chosen: dict) -> list[Cleaned]:
    """What was cleaned and which switches were off; those that found nothing are not worth a line."""
    return [
        Cleaned(
            sentence,
            chosen.get(switch, True),
            songs=done.get(switch, {}).get("songs", 0),
            places=done.get(switch, {}).get("places", 0),
        )
        for switch, sentence in SWITCHES.items()
        if switch in done or not chosen.get(switch, True)
    ]


def _largest_first(pairs: list[list]) -> list[list]:
    return sorted(pairs, key=lambda pair: -pair[1])
