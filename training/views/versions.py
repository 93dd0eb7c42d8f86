"""Pages of a dataset's versions: what made each, and what changed between two."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from training.forms.versions import CompareForm
from training.line_differences import side_by_side
from training.models import Song
from training.services import versions as services
from training.views.access import visible

VERSIONS_ON_A_PAGE = 25
SONGS_SHOWN = 20
NUMBERS = (
    ("songs", "Songs in use"),
    ("lines", "Lines"),
    ("words", "Words"),
    ("different_words", "Different words"),
    ("characters", "Characters"),
    ("artists", "Artists"),
)
FIELDS = ("title", "artist", "genre", "year", "language")


@login_required
@require_GET
def version_list(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = visible(request, dataset_id)
    versions = services.versions_of(dataset=dataset).select_related("imported_by__file")
    context = {
        "section": "datasets",
        "dataset": dataset,
        "page": Paginator(versions, VERSIONS_ON_A_PAGE).get_page(request.GET.get("page")),
        "form": CompareForm(dataset=dataset),
    }
    return render(request, "training/version_list.html", context)


@login_required
@require_GET
def version_compare(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """What stands in one version and not in another, whichever of them is named first."""
    dataset = visible(request, dataset_id)
    form = CompareForm(request.GET, dataset=dataset)
    if not form.is_valid():
        raise Http404("There are no such two versions.")
    older, newer = form.numbers()
    if older == newer:
        messages.info(request, "Choose two different versions to compare.")
        return redirect("training:version-list", dataset.pk)
    comparison = services.compare_versions(dataset=dataset, older=older, newer=newer)
    context = {
        "section": "datasets",
        "dataset": dataset,
        "form": form,
        "older": older,
        "newer": newer,
        "counts": comparison.counts,
        "what_happened": _what_happened(comparison.counts),
        "numbers": _numbers(comparison.statistics["older"], comparison.statistics["newer"]),
        "added": comparison.added[:SONGS_SHOWN],
        "removed": comparison.removed[:SONGS_SHOWN],
        "changed": [_changed(old, new) for old, new in comparison.changed[:SONGS_SHOWN]],
    }
    return render(request, "training/version_compare.html", context)


def _what_happened(counts: dict[str, int]) -> str:
    """The counts in a sentence that leaves out what did not happen."""
    done = [(counts["added"], "came"), (counts["removed"], "went"), (counts["changed"], "changed")]
    said = [f"{count:,} {'song' if count == 1 else 'songs'} {verb}" for count, verb in done if count]
    return f"{', '.join(said)}." if said else "They hold the same songs."


def _numbers(older: dict, newer: dict) -> list[dict]:
    rows = [{"name": name, "older": older.get(key), "newer": newer.get(key)} for key, name in NUMBERS]
    for row in rows:
        both = row["older"] is not None and row["newer"] is not None
        difference = row["newer"] - row["older"] if both else 0
        row["change"] = f"{difference:+,}".replace("-", "−") if difference else ""
    return rows


def _changed(old: Song, new: Song) -> dict:
    """What became of a song: its fields that differ, whether it is in use, its words line by line."""
    return {
        "song": new,
        "fields": [
            {"name": name, "older": getattr(old, name), "newer": getattr(new, name)}
            for name in FIELDS
            if getattr(old, name) != getattr(new, name)
        ],
        "was_left_out": bool(old.excluded_as) and not new.excluded_as,
        "is_left_out": bool(new.excluded_as) and not old.excluded_as,
        "differences": side_by_side(old.text, new.text) if old.text != new.text else (),
    }
