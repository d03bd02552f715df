"""Loaded models, the most recently used ones, for many threads."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Model = TypeVar("Model")


class ModelCache(Generic[Model]):
    """At most `size` models in memory; a model asked for by several at once is loaded once."""

    def __init__(self, load: Callable[[str], Model], size: int) -> None:
        self._load = load
        self._size = size
        self._lock = Lock()
        self._models: OrderedDict[str, Future[Model]] = OrderedDict()

    def get(self, name: str) -> Model:
        """The model, loaded if need be. Raises what loading raises, and loads anew next time."""
        with self._lock:
            future = self._models.get(name)
            mine = future is None
            if future is None:
                future = self._models[name] = Future()
                while len(self._models) > self._size:
                    self._models.popitem(last=False)
            self._models.move_to_end(name)
        if mine:
            self._fill(name, future)
        return future.result()

    def has(self, name: str) -> bool:
        """Whether the model is loaded already."""
        with self._lock:
            future = self._models.get(name)
        return future is not None and future.done()

    def drop(self, name: str) -> None:
        """Forget the model; who uses it now may finish."""
        with self._lock:
            self._models.pop(name, None)

    def _fill(self, name: str, future: Future[Model]) -> None:
        try:
            future.set_result(self._load(name))
        except BaseException as error:
            with self._lock:
                if self._models.get(name) is future:
                    del self._models[name]
            future.set_exception(error)
