"""Clients of a soak: each does one thing after the other, at random, to what all others use."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import httpx

from faults.fleet import Json
from faults.soak.answers import Answers
from faults.soak.states import may_follow
from faults.soak.world import ALIASES, BASE, ROOMS, World

_PAUSE_SECONDS = 0.3
_CANCELLED = ("fine-tunes", "extraction-batches", "evaluations")
# What else there is to read of a thing.
_PARTS = {
    "datasets": ("report", "documents", "export?format=pubtator"),
    "training-files": ("content",),
    "fine-tunes": ("events", "metrics"),
    "extraction-batches": ("events", "results", "failures"),
    "evaluations": ("comparison", "errors"),
    "vocabularies": ("lookup?name=glaucoma",),
    "models": ("card",),
}
_TEXT = "Two patients with glaucoma had hepatitis after lithium and cisplatin."


class Client:
    """One of very many, in one workspace; `other` is one it must see nothing of."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        world: World,
        other: World,
        answers: Answers,
        chance: random.Random,
    ) -> None:
        self._http = http
        self._world = world
        self._other = other
        self._answers = answers
        self._chance = chance
        self._seen: dict[str, Json] = {}

    async def live(self, until: float) -> None:
        """Do things until then (time.monotonic); the last answer is waited for."""
        actions, weights = [*_ACTIONS], [*_ACTIONS.values()]
        while time.monotonic() < until:
            [action] = self._chance.choices(actions, weights)
            await action(self)
            await asyncio.sleep(self._chance.random() * _PAUSE_SECONDS)

    async def create(self) -> None:
        """What all others create at the moment, with the same key."""
        room = self._chance.choice([*ROOMS])
        if (proposal := self._world.propose(room)) is None:
            return
        headers = {"Idempotency-Key": proposal.key}
        answer = await self._ask("POST", proposal.path, headers=headers, **proposal.request)
        if answer is None or answer.status_code != 202:
            return
        if not self._world.was_made(room, proposal, answer.headers["Location"]):
            self._answers.wrong(f"a key of {room} made several things: {proposal.key}")

    async def cancel(self) -> None:
        """Something that runs, or has ended, or is being cancelled already."""
        room = self._chance.choice(_CANCELLED)
        if row_id := self._world.one(room):
            await self._ask("POST", f"/v1/{room}/{row_id}/cancel")

    async def delete(self) -> None:
        """Something, and at times all that was made from it, while others use it."""
        room = self._chance.choice([*ROOMS, "models"])
        row_id = self._world.one(room)
        if row_id is None:
            return
        cascade = room not in ("models", *_CANCELLED[1:]) and self._chance.random() < 0.6
        await self._ask("DELETE", f"/v1/{room}/{row_id}{'?cascade=true' if cascade else ''}")

    async def alias(self) -> None:
        """Move an alias, or remove it."""
        path = f"/v1/model-aliases/{self._chance.choice(ALIASES)}"
        if self._chance.random() < 0.3:
            await self._ask("DELETE", path)
            return
        model = self._world.one("models") or BASE
        await self._ask("PUT", path, json={"model": self._chance.choice([BASE, model])})

    async def read(self) -> None:
        """One thing, whose status goes on from what it was; or what it holds."""
        room = self._chance.choice([*ROOMS, "models"])
        row_id = self._world.one(room)
        if row_id is None:
            return
        if self._chance.random() < 0.4:
            await self._ask("GET", f"/v1/{room}/{row_id}/{self._chance.choice(_PARTS[room])}")
            return
        answer = await self._ask("GET", f"/v1/{room}/{row_id}")
        if answer is not None and answer.status_code == 404:
            self._world.miss(room, row_id)
        if answer is None or not answer.is_success or room == "models":
            return
        found = answer.json()
        if found.get("model_id"):
            self._world.see("models", found["model_id"])
        before = self._seen.get(row_id, found)
        if not may_follow(room, before["status"], found["status"]):
            self._answers.wrong(f"{room}: {found['status']} after {before['status']}")
        if found.get("progress", 0) < before.get("progress", 0):
            self._answers.wrong(f"{room}: the progress falls")
        self._seen[row_id] = found

    async def list(self) -> None:
        """What there is, and nothing of another workspace's."""
        room = self._chance.choice([*ROOMS, "models", "model-aliases", "audit-events", "keys"])
        answer = await self._ask("GET", f"/v1/{room}")
        if answer is None or not answer.is_success:
            return
        ids = {each.get("subject_id", each.get("id")) for each in answer.json()["items"]}
        foreign = set().union(*self._other.made.values(), self._other.known.get("models", ()))
        if ids & foreign:
            self._answers.wrong(f"a list of {room} has another workspace's")

    async def trespass(self) -> None:
        """Ask for what is another workspace's: for this one it is not there."""
        room = self._chance.choice([*ROOMS, "models"])
        if (row_id := self._other.one(room)) is None:
            return
        method = self._chance.choice(["GET", "GET", "DELETE"])
        answer = await self._ask(method, f"/v1/{room}/{row_id}")
        if answer is not None and answer.status_code != 404:
            self._answers.wrong(f"{method} of another workspace's {room}: {answer.status_code}")

    async def extract(self) -> None:
        """Ask a model, by an alias that is moved meanwhile."""
        await self._ask(
            "POST", "/v1/extractions", json={"model": self._world.model(), "text": _TEXT}
        )

    async def _ask(self, method: str, path: str, **request: object) -> httpx.Response | None:
        return await self._answers.ask(self._http, method, path, **request)


_ACTIONS: dict[Callable[[Client], Awaitable[None]], int] = {
    Client.create: 30,
    Client.read: 25,
    Client.list: 10,
    Client.cancel: 6,
    Client.delete: 8,
    Client.alias: 8,
    Client.trespass: 5,
    Client.extract: 8,
}
