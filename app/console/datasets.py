"""Datasets: upload, see what was wrong with the files, read the documents, delete."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.console.deletion import agreed, question
from app.console.document_views import view
from app.console.forms import Form, read_form
from app.console.pages import PageRoute, redirect, render
from app.datasets.contents import documents, report
from app.datasets.form import check_blanks, received
from app.datasets.formats import EXPORT_FORMATS, FORMATS
from app.datasets.schemas import Dataset
from app.datasets.service import Datasets
from app.platform.errors import ApiError
from app.platform.http import Cursor, LineageDep, PlatformDep
from app.platform.work import Platform

router = APIRouter(route_class=PageRoute)

# Without script a form has so many fields for files; with it, more can be added.
_FILES = 3
_PROBLEMS, _FIRST_PROBLEMS, _DOCUMENTS = 100, 10, 10


@router.get("/datasets")
async def list_datasets(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """All datasets, newest first, and a form to upload one."""
    return await _list(request, platform, Form(), cursor)


@router.get("/datasets/live")
async def live_list(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """The table of the page above."""
    async with platform.work(write=False) as work:
        page = await Datasets(work).page(cursor, 50)
    return render(request, "datasets_table.html", page=page, cursor=cursor)


@router.post("/datasets")
async def upload(request: Request, platform: PlatformDep) -> Response:
    """Take an upload; its dataset's page shows how it is being read."""
    async with received(request, platform) as form:
        try:
            new = check_blanks(form.upload)
        except ApiError as error:
            return await _list(request, platform, Form(form.upload.fields, error), None)
        async with platform.work(write=True) as work:
            await Datasets(work).create(form.owner, new.name, new.format, new.files)
            # From here on it may be committed whatever is raised.
            form.kept = True
    return redirect(f"/datasets/{form.owner}")


@router.get("/datasets/{dataset_id}")
async def show(request: Request, platform: PlatformDep, dataset_id: str) -> Response:
    """One dataset: what it holds, and what is wrong with it."""
    return await _show(request, platform, "datasets_one.html", dataset_id)


@router.get("/datasets/{dataset_id}/live")
async def live(request: Request, platform: PlatformDep, dataset_id: str) -> Response:
    """What of its page changes while it is being read."""
    return await _show(request, platform, "datasets_facts.html", dataset_id)


@router.get("/datasets/{dataset_id}/report")
async def problems(
    request: Request, platform: PlatformDep, dataset_id: str, cursor: Cursor = None
) -> Response:
    """The validation report, page by page."""
    found = await report(platform, dataset_id, cursor, _PROBLEMS)
    dataset = await _get(platform, dataset_id)
    return render(request, "datasets_report.html", dataset=dataset, report=found)


@router.get("/datasets/{dataset_id}/documents")
async def browse(
    request: Request,
    platform: PlatformDep,
    dataset_id: str,
    split: Annotated[str | None, Query(max_length=50)] = None,
    cursor: Cursor = None,
) -> Response:
    """Annotated documents, page by page: of one split, or of all."""
    page = await documents(platform, dataset_id, split or None, cursor, _DOCUMENTS)
    return render(
        request,
        "datasets_documents.html",
        dataset=await _get(platform, dataset_id),
        split=split or None,
        documents=await asyncio.to_thread(lambda: [view(document) for document in page.items]),
        next_cursor=page.next_cursor,
    )


@router.get("/datasets/{dataset_id}/delete")
async def ask(
    request: Request, platform: PlatformDep, lineage: LineageDep, dataset_id: str
) -> Response:
    """What depends on it, before it is deleted."""
    async with platform.work(write=False) as work:
        dataset = await Datasets(work).get(dataset_id)
        built = await lineage.descendants(work, "dataset", dataset_id)
    return question(request, "dataset", "datasets", dataset, dataset.name, built=built)


@router.post("/datasets/{dataset_id}/delete")
async def delete(
    request: Request, platform: PlatformDep, lineage: LineageDep, dataset_id: str
) -> Response:
    """Delete it, and what was built from it if that was ticked."""
    form = await read_form(request)
    async with platform.work(write=True) as work:
        cascade = await agreed(form, work, lineage, "dataset", dataset_id)
        await Datasets(work).delete(dataset_id, lineage, cascade=cascade)
    return redirect("/datasets")


async def _list(request: Request, platform: Platform, form: Form, cursor: str | None) -> Response:
    async with platform.work(write=False) as work:
        page = await Datasets(work).page(cursor, 50)
    return render(
        request,
        "datasets.html",
        status=form.status,
        page=page,
        cursor=cursor,
        form=form,
        rows=max(_FILES, len(form.all("split"))),
        formats=FORMATS.values(),
    )


async def _show(request: Request, platform: Platform, template: str, dataset_id: str) -> Response:
    # In this order: what is shown as finished has its whole report.
    dataset = await _get(platform, dataset_id)
    found = await report(platform, dataset_id, None, _FIRST_PROBLEMS)
    return render(
        request,
        template,
        dataset=dataset,
        report=found,
        exports=[FORMATS[name] for name in EXPORT_FORMATS],
    )


async def _get(platform: Platform, dataset_id: str) -> Dataset:
    async with platform.work(write=False) as work:
        return await Datasets(work).get(dataset_id)
