"""`/v1/tokenize` and `/v1/detokenize`.

The tokens of our models are the bytes of the text in UTF-8, 0 to 255, so that each call is the
exact inverse of the other.
"""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, FailFast, Field
from starlette.responses import JSONResponse

from app.cohere_api.calls import CallDep

router = APIRouter()

_META = {"api_version": {"version": "1"}}
_ASCII = 0x80


class TokenizeRequest(BaseModel):
    """A text to be parted; Cohere's limits."""

    text: Annotated[str, Field(min_length=1, max_length=65_536)]


class DetokenizeRequest(BaseModel):
    """Tokens to be joined."""

    tokens: Annotated[list[Annotated[int, Field(ge=0, le=255)]], FailFast()]


@router.post("/v1/tokenize", operation_id="cohereTokenize")
async def tokenize(call: CallDep) -> Response:
    """The tokens of a text; those that are no character by themselves are shown as `<0xE2>`."""
    if (forwarded := await call.forwarded("v1/tokenize")) is not None:
        return forwarded
    tokens = list(call.read(TokenizeRequest).text.encode())
    strings = [chr(token) if token < _ASCII else f"<0x{token:02X}>" for token in tokens]
    return JSONResponse({"tokens": tokens, "token_strings": strings, "meta": _META})


@router.post("/v1/detokenize", operation_id="cohereDetokenize")
async def detokenize(call: CallDep) -> Response:
    """The text of tokens; a part of a character becomes U+FFFD."""
    if (forwarded := await call.forwarded("v1/detokenize")) is not None:
        return forwarded
    text = bytes(call.read(DetokenizeRequest).tokens).decode(errors="replace")
    return JSONResponse({"text": text, "meta": _META})
