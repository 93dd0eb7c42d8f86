"""Models kept in memory, the longest unused dropped first, by what they weigh."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from generator.decoding.model_file import ModelDamaged, WritingModel, read_model


class ModelCache:
    """Models by the sha256 of their file; safe to ask from any thread."""

    def __init__(self, limit_bytes: int):
        self._limit_bytes = limit_bytes
        self._models: OrderedDict[str, WritingModel] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}

    def get(self, *, sha256: str, size_bytes: int, read: Callable[[], bytes]) -> WritingModel:
        """The model of this hash, from memory or else from ``read()``, whose size and hash are verified this once.

        Two threads that ask for the same model load it once; a model larger than the limit stays until the next comes.
        Raises: ModelDamaged when the bytes are not this model's, and whatever ``read`` raises.
        """
        with self._lock:
            if model := self._known(sha256):
                return model
            loading = self._loading.setdefault(sha256, threading.Lock())
        with loading:
            with self._lock:
                if model := self._known(sha256):
                    return model
            try:
                content = read()
                if len(content) != size_bytes:
                    raise ModelDamaged(f"It has {len(content):,} bytes, {size_bytes:,} were published.")
                model = read_model(content, sha256=sha256)
                with self._lock:
                    self._keep(sha256, model)
            finally:
                with self._lock:
                    self._loading.pop(sha256, None)
        return model

    def _known(self, sha256: str) -> WritingModel | None:
        if sha256 in self._models:
            self._models.move_to_end(sha256)
        return self._models.get(sha256)

    def _keep(self, sha256: str, model: WritingModel) -> None:
        self._models[sha256] = model
        while len(self._models) > 1 and sum(kept.size_bytes for kept in self._models.values()) > self._limit_bytes:
            self._models.popitem(last=False)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._models
