"""`/v1/keys` and `/v1/audit-events`: for keys with scope admin."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.keys.schemas import ApiKey, AuditEvent, KeyRequest, NewApiKey
from app.keys.service import Keys
from app.platform.http import Cursor, Limit, ReadWork, WriteWork
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses

router = APIRouter(tags=["keys"])

KeyId = Annotated[str, Path(max_length=100, examples=["key_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]


async def reading(work: ReadWork) -> Keys:
    """The room's service in a transaction for reading."""
    return Keys(work)


async def writing(work: WriteWork) -> Keys:
    """The room's service in a transaction for writing."""
    return Keys(work)


Reading = Annotated[Keys, Depends(reading)]
Writing = Annotated[Keys, Depends(writing)]


@router.post(
    "/keys",
    operation_id="createKey",
    summary="Make a key",
    status_code=201,
    responses=problem_responses(
        "malformed_request", "conflict", "body_too_large", "invalid_request"
    ),
)
async def create_key(keys: Writing, request: KeyRequest) -> NewApiKey:
    """Make a key of this workspace; the answer is the only place the key is ever shown.

    There is no `Idempotency-Key` here, since the answer is not kept: if it was lost, revoke the key
    and make another one.
    """
    return await keys.create(request)


@router.get(
    "/keys",
    operation_id="listKeys",
    summary="List keys, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_keys(keys: Reading, cursor: Cursor = None, limit: Limit = 50) -> Page[ApiKey]:
    """All keys of the workspace, those that are not valid any more as well."""
    return await keys.page(cursor, limit)


@router.get(
    "/keys/{key_id}",
    operation_id="getKey",
    summary="Get one key",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_key(keys: Reading, key_id: KeyId) -> ApiKey:
    """A key without its secret."""
    return await keys.get(key_id)


@router.post(
    "/keys/{key_id}/revoke",
    operation_id="revokeKey",
    summary="End a key for good",
    responses=problem_responses("not_found", "invalid_request"),
)
async def revoke_key(keys: Writing, key_id: KeyId) -> ApiKey:
    """Revoke a key, with all logins that were made with it; all processes know within 5 seconds."""
    return await keys.revoke(key_id)


@router.get(
    "/audit-events",
    operation_id="listAuditEvents",
    summary="Read who did what, the latest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_audit_events(
    keys: Reading, cursor: Cursor = None, limit: Limit = 50
) -> Page[AuditEvent]:
    """What was created, changed and deleted in the workspace, and with which key."""
    return await keys.audit(cursor, limit)
