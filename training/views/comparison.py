"""The comparison of runs: any two to ten by their link, and the usual ones of a dataset."""

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from training import comparison, race_chart
from training.insight_charts import insights_of
from training.models import Checkpoint, Dataset, TrainingRun
from training.score_card import score_card
from training.settings_table import setting_title, setting_word


@login_required
@require_GET
def dataset_compare(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """The way to the comparison of a dataset's newest runs, one of each cell; ``?with=`` names one that is in it."""
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=dataset_id)
    runs = comparison.comparable_runs(TrainingRun.objects.visible_to(request.user), dataset)
    chosen = comparison.usual_choice(runs, with_run=request.GET.get("with"))
    query = [("dataset", dataset.pk), *(("run", run.pk) for run in chosen)]
    return redirect(f"{reverse('training:run-compare')}?{urlencode(query)}")


@login_required
@never_cache
@require_GET
def run_compare(request: HttpRequest) -> HttpResponse:
    """The runs named by ``?run=``, as often as wanted; ``?dataset=`` narrows which others are offered."""
    visible = TrainingRun.objects.visible_to(request.user)
    asked = [pk for pk in request.GET.getlist("run") if "\0" not in pk][: comparison.MOST_RUNS]
    chosen = list(runs_with_models(comparison.begun(visible), request).filter(pk__in=asked))
    offered = comparison.begun(visible).select_related("dataset").order_by("-created_at")
    dataset = (
        Dataset.objects.visible_to(request.user).filter(pk=request.GET.get("dataset", "").replace("\0", "")).first()
    )
    if dataset is not None:
        offered = offered.filter(dataset=dataset)
    query = urlencode([("run", run.pk) for run in chosen])
    context = comparison_context(request, chosen) | {
        "api_query": query,
        "table_url": f"{reverse('run-api-compare')}?{query}&",
        "permanent_url": request.build_absolute_uri(f"{request.path}?{query}"),
        "dataset": dataset,
        "offered": list(offered[: comparison.MOST_LISTED]),
        "chosen": {run.pk for run in chosen},
        "most_runs": comparison.MOST_RUNS,
        "section": "runs",
    }
    return render(request, "training/run_compare.html", context)


def runs_with_models(runs, request: HttpRequest):
    """The query ``runs`` with all that a comparison shows of each."""
    models = Prefetch("checkpoints", Checkpoint.objects.visible_to(request.user).published(), to_attr="models")
    return runs.select_related("dataset", "owner").prefetch_related(models)


def comparison_context(request: HttpRequest, runs: list[TrainingRun]) -> dict:
    """What `_comparison.html` shows of ``runs``; ``?by=`` names the axis, ``?loss=`` what the time is taken to."""
    compared = comparison.compare(runs, target_loss=comparison.loss_from(request.GET.get("loss", "")))
    axis = race_chart.AXES.get(request.GET.get("by", ""), race_chart.AXES["tokens"])
    return {
        "comparison": compared,
        "verdict": comparison.verdict(compared),
        "axis": axis,
        "axes": [(one, _with(request, by=one.name)) for one in race_chart.AXES.values()],
        "chart": race_chart.draw(compared, axis),
        "caption": race_chart.caption(compared, axis),
        "card": score_card(compared),
        # One network speaks for its cell: its seeds remember alike.
        "insights": insights_of(
            [entrant.first for entrant in compared.entrants],
            {entrant.first.pk: entrant.label for entrant in compared.entrants},
        ),
        "asked_loss": request.GET.get("loss", ""),
        "kept_query": [(name, value) for name, values in request.GET.lists() if name != "loss" for value in values],
        "differing": [
            (setting_title(name), [setting_word(value) for value in values])
            for name, values in comparison.differing_settings(compared)
        ],
        "has_many_entrants": len(compared.entrants) > 4,
        "has_seeds": any(len(entrant.contenders) > 1 for entrant in compared.entrants),
        "is_learning": any(not run.is_finished for run in compared.runs),
        "writers": [model for entrant in compared.entrants if (model := _writer(entrant))],
    }


def _writer(entrant: comparison.Entrant) -> Checkpoint | None:
    """The model that writes for an entrant: that of its first seed which has one."""
    return next((model for run in entrant.runs for model in run.models), None)


def _with(request: HttpRequest, **changes: str) -> str:
    """The query of this page's address with some values changed."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()
