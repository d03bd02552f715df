"""Training files as the chats that generating models are trained on elsewhere.

    {"messages": [{"role": "System", "content": "..."}, {"role": "User", ...}, {"role": "Chatbot",
     ...}]}

is what Cohere's fine-tuning and cohere-finetune both read (`chat-finetune-input`, JSONL). A row of
either format is parted into the turns that extraction asks with later, so that a tuned model is
always asked as it was trained. Trainers leave out what is amiss without a word, or are stuck on it:
so every row is read, checked and written anew, or the file is refused.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from app.backends.base import BackendError
from app.prompts.parse import Asked, ChatError, parse_chat, parse_prompt
from app.prompts.render import to_chat, to_line, to_turns
from app.prompts.templates import TEMPLATES, Template


def chats(source: Path, template: Template) -> Iterator[str]:
    """The lines of the training file as chats, ASCII only; blank ones are passed over.

    Raises BackendError `training_data_refused` (with the line's number, never the text), OSError.
    """
    templates = (template, *TEMPLATES.values())
    with source.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _chat(line, number, templates)


def _chat(line: bytes, number: int, templates: tuple[Template, ...]) -> str:
    try:
        asked, answer = _read(line, templates)
    except (ValueError, RecursionError) as error:
        # Raised anew below: the exception may hold the line.
        fault = str(error) if isinstance(error, ChatError | _RowError) else "it is not JSON"
    else:
        if not answer.strip():
            fault = "its answer is empty"
        else:
            turns = (*to_turns(asked.text, asked.task, asked.template), answer)
            if all(map(_can_be_stored, turns)):
                return to_line(to_chat(*turns))
            fault = "it holds half surrogates or null characters"
    raise refused(f"Line {number} of the training file is not a training row: {fault}.")


def _read(line: bytes, templates: tuple[Template, ...]) -> tuple[Asked, str]:
    match json.loads(line.decode("utf-8")):
        case {"messages": messages}:
            asked, answer = parse_chat(messages, templates)
        case {"prompt": str(prompt), "completion": str(completion)}:
            asked, answer = parse_prompt(prompt, templates), completion
        case _:
            raise _RowError("it is neither a prompt with its completion nor a chat")
    if asked is None:
        raise _RowError("its prompt is in the words of no template")
    return asked, answer


class _RowError(ValueError):
    """What is wrong with a row, in words that hold nothing of it."""


def _can_be_stored(content: str) -> bool:
    """Whether a trainer can write it to a file of its own, and read that again."""
    return "\0" not in content and not any("\ud800" <= each <= "\udfff" for each in content)


def refused(message: str) -> BackendError:
    """The error that says why the data cannot be trained on."""
    return BackendError("training_data_refused", message)
