"""Pages of training runs: start one, watch it learn, compare."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training import curves, findings, lifecycle, live
from training.baseline_findings import against_baseline
from training.baselines import baseline_of, level_of
from training.errors import ExpectedError
from training.fine_tuning import kept_settings
from training.forms.refusals import add_refusal
from training.forms.runs import RunFilterForm, RunForm
from training.insight_charts import insights_of
from training.language_model.config import FIELDS, parse_setting
from training.models import Baseline, Checkpoint, Dataset, TrainingRun, Worker
from training.services import estimates
from training.services import runs as services
from training.settings_table import facts_in_words, settings_in_groups
from training.streaming import event_stream

RUNS_ON_A_PAGE = 25
MODELS_ON_OFFER = 100
NOT_SUCCEEDED = (TrainingRun.State.FAILED, TrainingRun.State.CANCELLED)


def training_worker_listens() -> bool:
    return Worker.objects.listening_to("training").exists()


def _visible_run(request: HttpRequest, run_id: str) -> TrainingRun:
    models = Prefetch("checkpoints", Checkpoint.objects.visible_to(request.user).published(), to_attr="models")
    runs = TrainingRun.objects.visible_to(request.user).select_related("dataset", "owner").prefetch_related(models)
    return get_object_or_404(runs, pk=run_id)


# ── Start one ────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
def run_create(request: HttpRequest, dataset_id: str) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=dataset_id)
    if request.method == "GET":
        form = _form(request, initial=_like(request) | _from_model(request))
        return _form_page(request, dataset, form, _forecast(dataset, form.as_it_begins()))
    form = _form(request, request.POST)
    run = _start(request, dataset, form) if form.is_valid() else None
    return redirect(run) if run else _form_page(request, dataset, form)


@login_required
@require_POST
def run_estimate(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """What the form's run would be and take: for a script the part of the page that says so, else the whole page."""
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=dataset_id)
    form = _form(request, request.POST)
    forecast = _forecast(dataset, form)
    if request.headers.get("HX-Request"):
        return render(request, "training/_run_estimate.html", {"forecast": forecast, "form": form})
    return _form_page(request, dataset, form, forecast)


def _form(request: HttpRequest, data=None, *, initial: dict | None = None) -> RunForm:
    chosen = (data or initial or {}).get("starts_from")
    return RunForm(data, initial=initial, models=_models_on_offer(request, chosen))


def _form_page(
    request: HttpRequest, dataset: Dataset, form: RunForm, forecast: estimates.Forecast | None = None
) -> HttpResponse:
    if forecast:
        form.show_values(forecast.config)
    context = {
        "dataset": dataset,
        "form": form,
        "forecast": forecast,
        "worker_listens": training_worker_listens(),
        "section": "runs",
    }
    return render(request, "training/run_create.html", context, status=400 if form.errors else 200)


def _forecast(dataset: Dataset, form: RunForm) -> estimates.Forecast | None:
    """What a form's run would take; None, with the reason at the form, where none can be made of it."""
    if not form.is_valid():
        return None
    try:
        return estimates.forecast(dataset=dataset, **form.choices())
    except ExpectedError as refusal:
        add_refusal(form, refusal)
        return None


def _start(request: HttpRequest, dataset: Dataset, form: RunForm) -> TrainingRun | None:
    """Start what the form says, or put at the form why not."""
    try:
        return services.start_run(owner=request.user, dataset=dataset, name=form.cleaned_data["name"], **form.choices())
    except ExpectedError as refusal:
        add_refusal(form, refusal)
        return None


def _like(request: HttpRequest) -> dict:
    """What the form begins with: the settings of another run, where the address names one (``?like=``)."""
    other = (
        TrainingRun.objects.visible_to(request.user).filter(pk=request.GET.get("like", "").replace("\0", "")).first()
    )
    if other is None:
        return {}
    words = _as_written(services.settings_to_repeat(other.config))
    return {**words, "preset": other.preset or None, "starts_from": other.starts_from_id}


def _from_model(request: HttpRequest) -> dict:
    """What the form begins with where the address names a model to train further (``?from=``)."""
    asked = request.GET.get("from", "").replace("\0", "")
    model = services.models_to_start_from(request.user).filter(pk=asked).first()
    if model is None:
        return {}
    kept = {name: model.config[name] for name in kept_settings() if name in model.config}
    return {**_as_written(kept), "starts_from": model.pk}


