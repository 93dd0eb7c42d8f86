"""Pages of datasets and their songs."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training import exports
from training.errors import Conflict, ExpectedError, Invalid
from training.forms.datasets import (
    FORMAT_LABELS,
    FORMAT_PHRASES,
    DatasetEditForm,
    DatasetUploadForm,
    PreviewForm,
    ReadingForm,
    SongSearchForm,
)
from training.forms.refusals import add_refusal
from training.language_model import lyric_text
from training.models import Dataset, Import, Song, Worker
from training.services import datasets as services
from training.views import dataset_charts as charts

DATASETS_ON_A_PAGE = 25
SONGS_ON_A_PAGE = 12
REJECTIONS_SHOWN = 12
SONGS_PREVIEWED = 3
STOP_POLLING = 286  # htmx's own status: show this and ask no more
IMPORT_WORKER_COMMAND = "celery -A lyricsite worker -n imports@%h -Q imports,maintenance"
# What the importers and services call a thing, and the form's field for it.
FIELD_OF = {"mapping": "column_lyrics"}


def visible(request: HttpRequest, dataset_id: str) -> Dataset:
    return get_object_or_404(Dataset.objects.visible_to(request.user).select_related("owner"), pk=dataset_id)


def owned(request: HttpRequest, dataset_id: str) -> Dataset:
    return get_object_or_404(Dataset.objects.owned_by(request.user), pk=dataset_id)


@login_required
@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    datasets = Dataset.objects.visible_to(request.user).select_related("owner")
    page = Paginator(datasets, DATASETS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "training/dataset_list.html", {"page": page})


# ── Adding one ───────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
def dataset_create(request: HttpRequest) -> HttpResponse:
    form = DatasetUploadForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                return redirect(_create(request, form))
            except ExpectedError as refusal:
                add_refusal(form, refusal, fields=FIELD_OF)
                status = refusal.status
    context = {"form": form, "limit_megabytes": services.upload_limit_bytes(request.user) // 1024**2}
    return render(request, "training/dataset_create.html", context, status=status)


def _create(request: HttpRequest, form: DatasetUploadForm) -> Dataset:
    given = form.cleaned_data
    return services.create_dataset(
        owner=request.user,
        name=given["name"],
        description=given["description"],
        file=given["file"],
        mapping=form.mapping(),
        options=form.options(),
    )


@login_required
@require_POST
def dataset_preview(request: HttpRequest) -> HttpResponse:
    """Show how the chosen file would be read; the answer is a fragment."""
    form = PreviewForm(request.POST, request.FILES)
    if not form.is_valid():
        return _preview_refused(request, [message for messages in form.errors.values() for message in messages])
    try:
        inspection = services.preview_upload(
            owner=request.user, file=form.cleaned_data["file"], mapping=form.mapping(), options=form.options()
        )
    except ExpectedError as refusal:
        return _preview_refused(request, _words(refusal))
    return render(request, "training/_preview.html", _preview_context(inspection))


def _preview_context(inspection) -> dict:
    return {
        "inspection": inspection,
        "reading": ReadingForm.showing(inspection),
        "format_phrase": FORMAT_PHRASES[inspection.format],
        "songs": inspection.songs[:SONGS_PREVIEWED],
        "more_songs": max(0, len(inspection.songs) - SONGS_PREVIEWED),
        "left_out": inspection.errors[:SONGS_PREVIEWED],
    }


def _preview_refused(request: HttpRequest, words: list[str]) -> HttpResponse:
    # 200, as the fragment is the answer: a program asks the API, which says 400.
    return render(request, "training/_preview.html", {"refusal": " ".join(words)})


def _words(refusal: ExpectedError) -> list[str]:
    if isinstance(refusal, Invalid):
        return [message for messages in refusal.errors.values() for message in messages]
    return [refusal.message]


# ── One dataset ──────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_GET
def dataset_detail(request: HttpRequest, dataset_id: str) -> HttpResponse:
    return _detail(request, visible(request, dataset_id))


def _detail(request: HttpRequest, dataset: Dataset, *, edit_form: DatasetEditForm | None = None) -> HttpResponse:
    is_owner = dataset.owner_id == request.user.pk
    context = {
        "dataset": dataset,
        "is_owner": is_owner,
        "edit_form": edit_form or (DatasetEditForm(instance=dataset) if is_owner else None),
        **_import_context(dataset),
        **(_report_context(dataset) if dataset.state != Dataset.State.IMPORTING else {}),
        **(_card_context(dataset) if dataset.version else {}),
        **(_songs_context(request, dataset) if dataset.version else {}),
        **(_stored_preview(dataset) if is_owner and dataset.state == Dataset.State.NEEDS_MAPPING else {}),
    }
    return render(request, "training/dataset_detail.html", context, status=400 if edit_form else 200)


def _card_context(dataset: Dataset) -> dict:
    numbers = dataset.statistics
    return {
        "facts": _facts(numbers),
        "lines_in_song": charts.columns(numbers.get("lines_in_song")),
        "words_in_line": charts.columns(numbers.get("words_in_line")),
        "genres": charts.bars(numbers.get("top_genres", [])[:6]),
        "top_words": charts.bars(numbers.get("top_words", [])[:6]),
    }


def _facts(numbers: dict) -> list[dict]:
    songs = numbers.get("songs") or 1
    counted = [
        (numbers.get("songs"), "song", "songs"),
        (numbers.get("lines"), "line", "lines"),
        (numbers.get("words"), "word", "words"),
        (numbers.get("different_words"), "different word", "different words"),
        (numbers.get("artists"), "artist", "artists"),
    ]
    facts = [{"value": f"{count:,}", "label": one if count == 1 else many} for count, one, many in counted if count]
    share = round(100 * numbers.get("with_sections", 0) / songs)
    return [*facts, {"value": f"{share} %", "label": "songs with named sections"}]


def _report_context(dataset: Dataset) -> dict:
    """What the newest import that ended has to say."""
    job = dataset.imports.select_related("file").first()
    if job is None:
        return {}
    report = job.report
    return {
        "job": job,
        "left_out_count": report.get("records", 0) - report.get("accepted", 0),
        "left_out": charts.left_out(report),
        "rejections": services.rejections_of(dataset=dataset)[:REJECTIONS_SHOWN],
        "rejected_count": sum(report.get("rejected", {}).values()),
        "format_label": FORMAT_LABELS.get(dataset.format, dataset.format),
        "fingerprint": [dataset.content_hash[start : start + 4] for start in range(0, 16, 4)],
    }


def _import_context(dataset: Dataset) -> dict:
    """Where the import stands, and whether anybody listens."""
    job = dataset.imports.first()
    waits = job is not None and job.state == Import.State.QUEUED
    return {
        "job": job,
        "nobody_listens": waits and not Worker.objects.listening_to("imports").exists(),
        "command": "make run" if settings.IS_EMBEDDED else IMPORT_WORKER_COMMAND,
    }


@login_required
@never_cache
@require_GET
def dataset_import(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """The import's progress, asked for every second; at its end the page is loaded anew."""
    dataset = visible(request, dataset_id)
    if not request.htmx:
        return redirect(dataset)
    context = {"dataset": dataset, "is_owner": dataset.owner_id == request.user.pk, **_import_context(dataset)}
    if dataset.state == Dataset.State.IMPORTING:
        return render(request, "training/_dataset_import.html", context)
    response = render(request, "training/_dataset_import.html", context, status=STOP_POLLING)
    response["HX-Refresh"] = "true"
    return response


