"""What was sent to make a batch: the fields of a multipart form, or a JSON body."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.extraction_batches.schemas import BatchRequest, DatasetBatchRequest
from app.platform.errors import invalid_field
from app.platform.uploads import Upload, UploadedFile

FIELDS = frozenset({"model", "tasks", "options", "name", "notify", "store_text"})

Model = TypeVar("Model", bound=BatchRequest)

# For the OpenAPI file.
_SCHEMA = DatasetBatchRequest.model_json_schema(ref_template="#/components/schemas/{model}")
# Those of its parts are in the file already: extractions are asked for with the same.
_SCHEMA.pop("$defs")
_FIELDS = _SCHEMA["properties"]
BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "model"],
                    "properties": {
                        "model": _FIELDS["model"],
                        "tasks": {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/Task"},
                            "description": _FIELDS["tasks"]["description"],
                        },
                        "options": {
                            "type": "string",
                            "description": "As in an extraction, as JSON.",
                            "contentMediaType": "application/json",
                        },
                        "name": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 200,
                            "examples": ["screening"],
                        },
                        "notify": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": _FIELDS["notify"]["description"],
                        },
                        "store_text": {
                            "type": "boolean",
                            "description": _FIELDS["store_text"]["description"],
                        },
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": 'JSONL, plain or .gz: {"text": "...", "id": "..."} or '
                            "a JSON string a line. Send it last: then the other fields are "
                            "checked before it is received.",
                        },
                    },
                }
            },
            "application/json": {"schema": _SCHEMA},
        },
    }
}


def from_fields(fields: Mapping[str, Sequence[str]]) -> BatchRequest:
    """The request in the fields of a form: `options` is JSON, a list too, or repeated.

    Raises ApiError `invalid_request`, RequestValidationError.
    """
    body: dict[str, Any] = {name: values[0] for name, values in fields.items()}
    if "options" in body:
        body["options"] = _json(body["options"], "/options")
    for name in {"tasks", "notify"}.intersection(body):
        given = fields[name]
        body[name] = _json(given[0], f"/{name}") if given[0].startswith("[") else list(given)
    return validated(BatchRequest, body)


def the_file(upload: Upload) -> UploadedFile:
    """The one file of a form. Raises ApiError `invalid_request`."""
    if len(upload.files) != 1:
        raise invalid_field("/file", "count", "Send one file.")
    return upload.files[0]


def from_body(body: bytes, model: type[Model]) -> Model:
    """The request in a JSON body. Raises RequestValidationError."""
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        fault = {"type": "json_invalid", "loc": ("body",), "msg": "", "input": None}
        raise RequestValidationError([fault]) from None
    return validated(model, decoded)


def validated(model: type[Model], body: Any) -> Model:
    """The body as a request. Raises RequestValidationError."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = [
            {**each, "loc": ("body", *each["loc"])}
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise RequestValidationError(found) from None


def _json(value: str, pointer: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise invalid_field(pointer, "json_invalid", "It is not valid JSON.") from None
