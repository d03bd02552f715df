"""What a message says: from the row of something that has ended, whatever it is.

Ids, states, times, and the name that its owner gave it; nothing else of a row is looked at.
"""

from app.notifications.schemas import Message, MessageData
from app.platform.clock import new_id, now
from app.tables import (
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    FineTuneRow,
    NotificationRow,
    NotificationTargetRow,
    TrainingFileRow,
    VocabularyRow,
)

EndedRow = (
    DatasetRow | VocabularyRow | TrainingFileRow | FineTuneRow | EvaluationRow | ExtractionBatchRow
)

# What each kind is called in messages, and where its pages are.
_KINDS: dict[type[EndedRow], tuple[str, str]] = {
    DatasetRow: ("dataset", "datasets"),
    VocabularyRow: ("vocabulary", "vocabularies"),
    TrainingFileRow: ("training_file", "training-files"),
    FineTuneRow: ("fine_tune", "fine-tunes"),
    EvaluationRow: ("evaluation", "evaluations"),
    ExtractionBatchRow: ("extraction_batch", "batches"),
}


def of_end(row: EndedRow, public_url: str | None) -> NotificationRow:
    """The message that a long job has ended; its row has been changed to say so."""
    kind, pages = _KINDS[type(row)]
    data = MessageData(
        id=row.id,
        type=kind,
        name=None if isinstance(row, TrainingFileRow) else row.name,
        status=row.status,
        error_code=row.error_code if row.status == "failed" else None,
        model_id=row.model_id if isinstance(row, FineTuneRow) else None,
        created_at=row.created_at,
        started_at=getattr(row, "started_at", None),
        finished_at=row.finished_at,
        link=_link(public_url, f"{pages}/{row.id}"),
    )
    return _message(data)


def of_test(target: NotificationTargetRow, public_url: str | None) -> NotificationRow:
    """A message by which a target is tried out."""
    data = MessageData(
        id=target.id,
        type="notification_target",
        name=target.name,
        status="test",
        error_code=None,
        model_id=None,
        created_at=target.created_at,
        started_at=None,
        finished_at=None,
        link=_link(public_url, "notifications"),
    )
    return _message(data)


def named_in(row: EndedRow) -> frozenset[str]:
    """Ids of the targets that are to be told of this one."""
    return frozenset(getattr(row, "notify", None) or ())


def listens(events: list[str], type_: str) -> bool:
    """Whether one of these patterns is of messages of a type."""
    return not {"*", type_, f"{type_.partition('.')[0]}.*"}.isdisjoint(events)


def body(row: NotificationRow) -> Message:
    """A message as it is sent."""
    data = MessageData.model_validate(row.data)
    return Message(type=row.type, timestamp=row.created_at, data=data)


def _message(data: MessageData) -> NotificationRow:
    return NotificationRow(
        id=new_id("msg"),
        type=f"{data.type}.{data.status}",
        subject_id=data.id,
        data=data.model_dump(mode="json"),
        created_at=now(),
    )


def _link(public_url: str | None, path: str) -> str | None:
    return None if public_url is None else f"{public_url.rstrip('/')}/{path}"
