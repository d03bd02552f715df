"""Structured logs: one JSON object a line on standard error, with the request's id, never text.

Exceptions are written as their type and the places they passed through: neither their message
nor local variables, since both may hold what a user sent. That goes for whatever Python would print
by itself, too: exceptions that nobody caught, wherever they were raised, and warnings.
"""

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

CUT_OFF = "answer_cut_off"
_SAME_BEGINNING = 40  # characters
_SELDOM_SECONDS = 10.0
_FIRST_WORDS = re.compile(r"[A-Za-z ]*")

log = structlog.get_logger(__name__)


def _safe_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        event["exception"] = f"{info[0].__module__}.{info[0].__qualname__}"
        event["trace"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(info[2])[-12:]
        ]
    return event


class _Seldom(logging.Filter):
    """Lets a record through, and then for some seconds none of the same beginning."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        beginning = str(record.msg)[:_SAME_BEGINNING]
        last = self._last.get(beginning, -self._seconds)
        if record.created - last < self._seconds:
            return False
        self._last[beginning] = record.created
        return True


class _ToldAlready(logging.Filter):
    """Drops what uvicorn adds, as its own error, when an answer was cut off on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        return CUT_OFF not in structlog.contextvars.get_contextvars()


class _FirstWords(logging.Filter):
    """Leaves of a message what it is about: asyncio goes on with a task's exception, or with what a
    callback was given."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always write it."""
        begun = _FIRST_WORDS.match(str(record.msg))
        record.msg, record.args = begun[0].strip() if begun else "", ()
        return True


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; of one that cannot be made it says whose it was, where logging would show the
    message and its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name
        """Say so, in a line that can be written if any can."""
        try:
            self.stream.write(f'{{"event": "log_line_broke", "logger": "{record.name}"}}\n')
        except (OSError, ValueError):
            return  # nobody listens


_told_already, _first_words = _ToldAlready(), _FirstWords()


def quieten(logger: str) -> None:
    """Write what a library says again and again only now and then, and as all else is written.

    Before it is opened: one that has a handler adds none of its own. Safe to repeat.
    """
    found = logging.getLogger(logger)
    found.handlers, found.propagate = [logging.NullHandler()], True
    if not any(isinstance(each, _Seldom) for each in found.filters):
        found.addFilter(_Seldom(_SELDOM_SECONDS))


def _drop_third_party_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # Records of other libraries arrive with their exception text formatted already.
    event.pop("stack_info", None)
    event.pop("exc_text", None)
    return event


def configure_logs(level: str) -> None:
    """Send everything that is logged in this process, by whom ever, through one renderer.

    So is what Python would print of exceptions that nobody caught, and of warnings.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _safe_exception,
        _drop_third_party_exception,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Lines(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").addFilter(_told_already)
    logging.getLogger("asyncio").addFilter(_first_words)
    # Our own line a request (below in `requests.py`) replaces uvicorn's.
    logging.getLogger("uvicorn.access").disabled = True
    # They tell of every migration; of every call's whole address, which is signed if it leads to
    # answers; and at DEBUG of every value that is stored.
    for name in ("alembic", "httpx", "aiosqlite"):
        logging.getLogger(name).setLevel("WARNING")
    _catch_what_python_prints()


def _catch_what_python_prints() -> None:
    """Log what would be printed with messages and values; pydantic warns in the words of both."""

    def broke(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            return  # the user has ended it
        log.critical("process_broke", exc_info=(kind, error, trace))

    def thread_broke(told: threading.ExceptHookArgs) -> None:
        log.error("thread_broke", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        log.error("exception_ignored", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del message, file, line
        log.warning("warned", category=category.__name__, place=f"{filename}:{lineno}")

    sys.excepthook, threading.excepthook, sys.unraisablehook = broke, thread_broke, unraisable
    warnings.showwarning = warned
