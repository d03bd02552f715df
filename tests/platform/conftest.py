"""A service in a process of its own, shared by the tests that look at the process from outside;
and the logs of this process, put back as they were."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from app.own_service import OwnService, own_service

MIB = 2**20
UNPACKED_LIMIT, RATIO_LIMIT = 20 * MIB, 5


@pytest.fixture(scope="package")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """`medtune serve` with small limits for archives, said in the `.env` of its folder."""
    folder = tmp_path_factory.mktemp("own")
    (folder / ".env").write_text(
        f"MEDTUNE_MAX_UNPACKED_BYTES={UNPACKED_LIMIT}\nMEDTUNE_MAX_UNPACK_RATIO={RATIO_LIMIT}\n"
    )
    with own_service(folder) as service:
        yield service


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """For tests that configure the logs of this process."""
    root = logging.getLogger()
    before = root.handlers, root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    yield
    root.handlers, level = before
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks
    structlog.reset_defaults()
