"""Models are loaded once, kept while they are used, and forgotten when others are."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from app.backends.local.model_cache import ModelCache


class _Loader:
    """Counts how often it is asked, and can fail."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.loaded: list[str] = []
        self.broken = False

    def __call__(self, name: str) -> list[str]:
        with self._lock:
            self.loaded.append(name)
        if self.broken:
            raise FileNotFoundError(name)
        return [name]


@pytest.fixture
def load() -> _Loader:
    return _Loader()


def test_a_model_asked_for_by_many_at_once_is_loaded_once(load: _Loader) -> None:
    cache, together = ModelCache(load, 2), Barrier(8)

    def get(_: int) -> list[str]:
        together.wait()
        return cache.get("a")

    with ThreadPoolExecutor(8) as executor:
        models = list(executor.map(get, range(8)))
    assert load.loaded == ["a"]
    assert len(set(map(id, models))) == 1


def test_the_least_recently_used_is_forgotten_first(load: _Loader) -> None:
    cache = ModelCache(load, 2)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.get(name)
    assert load.loaded == ["a", "b", "c", "b"]


def test_what_could_not_be_loaded_is_tried_again(load: _Loader) -> None:
    cache = ModelCache(load, 2)
    load.broken = True
    with pytest.raises(FileNotFoundError):
        cache.get("a")
    load.broken = False
    assert cache.get("a") == ["a"]
    assert load.loaded == ["a", "a"]


def test_what_was_dropped_is_loaded_anew(load: _Loader) -> None:
    cache = ModelCache(load, 2)
    cache.get("a")
    cache.drop("a")
    cache.drop("never there")
    cache.get("a")
    assert load.loaded == ["a", "a"]
