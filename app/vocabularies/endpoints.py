"""`/v1/vocabularies`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.corpora.documents import MENTION_TYPES, MentionType
from app.platform.http import Cursor, Limit, LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses
from app.terminology.formats import VocabularyFormat
from app.vocabularies.lookup import look_up
from app.vocabularies.received import checked, received
from app.vocabularies.schemas import MOST_FILES, NAME, Lookup, Vocabulary
from app.vocabularies.service import Vocabularies

router = APIRouter(prefix="/vocabularies", tags=["vocabularies"])

VocabularyKey = Annotated[
    str, Path(max_length=100, description="An id or a name.", examples=["mesh"])
]


async def reading(work: ReadWork) -> Vocabularies:
    """The room's service in a transaction for reading."""
    return Vocabularies(work)


Reading = Annotated[Vocabularies, Depends(reading)]

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "name"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST_FILES,
                            "items": {"type": "string", "format": "binary"},
                            "description": "One file or more; plain, .gz or .zip.",
                        },
                        "name": {
                            "type": "string",
                            "pattern": f"^{NAME}$",
                            "examples": ["house"],
                            "description": "What fine-tunes and extractions call it.",
                        },
                        "type": {
                            "type": "string",
                            "enum": list(MENTION_TYPES),
                            "examples": ["Disease"],
                            "description": "Of the concepts of plain files, which do not say it.",
                        },
                        "format": {
                            "type": "string",
                            "enum": [each.value for each in VocabularyFormat],
                            "description": "Recognised from the content if not given.",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    operation_id="createVocabulary",
    summary="Upload a vocabulary",
    status_code=202,
    response_model=Vocabulary,
    responses=problem_responses(
        "malformed_request",
        "conflict",
        "idempotency_key_reused",
        "body_too_large",
        "unsupported_media_type",
        "invalid_request",
        "storage_unavailable",
        "storage_full",
    ),
    openapi_extra=UPLOAD_BODY,
)
async def create_vocabulary(
    request: Request, platform: PlatformDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Upload names of concepts: MeSH XML, CTD TSV, or plain lines of `id<TAB>name|synonym`.

    Answers at once; the vocabulary becomes `ready` or `failed`, and says why.
    """
    async with received(request, platform) as form:
        new = await checked(platform, form)
        location = f"/v1/vocabularies/{new.id}"
        said = [[file.filename, file.sha256] for file, _ in new.files]
        asked = fingerprint([new.name, new.type, new.format, said])

        async def create() -> tuple[str, Vocabulary]:
            return location, await Vocabularies(work).create(new)

        async with platform.work(write=True) as work:
            answer = await created(work, "createVocabulary", idempotency_key, asked, 202, create)
            # A repeated request has the location of another vocabulary. From here on it may be
            # committed whatever is raised, should the database go away: `medtune gc` can tell.
            form.kept = answer.headers["Location"] == location
    return answer


@router.get(
    "",
    operation_id="listVocabularies",
    summary="List vocabularies, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_vocabularies(
    vocabularies: Reading, cursor: Cursor = None, limit: Limit = 50
) -> Page[Vocabulary]:
    """All vocabularies, page by page."""
    return await vocabularies.page(cursor, limit)


@router.get(
    "/{vocabulary}",
    operation_id="getVocabulary",
    summary="Get one vocabulary",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_vocabulary(vocabularies: Reading, vocabulary: VocabularyKey) -> Vocabulary:
    """What a vocabulary holds, and whether it is ready."""
    return await vocabularies.get(vocabulary)


@router.get(
    "/{vocabulary}/lookup",
    operation_id="lookUpName",
    summary="Look a name up",
    responses=problem_responses("not_found", "vocabulary_not_ready", "invalid_request"),
)
async def look_up_name(
    platform: PlatformDep,
    vocabulary: VocabularyKey,
    name: Annotated[str, Query(min_length=1, max_length=500, examples=["hepatitis, toxic"])],
    type_: Annotated[
        MentionType | None, Query(alias="type", description="Only concepts of this type.")
    ] = None,
) -> Lookup:
    """The concept of a name, for each type: of this very name, or else of the most similar one."""
    types = MENTION_TYPES if type_ is None else (type_,)
    return await look_up(platform, vocabulary, name, types)


@router.delete(
    "/{vocabulary}",
    operation_id="deleteVocabulary",
    summary="Delete a vocabulary",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "in_use", "invalid_request"),
)
async def delete_vocabulary(
    work: WriteWork,
    lineage: LineageDep,
    vocabulary: VocabularyKey,
    cascade: Annotated[
        bool, Query(description="Delete the fine-tunes that use it as well, with their models.")
    ] = False,
) -> None:
    """Remove a vocabulary that no fine-tune uses."""
    await Vocabularies(work).delete(vocabulary, lineage, cascade=cascade)
