"""What a generating model is asked, one task about one text at a time.

A tuned model is asked in the words it was trained with and nothing else. A base model knows no
form, so the system turn tells it one: a dashed list as the training files have it, or JSON by a
schema. The schemas keep to what Cohere's structured output and OpenAI's strict mode both take: an
object at the top, every object with required properties and no others, no limits of length.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.backends.base import ExtractOptions
from app.prompts.render import BULLET, GAP, to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN, CHEMICAL_SLOT, DISEASE_SLOT, Template

CHEMICAL, DISEASE = "chemical", "disease"  # the properties of a relation


@dataclass(frozen=True, slots=True)
class Question:
    """One task about one text; `schema` is the JSON Schema of the answer, None for a dashed list.

    A server that is given the schema must be told it by name; `task` is a good one.
    """

    task: Task
    system: str
    user: str
    schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said; `truncated` means that it had to stop at its token limit."""

    text: str
    truncated: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


def wording(options: ExtractOptions) -> Template:
    """The template that the answers are written after."""
    return options.template or BUILT_IN


def asks_for_json(options: ExtractOptions, json_mode: bool) -> bool:
    """Whether answers are asked for as JSON; `json_mode`: the model can be held to a schema.

    A tuned model knows nothing but lists, whatever the mode.
    """
    if options.template is not None:
        return False
    return options.mode == "json" or (options.mode == "auto" and json_mode)


def ask(text: str, task: Task, options: ExtractOptions, *, json_mode: bool) -> Question:
    """The question for `task` about `text`."""
    system, user = to_turns(text, task, wording(options))
    if asks_for_json(options, json_mode):
        # Its user turn would end in "List of ...:", which leads away from JSON.
        user = f"{text}{GAP}JSON object of the extracted {task}:"
        return Question(task, system + GAP + _JSON_FORMS[task], user, _SCHEMAS[task])
    if options.template is None:
        system += GAP + _LIST_FORMS[task]
    return Question(task, system, user, None)


_ITEM = {
    Task.DISEASES: "each disease exactly as it is spelt in the article, without its context",
    Task.CHEMICALS: "each chemical or drug exactly as it is spelt in the article, without its dose",
    Task.RELATIONS: "each pair of a chemical and a disease that the article says the chemical "
    "causes or worsens, both exactly as they are spelt in the article",
}


def _list_form(task: Task) -> str:
    shape = ""
    if task is Task.RELATIONS:
        filled = BUILT_IN.relation_item.replace(CHEMICAL_SLOT, "X").replace(DISEASE_SLOT, "Y")
        shape = f", as `{filled}`"
    return (
        f"Answer with the list alone: {_ITEM[task]}{shape}; one item a line, each line beginning "
        f"with `{BULLET}`, no item twice, in order of first mention, no heading and no comments. "
        f"If there are none, answer with a single `{BULLET.strip()}`."
    )


def _json_form(task: Task) -> str:
    item = f'{{"{CHEMICAL}": "X", "{DISEASE}": "Y"}}' if task is Task.RELATIONS else '"X"'
    return (
        f'Answer with one JSON object alone, of the form {{"{task}": [{item}, ...]}}: '
        f"{_ITEM[task]}; no item twice, in order of first mention, no comments. "
        f'If there are none, answer with {{"{task}": []}}.'
    )


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(task: Task) -> dict[str, Any]:
    name = {"type": "string"}
    item = _object({CHEMICAL: name, DISEASE: name}) if task is Task.RELATIONS else name
    return _object({task.value: {"type": "array", "items": item}})


_LIST_FORMS = {task: _list_form(task) for task in Task}
_JSON_FORMS = {task: _json_form(task) for task in Task}
_SCHEMAS = {task: _schema(task) for task in Task}
