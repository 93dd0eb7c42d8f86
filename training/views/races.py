"""Pages of races: start one, see how it stands, cancel what is left of it, share it, take it away."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training.errors import ExpectedError
from training.forms.races import RaceForm, RaceSharingForm
from training.forms.refusals import add_refusal
from training.forms.saving import saved
from training.models import Dataset, Race, TrainingRun
from training.models.runs import TERMINAL
from training.services import races as services
from training.views.comparison import comparison_context, runs_with_models
from training.views.runs import training_worker_listens

RACES_ON_A_PAGE = 25


@login_required
@require_http_methods(["GET", "POST"])
def race_create(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=dataset_id)
    form = RaceForm(request.POST or None, dataset=dataset)
    if request.method == "POST" and form.is_valid():
        race = _start(request, dataset, form)
        if race is not None:
            return redirect(race)
    context = {"dataset": dataset, "form": form, "worker_listens": training_worker_listens(), "section": "runs"}
    return render(request, "training/race_create.html", context, status=400 if form.errors else 200)


def _start(request: HttpRequest, dataset: Dataset, form: RaceForm) -> Race | None:
    """Start what the form says, or put at the form why not."""
    chosen = form.cleaned_data
    try:
        return services.start_race(
            owner=request.user,
            dataset=dataset,
            architectures=chosen["architectures"],
            seeds=list(range(1, chosen["seeds"] + 1)),
            budget=form.budget(),
            preset=chosen["preset"],
            name=chosen["name"],
            overrides=form.overrides(),
        )
    except ExpectedError as refusal:
        add_refusal(form, refusal, fields={"budget": "amount"})
        return None


@login_required
@require_GET
def race_list(request: HttpRequest) -> HttpResponse:
    ended = Count("runs", filter=Q(runs__state__in=TERMINAL))
    races = Race.objects.visible_to(request.user).select_related("dataset", "owner")
    races = races.annotate(run_count=Count("runs"), ended_count=ended).order_by("-created_at", "-pk")
    page = Paginator(races, RACES_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "training/race_list.html", {"page": page, "section": "runs"})


@login_required
@never_cache
@require_GET
def race_detail(request: HttpRequest, race_id: str) -> HttpResponse:
    race = get_object_or_404(Race.objects.visible_to(request.user).select_related("dataset", "owner"), pk=race_id)
    return _race_page(request, race, RaceSharingForm(instance=race))


def _race_page(request: HttpRequest, race: Race, form: RaceSharingForm, status: int = 200) -> HttpResponse:
    runs = list(runs_with_models(race.runs.visible_to(request.user), request).order_by("queued_at", "pk"))
    unfinished = [run for run in runs if not run.is_finished]
    if request.htmx.target == "race-now" and not unfinished:
        # The page of a race that has ended is another one: it can write.
        return HttpResponse(status=286, headers={"HX-Refresh": "true"})
    context = comparison_context(request, runs) | {
        "race": race,
        "runs": runs,
        "form": form,
        "table_url": f"{reverse('race-api-detail', args=[race.pk])}?",
        "permanent_url": request.build_absolute_uri(race.get_absolute_url()),
        "heavy": next((run.parameters for run in runs if run.parameters), None),
        "learning": any(run.state == TrainingRun.State.RUNNING for run in runs),
        "is_owner": race.owner_id == request.user.pk,
        "dataset_is_visible": Dataset.objects.visible_to(request.user).filter(pk=race.dataset_id).exists(),
        "unfinished": len(unfinished),
        "ended": len(runs) - len(unfinished),
        "percent": sum(100 if run.is_finished else run.percent for run in runs) / max(len(runs), 1),
        "can_cancel": any(not run.cancel_requested_at for run in unfinished),
        "failed": [run for run in runs if run.state == TrainingRun.State.FAILED],
        "no_worker": any(run.state == TrainingRun.State.QUEUED for run in runs) and not training_worker_listens(),
        "section": "runs",
    }
    return render(request, "training/race_detail.html", context, status=status)


def _own_race(request: HttpRequest, race_id: str) -> Race:
    return get_object_or_404(Race.objects.owned_by(request.user).select_related("dataset", "owner"), pk=race_id)


@login_required
@require_POST
def race_cancel(request: HttpRequest, race_id: str) -> HttpResponse:
    race = _own_race(request, race_id)
    try:
        services.cancel_race(race=race, by=request.user)
    except ExpectedError as refusal:
        messages.warning(request, refusal.message)
    return redirect(race)


@login_required
@require_POST
def race_edit(request: HttpRequest, race_id: str) -> HttpResponse:
    race = _own_race(request, race_id)
    form = RaceSharingForm(request.POST, instance=_own_race(request, race_id))
    if saved(request, form, partial(services.update_race, race=race)):
        return redirect(race)
    return _race_page(request, race, form, status=400)


@login_required
@require_POST
def race_delete(request: HttpRequest, race_id: str) -> HttpResponse:
    race = _own_race(request, race_id)
    services.delete_race(race=race)
    messages.success(request, f"The race “{race.name}” is gone. Its runs stay.")
    return redirect("training:race-list")
