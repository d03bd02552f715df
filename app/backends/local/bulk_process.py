"""A process that annotates texts for batches: `python -m app.backends.local.bulk_process`.

Requests come on standard input and answers go to standard output, as `bulk_wire` writes them. Each
request is answered twice: `ready` once its model is loaded, or an error that holds for all texts;
then the annotations of each text, null for one that cannot be annotated. Texts may be patient data:
it logs where the engine broke, and nothing of what it read. It ends with its input, and with its
parent where the kernel can see to that.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from app.backends.base import Annotations, BackendError
from app.backends.local.answering import load, wishes
from app.backends.local.bulk_wire import Model, error_packed, frame, packed, receive
from app.backends.local.model import LocalModel
from app.backends.local.model_cache import ModelCache
from app.platform.logs import configure_logs
from app.platform.parents import end_with_parent

log = structlog.get_logger(__name__)

_NICE = 10  # whoever waits for an answer of the service goes first
_LOADED = 2
_OUTPUT, _ERRORS = 1, 2

Annotate = Callable[[Sequence[str]], list[Annotations]]


def main() -> int:
    """Answer until the input ends; the exit code."""
    end_with_parent()
    os.nice(_NICE)
    configure_logs("INFO")
    # Whatever else should print must not come between the answers.
    answers = os.fdopen(os.dup(_OUTPUT), "wb")
    os.dup2(_ERRORS, _OUTPUT)
    models = Models()
    while (request := receive(sys.stdin.buffer)) is not None:
        for message in messages(models, request):
            answers.write(frame(message))
            answers.flush()
    return 0


class Models:
    """The models used last, loaded."""

    def __init__(self) -> None:
        self._wanted: Model | None = None
        self._cache = ModelCache[LocalModel](self._load, _LOADED)

    def get(self, wanted: Model) -> LocalModel:
        """The model. Raises BackendError `model_not_found`, `backend_failed`."""
        self._wanted = wanted
        return self._cache.get(wanted.name)

    def _load(self, name: str) -> LocalModel:
        assert self._wanted is not None
        return load(self._wanted.file, name)


def messages(models: Models, request: Mapping[str, Any]) -> Iterator[object]:
    """What is answered to a request, in order."""
    model = Model.of(request)
    try:
        loaded = models.get(model)
        wanted = wishes(loaded, model.options)
    except BackendError as error:
        yield error_packed(error)
        return
    except Exception:
        log.exception("bulk_model_unreadable", model=model.name)
        what = "The model's file, or that of a vocabulary, cannot be read."
        yield error_packed(BackendError("backend_failed", what))
        return
    yield {"ready": True}
    annotate = partial(loaded.annotate, tasks=model.tasks, wishes=wanted)
    yield {"found": [found and packed(found) for found in each(annotate, request["texts"])]}


def each(annotate: Annotate, texts: Sequence[str]) -> list[Annotations | None]:
    """The annotations of each text; None for those that the engine breaks on.

    Together where it can be: that is faster.
    """
    try:
        return list(annotate(texts))
    # Whatever a text does to the engine is that text's alone.
    except Exception:
        if len(texts) == 1:
            log.exception("bulk_text_failed")
            return [None]
    return [found for text in texts for found in each(annotate, [text])]


if __name__ == "__main__":
    sys.exit(main())
