"""Pages of songs: search them, read one as a network does, change it, leave it out and take it back."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training import exports
from training.errors import Conflict, ExpectedError
from training.forms.refusals import add_refusal
from training.forms.songs import SongEditForm, SongSearchForm
from training.importers.cleaning import MARKS
from training.language_model import lyric_text
from training.line_differences import side_by_side
from training.models import Dataset, Song
from training.services import songs as services
from training.views.access import owned, visible, words_of
from training.views.languages import language_name

SONGS_ON_A_PAGE = 12
SONGS_COUNTED = 1000  # what a search finds is counted so far; more is "more than 1,000"
COPIES_SHOWN = 10
SECTIONS_SHOWN = 20
EXCLUSIONS = (
    (services.IN_USE, "In use"),
    (services.LEFT_OUT, "Left out"),
    *((value, f"Left out: {label}") for value, label in Song.Excluded.choices),
)


@dataclass(frozen=True)
class SongPage:
    """Songs in the order of their ordinals, and the ordinals at which the pages beside begin."""

    songs: list[Song]
    previous_from: int | None
    next_from: int | None
    total: int
    is_search: bool

    @property
    def has_more_than_counted(self) -> bool:
        return self.is_search and self.total > SONGS_COUNTED


# ── Many ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_GET
def song_list(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = visible(request, dataset_id)
    context = {"dataset": dataset, "is_owner": dataset.owner_id == request.user.pk, **songs_context(request, dataset)}
    template = "training/_songs.html" if request.htmx else "training/song_list.html"
    return render(request, template, context)


@login_required
@require_POST
def songs_change(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Leave out, or take back, every song that the search of the form finds."""
    dataset = owned(request, dataset_id)
    search = SongSearchForm(request.POST)
    excluded = request.POST.get("leave_out") == "true"
    if not search.is_valid() or not search.is_search:
        messages.warning(request, "Search first: this is for the songs that a search finds.")
        return redirect("training:song-list", dataset.pk)
    found = found_songs(dataset, search).filter(excluded_as__isnull=excluded)
    try:
        version = services.change_songs(dataset=dataset, songs=found, by=request.user, excluded=excluded)
    except ExpectedError as refusal:
        messages.warning(request, words_of(refusal))
    else:
        done = "left out" if excluded else "taken back"
        messages.success(request, f"The songs found are {done}. That made version {version.number}.")
    return redirect(f"{reverse('training:song-list', args=[dataset.pk])}?{search.query()}")


def songs_context(request: HttpRequest, dataset: Dataset) -> dict:
    """One page of the songs that the address asks for, and what can be asked for."""
    search = SongSearchForm(request.GET)
    page = song_page(found_songs(dataset, search), search.first_ordinal(), is_search=search.is_search)
    _name_originals(dataset, page.songs)
    statistics = dataset.statistics
    return {
        "songs_page": page,
        "search": search.wanted(),
        "search_query": search.query(),
        "exclusions": EXCLUSIONS,
        "has_genres": any(song.genre for song in page.songs),
        "has_years": any(song.year for song in page.songs),
        "has_left_out": any(song.excluded_as for song in page.songs),
        "genre_names": [name for name, _ in statistics.get("top_genres", [])],
        "languages": [(code, language_name(code)) for code in _codes(statistics.get("languages"))],
    }


def found_songs(dataset: Dataset, search: SongSearchForm) -> QuerySet[Song]:
    """The songs of the dataset's newest version that a search asks for, the in-use and the left-out ones."""
    wanted = search.wanted()
    return services.search_songs(dataset=dataset, words=wanted.pop("q"), **wanted)


def song_page(songs: QuerySet[Song], first: int, *, is_search: bool) -> SongPage:
    """The songs from ordinal ``first`` on: the millionth page costs as much as the first."""
    songs = songs.defer("text", "raw_text", "sections")
    shown = list(songs.filter(ordinal__gte=first).order_by("ordinal")[: SONGS_ON_A_PAGE + 1])
    before = songs.filter(ordinal__lt=first).order_by("-ordinal").values_list("ordinal", flat=True)
    before = list(before[:SONGS_ON_A_PAGE]) if first > 1 else []
    return SongPage(
        songs=shown[:SONGS_ON_A_PAGE],
        previous_from=before[-1] if before else None,
        next_from=shown[SONGS_ON_A_PAGE].ordinal if len(shown) > SONGS_ON_A_PAGE else None,
        total=_total(songs, is_search),
        is_search=is_search,
    )


def _total(songs: QuerySet[Song], is_search: bool) -> int:
    """How many there are. Ordinals have no gaps, so the last says how many a whole dataset has."""
    if is_search:
        return songs.order_by()[: SONGS_COUNTED + 1].count()
    return songs.order_by("-ordinal").values_list("ordinal", flat=True).first() or 0


def _codes(languages) -> list[str]:
    """The codes in a dataset's statistics, whether they are counted as pairs or as a table."""
    return [item[0] if isinstance(item, list | tuple) else item for item in languages or () if item]


def _name_originals(dataset: Dataset, songs: list[Song]) -> None:
    """Give each copy the song that is in use instead of it, in one query."""
    groups = {song.duplicate_group for song in songs if song.excluded_as and song.duplicate_group}
    used = dataset.songs_in_use().filter(duplicate_group__in=groups) if groups else ()
    originals = {song.duplicate_group: song for song in used}
    for song in songs:
        song.original = originals.get(song.duplicate_group) if song.excluded_as else None


@login_required
@require_GET
def song_export(request: HttpRequest, dataset_id: str, kind: str) -> HttpResponse:
    """The songs in use as a file that imports back as it was: ``kind`` is jsonl or csv."""
    dataset = visible(request, dataset_id)
    if kind not in exports.SONG_FORMATS:
        raise Http404("There is no such kind of file.")
    return exports.songs_download(request, dataset.songs_in_use(), kind=kind, name=dataset.name)


