"""A dataset at a glance: its figures, its shapes, what they say in a sentence, and what to know before training."""

from dataclasses import dataclass

from training.advice import dataset_findings
from training.findings import Finding
from training.models import Dataset
from training.views import dataset_charts as charts
from training.views.languages import language_name

BARS = 6


@dataclass(frozen=True)
class Histogram:
    """``finding`` says in a sentence what the columns show; ``counted`` is what the table's second column counts."""

    title: str
    remark: str
    finding: str
    counted: str
    columns: charts.Columns


@dataclass(frozen=True)
class Growth:
    finding: str
    curve: charts.Curve


@dataclass(frozen=True)
class Card:
    facts: list[dict]
    sentences: list[str]
    findings: list[Finding]
    histograms: list[Histogram]
    growth: Growth | None
    languages: list[charts.Bar]
    genres: list[charts.Bar]
    top_words: list[charts.Bar]


def card(dataset: Dataset) -> Card:
    """Return what the card of the dataset's newest version shows, as far as its songs were counted."""
    numbers = dataset.statistics
    languages = [[language_name(code), count] for code, count in numbers.get("languages", [])]
    return Card(
        facts=_facts(numbers),
        sentences=_sentences(numbers),
        findings=dataset_findings(numbers, dataset.report),
        histograms=_histograms(numbers),
        growth=_growth(numbers.get("vocabulary_growth", [])),
        languages=charts.bars(languages[:BARS]) if len(languages) > 1 else [],
        genres=charts.bars(numbers.get("top_genres", [])[:BARS]),
        top_words=charts.bars(numbers.get("top_words", [])[:BARS]),
    )


def _facts(numbers: dict) -> list[dict]:
    counted = [
        (numbers.get("songs"), "song", "songs"),
        (numbers.get("lines"), "line", "lines"),
        (numbers.get("words"), "word", "words"),
        (numbers.get("characters"), "character", "characters"),
        (numbers.get("different_words"), "different word", "different words"),
        (numbers.get("artists"), "artist", "artists"),
    ]
    facts = [{"value": f"{count:,}", "label": one if count == 1 else many} for count, one, many in counted if count]
    if numbers.get("first_year") is not None:
        first, last = numbers["first_year"], numbers["last_year"]
        years = (
            {"value": str(first), "label": "year"} if first == last else {"value": f"{first}–{last}", "label": "years"}
        )
        facts.append(years)
    if with_sections := numbers.get("with_sections", 0):
        facts.append({"value": _percent(with_sections, numbers.get("songs")), "label": "with named sections"})
    return facts


def _sentences(numbers: dict) -> list[str]:
    """What no chart shows: repeats, sections, the one language, and how many songs all this was counted from."""
    said = []
    if numbers.get("repeated_line_share") is not None and numbers.get("lines"):
        said.append(_repeats(numbers["repeated_line_share"]))
    if sections := numbers.get("sections_in_song"):
        most = sections["most"]
        said.append(f"Songs that name their sections have mostly {most} {'section' if most == 1 else 'sections'}.")
    languages = numbers.get("languages", [])
    if len(languages) == 1:
        said.append(f"All songs whose language is known are in {language_name(languages[0][0])}.")
    if numbers.get("sampled_songs", 0) < numbers.get("songs", 0) and "sampled_songs" in numbers:
        said.append(
            f"Shapes, words and shares are counted from {numbers['sampled_songs']:,} of the songs, spread evenly, so "
            "there are more different words than these."
        )
    return said


def _repeats(share: float) -> str:
    if not share:
        return "No line stands twice in its song."
    return f"{max(1, round(100 * share))} % of the lines stand more than once in their song, as those of a chorus do."


def _histograms(numbers: dict) -> list[Histogram]:
    lines, words = numbers.get("lines_in_song"), numbers.get("words_in_line")
    drawn = [
        _histogram("Lines in a song", "songs", "Most songs have {most} lines.", charts.columns(lines)),
        _histogram("Words in a line", "lines", "Most lines have {most} words.", charts.columns(words)),
        _histogram("Years", "songs", "Most songs are from {most}.", charts.year_columns(numbers.get("years"))),
    ]
    return [histogram for histogram in drawn if histogram]


def _histogram(title: str, counted: str, finding: str, columns: charts.Columns | None) -> Histogram | None:
    if columns is None:
        return None
    remark = f"most are from {columns.most}" if title == "Years" else f"most have {columns.most}"
    finding = finding.format(most=columns.most)
    if columns.most == 1:
        finding = finding.replace("lines.", "line.").replace("words.", "word.")
    return Histogram(title, remark, finding, counted, columns)


def _growth(points: list) -> Growth | None:
    curve = charts.growth(points)
    if curve is None:
        return None
    songs, words = points[-1]
    half_songs, half_words = min(points, key=lambda point: abs(point[0] - songs / 2))
    new = words - half_words
    finding = (
        f"The last {songs - half_songs:,} of {songs:,} songs brought {new:,} of the {words:,} different words."
        if new
        else f"The last {songs - half_songs:,} of {songs:,} songs brought no word that is new."
    )
    return Growth(finding, curve)


def _percent(part: int, whole: int | None) -> str:
    return f"{round(100 * part / (whole or 1))} %"
