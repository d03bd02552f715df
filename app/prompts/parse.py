"""Prompts and answers back to what they mean: the inverse of `render`.

`parse_prompt(to_prompt(text, task))` is text and task to the letter, `parse_completion` of a
rendered answer its items in order, `parse_relation` of a rendered relation its two names. Answers
written by hand or by a model may also use other bullets, blank lines and stray spaces.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from app.prompts.render import GAP, ROLES
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN, TEMPLATES, Template

# How many places to part a relation item are looked at; a name that needs more is not a name.
_MAX_SPLITS = 16

_LINE_END = re.compile(r"\r\n|\r|\n")
_BULLET = re.compile(r"[-*•\u2013](?![-*])|\d{1,4}[.)](?!\S)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt asks for: `task` in `text`, in the words of `template`."""

    task: Task
    text: str
    template: Template


@dataclass(frozen=True, slots=True)
class Answered:
    """The items of an answer in order, and the numbers (from 1) of lines that are not a list's."""

    items: tuple[str, ...]
    not_understood: tuple[int, ...] = ()


class ChatError(ValueError):
    """A chat row is not a System (or none), a User and a Chatbot turn; the message says how."""


def parse_prompt(prompt: str, templates: Iterable[Template] = TEMPLATES.values()) -> Asked | None:
    """What the prompt asks for, or None if no template says it so.

    White space before the instruction and after the output instruction does not matter.
    """
    trimmed = prompt.strip()
    for template in templates:
        for task in Task:
            wording = template.wording(task)
            before, after = wording.instruction + GAP, GAP + wording.output_instruction
            if (
                trimmed.startswith(before)
                and trimmed.endswith(after)
                and len(trimmed) >= len(before) + len(after)
            ):
                return Asked(task, trimmed[len(before) : -len(after)], template)
    return None


def parse_chat(
    messages: object, templates: Iterable[Template] = TEMPLATES.values()
) -> tuple[Asked | None, str]:
    """What a chat row asks for (None if no template says it so), and its answer.

    The instruction may stand in the System turn or open the User turn. Raises ChatError.
    """
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        raise ChatError("messages must be a list of objects")
    roles = tuple(turn.get("role") for turn in messages)
    contents = [turn.get("content") for turn in messages]
    if roles not in (ROLES, ROLES[1:]):
        raise ChatError("the turns must be System (if any), User and Chatbot, in this order")
    texts = [content for content in contents if isinstance(content, str)]
    if len(texts) < len(contents):
        raise ChatError("every turn needs a string as content")
    *asking, answer = texts
    return parse_prompt(GAP.join(asking), templates), answer


def parse_completion(completion: str) -> Answered:
    """The items of a list with one bullet (`-`, `*`, `•`, `1.`, `1)`) on each line.

    Blank lines, bullets without an item and spaces around items are passed over.
    """
    items, not_understood = [], []
    for number, line in enumerate(_LINE_END.split(completion), start=1):
        line = line.strip()
        bullet = _BULLET.match(line)
        if bullet is None:
            if line:
                not_understood.append(number)
        elif item := line[bullet.end() :].strip():
            items.append(item)
    return Answered(tuple(items), tuple(not_understood))


def parse_relation(
    item: str,
    chemicals: Collection[str] = (),
    diseases: Collection[str] = (),
    template: Template = BUILT_IN,
) -> tuple[str, str] | None:
    """The chemical and the disease that a relation item names, or None if it is not one.

    Names may hold the words in between themselves: the first parting with both sides among the
    known `chemicals` and `diseases` (sets, best) wins, then one with one side known, then the
    first of all.
    """
    best: tuple[str, str] | None = None
    best_known = -1
    for chemical, disease in islice(_partings(item, template), _MAX_SPLITS):
        known = (chemical in chemicals) + (disease in diseases)
        if known > best_known:
            best, best_known = (chemical, disease), known
    return best


def _partings(item: str, template: Template) -> Iterator[tuple[str, str]]:
    """All (chemical, disease) the item can be read as, whatever the case of the words around."""
    before, between, after = template.relation_parts
    lower = item.lower()
    # Lower-casing can change the length (İ): then only the exact words are recognised.
    if len(lower) == len(item):
        before, between, after = before.lower(), between.lower(), after.lower()
    else:
        lower = item
    start, end = len(before), len(item) - len(after)
    if not (lower.startswith(before) and lower.endswith(after)):
        return
    at = lower.find(between, start)
    while at >= 0 and at + len(between) <= end:
        chemical, disease = item[start:at].strip(), item[at + len(between) : end].strip()
        if chemical and disease:
            yield chemical, disease
        at = lower.find(between, at + 1)
