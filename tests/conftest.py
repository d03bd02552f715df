"""Fixtures shared by all tests, and how the tests are dealt out to several processes."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Hundreds of processes are started here: what they import is to be compiled once, also where the
# environment says to keep nothing of it. (It takes them 5 s instead of 2.)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from app.platform.access import LOCAL, acting  # noqa: E402

pytest_plugins = ["tests.databases"]

_ROOT = Path(__file__).resolve().parents[1]
_DEFAULT_CORPUS = _ROOT / "../shared/corpora/bc5cdr"
# What takes longest begins first: at the end no process is left with a long one while others idle.
_FIRST = ("console", "platform", "encryption", "api", "docs", "e2e", "workspaces", "vocabularies")

# The same examples in each run, on a busy machine too; others with --hypothesis-profile=default.
hypothesis.settings.register_profile(
    "repeated",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeated")


class _Dealing(LoadScopeScheduling):  # type: ignore[misc]
    """Deals the tests out to the processes of a run: what shares fixtures stays in one of them.

    That is a folder if it has a conftest.py, else a file; on each database by itself. (The marker
    `xdist_group` would do, were it not that xdist 3.8 has no effect on the ids of pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        folder = Path(file).parent
        shared = folder if (_ROOT / folder / "conftest.py").is_file() else file
        database = re.search(r"[\[-](sqlite|postgres)[]-]", test)
        return f"{shared} {database[1] if database else ''}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Dealing:
    """In the order of the files: by number of tests the long stories would come last."""
    config.option.loadscopereorder = False
    return _Dealing(config, log)


def pytest_collection_finish() -> None:
    """What there is now stays: the collector, which runs often, need not go through it again.

    That takes a third off the time of many small tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest folders first."""
    place = {_ROOT / "tests" / name: number for number, name in enumerate(_FIRST)}
    items.sort(key=lambda item: place.get(item.path.parent, len(place)))


@pytest.fixture(autouse=True)
def _acting() -> Iterator[None]:
    """Tests that call parts of the service do so as who asks a service without keys."""
    with acting(LOCAL):
        yield


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the real BC5CDR files; tests that want it are skipped, saying so, without."""
    folder = Path(os.environ.get("MEDTUNE_CORPUS", _DEFAULT_CORPUS)).resolve()
    if not (folder / "train.pubtator.txt").is_file():
        pytest.skip(f"no BC5CDR corpus at {folder}; set MEDTUNE_CORPUS to its folder")
    return folder
