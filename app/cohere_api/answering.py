"""Our models as models that generate: a prompt in the words of a training file in, a list out.

The list is what the completion of a training row would be: dashed, unique, in order of first
mention. Items a generating model named that the text does not hold are not in it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.cohere_api.calls import Call
from app.cohere_api.cutting import Cut, FinishReason
from app.cohere_api.errors import CohereError
from app.extractions.schemas import Extraction, ExtractionOptions, ExtractionRequest
from app.extractions.service import Limits, check, extract
from app.prompts.parse import Asked, parse_prompt
from app.prompts.render import as_listed, to_completion
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN

_LINES = re.compile(r"\n?[^\n]+|\n")


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated text, why it ends, and the tokens a generating backend has charged for."""

    text: str
    finish_reason: FinishReason
    input_tokens: int
    output_tokens: int

    def pieces(self) -> Iterator[str]:
        """The text item by item, for streams."""
        return (line[0] for line in _LINES.finditer(self.text))

    def usage(self) -> dict[str, dict[str, int]]:
        """The tokens, in Cohere's shape; 0 for models that do not generate."""
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return {"billed_units": tokens, "tokens": tokens}

    def meta(self) -> dict[str, object]:
        """The same as version 1 of Cohere's API has it."""
        return {"api_version": {"version": "1"}, **self.usage()}


async def answer(
    call: Call, readings: Iterable[str], cut: Cut, temperature: float | None
) -> Answer:
    """The model's answer to the first of the `readings` of a prompt that asks for a task.

    Raises CohereError 400 if none does, or if the model was not trained for it; ApiError.
    """
    model = call.model
    asked = next((asks for prompt in readings if (asks := parse_prompt(prompt))), None)
    if asked is None or asked.task not in model.tasks:
        raise _cannot(model.tasks, asked)
    request = ExtractionRequest(
        model=model.id,
        text=asked.text,
        tasks=[asked.task],
        options=ExtractionOptions(temperature=temperature or 0.0),
    )
    texts = check(request, Limits(call.platform.settings.max_text_characters))
    (found,) = await extract(call.platform, model, texts, request)
    text, reason = cut.of(to_completion(_items(found, asked)))
    return Answer(text, reason, found.usage.input_tokens, found.usage.output_tokens)


def _items(found: Extraction, asked: Asked) -> list[str]:
    """What was found, as a training row lists it."""
    if asked.task is Task.RELATIONS:
        before, between, after = asked.template.relation_parts
        items = [
            before + as_listed(relation.chemical) + between + as_listed(relation.disease) + after
            for relation in found.relations or ()
        ]
    else:
        mentioned = found.diseases if asked.task is Task.DISEASES else found.chemicals
        items = [as_listed(item.text) for item in mentioned or ()]
    return list(dict.fromkeys(item for item in items if item))


def _cannot(tasks: Iterable[Task], asked: Asked | None) -> CohereError:
    """The error for a prompt the model has no answer to: it says which ones it has."""
    problem = "the prompt asks for none of them" if asked is None else "the prompt asks for another"
    ways = "; ".join(
        f'"{wording.instruction}", a blank line, the text, a blank line, '
        f'"{wording.output_instruction}"'
        for wording in map(BUILT_IN.wording, sorted(tasks))
    )
    return CohereError(
        400,
        f"invalid request: this model lists {', '.join(sorted(tasks))}; {problem}. "
        f"Word the prompt as its training file does: {ways}. See docs/migrating-from-cohere.md.",
    )
