"""Why a job failed, on the wire: the same shape in every resource that has a job."""

from pydantic import BaseModel, Field


class JobFailure(BaseModel):
    """A stable code of docs/errors.md and a sentence; never with text of a document."""

    code: str = Field(examples=["internal_error"])
    message: str


def job_failure(code: str | None, message: str | None) -> JobFailure | None:
    """What a row says of its job's failure; None if it did not fail."""
    return None if code is None else JobFailure(code=code, message=message or "")
