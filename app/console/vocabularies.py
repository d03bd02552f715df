"""Vocabularies: a list, an upload, what one holds, and a box to look names up in."""

from fastapi import APIRouter, Request, Response

from app.console.deletion import agreed, question
from app.console.forms import Form, read_form, read_query
from app.console.pages import PageRoute, redirect, render
from app.corpora.documents import MENTION_TYPES
from app.platform.errors import ApiError, invalid_field
from app.platform.http import Cursor, LineageDep, PlatformDep
from app.platform.work import Platform
from app.terminology.formats import VocabularyFormat
from app.vocabularies.lookup import look_up
from app.vocabularies.received import checked, received
from app.vocabularies.schemas import MOST_FILES, Lookup
from app.vocabularies.service import Vocabularies

router = APIRouter(prefix="/vocabularies", route_class=PageRoute)

_PAGE = 50
_LONGEST_NAME = 500
_FORMATS = {
    VocabularyFormat.MESH_DESCRIPTORS: "MeSH descriptors (XML)",
    VocabularyFormat.MESH_SUPPLEMENTARY: "MeSH supplementary records (XML)",
    VocabularyFormat.CTD_CHEMICALS: "CTD chemicals (TSV)",
    VocabularyFormat.CTD_DISEASES: "CTD diseases (TSV)",
    VocabularyFormat.PLAIN: "Plain lines: identifier, tab, names with | between them",
}


@router.get("")
async def list_vocabularies(
    request: Request, platform: PlatformDep, cursor: Cursor = None
) -> Response:
    """All vocabularies, newest first, and a form to upload one."""
    return await _list(request, platform, Form(), cursor)


@router.post("")
async def upload(request: Request, platform: PlatformDep) -> Response:
    """Take an upload; its page shows how it is indexed."""
    async with received(request, platform) as form:
        try:
            new = await checked(platform, form)
            async with platform.work(write=True) as work:
                vocabulary = await Vocabularies(work).create(new)
                # From here on it may be committed whatever is raised.
                form.kept = True
        except ApiError as error:
            return await _list(request, platform, Form(form.upload.fields, error), None)
    return redirect(f"/vocabularies/{vocabulary.id}")


@router.get("/{vocabulary_id}")
async def one(request: Request, platform: PlatformDep, vocabulary_id: str) -> Response:
    """One vocabulary, and the concepts of a name if one is asked for."""
    return await _one(request, platform, vocabulary_id, "vocabularies_one.html")


@router.get("/{vocabulary_id}/live")
async def live(request: Request, platform: PlatformDep, vocabulary_id: str) -> Response:
    """What of its page changes while it is indexed."""
    return await _one(request, platform, vocabulary_id, "vocabularies_live.html")


@router.get("/{vocabulary_id}/delete")
async def ask(
    request: Request, platform: PlatformDep, lineage: LineageDep, vocabulary_id: str
) -> Response:
    """What uses it, before it is deleted."""
    async with platform.work(write=False) as work:
        vocabulary = await Vocabularies(work).get(vocabulary_id)
        built = await lineage.descendants(work, "vocabulary", vocabulary.id)
    return question(request, "vocabulary", "vocabularies", vocabulary, vocabulary.name, built=built)


@router.post("/{vocabulary_id}/delete")
async def delete(
    request: Request, platform: PlatformDep, lineage: LineageDep, vocabulary_id: str
) -> Response:
    """Delete it, and what uses it if that was ticked."""
    form = await read_form(request)
    async with platform.work(write=True) as work:
        cascade = await agreed(form, work, lineage, "vocabulary", vocabulary_id)
        await Vocabularies(work).delete(vocabulary_id, lineage, cascade=cascade)
    return redirect("/vocabularies")


async def _one(request: Request, platform: Platform, vocabulary_id: str, template: str) -> Response:
    query = read_query(request)
    async with platform.work(write=False) as work:
        vocabulary = await Vocabularies(work).get(vocabulary_id)
    found = None
    try:
        if vocabulary.status == "ready":
            found = await _found(platform, vocabulary.id, query)
    except ApiError as error:
        query = query.refused(error)
    return render(
        request,
        template,
        status=query.status,
        vocabulary=vocabulary,
        formats=_FORMATS,
        types=MENTION_TYPES,
        form=query,
        found=found,
        longest=_LONGEST_NAME,
    )


async def _found(platform: Platform, vocabulary_id: str, query: Form) -> Lookup | None:
    """The concepts of the name that is asked for; None if none is."""
    name = query.text("name").strip()
    if not name:
        return None
    if len(name) > _LONGEST_NAME:
        raise invalid_field("/name", "length", f"Use {_LONGEST_NAME} characters at the most.")
    types = [each for each in MENTION_TYPES if query.text("type") in ("", each)]
    return await look_up(platform, vocabulary_id, name, types)


async def _list(request: Request, platform: Platform, form: Form, cursor: str | None) -> Response:
    async with platform.work(write=False) as work:
        page = await Vocabularies(work).page(cursor, _PAGE)
    return render(
        request,
        "vocabularies.html",
        status=form.status,
        page=page,
        form=form,
        formats=_FORMATS,
        types=MENTION_TYPES,
        most_files=MOST_FILES,
    )
