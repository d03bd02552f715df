"""All calls as the OpenAPI file tells of them, Cohere's as well, and bodies that do them harm.

Everything is made of what the file says, so that a new call is met as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from app.cohere_api.application import create_cohere_api
from tests.hostile.files import MIB

Json = dict[str, Any]

_FILE = Path(__file__).parents[1] / "api" / "openapi.json"
_COHERE = "/cohere"
_HERE = "\ue000"  # stands where a value is put that `json` would not write
# Bodies that Cohere's calls read by hand, so that no schema tells of them.
_BY_HAND: Mapping[str, Json] = {
    "/v2/chat": {"model": "local:rules", "messages": [{"role": "user", "content": "Aspirin."}]},
    "/v1/chat": {"model": "local:rules", "message": "Aspirin."},
    "/v1/generate": {"model": "local:rules", "prompt": "Aspirin."},
    "/v1/tokenize": {"model": "local:rules", "text": "Aspirin."},
    "/v1/detokenize": {"model": "local:rules", "tokens": [65]},
}


@dataclass(frozen=True)
class Call:
    """A method on a path, whose parameters are in braces; names of what else it takes.

    `example` is a JSON body as the file has it, `fields` has a value for each property; None where
    no JSON is taken.
    """

    method: str
    path: str
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    fields: Json | None
    example: Json

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def body(self, ids: Mapping[str, str]) -> Json:
        """The example, with `ids` in it by their kinds (`ds`)."""
        return cast(Json, _with_ids(self.example, ids))


def calls() -> list[Call]:
    """All calls of `/v1` and of `/cohere`."""
    nothing = cast(Any, None)  # only what is on the wire is asked of it
    cohere = create_cohere_api(nothing, nothing, nothing).openapi()
    return [*_calls(json.loads(_FILE.read_text())), *_calls(cohere, _COHERE)]


def _calls(document: Json, before: str = "") -> Iterator[Call]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            fields, example = _said(document, operation)
            if before and path in _BY_HAND:
                fields = example = _BY_HAND[path]
            taken = operation.get("parameters", [])
            queries, headers = (
                tuple(each["name"] for each in taken if each["in"] == place)
                for place in ("query", "header")
            )
            yield Call(method.upper(), before + path, queries, headers, fields, example)


def _said(document: Json, operation: Json) -> tuple[Json | None, Json]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return None, {}
    schema = _resolved(document, body["schema"])
    fields = {name: _sample(document, each) for name, each in schema["properties"].items()}
    (example, *_) = schema.get("examples", [{}])
    return fields, example


def _resolved(document: Json, schema: Json) -> Json:
    """The schema that a reference names; of several, the first one."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = schema["anyOf"][0]
        else:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _sample(document: Json, schema: Json) -> Any:
    """A value of the schema's kind."""
    schema = _resolved(document, schema)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [_sample(document, schema["items"])]
    if schema.get("type") == "object":
        fields = schema.get("properties", {"a": {}})
        return {name: _sample(document, each) for name, each in fields.items()}
    return schema.get("enum", ["a"])[0]


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    text = json.dumps(value)
    return json.loads(re.sub(r"\b([a-z]+)_[0-9a-f]{32}", lambda m: ids.get(m[1], m[0]), text))


# Values, as they are written, that no field can have.
_VALUES: Mapping[str, bytes] = {
    "half of a surrogate pair": rb'"\ud800"',
    "a NUL": rb'"a\u0000b"',
    "1e999": b"1e999",
    "10**400": b"1" + b"0" * 400,
    "depth": b'{"a":' * 990 + b"1" + b"}" * 990,
}
# Bodies that no call can have.
BODIES: Mapping[str, bytes] = {
    "cut": b'{"a":',
    "two": b"{}{}",
    "a string": b'"a"',
    "true": b"true",
    "-0": b"-0",
    "1e999": b"1e999",
    "10**5000": b"1" + b"0" * 5000,
    "NaN": b"NaN",
    "an array": b"[{}]",
    "a million numbers": b"[" + b"1," * 999_999 + b"1]",
    "a string of 10 MB": b'"' + b"a" * 10 * MIB + b'"',
    "a name of 10 MB": b'{"' + b"a" * 10 * MIB + b'":1}',
    "depth": b"[" * 100_000,
    "half of a surrogate pair": rb'"\ud800"',
    "a raw half of one": b'{"a":"\xed\xa0\x80"}',
    "a NUL": b"\0",
    "random bytes": bytes(range(256)),
    "names given twice": b'{"a":1,"a":{"a":1,"a":2}',
}


def hostile_bodies(call: Call, ids: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """What is wrong and where, and the body: the example, but for one value.

    Each field has all of the values, and what is in it one of them each, in turn.
    """
    turn = 0
    for name, value in (call.fields or {}).items():
        (whole, *parts) = _marked(_with_ids(value, ids))
        wrong = [(whole, said) for said in _VALUES]
        for marked in parts:
            wrong.append((marked, list(_VALUES)[turn % len(_VALUES)]))
            turn += 1
        for (where, marked_value), said in wrong:
            body = json.dumps(call.body(ids) | {name: marked_value}).encode()
            yield f"{said}: {name}{where}", body.replace(_MARK, _VALUES[said])


_MARK = json.dumps(_HERE).encode()


def _marked(value: Any) -> Iterator[tuple[str, Any]]:
    """Where a part of the value is, and the value with a mark there."""
    yield "", _HERE
    if isinstance(value, dict):
        for name, each in value.items():
            for where, marked in _marked(each):
                yield f".{name}{where}", value | {name: marked}
    elif isinstance(value, list):
        for where, marked in _marked(value[0]) if value else ():
            yield f".0{where}", [marked, *value[1:]]
