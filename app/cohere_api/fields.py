"""Fields that several requests of Cohere's API share. Fields we do not know are passed over."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.cohere_api.cutting import Cut
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


class ChatOptions(BaseModel):
    """What both versions of chat can be told besides what is said."""

    stream: bool = False
    max_tokens: MaxTokens = None
    stop_sequences: Sequences = None
    temperature: Temperature = None
    response_format: ResponseFormat | None = None
    tools: list[object] | None = None
    documents: list[object] | None = None

    def cut(self) -> Cut:
        """Where the answer ends. CohereError 400 for what would change it, and cannot here."""
        if self.response_format is not None and self.response_format.type != "text":
            raise unsupported("response_format json_object is")
        if self.tools or self.documents:
            raise unsupported("tools and documents are")
        return Cut(self.max_tokens, before=self.stop_sequences or ())
