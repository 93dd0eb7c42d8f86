"""Models kept in memory, the longest unused dropped first, by what they weigh."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from generator.decoding.model_file import WritingModel, read_model


class ModelCache:
    """Models by a name that no other content ever has; safe to ask from any thread."""

    def __init__(self, limit_bytes: int):
        self._limit_bytes = limit_bytes
        self._models: OrderedDict[str, WritingModel] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}

    def get(self, name: str, read: Callable[[str], bytes]) -> WritingModel:
        """The model of this name, from memory or else from the files that ``read`` gives.

        Two threads that ask for the same model load it once; a model larger than the limit stays until the next comes.
        Raises: ModelDamaged, and whatever ``read`` raises.
        """
        with self._lock:
            if model := self._known(name):
                return model
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:
            with self._lock:
                if model := self._known(name):
                    return model
            try:
                model = read_model(read)
                with self._lock:
                    self._keep(name, model)
            finally:
                with self._lock:
                    self._loading.pop(name, None)
        return model

    def _known(self, name: str) -> WritingModel | None:
        if name in self._models:
            self._models.move_to_end(name)
        return self._models.get(name)

    def _keep(self, name: str, model: WritingModel) -> None:
        self._models[name] = model
        while len(self._models) > 1 and sum(kept.size_bytes for kept in self._models.values()) > self._limit_bytes:
            self._models.popitem(last=False)

    def __contains__(self, name: str) -> bool:
        return name in self._models
