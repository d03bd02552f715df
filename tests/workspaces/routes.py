"""All calls of the application, as it has them itself: those of `/v1`, `/cohere` and the pages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, order=True)
class Call:
    """A method on a path, whose parameters are in braces."""

    path: str
    method: str

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters of the path."""
        return _PARAMETER.findall(self.path)

    def at(self, **values: str) -> str:
        """The path with its parameters filled in."""
        return _PARAMETER.sub(lambda found: values[found[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def calls(app: FastAPI) -> list[Call]:
    """All calls of an application; those of HEAD are not told apart from GET."""
    return sorted(set(_calls(app.routes, "")))


def _calls(routes: Sequence[BaseRoute], before: str) -> Iterator[Call]:
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, Mount):
            yield from _calls(route.original_route.routes, before + route.original_route.path)
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            yield Call(f"{before}{route.path}", method)
