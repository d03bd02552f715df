"""Fields that several requests of Cohere's API share. Fields we do not know are passed over."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.cohere_api.errors import CohereError

MaxTokens = Annotated[int | None, Field(ge=0)]
Temperature = Annotated[float | None, Field(ge=0, le=5)]
Sequences = Annotated[list[str] | None, Field(max_length=5)]


class ResponseFormat(BaseModel):
    """How the answer is to be written; our models write lists only."""

    type: Literal["text", "json_object"] = "text"


def unsupported(what: str) -> CohereError:
    """The error for a feature that only models of Cohere's servers have."""
    return CohereError(400, f"invalid request: {what} not supported with this model")


def refuse_unsupported(
    response_format: ResponseFormat | None,
    tools: Sequence[object] | None,
    documents: Sequence[object] | None,
) -> None:
    """Raise CohereError 400 for what would change the answer, and cannot here."""
    if response_format is not None and response_format.type != "text":
        raise unsupported("response_format json_object is")
    if tools or documents:
        raise unsupported("tools and documents are")
