"""The OpenAPI file, completed: what FastAPI cannot know of problems, examples and keys.

What comes before every call is told here once, for all calls but the probes: the key it is sent
with, the scope that takes, and how it is refused.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI

from app.platform.access import Scope
from app.platform.problem_json import ProblemDocument, problem_responses

Json = dict[str, Any]

_OPEN = frozenset({"/healthz", "/readyz"})
_KEY = "key"
_SCHEME: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key, as `medtune keys create` prints it; a service without keys takes none. "
    "The scope a call takes is the role it names; each does what those before it do: `read`, "
    "`write`, `admin`.",
}
_REFUSALS = (
    "unauthenticated",
    "forbidden_scope",
    "forbidden_host",
    "forbidden_origin",
    "rate_limited",
)


def complete(app: FastAPI, needed_scope: Callable[[str, str], Scope]) -> None:
    """Have `app` tell all of it; `needed_scope` knows the scope of a method and a path."""
    generate = app.openapi

    @cache
    def openapi() -> Json:
        document = generate()
        components = document["components"]
        template = "#/components/schemas/{model}"
        schema = ProblemDocument.model_json_schema(ref_template=template)
        components["schemas"] |= schema.pop("$defs") | {"ProblemDocument": schema}
        components["securitySchemes"] = {_KEY: _SCHEME}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                _show_examples(operation)
                if path not in _OPEN:
                    _guard(operation, needed_scope(method.upper(), path))
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _show_examples(operation: Json) -> None:
    """Swagger UI fills in what stands at a parameter, and not what stands in its schema."""
    for parameter in operation.get("parameters", []):
        if examples := parameter["schema"].get("examples"):
            parameter["example"] = examples[0]


def _guard(operation: Json, scope: Scope) -> None:
    operation["security"] = [{_KEY: [scope.word]}]
    told = operation.get("description", "")
    operation["description"] = f"{told}\n\nScope: `{scope.word}`.".lstrip()
    responses = operation["responses"]
    refusals = list(_REFUSALS)
    if "requestBody" in operation:
        refusals.append("request_timeout")
        if "202" in responses:  # It makes a job.
            refusals.append("too_many_jobs")
    for status, entry in problem_responses(*refusals).items():
        assert str(status) not in responses
        responses[str(status)] = entry
    operation["responses"] = dict(sorted(responses.items()))
