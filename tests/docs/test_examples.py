"""`/docs` without a network, and its examples: true to their schemas, and accepted as they are."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from playwright.sync_api import expect

from app.own_service import OwnService, own_service
from tests.browser import chromium

Json = dict[str, Any]
METHODS = {"get", "post", "put", "delete", "patch"}
# What a person chooses in a form of `/docs`, for no example can hold a file.
FILES = {
    "createDataset": b"1|t|Isoniazid and the liver.\n1|a|Hepatitis after isoniazid.\n",
    "createExtractionBatch": b'{"id": "1", "text": "Hepatitis after isoniazid."}\n',
    "createVocabulary": b"D056486\thepatitis, toxic|toxic hepatitis\n",
}
# What cannot be asked for before something else is there: its example names that by an id.
NEEDS = "_id"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """A service in which nothing has been made."""
    with own_service(tmp_path_factory.mktemp("fresh")) as service:
        yield service


@pytest.fixture(scope="module")
def document(fresh: OwnService) -> Json:
    found: Json = fresh.client.get("/openapi.json").raise_for_status().json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def resolved(schema: Json, document: Json) -> Json:
    """The schema itself where it is a reference, or the first of several."""
    (schema, *_) = schema.get("anyOf", [schema])
    if reference := schema.get("$ref"):
        found: Json = document["components"]["schemas"][reference.rpartition("/")[2]]
        return found
    return schema


def check(example: Any, schema: Json, document: Json) -> None:
    validator = Draft202012Validator({**schema, "components": document["components"]})
    validator.validate(example)


def test_every_example_is_true_to_its_schema(document: Json) -> None:
    """Bodies of JSON have an example as a whole, fields of forms and parameters one each."""
    bodies = 0
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            for example in parameter["schema"].get("examples", []):
                check(example, parameter["schema"], document)
            if parameter["in"] == "path":
                assert parameter["schema"].get("examples"), (path, parameter["name"])
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            schema = resolved(body["schema"], document)
            if kind == "application/json":
                assert schema.get("examples"), (method, path)
                for example in schema["examples"]:
                    check(example, body["schema"], document)
                bodies += 1
            for field in schema["properties"].values():
                for example in field.get("examples", []):
                    check(example, field, document)
    assert bodies >= 10


def test_an_example_that_is_false_is_seen(document: Json) -> None:
    schema = {"$ref": "#/components/schemas/AliasRequest"}
    with pytest.raises(Exception, match="Additional properties"):
        check({"model": "local:rules", "other": 1}, schema, document)


def test_what_needs_nothing_is_accepted_as_it_is(fresh: OwnService, document: Json) -> None:
    """Each call that names nothing made before answers 2xx on a fresh service."""
    accepted = set()
    # What reads comes first: the others make things.
    for method, path, operation in sorted(operations(document), key=lambda each: each[0]):
        name = operation["operationId"]
        if path == "/v1/keys":  # the first key is not made here
            continue
        if method == "delete" or NEEDS in path.replace("{model_id}", "") or "{vocabulary}" in path:
            continue
        answer = send(fresh.client, method, path, operation, document)
        if answer is not None:
            assert answer.is_success, (name, answer.text)
            accepted.add(name)
    assert {
        "createExtraction",
        "createDataset",
        "createVocabulary",
        "createExtractionBatch",
        "createNotificationTarget",
        "putModelAlias",
        "listModels",
        "getModel",
        "getModelCard",
        "listBackends",
    } <= accepted


def send(
    client: httpx.Client, method: str, path: str, operation: Json, document: Json
) -> httpx.Response | None:
    """Send the example; None if it names something that is not there yet."""
    query = {}
    for parameter in operation.get("parameters", []):
        example = next(iter(parameter["schema"].get("examples", [])), None)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example))
        elif parameter["in"] == "query" and example is not None:
            query[parameter["name"]] = example
    content = operation.get("requestBody", {}).get("content", {})
    if form := content.get("multipart/form-data"):
        fields = form["schema"]["properties"]
        data = {each: v["examples"][0] for each, v in fields.items() if v.get("examples")}
        file = {"file": ("upload.txt", FILES[operation["operationId"]])}
        return client.request(method, path, params=query, data=data, files=file)
    if body := content.get("application/json"):
        example = resolved(body["schema"], document)["examples"][0]
        if any(field.endswith(NEEDS) for field in example):
            return None
        return client.request(method, path, params=query, json=example)
    return client.request(method, path, params=query)


def test_the_page_works_without_a_network(fresh: OwnService) -> None:
    """Swagger UI draws every call, "Try it out" gets an answer, and no other host is asked."""
    with chromium() as browser, browser.new_context(base_url=fresh.address) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(error.message))
        page.goto("/docs")
        # The second has an example in its path.
        for operation in ("listModels", "getModel"):
            call = page.locator(f"#operations-models-{operation}")
            call.locator(".opblock-summary").click()
            call.get_by_role("button", name="Try it out").click()
            call.get_by_role("button", name="Execute").click()
            answer = call.locator(".live-responses-table")
            expect(answer.locator("tbody .response-col_status").first).to_contain_text("200")
            expect(answer).to_contain_text("local:rules")
    ours = (f"{fresh.address}/", "data:", f"blob:{fresh.address}/")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert f"{fresh.address}/v1/models" in [url.partition("?")[0] for url in asked]
    assert errors == []


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
def test_the_pages_have_sane_headers(fresh: OwnService, path: str) -> None:
    """No script of others, no frame of others around them, no guessing of types."""
    headers = fresh.client.get(path).raise_for_status().headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in scripts
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
