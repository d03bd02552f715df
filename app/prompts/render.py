"""Documents to training rows: the prompt that asks for a task, and the answer the document holds.

`parse` is the inverse. An answer is a dashed list, one item a line, so an item that holds line
breaks is listed with one space in the place of each run of them, without spaces at its ends, and
an item with nothing else in it is not listed (`as_listed`). Everything else is kept to the letter.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.corpora.documents import Document, Mention, MentionType, Relation
from app.prompts.tasks import MENTION_TASKS, Task
from app.prompts.templates import BUILT_IN, Template

TextChoice = Literal["abstract", "title_and_abstract"]
RowFormat = Literal["prompt_completion", "chat"]
LeftOut = Literal["chemical_not_in_text", "disease_not_in_text", "neither_in_text"]

GAP = "\n\n"  # between instruction, text and output instruction
BULLET = "- "
ROLES = ("System", "User", "Chatbot")

_LINE_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A row ready for `to_line`, the items of its answer, and what had to be left out of it.

    `left_out` counts the annotated relations that the text used cannot name, by reason.
    """

    row: Mapping[str, Any]
    items: tuple[str, ...]
    left_out: Mapping[LeftOut, int]


def render(
    document: Document,
    task: Task,
    *,
    text: TextChoice = "abstract",
    row_format: RowFormat = "prompt_completion",
    template: Template = BUILT_IN,
) -> Rendered:
    """The row that teaches `task` from `document`.

    A mention that is not wholly in the text used is not in it, for relations neither.
    """
    start = document.body_offset if text == "abstract" else 0
    used = document.text[start:]
    mentions = [m for m in document.mentions if m.start >= start and m.end - start <= len(used)]
    left_out: Counter[LeftOut] = Counter()
    if task is Task.RELATIONS:
        items = _relation_items(document.relations, mentions, template, left_out)
    else:
        items = _mention_items(mentions, MENTION_TASKS[task])
    return Rendered(to_row(used, task, items, row_format, template), items, left_out)


def to_row(
    text: str, task: Task, items: Iterable[str], row_format: RowFormat, template: Template
) -> dict[str, Any]:
    """A training row of a text and the items (as listed) of its answer."""
    completion = to_completion(items)
    if row_format == "prompt_completion":
        return {"prompt": to_prompt(text, task, template), "completion": completion}
    return to_chat(*to_turns(text, task, template), completion)


def to_chat(system: str, user: str, answer: str) -> dict[str, Any]:
    """A training row of the turns of a chat."""
    turns = zip(ROLES, (system, user, answer), strict=True)
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def to_prompt(text: str, task: Task, template: Template = BUILT_IN) -> str:
    """The whole prompt that asks for `task` in `text`."""
    wording = template.wording(task)
    return f"{wording.instruction}{GAP}{text}{GAP}{wording.output_instruction}\n"


def to_turns(text: str, task: Task, template: Template = BUILT_IN) -> tuple[str, str]:
    """The prompt as a system and a user turn: the two, with a gap between them, say the same."""
    wording = template.wording(task)
    return wording.instruction, f"{text}{GAP}{wording.output_instruction}"


def to_completion(items: Iterable[str]) -> str:
    """The dashed list of items (as listed); `"- "` if there are none."""
    return BULLET + f"\n{BULLET}".join(items)


def to_line(row: Mapping[str, Any]) -> str:
    """One line of a JSONL training file: ASCII only, `", "` and `": "` between, a line feed."""
    return json.dumps(row) + "\n"


def as_listed(surface: str) -> str:
    """A surface string as a dashed list can carry it; empty if there is nothing to list."""
    return _LINE_BREAKS.sub(" ", surface.strip()).strip()


def _mention_items(mentions: Iterable[Mention], mention_type: MentionType) -> tuple[str, ...]:
    """The unique surface strings of one type in order of first mention."""
    names = (as_listed(m.text) for m in _in_order(mentions) if m.type == mention_type)
    return _unique(name for name in names if name)


def _relation_items(
    relations: Iterable[Relation],
    mentions: Iterable[Mention],
    template: Template,
    left_out: Counter[LeftOut],
) -> tuple[str, ...]:
    """One item a relation, in the document's order; what cannot be named is counted instead."""
    chemicals = _first_names(mentions, "Chemical")
    diseases = _first_names(mentions, "Disease")
    before, between, after = template.relation_parts
    items = []
    for relation in relations:
        chemical, disease = chemicals.get(relation.chemical), diseases.get(relation.disease)
        if chemical and disease:
            items.append(before + chemical + between + disease + after)
        elif chemical:
            left_out["disease_not_in_text"] += 1
        elif disease:
            left_out["chemical_not_in_text"] += 1
        else:
            left_out["neither_in_text"] += 1
    return _unique(items)


def _first_names(mentions: Iterable[Mention], mention_type: MentionType) -> dict[str, str]:
    """The first surface string of each identifier; a composite mention names all of its own."""
    names: dict[str, str] = {}
    for mention in _in_order(mentions):
        if mention.type == mention_type and (name := as_listed(mention.text)):
            for identifier in mention.identifiers:
                names.setdefault(identifier, name)
    return names


def _in_order(mentions: Iterable[Mention]) -> list[Mention]:
    return sorted(mentions, key=lambda mention: (mention.start, mention.end))


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
