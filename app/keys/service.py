"""Keys: make, list and revoke those of a workspace, and read what was done in it."""

from datetime import UTC, datetime

from app.keys.repository import KeyRepository
from app.keys.schemas import ApiKey, AuditEvent, KeyRequest, NewApiKey
from app.keys.secret import new_secret
from app.platform.access import LOCAL
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, invalid_field, not_found
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.work import Work
from app.tables import ApiKeyRow


class Keys:
    """The keys room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = KeyRepository(work.session)

    async def create(self, request: KeyRequest) -> NewApiKey:
        """Make a key; its secret is in the answer and nowhere else.

        Raises ApiError `invalid_request` for an end that is past or says no offset; `conflict` from
        whoever has no key: with the first one a service would shut everybody out, its maker first.
        """
        if self._work.principal == LOCAL:
            raise ApiError(
                "conflict",
                "This service has no keys yet.",
                hint="Make the first one on its own machine: medtune keys create --scope admin.",
            )
        secret = new_secret(new_id("key"))
        row = ApiKeyRow(
            id=secret.key_id,
            name=request.name,
            scope=request.scope,
            hash=secret.hash,
            created_by=self._work.principal.actor,
            created_at=now(),
            expires_at=_end(request.expires_at),
        )
        await self._rows.add(row)
        return NewApiKey(**_present(row).model_dump(), key=secret.text)

    async def page(self, cursor: str | None, limit: int) -> Page[ApiKey]:
        """Keys, newest first, those that are not valid any more as well."""
        rows = await self._rows.page(decode_id(cursor, "key"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[_present(row) for row in rows[:limit]], next_cursor=more)

    async def get(self, key_id: str) -> ApiKey:
        """One key. Raises ApiError `not_found`."""
        return _present(await self._row(key_id))

    async def revoke(self, key_id: str) -> ApiKey:
        """End a key for good. Safe to repeat. Raises ApiError `not_found`."""
        row = await self._row(key_id, lock=True)
        row.revoked_at = row.revoked_at or now()
        return _present(row)

    async def audit(self, cursor: str | None, limit: int) -> Page[AuditEvent]:
        """What was done in the workspace, the latest first."""
        rows = await self._rows.audited(decode_id(cursor, "aud"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        items = [AuditEvent.model_validate(row, from_attributes=True) for row in rows[:limit]]
        return Page(items=items, next_cursor=more)

    async def _row(self, key_id: str, *, lock: bool = False) -> ApiKeyRow:
        row = await self._rows.get(key_id, lock=lock)
        if row is None:
            raise not_found("key", key_id)
        return row


def _end(given: datetime | None) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is None:
        raise invalid_field("/expires_at", "no_offset", "Say it with an offset, such as Z.")
    try:
        end = given.astimezone(UTC)
    except OverflowError:
        raise invalid_field("/expires_at", "out_of_range", "It is out of range.") from None
    if end <= now():
        raise invalid_field("/expires_at", "past", "It is in the past.")
    return end


def _present(row: ApiKeyRow) -> ApiKey:
    return ApiKey.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "scope": row.scope,
            "workspace": row.workspace,
            "status": status(row.expires_at, row.revoked_at),
            "created_by": row.created_by,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "revoked_at": row.revoked_at,
            "last_used_at": row.last_used_at,
        }
    )


def status(expires_at: datetime | None, revoked_at: datetime | None) -> str:
    """What has become of a key by now."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= now() else "valid"


def unauthenticated() -> ApiError:
    """What whoever has no valid key is told: the same, whatever is wrong with it."""
    return ApiError("unauthenticated", "There is no valid key with this request.")
