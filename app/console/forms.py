"""Forms: what was typed is read as the API's own requests are, and kept if it is refused.

A field is called as its JSON pointer is, with dots: what is wrong with `/hyperparameters/seed` is
shown at the field `hyperparameters.seed`, and what is wrong with `/tasks/0` at `tasks`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from app.platform.errors import ApiError
from app.platform.problem_json import field_errors

Asked = TypeVar("Asked", bound=BaseModel)


class Form:
    """Values of a form's fields, and what is wrong with them if it was refused."""

    def __init__(
        self, values: Mapping[str, Sequence[str]] | None = None, error: ApiError | None = None
    ) -> None:
        self._values = values or {}
        self.error = error

    @property
    def status(self) -> int:
        """The status that a page with this form is answered with."""
        return 200 if self.error is None else self.error.meaning.status

    def refused(self, error: ApiError) -> "Form":
        """The same, with what is wrong with it."""
        return Form(self._values, error)

    def text(self, name: str, default: str = "") -> str:
        """What was typed into a field."""
        return next(iter(self._values.get(name, [])), default)

    def all(self, name: str) -> Sequence[str]:
        """What was typed into each of several fields of one name."""
        return self._values.get(name, [])

    def chosen(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """What was ticked, without what was left empty; `default` in a form not yet filled in."""
        if not self._values:
            return list(default)
        return [value for value in self._values.get(name, []) if value]

    def given(self, *names: str) -> dict[str, str]:
        """The fields of these that were not left empty."""
        return {name: text for name in names if (text := self.text(name).strip())}

    def faults(self, name: str) -> list[str]:
        """What is wrong with a field, in sentences."""
        return [each.detail for each in self._errors() if _is_of(_dotted(each.pointer), name)]

    def others(self, names: Sequence[str]) -> list[str]:
        """What is wrong with none of these fields."""
        return [
            each.detail
            for each in self._errors()
            if not any(_is_of(_dotted(each.pointer), name) for name in names)
        ]

    def _errors(self) -> Sequence[Any]:
        return () if self.error is None else self.error.errors


async def read_form(request: Request, most_fields: int = 1000) -> Form:
    """The fields of a request's body; files are left out. Raises ApiError `malformed_request`."""
    try:
        async with request.form(max_fields=most_fields) as form:
            return _collected(form.multi_items())
    except (UnicodeError, LookupError):  # of a charset that the body, or this machine, has not
        raise ApiError("malformed_request", "The form's text cannot be read.") from None


def read_query(request: Request) -> Form:
    """The fields in a request's address."""
    return _collected(request.query_params.multi_items())


def validated(model: type[Asked], values: Mapping[str, object]) -> Asked:
    """A request of the API's from a form's values. Raises ApiError `invalid_request`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = field_errors([dict(fault) for fault in error.errors(include_url=False)])
        detail = "The form is not valid."
        raise ApiError("invalid_request", detail, errors=faults) from None


def _collected(items: Any) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in items:
        if isinstance(value, str):
            value.encode()  # no half of a surrogate pair
            values.setdefault(name, []).append(value)
    return Form(values)


def _dotted(pointer: str) -> str:
    return pointer.strip("/").replace("/", ".")


def _is_of(dotted: str, name: str) -> bool:
    """Whether it is the field's own, or that of an element of its list."""
    if dotted == name:
        return True
    rest = dotted.removeprefix(f"{name}.")
    return rest != dotted and rest.isdigit()
