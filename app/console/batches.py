"""Batches: a list, forms for uploads and datasets, progress, failures, results."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from app.backends.asked import asked_about
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.choices import Choices, options_of, ticked
from app.console.deletion import question
from app.console.forms import Form, read_form, read_query, validated
from app.console.pages import PageRoute, redirect, render
from app.datasets.service import Datasets
from app.extraction_batches.received import received
from app.extraction_batches.results import failures
from app.extraction_batches.schemas import (
    BatchRequest,
    DatasetBatchRequest,
    ExtractionBatch,
    ResultFormat,
)
from app.extraction_batches.service import ExtractionBatches, check
from app.extraction_batches.states import TERMINAL, Status
from app.extractions.service import OffsetUnit
from app.platform.errors import ApiError
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform

router = APIRouter(prefix="/batches", route_class=PageRoute)

_PAGE, _FAILURES = 50, 50
_OPTIONS = ("min_score", "min_precision", "offset_unit")
_FIELDS = frozenset(
    ["model", "tasks", "name", "notify", "options.vocabularies"]
    + [f"options.{name}" for name in _OPTIONS]
)
_FORMATS: dict[ResultFormat, str] = {
    "jsonl": "JSON lines, with scores and failures",
    "pubtator": "PubTator",
    "bioc": "BioC XML",
    "bioc_json": "BioC JSON",
}


@router.get("")
async def list_batches(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """All batches, newest first; those of one status if asked."""
    query = read_query(request)
    wanted = next((each for each in Status if each == query.text("status")), None)
    async with platform.work(write=False) as work:
        page = await ExtractionBatches(work).page(wanted, cursor, _PAGE)
        datasets = await Datasets(work).names(
            [each.dataset_id for each in page.items if each.dataset_id]
        )
    return render(
        request,
        "batches.html",
        page=page,
        datasets=datasets,
        wanted=wanted and wanted.value,
        statuses=list(Status),
    )


@router.get("/new")
async def new(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form for another one: an upload, or a dataset once it is chosen."""
    return await _form(request, platform, backends, read_query(request))


@router.post("")
async def upload(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """Begin one with the texts of an upload, and go to its page."""
    form = Form()

    def wanted(fields: Mapping[str, Sequence[str]]) -> BatchRequest:
        nonlocal form
        form = Form(fields)
        return validated(BatchRequest, _request(form))

    try:
        async with received(request, platform, backends, _FIELDS, wanted) as given:
            told = await asked_about(backends, [given.request.model])
            async with platform.work(write=True) as work:
                await ExtractionBatches(work).create_from_upload(
                    given.form.owner, given.request, given.file, told
                )
                # From here on it may be committed whatever is raised.
                given.form.kept = True
    except ApiError as error:
        return await _form(request, platform, backends, form.refused(error))
    return redirect(f"/batches/{given.form.owner}")


@router.post("/from-dataset")
async def from_dataset(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """Begin one with the documents of a dataset, and go to its page."""
    form = await read_form(request)
    try:
        body = _request(form) | {"dataset_id": form.text("dataset_id")} | ticked(form, "splits")
        asked = validated(DatasetBatchRequest, body)
        await check(platform, backends, asked)
        told = await asked_about(backends, [asked.model])
        async with platform.work(write=True) as work:
            batch = await ExtractionBatches(work).create_from_dataset(asked, told)
    except ApiError as error:
        return await _form(request, platform, backends, form.refused(error))
    return redirect(f"/batches/{batch.id}")


@router.get("/{batch_id}")
async def one(request: Request, platform: PlatformDep, batch_id: str) -> Response:
    """One batch: how far it is, what failed, and its results."""
    return await _one(request, platform, batch_id, "batches_one.html")


@router.get("/{batch_id}/live")
async def live(request: Request, platform: PlatformDep, batch_id: str) -> Response:
    """What of its page changes while it runs."""
    return await _one(request, platform, batch_id, "batches_live.html")


@router.get("/{batch_id}/failures")
async def failed(
    request: Request, platform: PlatformDep, batch_id: str, cursor: Cursor = None
) -> Response:
    """The documents that failed, with reasons, page by page."""
    page = await failures(platform, batch_id, cursor, _FAILURES)
    batch = await _get(platform, batch_id)
    return render(request, "batches_failures.html", batch=batch, page=page, cursor=cursor)


@router.post("/{batch_id}/cancel")
async def cancel(platform: PlatformDep, batch_id: str) -> Response:
    """Ask about no more texts, and show its page again."""
    async with platform.work(write=True) as work:
        batch = await ExtractionBatches(work).cancel(batch_id)
    return redirect(f"/batches/{batch.id}")


@router.get("/{batch_id}/delete")
async def ask(request: Request, platform: PlatformDep, batch_id: str) -> Response:
    """Say what goes, before it is deleted."""
    batch = await _get(platform, batch_id)
    return question(request, "batch", "batches", batch, batch.name)


@router.post("/{batch_id}/delete")
async def delete(platform: PlatformDep, batch_id: str) -> Response:
    """Delete it with its texts and results, and go to the list."""
    async with platform.work(write=True) as work:
        await ExtractionBatches(work).delete(batch_id)
    return redirect("/batches")


def _request(form: Form) -> dict[str, Any]:
    """A form as what `POST /v1/extraction-batches` is sent."""
    return {
        "model": form.text("model"),
        "options": options_of(form, *_OPTIONS),
        **form.given("name"),
        **ticked(form, "tasks", "notify"),
    }


async def _form(request: Request, platform: Platform, backends: Backends, form: Form) -> Response:
    return render(
        request,
        "batches_new.html",
        status=form.status,
        form=form,
        choices=await Choices.read(platform, backends, form.text("dataset_id")),
        offset_units=get_args(OffsetUnit),
    )


async def _one(request: Request, platform: Platform, batch_id: str, template: str) -> Response:
    batch = await _get(platform, batch_id)
    ended = batch.status in TERMINAL
    return render(
        request,
        template,
        batch=batch,
        ended=ended,
        # What can be stopped: `cancelling` is on its way already.
        stoppable=not ended and batch.status is not Status.CANCELLING,
        formats=_FORMATS,
        left=None if batch.seconds_left is None else _duration(batch.seconds_left),
        types=" ".join([*Status, "progress"]),
    )


async def _get(platform: Platform, batch_id: str) -> ExtractionBatch:
    async with platform.work(write=False) as work:
        return await ExtractionBatches(work).get(batch_id)


def _duration(seconds: float) -> str:
    """A time still to come, as exactly as one can know it."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    if minutes < 3 * 60:
        return f"about {minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"about {hours} hours" if hours < 48 else f"about {round(hours / 24)} days"