def _as_written(values: dict) -> dict:
    """Settings as a person would write them into the form."""
    values = {name: value for name, value in values.items() if value is not None}
    words = {True: "true", False: "false"}
    return {name: words[value] if isinstance(value, bool) else value for name, value in values.items()}


def _models_on_offer(request: HttpRequest, chosen: str | None):
    """The newest models that this person may train further, and the one that was chosen."""
    models = services.models_to_start_from(request.user)
    newest = list(models.values_list("pk", flat=True)[:MODELS_ON_OFFER])
    return models.filter(pk__in=[*newest, (chosen or "").replace("\0", "")])


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    visible = TrainingRun.objects.visible_to(request.user)
    datasets = visible.order_by("dataset__name").values_list("dataset", "dataset__name").distinct()
    form = RunFilterForm(request.GET, datasets=datasets)
    runs = form.narrow(visible.select_related("dataset", "owner").order_by("-created_at", "-pk"))
    page = Paginator(runs, RUNS_ON_A_PAGE).get_page(request.GET.get("page"))
    is_filtered = any(form.cleaned_data.values())
    context = {"page": page, "form": form, "is_filtered": is_filtered, **_waiting_on(page)}
    return render(request, "training/run_list.html", context)


def _waiting_on(page: Page) -> dict:
    """What keeps the waiting runs of a page; each learns its own place in the line."""
    waiting = [run for run in page.object_list if run.state == TrainingRun.State.QUEUED]
    if not waiting:
        return {}
    places = lifecycle.waiting_runs()
    for run in waiting:
        run.place_in_line = places.get(run.pk)
    return {"intake": lifecycle.intake()}


# ── Watch one ────────────────────────────────────────────────────────────────────────────────────────────────────


@login_required
@never_cache
@require_GET
def run_detail(request: HttpRequest, run_id: str) -> HttpResponse:
    run = _visible_run(request, run_id)
    points, baseline = curves.points_of(run), baseline_of(run)
    context = {
        **_live_context(request, run),
        **_loss_context(run, points, baseline),
        "chart": curves.chart_data(run, points, level_of(baseline, run)),
        "looks": curves.judged(points),
        "has_no_points": not points,
        "samples": list(run.samples.order_by("-step")),
        "events": run.events.order_by("-sequence"),
        "attempts": run.attempt_rows.order_by("-number"),
        "settings": settings_in_groups(run.config),
        "facts": facts_in_words(run.facts),
        "advice": findings.advice(run.error_code),
        **_insights_context(run),
    }
    return render(request, "training/run_detail.html", context)


@login_required
@never_cache
@require_GET
def run_insights(request: HttpRequest, run_id: str) -> HttpResponse:
    """The part of a run's page that says why it remembers, for as long as it is being worked out."""
    run = _visible_run(request, run_id)
    return render(request, "training/_run_why.html", {"run": run, **_insights_context(run)})


def _insights_context(run: TrainingRun) -> dict:
    return {"explaining": lifecycle.explaining_of(run), "insights": insights_of([run])}


@login_required
@never_cache
@require_GET
def run_live(request: HttpRequest, run_id: str) -> HttpResponse:
    """What changed on a run's page since the sequence number ``after``, as fragments that htmx puts in their places."""
    run = _visible_run(request, run_id)
    if run.is_finished:
        return HttpResponse(status=286, headers={"HX-Refresh": "true"})  # the page of a finished run is another one
    after = live.last_heard(request)
    context = _live_context(request, run)
    if run.sequence != after:
        points, news, baseline = curves.points_of(run), curves.points_of(run, after=after), baseline_of(run)
        chart = curves.chart_data(run, news, level_of(baseline, run))
        context |= {**_loss_context(run, points, baseline), "chart": chart, "has_points": bool(news)}
        if run.samples.filter(sequence__gt=after).exists():
            context["samples"] = list(run.samples.order_by("-step"))
        context["events"] = run.events.order_by("-sequence")
    return render(request, "training/_run_news.html", context)


