"""Pages of models: the list, the certificate of one, its file."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, FloatField, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from training.baseline_findings import against_baseline
from training.baselines import baseline_of
from training.comparison import FEWEST_RUNS
from training.downloads import model_download as download_of
from training.errors import ExpectedError
from training.forms.models import ModelFilterForm, ModelForm, ModelImportForm
from training.forms.refusals import add_refusal
from training.forms.saving import saved
from training.models import Checkpoint, Dataset, TrainingRun
from training.services import models as services
from training.services.checkpoints import set_pin
from training.settings_table import settings_in_groups

MODELS_ON_A_PAGE = 25


def _visible_models(request: HttpRequest):
    return Checkpoint.objects.visible_to(request.user).published().select_related("owner", "dataset", "run")


def _own_model(request: HttpRequest, model_id: str) -> Checkpoint:
    return get_object_or_404(Checkpoint.objects.owned_by(request.user).published(), pk=model_id)


@login_required
@require_GET
def model_list(request: HttpRequest) -> HttpResponse:
    return _list_page(request, ModelImportForm())


def _list_page(request: HttpRequest, import_form: ModelImportForm, status: int = 200) -> HttpResponse:
    form = ModelFilterForm(request.GET)
    form.is_valid()
    models = narrowed(_visible_models(request), form.cleaned_data)
    page = Paginator(models, MODELS_ON_A_PAGE).get_page(request.GET.get("page"))
    on_their_way = TrainingRun.objects.owned_by(request.user).unfinished().select_related("dataset")
    context = {
        "page": page,
        "form": form,
        "import_form": import_form,
        "is_filtered": bool(form.cleaned_data.get("q") or form.cleaned_data.get("architecture")),
        "best_id": _best_id(page.object_list),
        "comparable": _comparable(request, page.object_list),
        "on_their_way": on_their_way.order_by("queued_at")[:5],
    }
    return render(request, "training/model_list.html", context, status=status)


def _comparable(request: HttpRequest, models) -> set[str]:
    """The runs of these models that the person may lay side by side; none where there is only one."""
    runs = TrainingRun.objects.visible_to(request.user).filter(pk__in=[model.run_id for model in models])
    seen = set(runs.values_list("pk", flat=True))
    return seen if len(seen) >= FEWEST_RUNS else set()


@login_required
@require_POST
def model_import(request: HttpRequest) -> HttpResponse:
    """Take in a model file; where it is none, the list comes back and says so."""
    form = ModelImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            model = services.import_model(owner=request.user, file=form.cleaned_data["file"])
        except ExpectedError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"“{model.name}” is here. It is being made ready to write.")
            return redirect(model)
    return _list_page(request, form, status=400)


def narrowed(models, chosen: dict):
    """Return those of ``models`` that are asked for, in the order asked for."""
    if words := chosen.get("q"):
        models = models.filter(Q(name__icontains=words) | Q(dataset__name__icontains=words))
    if architecture := chosen.get("architecture"):
        models = models.filter(architecture=architecture)
    if chosen.get("order") == "newest":
        return models.order_by("-created_at", "-pk")
    # SQLite gives JSON's null as the text "null", which as a number is 0: better than every model.
    score = Cast(NullIf(KT("metrics__nats_per_character"), Value("null")), FloatField())
    return models.annotate(score=score).order_by(F("score").asc(nulls_last=True), "-created_at", "-pk")


def _best_id(models) -> str | None:
    """The model with the lowest loss of those on the page, where there is something to be better than."""
    scored = [model for model in models if model.metrics.get("nats_per_character") is not None]
    if len(scored) < 2:
        return None
    return min(scored, key=lambda model: model.metrics["nats_per_character"]).pk


@login_required
@require_GET
def model_detail(request: HttpRequest, model_id: str) -> HttpResponse:
    model = get_object_or_404(_visible_models(request), pk=model_id)
    return _certificate(request, model, ModelForm(instance=model))


def _certificate(request: HttpRequest, model: Checkpoint, form: ModelForm, status: int = 200) -> HttpResponse:
    user = request.user
    baseline = model.run and baseline_of(model.run)
    context = {
        "model": model,
        "form": form,
        "against": against_baseline(baseline, model.metrics, model.run),
        "is_owner": model.owner_id == user.pk,
        "dataset_is_visible": Dataset.objects.visible_to(user).filter(pk=model.dataset_id).exists(),
        "run_is_visible": TrainingRun.objects.visible_to(user).filter(pk=model.run_id).exists(),
        "settings": settings_in_groups(model.config),
    }
    return render(request, "training/model_detail.html", context, status=status)


@login_required
@require_POST
def model_edit(request: HttpRequest, model_id: str) -> HttpResponse:
    model = _own_model(request, model_id)
    form = ModelForm(request.POST, instance=_own_model(request, model_id))
    if saved(request, form, partial(services.update_model, model=model)):
        return redirect(model)
    return _certificate(request, model, form, status=400)


@login_required
@require_POST
def model_delete(request: HttpRequest, model_id: str) -> HttpResponse:
    model = _own_model(request, model_id)
    try:
        services.delete_model(model=model)
    except ExpectedError as refusal:
        messages.error(request, refusal.message)
        return redirect(model)
    messages.success(request, f"The model “{model.name}” and its file are gone.")
    return redirect("training:model-list")


@login_required
@require_POST
def model_pin(request: HttpRequest, model_id: str) -> HttpResponse:
    model = _own_model(request, model_id)
    is_pinned = request.POST.get("pinned") == "true"
    try:
        set_pin(checkpoint=model, is_pinned=is_pinned)
    except ExpectedError as refusal:
        messages.error(request, refusal.message)
        return redirect("training:model-list")
    messages.success(request, "Pinned: nobody deletes it by mistake." if is_pinned else "The pin is out.")
    return redirect(model)


@login_required
@require_GET
def model_download(request: HttpRequest, model_id: str) -> HttpResponse:
    model = get_object_or_404(_visible_models(request), pk=model_id)
    try:
        return download_of(model, services.open_model_file(model))
    except ExpectedError as refusal:
        messages.error(request, refusal.message)
        return redirect("training:model-list")
