"""What goes wrong with `medtune upload`, `train` and `extract` is told in words; keys never are."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.own_service import OwnService, own_service
from tests.clients.processes import DEV, RULES, TEXT, TRAIN, medtune
from tests.stand_ins.cohere.server import running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """A service with one dataset."""
    with own_service(tmp_path_factory.mktemp("data")) as service:
        done = medtune("upload", TRAIN, "--wait", "--server", service.address)
        assert done.returncode == 0, done.stderr
        yield service


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (["extract", "mdl_0"], TEXT, "no such model"),
        (["extract", "mdl_0", "--batch"], TEXT, "no such model"),
        (["extract", RULES, "/no/where"], "", "/no/where cannot be read: No such file"),
        (["extract", RULES, "/"], "", "/ cannot be read: Is a directory"),
        (["extract", RULES, "--lines"], b"fine\n\xff\n", "Line 2 is not UTF-8."),
        (["extract", RULES, "--tasks=genes"], TEXT, "/tasks/0: Input should be"),
        (["train", "ds_0"], "", "There is no dataset"),
        (["train", "nothing"], "", "neither a file nor the id"),
        (["train", "{ds}", "--hyperparameters=fast"], "", "written name=value"),
        (["train", "{ds}", "--hyperparameters=preset=slow"], "", "/hyperparameters/preset"),
        (["train", "{ds}", "--backend=x"], "", "backend"),
        (["train", "{ds}", "--split=nope"], "", "no such split"),
        (["upload", "nothing"], "", "Not a file: nothing"),
        (["upload", TRAIN, DEV, TRAIN, "--split=a", "--split=b"], "", "one --split for each"),
    ],
)
def test_what_cannot_be_done_is_told(
    served: OwnService, arguments: list[str], given: str | bytes, told: str
) -> None:
    """In words on stderr, with exit code 1 and nothing on stdout that looks like a result."""
    dataset = served.client.get("/v1/datasets").json()["items"][0]["id"]
    given_arguments = [each.format(ds=dataset) for each in arguments]
    done = medtune(*given_arguments, given=given, MEDTUNE_SERVER=served.address)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert told in done.stderr


def test_options_that_contradict_are_a_usage_error() -> None:
    """Exit code 2, as of an option that does not exist."""
    assert medtune("extract", RULES, "--lines", "--jsonl").returncode == 2
    assert medtune("extract", RULES, "--format=xml").returncode == 2


@pytest.mark.parametrize(
    "arguments", [["upload", DEV], ["train", "ds_1"], ["extract", RULES]], ids=lambda a: a[0]
)
def test_a_server_that_is_away_is_told(arguments: list[str]) -> None:
    """Nothing listens on port 9; neither password nor key is in what is said."""
    at = "http://user:secret@127.0.0.1:9"
    done = medtune(*arguments, given=TEXT, MEDTUNE_SERVER=at, MEDTUNE_API_KEY="hush")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No Medtune answers at http://127.0.0.1:9" in done.stderr
    assert not re.search("secret|hush", done.stderr)


def test_a_key_is_sent_and_never_shown() -> None:
    """As a bearer token, from option or environment, by each command; a bad one is refused here."""
    seen: list[str | None] = []

    async def refuse(request: Request) -> JSONResponse:
        seen.append(request.headers.get("authorization"))
        problem = {"title": "Unauthorized", "detail": "Who are you?", "hint": "Send a key."}
        return JSONResponse(problem | {"code": "unauthorized"}, 401)

    wall = Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "POST"])])
    commands = (
        ["upload", DEV],
        ["train", "ds_1"],
        ["extract", RULES],
        ["evaluate", RULES, "--dataset=ds_1"],
        ["curve", "ft_1", "-o", "x.svg"],
    )
    with running(wall) as address:
        for arguments in commands:
            done = medtune(*arguments, MEDTUNE_SERVER=address, MEDTUNE_API_KEY="hush-1")
            assert (done.returncode, "Who are you?" in done.stderr) == (1, True), done.stderr
            assert "hush" not in done.stdout + done.stderr
        medtune("train", "ds_1", "--server", address, "--api-key=hush-2", MEDTUNE_API_KEY="no")
        medtune("train", "ds_1", "--server", address)
        bad = medtune("train", "ds_1", "--server", address, MEDTUNE_API_KEY="hush\n3")
        assert "no header can hold" in bad.stderr
    assert seen == ["Bearer hush-1"] * len(commands) + ["Bearer hush-2", None]
    assert "hush" not in medtune("train", "--help", MEDTUNE_API_KEY="hush").stdout + bad.stderr