def _live_context(request: HttpRequest, run: TrainingRun) -> dict:
    """What the progress of a run shows, in every state."""
    now = timezone.now()
    eta, is_owner = run.eta_seconds, run.owner_id == request.user.pk
    dataset_is_visible = Dataset.objects.visible_to(request.user).filter(pk=run.dataset_id).exists()
    return {
        "run": run,
        "is_owner": is_owner,
        "dataset_is_visible": dataset_is_visible,
        "note_may_start": dataset_is_visible and not is_owner,  # its owner has the offer above, before "Try again"
        "model": next(iter(run.models), None),
        "done_at": now + timedelta(seconds=eta) if eta is not None else None,
        "took_seconds": (run.finished_at - run.started_at).total_seconds()
        if run.finished_at and run.started_at
        else None,
        **_line_context(run, now),
        "can_go_on": run.state in NOT_SUCCEEDED and lifecycle.can_go_on(run),
        "worker_is_quiet": run.lease_expires_at is not None and run.lease_expires_at < now,
        "nats_per_character": run.nats_per_character,
        "way_out": findings.way_out(run.error_code, run.config) if run.state == TrainingRun.State.FAILED else None,
        "starts_from": services.models_to_start_from(request.user).filter(pk=run.starts_from_id).first(),
    }


def _line_context(run: TrainingRun, now: datetime) -> dict:
    """Where a waiting run stands in the line, and what keeps it there."""
    if run.state != TrainingRun.State.QUEUED:
        return {}
    place, no_worker = lifecycle.waiting_runs().get(run.pk), not training_worker_listens()
    may_start = place is not None and place.starts_in == 0
    heard_by_now = now - timedelta(seconds=settings.RING_AGAIN_SECONDS + settings.RECONCILE_SECONDS)
    return {
        "place": place,
        "intake": lifecycle.intake(),
        "no_worker": no_worker,
        # A worker has a hand free for it, and was told of it, but has not come: the broker may be away.
        "is_delayed": may_start and not no_worker and run.queued_at < heard_by_now,
    }


def _loss_context(run: TrainingRun, points: list[curves.Point], baseline: Baseline | None) -> dict:
    broken_off = run.is_finished and run.state != TrainingRun.State.SUCCEEDED
    training = findings.Training.of(run)
    return {
        # A run that was broken off says nothing by its end.
        "looks_by_step": {point.step: point for point in curves.judged(points)},
        "finding": None if broken_off else findings.finding(points, is_finished=run.is_finished, training=training),
        "against": None if broken_off else against_baseline(baseline, run.metrics, run, is_finished=run.is_finished),
        "caption": findings.caption(points),
    }


@login_required
@require_GET
def run_events(request: HttpRequest, run_id: str) -> HttpResponse:
    run = _visible_run(request, run_id)
    return event_stream(request, live.run_events(run.pk, reader=request.user, after=live.last_heard(request)))


@login_required
@require_GET
def run_metrics_csv(request: HttpRequest, run_id: str) -> HttpResponse:
    return curves.metrics_csv(_visible_run(request, run_id))


# ── What its owner wishes ────────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_POST
def run_cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    return _wish(request, run_id, services.cancel_run)


@login_required
@require_POST
def run_pause(request: HttpRequest, run_id: str) -> HttpResponse:
    return _wish(request, run_id, services.pause_run)


@login_required
@require_POST
def run_resume(request: HttpRequest, run_id: str) -> HttpResponse:
    return _wish(request, run_id, services.resume_run)


@login_required
@require_POST
def run_retry(request: HttpRequest, run_id: str) -> HttpResponse:
    """Put a failed or cancelled run back into the line: to go on, or with ``restart`` to begin anew."""
    return _wish(request, run_id, services.retry_run, restart="restart" in request.POST)


@login_required
@require_POST
def run_move(request: HttpRequest, run_id: str) -> HttpResponse:
    """Put a waiting run before its owner's others."""
    return _wish(request, run_id, services.move_run, position=1)


def _wish(request: HttpRequest, run_id: str, service: Callable, **values) -> HttpResponse:
    """Do what the owner of a run wishes, or say on its page why not."""
    run = get_object_or_404(TrainingRun.objects.owned_by(request.user), pk=run_id)
    try:
        service(run=run, by=request.user, **values)
    except ExpectedError as refusal:
        messages.warning(request, refusal.message)
    return redirect(run)


@login_required
@require_POST
def run_again(request: HttpRequest, run_id: str) -> HttpResponse:
    """Start a run like this one, with the settings that are sent changed."""
    run = _visible_run(request, run_id)
    changes = {name: parse_setting(name, text) for name, text in request.POST.items() if name in FIELDS}
    try:
        return redirect(services.train_again(run=run, by=request.user, changes=changes))
    except ExpectedError as refusal:
        messages.warning(request, refusal.message)
        return redirect(run)
