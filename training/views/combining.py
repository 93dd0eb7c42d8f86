"""The page that makes a dataset of other datasets."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from training.errors import ExpectedError
from training.forms.combining import CombineForm
from training.forms.refusals import add_refusal
from training.models import Dataset
from training.services import combining as services
from training.views.access import words_of

DATASETS_OFFERED = 100  # a form field each


@login_required
@require_http_methods(["GET", "POST"])
def dataset_combine(request: HttpRequest) -> HttpResponse:
    """Choose datasets and filters; ``look`` says how many songs that would take, without making anything."""
    datasets = Dataset.objects.visible_to(request.user).ready().select_related("owner")[:DATASETS_OFFERED]
    form = CombineForm(request.POST or None, datasets=list(datasets), initial=_chosen_before(request))
    if request.method == "GET":
        return render(request, "training/dataset_combine.html", {"form": form})
    if look := request.POST.get("look"):
        return _look(request, form, is_part=look == "part")
    status = 400
    if form.is_valid():
        given = form.cleaned_data
        try:
            return redirect(
                services.combine_datasets(
                    owner=request.user, name=given["name"], description=given["description"], sources=form.sources()
                )
            )
        except ExpectedError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    return render(request, "training/dataset_combine.html", {"form": form}, status=status)


def _chosen_before(request: HttpRequest) -> dict:
    """A dataset's own page leads here with that dataset chosen."""
    return {f"take_{request.GET.get('from', '')}": True}


def _look(request: HttpRequest, form: CombineForm, *, is_part: bool) -> HttpResponse:
    del form.fields["name"]  # it may still be missing
    context = {"form": form, **_count(form)}
    if is_part:
        return render(request, "training/_combine_count.html", context)
    context["form"] = CombineForm(initial=request.POST.dict(), datasets=list(form.datasets.values()))
    return render(request, "training/dataset_combine.html", context)


def _count(form: CombineForm) -> dict:
    if not form.is_valid():
        return {"refusal": " ".join(word for words in form.errors.values() for word in words)}
    try:
        return {"count": services.count_songs(sources=form.sources())}
    except ExpectedError as refusal:
        return {"refusal": words_of(refusal)}
