"""What a model answered, read: names, pairs of names, and warnings about the rest.

Warnings are short stable sentences that begin with the task; they hold numbers, never words of the
answer. An item given twice counts once. Answers are read up to limits that no honest one meets.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.backends.generation.json_answers import read_items
from app.backends.generation.questions import CHEMICAL, DISEASE, Question, Reply
from app.prompts.parse import parse_completion, parse_relation
from app.prompts.tasks import Task
from app.prompts.templates import Template

_T = TypeVar("_T")

_MAX_CHARACTERS = 1_000_000
_MAX_ITEMS = 10_000
_MAX_NUMBERS = 10

# As an only item this is how a model says that there are none: "None of the patients" has no
# disease called "none".
_NOTHING = frozenset({"", "none", "n/a", "nothing", "none mentioned", "none found"})
_LONGEST_NOTHING = 30


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as it was answered: the item's words, and the chemical and disease it names."""

    item: str
    chemical: str
    disease: str


@dataclass(frozen=True, slots=True)
class Names:
    """The answer to a mention task: unique names in order."""

    items: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relations:
    """The answer to the relations task; `not_understood` are the items that name no pair."""

    items: tuple[Relation, ...] = ()
    not_understood: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_names(question: Question, reply: Reply) -> Names:
    """The names of an answer to a mention task."""
    warnings: list[str] = []
    if question.schema is None:
        items = _listed(question.task, reply, warnings)
    else:
        items, odd = [], []
        for number, value in enumerate(_values(question.task, reply, warnings), start=1):
            if not isinstance(value, str):
                odd.append(number)
            elif name := _valid(value).strip():
                items.append(name)
        _report_odd(question.task, odd, warnings)
    return Names(tuple(dict.fromkeys(items)), tuple(warnings))


def read_relations(
    question: Question,
    reply: Reply,
    template: Template,
    chemicals: Collection[str],
    diseases: Collection[str],
) -> Relations:
    """The pairs of an answer to the relations task.

    The known names (sets, best) tell where the chemical ends in an item of a list that could be
    parted in several ways.
    """
    warnings: list[str] = []
    found: dict[tuple[str, str], Relation] = {}
    odd, not_understood = [], []
    if question.schema is None:
        for number, item in enumerate(_listed(question.task, reply, warnings), start=1):
            if pair := parse_relation(item, chemicals, diseases, template):
                found.setdefault(pair, Relation(item, *pair))
            else:
                not_understood.append(item)
                odd.append(number)
    else:
        before, between, after = template.relation_parts
        for number, value in enumerate(_values(question.task, reply, warnings), start=1):
            if pair := _pair(value):
                item = before + pair[0] + between + pair[1] + after
                found.setdefault(pair, Relation(item, *pair))
            else:
                odd.append(number)
    _report_odd(question.task, odd, warnings)
    return Relations(tuple(found.values()), tuple(dict.fromkeys(not_understood)), tuple(warnings))


def _pair(value: object) -> tuple[str, str] | None:
    if not isinstance(value, dict):
        return None
    chemical, disease = value.get(CHEMICAL), value.get(DISEASE)
    if not (isinstance(chemical, str) and isinstance(disease, str)):
        return None
    pair = _valid(chemical).strip(), _valid(disease).strip()
    return pair if all(pair) else None


def _listed(task: Task, reply: Reply, warnings: list[str]) -> Sequence[str]:
    """The items of a dashed list."""
    text, cut = _bounded(task, reply, warnings)
    if cut:
        # The beginning of a name that was cut off may be another name ("lead", "hepatic").
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    if _means_none(text):
        return ()
    answered = parse_completion(text)
    if answered.not_understood:
        numbers = _numbers(answered.not_understood)
        warnings.append(f"{task}: lines of the answer are not items of a list: {numbers}")
    return _limited(task, answered.items, warnings)


def _values(task: Task, reply: Reply, warnings: list[str]) -> Sequence[object]:
    """The items of a JSON answer, as they are."""
    text, cut = _bounded(task, reply, warnings)
    found = read_items(text, task)
    if found is None:
        if not cut:
            warnings.append(f"{task}: the answer is not the JSON that was asked for")
        return ()
    if not found.whole and not cut:
        warnings.append(f"{task}: the JSON of the answer breaks off; items may be missing")
    return _limited(task, found.values, warnings)


def _bounded(task: Task, reply: Reply, warnings: list[str]) -> tuple[str, bool]:
    """The answer as far as it is read, and whether there was more to come."""
    too_long = len(reply.text) > _MAX_CHARACTERS
    if reply.truncated:
        warnings.append(f"{task}: the answer was cut off at the token limit; items may be missing")
    elif too_long:
        warnings.append(f"{task}: the answer is too long; only its beginning was read")
    return _valid(reply.text[:_MAX_CHARACTERS]), reply.truncated or too_long


def _limited(task: Task, items: Sequence[_T], warnings: list[str]) -> Sequence[_T]:
    """The items that are looked at: none if the only one says so."""
    if len(items) == 1 and isinstance(items[0], str) and _means_none(items[0]):
        return ()
    if len(items) > _MAX_ITEMS:
        warnings.append(
            f"{task}: the answer has more than {_MAX_ITEMS} items; the rest is left out"
        )
    return items[:_MAX_ITEMS]


def _report_odd(task: Task, numbers: Sequence[int], warnings: list[str]) -> None:
    if numbers:
        warnings.append(f"{task}: items are not of the form asked for: {_numbers(numbers)}")


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MAX_NUMBERS]))
    more = len(numbers) - _MAX_NUMBERS
    return f"{shown} and {more} more" if more > 0 else shown


def _means_none(text: str) -> bool:
    return len(text) <= _LONGEST_NOTHING and text.strip(" \r\n\t-*.()").casefold() in _NOTHING


def _valid(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can spell and UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
