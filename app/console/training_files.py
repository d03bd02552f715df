"""Training files: build one from a dataset, look into it, download, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from app.console.deletion import agreed, question
from app.console.forms import Form, read_form, read_query, validated
from app.console.pages import PageRoute, redirect, render
from app.datasets.schemas import Dataset
from app.datasets.service import Datasets
from app.platform.errors import ApiError
from app.platform.http import Cursor, LineageDep, PlatformDep
from app.platform.work import Platform
from app.prompts.render import RowFormat, TextChoice
from app.prompts.tasks import Task
from app.training_files.contents import first_rows
from app.training_files.schemas import TrainingFileRequest
from app.training_files.service import TrainingFiles

router = APIRouter(route_class=PageRoute)

_ROWS = 5
MOST_DATASETS = 200  # that are offered, and known by name; others by their own pages
_TEXTS = {"abstract": "The abstract", "title_and_abstract": "Title and abstract"}
_FORMATS = {
    "prompt_completion": "Prompt and completion",
    "chat": "Chat, with roles as Cohere spells them",
}


@dataclass(frozen=True)
class _Choices:
    """What the form offers: datasets, and of the chosen one its splits, with those ticked."""

    datasets: list[Dataset]
    dataset: Dataset | None
    splits: list[str]


@router.get("/training-files")
async def list_files(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """All training files, newest first, and a form to build one."""
    return await _list(request, platform, read_query(request), cursor)


@router.get("/training-files/live")
async def live_list(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """The table of the page above."""
    async with platform.work(write=False) as work:
        page = await TrainingFiles(work).page(None, cursor, 50)
        names = names_of((await Datasets(work).page(None, MOST_DATASETS)).items)
    return render(
        request, "training_files_table.html", page=page, cursor=cursor, dataset_names=names
    )


@router.post("/training-files")
async def build(request: Request, platform: PlatformDep) -> Response:
    """Have a file built; its page shows how far that is."""
    form = await read_form(request)
    values: dict[str, Any] = {
        **form.given("dataset_id", "text", "format"),
        "splits": form.chosen("splits"),
        "tasks": form.chosen("tasks") or None,
    }
    try:
        asked = validated(TrainingFileRequest, values)
        async with platform.work(write=True) as work:
            file = await TrainingFiles(work).create(asked)
    except ApiError as error:
        return await _list(request, platform, form.refused(error), None)
    return redirect(f"/training-files/{file.id}")


@router.get("/training-files/{file_id}")
async def show(request: Request, platform: PlatformDep, file_id: str) -> Response:
    """One training file: what it holds, its warnings, its first rows."""
    return await _show(request, platform, "training_files_one.html", file_id)


@router.get("/training-files/{file_id}/live")
async def live(request: Request, platform: PlatformDep, file_id: str) -> Response:
    """What of its page changes while it is being built."""
    return await _show(request, platform, "training_files_facts.html", file_id)


@router.get("/training-files/{file_id}/delete")
async def ask(
    request: Request, platform: PlatformDep, lineage: LineageDep, file_id: str
) -> Response:
    """What depends on it, before it is deleted."""
    async with platform.work(write=False) as work:
        file = await TrainingFiles(work).get(file_id)
        built = await lineage.descendants(work, "training file", file_id)
    return question(request, "training file", "training-files", file, built=built)


@router.post("/training-files/{file_id}/delete")
async def delete(
    request: Request, platform: PlatformDep, lineage: LineageDep, file_id: str
) -> Response:
    """Delete it, and what was trained on it if that was ticked."""
    form = await read_form(request)
    async with platform.work(write=True) as work:
        cascade = await agreed(form, work, lineage, "training file", file_id)
        await TrainingFiles(work).delete(file_id, lineage, cascade=cascade)
    return redirect("/training-files")


async def _list(request: Request, platform: Platform, form: Form, cursor: str | None) -> Response:
    async with platform.work(write=False) as work:
        page = await TrainingFiles(work).page(None, cursor, 50)
        datasets = (await Datasets(work).page(None, MOST_DATASETS)).items
    return render(
        request,
        "training_files.html",
        status=form.status,
        page=page,
        cursor=cursor,
        form=form,
        dataset_names=names_of(datasets),
        choices=_choices([each for each in datasets if each.status == "ready"], form),
        tasks=list(Task),
        texts={name: _TEXTS[name] for name in get_args(TextChoice)},
        formats={name: _FORMATS[name] for name in get_args(RowFormat)},
    )


def names_of(datasets: Sequence[Dataset]) -> dict[str, str]:
    """What people call them, by id."""
    return {each.id: each.name for each in datasets}


def _choices(datasets: list[Dataset], form: Form) -> _Choices:
    asked = form.text("dataset_id")
    dataset = next((each for each in datasets if each.id == asked), None)
    if dataset is None:
        dataset = next(iter(datasets), None)
    if dataset is None:
        return _Choices(datasets, None, [])
    names = [split.name for split in dataset.splits]
    # Of another dataset before, perhaps.
    ticked = [name for name in form.all("splits") if name in names]
    return _Choices(datasets, dataset, ticked or (["train"] if "train" in names else names[:1]))


async def _show(request: Request, platform: Platform, template: str, file_id: str) -> Response:
    async with platform.work(write=False) as work:
        file = await TrainingFiles(work).get(file_id)
        dataset = await Datasets(work).get(file.dataset_id)
    rows = await first_rows(platform, file_id, _ROWS) if file.status == "ready" else []
    return render(
        request, template, file=file, dataset=dataset, rows=[_readable(row) for row in rows]
    )


def _readable(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A row as (what it is, text)."""
    if "messages" in row:
        return [(message["role"], message["content"]) for message in row["messages"]]
    return [("Prompt", row["prompt"]), ("Completion", row["completion"])]
