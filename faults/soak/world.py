"""What the clients of one workspace know in common: what there is, and what is being asked for.

A proposal is a creating request with its Idempotency-Key. For some seconds all clients who create
send the same one; later ones are sent again now and then, though what they made may be gone.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults.fleet import Json
from tests.e2e.test_story import SAMPLE

DOCUMENTS = (SAMPLE / "dev.pubtator.txt").read_bytes()
NAMES = b"D058186\tAcute Kidney Injury|Acute Renal Failure|AKI\nD005901\tGlaucoma\n"
BASE = "local:rules"
ALIASES = ["first", "second", "third"]
# Seconds for which a proposal is the present one: what takes longer is asked for less often.
ROOMS = {
    "datasets": 2.0,
    "training-files": 2.0,
    "fine-tunes": 12.0,
    "extraction-batches": 3.0,
    "evaluations": 4.0,
    "vocabularies": 5.0,
}
_QUICK = {"preset": "fast", "iterations": 5, "folds": 0}
_AGAIN = 0.15
_KNOWN = 12


@dataclass(frozen=True)
class Proposal:
    """A creating request."""

    key: str
    path: str
    request: Json
    made_at: float


@dataclass
class World:
    """One workspace: its key, ids of what its clients have seen of late, and of all they made."""

    name: str
    key: str
    chance: random.Random
    known: dict[str, deque[str]] = field(default_factory=dict)
    made: dict[str, set[str]] = field(default_factory=dict)  # by room
    locations: dict[str, set[str]] = field(default_factory=dict)  # by Idempotency-Key
    _proposals: dict[str, deque[Proposal]] = field(default_factory=dict)
    _count: int = 0

    def one(self, room: str) -> str | None:
        """The id of something of this room, perhaps gone by now."""
        known = self.known.get(room)
        return self.chance.choice(known) if known else None

    def see(self, room: str, row_id: str) -> None:
        """There is such a thing."""
        known = self.known.setdefault(room, deque(maxlen=_KNOWN))
        if row_id not in known:
            known.append(row_id)

    def miss(self, room: str, row_id: str) -> None:
        """It is gone; some will ask for it again all the same."""
        known = self.known.get(room, deque())
        if row_id in known and self.chance.random() < 0.5:
            known.remove(row_id)

    def was_made(self, room: str, proposal: Proposal, location: str) -> bool:
        """Whether it is the only thing that was ever made for this key."""
        row_id = location.rpartition("/")[2]
        self.made.setdefault(room, set()).add(row_id)
        self.see(room, row_id)
        locations = self.locations.setdefault(proposal.key, set())
        locations.add(location)
        return len(locations) == 1

    def propose(self, room: str) -> Proposal | None:
        """What is to be created; None if there is nothing yet to make it from."""
        proposals = self._proposals.setdefault(room, deque(maxlen=5))
        moment = time.monotonic()
        if proposals and moment - proposals[-1].made_at < ROOMS[room]:
            return self.chance.choice(proposals) if self.chance.random() < _AGAIN else proposals[-1]
        if (asked := _REQUESTS[room](self)) is None:
            return None
        self._count += 1
        path, request = asked
        key = f"{self.name}-{room}-{self._count}"
        proposals.append(Proposal(key, path, request, moment))
        return proposals[-1]

    def model(self) -> str:
        """One of the models there may be, by an alias at times."""
        tuned = self.one("models")
        return self.chance.choice([BASE, *ALIASES, *([tuned] if tuned else [])])


Asked = tuple[str, dict[str, Any]] | None


def _dataset(world: World) -> Asked:
    base = world.one("datasets")
    if base is None or world.chance.random() < 0.7:
        files = {"file": ("documents.txt", DOCUMENTS)}
        return "/v1/datasets", {"files": files, "data": {"split": "train"}}
    document = {"id": "corrected", "split": "train", "title": "Aspirin.", "abstract": "Asthma."}
    return f"/v1/datasets/{base}/revisions", {"json": {"documents": [document]}}


def _training_file(world: World) -> Asked:
    dataset = world.one("datasets")
    if dataset is None:
        return None
    return "/v1/training-files", {"json": {"dataset_id": dataset}}


def _fine_tune(world: World) -> Asked:
    file, vocabulary = world.one("training-files"), world.one("vocabularies")
    if file is None:
        return None
    asked = {"training_file_id": file, "name": "soak", "hyperparameters": _QUICK}
    if vocabulary is not None and world.chance.random() < 0.5:
        asked["vocabularies"] = [vocabulary]
    return "/v1/fine-tunes", {"json": asked}


def _batch(world: World) -> Asked:
    dataset = world.one("datasets")
    if dataset is None:
        return None
    return "/v1/extraction-batches", {"json": {"model": world.model(), "dataset_id": dataset}}


def _evaluation(world: World) -> Asked:
    dataset = world.one("datasets")
    if dataset is None:
        return None
    models = list({BASE, world.model()})
    asked = {"models": models, "dataset_id": dataset, "split": "train", "resamples": 1000}
    return "/v1/evaluations", {"json": asked}


def _vocabulary(world: World) -> Asked:
    # Of few names, which are taken at times.
    name = world.chance.choice(["house", "ward", "clinic"])
    files, data = {"file": ("names.tsv", NAMES)}, {"name": name, "type": "Disease"}
    return "/v1/vocabularies", {"files": files, "data": data}


_REQUESTS: dict[str, Callable[[World], Asked]] = {
    "datasets": _dataset,
    "training-files": _training_file,
    "fine-tunes": _fine_tune,
    "extraction-batches": _batch,
    "evaluations": _evaluation,
    "vocabularies": _vocabulary,
}
