"""Which dataset a person may look at or change, and how a refusal is said on a page."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from training.errors import ExpectedError, Invalid
from training.models import Dataset


def visible(request: HttpRequest, dataset_id: str) -> Dataset:
    return get_object_or_404(Dataset.objects.visible_to(request.user).select_related("owner"), pk=dataset_id)


def owned(request: HttpRequest, dataset_id: str) -> Dataset:
    return get_object_or_404(Dataset.objects.owned_by(request.user).select_related("owner"), pk=dataset_id)


def words_of(refusal: ExpectedError) -> str:
    """What a refusal says, as one text."""
    if isinstance(refusal, Invalid):
        return " ".join(message for messages in refusal.errors.values() for message in messages)
    return refusal.message
