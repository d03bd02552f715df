"""What has to hold of prompts, answers and of names looked for in a text, whatever they are."""

from contextlib import suppress

from app.prompts.ground import ground
from app.prompts.parse import (
    ChatError,
    parse_chat,
    parse_completion,
    parse_prompt,
    parse_relation,
)
from app.prompts.render import to_completion, to_prompt
from app.prompts.tasks import Task

_PART = "\x1f"  # between the parts of an input
_MOST_ITEMS = 50


def parse(data: bytes) -> None:
    """A text as prompt, answer, chat and relation: what is read of it is written and read again."""
    text = data.decode("utf-8", "replace")
    parts = text.split(_PART)
    if asked := parse_prompt(text):
        assert parse_prompt(to_prompt(asked.text, asked.task, asked.template)) == asked
    for task in Task:
        again = parse_prompt(to_prompt(text, task))
        assert again is not None
        assert (again.task, again.text) == (task, text)
    items = parse_completion(text).items
    assert all(item == item.strip() != "" for item in items)
    listed = parse_completion(to_completion(items))
    assert not listed.not_understood
    assert listed.items == items
    names = set(parts)
    if pair := parse_relation(parts[0], names, names):
        assert all(name == name.strip() != "" for name in pair)
        assert all(name in parts[0] for name in pair)
    roles = ("System", "User", "Chatbot")
    with suppress(ChatError):
        parse_chat([{"role": r, "content": p} for r, p in zip(roles, parts, strict=False)])


def grounded(data: bytes) -> None:
    """The first part is the text, the others are looked for: spans hold and never overlap."""
    text, *items = data.decode("utf-8", "replace").split(_PART)
    items = items[:_MOST_ITEMS]
    found = ground(items, text)
    end = 0
    for span in found.spans:
        assert end <= span.start < span.end <= len(text)
        assert span.item in items
        assert span.match != "exact" or text[span.start : span.end] == span.item
        end = span.end
    assert set(found.ungrounded) == set(items) - {span.item for span in found.spans}
