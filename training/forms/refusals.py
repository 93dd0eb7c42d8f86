"""How a service's refusal becomes words at the right field of a form."""

from django.forms import BaseForm

from training.errors import ExpectedError, Invalid


def add_refusal(form: BaseForm, refusal: ExpectedError, *, fields: dict[str, str] | None = None) -> None:
    """Put each message at its field; ``fields`` renames a service's field to the form's, the rest stands on top."""
    if not isinstance(refusal, Invalid):
        form.add_error(None, refusal.message)
        return
    for name, messages in refusal.errors.items():
        field = (fields or {}).get(name, name)
        for message in messages:
            form.add_error(field if field in form.fields else None, message)
