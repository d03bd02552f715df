"""Extraction: text in, diseases, chemicals and relations out. Nothing is stored."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.backends.base import Annotations, BackendError, ExtractOptions
from app.backends.observed import observed
from app.backends.registry import as_api_error
from app.extractions import present
from app.extractions.as_document import as_document
from app.extractions.schemas import (
    Extraction,
    ExtractionOptions,
    ExtractionRequest,
    OffsetUnit,
    Timing,
    Usage,
)
from app.models.service import ResolvedModel, retire
from app.platform.clock import new_id
from app.platform.errors import ApiError, FieldError
from app.platform.work import Platform
from app.prompts.tasks import Task
from app.terminology.concepts import VocabularyError
from app.vocabularies.service import indexes, local_indexes, unreadable

__all__ = [
    "ExtractionOptions",
    "Limits",
    "OffsetUnit",
    "annotate",
    "as_document",
    "check",
    "check_tasks",
    "extract",
    "options_for",
    "refusal_of",
    "to_json",
]

# From so many code points on the answer is put together in a thread; a short one not, since a
# thread costs more than it would save.
_LONG = 20_000


@dataclass(frozen=True)
class Limits:
    """How much may be asked for at once."""

    max_text_characters: int


def check(request: ExtractionRequest, limits: Limits) -> list[str]:
    """The texts of a request. Raises ApiError `text_too_long`, `invalid_request`."""
    texts = request.texts if request.texts is not None else [request.text or ""]
    name = "/texts/{}" if request.texts is not None else "/text"
    faults = []
    for index, text in enumerate(texts):
        if len(text) > limits.max_text_characters:
            detail = f"{len(text)} code points; at most {limits.max_text_characters}."
            raise ApiError(
                "text_too_long", detail, errors=[FieldError(name.format(index), "length", detail)]
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            detail = "Half of a surrogate pair in the text."
            faults.append(FieldError(name.format(index), "surrogate", detail))
    if faults:
        raise ApiError("invalid_request", "A text is not valid Unicode.", errors=faults)
    return texts


async def annotate(
    platform: Platform,
    model: ResolvedModel,
    texts: Sequence[str],
    tasks: frozenset[Task],
    options: ExtractOptions,
) -> list[Annotations]:
    """What the model finds in each text, in order.

    Raises ApiError if the backend fails, and `capability_unavailable` for tasks the model was not
    trained for.
    """
    check_tasks(model, tasks)
    options = replace(options, template=model.template)
    try:
        extracting = model.backend.extract(model.backend_model, texts, tasks, options)
        return await observed(platform.telemetry, model.backend.name, model.id, texts, extracting)
    except BackendError as error:
        raise await refusal_of(platform, model, error) from None
    except VocabularyError as error:
        raise unreadable(error) from error


def check_tasks(model: ResolvedModel, tasks: frozenset[Task]) -> None:
    """Raise ApiError `capability_unavailable` for tasks the model was not trained for."""
    if missing := tasks - model.tasks:
        names = ", ".join(sorted(missing))
        raise ApiError("capability_unavailable", f"{model.id} was not trained for: {names}.")


async def refusal_of(platform: Platform, model: ResolvedModel, error: BackendError) -> ApiError:
    """What a client is told when a model's backend fails.

    A model whose backend says that it is retired is retired in the catalogue too.
    """
    if error.code == "retired" and error.retired_on is not None:
        async with platform.work(write=True) as work:
            told = await retire(work, model.id, error.retired_on)
        if told is not None:
            return told
    if error.code == "model_not_found" and model.template is not None:
        return _lost(model)
    return as_api_error(error)


def _lost(model: ResolvedModel) -> ApiError:
    """The backend does not have a model that was trained there."""
    return ApiError(
        "model_not_found",
        f"The backend {model.backend.name} no longer has the model {model.id}.",
        hint="Train it again: POST /v1/fine-tunes/{id}/repeat, with its fine_tune_id.",
    )


async def extract(
    platform: Platform, model: ResolvedModel, texts: Sequence[str], request: ExtractionRequest
) -> list[Extraction]:
    """One extraction for each text, in order.

    Raises ApiError as `annotate`, and `invalid_request` for vocabularies that there are not.
    """
    started = time.perf_counter()
    tasks = model.tasks if request.tasks is None else frozenset(request.tasks)
    options = await options_for(platform, model, request.options)
    found = await annotate(platform, model, texts, tasks, options)
    model_ms = (time.perf_counter() - started) * 1000

    def present_all() -> list[Extraction]:
        return [
            _extraction(model.id, text, annotations, tasks, request.options)
            for text, annotations in zip(texts, found, strict=True)
        ]

    long = sum(map(len, texts)) > _LONG
    answers = await asyncio.to_thread(present_all) if long else present_all()
    total_ms = (time.perf_counter() - started) * 1000
    timing = Timing(total_ms=round(total_ms, 2), model_ms=round(model_ms, 2))
    for answer in answers:
        answer.timing = timing
    return answers


async def options_for(
    platform: Platform, model: ResolvedModel, asked: ExtractionOptions
) -> ExtractOptions:
    """What the backend is told of the options asked for.

    Raises ApiError `invalid_request`, `vocabulary_not_ready`.
    """
    if asked.vocabularies is None:
        vocabularies = await local_indexes(platform, model.vocabularies)
    else:
        vocabularies = await indexes(platform, asked.vocabularies, "/options/vocabularies")
    return ExtractOptions(
        mode=asked.mode,
        temperature=asked.temperature,
        max_tokens=asked.max_tokens,
        vocabularies=vocabularies,
        min_precision=asked.min_precision,
    )


def to_json(
    model_id: str,
    text: str,
    found: Annotations,
    tasks: frozenset[Task],
    options: ExtractionOptions,
) -> str:
    """One extraction as JSON, without what differs each time it is asked for: id and timing."""
    answer = _extraction(model_id, text, found, tasks, options)
    return answer.model_dump_json(exclude={"id", "timing"}, exclude_unset=True)


def _extraction(
    model_id: str,
    text: str,
    found: Annotations,
    tasks: frozenset[Task],
    options: ExtractionOptions,
) -> Extraction:
    answer = Extraction(
        id=new_id("ext"),
        model=model_id,
        ungrounded=present.ungrounded(found, tasks),
        warnings=list(found.warnings),
        usage=Usage(input_tokens=found.input_tokens, output_tokens=found.output_tokens),
        timing=Timing(total_ms=0, model_ms=0),
    )
    if Task.DISEASES in tasks:
        answer.diseases = present.items(text, found, Task.DISEASES, options)
    if Task.CHEMICALS in tasks:
        answer.chemicals = present.items(text, found, Task.CHEMICALS, options)
    if Task.RELATIONS in tasks:
        answer.relations = present.relations(text, found, options)
    return answer
