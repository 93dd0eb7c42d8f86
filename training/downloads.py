"""A model's file on its way out: an attachment that no browser shows or runs."""

from django.http import FileResponse
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename

from training.database import let_go
from training.models import Checkpoint


def model_download(model: Checkpoint, file) -> FileResponse:
    """Return the opened ``model.safetensors`` as a download that is named after the model (RFC 6266)."""
    let_go()  # a slow client takes minutes for a model
    response = FileResponse(file, content_type="application/octet-stream")
    response["Content-Length"] = model.size_bytes
    response["Content-Disposition"] = content_disposition_header(True, model_file_name(model))
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    return response


def model_file_name(model: Checkpoint) -> str:
    """Return the model's name as a file name, whatever letters it is written in."""
    kept = "".join(letter if letter.isalnum() or letter in " ._-" else "-" for letter in model.name).strip(" .-")
    return f"{get_valid_filename(kept) if kept else model.pk}.safetensors"
