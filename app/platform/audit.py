"""Who did what: each change that somebody makes is noted in the transaction of the change itself.

It is the session that notices, so that no room can forget. What jobs and the service itself do
follows from what somebody asked for, and is not noted.
"""

from collections.abc import Iterator
from typing import Any

import structlog
from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.platform.access import Principal
from app.platform.clock import new_id, now
from app.platform.database import OwnedSession
from app.tables import (
    ApiKeyRow,
    AuditEventRow,
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    FineTuneRow,
    ModelAliasRow,
    ModelRow,
    NotificationTargetRow,
    TrainingFileRow,
    VocabularyRow,
)

_PRINCIPAL = "principal"
_NOTED = "noted"
_NO_PERSON = frozenset({"job", "service"})
_AUDITED = (
    ApiKeyRow,
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    FineTuneRow,
    ModelAliasRow,
    ModelRow,
    NotificationTargetRow,
    TrainingFileRow,
    VocabularyRow,
)


def watch(session: AsyncSession, principal: Principal) -> None:
    """Note what is changed in this session as done by someone."""
    if principal.actor not in _NO_PERSON:
        session.info[_PRINCIPAL] = principal


@event.listens_for(OwnedSession, "before_flush")
def _note(session: Session, _context: Any, _instances: Any) -> None:
    principal: Principal | None = session.info.get(_PRINCIPAL)
    if principal is None:
        return
    noted: set[tuple[str, str]] = session.info.setdefault(_NOTED, set())
    for action, row in list(_changes(session)):
        subject = row.name if isinstance(row, ModelAliasRow) else row.id
        if {(action, subject), ("created", subject)} & noted and action != "deleted":
            continue
        noted.add((action, subject))
        session.add(
            AuditEventRow(
                id=new_id("aud"),
                at=now(),
                actor=principal.actor,
                action=action,
                kind=row.__tablename__,
                subject_id=subject,
                request_id=structlog.contextvars.get_contextvars().get("request_id"),
            )
        )


def _changes(session: Session) -> Iterator[tuple[str, Any]]:
    for row in session.new:
        if isinstance(row, _AUDITED):
            yield "created", row
    for row in session.dirty:
        if isinstance(row, _AUDITED) and session.is_modified(row):
            yield "revoked" if _revoked(row) else "changed", row
    for row in session.deleted:
        if isinstance(row, _AUDITED):
            yield "deleted", row


def _revoked(row: Any) -> bool:
    """Whether it is a key that ends with this change."""
    return isinstance(row, ApiKeyRow) and bool(inspect(row).attrs.revoked_at.history.added)
