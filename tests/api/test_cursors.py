"""A cursor belongs to the list that gave it: any other list refuses it."""

import base64

import httpx
import pytest

from app.platform.clock import new_id

LISTS = {
    "datasets": "ds",
    "training-files": "tf",
    "fine-tunes": "ft",
    "models": "mdl",
    "evaluations": "ev",
    "leaderboard": "ev",
    "vocabularies": "voc",
}


def cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


@pytest.mark.parametrize("name", LISTS)
async def test_cursors_of_other_lists_are_refused(client: httpx.AsyncClient, name: str) -> None:
    """Not an empty page or a wrong one: ids of other kinds, scores where none are, no numbers."""
    kind, by_score = LISTS[name], name == "leaderboard"
    query: dict[str, str] = {"sort": "f1"} if by_score else {}
    path = "/v1/evaluations" if by_score else f"/v1/{name}"
    foreign = [new_id(other) for other in {*LISTS.values()} - {kind}]
    evaluation = new_id("ev")
    foreign += ["0", "1.0", "x", kind, f"{kind}_", f"{kind}_1", f"nan {evaluation}"]
    foreign += [f"inf {evaluation}", f"-1 {evaluation}", "0.5", "0.5 x"]
    foreign += [evaluation] if by_score else [f"0.5 {evaluation}"]
    for position in foreign:
        answer = await client.get(path, params=query | {"cursor": cursor(position)})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), position
    own = f"0.5 {evaluation}" if by_score else new_id(kind)
    answer = await client.get(path, params=query | {"cursor": cursor(own)})
    assert answer.status_code == 200
