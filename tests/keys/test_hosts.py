"""Which names and which pages a service answers to, in the words of whoever would answer."""

from fastapi import FastAPI

from app.platform.settings import Settings
from tests.keys.keyed import ADMIN_KEY, Client, bearer, client_of, keyed, started

NAMED = {"allowed_hosts": ["Medtune.Example", "10.1.2.3"]}


async def test_allowed_hosts(settings: Settings) -> None:
    """They are all it answers to, with keys and without; probes ask by whatever address."""
    for chosen in (settings, keyed(settings)):
        async with started(chosen.model_copy(update=NAMED)) as app, client_of(app) as client:
            client.headers.update(bearer(ADMIN_KEY))
            for name in ("medtune.example", "MEDTUNE.example:8443", "10.1.2.3:8000"):
                answer = await client.get("/v1/models", headers={"Host": name})
                assert answer.status_code == 200, name
            for name in ("localhost", "medtune.example.evil.example", "10.1.2.34", ""):
                answer = await client.get("/v1/models", headers={"Host": name})
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_host"), name
                shaped = await client.get("/cohere/v1/models", headers={"Host": name})
                assert (shaped.status_code, shaped.json().keys()) == (403, {"id", "message"})
                page = await client.get("/datasets", headers={"Host": name})
                assert page.status_code == 403
                assert page.headers["Content-Type"].startswith("text/html")
                for probe in ("/healthz", "/readyz"):
                    assert (await client.get(probe, headers={"Host": name})).status_code == 200


async def test_with_keys_any_name_will_do(client: Client) -> None:
    """Where none are allowed by name: whoever leads a browser here has no key."""
    answer = await client.get("/v1/models", headers=bearer(ADMIN_KEY))
    assert answer.status_code == 200


async def test_pages_of_other_sites(app: FastAPI, client: Client) -> None:
    """They change nothing, with a key or with a visitor's cookie; what they may read CORS says."""
    entered = await client.post("/login", data={"key": ADMIN_KEY})
    assert entered.status_code == 303
    alias, path = {"model": "local:rules"}, "/v1/model-aliases/best"
    other = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    same = {"Sec-Fetch-Site": "same-origin"}
    # By cookie: it has to be told which page sends it.
    assert (await client.get("/v1/models")).status_code == 200
    for headers in ({}, other, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = await client.put(path, json=alias, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_origin"), headers
        shaped = await client.delete("/cohere/v1/datasets/ds_0", headers=headers)
        assert (shaped.status_code, shaped.json().keys()) == (403, {"id", "message"})
    for headers in (same, {"Origin": "http://service.example"}):
        assert (await client.put(path, json=alias, headers=headers)).is_success
    # A key that is sent with a cookie is what counts, and another one's password is no key.
    both = await client.put(path, json=alias, headers=bearer(ADMIN_KEY))
    assert both.is_success
    assert (await client.get("/v1/models", headers=bearer("wrong"))).status_code == 401
    proxied = {"Authorization": "Basic bWU6cGFzcw=="}
    assert (await client.get("/v1/models", headers=proxied)).status_code == 200
    for headers in (proxied, proxied | other, bearer(ADMIN_KEY) | other):
        assert (await client.put(path, json=alias, headers=headers)).status_code == 403
    # A cookie is no key for Cohere's SDK, whatever page it is of.
    assert (await client.get("/cohere/v1/models", headers=same)).status_code == 401
    # By key: programs do not say where they come from.
    async with client_of(app) as program:
        program.headers.update(bearer(ADMIN_KEY))
        assert (await program.put(path, json=alias)).is_success
        assert (await program.put(path, json=alias, headers=other)).status_code == 403
        assert (await program.get("/v1/models", headers=other)).status_code == 200


async def test_answers_are_for_pages_of_ours(client: Client) -> None:
    """No other site is told by CORS that its pages may read them, asked before or not."""
    site = {"Origin": "http://evil.example", **bearer(ADMIN_KEY)}
    asked = {**site, "Access-Control-Request-Method": "GET"}
    for path in ("/v1/models", "/cohere/v1/models", "/", "/openapi.json", "/healthz"):
        for answer in (
            await client.get(path, headers=site),
            await client.options(path, headers=asked),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