@login_required
@require_http_methods(["GET", "POST"])
def dataset_mapping(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Say which column holds what; the stored file is then read again. ``look`` shows it without importing."""
    dataset = owned(request, dataset_id)
    page = "training/dataset_mapping.html"
    if request.method == "GET":
        return render(request, page, {"dataset": dataset, **_stored_preview(dataset)})
    look = request.POST.get("look")
    form = ReadingForm(request.POST)
    try:
        chosen = _chosen(form)
        if look:
            page = "training/_preview.html" if look == "part" else page
            return render(request, page, {"dataset": dataset, **_stored_preview(dataset, **chosen)})
        services.apply_mapping(dataset=dataset, **chosen)
    except ExpectedError as refusal:
        context = {"dataset": dataset, **_stored_preview(dataset), "refusal": " ".join(_words(refusal))}
        # Looking answers 200, as htmx shows no other; a program asks the API, which says 400.
        return render(request, page, context, status=200 if look else refusal.status)
    return redirect(dataset)


def _chosen(form: ReadingForm) -> dict:
    """What was chosen in the form. Raises: Invalid, so that a choice which is none is never taken for no choice."""
    if not form.is_valid():
        raise Invalid({name: [f"{form[name].label}: {word}" for word in words] for name, words in form.errors.items()})
    return {"mapping": form.mapping(), "options": form.options()}


def _stored_preview(dataset: Dataset, **chosen) -> dict:
    try:
        return _preview_context(services.preview_stored(dataset=dataset, **chosen))
    except ExpectedError as refusal:
        return {"refusal": " ".join(_words(refusal))}


@login_required
@require_POST
def dataset_cancel(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = owned(request, dataset_id)
    try:
        services.cancel_import(dataset=dataset)
    except Conflict as refusal:
        messages.warning(request, refusal.message)
    return redirect(dataset)


@login_required
@require_POST
def dataset_edit(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = owned(request, dataset_id)
    form = DatasetEditForm(request.POST, instance=owned(request, dataset_id))
    if form.is_valid():
        try:
            services.update_dataset(dataset=dataset, **form.cleaned_data)
        except Invalid as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "Saved.")
            return redirect(dataset)
    return _detail(request, dataset, edit_form=form)


@login_required
@require_http_methods(["GET", "POST"])
def dataset_delete(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = owned(request, dataset_id)
    if request.method == "GET":
        runs = dataset.training_runs.count()
        return render(request, "training/dataset_delete.html", {"dataset": dataset, "runs": runs})
    try:
        services.delete_dataset(dataset=dataset)
    except Conflict as refusal:
        messages.error(request, refusal.message)
        return redirect(dataset)
    messages.success(request, f"“{dataset.name}” and its songs are deleted.")
    return redirect("training:dataset-list")


@login_required
@require_GET
def dataset_rejections(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """The records that were left out, as a table to download."""
    dataset = visible(request, dataset_id)
    table = exports.rejections_csv(services.rejections_of(dataset=dataset))
    return exports.csv_download(table, f"{dataset.name} left out")


# ── Songs ────────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_GET
def song_list(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = visible(request, dataset_id)
    context = {"dataset": dataset, **_songs_context(request, dataset)}
    template = "training/_songs.html" if request.htmx else "training/song_list.html"
    return render(request, template, context)


def _songs_context(request: HttpRequest, dataset: Dataset) -> dict:
    search = SongSearchForm(request.GET)
    wanted = search.cleaned_data if search.is_valid() else {}
    songs = dataset.songs.of_version(dataset.version).defer("text", "raw_text", "sections")
    if words := wanted.get("q"):
        songs = songs.filter(Q(title__icontains=words) | Q(artist__icontains=words) | Q(text__icontains=words))
    if genre := wanted.get("genre"):
        songs = songs.filter(genre=genre)
    page = Paginator(songs.order_by("ordinal"), SONGS_ON_A_PAGE).get_page(request.GET.get("page"))
    _name_originals(dataset, page.object_list)
    return {
        "songs_page": page,
        "search": wanted,
        "has_copies": bool(dataset.report.get("duplicates", {}).get("exact")),
        "genre_names": [name for name, _ in dataset.statistics.get("top_genres", [])],
    }


def _name_originals(dataset: Dataset, songs) -> None:
    """Give each copy the song that is in use instead of it, in one query."""
    groups = {song.duplicate_group for song in songs if song.excluded_as}
    used = dataset.songs_in_use().filter(duplicate_group__in=groups) if groups else ()
    originals = {song.duplicate_group: song for song in used}
    for song in songs:
        song.original = originals.get(song.duplicate_group) if song.excluded_as else None


@login_required
@require_GET
def song_detail(request: HttpRequest, dataset_id: str, song_id: int) -> HttpResponse:
    """One song, and how a network reads it."""
    dataset = visible(request, dataset_id)
    songs = dataset.songs.of_version(dataset.version)
    song = get_object_or_404(songs, pk=song_id)
    copies = songs.filter(duplicate_group=song.duplicate_group).exclude(pk=song.pk) if song.duplicate_group else ()
    context = {
        "dataset": dataset,
        "song": song,
        "copies": copies[:10],
        "as_read": _as_read(song),
        "previous": songs.filter(ordinal__lt=song.ordinal).order_by("-ordinal").only("title", "dataset").first(),
        "next": songs.filter(ordinal__gt=song.ordinal).order_by("ordinal").only("title", "dataset").first(),
    }
    return render(request, "training/song_detail.html", context)


def _as_read(song: Song) -> list[dict]:
    """The song's marks and lines as the tokenizers get them; the mark of a plain new line is left unsaid."""
    begin = [{"marks": ["begin"], "line": ""}]
    lines = [
        {"marks": [mark.strip("<>") for mark in marks if mark != lyric_text.LINE_MARK], "line": line}
        for marks, line in lyric_text.marked_lines(song.text)
    ]
    return [*begin, *lines, {"marks": ["end"], "line": ""}]
