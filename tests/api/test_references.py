"""References of the OpenAPI file: whoever generates a client from it follows each of them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="package")


def references(node: Any) -> Iterator[str]:
    """All values of `$ref`, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_every_reference_leads_somewhere(client: httpx.AsyncClient) -> None:
    """Each `$ref` names a part of the same file; asked twice, the file is the same."""
    document = (await client.get("/openapi.json")).json()
    found = set(references(document))
    assert "#/components/schemas/ProblemDocument" in found
    for reference in sorted(found):
        first, *parts = reference.split("/")
        assert first == "#", reference
        node = document
        for part in parts:
            assert part in node, reference
            node = node[part]
    assert (await client.get("/openapi.json")).json() == document
