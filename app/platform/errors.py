"""Every error a client can meet: one exception class, one table of stable codes.

Services raise `ApiError("code", "what happened here")`; the HTTP edge turns it into
`application/problem+json` (RFC 9457). Details never hold input text, keys or tracebacks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What a code means: the HTTP status it goes with, a short title, and what to do about it."""

    status: int
    title: str
    hint: str


_ID_LIKE = re.compile(r"[A-Za-z0-9:._-]{1,100}")

CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "malformed_request": ErrorCode(
            400, "The request could not be read", "Check the body's syntax and its content type."
        ),
        "invalid_cursor": ErrorCode(
            400, "The cursor is not one of ours", "Pass next_cursor on as it was given."
        ),
        "unauthenticated": ErrorCode(
            401,
            "A valid key is needed",
            "Send the header Authorization: Bearer <key>; medtune keys create makes keys.",
        ),
        "forbidden_scope": ErrorCode(
            403, "The key may not do this", "Use a key with the scope that detail names."
        ),
        "forbidden_host": ErrorCode(
            403,
            "The request was sent to an unknown host name",
            "Name it in MEDTUNE_ALLOWED_HOSTS, or ask for 127.0.0.1 or localhost.",
        ),
        "forbidden_origin": ErrorCode(
            403, "The request was refused", "Send it from a page of this service, or no page."
        ),
        "not_found": ErrorCode(404, "Not found", "Check the path and the id."),
        "model_not_found": ErrorCode(
            404, "There is no such model", "GET /v1/models lists the models there are."
        ),
        "method_not_allowed": ErrorCode(
            405, "Method not allowed", "See /docs for the calls of this path."
        ),
        "not_acceptable": ErrorCode(
            406, "Not acceptable", "See /docs for the media types of this call."
        ),
        "request_timeout": ErrorCode(
            408, "The request was not sent in time", "Send it again, faster."
        ),
        "conflict": ErrorCode(
            409, "The state of the resource forbids this", "Read the resource's status first."
        ),
        "in_use": ErrorCode(
            409,
            "Something was built from this",
            "Pass ?cascade=true to delete all of that as well.",
        ),
        "dataset_not_ready": ErrorCode(
            409, "The dataset is not ready", "Wait for status ready, or read its report."
        ),
        "training_file_not_ready": ErrorCode(
            409, "The training file is not ready", "Wait for status ready."
        ),
        "vocabulary_not_ready": ErrorCode(
            409, "The vocabulary is not ready", "Wait for status ready, or read its error."
        ),
        "model_not_ready": ErrorCode(
            409, "The model is still being trained", "Wait until its fine-tune has succeeded."
        ),
        "evaluation_not_ready": ErrorCode(
            409, "The evaluation has no results", "Wait until its status is succeeded."
        ),
        "batch_not_finished": ErrorCode(
            409, "The batch has no results yet", "Wait until its finished_at is set."
        ),
        "text_not_stored": ErrorCode(
            409,
            "The texts were not stored",
            "Ask for the results as JSONL; with store_text the next batch keeps its texts.",
        ),
        "not_cancellable": ErrorCode(
            409, "The job has ended already", "Only a job that has not ended can be cancelled."
        ),
        "idempotency_key_reused": ErrorCode(
            409,
            "The Idempotency-Key was used for another request",
            "Use a new key for each request, the same one only to repeat it.",
        ),
        "retired": ErrorCode(
            410, "The model is retired", "Re-tune on a backend that still offers training."
        ),
        "body_too_large": ErrorCode(
            413, "The body is too large", "Split it, or raise the limit in the settings."
        ),
        "unsupported_media_type": ErrorCode(
            415, "Unsupported media type", "See /docs for the content type of this call."
        ),
        "invalid_request": ErrorCode(
            422, "The request is not valid", "Each entry of errors names a field and its fault."
        ),
        "forbidden_address": ErrorCode(
            422,
            "Nothing is sent to this address",
            "Use a public http or https URL, or set MEDTUNE_NOTIFY_PRIVATE to allow all hosts.",
        ),
        "unknown_split": ErrorCode(
            422, "The dataset has no such split", "GET the dataset to see its splits."
        ),
        "unknown_backend": ErrorCode(
            422, "There is no such backend", "GET /v1/backends lists the backends."
        ),
        "min_precision_unavailable": ErrorCode(
            422,
            "This model cannot promise a precision",
            "Leave min_precision out, or use a model trained on the backend local.",
        ),
        "text_too_long": ErrorCode(
            422, "The text is too long", "Split it, or raise the limit in the settings."
        ),
        "too_many_jobs": ErrorCode(
            429,
            "Too many jobs have not ended",
            "Wait until some have ended, or raise MEDTUNE_MAX_UNFINISHED_JOBS.",
        ),
        "rate_limited": ErrorCode(
            429, "Too many requests", "Wait as long as Retry-After says, in seconds."
        ),
        "headers_too_large": ErrorCode(
            431, "The headers are too large", "Send fewer, and shorter ones."
        ),
        "internal_error": ErrorCode(
            500, "Something broke on our side", "Report the request id; the log has the cause."
        ),
        "storage_damaged": ErrorCode(
            500,
            "A stored file is damaged",
            "Restore it from a backup, or delete what it belongs to; the log names it.",
        ),
        "capability_unavailable": ErrorCode(
            501, "This backend cannot do that", "GET /v1/backends shows what each can do."
        ),
        "backend_failed": ErrorCode(502, "The backend failed", "Try again, or another model."),
        "backend_unavailable": ErrorCode(
            503, "The backend is not available", "Try again later, or use another model."
        ),
        "database_unavailable": ErrorCode(
            503, "The database does not answer", "Try again in a moment."
        ),
        "storage_unavailable": ErrorCode(
            503, "The blob store does not answer", "Try again in a moment."
        ),
        "not_ready": ErrorCode(503, "The service is not ready", "Try again in a moment."),
        "backend_timeout": ErrorCode(504, "The backend took too long", "Try again later."),
        "storage_full": ErrorCode(
            507, "The blob store is full", "Delete what is not needed, or give it more room."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: a JSON pointer to the field, a stable code, a sentence."""

    pointer: str
    code: str
    detail: str


class ApiError(Exception):
    """Something a client is told; `code` is one of `CODES`, `detail` a sentence about this case.

    `hint` says what to do where there is more to say than the code's own hint, `retry_after` (in
    seconds) when to try again.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.meaning = CODES[code]
        self.hint = hint or self.meaning.hint
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """For errors of other processes: only what is not in `args` would be lost on the way."""
        return type(self), (self.code, self.detail), self.__dict__


def not_found(kind: str, resource_id: str) -> ApiError:
    """The error for an id that names nothing; it is repeated only if it looks like an id."""
    shown = resource_id if _ID_LIKE.fullmatch(resource_id) else "of this id"
    return ApiError("not_found", f"There is no {kind} {shown}.")


def invalid_field(pointer: str, code: str, detail: str) -> ApiError:
    """The error for one field that no schema could have refused."""
    return ApiError("invalid_request", detail, errors=[FieldError(pointer, code, detail)])


class UnusableSettingsError(Exception):
    """Which settings of a process are of no use, and why: in a sentence, without their values."""
