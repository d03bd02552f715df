"""Corrections: what a model has found is accepted, mended or rejected, and saved as a dataset.

The text and what was done so far travel in the form; nothing is stored until it is saved.
"""

import hashlib

from fastapi import APIRouter, Request, Response

from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.choices import Choices
from app.console.corrections_form import (
    EMPTY_MENTIONS,
    EMPTY_RELATIONS,
    MOST_FIELDS,
    MOST_MENTIONS,
    rows_of,
)
from app.console.corrections_rows import Rows
from app.console.forms import Form, read_form
from app.console.highlight import pieces
from app.console.pages import PageRoute, redirect, render
from app.console.playground import check_text, text_of
from app.console.playground_views import Text
from app.corpora.documents import is_document_id, is_split_name
from app.datasets.contents import report
from app.datasets.revision_schemas import RevisedDocument, RevisedMention, RevisedRelation, Revision
from app.datasets.revisions import revise, split_of
from app.datasets.service import Datasets
from app.platform.errors import ApiError, FieldError
from app.platform.http import PlatformDep
from app.platform.work import Platform

router = APIRouter(route_class=PageRoute)

NEW = "new"
_PATH = "/playground/corrections"
_SHOWN_PROBLEMS = 20


@router.get(_PATH)
async def begin() -> Response:
    """Where corrections begin."""
    return redirect("/playground")


@router.post(_PATH)
async def correct(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form with all that was done so far; or, if it is to be saved, the dataset."""
    form = await read_form(request, MOST_FIELDS)
    text = text_of(form)
    check_text(text, platform)
    try:
        rows = rows_of(form, text.all)
    except ValueError:
        raise ApiError(
            "malformed_request", "The form is not one of this page.", hint="Start again."
        ) from None
    if form.text("action") == "save":
        try:
            return redirect(f"{_PATH}/{await _save(platform, form, text, rows)}")
        except ApiError as error:
            form = form.refused(error)
    return await _page(request, platform, backends, form, text, rows)


@router.get(_PATH + "/{dataset_id}")
async def saved(request: Request, platform: PlatformDep, dataset_id: str) -> Response:
    """What became of them, and what can be done next."""
    return await _saved(request, platform, "corrections_saved.html", dataset_id)


@router.get(_PATH + "/{dataset_id}/live")
async def saved_live(request: Request, platform: PlatformDep, dataset_id: str) -> Response:
    """What of that page changes while the dataset is being read."""
    return await _saved(request, platform, "corrections_state.html", dataset_id)


async def _saved(request: Request, platform: Platform, template: str, dataset_id: str) -> Response:
    async with platform.work(write=False) as work:
        dataset = await Datasets(work).get(dataset_id)
    found = await report(platform, dataset_id, None, _SHOWN_PROBLEMS)
    return render(request, template, dataset=dataset, report=found)


async def _save(platform: Platform, form: Form, text: Text, rows: Rows) -> str:
    """The id of the new dataset. Raises ApiError whose faults are of fields of the form."""
    mentions, relations, faults = rows.mended()
    base_id, split, name = _target(form, faults)
    document_id = form.text("document_id").strip()
    if not is_document_id(document_id):
        detail = "The id of the document: use 1 to 200 characters, without '|'."
        faults.append(FieldError("/document_id", "unusable", detail))
    elif base_id is not None and not faults:
        other = await split_of(platform, base_id, document_id)
        if other not in (None, split):
            detail = f"The dataset has a document of this id in its split {other}: choose that"
            detail += " split, or another id."
            faults.append(FieldError("/document_id", "in_another_split", detail))
    if faults:
        raise ApiError("invalid_request", "Not saved: the form is not valid.", errors=faults)
    document = _document(document_id, split, text, mentions, relations)
    revision = Revision(name=name or None, documents=[document])
    answer = await revise(platform, base_id, revision)
    return answer.headers["Location"].rpartition("/")[2]


def _target(form: Form, faults: list[FieldError]) -> tuple[str | None, str, str]:
    """The dataset to begin with, if any, the split, and the name of what is made."""
    base_id, _, split = form.text("target").partition(":")
    name = form.text("name").strip()
    if base_id == NEW:
        split = form.text("split").strip()
        if not name:
            faults.append(FieldError("/name", "missing", "A new dataset needs a name."))
        if not is_split_name(split):
            faults.append(FieldError("/split", "invalid", "The split: use 1 to 50 characters."))
    elif not 1 <= len(split) <= 50:
        faults.append(FieldError("/target", "missing", "Choose where to save them."))
    if len(name) > 200:
        faults.append(FieldError("/name", "length", "The name: use at most 200 characters."))
    return (None if base_id == NEW else base_id), split, name


def _document(
    document_id: str,
    split: str,
    text: Text,
    mentions: list[RevisedMention],
    relations: list[RevisedRelation],
) -> RevisedDocument:
    return RevisedDocument(
        id=document_id,
        split=split,
        title=text.title or None,
        abstract=text.abstract,
        mentions=mentions,
        relations=list({(each.chemical, each.disease): each for each in relations}.values()),
    )


async def _page(
    request: Request,
    platform: Platform,
    backends: Backends,
    form: Form,
    text: Text,
    rows: Rows,
) -> Response:
    spans = rows.spans()
    return render(
        request,
        "corrections.html",
        status=form.status,
        form=form,
        text=text,
        title=pieces(text.title, spans),
        abstract=pieces(text.abstract, spans, text.offset),
        rows=rows,
        empty_mentions=range(len(rows.mentions), len(rows.mentions) + EMPTY_MENTIONS),
        empty_relations=range(len(rows.relations), len(rows.relations) + EMPTY_RELATIONS),
        full=len(rows.mentions) >= MOST_MENTIONS,
        choices=await Choices.read(platform, backends, form.text("base")),
        document_id=form.text("document_id") or _id_of(text),
    )


def _id_of(text: Text) -> str:
    """The same text has the same id: saved again, it takes its own place."""
    return f"text-{hashlib.sha256(text.all.encode()).hexdigest()[:12]}"
