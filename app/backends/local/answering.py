"""A model's file read, and texts annotated by it as the options say: for whichever process asks.

The service and the processes that work off batches answer alike, because both answer with this.
"""

from collections.abc import Sequence
from pathlib import Path

from app.backends.base import Annotations, BackendError, ExtractOptions
from app.backends.linking import opened, refuse_min_precision
from app.backends.local.artefact import ArtefactError
from app.backends.local.model import LocalModel, Wishes
from app.prompts.tasks import Task


def load(path: Path, name: str) -> LocalModel:
    """The model of this name.

    Raises BackendError `model_not_found`, `storage_damaged`, `backend_failed`.
    """
    try:
        return LocalModel.load(path, name)
    except FileNotFoundError:
        raise model_not_found() from None
    except ArtefactError as error:
        what = "The model's file is not the one that was stored, or of a newer version."
        raise BackendError("storage_damaged", what) from error
    except OSError as error:
        raise BackendError("backend_failed", "The model's file cannot be read.") from error


def wishes(model: LocalModel, options: ExtractOptions) -> Wishes:
    """What the options ask of the model. Raises BackendError `min_precision_unavailable`."""
    if not model.measured:
        refuse_min_precision(options, hint="Leave it out, or train with two folds or more.")
    return Wishes([opened(index) for index in options.vocabularies], options.min_precision)


def answer(
    model: LocalModel, texts: Sequence[str], tasks: frozenset[Task], options: ExtractOptions
) -> list[Annotations]:
    """The annotations of each text, in order. Raises BackendError `min_precision_unavailable`."""
    return model.annotate(texts, tasks, wishes(model, options))


def model_not_found() -> BackendError:
    """There is no model of the name asked for."""
    return BackendError("model_not_found", "There is no such model.")
