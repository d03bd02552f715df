"""In which of its two forms a card comes."""

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON, MARKDOWN = "application/json", "text/markdown; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", JSON),
        ("text/markdown", MARKDOWN),
        ("TEXT/Markdown ; q=0.5 , image/png", MARKDOWN),
        ("text/markdown;q=0", JSON),
        ("text/markdown;q=x", JSON),
        ("application/json, text/markdown;q=0.1", JSON),
        ("application/json;q=0.1, text/markdown;q=0.2", MARKDOWN),
        ("text/markdownish", JSON),
        (",;,", JSON),
    ],
)
async def test_the_form_preferred(client: httpx.AsyncClient, accept: str, form: str) -> None:
    """By the weights of the Accept header; JSON if nothing is said."""
    answer = await client.get("/v1/models/local:rules/card", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, form)
