"""Makes models ready to write: the graphs beside the model file, by what `training.language_model.export` proves.

Knows both the database and torch; it runs in child processes alone. A run's model gets its graphs in the folder that it
is published in. One that came without them, by import or from an earlier version, gets a new folder with both, and its
row changes over in one step; the old folder is swept away when nobody can be reading it any more.
"""

import logging
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from training import lifecycle, storage
from training.language_model.checkpoint import load_model
from training.language_model.errors import CheckpointError
from training.language_model.export import export_model
from training.language_model.serving_files import ALL_FILES
from training.models import Checkpoint

logger = logging.getLogger(__name__)

NOT_READY = "The model is kept, but could not be made ready to write: {}"
UNEXPECTED = "something went wrong in this program; the server's log says more."


def add_graphs(folder: Path, *, songs: Iterable[list[int]] = ()) -> str:
    """Put what writing needs beside the model file in ``folder``; why not, in a sentence, or "".

    Whatever goes wrong, the model file stays and nothing half made lies beside it: no training is lost by this.

    Args:
        songs: token ids of songs that the model did not learn from, to judge the graphs by.
    """
    try:
        export_model(load_model(folder / storage.MODEL_FILE), folder, songs=songs)
    except CheckpointError as problem:
        why_not = NOT_READY.format(problem)
    except Exception:  # the runtime's errors have no common base
        logger.exception("the model in %s could not be made ready to write", folder)
        why_not = NOT_READY.format(UNEXPECTED)
    else:
        return ""
    for name in ALL_FILES:
        (folder / name).unlink(missing_ok=True)
    return why_not


def prepare(model: Checkpoint) -> str:
    """Make a model that is in the list ready to write, from its model file; why not, in a sentence, or "".

    Raises: storage.StorageDamaged when the model file is not what was published; OSError.
    """
    model_file = {storage.MODEL_FILE: model.manifest["files"][storage.MODEL_FILE]}
    with storage.fetched(model.folder, {"files": model_file}) as source:

        def write(folder: Path) -> None:
            shutil.copyfile(source / storage.MODEL_FILE, folder / storage.MODEL_FILE)
            if why_not := add_graphs(folder):
                raise CheckpointError(why_not)

        facts = {name: value for name, value in model.manifest.items() if name not in ("files", "format")}
        try:
            published = storage.publish(new_folder(model), write, facts=facts)
        except CheckpointError as problem:
            lifecycle.end_preparing(model.pk, error=str(problem))
            return str(problem)
    if not lifecycle.change_over(model, published):  # deleted meanwhile, or another was faster
        storage.remove(published.folder, published.manifest)
    return ""


def new_folder(model: Checkpoint) -> str:
    """Beside the model's folder, under a name that nobody else uses."""
    parent, _, name = model.folder.rpartition("/")
    return f"{parent}/{name.partition('~')[0]}~{uuid.uuid4().hex[:8]}"
