"""Training files to the rows that Cohere's chat fine-tuning reads.

A row is `{"messages": [{"role", "content"}, ...]}` with the roles System, User and Chatbot (type
`chat-finetune-input`, JSONL). A prompt is parted into the turns that extraction asks with later,
so that a tuned model is always asked as it was trained.
"""

import json
from pathlib import Path
from typing import IO, Any

from app.backends.base import BackendError
from app.prompts.parse import parse_prompt
from app.prompts.render import ROLES, to_line, to_turns
from app.prompts.templates import Template


def write_chat_rows(source: Path, target: IO[bytes], template: Template) -> None:
    """Write the rows of a training file, of either row format, as chat rows; line by line.

    Raises BackendError `training_data_refused` for a line that is neither.
    """
    with source.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                target.write(to_line(_chat_row(line, number, template)).encode())


def _chat_row(line: bytes, number: int, template: Template) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if "messages" in row:
            return {"messages": row["messages"]}
        prompt, completion = row["prompt"], row["completion"]
        asked = parse_prompt(prompt, (template,))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without the exception as context: it may quote the line.
        asked = completion = prompt = None
    if not isinstance(completion, str):
        raise BackendError(
            "training_data_refused", f"Line {number} of the training file is not a training row."
        )
    turns = [*to_turns(asked.text, asked.task, template)] if asked else [prompt]
    contents = [*turns, completion]
    messages = [
        {"role": role, "content": content}
        for role, content in zip(ROLES[-len(contents) :], contents, strict=True)
    ]
    return {"messages": messages}
