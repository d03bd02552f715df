"""The rows of a training file as the container wants them: chats, each on a line, none amiss.

The container leaves out what is not valid without a word, and on some faults (a broken or blank
line, a half surrogate) its thread dies and it is `in progress` for ever: so every row is read,
checked and written anew, or the file is refused.

    {"messages": [{"role": "System", "content": "..."}, {"role": "User", ...}, {"role": "Chatbot",
     ...}]}
"""

import json
import threading
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from app.backends.base import BackendError
from app.prompts.parse import Asked, ChatError, parse_chat, parse_prompt
from app.prompts.render import ROLES, to_line, to_turns
from app.prompts.templates import TEMPLATES, Template

# Rows beyond 16,384 tokens are left out; no tokeniser is here to count, four characters is usual.
LONGEST_ROW = 16_384 * 4


class Written(NamedTuple):
    """What became of a file's rows: written, left out as duplicates, and very long ones."""

    rows: int
    duplicates: int
    long: int


def write_chats(
    source: Path, target: Path, template: Template, stopped: threading.Event
) -> Written:
    """Write the rows of `source` (either row format) as chats to `target`, each once.

    Raises BackendError `training_data_refused` (with the line, never the text), OSError, and
    InterruptedError once `stopped` is set.
    """
    seen: set[bytes] = set()
    duplicates = long = 0
    with target.open("x", encoding="ascii") as out:
        for number, line in _lines(source):
            if stopped.is_set():
                raise InterruptedError("stopped")
            chat = _chat(line, number, template)
            digest = blake2b(chat.encode("ascii"), digest_size=16).digest()
            if digest in seen:
                duplicates += 1
                continue
            seen.add(digest)
            long += len(line) > LONGEST_ROW
            out.write(chat)
    return Written(len(seen), duplicates, long)


def _lines(source: Path) -> Iterator[tuple[int, str]]:
    with source.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError:
                raise refused(f"Line {number} is not UTF-8.") from None
            if line.strip():
                yield number, line


def _chat(line: str, number: int, template: Template) -> str:
    asked, answer = _read(line, number, template)
    if asked is None:
        raise refused(f"The prompt of line {number} is in the words of no template.")
    if not answer.strip():
        raise refused(f"The answer of line {number} is empty.")
    turns = (*to_turns(asked.text, asked.task, asked.template), answer)
    if not all(map(_can_be_stored, turns)):
        raise refused(f"Line {number} holds half surrogates or null characters.")
    messages = [
        {"role": role, "content": content} for role, content in zip(ROLES, turns, strict=True)
    ]
    return to_line({"messages": messages})


def _read(line: str, number: int, template: Template) -> tuple[Asked | None, str]:
    templates = (template, *TEMPLATES.values())
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise refused(f"Line {number} is not JSON.") from None
    match row:
        case {"messages": messages}:
            try:
                return parse_chat(messages, templates)
            except ChatError as error:
                raise refused(f"Line {number}: {error}.") from None
        case {"prompt": str(prompt), "completion": str(completion)}:
            return parse_prompt(prompt, templates), completion
    raise refused(f"Line {number} is neither a prompt with its completion nor a chat.")


def _can_be_stored(content: str) -> bool:
    """Whether the container can write it to its CSV file, and read that again."""
    return "\0" not in content and not any("\ud800" <= each <= "\udfff" for each in content)


def refused(message: str) -> BackendError:
    """The error that says why the data cannot be trained on."""
    return BackendError("training_data_refused", message)