# ── One ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_GET
def song_detail(request: HttpRequest, dataset_id: str, song_id: int) -> HttpResponse:
    """One song, and how a network reads it."""
    dataset = visible(request, dataset_id)
    song = _current(dataset, song_id)
    if song.pk != song_id:
        return redirect("training:song-detail", dataset.pk, song.pk)
    return _song(request, dataset, song)


@login_required
@require_http_methods(["POST"])
def song_edit(request: HttpRequest, dataset_id: str, song_id: int) -> HttpResponse:
    """Change what is written in the form; that makes the dataset's next version."""
    dataset = owned(request, dataset_id)
    song = _current(dataset, song_id)
    if song.pk != song_id:
        return _changed_meanwhile(request, dataset, song)
    form = SongEditForm(request.POST, song=song)
    if form.is_valid():
        try:
            changed = services.change_song(song=song, by=request.user, **form.changes())
        except Conflict as refusal:
            messages.warning(request, refusal.message)
        except ExpectedError as refusal:
            add_refusal(form, refusal)
            return _song(request, dataset, song, form=form)
        else:
            _say_what_that_made(request, song, changed, "Saved.")
            return redirect("training:song-detail", dataset.pk, changed.pk)
        return redirect("training:song-detail", dataset.pk, song.pk)
    return _song(request, dataset, song, form=form)


@login_required
@require_POST
def song_exclude(request: HttpRequest, dataset_id: str, song_id: int) -> HttpResponse:
    """Leave the song out, or take it back; that makes the dataset's next version."""
    dataset = owned(request, dataset_id)
    song = _current(dataset, song_id)
    if song.pk != song_id:
        return _changed_meanwhile(request, dataset, song)
    excluded = request.POST.get("excluded") == "true"
    try:
        changed = services.change_song(song=song, by=request.user, excluded=excluded)
    except ExpectedError as refusal:
        messages.warning(request, words_of(refusal))
        return redirect("training:song-detail", dataset.pk, song.pk)
    _say_what_that_made(request, song, changed, "It is left out." if excluded else "It is in use again.")
    return redirect("training:song-detail", dataset.pk, changed.pk)


def _say_what_that_made(request: HttpRequest, song: Song, changed: Song, done: str) -> None:
    if changed.pk == song.pk:
        messages.info(request, "Nothing was changed.")
    else:
        messages.success(request, f"{done} That made version {changed.added_in}; runs keep the songs they were given.")


def _current(dataset: Dataset, song_id: int) -> Song:
    """The song as the newest version has it: its own row, or the row that took its place. Raises: Http404."""
    asked = get_object_or_404(dataset.songs.only("pk", "ordinal", "added_in"), pk=song_id)
    now = dataset.songs.of_version(dataset.version)
    song = now.filter(pk=asked.pk).first() or now.filter(ordinal=asked.ordinal, added_in__gt=asked.added_in).first()
    if song is None:
        raise Http404("This song is in no version that can be looked at.")
    return song


def _changed_meanwhile(request: HttpRequest, dataset: Dataset, song: Song) -> HttpResponse:
    messages.warning(request, "This song was changed meanwhile. Here it is as it stands now; nothing was saved.")
    return redirect("training:song-detail", dataset.pk, song.pk)


def _song(request: HttpRequest, dataset: Dataset, song: Song, *, form: SongEditForm | None = None) -> HttpResponse:
    songs = dataset.songs.of_version(dataset.version)
    group = song.duplicate_group
    is_owner = dataset.owner_id == request.user.pk
    context = {
        "dataset": dataset,
        "song": song,
        "is_owner": is_owner,
        "edit_form": form or (SongEditForm(song=song) if is_owner else None),
        "next_version": dataset.version + 1,
        "copies": songs.filter(duplicate_group=group).exclude(pk=song.pk)[:COPIES_SHOWN] if group else (),
        "language": language_name(song.language) if song.language else "",
        "language_percent": None if song.language_confidence is None else round(100 * song.language_confidence),
        "sections": named_sections(song),
        "marks": [MARKS.get(mark, mark) for mark in song.marks],
        "as_read": as_read(song),
        "differences": side_by_side(song.raw_text, song.text) if song.raw_text else (),
        "previous": songs.filter(ordinal__lt=song.ordinal).order_by("-ordinal").only("title", "dataset").first(),
        "next": songs.filter(ordinal__gt=song.ordinal).order_by("ordinal").only("title", "dataset").first(),
    }
    return render(request, "training/song_detail.html", context, status=400 if form else 200)


def named_sections(song: Song) -> list[dict]:
    """The song's first sections as {"name", "performer", "lines", "is_reference"}; empty where none has a name."""
    sections = lyric_text.sections(song.text)[:SECTIONS_SHOWN]
    if not any(section["name"] for section in sections):
        return []
    return [
        {
            "name": section["name"].partition(":")[0] if "performer" in section else section["name"],
            "performer": section.get("performer", ""),
            "lines": len(section["lines"]),
            "is_reference": section.get("is_reference", False),
        }
        for section in sections
    ]


def as_read(song: Song) -> list[dict]:
    """The song's marks and lines as the tokenizers get them; the mark of a plain new line is left unsaid."""
    begin = [{"marks": ["begin"], "line": ""}]
    lines = [
        {"marks": [mark.strip("<>") for mark in marks if mark != lyric_text.LINE_MARK], "line": line}
        for marks, line in lyric_text.marked_lines(song.text)
    ]
    return [*begin, *lines, {"marks": ["end"], "line": ""}]
