"""Bringing songs: choose a file, see how it is read, say which column holds what, import."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from training.errors import ExpectedError, Invalid
from training.forms.datasets import FORMAT_PHRASES, DatasetUploadForm, PreviewForm, ReadingForm, encoding_label
from training.forms.refusals import add_refusal
from training.models import Dataset
from training.services import datasets as services
from training.views import cleaning_panel
from training.views.access import owned, words_of

SONGS_PREVIEWED = 3
# What the importers and services call a thing, and the form's field for it.
FIELD_OF = {"mapping": "column_lyrics"}


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
        file=_one_or_more(given["file"]),
        mapping=form.mapping(),
        options=form.options(),
    )


def _one_or_more(files: list):
    return files[0] if len(files) == 1 else files


@login_required
@require_POST
def dataset_preview(request: HttpRequest) -> HttpResponse:
    """Show how the chosen files would be read; the answer is a fragment."""
    form = PreviewForm(request.POST, request.FILES)
    if not form.is_valid():
        return _preview_refused(request, " ".join(word for words in form.errors.values() for word in words))
    options = form.options()
    try:
        inspection = services.preview_upload(
            owner=request.user,
            file=_one_or_more(form.cleaned_data["file"]),
            mapping=form.mapping(),
            options=options,
        )
    except ExpectedError as refusal:
        return _preview_refused(request, words_of(refusal))
    return render(request, "training/_preview.html", preview_context(inspection, options))


def preview_context(inspection, chosen: dict) -> dict:
    """What `training/_preview.html` shows of an inspection: the songs as they would be after cleaning.

    ``chosen`` are the options that a person gave, or an import before.
    """
    songs = cleaning_panel.cleaned_songs(inspection)
    reading = ReadingForm.showing(inspection, chosen=chosen)
    switches = [(reading[f"clean_{effect.name}"], effect) for effect in cleaning_panel.effects(inspection)]
    return {
        "inspection": inspection,
        "reading": reading,
        "format_phrase": FORMAT_PHRASES.get(inspection.format, inspection.format),
        "looks_like": getattr(inspection, "looks_like", ""),
        "encoding_label": encoding_label(inspection.encoding.name),
        "encoding_percent": round(100 * inspection.encoding.confidence),
        "switches": [(field, effect) for field, effect in switches if effect.is_worth_a_look],
        "quiet_switches": [(field, effect) for field, effect in switches if not effect.is_worth_a_look],
        "songs": songs[:SONGS_PREVIEWED],
        "song_count": len(inspection.songs),
        "more_songs": max(0, len(songs) - SONGS_PREVIEWED),
        "left_out": inspection.errors[:SONGS_PREVIEWED],
    }


def _preview_refused(request: HttpRequest, words: str) -> HttpResponse:
    # 200, as the fragment is the answer: a program asks the API, which says 400.
    return render(request, "training/_preview.html", {"refusal": words})


@login_required
@require_http_methods(["GET", "POST"])
def dataset_mapping(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Say which column holds what; the stored file is then read again. ``look`` shows it without importing."""
    dataset = owned(request, dataset_id)
    page = "training/dataset_mapping.html"
    shown = {"dataset": dataset, "changes_by_hand": services.songs_changed_by_hand(dataset=dataset)}
    if request.method == "GET":
        return render(request, page, {**shown, **stored_preview(dataset)})
    look = request.POST.get("look")
    form = ReadingForm(request.POST)
    try:
        chosen = chosen_reading(form)
        if look:
            page = "training/_preview.html" if look == "part" else page
            return render(request, page, {**shown, **stored_preview(dataset, **chosen)})
        services.apply_mapping(dataset=dataset, **chosen)
    except ExpectedError as refusal:
        context = {**shown, **stored_preview(dataset), "refusal": words_of(refusal)}
        # Looking answers 200, as htmx shows no other; a program asks the API, which says 400.
        return render(request, page, context, status=200 if look else refusal.status)
    return redirect(dataset)


def chosen_reading(form: ReadingForm) -> dict:
    """What was chosen in the form. Raises: Invalid, so that a choice which is none is never taken for no choice."""
    if not form.is_valid():
        raise Invalid({name: [f"{form[name].label}: {word}" for word in words] for name, words in form.errors.items()})
    return {"mapping": form.mapping(), "options": form.options()}


def stored_preview(dataset: Dataset, **chosen) -> dict:
    """How the dataset's stored file would be read, or why it can't be."""
    try:
        inspection = services.preview_stored(dataset=dataset, **chosen)
    except ExpectedError as refusal:
        return {"refusal": words_of(refusal)}
    return preview_context(inspection, {**dataset.options, **chosen.get("options", {})})
