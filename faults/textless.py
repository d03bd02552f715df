"""Batches that are to keep no text, `store_text: false`: what they answer, and what may be left."""

import hashlib
import hmac
import json

from faults.asking import Inputs, create
from faults.fleet import Fleet, Json
from faults.remains import kept

# In every text, and a chemical by its ending: in each name that is found, too.
WORD = "Zqsilentmab"
_UNREADABLE = 17  # each so many lines, the first as well


class TextlessBatch:
    """A batch of one model about so many texts, none of which it keeps."""

    def __init__(self, model: str, count: int, **fields: str) -> None:
        self._form = {"model": model, "tasks": "chemicals", "store_text": "false", **fields}
        self._texts = [f"Case {n}: lithium and {WORD}, then glaucoma." for n in range(count)]

    def __call__(self, fleet: Fleet, _inputs: Inputs, key: str) -> str:
        """Ask for it; plain, for words in what is compressed would not be found."""
        lines = [
            json.dumps({"id": f"d{n}", "text": text}) if n % _UNREADABLE else f"no JSON, {text}"
            for n, text in enumerate(self._texts)
        ]
        files = {"file": ("texts.jsonl", "\n".join(lines).encode())}
        return create(
            fleet, "/v1/extraction-batches", key, data=self._form | {"name": key}, files=files
        )

    def wrong(self, fleet: Fleet, end: Json) -> list[str]:
        """Lines that are missing, or whose hashes or offsets are not those of their text."""
        lines = fleet.get(f"/v1/extraction-batches/{end['id']}/results").text.splitlines()
        answers = {line["index"]: line for line in map(json.loads, lines)}
        wrong = [
            n
            for n, text in enumerate(self._texts)
            if not _is_of(answers.get(n), text, readable=n % _UNREADABLE != 0)
        ]
        return [f"{len(wrong)} answers are not of their texts, as of {wrong[0]}"] if wrong else []

    @staticmethod
    def kept(fleet: Fleet) -> list[str]:
        """Where words of the texts are."""
        return kept(fleet, WORD)


def _is_of(line: Json | None, text: str, *, readable: bool) -> bool:
    """Whether an answer is of this text, as docs/privacy.md has it."""
    if line is None or not readable:
        return line is not None and line["error"]["code"] == "malformed_json"

    def hashed(name: str) -> str:
        return "sha256:" + hmac.new(text.encode(), name.encode(), "sha256").hexdigest()

    chemicals = line.get("extraction", {}).get("chemicals", [])
    spans = [
        (item["text"], hashed(text[mention["start"] : mention["end"]]))
        for item in chemicals
        for mention in item["mentions"]
    ]
    return (
        line.get("text_sha256") == hashlib.sha256(text.encode()).hexdigest()
        and {hashed("lithium"), hashed(WORD)} <= {item["text"] for item in chemicals}
        and all(said == there for said, there in spans)
    )
