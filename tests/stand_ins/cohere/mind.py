"""The "model" of a stand-in: names it knows, looked up in the text.

A base model knows a few names. A tuned one knows those of its training rows as well, so base and
tuned can be told apart by what they find.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app.prompts.parse import ChatError, parse_chat, parse_completion, parse_prompt, parse_relation
from app.prompts.render import GAP
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN

_WORD = re.compile(r"\w+(?:[-']\w+)*")
_LONGEST_NAME = 6
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MOST_PAIRS = 20
_DISEASES = "hypertension glaucoma seizures hepatitis nausea headache depression anxiety cancer"
_CHEMICALS = "aspirin lithium morphine cocaine naloxone warfarin phenytoin caffeine clonidine"


@dataclass(frozen=True)
class Knowledge:
    """The names known, in lower case."""

    diseases: frozenset[str] = frozenset(_DISEASES.split())
    chemicals: frozenset[str] = frozenset(_CHEMICALS.split())
    _found: dict[tuple[Task, str], tuple[Any, ...]] = field(default_factory=dict, compare=False)

    def find(self, task: Task, text: str) -> tuple[Any, ...]:
        """The names in the text as spelt there, or the (chemical, disease) pairs of sentences."""
        key = (task, text)
        if key not in self._found:
            if len(self._found) > 2000:
                self._found.clear()
            self._found[key] = tuple(dict.fromkeys(self._look(task, text)))
        return self._found[key]

    def _look(self, task: Task, text: str) -> Iterator[Any]:
        if task is Task.DISEASES:
            yield from _names(text, self.diseases)
        elif task is Task.CHEMICALS:
            yield from _names(text, self.chemicals)
        else:
            for sentence in _SENTENCE_END.split(text):
                diseases = list(_names(sentence, self.diseases))
                pairs = [(c, d) for c in _names(sentence, self.chemicals) for d in diseases]
                yield from pairs[:_MOST_PAIRS]

    def taught(self, rows: Sequence[Mapping[str, Any]]) -> "Knowledge":
        """What is known after training on these rows."""
        diseases, chemicals = set(self.diseases), set(self.chemicals)
        for row in rows:
            try:
                asked, answer = parse_chat(row["messages"])
            except (ChatError, KeyError):
                continue
            task = None if asked is None else asked.task
            for item in parse_completion(answer).items:
                if task is Task.DISEASES:
                    diseases.add(item.lower())
                elif task is Task.CHEMICALS:
                    chemicals.add(item.lower())
                elif task is Task.RELATIONS and (pair := parse_relation(item)):
                    chemicals.add(pair[0].lower())
                    diseases.add(pair[1].lower())
        return Knowledge(frozenset(diseases), frozenset(chemicals))


def _names(text: str, known: frozenset[str]) -> Iterator[str]:
    """The known names in the text, longest first at each place, none within another."""
    words = list(_WORD.finditer(text))
    at = 0
    while at < len(words):
        for last in range(min(at + _LONGEST_NAME, len(words)) - 1, at - 1, -1):
            name = text[words[at].start() : words[last].end()]
            if name.lower() in known:
                yield name
                at = last
                break
        at += 1


@lru_cache(maxsize=2000)
def asked_for(system: str, user: str) -> tuple[Task, str] | None:
    """The task and the text of a prompt; a base model's may say more than the template does."""
    exact = parse_prompt(f"{system}{GAP}{user}" if system else user)
    if exact is not None:
        return exact.task, exact.text
    whole = f"{system}\n{user}".lower()
    for task in Task:
        wording = BUILT_IN.wording(task)
        ending = wording.output_instruction
        if ending.lower() in whole or wording.instruction.lower() in whole:
            return task, user.split(ending)[0].replace(wording.instruction, "").strip()
    named = [task for task in Task if task.value in whole]
    return (named[0], user) if len(named) == 1 else None


def listed(task: Task, found: Sequence[Any]) -> str:
    """The dashed list of what was found."""
    before, between, after = BUILT_IN.relation_parts
    items = (before + i[0] + between + i[1] + after for i in found)
    return "- " + "\n- ".join(items if task is Task.RELATIONS else found)


def as_json(schema: Mapping[str, Any] | None, task: Task, found: Sequence[Any]) -> str:
    """The same as JSON: in the first array that the schema has, or under the task's name."""
    properties: Mapping[str, Any] = (schema or {}).get("properties", {})
    for name, inner in properties.items():
        if inner.get("type") == "array":
            return json.dumps({name: [_shaped(inner.get("items", {}), item) for item in found]})
    if task is Task.RELATIONS:
        return json.dumps({task.value: [{"chemical": c, "disease": d} for c, d in found]})
    return json.dumps({task.value: list(found)})


def _shaped(schema: Mapping[str, Any], item: Any) -> object:
    """One item as its schema wants it: a string, or an object of strings."""
    names = list(schema.get("properties", {}))
    if isinstance(item, tuple):
        if not names:
            return listed(Task.RELATIONS, [item]).removeprefix("- ")
        return {name: item["disease" in name.lower()] for name in names}
    return {names[0]: item} if names else item


def task_of(schema: Mapping[str, Any] | None) -> Task | None:
    """The task whose name the schema has among its properties."""
    properties = (schema or {}).get("properties", {})
    return next((task for task in Task if task.value in properties), None)
