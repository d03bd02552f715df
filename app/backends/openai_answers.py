"""What OpenAI-compatible servers answer, checked: the SDK takes whatever comes."""

from collections.abc import Mapping, Sequence

from app.backends.base import BaseModelInfo
from app.backends.generation import Reply
from app.prompts.tasks import Task


class MalformedError(Exception):
    """An answer of success that does not hold what it should."""


def read_reply(answer: object) -> Reply:
    """What a chat completion says. Raises MalformedError."""
    choices = getattr(answer, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise MalformedError
    content = getattr(getattr(choices[0], "message", None), "content", None)
    if not isinstance(content, str):
        raise MalformedError
    usage = getattr(answer, "usage", None)
    return Reply(
        _without_thoughts(content),
        truncated=getattr(choices[0], "finish_reason", None) == "length",
        input_tokens=_count(getattr(usage, "prompt_tokens", None)),
        output_tokens=_count(getattr(usage, "completion_tokens", None)),
    )


def _without_thoughts(content: str) -> str:
    """The answer without what a reasoning model writes before it, if its server leaves it there."""
    answer = content.rpartition("</think>")[2]
    return "" if answer.lstrip().startswith("<think>") else answer


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def read_models(listed: object, backend: str) -> Sequence[BaseModelInfo]:
    """The models of a list. Raises MalformedError."""
    models = getattr(listed, "data", None)
    if not isinstance(models, list):
        raise MalformedError
    names = [name for model in models if isinstance(name := getattr(model, "id", None), str)]
    return [
        BaseModelInfo(name, f"Served by {backend}; untrained for extraction.", frozenset(Task))
        for name in dict.fromkeys(names)
        if name
    ]


def read_message(body: object) -> str:
    """What the server said, in the forms of OpenAI, vLLM, Ollama and FastAPI."""
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) else ""
    return " ".join(str(body[key]) for key in ("message", "code", "type", "detail") if key in body)
