"""The playground: paste a text and see what one model finds in it, or two side by side.

The text comes with a form and goes with the answer: it is in no address, and nothing is stored.
"""

import asyncio
import re
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from app.backends.base import BackendError
from app.backends.http import BackendsDep
from app.backends.registry import Backends, as_api_error
from app.console.choices import Choices, options_of
from app.console.corrections_form import MOST_MENTIONS, found_json
from app.console.forms import Form, read_form, read_query, validated
from app.console.pages import PageRoute, render
from app.console.playground_views import Answer, Text, compared
from app.extractions.schemas import ExtractionRequest
from app.extractions.service import Limits, check, extract
from app.models.service import resolve
from app.platform.errors import ApiError, FieldError
from app.platform.http import PlatformDep
from app.platform.work import Platform

router = APIRouter(route_class=PageRoute)

# Ten long abstracts. A page of marks grows faster than its text: longer ones are for the API.
MOST_CHARACTERS = 20_000
FIELDS = ["title", "text", "model", "other"]
FIELDS += ["tasks", "options.min_precision", "options.vocabularies"]
# Made up for this page.
EXAMPLE = {
    "title": "Hearing loss after gentamicin: two siblings.",
    "text": "A brother and a sister were given gentamicin for pneumonia. Within eight days both "
    "had hearing loss, and the sister developed tinnitus as well. Gentamicin was stopped and "
    "replaced by ceftriaxone; the pneumonia resolved. Furosemide, which the brother took for "
    "hypertension, may have added to the hearing loss. The hearing loss did not recover.",
}
# What no format of a dataset can hold, and an HTML page neither.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


@router.get("/playground")
async def ask(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form; models may be named in the address, and the dataset that corrections go to."""
    query = read_query(request)
    values = query.given("model", "other", "base")
    if query.text("example"):
        values |= EXAMPLE
    form = Form({name: [value] for name, value in values.items()})
    return await _page(request, platform, backends, form)


@router.post("/playground")
async def answer(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form again, and below it what was found."""
    form = await read_form(request)
    text = text_of(form)
    found = [(name, form.text(name)) for name in ("model", "other") if form.text(name)]
    try:
        check_text(text, platform)
        if not form.text("model"):
            raise _at("model", ApiError("invalid_request", "Choose a model."))
    except ApiError as error:
        return await _page(request, platform, backends, form.refused(error))
    said = await asyncio.gather(
        *(_answered(platform, backends, form, text, *each) for each in found)
    )
    answers = [each for each in said if isinstance(each, Answer)]
    if refusal := _together([each for each in said if isinstance(each, ApiError)]):
        form = form.refused(refusal)
    # What one model has found is worth a page, whatever has become of the other one.
    status = 200 if answers else form.status
    return await _page(request, platform, backends, form, text, answers, status)


def text_of(form: Form) -> Text:
    """Title and abstract of a form, with line ends as they are counted everywhere else."""
    title, abstract = (
        _CONTROL.sub(" ", form.text(name).replace("\r\n", "\n").replace("\r", "\n")).strip()
        for name in ("title", "text")
    )
    return Text(" ".join(title.split("\n")), abstract)


def check_text(text: Text, platform: Platform) -> None:
    """Raise ApiError `invalid_request`, `text_too_long` for a text that is not to be shown."""
    if not text.abstract:
        raise _at("text", ApiError("invalid_request", "Paste a text first."))
    most = min(MOST_CHARACTERS, platform.settings.max_text_characters)
    if len(text.all) > most:
        detail = f"The text has {len(text.all):,} characters; this page takes {most:,}."
        hint = "Paste less of it, or use POST /v1/extractions or a batch."
        raise _at("text", ApiError("text_too_long", detail, hint=hint))


async def _answered(
    platform: Platform, backends: Backends, form: Form, text: Text, field: str, name: str
) -> Answer | ApiError:
    """What one model says, or why it says nothing."""
    try:
        return await _extract(platform, backends, form, text, field, name)
    except ApiError as error:
        return error
    except BackendError as error:
        return _at(field, as_api_error(error))


def _together(refusals: Sequence[ApiError]) -> ApiError | None:
    """The first of them, with what is wrong with the fields of all."""
    if not refusals:
        return None
    first = refusals[0]
    return ApiError(
        first.code,
        first.detail,
        errors=list(dict.fromkeys(fault for each in refusals for fault in each.errors)),
        hint=first.hint,
        retry_after=first.retry_after,
    )


async def _extract(
    platform: Platform, backends: Backends, form: Form, text: Text, field: str, name: str
) -> Answer:
    """What one model says. Raises ApiError whose faults are of fields of the form, BackendError."""
    request = validated(
        ExtractionRequest,
        {
            "model": name,
            "text": text.all,
            "tasks": form.chosen("tasks") or None,
            "options": options_of(form, "min_precision"),
        },
    )
    try:
        texts = check(request, Limits(platform.settings.max_text_characters))
        model = await resolve(platform, backends, name)
        (extraction,) = await extract(platform, model, texts, request)
    except ApiError as error:
        raise error if error.errors else _at(_FIELD_OF.get(error.code, field), error) from None
    return await asyncio.to_thread(Answer.of, name, text, extraction)


_FIELD_OF = {
    "min_precision_unavailable": "options.min_precision",
    "vocabulary_not_ready": "options.vocabularies",
}


def _at(field: str, error: ApiError) -> ApiError:
    """The same error, shown at a field."""
    fault = FieldError("/" + field.replace(".", "/"), error.code, error.detail)
    return ApiError(
        error.code,
        error.detail,
        errors=[fault],
        hint=error.hint,
        retry_after=error.retry_after,
    )


async def _page(
    request: Request,
    platform: Platform,
    backends: Backends,
    form: Form,
    text: Text | None = None,
    answers: Sequence[Answer] = (),
    status: int | None = None,
) -> Response:
    choices = await Choices.read(platform, backends)
    return await asyncio.to_thread(
        render,
        request,
        "playground.html",
        status=status or form.status,
        form=form,
        fields=FIELDS,
        choices=choices,
        text=text,
        answers=answers,
        rows=compared(answers),
        found_json=found_json,
        most_mentions=MOST_MENTIONS,
        names={model.id: model.name for model in choices.models if model.kind == "tuned"},
    )
