"""The admin's page on which a person confirms or corrects the columns of a dataset, with the songs as they would be."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.widgets import CHECKBOX_CLASSES, INPUT_CLASSES, SELECT_CLASSES, UnfoldAdminSelectWidget

from training.errors import ExpectedError
from training.forms.datasets import ReadingForm
from training.services import datasets as services
from training.views.access import words_of
from training.views.uploads import chosen_reading, stored_preview

PAGE = "admin/training/dataset/mapping.html"
CLASSES = {"select": SELECT_CLASSES, "checkbox": CHECKBOX_CLASSES}


def mapping_page(model_admin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show how the stored file would be read; what is sent back is imported, or with ``look`` only shown."""
    dataset = model_admin.get_object(request, object_id)
    if dataset is None:
        raise Http404("There is no such dataset.")
    if not model_admin.has_change_permission(request, dataset):
        raise PermissionDenied
    chosen, refusal = {}, ""
    if request.method == "POST":
        try:
            chosen = chosen_reading(ReadingForm(request.POST))
            if "look" not in request.POST:
                services.apply_mapping(dataset=dataset, **chosen)
                messages.success(request, f"{dataset} is imported with these columns.")
                return redirect(reverse("admin:training_dataset_change", args=[dataset.pk]))
        except ExpectedError as error:
            refusal = words_of(error)
    shown = stored_preview(dataset, **chosen)
    refusal = refusal or shown.get("refusal", "")
    context = {
        **model_admin.admin_site.each_context(request),
        **shown,
        "opts": model_admin.model._meta,
        "title": f"Columns of {dataset}",
        "dataset": dataset,
        "refusal": refusal,
        "changes_by_hand": services.songs_changed_by_hand(dataset=dataset),
    }
    if "reading" in shown:
        dress(shown["reading"])
    return render(request, PAGE, context, status=400 if refusal and request.method == "POST" else 200)


def dress(form: ReadingForm) -> None:
    """Put the form's fields into the admin's clothes."""
    for bound in form:
        widget = bound.field.widget
        kind = getattr(widget, "input_type", "text")
        widget.attrs["class"] = " ".join(CLASSES.get(kind, INPUT_CLASSES))
        if kind == "select":
            widget.template_name = UnfoldAdminSelectWidget.template_name
