"""Pages of datasets: the list, one with its report, its import, its name, its end."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training import exports
from training.errors import Conflict
from training.forms.datasets import FORMAT_LABELS, DatasetEditForm, encoding_label
from training.forms.saving import saved
from training.models import Dataset, Import, Worker
from training.services import datasets as services
from training.views.access import owned, visible
from training.views.dataset_card import card
from training.views.import_progress import steps_of
from training.views.import_report import report_of
from training.views.songs import songs_context
from training.views.uploads import stored_preview

DATASETS_ON_A_PAGE = 25
REJECTIONS_SHOWN = 12
STOP_POLLING = 286  # htmx's own status: show this and ask no more
IMPORT_WORKER_COMMAND = "celery -A lyricsite worker -n imports@%h -Q imports,maintenance"


@login_required
@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    going_on = Import.objects.filter(state__in=services.GOING_ON)
    datasets = Dataset.objects.visible_to(request.user).select_related("owner")
    datasets = datasets.prefetch_related(Prefetch("imports", going_on, to_attr="going_on"))
    page = Paginator(datasets, DATASETS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "training/dataset_list.html", {"page": page})


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
        "card": card(dataset) if dataset.version else None,
        **(songs_context(request, dataset) if dataset.version else {}),
        **(stored_preview(dataset) if is_owner and dataset.state == Dataset.State.NEEDS_MAPPING else {}),
    }
    return render(request, "training/dataset_detail.html", context, status=400 if edit_form else 200)


def _report_context(dataset: Dataset) -> dict:
    """What the newest import that ended has to say."""
    job = dataset.imports.select_related("file").first()
    if job is None:
        return {}
    return {
        "job": job,
        "report": report_of(job.report, job.options) if "records" in job.report else None,
        "rejections": services.rejections_of(dataset=dataset)[:REJECTIONS_SHOWN],
        "format_label": FORMAT_LABELS.get(dataset.format, dataset.format),
        "encoding_label": encoding_label(dataset.encoding),
    }


def _import_context(dataset: Dataset) -> dict:
    """Where the import stands, and whether anybody listens."""
    job = dataset.imports.first()
    waits = job is not None and job.state == Import.State.QUEUED
    return {
        "job": job,
        "nobody_listens": waits and not Worker.objects.listening_to("imports").exists(),
        "command": "make run" if settings.IS_EMBEDDED else IMPORT_WORKER_COMMAND,
        "steps": steps_of(job) if job is not None and job.state == Import.State.RUNNING else (),
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
    if saved(request, form, partial(services.update_dataset, dataset=dataset)):
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
